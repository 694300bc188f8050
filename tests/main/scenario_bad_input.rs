//! What a wrong scenario file ends with: one problem, at its place, that says what was expected and how to mend it.

use latentlink::scenario::{ScenarioError, ScenarioFile};

const DEVICE: &str = "[[device]]\nprompt = \"a dog\"\n";
const POLICY: &str = "[policy]\nt0 = 4\ntk = 6\n";
/// What a row leaves out.
const BOTH: &str = "[[device]]\nprompt = \"a dog\"\n[policy]\nt0 = 4\ntk = 6\n";

pub fn problems_of(text: &str) -> ScenarioError {
    match ScenarioFile::from_str(text, "bad.toml").and_then(|file| file.points()) {
        Ok(_) => panic!("this passed its check:\n{text}"),
        Err(error) => error,
    }
}

/// (what the user wrote, the good rest of the file, what the message says, line, column)
pub type Row = (&'static str, &'static str, &'static [&'static str], usize, usize);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // syntax
    ("[study\n", BOTH, &["not valid TOML", "expected `]`"], 1, 7),
    ("[study]\nname = quick start\n", BOTH, &["not valid TOML"], 2, 8),
    ("[study]\nseed = 1\nseed = 2\n", BOTH, &["duplicate key", "only once"], 3, 1),
    ("[study]\nseed = 99999999999999999999999999999999999999999999\n", BOTH, &["too many digits", "64 bits"], 2, 8),
    // unknown names, with the nearest known one
    ("[radio]\nbandwith_hz = 5e6\n", BOTH, &["unknown key `bandwith_hz` in [radio]", "did you mean `bandwidth_hz`?"], 2, 1),
    ("[studdy]\nseed = 1\n", BOTH, &["unknown table `studdy`", "did you mean `study`?"], 1, 2),
    ("seed = 1\n", BOTH, &["unknown key `seed`", "belongs under [study]"], 1, 1),
    ("[server]\nmodulation = \"bpsk\"\n", BOTH, &["unknown key `modulation` in [server]", "belongs under [radio]"], 2, 1),
    ("[study]\nserver.prompt = \"x\"\n", BOTH, &["unknown key `server` in [study]", "below a line [server]"], 2, 1),
    ("[radio]\nfading = { kind = \"rayleigh\", m = 2.0 }\n", BOTH, &["unknown key `m`", "\"rayleigh\"", "no further key"], 2, 31),
    ("[radio]\nfading = \"fischer-snedecor\"\n", BOTH, &["`fading` = \"fischer-snedecor\" is not known", "did you mean \"fisher-snedecor\"?"], 2, 10),
    ("[radio]\npath_loss = \"uma\"\n", BOTH, &["is not known", "\"uma-nlos\"", "\"log-distance\""], 2, 13),
    ("[radio]\nmodulation = \"16qam\"\n", BOTH, &["`modulation` = \"16qam\"", "\"bpsk\", \"qpsk\", \"qam16\", \"qam64\" or \"qam256\""], 2, 14),
    ("[diffusion]\nsplit = \"respaced \"\n", BOTH, &["\"respaced\" or \"joint\"", "did you mean \"respaced\"?"], 2, 9),
    ("[diffusion]\ncodec = \"int4\"\n", BOTH, &["`codec` = \"int4\"", "\"fp32\", \"fp16\", \"int8\" or \"int8-gray\""], 2, 9),
    ("[models]\nexecution_provider = \"gpu\"\n", BOTH, &["\"auto\", \"cpu\" or \"cuda\""], 2, 22),
    ("[models]\nresident_latents = 1\n", BOTH, &["`resident_latents` is a whole number", "true or false"], 2, 20),
    ("[models]\nresident_latents = true\ncuda_graphs = true\n", BOTH, &["`cuda_graphs` replays", "`execution_provider = \"cuda\"`"], 3, 15),
    ("[models]\nexecution_provider = \"cuda\"\ncuda_graphs = true\n", BOTH, &["`cuda_graphs` replays", "`resident_latents = true`"], 3, 15),
    // wrong types
    ("radio = 5\n", BOTH, &["`radio` is a whole number, not a table", "[radio]"], 1, 9),
    ("[radio]\ncarrier_hz = \"3.5e9\"\n", BOTH, &["`carrier_hz` is a string", "a number above 0 in Hz"], 2, 14),
    ("[study]\nreplications = 2.0\n", BOTH, &["`replications` = 2.0 is a fractional number", "write 2,"], 2, 16),
    ("[study]\nname = 7\n", BOTH, &["`name` is a whole number", "a string in quotes"], 2, 8),
    ("[diffusion]\nsampler = true\n", BOTH, &["`sampler` is a truth value", "\"ddim\", \"ddpm\", \"euler\", \"euler-ancestral\", \"pndm\", \"dpm-solver++\" or \"lcm\""], 2, 11),
    ("[diffusion]\nhistory = \"send\"\n", BOTH, &["`history` where sampler \"ddim\" has none", "leave `history` out", "\"pndm\" and \"dpm-solver++\""], 2, 11),
    ("[diffusion]\nsampler = \"lcm\"\nhistory = \"restart\"\n", BOTH, &["`history` where sampler \"lcm\" has none"], 3, 11),
    ("[diffusion]\nsampler = \"pndm\"\nhistory = \"keep\"\n", BOTH, &["`history` = \"keep\"", "\"restart\" or \"send\""], 3, 11),
    ("[diffusion]\nsampler = \"dpm-solver\"\n", BOTH, &["did you mean \"dpm-solver++\"?"], 2, 11),
    ("[diffusion]\nsampler = { eta = 1.0 }\n", BOTH, &["`sampler` lacks `kind`"], 2, 11),
    ("[diffusion]\nmetrics_against = \"unshared\"\n", BOTH, &["`metrics_against` is a string", "a list of"], 2, 19),
    ("[server]\nprompt = 2026-01-01\n", BOTH, &["`prompt` is a date or time"], 2, 10),
    ("[device]\nprompt = \"a dog\"\n", POLICY, &["`device` is a table, not a list of tables", "double brackets"], 1, 1),
    ("[policy]\nt0 = 4\ntk = \"6\"\n", DEVICE, &["`tk` is a string", "a whole number, or a list of one per device"], 3, 6),
    ("[policy]\nt0 = [4]\ntk = 6\n", DEVICE, &["`t0` is a list", "a whole number from 0 to 11"], 2, 6),
    // numbers out of range
    ("[radio]\nbit_error_probability = 0.6\n", BOTH, &["`bit_error_probability` = 0.6 is out of range", "from 0 to 0.5"], 2, 25),
    ("[radio]\nbit_error_probability = -0.01\n", BOTH, &["out of range", "from 0 to 0.5"], 2, 25),
    ("[radio]\nbandwidth_hz = 0\n", BOTH, &["out of range", "above 0 in Hz"], 2, 16),
    ("[radio]\nnoise_figure_db = nan\n", BOTH, &["nan is not a finite number"], 2, 19),
    ("[radio]\ncarrier_hz = inf\n", BOTH, &["inf is not a finite number"], 2, 14),
    ("[radio]\nefficiency = 1.5\n", BOTH, &["above 0 and at most 1"], 2, 14),
    ("[radio]\ndevice_height_m = 0.5\n", BOTH, &["above 1 in m"], 2, 19),
    ("[radio]\nfading = { kind = \"fisher-snedecor\", m = 2.0, ms = 1.0 }\n", BOTH, &["`ms` = 1 leaves the fading without a mean", "above 1", "1.5"], 2, 52),
    ("[radio]\nfading = { kind = \"nakagami-m\", m = 0.4 }\n", BOTH, &["`m` = 0.4", "at least 0.5"], 2, 37),
    ("[radio]\nfading = \"rician\"\n", BOTH, &["lacks `k_db`", "fading = { kind = \"rician\", k_db = 6.0 }"], 2, 10),
    ("[radio]\npath_loss = { kind = \"log-distance\", exponent = 3.0 }\n", BOTH, &["lacks `reference_loss_db`"], 2, 22),
    ("[diffusion]\nsteps = 0\n", BOTH, &["`steps` = 0", "from 1 to 1000"], 2, 9),
    ("[diffusion]\nguidance = -1\n", BOTH, &["`guidance` = -1", "at least 0"], 2, 12),
    ("[study]\nseed = -1\n", BOTH, &["`seed` = -1", "at least 0"], 2, 8),
    // devices
    ("", POLICY, &["no [[device]]", "prompt = "], 0, 0),
    ("[[device]]\ndistance_m = 3.0\n", POLICY, &["\"device-1\" lacks `prompt`", "add a line under its [[device]]"], 1, 1),
    ("[[device]]\nprompt = \" \"\n", POLICY, &["`prompt` is empty", "expected text"], 2, 10),
    ("[[device]]\nprompt = \"a\"\nname = \"d\"\n[[device]]\nprompt = \"b\"\nname = \"D\"\n", POLICY, &["two devices are called \"D\""], 6, 8),
    ("[[device]]\nprompt = \"a\"\nname = \"device-2\"\n[[device]]\nprompt = \"b\"\n", POLICY, &["two devices are called \"device-2\""], 4, 1),
    ("[[device]]\nprompt = \"a\"\nname = \"my.phone\"\n", POLICY, &["\"my.phone\" holds a dot", "letters, digits"], 3, 8),
    ("[[device]]\nprompt = \"a\"\ndistance_m = -4\n", POLICY, &["`distance_m` = -4", "above 0 in m"], 3, 14),
    // names
    ("[study]\nname = \"../up\"\n", BOTH, &["`name` = \"../up\"", "results folder"], 2, 8),
    ("[study]\nname = \"nul\"\n", BOTH, &["reserved on some systems"], 2, 8),
    ("[study]\nname = \"\"\n", BOTH, &["`name` = \"\" is empty"], 2, 8),
    // the policy
    ("[policy]\nt0 = 4\n", DEVICE, &["[policy] lacks `tk`", "tk = 6"], 1, 1),
    ("[policy]\nt0 = 12\ntk = 6\n", DEVICE, &["`t0` = 12 is more than the 11 steps", "raise `steps` under [diffusion] to 12"], 2, 6),
    ("[policy]\nt0 = 4\ntk = 12\n", DEVICE, &["`tk` = 12 is more than the 11 steps"], 3, 6),
    ("[policy]\nt0 = -1\ntk = 6\n", DEVICE, &["`t0` = -1", "from 0 to 11"], 2, 6),
    ("[policy]\nt0 = 4\ntk = [-6]\n", DEVICE, &["`tk` = -6", "from 0 to 11"], 3, 7),
    ("[policy]\nt0 = 0\ntk = 0\n", DEVICE, &["`t0` and `tk` are both 0 for \"device-1\""], 3, 6),
    ("[policy]\nt0 = 11\ntk = 1\n", DEVICE, &["`t0` = 11 steps finish the chain", "joint"], 3, 6),
    ("[policy]\nt0 = 600\ntk = 600\n[diffusion]\nsteps = 600\nsplit = \"joint\"\n", DEVICE, &["`t0` + `tk` = 1200", "at most 1000"], 3, 6),
    ("[policy]\nt0 = 4\ntk = [6, 6]\n", DEVICE, &["`tk` has 2 values for 1 device", "write 1 values"], 3, 6),
    ("[policy]\nt0 = 4\ntk = 6\ntx_power_w = -1.0\n", DEVICE, &["`tx_power_w` = -1.0 is out of range", "at least 0 in W"], 4, 14),
    ("[policy]\nt0 = 4\ntk = 6\ntx_power_dbw = [18.0, 21.0]\n", DEVICE, &["`tx_power_dbw` has 2 values for 1 device"], 4, 16),
    ("[policy]\nt0 = 4\ntk = 6\ntx_power_w = 63.1\ntx_power_dbw = 18.0\n", DEVICE, &["both given", "take one of the two lines away"], 5, 16),
    ("[policy]\nkind = \"greddy\"\nt0 = 4\ntk = 6\n", DEVICE, &["`kind` = \"greddy\" is not known", "did you mean \"greedy\"?"], 2, 8),
    // the sweep
    ("[sweep]\n\"policy.t1\" = [1]\n", BOTH, &["`policy.t1` is no field", "did you mean `policy.t0`?"], 2, 1),
    ("[sweep]\n\"device.device-2.prompt\" = [\"a\"]\n", BOTH, &["no device is called `device-2`", "device-1"], 2, 1),
    ("[sweep]\n\"policy.t0\" = []\n", BOTH, &["swept over no value", "at least one"], 2, 15),
    ("[sweep]\n\"policy.t0\" = [2, \"a\"]\n", BOTH, &["swept over numbers and over \"a\"", "values of one kind"], 2, 19),
    ("[sweep]\n\"policy.t0\" = 4\n", BOTH, &["is a whole number, not a list", "\"policy.t0\" = [4]"], 2, 15),
    ("[sweep]\n\"policy.t0\" = [1, 2, 1]\n", BOTH, &["swept over 1 twice"], 2, 22),
    ("[sweep]\n\"policy.tk\" = [1]\n\"policy.tk[0]\" = [2]\n", BOTH, &["`policy.tk[0]` and `policy.tk` set the same field"], 3, 1),
    ("[sweep]\n\"study.name\" = [\"a\", \"b\"]\n", BOTH, &["cannot be swept", "one results folder"], 2, 1),
    ("[sweep]\n\"policy.t0\" = [2, 3, 12]\n", BOTH, &["`t0` = 12 is more than", "at point 2 of the sweep (policy.t0 = 12)"], 2, 22),
    ("[sweep]\n\"policy.t0\" = [10, 11]\n", BOTH, &["finish the chain", "at point 1 of the sweep (policy.t0 = 11)"], 7, 6),
    ("[sweep]\nradio.bit_error_probability = [0.1, 0.9]\n", BOTH, &["`bit_error_probability` = 0.9", "at point 1"], 2, 37),
    // ranges of values
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = 0.9 }\n", BOTH, &["neither `step` nor `points`", "expected one of the two", "points = 10"], 2, 22),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = 0.9, step = 0.1, points = 9 }\n", BOTH, &["has a `step` and `points`", "take one away"], 2, 67),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = 0.9, step = 0.1, log = true }\n", BOTH, &["`log` = true does not go with a `step`", "`points` beside it"], 2, 64),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = 0.9, points = 9, log = 1 }\n", BOTH, &["`log` is a whole number", "true or false"], 2, 64),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.0, to = 0.9, points = 9, log = true }\n", BOTH, &["`from` = 0.0 does not go with `log` = true", "a number above 0"], 2, 31),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = -0.9, points = 9, log = true }\n", BOTH, &["`to` = -0.9 does not go with `log` = true"], 2, 41),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = 0.9, step = 0 }\n", BOTH, &["`step` = 0 leads nowhere", "other than 0"], 2, 53),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = 0.9, step = -0.1 }\n", BOTH, &["`step` = -0.1 leads away from `to`, which is above `from`", "a number above 0", "turn its sign"], 2, 53),
    ("[sweep]\n\"radio.efficiency\" = { from = 9, to = 1, step = 2 }\n", BOTH, &["`step` = 2 leads away from `to`, which is below `from`", "a number below 0"], 2, 49),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.5, to = 0.5, points = 2 }\n", BOTH, &["`from` and `to` are the same, but `points` = 2", "write points = 1"], 2, 55),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = 0.5, points = 1 }\n", BOTH, &["`points` = 1 cannot be both", "at least 2 points"], 2, 55),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = 0.5, points = 0 }\n", BOTH, &["`points` = 0 is out of range", "a whole number from 1 to 10000000"], 2, 55),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = 0.5, points = -3 }\n", BOTH, &["`points` = -3 is out of range", "both ends count"], 2, 55),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = 0.5, points = 3.0 }\n", BOTH, &["`points` is a fractional number", "without point"], 2, 55),
    ("[sweep]\n\"radio.efficiency\" = { from = nan, to = 0.5, points = 3 }\n", BOTH, &["`from` = nan is not a finite number"], 2, 31),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = inf, step = 0.1 }\n", BOTH, &["`to` = inf is not a finite number"], 2, 41),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = 0.5, step = nan }\n", BOTH, &["`step` = nan is not a finite number"], 2, 53),
    ("[sweep]\n\"radio.efficiency\" = { from = \"low\", to = 0.5, points = 3 }\n", BOTH, &["`from` is a string", "a number", "swept as a list"], 2, 31),
    ("[sweep]\n\"radio.efficiency\" = { to = 0.5, points = 3 }\n", BOTH, &["the range of `radio.efficiency` lacks `from`", "`from` and `to`"], 2, 22),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.5, points = 3 }\n", BOTH, &["the range of `radio.efficiency` lacks `to`"], 2, 22),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = 0.5, points = 3, steps = 3 }\n", BOTH, &["unknown key `steps` in the range of `radio.efficiency`", "one of from, to, step, points, log", "did you mean `step`?"], 2, 58),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = 0.9, step = 1e-9 }\n", BOTH, &["`step` = 1e-9 makes 800000001 values", "at most 10000000"], 2, 53),
    ("[sweep]\n\"radio.efficiency\" = { from = -1e308, to = 1.7e308, points = 3 }\n", BOTH, &["is too wide"], 2, 44),
    ("[sweep]\n\"radio.efficiency\" = { from = 1.0, to = 1.0000000000001, points = 30 }\n", BOTH, &["so narrow that its values are the same", "12 digits"], 2, 41),
    ("[sweep]\n\"radio.efficiency\" = { from = 0.1, to = 1.3, points = 7 }\n", BOTH, &["`efficiency` = 1.1 is out of range, at point 5 of the sweep (radio.efficiency = 1.1)", "a range gives numbers"], 2, 22),
    ("[sweep]\n\"radio.modulation\" = { from = 1, to = 2, points = 2 }\n", BOTH, &["`modulation` is a whole number, at point 0", "\"bpsk\", \"qpsk\"", "write other values as a list"], 2, 22),
    ("[sweep]\n\"policy.t0\" = { from = 1, to = 4, points = 3 }\n", BOTH, &["`t0` = 1.0 is a fractional number, at point 0", "whole ones where its ends and its steps are whole"], 2, 15),
    // fields that are varied together
    ("[sweep]\nmode = \"zap\"\n\"policy.t0\" = [1, 2]\n", BOTH, &["`mode` = \"zap\" is not known", "\"grid\" or \"zip\"", "did you mean \"zip\"?"], 2, 8),
    ("[sweep]\nmode = 2\n\"policy.t0\" = [1, 2]\n", BOTH, &["`mode` is a whole number", "\"grid\" or \"zip\""], 2, 8),
    ("[sweep]\nmode = \"zip\"\n\"policy.t0\" = [1, 2]\n\"policy.tk\" = [1, 2, 3]\n", BOTH, &["`policy.tk` has 3 values but `policy.t0` has 2 values", "expected 2 values", "sweep one of them on its own"], 4, 15),
    ("[sweep]\nmode = \"zip\"\n\"policy.t0\" = [1, 2]\n\"policy.tk\" = { from = 1, to = 3, step = 1 }\n", BOTH, &["`policy.tk` has 3 values but `policy.t0` has 2 values"], 4, 15),
    ("[sweep]\nmode = \"zip\"\n\"policy.t0\" = [1, 2]\n", BOTH, &["only one field is swept", "at least two", "take `mode` away"], 2, 8),
    ("[sweep]\nmode = \"zip\"\n", BOTH, &["no field is swept"], 2, 8),
    ("[sweep]\nmode = \"zip\"\nzip = [{ \"policy.t0\" = [1, 2], \"policy.tk\" = [1, 2] }]\n", BOTH, &["`zip` does not go with `mode` = \"zip\"", "varied together already"], 3, 8),
    ("[[sweep.zip]]\n\"policy.t0\" = [1, 2]\n", BOTH, &["this zip holds only one field", "at least two fields", "directly under [sweep]"], 1, 1),
    ("[[sweep.zip]]\n", BOTH, &["this zip holds no field"], 1, 1),
    ("[sweep]\nzip = 3\n", BOTH, &["`zip` is a whole number, not a table of fields", "[[sweep.zip]]", "double brackets"], 2, 7),
    ("[sweep]\nzip = []\n", BOTH, &["`zip` is a list, not a table of fields"], 2, 7),
    ("[sweep]\nzip = [{ policy.t0 = [1, 2], policy.tk = [3, 4] }, 7]\n", BOTH, &["`zip` is a whole number, not a table of fields"], 2, 52),
    ("[[sweep.zip]]\n\"policy.t0\" = [1, 2, 3]\n\"study.seed\" = [1, 2, 3]\n\"policy.tk\" = [1, 2]\n", BOTH, &["`policy.tk` has 2 values but `policy.t0` has 3 values"], 4, 15),
    ("[[sweep.zip]]\n\"policy.t0\" = [1, 2, 1]\n\"policy.tk\" = [3, 4, 3]\n", BOTH, &["holds policy.t0 = 1, policy.tk = 3 twice, at 0 and 2", "each combination once"], 2, 22),
    ("[[sweep.zip]]\n\"policy.t0\" = [1, 2]\n\"policy.tk\" = [3, 4]\n[sweep]\n\"policy.t0\" = [5, 6]\n", BOTH, &["`policy.t0` and `policy.t0` set the same field", "each field once"], 5, 1),
    ("[[sweep.zip]]\n\"policy.t0\" = [1, 2]\n\"policy.tk\" = [3, 4]\n[[sweep.zip]]\n\"study.seed\" = [5, 6]\n\"policy.tk[0]\" = [5, 6]\n", BOTH, &["`policy.tk[0]` and `policy.tk` set the same field"], 6, 1),
    ("[[sweep.zip]]\n\"policy.t0\" = [1, 2]\n\"policy.tk\" = [3, 4]\n[sweep]\n\"study.seed\" = [5, 6]\n[[sweep.zip]]\n\"server.step_time_s\" = [5, 6]\n\"radio.efficiency\" = [0.5, 0.6]\n", BOTH, &["this zip stands apart from the one before", "one after the other"], 6, 1),
    ("[[sweep.zip]]\n\"policy.t1\" = [1, 2]\n\"policy.tk\" = [3, 4]\n", BOTH, &["`policy.t1` is no field", "did you mean `policy.t0`?"], 2, 1),
    ("[[sweep.zip]]\n\"policy.t0\" = [1, 12]\n\"policy.tk\" = [3, 4]\n", BOTH, &["`t0` = 12 is more than", "at point 1 of the sweep (policy.t0 = 12, policy.tk = 4)"], 2, 19),
    ("[sweep]\n\"study.until_quantity\" = [\"a\", \"b\"]\n", BOTH, &["`study.until_quantity` cannot be swept", "the same rule"], 2, 1),
    ("[sweep]\n\"study.replications\" = [1, 2]\n", BOTH, &["`study.replications` cannot be swept"], 2, 1),
    // how often points are repeated
    ("[study]\nuntil_relative_half_width = 0\n", BOTH, &["`until_relative_half_width` = 0 is out of range", "a number above 0"], 2, 29),
    ("[study]\nuntil_relative_half_width = \"5 %\"\n", BOTH, &["`until_relative_half_width` is a string"], 2, 29),
    ("[study]\nuntil_quantity = \"latency_s\"\n", BOTH, &["`until_quantity` does not go with a fixed number of replications", "until_relative_half_width = 0.05"], 2, 1),
    ("[study]\nmaximum_replications = 50\n", BOTH, &["`maximum_replications` does not go with a fixed number of replications"], 2, 1),
    ("[study]\nuntil_relative_half_width = 0.1\nuntil_quantity = \"\"\n", BOTH, &["`until_quantity` is empty", "sum_qoe"], 3, 18),
    ("[study]\nreplications = 20\nuntil_relative_half_width = 0.1\nmaximum_replications = 10\n", BOTH, &["`maximum_replications` = 10, but each point begins with 20", "at least 20"], 4, 24),
    ("[study]\nuntil_relative_half_width = 0.1\nmaximum_replications = 1.5\n", BOTH, &["`maximum_replications` is a fractional number"], 3, 24),
    // who the users are
    ("[[device]]\nprompt = \"a\"\npersona = \"GA3\"\n", POLICY, &["`persona` = \"GA3\" is nobody's name", "\"GA1\", \"GA2\", \"GA2-fig10\", \"neutral\", or a list of five traits", "did you mean \"GA1\"?"], 3, 11),
    ("[[device]]\nprompt = \"a\"\npersona = \"population\"\n", POLICY, &["there is no [population]", "add one", "mean = "], 3, 11),
    ("[[device]]\nprompt = \"a\"\npersona = [0.1, 0.8, 0.7, 0.8]\n", POLICY, &["`persona` has 4 numbers", "openness, conscientiousness"], 3, 11),
    ("[[device]]\nprompt = \"a\"\npersona = [0.1, 1.2, 0.7, 0.8, 0.1]\n", POLICY, &["`conscientiousness` = 1.2 is out of range", "from 0 to 1"], 3, 17),
    ("[[device]]\nprompt = \"a\"\npersona = [0.1, 0.8, nan, 0.8, 0.1]\n", POLICY, &["nan is not a finite number"], 3, 22),
    ("[[device]]\nprompt = \"a\"\npersona = 3\n", POLICY, &["`persona` is a whole number", "a list of five traits"], 3, 11),
    ("[population]\nmean = [0.5, 0.5, 0.5, 0.5, 0.5]\n", BOTH, &["[population] lacks `standard_deviation`"], 1, 1),
    ("[population]\nstandard_deviation = [0.1, 0.1, 0.1, 0.1, 0.1]\n", BOTH, &["[population] lacks `mean`"], 1, 1),
    ("[population]\nmean = [0.5, 0.5, 1.5, 0.5, 0.5]\nstandard_deviation = [0.1, 0.1, 0.1, 0.1, 0.1]\n", BOTH, &["`extraversion` = 1.5 is out of range"], 2, 19),
    ("[population]\nmean = [0.5, 0.5, 0.5, 0.5, 0.5]\nstandard_deviation = [0.1, 0.1, -0.1, 0.1, 0.1]\n", BOTH, &["`extraversion` = -0.1", "at least 0"], 3, 33),
    ("[population]\nmean = [0.5, 0.5, 0.5, 0.5, 0.5]\nstandard_deviation = [9, 9, 9, 9, 9]\n", BOTH, &["fewer than one draw in 10000", "make the spread smaller"], 3, 22),
    ("[population]\nmean = [0.5, 0.5, 0.5, 0.5, 0.5]\ncovariance = [[1, 0], [0, 1]]\n", BOTH, &["`covariance` has 2 rows", "standard_deviation"], 3, 14),
    ("[population]\nmean = [0.5, 0.5, 0.5, 0.5, 0.5]\ncovariance = [[0.1, 0.02, 0, 0, 0], [0.01, 0.1, 0, 0, 0], [0, 0, 0.1, 0, 0], [0, 0, 0, 0.1, 0], [0, 0, 0, 0, 0.1]]\n", BOTH, &["not symmetric: conscientiousness with openness is 0.01", "expected 0.02"], 3, 38),
    ("[population]\nmean = [0.5, 0.5, 0.5, 0.5, 0.5]\ncovariance = [[0.1, 0.2, 0, 0, 0], [0.2, 0.1, 0, 0, 0], [0, 0, 0.1, 0, 0], [0, 0, 0, 0.1, 0], [0, 0, 0, 0, 0.1]]\n", BOTH, &["not positive semi-definite", "-1.000e-1"], 3, 14),
    ("[population]\nmean = [0.5, 0.5, 0.5, 0.5, 0.5]\nstandard_deviation = [0.1, 0.1, 0.1, 0.1, 0.1]\nfile = \"people.csv\"\n", BOTH, &["`file` does not go with a population of kind \"normal\"", "kind = \"file\""], 4, 1),
    ("[population]\nkind = \"file\"\nfile = \"no/such/people.csv\"\n", BOTH, &["cannot read the people in no/such/people.csv", "relative to the working directory"], 3, 8),
    ("[population]\nkind = \"fil\"\nfile = \"people.csv\"\n", BOTH, &["`kind` = \"fil\"", "did you mean \"file\"?"], 2, 8),
    ("[population]\nkind = \"uniform\"\nmean = [0.5, 0.5, 0.5, 0.5, 0.5]\n", BOTH, &["`mean` does not go with a population of kind \"uniform\"", "kind = \"normal\""], 3, 1),
    ("[population]\nkind = \"uniform\"\nfile = \"people.csv\"\n", BOTH, &["`file` does not go with a population of kind \"uniform\"", "kind = \"file\""], 3, 1),
    // the judge
    ("[judge]\nkind = \"llava\"\n", BOTH, &["`kind` = \"llava\"", "\"vlm\", \"endpoint\", \"surface\" or \"none\""], 2, 8),
    ("[judge]\nkind = \"surface\"\nreadout = \"greedy\"\n", BOTH, &["`readout` does not go with a judge of kind \"surface\"", "only kind = \"vlm\" and kind = \"endpoint\" have it"], 3, 1),
    ("[judge]\nkind = \"endpoint\"\nmodel = \"m\"\n", BOTH, &["a judge of kind \"endpoint\" needs `base_url`", "http://localhost:8000/v1"], 1, 1),
    ("[judge]\nkind = \"endpoint\"\nmodel = \"\"\nbase_url = \"http://a/v1\"\n", BOTH, &["`model` is empty"], 3, 9),
    ("[judge]\nkind = \"endpoint\"\nmodel = \"m\"\nbase_url = \"localhost:8000\"\n", BOTH, &["`base_url` is no address of an endpoint", "does not begin with http://", "the address before /chat/completions"], 4, 12),
    ("[judge]\nkind = \"endpoint\"\nmodel = \"m\"\nbase_url = \"http://a/v1\"\napi_key_env = \"sk-1234\"\n", BOTH, &["`api_key_env` is no name of an environment variable", "the key itself stands in no file"], 5, 15),
    ("[judge]\nkind = \"endpoint\"\nmodel = \"m\"\nbase_url = \"http://a/v1\"\ntimeout_s = 0\n", BOTH, &["`timeout_s` = 0 is out of range", "above 0"], 5, 13),
    ("[judge]\nkind = \"endpoint\"\nmodel = \"m\"\nbase_url = \"http://a/v1\"\ntimeout_s = 1e6\n", BOTH, &["more than a day"], 5, 13),
    ("[judge]\nkind = \"endpoint\"\nmodel = \"m\"\nbase_url = \"http://a/v1\"\nconcurrency = 0\n", BOTH, &["`concurrency` = 0 is out of range", "from 1 to 256"], 5, 15),
    ("[judge]\nkind = \"endpoint\"\nmodel = \"m\"\nbase_url = \"http://a/v1\"\npack = \"p\"\n", BOTH, &["`pack` does not go with a judge of kind \"endpoint\"", "only kind = \"vlm\" has it"], 5, 1),
    ("[judge]\nkind = \"endpoint\"\nmodel = \"m\"\nbase_url = \"http://a/v1\"\nretries = 2\n", BOTH, &["`retries` does not go with readout = \"expectation\""], 5, 1),
    ("[judge]\nbase_url = \"http://a/v1\"\n", BOTH, &["`base_url` does not go with a judge of kind \"vlm\", the default", "only kind = \"endpoint\" has it"], 2, 1),
    ("[judge]\nkind = \"surface\"\nmodel = \"m\"\n", BOTH, &["`model` does not go with a judge of kind \"surface\"", "only kind = \"endpoint\" has it"], 3, 1),
    ("[sweep]\n\"judge.concurrency\" = [1, 2]\n[judge]\nkind = \"endpoint\"\nmodel = \"m\"\nbase_url = \"http://a/v1\"\n", BOTH, &["`judge.concurrency` cannot be swept", "changes no result"], 2, 1),
    ("[judge]\nnoise = true\n", BOTH, &["`noise` does not go with a judge of kind \"vlm\", the default", "only kind = \"surface\" has it"], 2, 1),
    ("[judge]\nkind = \"none\"\npanel = [\"GA1\"]\n", BOTH, &["`panel` does not go with a judge of kind \"none\"", "nobody rates anything"], 3, 1),
    ("[judge]\ntemperature = 0.5\n", BOTH, &["`temperature` does not go with readout = \"expectation\"", "readout = \"sample\""], 2, 1),
    ("[judge]\nreadout = \"sample\"\ntemperature = 0\n", BOTH, &["`temperature` = 0 is out of range", "above 0"], 3, 15),
    ("[judge]\nmax_new_tokens = 4\n", BOTH, &["`max_new_tokens` does not go with readout = \"expectation\""], 2, 1),
    ("[judge]\nqoe_threshold = 60\n", BOTH, &["`qoe_threshold` = 60 is out of range", "from 0 to 1"], 2, 17),
    ("[judge]\nanswers_per_picture = 200\n", BOTH, &["`answers_per_picture` = 200, but readout = \"expectation\" always gives the same answer", "readout = \"sample\""], 2, 23),
    ("[judge]\nkind = \"surface\"\nanswers_per_picture = 2\n", BOTH, &["the surface without noise always gives the same answer", "noise = true"], 3, 23),
    ("[judge]\npanel = [\"GA1\", \"GA2\", \"GA1\"]\n", BOTH, &["`panel` names \"GA1\" twice"], 2, 24),
    ("[judge]\npanel = [\"population\"]\n", BOTH, &["`panel` = \"population\" is nobody's name", "only a device's user can be drawn"], 2, 10),
    ("[judge]\npanel = \"GA1\"\n", BOTH, &["`panel` is a string", "[\"GA1\", \"GA2\"]"], 2, 9),
    ("[judge]\nwrite_answers = 1\n", BOTH, &["`write_answers` is a whole number", "true or false"], 2, 17),
    ("[judge]\nkind = \"surface\"\nsimilarity = 1.5\n", BOTH, &["`similarity` = 1.5", "from -1 to 1"], 3, 14),
    ("[judge]\nkind = \"surface\"\nsimilarity = [0.6]\n", BOTH, &["`similarity` is a list of 1 numbers", "the two ends of a range"], 3, 14),
    ("[judge]\nkind = \"surface\"\nsimilarity = [0.6, 1.2]\n", BOTH, &["`similarity` = 1.2", "from -1 to 1"], 3, 20),
    ("[judge]\nkind = \"surface\"\nsimilarity = [0.9, 0.6]\n", BOTH, &["`similarity` = [0.9, 0.6] ends below its beginning", "[0.6, 0.9]"], 3, 14),
    ("[judge]\nkind = \"surface\"\nsimilarity = \"high\"\n", BOTH, &["`similarity` is a string"], 3, 14),
    ("[sweep]\n\"judge.kind\" = [\"vlm\", \"surface\"]\n", BOTH, &["`judge.kind` cannot be swept", "the same columns"], 2, 1),
    ("[sweep]\n\"judge.readot\" = [\"greedy\"]\n", BOTH, &["did you mean `judge.readout`?"], 2, 1),
    ("[sweep]\n\"device.device-1.persona\" = [\"GA1\", \"GA4\"]\n", BOTH, &["`persona` = \"GA4\" is nobody's name", "at point 1"], 2, 37),
    // figures
    ("[[figure]]\nkind = \"image_grid\"\nx = \"policy.t0\"\n", BOTH, &["`x` = \"policy.t0\" is not swept", "[sweep]"], 3, 5),
    ("[[figure]]\nkind = \"image_grid\"\n[sweep]\n\"policy.t0\" = [1]\n", BOTH, &["lacks `x`", "x = \"policy.t0\""], 1, 1),
    ("[[figure]]\nkind = \"heatmap\"\nx = \"policy.t0\"\n[sweep]\n\"policy.t0\" = [1]\n", BOTH, &["`kind` = \"heatmap\"", "\"image_grid\""], 2, 8),
    ("[[figure]]\nkind = \"image_grid\"\nx = \"policy.t0\"\ndevice = \"device-7\"\n[sweep]\n\"policy.t0\" = [1]\n", BOTH, &["no device is called \"device-7\"", "did you mean \"device-1\"?"], 4, 10),
    ("[[figure]]\nkind = \"image_grid\"\nx = \"policy.t0\"\nssim_against = \"unshared\"\n[sweep]\n\"policy.t0\" = [1]\n", BOTH, &["SSIM against \"unshared\", which is not measured", "metrics_against"], 4, 16),
    ("[[figure]]\nkind = \"image_grid\"\nx = \"policy.t0\"\ny = \"policy.t0\"\n[sweep]\n\"policy.t0\" = [1]\n", BOTH, &["`x` and `y` are both \"policy.t0\""], 4, 5),
    ("[[figure]]\nkind = \"image_grid\"\nname = \"a/b\"\nx = \"policy.t0\"\n[sweep]\n\"policy.t0\" = [1]\n", BOTH, &["`name` = \"a/b\"", "file name"], 3, 8),
    ("[[figure]]\nkind = \"image_grid\"\nx = \"policy.t0\"\nscores = [\"GA1\", \"neutrall\"]\n[judge]\npanel = [\"GA1\"]\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["scores of \"neutrall\", who rates no picture", "did you mean \"neutral\"?"], 4, 18),
    ("[[figure]]\nkind = \"image_grid\"\nx = \"policy.t0\"\nscores = [\"GA2\"]\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["scores of \"GA2\", who rates no picture", "add \"GA2\" to `panel` under [judge]"], 4, 11),
    ("[[figure]]\nkind = \"image_grid\"\nx = \"policy.t0\"\nscores = [\"neutral\"]\n[judge]\nkind = \"none\"\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["no `scores` where nobody rates"], 4, 11),
    ("[[figure]]\nkind = \"image_grid\"\nx = \"policy.t0\"\nscores = [\"neutral\", \"neutral\"]\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["names \"neutral\" twice"], 4, 22),
    ("[[figure]]\nkind = \"image_grid\"\nx = \"policy.t0\"\nscores = \"neutral\"\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["`scores` is a string", "a list of personas"], 4, 10),
    ("[[figure]]\nkind = \"image_grid\"\nx = \"policy.t0\"\nmark_maximum = true\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["`mark_maximum` does not go with a figure of kind \"image_grid\""], 4, 1),
    ("[[figure]]\nkind = \"image_grid\"\nx = \"policy.t0\"\n[judge]\nkind = \"surface\"\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["a judge of kind \"surface\" has none made", "\"heat_map\""], 2, 8),
    ("[[figure]]\nkind = \"heat_map\"\nx = \"policy.t0\"\ny = \"policy.tk\"\nvalue = \"qos\"\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["`value` = \"qos\" is no number of requests.csv", "did you mean \"qoe\"?", "\"latency_s\""], 5, 9),
    ("[[figure]]\nkind = \"heat_map\"\nx = \"policy.t0\"\ny = \"policy.tk\"\nvalue = [\"qoe\", \"qoe_GA2\"]\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["\"qoe_GA2\" is no number", "add \"GA2\" to `panel`"], 5, 17),
    ("[[figure]]\nkind = \"heat_map\"\nx = \"policy.t0\"\ny = \"policy.tk\"\nvalue = [\"qoe\", \"latency_s\"]\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["cannot share their colours"], 5, 9),
    ("[[figure]]\nkind = \"heat_map\"\nx = \"policy.t0\"\ny = \"policy.tk\"\nvalue = []\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["`value` is an empty list"], 5, 9),
    ("[[figure]]\nkind = \"heat_map\"\nx = \"policy.t0\"\ny = \"policy.tk\"\n[judge]\nkind = \"none\"\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["nobody rates the pictures", "value = \"latency_s\""], 1, 1),
    ("[[figure]]\nkind = \"heat_map\"\nx = \"policy.t0\"\ny = \"policy.tk\"\nmark_maximum = \"yes\"\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["`mark_maximum` is a string", "true or false"], 5, 16),
    ("[[figure]]\nkind = \"heat_map\"\nx = \"policy.t0\"\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["lacks `y`", "swept field along the rows"], 1, 1),
    ("[[figure]]\nkind = \"heat_map\"\nx = \"policy.t0\"\ny = \"radio.bandwidth_hz\"\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["`y` = \"radio.bandwidth_hz\" is not swept", "\"policy.t0\" or \"policy.tk\""], 4, 5),
    ("[[figure]]\nkind = \"score_distribution\"\n", BOTH, &["shows nobody's scores", "scores = [\"GA1\", \"GA2\"]"], 1, 1),
    ("[[figure]]\nkind = \"score_distribution\"\nx = \"policy.t0\"\nscores = [\"neutral\"]\n[sweep]\n\"policy.t0\" = [1]\n\"policy.tk\" = [2]\n", BOTH, &["`x` does not go with a figure of kind \"score_distribution\""], 3, 1),
    ("[[figure]]\nkind = \"score_distribution\"\nscores = [\"neutral\"]\n[sweep]\n\"server.step_energy_j\" = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]\n", BOTH, &["would have 13 pictures", "at most 12"], 1, 1),
];

/// What is wrong with the answer to a row; `None` if it is as it should be.
pub fn fault(&(text, rest, parts, line, column): &Row) -> Option<String> {
    let text = format!("{text}{rest}");
    let error = problems_of(&text);
    let printed = format!("{error:#}");
    let place = match (line, column) {
        (0, 0) => "bad.toml: ".to_owned(),
        _ => format!("bad.toml:{line}:{column}: "),
    };
    let problem = &error.problems()[0];
    if error.problems().len() > 1 {
        Some(format!("one mistake, several problems:\n{text}{printed}"))
    } else if !printed.starts_with(&place) {
        Some(format!("not at {place}\n{text}{printed}"))
    } else if problem.label().is_none() && problem.advice().is_none() {
        Some(format!("no word on how to mend it:\n{printed}"))
    } else {
        let missing = parts.iter().find(|part| !printed.contains(**part))?;
        Some(format!("no {missing:?} in\n{printed}"))
    }
}

#[test]
fn each_mistake_is_one_problem_at_its_place_with_what_was_expected() {
    let faults: Vec<String> = ROWS.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{} of {} rows:\n\n{}", faults.len(), ROWS.len(), faults.join("\n\n"));
}

#[test]
fn all_mistakes_of_a_file_are_reported_together_in_their_order() {
    let text = "[radio]\nbandwith_hz = 5e6\ncarrier_hz = -1\n[studdy]\n[[device]]\n[policy]\nt0 = 40\ntk = 6\n";
    let error = problems_of(text);
    let places: Vec<_> = error.problems().iter().map(|problem| problem.line_and_column()).collect();
    assert_eq!(places, [Some((2, 1)), Some((3, 14)), Some((4, 2)), Some((5, 1)), Some((7, 6))]);
    assert_eq!(error.to_string(), "bad.toml:2:1: unknown key `bandwith_hz` in [radio] (and 4 more problems)");
}

#[test]
fn a_misspelt_key_is_reported_along_with_a_bad_sweep() {
    let text = format!("[radio]\nbandwith_hz = 5e6\n[sweep]\n\"policy.t0\" = []\n{BOTH}");
    let error = problems_of(&text);
    let places: Vec<_> = error.problems().iter().map(|problem| problem.line_and_column()).collect();
    assert_eq!(places, [Some((2, 1)), Some((4, 15))]);
}

#[test]
fn columns_count_characters_not_bytes() {
    let text = format!("[radio]\nfading = {{ kind = \"rayleigh\", \"größe\" = 2, m = 1 }}\n{BOTH}");
    let error = problems_of(&text);
    let places: Vec<_> = error.problems().iter().map(|problem| problem.line_and_column()).collect();
    assert_eq!(places, [Some((2, 31)), Some((2, 44))]);
}

#[test]
fn the_graphical_report_points_into_the_users_file() {
    let error = problems_of(&format!("[radio]\nbandwith_hz = 5e6\n{BOTH}"));
    let mut report = String::new();
    let theme = miette::GraphicalTheme::unicode_nocolor();
    miette::GraphicalReportHandler::new_themed(theme).render_report(&mut report, &error).expect("it renders");
    for part in
        ["bad.toml:2:1", "2 │ bandwith_hz = 5e6", "expected a key of [radio]", "help: did you mean `bandwidth_hz`?"]
    {
        assert!(report.contains(part), "expected {part:?} in\n{report}");
    }
}

#[test]
fn a_grid_with_too_many_points_is_refused_before_it_is_built() {
    let values: Vec<String> = (1..=4000).map(|value| value.to_string()).collect();
    let list = values.join(", ");
    let text = format!("{BOTH}[sweep]\n\"server.step_energy_j\" = [{list}]\n\"radio.bandwidth_hz\" = [{list}]\n");
    let printed = format!("{:#}", problems_of(&text));
    assert!(printed.contains("the sweep has 16000000 points; expected at most 10000000 points"), "{printed}");
}

#[test]
fn a_missing_file_is_answered_with_the_nearest_name() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("quickstart.toml"), BOTH).expect("a file in it");
    std::fs::write(folder.path().join("other.toml"), BOTH).expect("a file in it");
    let error = ScenarioFile::read(folder.path().join("quikstart.toml")).expect_err("there is no such file");
    let printed = format!("{error:#}");
    assert!(printed.contains("quikstart.toml: there is no such file; did you mean "), "{printed}");
    assert!(printed.contains("quickstart.toml?") && !printed.contains("other.toml"), "{printed}");
}

#[test]
fn a_folder_is_no_scenario() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = ScenarioFile::read(folder.path()).expect_err("a folder");
    assert!(error.to_string().contains("this is a folder, not a scenario"), "{error}");
}

#[test]
fn a_file_that_is_not_utf_8_is_refused_at_the_first_wrong_byte() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("latin.toml");
    std::fs::write(&path, b"[study]\nname = \"caf\xe9\"\n").expect("a file in it");
    let error = ScenarioFile::read(&path).expect_err("not UTF-8");
    assert_eq!(error.problems()[0].line_and_column(), Some((2, 12)));
    assert!(error.to_string().contains("not UTF-8"), "{error}");
}

#[test]
fn a_study_without_name_takes_the_files_unless_that_cannot_name_a_folder() {
    let named = ScenarioFile::from_str(BOTH, "folder/my-study.toml").and_then(|file| file.points());
    assert_eq!(
        named.expect("a good name").first().map(|point| point.scenario.study.name.clone()).as_deref(),
        Some("my-study")
    );
    let error = ScenarioFile::from_str(BOTH, "my study.toml").and_then(|file| file.points()).expect_err("a blank");
    assert!(format!("{error:#}").contains("no [study] with `name`"), "{error:#}");
}
