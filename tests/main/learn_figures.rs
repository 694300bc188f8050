//! Figures of training: what curves and rows show of seeds, and what is refused.

use std::fs;
use std::path::Path;

use crate::svg::{Element, elements_of, texts};
use latentlink::learn::figures::{
    AlgorithmScores, FigureFrame, LearningCurve, SeedScore, TrainingFigureError, comparison, learning_curves,
    performance_profiles,
};
use latentlink::random::StreamKey;
use latentlink::report::axis_label::NumberStyle;
use latentlink::report::interval_plot::{IntervalPlot, IntervalRow, Observation};
use latentlink::report::learning_curves::{LearningCurves, TrainingCurve};
use latentlink::report::line_plot::{Point, Series};
use latentlink::report::{NumberAxis, PageFormat, ReferenceLine, ReportError};

fn axis(name: &str) -> NumberAxis {
    NumberAxis { name: name.to_owned(), title: name.to_owned(), style: NumberStyle::Plain, log: false }
}

fn frame() -> FigureFrame {
    FigureFrame {
        title: "training".to_owned(),
        footer: "hard link".to_owned(),
        format: PageFormat::default(),
        stream: StreamKey::new(1, 0, "bootstrap", "figures"),
    }
}

fn optimum() -> Vec<ReferenceLine> {
    vec![ReferenceLine { value: 1.0, label: "optimum".to_owned() }]
}

fn seeds(scores: &[f64]) -> Vec<SeedScore> {
    scores.iter().map(|&score| SeedScore { score, failed: false }).collect()
}

/// The cells of a CSV file without its header.
fn rows(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

fn curve(seeds: Vec<Vec<(f64, f64)>>) -> LearningCurve {
    LearningCurve { name: "DDPG".to_owned(), seeds }
}

/// x and interquartile mean of the curve that is drawn.
fn drawn(seeds: Vec<Vec<(f64, f64)>>) -> Vec<(f64, f64)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("curves");
    learning_curves(&path, &frame(), (axis("updates"), axis("qoe")), &[curve(seeds)], &optimum()).unwrap();
    rows(&folder.path().join("curves.csv"))
        .iter()
        .map(|row| (row[1].parse().unwrap(), row[2].parse().unwrap()))
        .collect()
}

#[test]
fn a_curve_is_the_interquartile_mean_of_its_seeds_with_an_interval() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("curves.v1");
    let of_seed = |end: f64| vec![(0.0, 0.0), (100.0, end)];
    let curves = [curve([0.2, 0.6, 0.8, 9.0].map(of_seed).to_vec())];
    learning_curves(&path, &frame(), (axis("updates"), axis("qoe")), &curves, &optimum()).unwrap();
    let text = fs::read_to_string(folder.path().join("curves.v1.csv")).unwrap();
    assert!(text.starts_with("algorithm,updates,qoe,low_95,high_95,runs\nDDPG,0.0,0.0,0.0,0.0,4\n"), "{text}");
    let last = &rows(&folder.path().join("curves.v1.csv"))[1];
    let number = |at: usize| last[at].parse::<f64>().unwrap();
    assert_eq!((number(1), number(2)), (100.0, 0.7));
    // The middle two of four draws: 0.2 twice has 5.1 % (enumerated), 9 twice as well, so both are in the interval.
    assert_eq!((number(3), number(4)), (0.2, 9.0));
    assert_eq!(rows(&folder.path().join("curves.v1_runs.csv")).len(), 8);
    for extension in ["png", "svg"] {
        assert!(folder.path().join(format!("curves.v1.{extension}")).is_file());
    }
}

#[test]
fn a_seed_that_ended_early_keeps_its_last_number() {
    // A mean of three: (0.9 + 0.9 + 0) / 3. Without the seed that failed it would be 0.9.
    let good = vec![(0.0, 0.0), (10.0, 0.9), (20.0, 0.9)];
    let points = drawn(vec![good.clone(), good, vec![(0.0, 0.3), (10.0, 0.0)]]);
    assert_eq!(points.len(), 3);
    assert!((points[2].1 - 0.6).abs() < 1e-12, "{points:?}");
}

