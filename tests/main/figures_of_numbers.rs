//! Every kind of figure that shows numbers, from one small study: each number behind a figure is one of `requests.csv` or
//! `runs.csv`, recomputed here.

use std::collections::BTreeMap;

use latentlink::scenario::RUN_NUMBERS;

use crate::program::{Csv, Workplace, assert_close, contents_of, shipped_pack};

/// Student's t₀.₉₇₅ with 3 degrees of freedom: `scipy.stats.t.ppf(0.975, 3)`.
const T_THREE_DEGREES: f64 = 3.182_446_305_284_263;

/// A surface judges with noise: no picture is made, and each of 2 · 3 · 3 points has 4 replications of 2 users.
fn scenario() -> String {
    format!("[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\n", shipped_pack().display())
        + r#"
[study]
name = "numbers"
replications = 4
[judge]
kind = "surface"
similarity = 0.9
noise = true
panel = ["GA1", "GA2"]
[server]
prompt = "a tiger"
[[device]]
name = "phone"
prompt = "a dog"
decode_time_s = 0.2
[[device]]
name = "tablet"
prompt = "a cat"
distance_m = 300
[policy]
t0 = 2
tk = [6, 4]
[sweep]
"radio.modulation" = ["bpsk", "qpsk"]
"policy.t0" = [2, 4, 6]
"radio.bit_error_probability" = [0.01, 0.05, 0.1]

[[figure]]
kind = "line"
name = "line"
x = "radio.bit_error_probability"
series = "policy.t0"
at = { "radio.modulation" = "qpsk" }
device = "phone"
intervals = "band"
log_x = true
threshold = true

[[figure]]
kind = "line"
name = "agents"
x = "radio.bit_error_probability"
series = "device"
value = ["qoe_GA1", "qoe_GA2"]
at = { "radio.modulation" = "bpsk", "policy.t0" = 4 }

[[figure]]
kind = "line"
name = "energy_of_runs"
x = "policy.t0"
value = "total_j"
series = "radio.modulation"
at = { "radio.bit_error_probability" = 0.05 }

[[figure]]
kind = "heat_map"
name = "map"
x = "radio.bit_error_probability"
y = "policy.t0"
contour_threshold = true
mark_maximum = true
mark = { "policy.t0" = 3, "radio.bit_error_probability" = 0.03, "radio.modulation" = "qpsk" }

[[figure]]
kind = "surface"
name = "surface"
x = "radio.bit_error_probability"
y = "policy.t0"
device = "tablet"
mark = { "policy.t0" = 3, "radio.bit_error_probability" = 0.03 }

[[figure]]
kind = "scatter"
name = "scatter"
x = "latency_s"
value = "qoe"
series = "policy.t0"
threshold = true
at = { "radio.modulation" = "bpsk" }

[[figure]]
kind = "cdf"
name = "cdf"
value = "qoe"
series = "radio.bit_error_probability"
at = { "radio.modulation" = "bpsk", "policy.t0" = 4 }

[[figure]]
kind = "box"
name = "box"
x = "radio.bit_error_probability"
value = "qoe"
series = "device"
at = { "radio.modulation" = "bpsk", "policy.t0" = 4 }
threshold = true

[[figure]]
kind = "timeline"
name = "timeline"
point = 3
replication = 1
width_mm = 120
dots_per_inch = 200
"#
}

fn run() -> Workplace {
    let workplace = Workplace::with("numbers.toml", &scenario());
    workplace.run(&["run", "numbers.toml", "--out", "out"]).assert_done();
    workplace
}

