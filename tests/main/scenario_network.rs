//! What a scenario file makes of a network in time.

use std::fs;

use latentlink::scenario::{
    ArrivalStream, Arrivals, Patience, Placement, PolicySettings, PromptChoice, Scenario, ScenarioFile, TraceRow,
    TrackPoint,
};

const DEMAND: &str = "[demand]\narrivals = { kind = \"poisson\", rate_hz = 1 }\nrequests = 9\n";
const POLICY: &str = "[policy]\nt0 = 4\ntk = 6\n";
const DEVICE: &str = "[[device]]\nprompt = \"a\"\n";

fn read(text: &str) -> ScenarioFile {
    ScenarioFile::from_str(text, "network.toml").unwrap_or_else(|error| panic!("{error:#}\n{text}"))
}

fn scenario(text: &str) -> Scenario {
    read(text).points().unwrap_or_else(|error| panic!("{error:#}\n{text}")).remove(0).scenario
}

fn steps_and_powers(scenario: &Scenario) -> (&[u32], &[f64]) {
    let PolicySettings::Fixed(policy) = &scenario.policy else { panic!("a fixed policy") };
    (&policy.tk, &policy.tx_power_w)
}

#[test]
fn a_table_with_a_count_makes_devices_that_differ_by_name() {
    let text = "[[device]]\nname = \"phone\"\ncount = 12\nprompt = \"a\"\n[[device]]\nprompt = \"b\"\n\
                [[device]]\ncount = 2\nprompt = \"c\"\n[policy]\nt0 = 4\ntk = [5, 6, 7]\ntx_power_w = [1, 2, 3]\n";
    let scenario = scenario(text);
    let names: Vec<&str> = scenario.devices.iter().map(|device| device.name.as_str()).collect();
    let mut expected: Vec<String> = (1..=12).map(|number| format!("phone-{number:02}")).collect();
    expected.extend(["device-2", "device-3-1", "device-3-2"].map(str::to_owned));
    assert_eq!(names, expected);
    let tables: Vec<&str> = scenario.devices.iter().map(|device| device.table_name()).collect();
    assert_eq!((tables[11], tables[12], tables[13]), ("phone", "device-2", "device-3"));
    let places: Vec<(u32, u32, u32)> =
        scenario.devices[11..].iter().map(|device| (device.table, device.count, device.member)).collect();
    assert_eq!(places, [(0, 12, 11), (1, 1, 0), (2, 2, 0), (2, 2, 1)]);
    let (tk, watts) = steps_and_powers(&scenario);
    assert_eq!(tk, [[5; 12].as_slice(), &[6], &[7, 7]].concat());
    assert_eq!(watts, [[1.0; 12].as_slice(), &[2.0], &[3.0, 3.0]].concat());
}

#[test]
fn one_table_of_many_is_set_and_written_once() {
    let mut file = read(
        "[[device]]\nname = \"phone\"\ncount = 1000\nprompt = \"a\"\n[[device]]\nprompt = \"b\"\n\
                         [policy]\nt0 = 4\ntk = 6\n",
    );
    file.set("policy.tk[phone]=3").expect("a table's name");
    file.set("device.phone.distance_m=70").expect("a table's name");
    let scenario = file.points().expect("a good scenario").remove(0).scenario;
    assert_eq!((scenario.devices[999].distance_m, scenario.devices[1000].distance_m), (70.0, 500.0));
    assert_eq!(steps_and_powers(&scenario).0[998..], [3, 3, 6]);
    let resolved = file.resolved_toml().expect("a good scenario");
    assert_eq!(resolved.matches("[[device]]").count(), 2, "{resolved}");
    assert!(resolved.contains("tk = [3, 6]\n"), "{resolved}");
}

#[test]
fn a_grid_of_cells_is_about_the_origin_row_by_row() {
    let places = |count: u32| -> Vec<(f64, f64)> {
        let scenario = scenario(&format!("{DEVICE}{POLICY}[cells]\ncount = {count}\nspacing_m = 100\n"));
        assert_eq!(scenario.cells[count as usize - 1].name, format!("cell-{count}"));
        scenario.cells.iter().map(|cell| (cell.x_m, cell.y_m)).collect()
    };
    assert_eq!(places(1), [(0.0, 0.0)]);
    assert_eq!(places(3), [(-50.0, -50.0), (50.0, -50.0), (-50.0, 50.0)]);
    assert_eq!(places(5), [(-100.0, -50.0), (0.0, -50.0), (100.0, -50.0), (-100.0, 50.0), (0.0, 50.0)]);
}

