//! What a wrong network in time ends with: one problem, at its place, that says what was expected and how to mend it.

use crate::scenario_bad_input::problems_of;

/// (what the user wrote, with a § where the problem is, the good rest of the file, what the message says)
type Row = (&'static str, &'static str, &'static [&'static str]);

const POLICY: &str = "[policy]\nt0 = 4\ntk = 6\n";
const ROUND: &str = "[[device]]\nprompt = \"a dog\"\n[policy]\nt0 = 4\ntk = 6\n";
const IN_TIME: &str = "[demand]\narrivals = { kind = \"poisson\", rate_hz = 1 }\nrequests = 9\n[[device]]\nprompt = \"a dog\"\n[policy]\nt0 = 4\ntk = 6\n";
const DEMAND: &str =
    "[demand]\narrivals = { kind = \"poisson\", rate_hz = 1 }\nrequests = 9\n[policy]\nt0 = 4\ntk = 6\n";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // what means nothing in a round
    ("§[grouping]\nwindow_s = 1\n", ROUND, &["[grouping] does not go with a scenario without [demand]", "take it away, or say who asks for pictures and when: [demand] arrivals = ", "rate_hz = 0.5"]),
    ("§[cache]\n", ROUND, &["[cache] does not go with a scenario without [demand]", "requests = 1000"]),
    ("§[mobility]\n", ROUND, &["[mobility] does not go with a scenario without [demand]"]),
    ("§[[fault]]\nkind = \"leader-loss\"\nat_s = [1]\n[[fault]]\nkind = \"leader-loss\"\nat_s = [2]\n", ROUND, &["[[fault]] does not go with a scenario without [demand]"]),
    ("§[recovery]\ntimeout_s = 1\n", ROUND, &["[recovery] does not go with a scenario without [demand]"]),
    ("§[analysis]\nbatches = 9\n", ROUND, &["[analysis] does not go with a scenario without [demand]"]),
    ("[server]\n§workers = 2\n", ROUND, &["`workers` does not go with a scenario without [demand]", "rate_hz = 0.5"]),
    ("[server]\n§queue = \"fifo\"\n", ROUND, &["`queue` does not go with a scenario without [demand]"]),
    ("[radio]\nmultiple_access = \"ofdma\"\n§channels = 2\n", ROUND, &["`channels` does not go with a scenario without [demand]"]),
    ("[[device]]\nprompt = \"a\"\n§battery_j = 2\n", POLICY, &["`battery_j` does not go with a scenario without [demand]"]),
    ("[[device]]\nprompt = \"a\"\n§priority = 2\n", POLICY, &["`priority` does not go with a scenario without [demand]"]),
    ("[[device]]\nprompt = \"a\"\n§shares_latents = true\n", POLICY, &["`shares_latents` does not go with a scenario without [demand]"]),
    // demand
    ("demand = §5\n", ROUND, &["`demand` is a whole number, not a table"]),
    ("§[demand]\nrequests = 9\n", ROUND, &["[demand] lacks `arrivals`", "kind = \"poisson\""]),
    ("[demand]\narrivals = §{ kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["[demand] has no end", "`requests` nor `duration_s`", "requests = 1000"]),
    ("[demand]\nrequests = 9\narrivals = §{ rate_hz = 1 }\n", ROUND, &["`arrivals` lacks `kind`", "\"closed-loop\""]),
    ("[demand]\nrequests = 9\narrivals = §\"poisson\"\n", ROUND, &["kind \"poisson\" lacks `rate_hz`", "above 0 in Hz", "rate_hz = 0.5"]),
    ("[demand]\nrequests = 9\narrivals = { kind = §\"poison\", rate_hz = 1 }\n", ROUND, &["`arrivals` = \"poison\" is not known", "did you mean \"poisson\"?"]),
    ("[demand]\nrequests = 9\narrivals = { kind = \"poisson\", rate_hz = §0 }\n", ROUND, &["`rate_hz` = 0 is out of range"]),
    ("[demand]\nrequests = 9\narrivals = { kind = \"poisson\", rate_hz = §nan }\n", ROUND, &["`rate_hz` = nan is not a finite number"]),
    ("[demand]\nrequests = 9\narrivals = { kind = \"poisson\", rate_hz = 1, §interval_s = 1 }\n", ROUND, &["unknown key `interval_s` in `arrivals` of kind \"poisson\""]),
    ("[demand]\nrequests = 9\narrivals = { kind = §\"gamma\", rate_hz = 1 }\n", ROUND, &["lacks `coefficient_of_variation`", "coefficient_of_variation = 2.0"]),
    ("[demand]\nrequests = 9\narrivals = { kind = \"mmpp\", rates_hz = §[0, 0], sojourns_s = [1, 1] }\n", ROUND, &["`rates_hz` are both 0: nobody ever asks"]),
    ("[demand]\nrequests = 9\narrivals = { kind = \"mmpp\", rates_hz = §[1], sojourns_s = [1, 1] }\n", ROUND, &["`rates_hz` has 1 numbers", "one for each state"]),
    ("[demand]\nrequests = 9\narrivals = { kind = \"mmpp\", rates_hz = [1, 2], sojourns_s = [1, §0] }\n", ROUND, &["`sojourns_s` = 0 is out of range", "above 0 in s"]),
    ("[demand]\nrequests = 9\narrivals = { kind = \"mmpp\", rates_hz = §2, sojourns_s = [1, 1] }\n", ROUND, &["`rates_hz` is a whole number", "a list of two numbers"]),
    ("[demand]\nrequests = 9\narrivals = { kind = \"deterministic\", interval_s = §-1 }\n", ROUND, &["`interval_s` = -1 is out of range"]),
    ("[demand]\nrequests = 9\narrivals = { kind = \"closed-loop\", think_time_s = §0 }\n", ROUND, &["`think_time_s` = 0 is out of range"]),
    ("[demand]\nrequests = 9\n§stream = \"device\"\narrivals = { kind = \"closed-loop\", think_time_s = 1 }\n", ROUND, &["`stream` does not go with arrivals of kind \"closed-loop\"", "a stream of its own"]),
    ("[demand]\narrivals = { kind = §\"trace\" }\n", ROUND, &["kind \"trace\" lacks `file`", "requests.csv"]),
    ("[demand]\narrivals = { kind = \"trace\", file = §\"no/such.csv\" }\n", ROUND, &["no/such.csv", "a CSV file of requests"]),
    ("[demand]\nrequests = §0\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["`requests` = 0 is out of range", "1 to 1000000000"]),
    ("[demand]\nrequests = §1e6\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["is a fractional number", "write 1000000,"]),
    ("[demand]\nduration_s = §inf\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["inf is not a finite number"]),
    ("[demand]\nrequests = 9\nstream = §\"users\"\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["\"population\" or \"device\""]),
    ("[demand]\nrequests = 9\n§zipf_exponent = 1\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["`zipf_exponent` does not go with prompts = \"own\"", "most popular first"]),
    ("[demand]\nrequests = 9\nprompts = §[]\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["`prompts` is an empty list"]),
    ("[demand]\nrequests = 9\nprompts = [\"a\", §\"a\"]\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["`prompts` holds \"a\" twice", "each text once"]),
    ("[demand]\nrequests = 9\nprompts = [\"a\", §\" \"]\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["`prompts` holds an empty text"]),
    ("[demand]\nrequests = 9\nprompts = [\"a\", §3]\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["`prompts` is a whole number", "a string in quotes"]),
    ("[demand]\nrequests = 9\nprompts = §3\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["`prompts` is a whole number", "\"own\", \"list\", \"file\" or \"grammar\", a list, or a table with that `kind`"]),
    ("[demand]\nrequests = 9\nprompts = §\"list\"\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["kind \"list\" lacks `prompts`"]),
    ("[demand]\nrequests = 9\nprompts = { kind = \"grammar\", templates = [\"a {object}\", §\"a dog\"] }\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["the template \"a dog\" has no place for an object", "`{object}` once"]),
    ("[demand]\nrequests = 9\nprompts = { kind = \"grammar\", templates = [§\"{object} and {object}\"] }\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["has places for 2 objects"]),
    ("[demand]\nrequests = 9\npatience = §0\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["`patience` = 0 is out of range", "above 0 in s"]),
    ("[demand]\nrequests = 9\npatience = §true\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["`patience` is a truth value", "a number, or a table with that `kind`"]),
    ("[demand]\nrequests = 9\npatience = { kind = §\"exponential\" }\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["lacks `mean_s`", "mean_s = 20.0"]),
    ("[demand]\nrequests = 9\nretry_delay_s = §-1\narrivals = { kind = \"poisson\", rate_hz = 1 }\n", ROUND, &["`retry_delay_s` = -1 is out of range"]),
    // server, groups, cache
    ("[server]\nworkers = §0\n", IN_TIME, &["`workers` = 0 is out of range", "from 1 to 1000000"]),
    ("[server]\nqueue = §\"edf\"\n", IN_TIME, &["\"fifo\", \"priority\" or \"earliest-deadline\""]),
    ("[server]\nqueue_capacity = §-1\n", IN_TIME, &["`queue_capacity` = -1 is out of range", "at least 0"]),
    ("[server]\nstep_time_cv = §nan\n", IN_TIME, &["nan is not a finite number"]),
    ("[server]\nadmission = §\"deadline\"\n", IN_TIME, &["no request has a deadline", "deadline_s = 30.0"]),
    ("[server]\nprofile = §\"no/such.toml\"\n", ROUND, &["no/such.toml", "a profile of hardware"]),
    ("[grouping]\nsimilarity_threshold = §2.5\n", IN_TIME, &["`similarity_threshold` = 2.5 is out of range", "from -1 to 2"]),
    ("[grouping]\nmaximum_size = §0\n", IN_TIME, &["`maximum_size` = 0 is out of range"]),
    ("[cache]\neviction = §\"lcfu\"\n", IN_TIME, &["did you mean \"lfu\"?"]),
    ("[cache]\ncapacity_bytes = §1e6\n", IN_TIME, &["is a fractional number"]),
    ("[cache]\ntime_to_live = §60\n", IN_TIME, &["`time_to_live` is a whole number", "\"reset\" or \"fixed\", or a table with that `kind`"]),
    ("[cache]\ntime_to_live = { kind = \"fixed\", time_s = §0 }\n", IN_TIME, &["`time_s` = 0 is out of range"]),
    ("[cache]\nsteps = [2, §12]\n", IN_TIME, &["`steps` holds 12, but a chain has 11 steps", "`diffusion.steps`"]),
    ("[cache]\nsteps = [2, §2]\n", IN_TIME, &["`steps` holds 2 behind 2", "ascending"]),
    ("[cache]\nsteps = §[]\n", IN_TIME, &["`steps` is an empty list", "enabled = false"]),
    ("[cache]\nthresholds = §[0.9]\n", IN_TIME, &["`thresholds` are given without `steps`"]),
    ("[cache]\nsteps = [1, 2]\nthresholds = §[0.9]\n", IN_TIME, &["`thresholds` has 1 numbers for 2 `steps`"]),
    ("[cache]\nsteps = [1]\nthresholds = [§nan]\n", IN_TIME, &["nan is not a finite number"]),
    ("[cache]\ndivergence = §0\n", IN_TIME, &["`divergence` = 0 is out of range", "above 0"]),
    ("[cache]\nenabled = §\"no\"\n", IN_TIME, &["`enabled` is a string", "true or false"]),
    ("[sweep]\n\"cache.enabled\" = [true, §3]\n", IN_TIME, &["`enabled` is a whole number", "at point 1"]),
    // architecture and places
    ("[architecture]\nkind = §\"d2d\"\n", ROUND, &["\"edge\", \"device-to-device\" or \"cluster\""]),
    ("[architecture]\nrelay_steps = §-1\n", ROUND, &["`relay_steps` = -1 is out of range"]),
    ("[architecture]\ndevice_distance_m = §0\n", ROUND, &["above 0 in m"]),
    ("[architecture]\npath_loss = { kind = \"log-distance\", exponent = §-2 }\n", ROUND, &["`exponent` = -2 is out of range"]),
    ("§[[cell]]\ny_m = 0\n", ROUND, &["[[cell]] lacks `x_m`"]),
    ("[[cell]]\nx_m = 0\ny_m = §inf\n", ROUND, &["inf is not a finite number"]),
    ("[[cell]]\nname = \"a\"\nx_m = 0\ny_m = 0\n[[cell]]\nname = §\"A\"\nx_m = 0\ny_m = 0\n", ROUND, &["two cells are called \"A\""]),
    ("[[cell]]\nname = §\"a.b\"\nx_m = 0\ny_m = 0\n", ROUND, &["`name` = \"a.b\" holds a dot"]),
    ("[cell]\nx_m = 0\ny_m = 0\n", ROUND, &["`cell` is a table, not a list of tables", "double brackets"]),
    ("[[cell]]\nx_m = 0\ny_m = 0\n[§cells]\ncount = 4\nspacing_m = 1\n", ROUND, &["[cells] does not go with [[cell]]", "only one of the two"]),
    ("§[cells]\ncount = 4\n", ROUND, &["[cells] lacks `spacing_m`"]),
    ("[cells]\ncount = §0\nspacing_m = 1\n", ROUND, &["`count` = 0 is out of range"]),
    ("[mobility]\n§speed_min_mps = 1\n", IN_TIME, &["`speed_min_mps` does not go with mobility of kind \"static\", the default"]),
    ("§[mobility]\nkind = \"random-waypoint\"\nspeed_max_mps = 1\n", IN_TIME, &["[mobility] lacks `speed_min_mps`"]),
    ("[mobility]\nkind = \"random-waypoint\"\nspeed_min_mps = §0\nspeed_max_mps = 1\n", IN_TIME, &["above 0 in m/s"]),
    ("[mobility]\nkind = \"random-waypoint\"\nspeed_min_mps = 2\nspeed_max_mps = §1\n", IN_TIME, &["`speed_max_mps` = 1 is below `speed_min_mps` = 2"]),
    ("[mobility]\nkind = \"trace\"\nfile = §\"no/such.csv\"\n", IN_TIME, &["no/such.csv", "a CSV file of positions"]),
    // many devices
    ("[[device]]\nprompt = \"a\"\ncount = §0\n", POLICY, &["`count` = 0 is out of range", "from 1 to 1000000"]),
    ("§[[device]]\nprompt = \"a\"\ncount = 600000\n[[device]]\nprompt = \"a\"\ncount = 600000\n", POLICY, &["1200000 devices are too many", "at most 1000000"]),
    ("[[device]]\nprompt = \"a\"\nname = \"phone\"\ncount = 10\n[[device]]\nprompt = \"a\"\nname = §\"Phone-03\"\n", POLICY, &["two devices are called \"Phone-03\"", "device number 1"]),
    ("[[device]]\nprompt = \"a\"\ncount = 5\n[[device]]\nprompt = \"a\"\n[policy]\nt0 = 4\ntk = §[1, 2, 3]\n", "", &["`tk` has 3 values for 2 [[device]] tables", "write 2 values"]),
    ("[[device]]\nprompt = \"a\"\ncount = 5\n[policy]\nt0 = 0\ntk = §0\n", "", &["both 0 for \"device-1\""]),
    ("[[device]]\nprompt = \"a\"\nx_m = §5\n", POLICY, &["`x_m` is given without `y_m`", "y_m = 0.0"]),
    ("[[device]]\nprompt = \"a\"\nx_m = 5\ny_m = 5\n§distance_max_m = 5\n", POLICY, &["`distance_max_m` does not go with a place given by `x_m` and `y_m`"]),
    ("[[device]]\nprompt = \"a\"\nplacement = \"area\"\n§distance_max_m = 900\n", POLICY, &["`distance_max_m` does not go with placement = \"area\""]),
    ("[[device]]\nprompt = \"a\"\ndistance_m = 400\ndistance_max_m = §300\n", POLICY, &["`distance_max_m` = 300 is below `distance_m` = 400", "at least 400 in m"]),
    ("[[device]]\nprompt = \"a\"\ndistance_max_m = §300\n", POLICY, &["`distance_max_m` = 300 is below `distance_m` = 500, the default"]),
    ("[judge]\nkind = \"surface\"\nsimilarity = §[0.6, 1.0]\n[cache]\n[grouping]\nsimilarity_threshold = 0.5\n", IN_TIME, &["a range of `similarity` does not go with [cache]", "one number"]),
    ("[judge]\nkind = \"surface\"\nsimilarity = §[0.6, 1.0]\n[grouping]\nwindow_s = 5\n", IN_TIME, &["a range of `similarity` does not go with groups by the similarity of any two prompts", "similarity_threshold = 0.6", "window_s = 0.0"]),
    ("[judge]\nkind = \"surface\"\nsimilarity = §[0.6, 1.0]\n[grouping]\nwindow_s = 5\nsimilarity_threshold = 0.7\n", IN_TIME, &["a range of `similarity` does not go with groups"]),
    ("[[device]]\nprompt = \"a\"\nx_m = 5\ny_m = 5\n§distance_m = 5\n", POLICY, &["`distance_m` does not go with a place given by `x_m` and `y_m`"]),
    ("[[device]]\nprompt = \"a\"\nplacement = §\"disc\"\n", POLICY, &["\"distance\" or \"area\""]),
    ("[[device]]\nprompt = \"a\"\n§recharge_w = 5\n", DEMAND, &["`recharge_w` does not go with a device without `battery_j`"]),
    ("[[device]]\nprompt = \"a\"\nbattery_j = §0\n", DEMAND, &["`battery_j` = 0 is out of range", "above 0 in J"]),
    ("[[device]]\nprompt = \"a\"\npriority = §1.5\n", DEMAND, &["`priority` is a fractional number", "from -2147483648 to 2147483647"]),
    // radio
    ("[radio]\nmultiple_access = §\"ofdma\"\n", IN_TIME, &["`channels` is not given", "channels = 8"]),
    ("[radio]\n§channels = 2\n", IN_TIME, &["`channels` does not go with multiple_access = \"tdma\""]),
    ("[radio]\nfading_process = §\"block\"\n", ROUND, &["`coherence_time_s` is not given", "coherence_time_s = 0.05"]),
    ("[radio]\n§coherence_time_s = 2\n", ROUND, &["`coherence_time_s` does not go with fading_process = \"per-latent\""]),
    ("[radio]\nfading_process = \"block\"\ncoherence_time_s = §0\n", ROUND, &["the gain would change within each symbol", "above 0 in s", "per-latent"]),
    ("[radio]\nfading_process = \"block\"\ncoherence_time_s = §-1\n", ROUND, &["`coherence_time_s` = -1 is out of range"]),
    ("[radio]\nnoise_rise_db = §-1\n", ROUND, &["`noise_rise_db` = -1 is out of range"]),
    ("[radio]\nprotection = §\"crc\"\n", ROUND, &["`protection` = \"crc\" is not known", "\"harq-incremental-redundancy\""]),
    ("[radio]\nprotection = { kind = \"fec\", code_rate = §1 }\n", ROUND, &["`code_rate` = 1 is out of range", "above 0 and below 1"]),
    ("[radio]\nprotection = { kind = \"arq\", §code_rate = 0.5 }\n", ROUND, &["unknown key `code_rate` in `protection` of kind \"arq\""]),
    ("[radio]\nprotection = { kind = §\"unequal\" }\n", ROUND, &["lacks `protected_bits`", "from 1 to 7"]),
    ("[radio]\nprotection = { kind = \"unequal\", protected_bits = §8 }\n", ROUND, &["`protected_bits` = 8 of the 8 bits of \"int8\"", "kind = \"fec\""]),
    ("[radio]\nprotection = { kind = \"unequal\", protected_bits = §8 }\n[sweep]\n\"diffusion.codec\" = [\"fp16\", \"int8\"]\n", ROUND, &["`protected_bits` = 8 of the 8 bits"]),
    // faults and analysis
    ("§[[fault]]\nat_s = [1]\n", IN_TIME, &["[[fault]] lacks `kind`"]),
    ("[[fault]]\nkind = §\"outage\"\nat_s = [1]\n", IN_TIME, &["`kind` = \"outage\" is not known"]),
    ("§[[fault]]\nkind = \"server-outage\"\nduration_s = 1\n", IN_TIME, &["[[fault]] lacks `at_s`", "rate_hz = 0.001"]),
    ("[[fault]]\nkind = \"server-outage\"\nduration_s = 1\nat_s = [1]\nrate_hz = §1\n", IN_TIME, &["`at_s` and `rate_hz` are both given"]),
    ("§[[fault]]\nkind = \"server-outage\"\nat_s = [1]\n", IN_TIME, &["[[fault]] lacks `duration_s`"]),
    ("[[fault]]\nkind = \"leader-loss\"\nat_s = [1]\n§duration_s = 1\n", IN_TIME, &["`duration_s` does not go with a fault of kind \"leader-loss\""]),
    ("[[fault]]\nkind = \"server-outage\"\nduration_s = 1\nat_s = [2, §1]\n", IN_TIME, &["`at_s` holds 1 behind 2", "ascending"]),
    ("[[fault]]\nkind = \"server-outage\"\nduration_s = 1\nat_s = [§-1]\n", IN_TIME, &["`at_s` = -1 is out of range"]),
    ("[[fault]]\nkind = \"server-outage\"\nduration_s = 1\nat_s = §5\n", IN_TIME, &["`at_s` is a whole number", "a list of times"]),
    ("[[fault]]\nkind = \"server-outage\"\nduration_s = 1\nat_s = §[]\n", IN_TIME, &["`at_s` is an empty list"]),
    ("[[fault]]\nkind = \"server-outage\"\nduration_s = 1\nrate_hz = §nan\n", IN_TIME, &["nan is not a finite number"]),
    ("[[fault]]\nkind = \"server-outage\"\nduration_s = 1\nrate_hz = 1\n§device = \"device-1\"\n", IN_TIME, &["`device` does not go with a fault of kind \"server-outage\"", "it strikes a cell"]),
    ("[[fault]]\nkind = \"server-outage\"\nduration_s = 1\nrate_hz = 1\ncell = §\"cell-2\"\n", IN_TIME, &["no cell is called \"cell-2\"", "did you mean \"cell-1\"?"]),
    ("[[fault]]\nkind = \"device-away\"\nduration_s = 1\nrate_hz = 1\ndevice = §\"device-11\"\n", IN_TIME, &["no device is called \"device-11\"", "did you mean \"device-1\"?"]),
    ("[[device]]\nprompt = \"a\"\nname = \"phone\"\ncount = 20\n[[fault]]\nkind = \"device-away\"\nduration_s = 1\nrate_hz = 1\ndevice = §\"phone\"\n", DEMAND, &["`device` = \"phone\" is a table of 20 devices", "\"phone-01\""]),
    ("[recovery]\nretransmissions = §-1\n", IN_TIME, &["`retransmissions` = -1 is out of range"]),
    ("[recovery]\ntimeout_s = §-1\n", IN_TIME, &["`timeout_s` = -1 is out of range"]),
    ("[analysis]\nwarm_up = §\"mser5\"\n", IN_TIME, &["`warm_up` = \"mser5\" is not known", "\"mser-5\", or a number of seconds"]),
    ("[analysis]\nwarm_up = §-1\n", IN_TIME, &["`warm_up` = -1 is out of range"]),
    ("[analysis]\nbatches = §1\n", IN_TIME, &["`batches` = 1 is out of range", "from 2 to 1000"]),
    ("[judge]\nkind = \"surface\"\n[analysis]\ncheckpoint_interval_s = §0\n", IN_TIME, &["above 0 in s"]),
    ("[analysis]\n§checkpoint_interval_s = 9\n", IN_TIME, &["does not go with a judge that is shown pictures", "kind = \"surface\""]),
    ("[diffusion]\nsplit = \"joint\"\n[architecture]\nkind = \"cluster\"\ntopology = \"chain\"\nrelay_steps = §1\n", IN_TIME, &["does not go with split = \"joint\""]),
    ("[models]\nsentence_encoder = §\"\"\n", ROUND, &["`sentence_encoder` is empty"]),
    // unknown names and paths
    ("[demand]\n§arivals = \"poisson\"\narrivals = { kind = \"poisson\", rate_hz = 1 }\nrequests = 9\n", ROUND, &["unknown key `arivals` in [demand]", "did you mean `arrivals`?"]),
    ("[§cach]\nenabled = true\n", IN_TIME, &["unknown table `cach`", "did you mean `cache`?"]),
    ("[server]\n§deadline_s = 4\n", IN_TIME, &["unknown key `deadline_s` in [server]", "belongs under [[device]]"]),
    ("[sweep]\n§\"demand.arrivals.rate\" = [1]\n", IN_TIME, &["`demand.arrivals.rate` is no field", "did you mean `demand.arrivals.rate_hz`?"]),
    ("[sweep]\n§\"cell.cell-1.name\" = [\"a\"]\n[[cell]]\nx_m = 0\ny_m = 0\n", IN_TIME, &["`cell.cell-1.name` cannot be swept", "a cell keeps its name"]),
    ("[sweep]\n§\"device.phone-3.distance_m\" = [1]\n[[device]]\nname = \"phone\"\ncount = 5\nprompt = \"a\"\n", POLICY, &["no device is called `phone-3`", "phone (number 0)"]),
];

/// What is wrong with the answer to a row; `None` if it is as it should be.
fn fault(&(marked, rest, parts): &Row) -> Option<String> {
    let (before, after) = marked.split_once('§').unwrap_or(("", marked));
    let text = format!("{before}{after}{rest}");
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|character| *character != '\n').count() + 1;
    let error = problems_of(&text);
    let printed = format!("{error:#}");
    let problem = &error.problems()[0];
    if error.problems().len() > 1 {
        Some(format!("one mistake, several problems:\n{text}{printed}"))
    } else if !printed.starts_with(&format!("bad.toml:{line}:{column}: ")) {
        Some(format!("not at {line}:{column}\n{text}{printed}"))
    } else if problem.label().is_none() {
        Some(format!("no word on what was expected:\n{printed}"))
    } else {
        let missing = parts.iter().find(|part| !printed.contains(**part))?;
        Some(format!("no {missing:?} in\n{printed}"))
    }
}

#[test]
fn each_mistake_in_a_network_is_one_problem_at_its_place_with_what_was_expected() {
    let faults: Vec<String> = ROWS.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{} of {} rows:\n\n{}", faults.len(), ROWS.len(), faults.join("\n\n"));
}

#[test]
fn a_message_about_many_devices_stays_short() {
    let text = format!(
        "[[device]]\nname = \"phone\"\ncount = 1000000\nprompt = \"a\"\n[[fault]]\nkind = \"device-away\"\nat_s = [1]\n\
         duration_s = 1\ndevice = \"car\"\n{DEMAND}"
    );
    let printed = format!("{:#}", problems_of(&text));
    assert!(printed.contains("no device is called \"car\"; expected \"phone-0000001\""), "{printed}");
    assert!(printed.len() < 300, "{printed}");
}
