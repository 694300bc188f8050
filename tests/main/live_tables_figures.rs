//! Figures of runs in time, drawn from their tables alone: intervals of one run, distributions over requests,
//! timelines.

use std::fs;
use std::path::Path;

use latentlink::experiment::computation::ComputedValues;
use latentlink::experiment::figures::{FigureSource, write_figures};
use latentlink::experiment::tables::TableLayout;
use latentlink::report::table::csv_header;
use latentlink::report::timeline::{Activity, Timeline, TimelineSpan, TimelineWindow};
use latentlink::scenario::{
    CdfSettings, FigureKind, FigureSettings, HeatMapSettings, IntervalStyle, LineSettings, PageSettings,
    ScatterSettings, Scenario, ScenarioFile, TimelineSettings,
};

use crate::live_tables_queue::{DEVICES, Queue, scenario};
use crate::program::Csv;

const RATE: &str = "demand.arrivals.rate_hz";
const LOADS: [f64; 3] = [0.3, 0.5, 0.7];
const REQUESTS: u64 = 800;

fn figure(name: &str, kind: FigureKind) -> FigureSettings {
    FigureSettings { name: name.to_owned(), title: None, device: None, page: PageSettings::default(), kind }
}

fn line(value: &str) -> FigureKind {
    FigureKind::Line(LineSettings {
        x: RATE.to_owned(),
        value: vec![value.to_owned()],
        series: None,
        at: Vec::new(),
        intervals: IntervalStyle::Bars,
        log_x: false,
        threshold: false,
    })
}

/// Tables of one run for each load, and figures of them.
fn drawn(folder: &Path, figures: Vec<FigureSettings>) -> Scenario {
    let mut scenario = scenario(REQUESTS, 0.5, "");
    let mut tables: [String; 6] = Default::default();
    for (index, load) in (0..).zip(LOADS) {
        let run = Queue { requests: REQUESTS, load, seed: 31 }.run(scenario.clone(), index);
        let layout = TableLayout::of(&run.point);
        let rows = layout.rows(&run, &ComputedValues::default());
        for ((table, columns), rows) in tables.iter_mut().zip(layout.columns()).zip(&rows.rows) {
            if table.is_empty() {
                *table = csv_header(&columns);
            }
            table.push_str(rows);
        }
    }
    for (name, at) in [("requests.csv", 0), ("runs.csv", 1), ("steady_state.csv", 5)] {
        fs::write(folder.join(name), &tables[at]).expect("a new file");
    }
    scenario.figures = figures;
    let source =
        FigureSource { folder: folder.to_owned(), swept: vec![RATE.to_owned()], footer: "latentlink".to_owned() };
    write_figures(&source, &scenario).unwrap_or_else(|error| panic!("{error:#}"));
    scenario
}

