//! Score distributions: marks and densities in the colours of their agents, the choice between curve and histogram,
//! nothing cut off, and the tables behind.

use crate::pixels::Pixels;
use latentlink::picture::Picture;
use latentlink::report::score_distribution::{AgentScores, ScoreDistribution, ScoredPicture};
use latentlink::report::{Cell, PageFormat, ReportError, Table};

const FIRST: [u8; 3] = [0, 114, 178];
const SECOND: [u8; 3] = [213, 94, 0];

fn agent(name: &str, scores: impl IntoIterator<Item = Option<f64>>) -> AgentScores {
    AgentScores { agent: name.to_owned(), scores: scores.into_iter().collect() }
}

/// `count` scores around `middle`, all different.
fn spread(middle: f64, count: u32) -> impl Iterator<Item = Option<f64>> {
    (0..count).map(move |at| Some(middle + 0.1 * (f64::from((at * 37) % count) / f64::from(count) - 0.5)))
}

fn figure() -> ScoreDistribution {
    let red = Picture::new(64, 64, [1.0, 0.0, 0.0].repeat(64 * 64)).unwrap();
    ScoreDistribution {
        title: "Answers of two agents".to_owned(),
        pictures: vec![
            ScoredPicture {
                label: "A: t₀ = 2".to_owned(),
                picture: Some(red),
                agents: vec![agent("GA1", spread(0.8, 50)), agent("GA2", spread(0.4, 50))],
            },
            ScoredPicture {
                label: "B: t₀ = 4".to_owned(),
                picture: None,
                agents: vec![agent("GA1", spread(0.5, 50)), agent("GA2", spread(0.3, 50).chain([None]))],
            },
        ],
        footer: "study fig10 · seed 41".to_owned(),
    }
}

#[test]
fn every_agent_has_marks_and_a_density_in_its_colour_and_pictures_stand_beside() {
    let pixels = Pixels::of_canvas(&figure().draw().unwrap());
    // 100 marks of about 5 points are 100 · 5² · 4 pixels at most, the densities' lines and the legend come on top.
    for colour in [FIRST, SECOND] {
        let count = pixels.count(colour);
        assert!((4000..16_000).contains(&count), "{count}");
    }
    // 64 pixels at three times their size fill the 112 points best.
    assert_eq!(pixels.count([255, 0, 0]), 192 * 192);
    assert!(pixels.has_white_edge(16));
}

#[test]
fn the_tables_hold_every_answer_and_the_densities() {
    let folder = tempfile::tempdir().unwrap();
    figure().write(&folder.path().join("figures/fig.10"), &PageFormat::default()).unwrap();
    let scores = Table::read_csv(&folder.path().join("figures/fig.10.csv")).unwrap();
    assert_eq!(scores.rows().len(), 201);
    let last = scores.rows().last().unwrap();
    assert_eq!(last[..3], [Cell::from("B: t₀ = 4"), Cell::from("GA2"), Cell::from(50_u32)]);
    assert_eq!(last[3], Cell::Blank, "an answer without a score");
    let densities = Table::read_csv(&folder.path().join("figures/fig.10_densities.csv")).unwrap();
    assert_eq!(densities.rows().len(), 4 * 201);
    for chunk in densities.rows().chunks(201) {
        let number = |row: &[Cell], column: usize| row[column].number().unwrap();
        // The trapezoidal rule; all of these densities lie well inside [0, 1].
        let area: f64 = chunk.windows(2).map(|pair| (number(&pair[0], 3) + number(&pair[1], 3)) / 2.0 / 200.0).sum();
        assert!((area - 1.0).abs() < 1e-3, "{area}");
        // Uniform in a tenth: a standard deviation of 0.1 / √12, but for the grid of 50 steps.
        assert!((number(&chunk[0], 5) - 0.1 / 12f64.sqrt()).abs() < 5e-4);
        assert_eq!(chunk[0][6].number(), Some(50.0));
    }
    let mean = densities.rows()[0][4].number().unwrap();
    assert!((mean - 0.799).abs() < 1e-9, "{mean}");
}

#[test]
fn few_different_scores_make_histograms() {
    let mut marks = figure();
    marks.pictures.truncate(1);
    marks.pictures[0].agents[1] = agent("GA2", [0.2, 0.2, 0.6, 0.2].map(Some));
    let table = marks.densities_table().unwrap();
    assert_eq!(table.rows().len(), 2 * 20);
    let of_second: Vec<(f64, f64)> = table.rows()[20..]
        .iter()
        .map(|row| (row[2].number().unwrap(), row[3].number().unwrap()))
        .filter(|(_, density)| *density > 0.0)
        .collect();
    // Three and one of four observations, in bins of a twentieth.
    let expected = [(0.2, 15.0), (0.6, 5.0)];
    for ((bin, density), (expected_bin, expected_density)) in of_second.iter().zip(expected) {
        assert!((bin - expected_bin).abs() < 1e-12 && (density - expected_density).abs() < 1e-9, "{of_second:?}");
    }
    assert_eq!(of_second.len(), 2);
}

#[test]
fn nothing_is_cut_off_however_many_agents_and_long_the_names() {
    let names = ["o0.10-c0.80-e0.70-a0.80-n0.10", "GA2-fig10", "neutral", "Maximiliane"];
    let agents = names.iter().enumerate().map(|(at, name)| agent(name, spread(0.1 + 0.25 * at as f64, 12))).collect();
    let many = ScoreDistribution {
        title: "A long title that goes on and on until it has to be broken, since the page is not that wide".to_owned(),
        pictures: vec![ScoredPicture { label: "bit error probability 0.5 %".to_owned(), picture: None, agents }; 3],
        ..figure()
    };
    assert!(Pixels::of_canvas(&many.draw().unwrap()).has_white_edge(16));
    // Scores at the very ends, and one alone.
    let ends = ScoredPicture {
        label: String::new(),
        picture: None,
        agents: vec![agent("GA1", [Some(0.0), Some(1.0)]), agent("GA2", [Some(1.0)])],
    };
    let ends = ScoreDistribution { pictures: vec![ends], ..figure() };
    assert!(Pixels::of_canvas(&ends.draw().unwrap()).has_white_edge(16));
}

#[test]
fn scores_outside_their_range_are_refused_and_no_scores_are_empty_panels() {
    let of = |scores: Vec<Option<f64>>| {
        let agents = vec![agent("GA1", scores)];
        ScoreDistribution { pictures: vec![ScoredPicture { label: "A".to_owned(), picture: None, agents }], ..figure() }
            .draw()
    };
    for good in [vec![Some(0.3), None], vec![None, None], vec![]] {
        assert!(Pixels::of_canvas(&of(good.clone()).expect("a figure")).has_white_edge(16), "{good:?}");
    }
    for bad in [vec![Some(1.5)], vec![Some(f64::NAN)]] {
        assert!(matches!(of(bad.clone()), Err(ReportError::Figure { .. })), "{bad:?}");
    }
}