#[test]
fn devices_stand_at_a_distance_at_a_place_or_anywhere() {
    let of = |keys: &str| {
        let device = scenario(&format!("{DEVICE}{keys}\n{POLICY}")).devices.remove(0);
        (device.placement, device.distance_m)
    };
    assert_eq!(of("distance_m = 70"), (Placement::Distance, 70.0));
    assert_eq!(of("x_m = -3\ny_m = 4"), (Placement::At { x_m: -3.0, y_m: 4.0 }, 5.0));
    assert_eq!(of("placement = \"area\"").0, Placement::Area);
}

#[test]
fn numbers_and_lists_are_short_for_tables() {
    let text = format!("{DEVICE}{POLICY}{DEMAND}patience = 5\nprompts = [\"a dog\", \"a cat\"]\n");
    let demand = scenario(&text).demand.expect("there is one");
    assert_eq!(demand.patience, Some(Patience::Fixed { time_s: 5.0 }));
    assert_eq!(demand.prompts, PromptChoice::List { prompts: vec!["a dog".into(), "a cat".into()] });
    // A key inside a short value is one of the table that it stands for.
    let mut file = read(&text);
    file.set("demand.patience.time_s=7").expect("a key of the kind");
    let demand = file.points().expect("a good scenario").remove(0).scenario.demand.expect("there is one");
    assert_eq!(demand.patience, Some(Patience::Fixed { time_s: 7.0 }));
}

#[test]
fn the_usual_grammar_has_fifty_objects_of_the_pack() {
    let demand = scenario(&format!("{DEVICE}{POLICY}{DEMAND}prompts = \"grammar\"\n")).demand.expect("there is one");
    let PromptChoice::Grammar { objects, templates } = &demand.prompts else { panic!("{:?}", demand.prompts) };
    let concepts = format!("{}/models/training/concepts.json", env!("CARGO_MANIFEST_DIR"));
    let concepts: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(concepts).expect("the pack's objects")).expect("JSON");
    assert_eq!(objects.len(), 50);
    assert!(objects.iter().all(|object| concepts.get(object).is_some()), "{objects:?}");
    assert_eq!(demand.prompts.texts().count(), 50 * templates.len());
}

#[test]
fn a_closed_loop_has_a_stream_for_each_device() {
    let text = "[demand]\narrivals = { kind = \"closed-loop\", think_time_s = 3 }\nrequests = 9\n";
    let demand = scenario(&format!("{DEVICE}{POLICY}{text}")).demand.expect("there is one");
    assert_eq!(demand.stream, ArrivalStream::Device);
}

#[test]
fn a_cache_is_switched_off_with_its_settings_kept() {
    let text = format!("{DEVICE}{POLICY}{DEMAND}[cache]\nenabled = false\ncapacity_entries = 7\n");
    assert_eq!(scenario(&text).cache, None);
    assert_eq!(scenario(&format!("{DEVICE}{POLICY}{DEMAND}")).cache, None);
    let mut again = read(&read(&text).resolved_toml().expect("a good scenario"));
    again.set("cache.enabled=true").expect("a key");
    let cache = again.points().expect("a good scenario").remove(0).scenario.cache.expect("it is on");
    assert_eq!(cache.capacity_entries, Some(7));
}

#[test]
fn one_word_changes_the_architecture() {
    let text = |kind: &str| {
        format!(
            "{DEVICE}count = 4\n{POLICY}[architecture]\nkind = \"{kind}\"\nelection = \"medoid\"\ntopology = \"chain\"\n\
             with_server = true\nrelay_steps = 2\ndevice_distance_m = 20\n"
        )
    };
    for kind in ["edge", "device-to-device", "cluster"] {
        let scenario = scenario(&text(kind));
        assert_eq!((scenario.architecture.with_server, scenario.architecture.relay_steps), (true, 2), "{kind}");
    }
}

