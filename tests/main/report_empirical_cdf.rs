//! Empirical distribution functions: their steps by hand, the line that is drawn, and the table behind.

use crate::pixels::Pixels;
use crate::svg::{elements_of, texts};
use latentlink::report::axis_label::NumberStyle;
use latentlink::report::empirical_cdf::{CdfPlot, CdfSeries, steps};
use latentlink::report::{NumberAxis, PageFormat, ReportError};

fn figure() -> CdfPlot {
    let series =
        |name: &str, observations: &[f64]| CdfSeries { name: name.to_owned(), observations: observations.to_vec() };
    CdfPlot {
        title: "Latency".to_owned(),
        x: NumberAxis {
            name: "latency_s".to_owned(),
            title: "latency".to_owned(),
            style: NumberStyle::Unit("s"),
            log: false,
        },
        series: vec![series("first", &[3.0, 1.0, 2.0, 2.0]), series("second", &[4.0]), series("nobody", &[])],
        footer: "seed 41".to_owned(),
    }
}

#[test]
fn the_function_steps_at_each_observation_by_its_share() {
    assert_eq!(steps(&[5.0, 1.0, 5.0, 2.0, 5.0]), [(1.0, 0.2), (2.0, 0.4), (5.0, 1.0)]);
    assert_eq!(steps(&[]), []);
    let folder = tempfile::tempdir().unwrap();
    figure().write(&folder.path().join("cdf"), &PageFormat::default()).unwrap();
    assert_eq!(
        std::fs::read_to_string(folder.path().join("cdf.csv")).unwrap(),
        "series,latency_s,cumulative_probability\n\
         first,1.0,0.25\n\
         first,2.0,0.75\n\
         first,3.0,1.0\n\
         second,4.0,1.0\n"
    );
}

#[test]
fn the_line_runs_level_from_step_to_step() {
    let elements = elements_of(&figure().draw().unwrap());
    // The longest line of the first colour is the function; the other is in the legend.
    let lines =
        elements.iter().filter(|element| element.attributes.get("stroke").is_some_and(|colour| colour == "#0072b2"));
    let points: Vec<(f64, f64)> = lines
        .map(|line| &line.attributes["points"])
        .max_by_key(|points| points.len())
        .unwrap()
        .split(' ')
        .map(|point| point.split_once(',').unwrap())
        .map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap()))
        .collect();
    // Both ends, and two corners a step.
    assert_eq!(points.len(), 2 + 2 * 3);
    for (at, pair) in points.windows(2).enumerate() {
        let level = pair[0].1 == pair[1].1;
        let upright = pair[0].0 == pair[1].0;
        assert_eq!((level, upright), (at % 2 == 0, at % 2 == 1), "{pair:?}");
    }
    // 1, 2 and 3 are equally far apart; the steps are a quarter, a half and a quarter high.
    let height = points[0].1 - points[7].1;
    let rise = |step: usize| (points[2 * step + 1].1 - points[2 * step + 2].1) / height;
    for (step, expected) in [0.25, 0.5, 0.25].into_iter().enumerate() {
        assert!((rise(step) - expected).abs() < 1e-4);
    }
    assert!((points[3].0 - points[1].0 - (points[5].0 - points[3].0)).abs() < 0.01);
}

#[test]
fn the_legend_counts_the_observations_and_no_observations_are_no_figure() {
    let canvas = figure().draw().unwrap();
    let elements = elements_of(&canvas);
    let texts = texts(&elements);
    for text in ["first (n = 4)", "second (n = 1)", "nobody (n = 0)", "cumulative probability"] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    assert!(Pixels::of_canvas(&canvas).has_white_edge(16));
    let empty = CdfPlot { series: Vec::new(), ..figure() };
    assert!(matches!(empty.draw(), Err(ReportError::Figure { .. })));
    let mut bad = figure();
    bad.series[0].observations[2] = f64::INFINITY;
    assert!(matches!(bad.draw(), Err(ReportError::Figure { .. })));
}
