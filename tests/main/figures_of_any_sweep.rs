//! Figures of tables as any sweep leaves them: fields that go along with each other, and sweeps too large for a page.

use std::fmt::Write;
use std::path::Path;

use latentlink::experiment::figures::{FigureSource, write_figures};
use latentlink::report::{ReportError, Table};
use latentlink::scenario::{Scenario, ScenarioFile};

/// A scenario with these figures, over the grid of t0, seeds and power.
fn scenario(rest: &str) -> Scenario {
    let text = format!(
        "study = {{ name = \"sweep\" }}\njudge = {{ kind = \"surface\" }}\n[[device]]\nprompt = \"a dog\"\nname = \"phone\"\n\
         [policy]\nt0 = 1\ntk = 2\n{rest}"
    );
    let file = ScenarioFile::from_str(text, "sweep.toml").expect("TOML");
    file.points().unwrap_or_else(|error| panic!("{error:#}"))[0].scenario.clone()
}

const SWEEP: &str = "[sweep]\n\"policy.t0\" = [2, 3]\n\"study.seed\" = [7, 8]\n";

/// Writes the tables of a study of one replication: for each point the swept words, QoE and energy.
fn tables(folder: &Path, swept: &[&str], points: &[(Vec<String>, f64, f64)]) -> FigureSource {
    let header = format!("point,{},replication", swept.join(","));
    let mut requests = format!("{header},request,device,persona,qoe,picture,picture_status\n");
    let mut runs =
        format!("{header},server_compute_j,server_radio_j,device_compute_j,device_radio_j,device_side_saving_j\n");
    for (point, (words, qoe, energy_j)) in points.iter().enumerate() {
        let words = words.join(",");
        writeln!(requests, "{point},{words},0,0,phone,neutral,{qoe},,not-made").expect("text");
        writeln!(runs, "{point},{words},0,{energy_j},0.5,2.0,0.0,1.0").expect("text");
    }
    std::fs::write(folder.join("requests.csv"), requests).expect("a new file");
    std::fs::write(folder.join("runs.csv"), runs).expect("a new file");
    let swept = swept.iter().map(|field| (*field).to_owned()).collect();
    FigureSource { folder: folder.to_owned(), swept, footer: "latentlink".to_owned() }
}

/// Steps 2 and 3 with seeds 7 and 8; the power goes along with the steps.
fn zipped() -> Vec<(Vec<String>, f64, f64)> {
    let mut points = Vec::new();
    for (t0, power, quality) in [("2", "20.0", 0.5), ("3", "40.0", 0.75)] {
        for (seed, more) in [("7", 0.0), ("8", 0.125)] {
            points.push((vec![t0.to_owned(), power.to_owned(), seed.to_owned()], quality + more, quality));
        }
    }
    points
}

const ZIPPED: [&str; 3] = ["policy.t0", "policy.tx_power_w", "study.seed"];

#[test]
fn a_field_that_goes_along_with_an_axis_makes_no_panels_and_mixes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let figures = "[[figure]]\nkind = \"heat_map\"\nname = \"map\"\nx = \"policy.t0\"\ny = \"study.seed\"\n\
                   [[figure]]\nkind = \"line\"\nname = \"line\"\nx = \"policy.t0\"\nseries = \"study.seed\"\n";
    let source = tables(folder.path(), &ZIPPED, &zipped());
    write_figures(&source, &scenario(&format!("{figures}{SWEEP}"))).expect("both can be drawn");
    let map = Table::read_csv(&folder.path().join("figures/map.csv")).expect("a table");
    let means: Vec<f64> = map.rows().iter().map(|row| row[4].number().expect("a mean")).collect();
    assert_eq!(means, [0.5, 0.75, 0.625, 0.875], "rows of seeds, columns of steps, in one panel");
    let line = Table::read_csv(&folder.path().join("figures/line.csv")).expect("a table");
    let means: Vec<f64> = line.rows().iter().map(|row| row[2].number().expect("a mean")).collect();
    assert_eq!(means, [0.5, 0.75, 0.625, 0.875], "a line for each seed");
}

#[test]
fn a_field_that_a_line_would_mix_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let source = tables(folder.path(), &ZIPPED, &zipped());
    // A scenario that does not know of the seeds, as of an older file.
    let sweep = "[sweep]\n\"policy.t0\" = [2, 3]\n";
    let figure = "[[figure]]\nkind = \"line\"\nname = \"line\"\nx = \"policy.t0\"\n";
    let refused = write_figures(&source, &scenario(&format!("{figure}{sweep}"))).expect_err("seeds are mixed");
    let ReportError::Figure { message, .. } = refused else { panic!("{refused}") };
    assert_eq!(message, "it would mix all values of `study.seed`: fix it with `at`, or make it the `series`");
}

/// A grid of `steps` × `seeds` points, each of its own energy if `is_dear`.
fn grid(steps: usize, seeds: usize, is_dear: bool) -> Vec<(Vec<String>, f64, f64)> {
    let points = (0..steps).flat_map(|t0| (0..seeds).map(move |seed| (t0, seed)));
    points
        .enumerate()
        .map(|(index, (t0, seed))| {
            let energy_j = if is_dear { index as f64 } else { 1.0 };
            (vec![t0.to_string(), seed.to_string()], 0.5, energy_j)
        })
        .collect()
}

#[test]
fn figures_that_nobody_asked_for_are_left_out_where_they_do_not_fit_on_a_page() {
    let drawn = |points: &[(Vec<String>, f64, f64)]| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let source = tables(folder.path(), &["policy.t0", "study.seed"], points);
        write_figures(&source, &scenario(SWEEP)).expect("they can be drawn")
    };
    assert_eq!(drawn(&grid(4, 6, true)), ["figures/qoe.png", "figures/energy.png"]);
    assert_eq!(drawn(&grid(5, 5, true)), ["figures/qoe.png"], "25 different energies");
    assert_eq!(drawn(&grid(101, 100, false)), ["figures/energy.png"], "10,100 cells");
}
