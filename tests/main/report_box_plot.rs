//! Boxes: their numbers against matplotlib's, the table behind, and what is drawn.

use crate::pixels::Pixels;
use crate::svg::{elements_of, texts};
use latentlink::report::axis_label::NumberStyle;
use latentlink::report::box_plot::{BoxGroup, BoxPlot, BoxSeries, BoxStatistics};
use latentlink::report::{NumberAxis, PageFormat, ReferenceLine, ReportError};

#[test]
fn quartiles_whiskers_and_outliers_are_those_of_matplotlib() {
    #[derive(serde::Deserialize)]
    struct Row {
        n: u64,
        base: f64,
        scale: f64,
        power: i32,
        lower_whisker: f64,
        lower_quartile: f64,
        median: f64,
        upper_quartile: f64,
        upper_whisker: f64,
        outliers: String,
    }
    let mut rows = csv::Reader::from_path("tests/vectors/box_reference.csv").unwrap();
    let (mut boxes, mut outliers) = (0, 0);
    for row in rows.deserialize() {
        let row: Row = row.unwrap();
        let observation = |index: u64| {
            let raw = (7919 * index * index + 104_729 * index) % 1000;
            (row.base + row.scale * (raw as f64 / 1000.0)).powi(row.power)
        };
        let observations: Vec<f64> = (0..row.n).map(observation).collect();
        let ours = BoxStatistics::of(&observations).unwrap();
        let expected_outliers: Vec<f64> = row.outliers.split_whitespace().map(|text| text.parse().unwrap()).collect();
        assert_eq!(ours.outliers.len(), expected_outliers.len(), "n = {}", row.n);
        let ours_all = [ours.lower_whisker, ours.lower_quartile, ours.median, ours.upper_quartile, ours.upper_whisker];
        let theirs = [row.lower_whisker, row.lower_quartile, row.median, row.upper_quartile, row.upper_whisker];
        let pairs =
            ours_all.into_iter().zip(theirs).chain(ours.outliers.iter().copied().zip(expected_outliers.clone()));
        for (ours, theirs) in pairs {
            assert!((ours - theirs).abs() <= 1e-12 * theirs.abs().max(1.0), "n = {}: {ours} for {theirs}", row.n);
        }
        boxes += 1;
        outliers += expected_outliers.len();
    }
    assert_eq!(boxes, 6);
    assert!(outliers > 5, "{outliers}");
    for observations in [&[][..], &[1.0, f64::NAN], &[f64::INFINITY]] {
        assert_eq!(BoxStatistics::of(observations), None);
    }
}

fn figure() -> BoxPlot {
    let one =
        |name: &str, observations: &[f64]| BoxSeries { name: name.to_owned(), observations: observations.to_vec() };
    BoxPlot {
        title: "Latency".to_owned(),
        x_title: "bandwidth".to_owned(),
        y: NumberAxis {
            name: "latency_s".to_owned(),
            title: "latency of a request".to_owned(),
            style: NumberStyle::Unit("s"),
            log: false,
        },
        groups: vec![
            BoxGroup {
                label: "5 MHz".to_owned(),
                boxes: vec![one("phone", &[4.0, 1.0, 3.0, 2.0, 5.0, 20.0]), one("tablet", &[1.0, 2.0])],
            },
            BoxGroup { label: "10 MHz".to_owned(), boxes: vec![one("phone", &[2.0, 2.0]), one("tablet", &[])] },
        ],
        reference_lines: vec![ReferenceLine { value: 6.0, label: "deadline".to_owned() }],
        footer: "seed 41".to_owned(),
    }
}

#[test]
fn the_table_holds_the_numbers_of_every_box() {
    let folder = tempfile::tempdir().unwrap();
    figure().write(&folder.path().join("boxes"), &PageFormat::default()).unwrap();
    // 1, 2, 3, 4, 5, 20: ranks 2.25, 3.5 and 4.75; the range of 2.5 reaches up to 4.75 + 3.75.
    assert_eq!(
        std::fs::read_to_string(folder.path().join("boxes.csv")).unwrap(),
        "group,series,n,lower_whisker_latency_s,lower_quartile_latency_s,median_latency_s,upper_quartile_latency_s,\
         upper_whisker_latency_s,outliers_latency_s\n\
         5 MHz,phone,6,1.0,2.25,3.5,4.75,5.0,20.0\n\
         5 MHz,tablet,2,1.0,1.25,1.5,1.75,2.0,\n\
         10 MHz,phone,2,2.0,2.0,2.0,2.0,2.0,\n\
         10 MHz,tablet,0,,,,,,\n"
    );
}

#[test]
fn every_box_is_drawn_with_its_outliers_and_its_number_of_observations() {
    let canvas = figure().draw().unwrap();
    let elements = elements_of(&canvas);
    let texts = texts(&elements);
    for text in ["n = 6, 2", "n = 2, 0", "5 MHz", "10 MHz", "phone", "tablet", "deadline", "bandwidth", "seed 41"] {
        assert!(texts.contains(&text), "{text}: {texts:?}");
    }
    assert_eq!(elements.iter().filter(|element| element.name == "circle").count(), 1, "the outlier");
    assert!(Pixels::of_canvas(&canvas).has_white_edge(16));
}

#[test]
fn boxes_without_any_observation_and_numbers_that_are_none_are_refused() {
    let mut empty = figure();
    empty.groups.iter_mut().flat_map(|group| &mut group.boxes).for_each(|one| one.observations.clear());
    assert!(matches!(empty.draw(), Err(ReportError::Figure { .. })));
    let mut bad = figure();
    bad.groups[0].boxes[0].observations[0] = f64::NAN;
    assert!(matches!(bad.draw(), Err(ReportError::Figure { .. })));
    assert!(matches!(bad.table(), Err(ReportError::Figure { .. })));
}
