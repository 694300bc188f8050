//! Every key of a network in time can be swept, and a point of a sweep is what the file would be with its values.

use latentlink::scenario::ScenarioFile;

const TEXT: &str = "
[[device]]
name = \"phone\"
count = 3
prompt = \"a dog\"
[[device]]
name = \"car\"
prompt = \"a cat\"
[policy]
t0 = 4
tk = [5, 6]
[radio]
protection = { kind = \"unequal\", protected_bits = 5 }
[[cell]]
x_m = 0
y_m = 0
";

const IN_TIME: &str = "
[demand]
arrivals = { kind = \"poisson\", rate_hz = 1 }
requests = 9
deadline_s = 40
[cache]
steps = [2, 3]
thresholds = [0.8, 0.9]
[[fault]]
kind = \"device-away\"
at_s = [3]
duration_s = 2
device = \"car\"
";

/// (the field, two values, what else the file needs)
type Row = (&'static str, [&'static str; 2], &'static [&'static str]);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("diffusion.codec", ["\"int8\"", "\"fp16\""], &[]),
    ("diffusion.steps", ["11", "12"], &[]),
    ("diffusion.sampler", ["\"pndm\"", "\"lcm\""], &[]),
    ("diffusion.history", ["\"restart\"", "\"send\""], &["diffusion.sampler=pndm"]),
    ("server.workers", ["1", "2"], &[]),
    ("server.maximum_batch", ["1", "2"], &[]),
    ("server.queue", ["\"priority\"", "\"earliest-deadline\""], &[]),
    ("server.queue_capacity", ["0", "2"], &[]),
    ("server.step_time_cv", ["0", "1"], &[]),
    ("server.admission", ["\"all\"", "\"deadline\""], &[]),
    ("radio.channels", ["3", "4"], &["radio.multiple_access=ofdma"]),
    ("radio.coherence_time_s", ["3", "4"], &["radio.fading_process=block"]),
    ("radio.fading_process", ["\"block\"", "\"gaussian-copula\""], &["radio.coherence_time_s=1"]),
    ("radio.noise_rise_db", ["3", "4"], &[]),
    ("radio.noise_rise_follows_load", ["true", "false"], &[]),
    ("radio.protection", ["\"arq\"", "{ kind = \"fec\", code_rate = 0.3 }"], &[]),
    ("radio.protection.kind", ["\"fec\"", "\"harq-chase\""], &["radio.protection={ kind = \"fec\" }"]),
    ("radio.protection.protected_bits", ["3", "4"], &[]),
    ("device.phone.count", ["3", "12"], &[]),
    ("device.phone.placement", ["\"area\"", "\"distance\""], &[]),
    ("device.phone.x_m", ["3", "12"], &["device.phone.y_m=2"]),
    ("device.phone.priority", ["3", "-12"], &[]),
    ("device.phone.deadline_s", ["3", "12.5"], &[]),
    ("device.phone.shares_latents", ["true", "false"], &[]),
    ("device.phone.battery_j", ["3", "12"], &[]),
    ("device.phone.recharge_w", ["3", "12"], &["device.phone.battery_j=2"]),
    ("policy.tk[phone]", ["3", "4"], &[]),
    ("demand.arrivals", ["{ kind = \"deterministic\", interval_s = 2 }", "{ kind = \"closed-loop\", think_time_s = 2 }"], &[]),
    ("demand.arrivals.rate_hz", ["3", "4"], &[]),
    ("demand.arrivals.rates_hz", ["[3, 4]", "[4, 3]"], &["demand.arrivals={ kind = \"mmpp\", rates_hz = [1, 1], sojourns_s = [1, 1] }"]),
    ("demand.stream", ["\"population\"", "\"device\""], &[]),
    ("demand.requests", ["3", "4"], &[]),
    ("demand.duration_s", ["3", "4"], &[]),
    ("demand.prompts", ["\"own\"", "[\"a dog\", \"a cat\"]"], &[]),
    ("demand.prompts.templates", ["[\"{object}\"]", "[\"a {object}\"]"], &["demand.prompts=grammar"]),
    ("demand.zipf_exponent", ["0.3", "1"], &["demand.prompts=grammar"]),
    ("demand.start_latent", ["\"request\"", "\"shared\""], &[]),
    ("demand.deadline_s", ["3", "4"], &["server.admission=deadline"]),
    ("demand.patience", ["3", "{ kind = \"exponential\", mean_s = 4 }"], &[]),
    ("demand.patience.time_s", ["3", "4"], &[]),
    ("demand.retries", ["0", "4"], &[]),
    ("demand.retry_delay_s", ["0", "4"], &[]),
    ("grouping.window_s", ["0", "4"], &[]),
    ("grouping.maximum_size", ["2", "4"], &[]),
    ("grouping.similarity_threshold", ["-0.5", "2"], &[]),
    ("grouping.only_if_saving", ["true", "false"], &[]),
    ("cache.enabled", ["false", "true"], &[]),
    ("cache.eviction", ["\"lfu\"", "\"lcbfu\""], &[]),
    ("cache.capacity_bytes", ["0", "4"], &[]),
    ("cache.capacity_entries", ["0", "4"], &[]),
    ("cache.time_to_live", ["{ kind = \"reset\", time_s = 1 }", "{ kind = \"fixed\", time_s = 1 }"], &[]),
    ("cache.time_to_live.time_s", ["1", "2"], &[]),
    ("cache.steps", ["[1, 2]", "[2, 4]"], &[]),
    ("cache.thresholds", ["[0.5, 2]", "[0.2, 0.4]"], &[]),
    ("cache.divergence", ["0.5", "2"], &[]),
    ("cache.codec", ["\"fp16\"", "\"int8\""], &[]),
    ("cache.sharing", ["\"own\"", "\"everyone\""], &[]),
    ("architecture.kind", ["\"device-to-device\"", "\"cluster\""], &[]),
    ("architecture.election", ["\"medoid\"", "\"residual-energy\""], &[]),
    ("architecture.topology", ["\"star\"", "\"chain\""], &[]),
    ("architecture.with_server", ["true", "false"], &[]),
    ("architecture.relay_steps", ["0", "2"], &[]),
    ("architecture.path_loss", ["\"umi-los\"", "{ kind = \"fixed-gain\", gain_db = -60 }"], &[]),
    ("architecture.path_loss.exponent", ["2", "3.5"], &[]),
    ("architecture.device_distance_m", ["2", "3.5"], &[]),
    ("cell.cell-1.x_m", ["2", "3.5"], &[]),
    ("mobility.speed_max_mps", ["2", "3.5"], &["mobility.kind=random-waypoint", "mobility.speed_min_mps=1"]),
    ("mobility.pause_s", ["2", "3.5"], &["mobility.kind=random-waypoint", "mobility.speed_min_mps=1", "mobility.speed_max_mps=1"]),
    ("fault.fault-1.rate_hz", ["2", "3.5"], &[]),
    ("fault[0].at_s", ["[2]", "[3, 5]"], &[]),
    ("fault[0].duration_s", ["2", "3.5"], &[]),
    ("fault[0].device", ["\"car\"", "\"phone-2\""], &[]),
    ("recovery.retransmissions", ["0", "2"], &[]),
    ("recovery.timeout_s", ["0", "2"], &[]),
    ("analysis.warm_up", ["\"mser-5\"", "2"], &[]),
    ("analysis.batches", ["3", "2"], &[]),
    ("analysis.write_requests", ["true", "false"], &[]),
    ("analysis.check_invariants", ["true", "false"], &[]),
    ("analysis.checkpoint_interval_s", ["3", "2"], &["judge.kind=surface"]),
];

