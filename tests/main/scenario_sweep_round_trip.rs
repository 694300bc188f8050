//! A study with a sweep, written back as TOML, has the same points.

use latentlink::scenario::ScenarioFile;

const DEMAND: &str = "[demand]\narrivals = { kind = \"poisson\", rate_hz = 1 }\nrequests = 9\n";

#[test]
fn a_resolved_study_reads_back_to_the_same_points() {
    let mut files: Vec<ScenarioFile> =
        ["quickstart.toml", "paper/fig08.toml", "paper/fig09.toml", "paper/fig10.toml", "paper/fig13.toml"]
            .map(|path| ScenarioFile::read(format!("{}/scenarios/{path}", env!("CARGO_MANIFEST_DIR"))).expect("TOML"))
            .into();
    let swept = "[[device]]\nprompt = \"a\"\n[[device]]\nprompt = \"b\"\n[policy]\nt0 = 1\ntk = 2\n";
    for (sweep, power) in [
        ("\"policy.tx_power_dbw\" = [1.7, 18.3]", "tx_power_w = 3.0"),
        ("\"policy.tx_power_dbw[1]\" = [1.7, 18.3]", "tx_power_dbw = 3.1"),
        ("\"policy.tx_power_w[device-2]\" = [1.7, 18.3]", ""),
        ("\"radio.fading\" = [\"none\", { kind = \"rician\", k_db = 3 }]", ""),
        ("\"radio.fading.ms\" = [1.5, 3]", ""),
        ("\"radio.path_loss\" = [\"uma-nlos\", { kind = \"fixed-gain\", gain_db = -90 }]", ""),
        ("\"server.energy_budget_j\" = [1, 2]", ""),
        ("\"judge.readout\" = [\"greedy\", \"sample\"]", "[judge]\npack = \"judge\""),
        ("\"device.device-1.persona\" = [\"GA1\", [0.1, 0.2, 0.3, 0.4, 0.5]]", ""),
        (
            "\"judge.model\" = [\"eyes\", \"ears\"]",
            "[judge]\nkind = \"endpoint\"\nbase_url = \"http://a/v1\"\nmodel = \"eyes\"",
        ),
        ("\"judge.similarity\" = [0.8, 0.9]", "[judge]\nkind = \"surface\""),
        ("\"judge.similarity\" = [[0.6, 1], [0.8, 0.9], 0.7]", "[judge]\nkind = \"surface\""),
        ("\"population.kind\" = [\"uniform\"]", ""),
        ("\"device.device-1.distance_max_m\" = [600, 900]", ""),
        ("\"policy.t0\" = { from = 1, to = 3, step = 2 }", ""),
        ("\"radio.efficiency\" = { from = 0.1, to = 1, points = 4 }\nmode = \"grid\"", ""),
        ("\"radio.bandwidth_hz\" = { from = 1e6, to = 1e8, points = 3, log = true }", ""),
        ("mode = \"zip\"\n\"policy.t0\" = [1, 2, 2]\n\"policy.tk\" = { from = 3, to = 5, points = 3 }", ""),
        (
            "\"study.seed\" = [1, 2]\nzip = [{ \"policy.t0\" = [1, 2], policy.tk = [3, 4] }]\nradio.fading.ms = [2, 3]",
            "",
        ),
        (
            "\"study.seed\" = [1, 2]\n[[sweep.zip]]\npolicy.t0 = [1, 2]\npolicy.tk.device-2 = [3, 4]\n\
             [[sweep.zip]]\n\"server.step_time_s\" = [1, 2]\nradio.efficiency = { from = 0.3, to = 0.4, step = 0.1 }",
            "",
        ),
        (
            "\"cache.enabled\" = [false, true]",
            "[cache]\ncapacity_entries = 7\nsteps = [2]\nthresholds = [0.9]\n{DEMAND}",
        ),
        ("\"cache.capacity_bytes\" = [0, 100]", "{DEMAND}"),
        ("\"cache.time_to_live\" = [{ kind = \"reset\", time_s = 1 }, { kind = \"fixed\", time_s = 2 }]", "{DEMAND}"),
        ("\"demand.arrivals.rate_hz\" = { from = 0.5, to = 2, points = 4 }", "{DEMAND}"),
        (
            "demand.arrivals = [{ kind = \"deterministic\", interval_s = 2 }, { kind = \"closed-loop\", think_time_s = 3 }]",
            "{DEMAND}",
        ),
        ("\"demand.prompts\" = [\"own\", [\"a dog\", \"a cat\"], { kind = \"grammar\" }]", "{DEMAND}"),
        ("\"demand.patience\" = [3, { kind = \"exponential\", mean_s = 4 }]", "{DEMAND}"),
        ("demand.patience.time_s = [3, 4]", "{DEMAND}patience = 2\n"),
        ("\"architecture.kind\" = [\"edge\", \"device-to-device\", \"cluster\"]", ""),
        ("\"architecture.path_loss.exponent\" = [2, 3]", ""),
        ("\"device.device-2.count\" = [1, 3, 20]", "tx_power_dbw = [3, 4]\n"),
        ("\"device.device-2.placement\" = [\"area\", \"distance\"]", "[cells]\ncount = 5\nspacing_m = 200\n"),
        ("\"cells.count\" = [1, 4]", "[cells]\nspacing_m = 200\n{DEMAND}"),
        (
            "\"fault.fault-1.rate_hz\" = [0.1, 0.2]",
            "{DEMAND}[[fault]]\nkind = \"link-outage\"\nat_s = [1]\nduration_s = 2\n",
        ),
        ("\"analysis.warm_up\" = [\"mser-5\", 100]", "{DEMAND}"),
        ("\"radio.protection\" = [\"none\", { kind = \"arq\" }, { kind = \"unequal\", protected_bits = 3 }]", ""),
        (
            "\"diffusion.codec\" = [\"int8\", \"fp16\"]",
            "[radio]\nprotection = { kind = \"unequal\", protected_bits = 7 }\n",
        ),
        (
            "\"population.standard_deviation\" = [[0.1, 0.1, 0.1, 0.1, 0.1], [0, 0, 0, 0, 0]]",
            "[population]\nmean = [0.1, 0.2, 0.3, 0.4, 0.5]",
        ),
    ] {
        let more = power.replace("{DEMAND}", DEMAND);
        let text = format!("{swept}{more}\n[sweep]\n{sweep}\n");
        files.push(ScenarioFile::from_str(text, "swept.toml").expect("TOML"));
    }
    for file in files {
        let resolved = file.resolved_toml().unwrap_or_else(|error| panic!("{error:#}"));
        let again = ScenarioFile::from_str(resolved.clone(), "resolved.toml").and_then(|file| file.points());
        let again = again.unwrap_or_else(|error| panic!("{error:#}\n{resolved}"));
        assert_eq!(again, file.points().expect("a good scenario"), "{resolved}");
        let once_more = ScenarioFile::from_str(resolved.clone(), "resolved.toml").and_then(|file| file.resolved_toml());
        assert_eq!(once_more.expect("a good scenario"), resolved);
    }
}