fn csv(folder: &Path, file: &str) -> Csv {
    Csv::read(&fs::read_to_string(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}")))
}

#[test]
fn lines_have_the_intervals_of_one_run_and_distributions_all_requests() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let cdf =
        FigureKind::Cdf(CdfSettings { value: "latency_s".to_owned(), series: Some(RATE.to_owned()), at: Vec::new() });
    let scatter = FigureKind::Scatter(ScatterSettings {
        x: "queue_wait_s".to_owned(),
        value: "latency_s".to_owned(),
        series: None,
        at: Vec::new(),
        threshold: false,
    });
    let map = FigureKind::HeatMap(HeatMapSettings {
        x: RATE.to_owned(),
        y: RATE.to_owned(),
        value: vec!["latency_p95_s".to_owned()],
        mark_maximum: false,
        contour_threshold: false,
        mark: Vec::new(),
    });
    drawn(
        folder.path(),
        vec![
            figure("latency", line("latency_s")),
            figure("qoe", line("qoe")),
            FigureSettings { device: Some("phone-3".to_owned()), ..figure("of_phone", line("latency_s")) },
            figure("cdf", cdf),
            figure("scatter", scatter),
            figure("map", map),
        ],
    );
    let steady = csv(folder.path(), "steady_state.csv");
    let requests = csv(folder.path(), "requests.csv");
    let latencies: Vec<usize> =
        (0..steady.rows.len()).filter(|row| steady.cell(*row, "quantity") == "latency_s").collect();
    let latency = csv(folder.path(), "figures/latency.csv");
    assert_eq!((latency.rows.len(), latencies.len()), (3, 3));
    for (row, &of_run) in latencies.iter().enumerate() {
        for (own, theirs) in [("latency_s", "mean"), ("low_95", "interval_low"), ("high_95", "interval_high")] {
            assert_eq!(latency.cell(row, own), steady.cell(of_run, theirs));
        }
    }
    // Of one device, the mean over its requests.
    let of_phone = csv(folder.path(), "figures/of_phone.csv");
    let own: Vec<f64> = (0..requests.rows.len())
        .filter(|row| requests.cell(*row, "device") == "phone-3" && requests.cell(*row, "point") == "1")
        .filter(|row| requests.cell(*row, "outcome") == "served")
        .map(|row| requests.number(row, "latency_s"))
        .collect();
    let mean = own.iter().sum::<f64>() / own.len() as f64;
    assert!((of_phone.number(1, "latency_s") - mean).abs() < 1e-9);
    // The users' own scores are of requests: one line of their mean, without an interval, for all devices together.
    let qoe = csv(folder.path(), "figures/qoe.csv");
    assert_eq!(qoe.rows.len(), 3);
    assert!((0..3).all(|row| qoe.cell(row, "low_95").is_empty() && qoe.number(row, "qoe") > 0.0));
    let served = (0..requests.rows.len()).filter(|row| requests.cell(*row, "outcome") == "served").count();
    assert_eq!(csv(folder.path(), "figures/scatter.csv").rows.len(), served);
    assert!(csv(folder.path(), "figures/cdf.csv").rows.len() > 1000, "requests, not runs");
    assert!(folder.path().join("figures/map.png").exists(), "one map, not one for each device");
}

#[test]
fn a_timeline_has_lanes_for_worker_radio_and_devices_within_its_window_and_all_of_the_run_in_its_trace() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let wish = TimelineSettings { point: 2, replication: 0, from_s: Some(100.0), to_s: Some(130.0) };
    drawn(folder.path(), vec![figure("timeline", FigureKind::Timeline(wish))]);
    let timeline = csv(folder.path(), "figures/timeline.csv");
    let requests = csv(folder.path(), "requests.csv");
    let served: Vec<usize> = (0..requests.rows.len())
        .filter(|row| requests.cell(*row, "point") == "2" && requests.cell(*row, "outcome") == "served")
        .collect();
    let is_seen = |start_s: f64, end_s: f64| end_s >= 100.0 && start_s <= 130.0;
    let bars = |lane: &str| (0..timeline.rows.len()).filter(|row| timeline.cell(*row, "lane") == lane).count();
    let expected = |start: &str, end: &str| {
        served.iter().filter(|row| is_seen(requests.number(**row, start), requests.number(**row, end))).count()
    };
    assert_eq!(bars("worker 1"), expected("service_start_s", "server_finished_s"));
    assert_eq!(bars("radio"), expected("transmit_start_s", "received_s"));
    for row in 0..timeline.rows.len() {
        assert!(timeline.number(row, "start_s") >= 100.0 && timeline.number(row, "end_s") <= 130.0);
    }
    let decoded = (0..timeline.rows.len()).filter(|row| timeline.cell(*row, "activity") == "decode").count();
    let whole = fs::read_to_string(folder.path().join("figures/timeline.trace.json")).expect("a trace");
    let trace: serde_json::Value = serde_json::from_str(&whole).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("events");
    let decoded_in_all = events.iter().filter(|event| event["cat"] == "decode").count();
    assert_eq!(decoded_in_all, served.len(), "every picture of the run is decoded once");
    assert!(decoded > 10 && decoded < decoded_in_all / 5, "{decoded} of {decoded_in_all}");
    // A device that is asked for two pictures at once has a second thread.
    let lanes = events.iter().filter(|event| event["name"] == "thread_name").count();
    assert!(lanes >= 2 + DEVICES, "{lanes}");
}