#[test]
fn seeds_with_other_wall_times_are_read_between_their_evaluations() {
    // Both are straight: y = x / 10 and y = x / 20; their mean is 0.075 x where both have begun.
    let points = drawn(vec![vec![(1.0, 0.1), (9.0, 0.9)], vec![(8.0, 0.4), (2.0, 0.1), (5.0, 0.25)]]);
    assert_eq!(points.iter().map(|point| point.0).collect::<Vec<_>>(), [2.0, 5.0, 8.0, 9.0]);
    for (x, y) in &points[..3] {
        assert!((y - 0.075 * x).abs() < 1e-12, "{x} {y}");
    }
    // The second has ended at 8.
    assert!((points[3].1 - (0.9 + 0.4) / 2.0).abs() < 1e-12);
}

#[test]
fn many_evaluations_are_shown_at_two_hundred_places_from_end_to_end() {
    let line = |slope: f64| (0..1000).map(|at| (f64::from(at), slope * f64::from(at))).collect::<Vec<_>>();
    let points = drawn(vec![line(1.0), line(3.0)]);
    assert_eq!(points.len(), 200);
    assert_eq!((points[0].0, points[199].0), (0.0, 999.0));
    assert!(points.iter().all(|(x, y)| (y - 2.0 * x).abs() < 1e-9));
}

#[test]
fn single_runs_are_thin_lines_where_they_are_few() {
    let thin = |runs: usize| {
        let point = |x: f64| Point { x, y: Some(0.5), low_95: Some(0.4), high_95: Some(0.6), n: 3 };
        let plot = LearningCurves {
            title: "training".to_owned(),
            x: axis("updates"),
            y: axis("qoe"),
            curves: vec![TrainingCurve {
                aggregate: Series { name: "DDPG".to_owned(), points: vec![point(0.0), point(1.0)] },
                runs: vec![vec![(0.0, 0.1), (1.0, 0.2)]; runs],
            }],
            aggregate: "mean".to_owned(),
            reference_lines: vec![],
            footer: String::new(),
        };
        let elements = elements_of(&plot.draw().unwrap());
        assert!(texts(&elements).contains(&format!("DDPG (n = {runs})").as_str()));
        // Half of (0, 114, 178) on white.
        elements.iter().filter(|element| element.attributes.get("stroke").is_some_and(|is| is == "#80b9d9")).count()
    };
    assert_eq!((thin(3), thin(36), thin(37)), (3, 36, 0));
}

fn interval_plot(rows: Vec<IntervalRow>) -> IntervalPlot {
    IntervalPlot {
        title: "scores".to_owned(),
        x: axis("score"),
        rows,
        aggregate: "interquartile mean".to_owned(),
        observation: "seed".to_owned(),
        reference_lines: optimum(),
        footer: String::new(),
    }
}

fn interval_row(observations: Vec<Observation>) -> IntervalRow {
    IntervalRow { name: "DDPG".to_owned(), value: 0.5, low_95: Some(0.25), high_95: Some(0.75), observations }
}

