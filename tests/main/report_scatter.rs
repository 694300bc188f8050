//! Scatter plots: where marks stand, how many show through, and the table behind.

use crate::pixels::Pixels;
use crate::svg::{elements_of, texts};
use latentlink::report::axis_label::NumberStyle;
use latentlink::report::scatter::{ScatterPlot, ScatterSeries};
use latentlink::report::{NumberAxis, PageFormat, ReferenceLine, ReportError};

fn axis(name: &str, log: bool) -> NumberAxis {
    NumberAxis { name: name.to_owned(), title: name.to_owned(), style: NumberStyle::Plain, log }
}

fn figure(points: Vec<(f64, f64)>, log: bool) -> ScatterPlot {
    ScatterPlot {
        title: "QoE".to_owned(),
        x: axis("latency_s", log),
        y: axis("qoe", false),
        series: vec![ScatterSeries { name: "phone".to_owned(), points }],
        reference_lines: vec![ReferenceLine { value: 0.5, label: "threshold".to_owned() }],
        footer: String::new(),
    }
}

/// Centres of the circles in the plot; the first circle is the legend's.
fn centres(plot: &ScatterPlot) -> Vec<(f64, f64)> {
    let elements = elements_of(&plot.draw().unwrap());
    let circles = elements.iter().filter(|element| element.name == "circle");
    circles.skip(1).map(|circle| (circle.number("cx"), circle.number("cy"))).collect()
}

#[test]
fn marks_stand_at_their_numbers_on_linear_and_logarithmic_axes() {
    let points = vec![(1.0, 0.0), (10.0, 0.5), (100.0, 1.0)];
    let linear = centres(&figure(points.clone(), false));
    let part = (linear[1].0 - linear[0].0) / (linear[2].0 - linear[0].0);
    assert!((part - 9.0 / 99.0).abs() < 1e-4, "{part}");
    let log = centres(&figure(points, true));
    let part = (log[1].0 - log[0].0) / (log[2].0 - log[0].0);
    assert!((part - 0.5).abs() < 1e-4, "{part}");
    let part = (log[1].1 - log[0].1) / (log[2].1 - log[0].1);
    assert!((part - 0.5).abs() < 1e-4, "{part}");
}

#[test]
fn many_marks_are_half_transparent() {
    let points = |count: u32| (0..count).map(|at| (f64::from(at), f64::from(at % 7))).collect();
    let translucent = |count: u32| {
        let elements = elements_of(&figure(points(count), false).draw().unwrap());
        elements
            .iter()
            .filter(|element| element.attributes.get("fill-opacity").is_some_and(|part| part == "0.5"))
            .count()
    };
    assert_eq!((translucent(20), translucent(200)), (0, 200));
}

#[test]
fn the_table_holds_every_observation() {
    let folder = tempfile::tempdir().unwrap();
    let plot = figure(vec![(2.0, 0.25), (1.0, 0.75)], false);
    plot.write(&folder.path().join("scatter"), &PageFormat::default()).unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.path().join("scatter.csv")).unwrap(),
        "series,latency_s,qoe\nphone,2.0,0.25\nphone,1.0,0.75\n"
    );
    let canvas = plot.draw().unwrap();
    assert!(Pixels::of_canvas(&canvas).has_white_edge(16));
    assert!(texts(&elements_of(&canvas)).contains(&"threshold"));
}

#[test]
fn nothing_to_draw_and_numbers_that_an_axis_cannot_hold_are_refused() {
    for (points, log) in [(vec![], false), (vec![(f64::NAN, 1.0)], false), (vec![(0.0, 1.0)], true)] {
        assert!(matches!(figure(points.clone(), log).draw(), Err(ReportError::Figure { .. })), "{points:?}");
    }
}
