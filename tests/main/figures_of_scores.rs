//! Figures of what the judge said, drawn from files as a run leaves them.

use std::path::Path;

use latentlink::experiment::figures::{FigureSource, write_figures};
use latentlink::picture::Picture;
use latentlink::report::{Cell, Column, Table};
use latentlink::scenario::{REQUEST_NUMBERS, Scenario, ScenarioFile};

use crate::program::Workplace;
use crate::small_study::small;

const SCENARIO: &str = r#"
study = { name = "rated", replications = 2 }
diffusion.metrics_against = []
radio.bit_error_probability = 0.0
judge = { panel = ["GA1", "GA2"], readout = "sample", answers_per_picture = 2 }
policy = { t0 = 1, tk = 2 }
device = [{ name = "phone", prompt = "a dog", persona = "GA1" }]
[sweep]
"policy.t0" = [2, 3]
"policy.tk" = [4, 5]
"#;

fn table(columns: &[&str], rows: Vec<Vec<Cell>>) -> Table {
    let mut table = Table::new(columns.iter().map(|name| Column::new(*name, "")).collect()).unwrap();
    rows.into_iter().for_each(|row| table.push(row).unwrap());
    table
}

/// The score that a persona gives at (t0, tk) in a replication: GA2's fail at (3, 5).
fn score(persona: &str, t0: u32, tk: u32, replication: u32) -> Option<f64> {
    let base = f64::from(t0) / 10.0 + f64::from(tk) / 100.0 + f64::from(replication) / 1000.0;
    match persona {
        "GA1" => Some(base),
        _ if (t0, tk) == (3, 5) => None,
        _ => Some(1.0 - base),
    }
}

/// Draws the figures of a scenario over t0 ∈ {2, 3} and tk ∈ {4, 5}; two answers a picture, 0.01 around the score.
fn draw(figures: &str, folder: &Path) -> Vec<String> {
    let file = ScenarioFile::from_str(format!("{SCENARIO}{figures}"), "rated.toml").unwrap();
    let scenario: Scenario = file.points().unwrap_or_else(|error| panic!("{error:#}"))[0].scenario.clone();
    let picture = Picture::new(8, 8, vec![0.5; 3 * 64]).unwrap().to_png_bytes(&[]).unwrap();
    std::fs::create_dir_all(folder.join("images")).unwrap();
    std::fs::write(folder.join("images/one.png"), picture).unwrap();
    let (mut requests, mut scores) = (Vec::new(), Vec::new());
    for (point, (t0, tk)) in [(2, 4), (2, 5), (3, 4), (3, 5)].into_iter().enumerate() {
        for replication in 0..2 {
            let of = |persona: &str| Cell::from(score(persona, t0, tk, replication));
            let start: Vec<Cell> =
                vec![point.into(), t0.into(), tk.into(), replication.into(), 0.into(), "phone".into()];
            let rest = vec!["GA1".into(), of("GA1"), of("GA1"), of("GA2"), "images/one.png".into(), "ok".into()];
            requests.push([start.clone(), rest].concat());
            for persona in ["GA1", "GA2"] {
                for (answer, offset) in [-0.01, 0.01].into_iter().enumerate() {
                    let answered = score(persona, t0, tk, replication).map(|score| score + offset);
                    scores.push([start.clone(), vec![persona.into(), answer.into(), answered.into()]].concat());
                }
            }
        }
    }
    let keys = ["point", "policy.t0", "policy.tk", "replication", "request", "device", "persona"];
    let requests = table(&[&keys[..], &["qoe", "qoe_GA1", "qoe_GA2", "picture", "picture_status"]].concat(), requests);
    let scores = table(&[&keys[..], &["answer", "score"]].concat(), scores);
    let runs = table(
        &[
            &["policy.t0", "policy.tk"][..],
            &["server_compute_j", "server_radio_j", "device_compute_j", "device_radio_j", "device_side_saving_j"],
        ]
        .concat(),
        vec![[2.0, 4.0, 1.0, 1.0, 1.0, 0.0, 0.5].map(Cell::from).to_vec()],
    );
    for (file, table) in [("requests.csv", &requests), ("scores.csv", &scores), ("runs.csv", &runs)] {
        table.write_csv(&folder.join(file)).unwrap();
    }
    let source = FigureSource {
        folder: folder.to_owned(),
        swept: vec!["policy.t0".to_owned(), "policy.tk".to_owned()],
        footer: "latentlink".to_owned(),
    };
    write_figures(&source, &scenario).unwrap()
}