#[test]
fn seeds_stand_at_their_scores_and_failed_ones_are_crosses() {
    let seed = |value: f64, failed: bool| Observation { value, failed };
    let observations = vec![seed(0.0, true), seed(0.5, false), seed(1.0, false), seed(1.0, false)];
    let elements = elements_of(&interval_plot(vec![interval_row(observations)]).draw().unwrap());
    let in_colour = |element: &&Element, name: &str, attribute: &str| {
        element.name == name && element.attributes.get(attribute).is_some_and(|colour| colour == "#0072b2")
    };
    let dots: Vec<(f64, f64)> = elements
        .iter()
        .filter(|element| in_colour(element, "circle", "fill"))
        .map(|dot| (dot.number("cx"), dot.number("cy")))
        .collect();
    assert_eq!(dots.len(), 3);
    // Equal scores stand below each other.
    assert_eq!(dots[1].0, dots[2].0);
    assert!((dots[1].1 - dots[2].1).abs() >= 4.0, "{dots:?}");
    let strokes: Vec<f64> = elements
        .iter()
        .filter(|element| in_colour(element, "polyline", "stroke"))
        .map(|stroke| stroke.attributes["points"].split(',').next().unwrap().parse::<f64>().unwrap() + 2.6)
        .collect();
    // Both strokes of the cross have their left end as far left of 0 as 0.5 is of 1.
    assert_eq!(strokes.len(), 2);
    for stroke in strokes {
        assert!(((dots[0].0 - stroke) - (dots[1].0 - dots[0].0)).abs() < 0.02, "{stroke} {dots:?}");
    }
    let texts = texts(&elements);
    for text in ["DDPG", "interquartile mean", "seed", "seed that failed", "optimum"] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    let without = elements_of(&interval_plot(vec![interval_row(vec![seed(0.4, false)])]).draw().unwrap());
    assert!(without.iter().all(|element| element.text != "seed that failed"));
}

#[test]
fn a_comparison_counts_failed_seeds_like_all_others() {
    let folder = tempfile::tempdir().unwrap();
    let mut of_ddpg = seeds(&[0.9, 0.8, 0.7, -0.4]);
    of_ddpg[3].failed = true;
    let algorithms =
        [AlgorithmScores::of_one_task("DDPG", of_ddpg), AlgorithmScores::of_one_task("TD3", seeds(&[0.6]))];
    comparison(&folder.path().join("scores"), &frame(), axis("score"), &algorithms, &optimum()).unwrap();
    let rows = rows(&folder.path().join("scores.csv"));
    assert_eq!(rows.len(), 2 + 5);
    assert_eq!(rows[0][..3], ["DDPG", "aggregate", "0.75"]);
    assert_eq!(rows[4], ["DDPG", "observation", "-0.4", "", "", "true"]);
    // One seed has no interval.
    assert_eq!(rows[5], ["TD3", "aggregate", "0.6", "", "", ""]);
    let svg = fs::read_to_string(folder.path().join("scores.svg")).unwrap();
    assert!(svg.contains("4000 resamples"));
}

#[test]
fn a_profile_falls_from_all_seeds_to_none() {
    let folder = tempfile::tempdir().unwrap();
    let algorithms = [AlgorithmScores::of_one_task("DDPG", seeds(&[0.2, 0.4, 0.6, 0.8]))];
    let taus = [0.0, 0.4, 0.5, 0.9];
    performance_profiles(&folder.path().join("profile"), &frame(), (axis("tau"), axis("part")), &algorithms, &taus)
        .unwrap();
    let parts: Vec<String> = rows(&folder.path().join("profile.csv")).into_iter().map(|row| row[2].clone()).collect();
    assert_eq!(parts, ["1.0", "0.75", "0.5", "0.0"]);
}

#[test]
fn figures_of_no_seeds_or_no_numbers_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("figure");
    for (seeds, of_seed) in [(vec![], 0), (vec![vec![(0.0, 1.0)], vec![]], 1), (vec![vec![(0.0, f64::NAN)]], 0)] {
        let refused = learning_curves(&path, &frame(), (axis("updates"), axis("qoe")), &[curve(seeds)], &[]);
        assert!(matches!(refused, Err(TrainingFigureError::Curve { seed, .. }) if seed == of_seed), "{refused:?}");
    }
    for scores in [vec![], seeds(&[f64::INFINITY])] {
        let refused =
            comparison(&path, &frame(), axis("score"), &[AlgorithmScores::of_one_task("DDPG", scores)], &optimum());
        assert!(matches!(refused, Err(TrainingFigureError::Scores { .. })), "{refused:?}");
    }
    assert!(matches!(comparison(&path, &frame(), axis("score"), &[], &optimum()), Err(TrainingFigureError::Report(_))));
    let many = interval_plot(vec![interval_row(vec![]); 21]).draw();
    assert!(matches!(many, Err(ReportError::Figure { message, .. }) if message.contains("21 rows")));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