#[test]
fn a_window_without_an_end_is_cut_when_the_page_is_full() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let wish = TimelineSettings { point: 0, replication: 0, from_s: None, to_s: None };
    drawn(folder.path(), vec![figure("timeline", FigureKind::Timeline(wish))]);
    let bars = csv(folder.path(), "figures/timeline.csv").rows.len();
    assert!((1000..1050).contains(&bars), "{bars}");
}

#[test]
fn bars_of_a_crowded_lane_take_the_first_free_row() {
    // Bars of lengths that do not fit each other: each against every earlier one of its row.
    let span = |index: u64| {
        let start_s = 0.1 * index as f64;
        let end_s = start_s + ((7919 * index * index + 104_729 * index) % 1000) as f64 / 40.0;
        TimelineSpan { lane: 0, activity: Activity::Compute, start_s, end_s, label: index.to_string() }
    };
    let spans: Vec<TimelineSpan> = (0..2000).map(span).collect();
    let timeline = Timeline {
        title: "crowd".to_owned(),
        lanes: vec!["all".to_owned()],
        window: Some(TimelineWindow { from_s: 0.0, to_s: 1.0, lanes: vec![0] }),
        footer: String::new(),
        spans: spans.clone(),
    };
    let mut free_from_s: Vec<f64> = Vec::new();
    let expected = spans.iter().map(|span| {
        let row =
            free_from_s.iter().position(|free_s| *free_s <= span.start_s + 1e-9 * span.end_s).unwrap_or_else(|| {
                free_from_s.push(0.0);
                free_from_s.len() - 1
            });
        free_from_s[row] = span.end_s;
        row as u64
    });
    let trace: serde_json::Value = serde_json::from_str(&timeline.to_chrome_trace()).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("events").iter().filter(|event| event["ph"] == "X");
    let threads: Vec<u64> = events.map(|event| event["tid"].as_u64().expect("a thread")).collect();
    assert_eq!(threads, expected.collect::<Vec<u64>>());
    assert!(threads.iter().max() > Some(&50));
    // Of the table only what begins in the first second.
    assert_eq!(timeline.table().expect("a table").rows().len(), 11);
}

#[test]
fn a_scenario_in_time_may_show_quantities_of_its_runs_and_only_what_its_tables_have() {
    let problems = |more: &str| {
        let text = format!(
            "[[device]]\nprompt = \"a\"\n[policy]\nt0 = [2]\n[demand]\n\
             arrivals = {{ kind = \"poisson\", rate_hz = 1.0 }}\nrequests = 10\n[judge]\nkind = \"surface\"\nsimilarity = 0.9\n[sweep]\n\"policy.t0\" = [2, 4]\n{more}"
        );
        let text = text.replace("t0 = [2]", "t0 = 2\ntk = 6");
        match ScenarioFile::from_str(text, "live.toml").and_then(|file| file.points()) {
            Ok(_) => String::new(),
            Err(error) => format!("{error:?}"),
        }
    };
    let figure = |value: &str| format!("[[figure]]\nkind = \"line\"\nx = \"policy.t0\"\nvalue = \"{value}\"\n");
    assert!(problems(&figure("hit_rat")).contains("hit_rate"));
    let known = problems(&figure("hit_rate"));
    assert!(!known.contains("is no number"), "{known}");
    let unwritten = problems(&format!("[analysis]\nwrite_requests = false\n{}", figure("cache_age_s")));
    assert!(unwritten.contains("write_requests"), "{unwritten}");
    let backwards = "[[figure]]\nkind = \"timeline\"\nfrom_s = 3.0\nto_s = 2.0\n";
    assert!(problems(backwards).contains("not after"));
}
