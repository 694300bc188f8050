//! `--set` and `[sweep]`: replacing fields by their paths.

use latentlink::radio::{Fading, FisherSnedecorConvention, db_to_linear};
use latentlink::scenario::{
    CoordinateValue, FixedPolicy, MultipleAccess, PolicySettings, Scenario, ScenarioFile, known_fields,
};

const TEXT: &str = "
[[device]]
name = \"phone\"
prompt = \"a dog\"
[[device]]
prompt = \"a cat\"
[policy]
t0 = 4
tk = 6
";

fn file(more: &str) -> ScenarioFile {
    ScenarioFile::from_str(format!("{TEXT}{more}"), "study.toml").expect("TOML")
}

/// The first point after these `--set` arguments.
fn with(arguments: &[&str]) -> Scenario {
    let mut file = file("");
    for argument in arguments {
        file.set(argument).unwrap_or_else(|error| panic!("{error:#}"));
    }
    file.points().unwrap_or_else(|error| panic!("{error:#}")).remove(0).scenario
}

fn policy(scenario: &Scenario) -> &FixedPolicy {
    let PolicySettings::Fixed(policy) = &scenario.policy else { panic!("a fixed policy") };
    policy
}

fn refusal(more: &str, argument: &str) -> String {
    let mut file = file(more);
    match file.set(argument).and_then(|()| file.points()) {
        Ok(_) => panic!("`{argument}` passed"),
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn a_field_of_a_table_the_file_lacks_is_set() {
    assert_eq!(with(&["radio.bandwidth_hz=10e6"]).radio.bandwidth_hz, 1e7);
    assert_eq!(with(&["server.energy_budget_j = 20"]).server.energy_budget_j, Some(20.0));
}

#[test]
fn a_bare_word_is_a_string() {
    assert_eq!(with(&["radio.multiple_access=ofdma"]).radio.multiple_access, MultipleAccess::Ofdma);
    let prompt = "a tiger sits in front of a bush";
    assert_eq!(with(&[&format!("server.prompt={prompt}")]).server.prompt.as_deref(), Some(prompt));
    assert_eq!(with(&["server.prompt=\"2\""]).server.prompt.as_deref(), Some("2"));
}

#[test]
fn devices_are_found_by_name_default_name_and_number() {
    let scenario = with(&["device.phone.distance_m=7", "device.device-2.prompt=a fox", "device[1].distance_m=9"]);
    assert_eq!(scenario.devices[0].distance_m, 7.0);
    assert_eq!((scenario.devices[1].prompt.as_str(), scenario.devices[1].distance_m), ("a fox", 9.0));
}

#[test]
fn one_device_of_a_list_is_set_by_number_or_name_even_where_one_number_stood_for_all() {
    assert_eq!(policy(&with(&["policy.tk[1]=2"])).tk, [6, 2]);
    assert_eq!(policy(&with(&["policy.tk[phone]=2"])).tk, [2, 6]);
    assert_eq!(policy(&with(&["policy.tk=[3, 5]", "policy.tk.device-2=1"])).tk, [3, 1]);
    assert_eq!(policy(&with(&["policy.tx_power_w[1]=2"])).tx_power_w, [db_to_linear(18.0), 2.0]);
}

#[test]
fn a_power_in_dbw_takes_the_place_of_one_in_watts() {
    let mut file = file("tx_power_w = [1.0, 2.0]\n");
    file.set("policy.tx_power_dbw=[10, 20]").expect("a field");
    let points = file.points().expect("a good scenario");
    // 10 dBW are 10 W, 20 dBW are 100 W
    for (power, watts) in policy(&points[0].scenario).tx_power_w.iter().zip([10.0, 100.0]) {
        assert!((power - watts).abs() < 1e-12 * watts);
    }
}

#[test]
fn a_key_inside_a_choice_is_set_and_the_rest_stays() {
    let fading = |m, ms| Fading::FisherSnedecor { m, ms, convention: FisherSnedecorConvention::UnitMean };
    assert_eq!(with(&["radio.fading.ms=10"]).radio.fading, fading(2.0, 10.0));
    assert_eq!(
        with(&["radio.fading={kind=\"nakagami-m\",m=1}", "radio.fading.m=4"]).radio.fading,
        Fading::NakagamiM { m: 4.0 }
    );
    assert_eq!(with(&["radio.fading=rayleigh"]).radio.fading, Fading::Rayleigh);
}

#[test]
fn a_bad_argument_is_answered_with_the_nearest_field_or_what_was_expected() {
    for (argument, parts) in [
        ("radio.bandwith_hz=3", ["--set radio.bandwith_hz=3: ", "did you mean `radio.bandwidth_hz`?"]),
        ("bandwidth_hz=3", ["is no field", "did you mean `radio.bandwidth_hz`?"]),
        ("radio=3", ["`radio` is a table", "radio.bandwidth_hz"]),
        ("device.prompt=a", ["no device is called `prompt`", "phone (number 0), device-2 (number 1)"]),
        ("device[2].prompt=a", ["no device is called `2`", "device-2 (number 1)"]),
        ("policy.tk[=1", ["is not a path", "policy.tk[0]"]),
        ("policy.t0[1]=1", ["is no field", "policy.t0"]),
        ("radio.bandwidth_hz", ["there is no `=`", "radio.bandwidth_hz=10e6"]),
        ("radio.bandwidth_hz=", ["no value after `=`", "FIELD=VALUE"]),
        (
            "radio.bandwidth_hz=fast",
            ["--set radio.bandwidth_hz=fast: `bandwidth_hz` is a string", "a number above 0 in Hz"],
        ),
        ("policy.tk=[6, 6", ["not valid TOML", "array"]),
        ("policy.tk=[6, 6, 6]", ["`tk` has 3 values for 2 devices", "write 2 values"]),
        ("radio.fading=fog", ["`fading` = \"fog\" is not known", "\"rayleigh\""]),
        ("sweep.policy.t1=[1]", ["`policy.t1` is no field", "did you mean `policy.t0`?"]),
    ] {
        let printed = refusal("", argument);
        for part in parts {
            assert!(printed.contains(part), "expected {part:?} in\n{printed}");
        }
    }
}

#[test]
fn a_swept_field_is_not_overridden_in_silence() {
    let printed = refusal("[sweep]\n\"policy.tk\" = [1, 2]\n", "policy.tk[0]=3");
    assert!(printed.contains("`policy.tk[0]` is swept") && printed.contains("sweep.policy.tk=[3]"), "{printed}");
}

#[test]
fn a_sweep_can_be_replaced_and_added_from_the_command_line() {
    let mut file = file("[sweep]\n\"policy.t0\" = [1, 2]\n");
    file.set("sweep.policy.t0=[3]").expect("a swept field");
    file.set("sweep.policy.tk[phone]=[4, 5]").expect("a field");
    let points = file.points().expect("a good scenario");
    let steps: Vec<_> =
        points.iter().map(|point| (policy(&point.scenario).t0, policy(&point.scenario).tk.clone())).collect();
    assert_eq!(steps, [(3, vec![4, 6]), (3, vec![5, 6])]);
}

#[test]
fn the_last_swept_field_varies_fastest_and_points_keep_their_coordinates() {
    let file = file("[sweep]\nradio.modulation = [\"bpsk\", \"qam16\"]\npolicy.tk = [[1, 2], [3, 4]]\n");
    let points = file.points().expect("a good scenario");
    let printed: Vec<String> = points
        .iter()
        .map(|point| point.coordinates.iter().map(|c| format!("{}={}", c.path, c.value)).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        printed,
        [
            "radio.modulation=bpsk policy.tk=[1, 2]",
            "radio.modulation=bpsk policy.tk=[3, 4]",
            "radio.modulation=qam16 policy.tk=[1, 2]",
            "radio.modulation=qam16 policy.tk=[3, 4]",
        ]
    );
    assert_eq!(points.iter().map(|point| point.index).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!(points[2].coordinates[0].value, CoordinateValue::Text("qam16".into()));
    assert_eq!(policy(&points[3].scenario).tk, [3, 4]);
}

#[test]
fn a_field_that_only_the_sweep_gives_need_not_stand_elsewhere() {
    let text = "[[device]]\nprompt = \"a\"\n[sweep]\n\"policy.t0\" = [1, 2]\n\"policy.tk\" = [3]\n";
    let points = ScenarioFile::from_str(text, "a.toml").and_then(|file| file.points()).expect("a good scenario");
    assert_eq!(points.iter().map(|point| policy(&point.scenario).t0).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn without_sweep_there_is_one_point_without_coordinates() {
    let points = file("").points().expect("a good scenario");
    assert_eq!(points.len(), 1);
    assert!(points[0].coordinates.is_empty());
}

#[test]
fn every_known_field_is_read_and_refuses_a_table_in_its_place() {
    for (table, field) in known_fields() {
        let entry = match table {
            "device" => "device.phone".to_owned(),
            "figure" | "cell" | "fault" => format!("{table}[0]"),
            _ => table.to_owned(),
        };
        // some field must be swept for the figure, but not the one under test
        let swept =
            if (table, field.as_str()) == ("server", "step_time_s") { "study.seed" } else { "server.step_time_s" };
        let figure = format!("[sweep]\n\"{swept}\" = [1]\n[[figure]]\nkind = \"image_grid\"\nx = \"{swept}\"\n");
        let lists = "[[cell]]\nx_m = 0\ny_m = 0\n[[fault]]\nkind = \"server-outage\"\nat_s = [1]\nduration_s = 1\n";
        // keys beside a kind are known to some kinds only
        let kinds: &[&str] = match field.split('.').next() {
            Some("sampler") => &["ddim"],
            Some("path_loss") => &["log-distance", "fixed-gain"],
            Some("fading") => &["fisher-snedecor", "rician", "nakagami-m"],
            Some("protection") => &["arq", "fec", "unequal"],
            Some("arrivals") => &["poisson", "gamma", "mmpp", "deterministic", "closed-loop", "trace"],
            Some("prompts") => &["list", "grammar", "file"],
            Some("patience") => &["fixed", "exponential"],
            Some("time_to_live") => &["reset"],
            _ => &[""],
        };
        let is_read = kinds.iter().any(|kind| {
            let mut file = file(&format!("{figure}{lists}"));
            if let Some((choice, _)) = field.split_once('.') {
                file.set(&format!("{entry}.{choice}={kind}")).expect("a choice");
            }
            // and some to some kinds of judge, policy, population and figure, or beside another key
            let needed: &[&str] = match (table, field.as_str()) {
                ("study", "until_quantity" | "maximum_replications") => &["study.until_relative_half_width=0.1"],
                ("diffusion", "history") => &["diffusion.sampler=pndm"],
                ("judge", "similarity" | "noise" | "file") => &["judge.kind=surface"],
                ("judge", "base_url" | "model" | "api_key_env" | "timeout_s" | "request_retries" | "concurrency") => {
                    &["judge.kind=endpoint"]
                }
                ("judge", "temperature" | "max_new_tokens" | "retries") => &["judge.readout=sample"],
                ("figure", "value" | "mark_maximum" | "contour_threshold" | "mark") => &["figure[0].kind=heat_map"],
                ("figure", "series" | "at" | "intervals" | "log_x" | "threshold") => &["figure[0].kind=line"],
                ("figure", "point" | "replication") => &["figure[0].kind=timeline"],
                ("figure", "from_s" | "to_s") => &["figure[0].kind=timeline", "demand.requests=9"],
                ("analysis", "checkpoint_interval_s") => &["judge.kind=surface", "demand.requests=9"],
                ("policy", "maximum_shared_steps" | "maximum_own_steps" | "power_step_w") => {
                    &["policy.kind=exhaustive"]
                }
                ("policy", "file" | "samples" | "decoder") => &["policy.kind=actor"],
                ("population", "file") => &["population.kind=file"],
                ("radio", "channels") => &["radio.multiple_access=ofdma", "demand.requests=9"],
                ("radio", "coherence_time_s") => &["radio.fading_process=block"],
                ("device", "x_m") => &["device.phone.y_m=0"],
                ("device", "y_m") => &["device.phone.x_m=0"],
                ("device", "battery_j") => &["demand.requests=9"],
                ("device", "recharge_w") => &["device.phone.battery_j=9", "demand.requests=9"],
                ("mobility", "file") => &["mobility.kind=trace"],
                ("mobility", "speed_min_mps" | "speed_max_mps" | "pause_s") => &["mobility.kind=random-waypoint"],
                ("fault", "device") => &["fault[0].kind=device-away"],
                _ => &[],
            };
            for needed in needed {
                file.set(needed).expect("a field");
            }
            file.set(&format!("{entry}.{field}={{ x = 1 }}")).unwrap_or_else(|error| panic!("{error:#}"));
            let error = file.points().expect_err("no field takes this table");
            error.problems().iter().any(|problem| {
                let message = problem.message();
                // two keys take tables, of swept fields
                let is_no_path = matches!(field.as_str(), "at" | "mark") && message.contains("`x` is no field");
                is_no_path || message.contains("is a table") || message.contains("lacks `kind`")
            })
        });
        assert!(is_read, "{table}.{field} is not read");
    }
}