/// The numbers in `value` of the rows in which each column has the text beside it.
fn observed(table: &Csv, wanted: &[(&str, &str)], value: &str) -> Vec<f64> {
    let fits = |row: &usize| wanted.iter().all(|(column, text)| table.cell(*row, column) == *text);
    (0..table.rows.len()).filter(fits).map(|row| table.number(row, value)).collect()
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

/// Half of the 95 % interval of the mean of four observations.
fn half_width(numbers: &[f64]) -> f64 {
    assert_eq!(numbers.len(), 4);
    let squares: f64 = numbers.iter().map(|number| (number - mean(numbers)).powi(2)).sum();
    T_THREE_DEGREES * (squares / 3.0).sqrt() / 2.0
}

#[track_caller]
fn assert_is_mean(figure: &Csv, row: usize, column: &str, numbers: &[f64]) {
    assert_close(figure.number(row, column), mean(numbers));
    assert_close(figure.number(row, "low_95"), mean(numbers) - half_width(numbers));
    assert_close(figure.number(row, "high_95"), mean(numbers) + half_width(numbers));
    assert_eq!(figure.cell(row, "n"), "4");
}

const ERRORS: &str = "radio.bit_error_probability";

#[test]
fn the_numbers_behind_each_figure_are_those_of_the_tables_and_plotting_again_gives_the_same_bytes() {
    let workplace = run();
    let (requests, runs) = (workplace.csv("out/requests.csv"), workplace.csv("out/runs.csv"));
    let figure = |name: &str| workplace.csv(&format!("out/figures/{name}.csv"));
    lines_are_means_with_intervals(&figure("line"), &figure("agents"), &requests);
    lines_of_runs(&figure("energy_of_runs"), &runs);
    heat_maps(&figure("map_phone"), &figure("map_tablet"), &requests);
    surface(&figure("surface"), &requests);
    scatter(&figure("scatter"), &requests);
    steps(&figure("cdf"), &requests);
    boxes(&figure("box"), &requests);
    timeline(&workplace, &requests);
    every_number_of_runs_can_be_shown(&runs);
    plotting_again_gives_the_same(&workplace);
}

fn every_number_of_runs_can_be_shown(runs: &Csv) {
    for number in RUN_NUMBERS {
        assert!(runs.columns.iter().any(|column| column == number), "runs.csv has no `{number}`");
    }
    for column in runs.columns.iter().filter(|column| !["point", "replication"].contains(&column.as_str())) {
        let is_number = (0..runs.rows.len()).any(|row| runs.cell(row, column).parse::<f64>().is_ok());
        if is_number && !column.contains('.') {
            assert!(RUN_NUMBERS.contains(&column.as_str()), "`{column}` is a number that no figure shows");
        }
    }
}

fn lines_are_means_with_intervals(line: &Csv, agents: &Csv, requests: &Csv) {
    assert_eq!(line.rows.len(), 9);
    for row in 0..9 {
        let t0 = ["2", "4", "6"][row / 3];
        assert_eq!(line.cell(row, "series"), format!("t₀ = {t0}"));
        let at =
            [("radio.modulation", "qpsk"), ("policy.t0", t0), (ERRORS, line.cell(row, ERRORS)), ("device", "phone")];
        assert_is_mean(line, row, "qoe", &observed(requests, &at, "qoe"));
    }
    assert_eq!(agents.rows.len(), 2 * 2 * 3);
    for row in 0..12 {
        let (agent, device) = (["GA1", "GA2"][row / 6], ["phone", "tablet"][row / 3 % 2]);
        assert_eq!(agents.cell(row, "series"), format!("{agent}, {device}"));
        let errors = agents.cell(row, ERRORS);
        let at = [("radio.modulation", "bpsk"), ("policy.t0", "4"), (ERRORS, errors), ("device", device)];
        assert_is_mean(agents, row, "qoe", &observed(requests, &at, &format!("qoe_{agent}")));
    }
}

fn lines_of_runs(figure: &Csv, runs: &Csv) {
    assert_eq!(figure.rows.len(), 6);
    for row in 0..6 {
        let modulation = ["bpsk", "qpsk"][row / 3];
        assert!(figure.cell(row, "series").contains(modulation));
        let t0 = figure.number(row, "policy.t0").to_string();
        let at = [("radio.modulation", modulation), ("policy.t0", t0.as_str()), (ERRORS, "0.05")];
        assert_is_mean(figure, row, "total_j", &observed(runs, &at, "total_j"));
    }
}

fn heat_maps(phone: &Csv, tablet: &Csv, requests: &Csv) {
    for (map, device) in [(phone, "phone"), (tablet, "tablet")] {
        assert_eq!(map.rows.len(), 2 * 3 * 3);
        for row in 0..map.rows.len() {
            let modulation = ["bpsk", "qpsk"][row / 9];
            assert!(map.cell(row, "panel").contains(modulation));
            let errors = match map.cell(row, "x") {
                "1 %" => "0.01",
                "5 %" => "0.05",
                _ => "0.1",
            };
            let t0 = map.cell(row, "y");
            let at = [("radio.modulation", modulation), ("policy.t0", t0), (ERRORS, errors), ("device", device)];
            let numbers = observed(requests, &at, "qoe");
            assert_close(map.number(row, "mean"), mean(&numbers));
            assert_eq!((map.cell(row, "n"), map.cell(row, "missing")), ("4", "0"));
        }
    }
}

fn surface(figure: &Csv, requests: &Csv) {
    let mut means = BTreeMap::new();
    for modulation in ["bpsk", "qpsk"] {
        for t0 in ["2", "4", "6"] {
            for errors in ["0.01", "0.05", "0.1"] {
                let at = [("radio.modulation", modulation), ("policy.t0", t0), (ERRORS, errors), ("device", "tablet")];
                let place = (
                    modulation,
                    t0.parse::<f64>().expect("a number").to_bits(),
                    errors.parse::<f64>().expect("a number").to_bits(),
                );
                means.insert(place, mean(&observed(requests, &at, "qoe")));
            }
        }
    }
    // One row for each height, in the panel of its modulation.
    assert_eq!(figure.rows.len(), means.len());
    for row in 0..figure.rows.len() {
        let modulation = if figure.cell(row, "panel").contains("bpsk") { "bpsk" } else { "qpsk" };
        let bits = |column: &str| figure.number(row, column).to_bits();
        assert_close(figure.number(row, "qoe"), means[&(modulation, bits("y"), bits("x"))]);
    }
}

fn scatter(figure: &Csv, requests: &Csv) {
    let points = |table: &Csv, rows: &mut dyn Iterator<Item = usize>| {
        let mut points: Vec<(String, String)> =
            rows.map(|row| (table.cell(row, "latency_s").to_owned(), table.cell(row, "qoe").to_owned())).collect();
        points.sort();
        points
    };
    for t0 in ["2", "4", "6"] {
        let of_table =
            |row: &usize| requests.cell(*row, "radio.modulation") == "bpsk" && requests.cell(*row, "policy.t0") == t0;
        let of_figure = |row: &usize| figure.cell(*row, "series") == format!("t₀ = {t0}");
        let expected = points(requests, &mut (0..requests.rows.len()).filter(of_table));
        assert_eq!(expected.len(), 3 * 4 * 2);
        assert_eq!(points(figure, &mut (0..figure.rows.len()).filter(of_figure)), expected);
    }
}

fn steps(figure: &Csv, requests: &Csv) {
    for errors in ["0.01", "0.05", "0.1"] {
        let mut expected =
            observed(requests, &[("radio.modulation", "bpsk"), ("policy.t0", "4"), (ERRORS, errors)], "qoe");
        expected.sort_by(f64::total_cmp);
        assert_eq!(expected.len(), 8);
        let label = format!("bit error probability {} %", errors.parse::<f64>().expect("a number") * 100.0);
        let rows: Vec<usize> = (0..figure.rows.len()).filter(|row| figure.cell(*row, "series") == label).collect();
        assert!(!rows.is_empty(), "{label} is not among {:?}", figure.column("series"));
        for row in rows {
            let x = figure.number(row, "qoe");
            let below = expected.iter().filter(|number| **number <= x).count();
            assert_close(figure.number(row, "cumulative_probability"), below as f64 / 8.0);
        }
    }
}

fn boxes(figure: &Csv, requests: &Csv) {
    assert_eq!(figure.rows.len(), 3 * 2);
    for row in 0..6 {
        let (errors, device) = (["0.01", "0.05", "0.1"][row / 2], ["phone", "tablet"][row % 2]);
        let at = [("radio.modulation", "bpsk"), ("policy.t0", "4"), (ERRORS, errors), ("device", device)];
        let mut numbers = observed(requests, &at, "qoe");
        numbers.sort_by(f64::total_cmp);
        // The median of four is the mean of the inner two.
        assert_close(figure.number(row, "median_qoe"), (numbers[1] + numbers[2]) / 2.0);
        assert_eq!(figure.cell(row, "n"), "4");
    }
}

fn timeline(workplace: &Workplace, requests: &Csv) {
    let figure = workplace.csv("out/figures/timeline.csv");
    let at = |device| [("point", "3"), ("replication", "1"), ("device", device)];
    let time = |device, name: &str| observed(requests, &at(device), name)[0];
    let span = |lane: &str, activity: &str| {
        let row = (0..figure.rows.len())
            .find(|row| figure.cell(*row, "lane") == lane && figure.cell(*row, "activity") == activity)
            .unwrap_or_else(|| panic!("{lane} does not {activity}: {figure:?}"));
        (figure.number(row, "start_s"), figure.number(row, "end_s"))
    };
    let is = |found: (f64, f64), expected: (f64, f64)| {
        assert_close(found.0, expected.0);
        assert_close(found.1, expected.1);
    };
    is(span("server", "compute"), (0.0, time("phone", "server_finished_s")));
    is(span("link to phone", "transmit"), (time("phone", "transmit_start_s"), time("phone", "received_s")));
    // TDMA: the second latent waits until the first is through.
    is(span("link to tablet", "wait"), (time("phone", "server_finished_s"), time("phone", "received_s")));
    is(span("link to tablet", "transmit"), (time("phone", "received_s"), time("tablet", "received_s")));
    let decoding = time("phone", "finished_s") - 0.2;
    is(span("phone", "compute"), (time("phone", "received_s"), decoding));
    is(span("phone", "decode"), (decoding, time("phone", "finished_s")));
    is(span("tablet", "compute"), (time("tablet", "received_s"), time("tablet", "finished_s")));
    assert_eq!(figure.rows.len(), 7);

    let trace = workplace.json("out/figures/timeline.trace.json");
    let events = trace["traceEvents"].as_array().expect("a list");
    assert_eq!(events.iter().filter(|event| event["ph"] == "X").count(), 7);
    let picture = workplace.read("out/figures/timeline.png");
    // 120 mm at 200 dots per inch.
    let width = u32::from_be_bytes(picture[16..20].try_into().expect("four bytes"));
    assert_eq!(width, (120.0_f64 / 25.4 * 200.0).round() as u32);
}

fn plotting_again_gives_the_same(workplace: &Workplace) {
    let bytes = || -> BTreeMap<String, Vec<u8>> {
        let files = contents_of(&workplace.path("out")).into_iter().filter(|file| !file.ends_with('/'));
        files.map(|file| (file.clone(), workplace.read(&format!("out/{file}")))).collect()
    };
    let before = bytes();
    assert!(before.keys().filter(|file| file.starts_with("figures/")).count() > 30, "{:?}", before.keys());
    std::fs::remove_dir_all(workplace.path("out/figures")).expect("the figures are there");
    workplace.run(&["plot", "out"]).assert_done();
    let after = bytes();
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (file, content) in &before {
        assert!(after[file] == *content, "{file} differs");
    }
    let readme = workplace.text("out/figures/README.md");
    for (name, command) in [("line", "line"), ("map_tablet", "map"), ("timeline", "timeline"), ("energy", "energy")] {
        let row = format!("| `{name}.png` | `{name}.svg` | `{name}.csv` | `latentlink plot . --figure {command}` |");
        assert!(readme.contains(&row), "{row} is not in\n{readme}");
    }
}