fn with(arguments: &[&str]) -> ScenarioFile {
    let mut file = ScenarioFile::from_str(format!("{TEXT}{IN_TIME}"), "network.toml").expect("TOML");
    for argument in arguments {
        file.set(argument).unwrap_or_else(|error| panic!("{error:#}"));
    }
    file
}

#[test]
fn a_point_of_a_sweep_is_the_scenario_with_its_values() {
    for (field, values, needed) in ROWS {
        let sweep = format!("sweep.{field}=[{}]", values.join(", "));
        let swept = with(&[*needed, &[sweep.as_str()]].concat());
        let points = swept.points().unwrap_or_else(|error| panic!("{field}: {error:#}"));
        let resolved = swept.resolved_toml().expect("a good study");
        let again = ScenarioFile::from_str(resolved.clone(), "network.toml").and_then(|file| file.points());
        let again = again.unwrap_or_else(|error| panic!("{field}: {error:#}\n{resolved}"));
        for (index, value) in values.iter().enumerate() {
            let single = with(&[*needed, &[format!("{field}={value}").as_str()]].concat());
            let single = single.points().unwrap_or_else(|error| panic!("{field}: {error:#}")).remove(0).scenario;
            assert_eq!(points[index].scenario, single, "{field} = {value}");
            assert_eq!(again[index].scenario, single, "{field} = {value}, written and read again");
        }
        assert_ne!(points[0].scenario, points[1].scenario, "{field} changes nothing");
    }
}

#[test]
fn cells_of_a_grid_can_be_more_or_fewer() {
    let text = "[[device]]\nprompt = \"a\"\n[policy]\nt0 = 4\ntk = 6\n[demand]\nrequests = 9\n\
                arrivals = { kind = \"poisson\", rate_hz = 1 }\n[cells]\nspacing_m = 10\n[[fault]]\nkind = \"link-outage\"\n\
                at_s = [1]\nduration_s = 1\ncell = \"cell-2\"\n[sweep]\n\"cells.count\" = [2, 9]\n";
    let points = ScenarioFile::from_str(text, "network.toml").and_then(|file| file.points()).expect("good scenarios");
    let cells: Vec<(usize, Option<u32>)> =
        points.iter().map(|point| (point.scenario.cells.len(), point.scenario.faults[0].target)).collect();
    assert_eq!(cells, [(2, Some(1)), (9, Some(1))]);
    let one = text.replace("[2, 9]", "[2, 1]");
    let error = ScenarioFile::from_str(one, "network.toml").and_then(|file| file.points()).expect_err("no cell-2");
    assert!(error.to_string().contains("no cell is called \"cell-2\", at point 1"), "{error}");
}