#[test]
fn a_profile_gives_steps_and_decoding() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("gpu.toml");
    let profile = "name = \"a GPU\"\nprovenance = \"assumed\"\nsource = \"a guess\"\ndecode_time_s = 0.5\n\
                   decode_energy_j = 0.75\n[[batch]]\nsize = 1\nstep_time_s = 0.25\nstep_energy_j = 2.0\n[[batch]]\n\
                   size = 4\nstep_time_s = 0.5\nstep_energy_j = 6.0\n";
    fs::write(&file, profile).expect("a file");
    let name = file.to_str().expect("UTF-8").replace('\\', "/");
    let text = format!("{DEVICE}count = 3\nprofile = \"{name}\"\n[server]\nprofile = \"{name}\"\n{POLICY}");
    let resolved = read(&text).resolved_toml().expect("a good scenario");
    for text in [&text, &resolved] {
        let scenario = scenario(text);
        let device = &scenario.devices[2];
        assert_eq!((scenario.server.step_time_s, scenario.server.step_energy_j), (0.25, 2.0));
        assert_eq!((device.step_time_s, device.step_energy_j), (0.25, 2.0));
        assert_eq!((device.decode_time_s, device.decode_energy_j), (0.5, 0.75));
        assert_eq!(device.profile.as_ref().map(|profile| profile.profile.batches.len()), Some(2));
    }
    let both = format!("{DEVICE}profile = \"{name}\"\ndecode_time_s = 1\n{POLICY}");
    let error = read(&both).points().expect_err("two answers");
    assert!(error.to_string().contains("`decode_time_s` does not go with a `profile`"), "{error}");
}

#[test]
fn traces_name_devices_and_are_read_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").replace('\\', "/");
    let (requests, positions) = (path("requests.csv"), path("positions.csv"));
    fs::write(&requests, "arrival_s,device,prompt\n1,phone-2,a dog\n2.5,,\n4,car,a dog\n").expect("a file");
    fs::write(&positions, "device,time_s,x_m,y_m\nphone-2,0,1,2\nphone-2,9,3,4\n").expect("a file");
    let text = format!(
        "[[device]]\nname = \"phone\"\ncount = 3\nprompt = \"a\"\n[[device]]\nname = \"car\"\nprompt = \"b\"\n{POLICY}\
         [demand]\narrivals = {{ kind = \"trace\", file = \"{requests}\" }}\n\
         [mobility]\nkind = \"trace\"\nfile = \"{positions}\"\n[sweep]\n\"demand.retries\" = [1, 2]\n"
    );
    let grid = read(&text).grid().expect("a good scenario");
    fs::remove_file(&requests).expect("it was there");
    fs::remove_file(&positions).expect("it was there");
    let scenario = grid.point(1).expect("what was read is kept").scenario;
    let demand = scenario.demand.expect("there is one");
    let Arrivals::Trace { rows, prompts, .. } = &demand.arrivals else { panic!("{:?}", demand.arrivals) };
    let row = |arrival_s, device, prompt| TraceRow { arrival_s, device, prompt };
    assert_eq!(rows[..], [row(1.0, Some(1), Some(0)), row(2.5, None, None), row(4.0, Some(3), Some(0))]);
    assert_eq!(prompts[..], ["a dog".to_owned()]);
    let latentlink::scenario::MobilitySettings::Trace { tracks, .. } = &scenario.mobility else {
        panic!("{:?}", scenario.mobility)
    };
    let point = |time_s, x_m, y_m| TrackPoint { time_s, x_m, y_m };
    assert_eq!(tracks[1], [point(0.0, 1.0, 2.0), point(9.0, 3.0, 4.0)]);
    assert!(tracks.len() == 4 && tracks[0].is_empty());
}

#[test]
fn a_sweep_that_changes_who_is_there_reads_a_trace_anew() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("requests.csv");
    fs::write(&file, "arrival_s,device,prompt\n1,car,\n").expect("a file");
    let name = file.to_str().expect("UTF-8").replace('\\', "/");
    let text = format!(
        "[[device]]\nname = \"phone\"\nprompt = \"a\"\n[[device]]\nname = \"car\"\nprompt = \"b\"\n{POLICY}\
         [demand]\narrivals = {{ kind = \"trace\", file = \"{name}\" }}\n[[fault]]\nkind = \"device-away\"\nat_s = [1]\n\
         duration_s = 1\ndevice = \"car\"\n[sweep]\n\"device.phone.count\" = [1, 5]\n"
    );
    for (point, car) in read(&text).points().expect("good scenarios").iter().zip([1, 5]) {
        let demand = point.scenario.demand.as_ref().expect("there is one");
        let Arrivals::Trace { rows, .. } = &demand.arrivals else { panic!("{:?}", demand.arrivals) };
        assert_eq!(rows[0].device, Some(car));
        assert_eq!(point.scenario.faults[0].target, Some(car));
        assert_eq!(point.scenario.devices[car as usize].name, "car");
    }
}
