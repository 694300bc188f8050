//! Line plots: bands, logarithmic axes, reference lines, and long names.

use crate::pixels::Pixels;
use crate::svg::{Element, elements_of, texts};
use latentlink::report::axis_label::NumberStyle;
use latentlink::report::axis_scale::log_ticks;
use latentlink::report::line_plot::{Intervals, LinePlot, Point, Series};
use latentlink::report::{NumberAxis, PageFormat, ReferenceLine, ReportError};

fn axis(name: &str, log: bool) -> NumberAxis {
    NumberAxis { name: name.to_owned(), title: name.to_owned(), style: NumberStyle::Plain, log }
}

/// y = x / 100 with intervals from half to twice of it.
fn figure(xs: &[f64], log: bool, intervals: Intervals) -> LinePlot {
    let point = |x: f64| Point { x, y: Some(x / 100.0), low_95: Some(x / 200.0), high_95: Some(x / 50.0), n: 4 };
    LinePlot {
        title: "QoE".to_owned(),
        x: axis("snr", log),
        y: axis("qoe", false),
        series: vec![Series { name: "phone".to_owned(), points: xs.iter().copied().map(point).collect() }],
        intervals,
        reference_lines: vec![ReferenceLine { value: 0.3, label: "Q_th = 0.3".to_owned() }],
        footer: String::new(),
    }
}

fn points(element: &Element) -> Vec<(f64, f64)> {
    let pairs = element.attributes["points"].split(' ').map(|point| point.split_once(',').unwrap());
    pairs.map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap())).collect()
}

#[test]
fn a_band_is_the_area_between_the_ends_of_the_intervals() {
    let elements = elements_of(&figure(&[10.0, 20.0, 50.0], false, Intervals::Band).draw().unwrap());
    let band = elements.iter().find(|element| element.attributes.contains_key("fill-opacity")).unwrap();
    assert_eq!(band.attributes["fill"], "#0072b2");
    let corners = points(band);
    assert_eq!(corners.len(), 6);
    // Upper ends from left to right, lower ends back: 0.2, 0.4, 1 and 0.25, 0.1, 0.05.
    let per_unit = (corners[0].1 - corners[2].1) / 0.8;
    let value = |at: usize| 0.2 + (corners[0].1 - corners[at].1) / per_unit;
    for (at, expected) in [0.2, 0.4, 1.0, 0.25, 0.1, 0.05].into_iter().enumerate() {
        assert!((value(at) - expected).abs() < 1e-3, "{at}: {}", value(at));
    }
    let pixels = Pixels::of_canvas(&figure(&[10.0, 20.0, 50.0], false, Intervals::Band).draw().unwrap());
    // 22 % of (0, 114, 178) on white.
    assert!(pixels.count([199, 224, 238]) > 10_000, "{}", pixels.count([199, 224, 238]));
}

#[test]
fn a_logarithmic_axis_has_equal_steps_for_equal_ratios_and_refuses_zero() {
    let elements = elements_of(&figure(&[1.0, 10.0, 100.0], true, Intervals::Bars).draw().unwrap());
    let line = elements
        .iter()
        .filter(|element| element.name == "polyline" && element.attributes["stroke"] == "#0072b2")
        .map(points)
        .find(|points| points.len() == 3)
        .unwrap();
    assert!((line[1].0 - line[0].0 - (line[2].0 - line[1].0)).abs() < 0.01, "{line:?}");
    let texts = texts(&elements);
    for text in ["1", "2", "5", "10", "20", "50", "100"] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    for x in [0.0, -1.0] {
        let refused = figure(&[x, 10.0], true, Intervals::Bars).draw();
        assert!(matches!(refused, Err(ReportError::Figure { message, .. }) if message.contains("logarithmic")));
    }
}

#[test]
fn ticks_of_a_logarithmic_axis_are_powers_of_ten_before_others() {
    assert_eq!(log_ticks(0.001, 0.1), [0.001, 0.01, 0.1, 0.005, 0.05, 0.002, 0.02]);
    assert_eq!(log_ticks(3.0, 30.0), [10.0, 5.0, 20.0]);
    // Too short for these: every number between the ends is round.
    let short = log_ticks(1.1, 1.9);
    assert_eq!(short.len(), 4);
    assert!(
        short.iter().zip([1.2, 1.4, 1.6, 1.8]).all(|(tick, expected)| (tick - expected).abs() < 1e-12),
        "{short:?}"
    );
}

#[test]
fn a_reference_line_is_dashed_at_its_number_and_named_in_the_legend() {
    let elements = elements_of(&figure(&[10.0, 20.0, 50.0], false, Intervals::Bars).draw().unwrap());
    let dashes: Vec<Vec<(f64, f64)>> = elements
        .iter()
        .filter(|element| element.name == "polyline" && element.attributes["stroke"] == "#222222")
        .map(points)
        .collect();
    // Across 420 points every 8 points, and in the legend.
    assert_eq!(dashes.len(), 53 + 3);
    let level = dashes[0][0].1;
    assert_eq!(dashes.iter().filter(|dash| dash.iter().all(|point| point.1 == level)).count(), 53);
    assert!(texts(&elements).contains(&"Q_th = 0.3"));
    // Three tenths of the way from 0, where the axis begins, to 1, where it ends.
    let tick = |label: &str| elements.iter().find(|element| element.text == label).unwrap().number("y") - 3.6;
    let (zero, one) = (tick("0"), tick("1"));
    assert!(((zero - level) / (zero - one) - 0.3).abs() < 1e-3);
}

#[test]
fn long_names_break_and_nothing_is_cut_off() {
    let mut plot = figure(&[10.0, 20.0, 50.0], false, Intervals::Bars);
    plot.series[0].name = "a policy whose name goes on and on until it has to be broken into lines".to_owned();
    plot.series = vec![plot.series[0].clone(); 12];
    let canvas = plot.draw().unwrap();
    assert!(Pixels::of_canvas(&canvas).has_white_edge(16));
    let all = elements_of(&canvas);
    assert!(texts(&all).iter().all(|text| text.len() < 40), "{:?}", texts(&all));
    assert_eq!(texts(&all).iter().filter(|text| text.starts_with("a policy")).count(), 12);
    let folder = tempfile::tempdir().unwrap();
    plot.write(&folder.path().join("lines"), &PageFormat::default()).unwrap();
    let csv = std::fs::read_to_string(folder.path().join("lines.csv")).unwrap();
    assert!(csv.starts_with("series,snr,qoe,low_95,high_95,n\n"), "{csv}");
    assert!(csv.contains(",10.0,0.1,0.05,0.2,4\n"), "{csv}");
}
