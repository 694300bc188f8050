//! Timelines: bars as long as their times, rows for what overlaps, the table and the trace behind.

use crate::pixels::Pixels;
use crate::svg::{elements_of, texts};
use latentlink::report::timeline::{Activity, Timeline, TimelineSpan};
use latentlink::report::{PageFormat, ReportError};

fn span(lane: usize, activity: Activity, start_s: f64, end_s: f64, label: &str) -> TimelineSpan {
    TimelineSpan { lane, activity, start_s, end_s, label: label.to_owned() }
}

fn figure() -> Timeline {
    Timeline {
        title: "One round".to_owned(),
        lanes: ["server", "link", "phone"].map(str::to_owned).to_vec(),
        spans: vec![
            span(0, Activity::Compute, 0.0, 0.2, "t₀ = 4"),
            span(1, Activity::Transmit, 0.2, 0.3, "latent"),
            span(2, Activity::Wait, 0.0, 0.3, ""),
            span(2, Activity::Compute, 0.3, 0.7, "tₖ = 8"),
            span(2, Activity::Decode, 0.7, 0.8, "decode"),
        ],
        window: None,
        footer: "seed 41".to_owned(),
    }
}

#[test]
fn bars_are_as_long_as_their_times_and_hatched_by_activity() {
    let canvas = figure().draw().unwrap();
    let elements = elements_of(&canvas);
    // Outlines of bars are inset by a quarter of a point; 560 points are 0.8 s.
    let outlines: Vec<f64> = elements
        .iter()
        .filter(|element| element.name == "rect" && element.attributes.contains_key("stroke"))
        .map(|element| element.number("width") + 0.5)
        .collect();
    for (width, expected_s) in outlines.iter().zip([0.2, 0.1, 0.3, 0.4, 0.1]) {
        assert!((width - expected_s / 0.8 * 560.0).abs() < 0.01, "{outlines:?}");
    }
    assert_eq!(outlines.len(), 5);
    let slanted = elements.iter().filter(|element| element.name == "polyline").count();
    assert!(slanted > 50, "{slanted} lines of the hatching");
    let texts = texts(&elements);
    for text in ["server", "link", "phone", "compute", "transmit", "wait", "decode", "simulated time [ms]", "800"] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    assert!(Pixels::of_canvas(&canvas).has_white_edge(16));
}

#[test]
fn the_table_holds_every_bar() {
    let folder = tempfile::tempdir().unwrap();
    figure().write(&folder.path().join("round"), &PageFormat::default()).unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.path().join("round.csv")).unwrap(),
        "lane,activity,start_s,end_s,label\n\
         server,compute,0.0,0.2,t₀ = 4\n\
         link,transmit,0.2,0.3,latent\n\
         phone,wait,0.0,0.3,\n\
         phone,compute,0.3,0.7,tₖ = 8\n\
         phone,decode,0.7,0.8,decode\n"
    );
    let trace = std::fs::read_to_string(folder.path().join("round.trace.json")).unwrap();
    assert_eq!(trace, figure().to_chrome_trace());
}

#[test]
fn the_trace_has_named_threads_and_complete_events_in_microseconds() {
    let trace: serde_json::Value = serde_json::from_str(&figure().to_chrome_trace()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let names: Vec<(&str, u64)> = events
        .iter()
        .filter(|event| event["ph"] == "M" && event["name"] == "thread_name")
        .map(|event| (event["args"]["name"].as_str().unwrap(), event["tid"].as_u64().unwrap()))
        .collect();
    assert_eq!(names, [("server", 0), ("link", 1), ("phone", 2)]);
    let complete: Vec<(&str, &str, f64, f64, u64)> = events
        .iter()
        .filter(|event| event["ph"] == "X")
        .map(|event| {
            let text = |key: &str| event[key].as_str().unwrap();
            let number = |key: &str| event[key].as_f64().unwrap();
            (text("name"), text("cat"), number("ts"), number("dur"), event["tid"].as_u64().unwrap())
        })
        .collect();
    let expected = [
        ("t₀ = 4", "compute", 0.0, 200_000.0, 0),
        ("latent", "transmit", 200_000.0, 100_000.0, 1),
        ("wait", "wait", 0.0, 300_000.0, 2),
        ("tₖ = 8", "compute", 300_000.0, 400_000.0, 2),
        ("decode", "decode", 700_000.0, 100_000.0, 2),
    ];
    assert_eq!(complete, expected);
}

#[test]
fn what_overlaps_stands_below_each_other_and_in_threads_of_its_own() {
    let mut busy = figure();
    busy.spans.push(span(0, Activity::Compute, 0.1, 0.4, "second batch"));
    busy.spans.push(span(0, Activity::Compute, 0.2, 0.3, "third batch"));
    let height = |timeline: &Timeline| timeline.draw().unwrap().size().1;
    // One further row, 17 points high and 2 below the first: the third batch begins as the first ends.
    assert_eq!(height(&busy) - height(&figure()), 19.0);
    let trace: serde_json::Value = serde_json::from_str(&busy.to_chrome_trace()).unwrap();
    let thread_of = |name: &str| {
        let events = trace["traceEvents"].as_array().unwrap();
        events.iter().find(|event| event["name"] == name).unwrap()["tid"].as_u64().unwrap()
    };
    assert_eq!((thread_of("t₀ = 4"), thread_of("second batch"), thread_of("third batch")), (0, 1, 0));
    assert_eq!(thread_of("latent"), 2);
}

#[test]
fn impossible_bars_are_refused() {
    for bad in [
        span(3, Activity::Wait, 0.0, 1.0, ""),
        span(0, Activity::Wait, 1.0, 0.5, ""),
        span(0, Activity::Wait, 0.0, f64::NAN, ""),
    ] {
        let timeline = Timeline { spans: vec![bad.clone()], ..figure() };
        assert!(matches!(timeline.draw(), Err(ReportError::Figure { .. })), "{bad:?}");
    }
    let empty = Timeline { spans: Vec::new(), ..figure() };
    assert!(matches!(empty.draw(), Err(ReportError::Figure { .. })));
}