#[test]
fn a_heat_map_holds_the_means_over_replications_and_marks_what_failed() {
    let folder = tempfile::tempdir().unwrap();
    let figure = "[[figure]]\nkind = \"heat_map\"\nname = \"map\"\nx = \"policy.tk\"\ny = \"policy.t0\"\n\
                  value = [\"qoe_GA1\", \"qoe_GA2\"]\nmark_maximum = true\n";
    assert_eq!(draw(figure, folder.path()), ["figures/map.png", "figures/energy.png"]);
    let table = Table::read_csv(&folder.path().join("figures/map.csv")).unwrap();
    let (mut cells, mut failed) = (0, 0);
    for row in table.rows() {
        let [panel, value, y, x, mean, n, failures] = row.as_slice() else { panic!("seven columns") };
        let persona = panel.to_csv_field();
        assert_eq!(value.to_csv_field(), format!("qoe_{persona}"));
        let at = |cell: &Cell| cell.number().unwrap() as u32;
        match [0, 1].map(|replication| score(&persona, at(y), at(x), replication)) {
            [Some(first), Some(second)] => {
                assert!((mean.number().unwrap() - (first + second) / 2.0).abs() < 1e-12);
                assert_eq!((n.number(), failures.number()), (Some(2.0), Some(0.0)));
                cells += 1;
            }
            _ => {
                assert_eq!((mean, n.number(), failures.number()), (&Cell::Blank, Some(0.0), Some(2.0)));
                failed += 1;
            }
        }
    }
    assert_eq!((cells, failed), (7, 1));
}

#[test]
fn scores_stand_under_each_picture_and_in_the_table_behind() {
    let folder = tempfile::tempdir().unwrap();
    let figure = "[[figure]]\nkind = \"image_grid\"\nname = \"grid\"\nx = \"policy.tk\"\ny = \"policy.t0\"\n\
                  scores = [\"GA1\", \"GA2\"]\n";
    draw(figure, folder.path());
    let table = Table::read_csv(&folder.path().join("figures/grid.csv")).unwrap();
    let names: Vec<&str> = table.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names[6..], ["caption", "qoe_GA1", "qoe_GA2", "picture"]);
    let captions: Vec<String> = table.rows().iter().map(|row| row[6].to_csv_field()).collect();
    // GA2 said nothing about the last picture.
    assert_eq!(captions, ["GA1 0.24 GA2 0.76", "GA1 0.25 GA2 0.75", "GA1 0.34 GA2 0.66", "GA1 0.35 GA2 –"]);
    assert_eq!(table.rows()[3][8], Cell::Blank);
}

#[test]
fn without_figures_of_its_own_a_scenario_shows_each_users_score() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(draw("", folder.path()), ["figures/pictures.png", "figures/energy.png"]);
    let table = Table::read_csv(&folder.path().join("figures/pictures.csv")).unwrap();
    assert_eq!(table.rows()[0][6], Cell::from("GA1 0.24"));
}

#[test]
fn a_score_distribution_has_a_panel_for_each_point_with_the_answers_of_the_first_replication() {
    let folder = tempfile::tempdir().unwrap();
    draw("[[figure]]\nkind = \"score_distribution\"\nname = \"scores\"\n", folder.path());
    let table = Table::read_csv(&folder.path().join("figures/scores.csv")).unwrap();
    assert_eq!(table.rows().len(), 4 * 2 * 2);
    let labels: Vec<String> = table.rows().iter().step_by(4).map(|row| row[0].to_csv_field()).collect();
    let expected = ["A: t₀ = 2, tₖ = 4", "B: t₀ = 2, tₖ = 5", "C: t₀ = 3, tₖ = 4", "D: t₀ = 3, tₖ = 5"];
    assert_eq!(labels, expected);
    let numbers: Vec<Option<f64>> = table.rows()[..4].iter().map(|row| row[3].number()).collect();
    for (number, expected) in numbers.into_iter().zip([0.23, 0.25, 0.75, 0.77]) {
        assert!((number.unwrap() - expected).abs() < 1e-12);
    }
    assert!(table.rows()[14..].iter().all(|row| row[1] == Cell::from("GA2") && row[3] == Cell::Blank));
}

#[test]
fn a_heat_map_may_show_every_column_of_numbers_that_a_run_leaves() {
    let figure = "\"policy.t0\" = [1, 2]\n[[figure]]\nkind = \"heat_map\"\nname = \"latency\"\nx = \"policy.t0\"\n\
                  y = \"radio.multiple_access\"\nvalue = \"latency_s\"\n";
    let workplace = Workplace::with("map.toml", &format!("{}{figure}", small()));
    let output = workplace.run(&["run", "map.toml", "--out", "out"]);
    output.assert_done();
    let requests = Table::read_csv(&workplace.path("out/requests.csv")).unwrap();
    for number in REQUEST_NUMBERS {
        assert!(requests.column_index(number).is_some(), "requests.csv has no `{number}`");
    }
    // What is a number there and no key, metric, score or swept field is listed.
    for (index, column) in requests.columns().iter().enumerate() {
        let name = column.name.as_str();
        let is_other = ["point", "replication", "request"].contains(&name)
            || name.contains('.')
            || ["mse_", "psnr_", "ssim_", "qoe"].iter().any(|start| name.starts_with(start));
        if !is_other && requests.rows().iter().any(|row| row[index].number().is_some()) {
            assert!(REQUEST_NUMBERS.contains(&name), "`{name}` is a number that no heat map shows");
        }
    }
    assert!(workplace.path("out/figures/latency_phone.png").exists());
}
