//! `latentlink surface`: from a study to a surface, and to a study that is judged by it.

use std::path::Path;

use latentlink::judge::measured_surface::file::read_measured_surface;
use latentlink::judge::{Persona, SurfaceInputs, quality_of_experience};

use crate::program::{Csv, Workplace, assert_close, shipped_pack};

/// Two devices of one prompt and another; the rest is what a test says.
fn scenario(name: &str, judge: &str, rest: &str) -> String {
    format!(
        "[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\n[study]\nname = \"{name}\"\nreplications = 3\n\
         [diffusion]\nsteps = 4\nguidance = 1.0\nmetrics_against = []\n[judge]\n{judge}\n\
         [server]\nprompt = \"a tiger sits in front of a bush\"\n\
         [[device]]\nprompt = \"a tiger sits in front of a bush\"\npersona = \"GA1\"\n\
         [[device]]\nprompt = \"a dog sits in front of a bush\"\npersona = \"GA1\"\n\
         [policy]\nt0 = 1\ntk = 2\n{rest}\n",
        shipped_pack().display()
    )
}

const GRID: &str = "[sweep]\npolicy.t0 = [1, 2]\npolicy.tk = [1, 3]\nradio.bit_error_probability = [0.0, 0.1]";

#[test]
fn a_surface_of_the_synthetic_one_has_its_values_and_judges_as_it_does() {
    let workplace = Workplace::new();
    let judge = "kind = \"surface\"\nsimilarity = 0.8\npanel = [\"GA1\", \"GA2\"]";
    workplace.write("s.toml", &scenario("synthetic", judge, GRID));
    workplace.run(&["run", "s.toml", "--out", "synthetic", "--threads", "1"]).assert_done();
    let said = workplace.run(&["surface", "synthetic", "--out", "m.csv"]).assert_done().stdout;
    assert!(said.contains("32 cells from 96 scores of 1 study"), "{said}");
    assert!(said.contains("2 similarities x 2 personas x 2 t0 x 2 tk x 2 bit error probabilities"), "{said}");
    let table = workplace.csv("m.csv");
    assert_eq!(table.rows.len(), 32);
    for row in 0..table.rows.len() {
        let expected = quality_of_experience(&SurfaceInputs {
            t0: table.number(row, "t0") as u32,
            tk: table.number(row, "tk") as u32,
            bit_error_probability: table.number(row, "bit_error_probability"),
            similarity: table.number(row, "similarity"),
            persona: Persona::named(table.cell(row, "persona")).expect("of the paper"),
        });
        assert!((table.number(row, "qoe") - expected).abs() <= 0.5e-5 + 1e-12, "row {row}");
        assert_eq!((table.cell(row, "standard_error"), table.cell(row, "n")), ("0", "3"));
    }
    let beside = workplace.json("m.json");
    assert_eq!((&beside["cells"], &beside["scores"], &beside["failed_scores"]), (&32.into(), &96.into(), &0.into()));
    assert_eq!(beside["studies"][0]["study"], "synthetic");
    assert_eq!(beside["studies"][0]["models"][0]["role"], "diffusion");
    assert_eq!(beside["relations"][1]["similarity"], 0.8);
    // A study that is judged by it has the same scores at the cells.
    let judge = format!("{judge}\nfile = \"m.csv\"");
    workplace.write("m.toml", &scenario("measured", &judge, GRID));
    workplace.run(&["run", "m.toml", "--out", "measured", "--threads", "2"]).assert_done();
    let (one, other) = (workplace.csv("synthetic/scores.csv"), workplace.csv("measured/scores.csv"));
    assert_eq!(one.rows.len(), other.rows.len());
    for (one, other) in one.numbers("score").into_iter().zip(other.numbers("score")) {
        assert!((one - other).abs() <= 0.5e-5 + 1e-12);
    }
    // What the resolved scenario says reads back.
    assert!(workplace.text("measured/scenario.toml").contains("file = \"m.csv\""));
    // The same command again goes on with what is there; another surface in the same file is another study.
    workplace.run(&["run", "m.toml", "--out", "measured"]).assert_done();
    let text = workplace.text("m.csv");
    let (head, last) = text.trim_end().rsplit_once('\n').expect("rows");
    let fields: Vec<&str> = last.split(',').collect();
    workplace.write("m.csv", &format!("{head}\n{},0.5,0,3\n", fields[..10].join(",")));
    workplace.run(&["run", "m.toml", "--out", "measured"]).assert_fails(2, &["results are there already"]);
    assert_eq!(workplace.run(&["surface", "synthetic", "--out", "m.csv"]).code, 2, "it is there already");
    workplace.run(&["surface", "synthetic", "--out", "m.csv", "--force"]).assert_done();
    assert_eq!(workplace.text("m.csv"), text);
}

/// Scores of `persona` in cells of this prompt, t0, t_k and bit error probability.
fn scores(requests: &Csv, scores: &Csv, persona: &str, device: &str, cell: [&str; 3]) -> Vec<f64> {
    let [t0, tk, errors] = cell;
    let key = |table: &Csv, row: usize| ["point", "replication", "request"].map(|key| table.cell(row, key).to_owned());
    let is_of_cell = |row: &usize| {
        let found = ["device", "t0", "tk"].map(|column| requests.cell(*row, column));
        found == [device, t0, tk] && requests.number(*row, "bit_error_probability").to_string() == errors
    };
    let pictures: Vec<_> = (0..requests.rows.len()).filter(is_of_cell).map(|row| key(requests, row)).collect();
    let of_pictures = (0..scores.rows.len())
        .filter(|&row| scores.cell(row, "persona") == persona && pictures.contains(&key(scores, row)));
    of_pictures.map(|row| scores.number(row, "score")).collect()
}

#[test]
fn what_the_shipped_judge_says_of_pictures_becomes_a_surface() {
    let workplace = Workplace::new();
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/emoji-llava");
    let judge = format!("pack = '{}'\npanel = [\"GA2\"]", pack.display());
    workplace.write("s.toml", &scenario("pictures", &judge, GRID));
    workplace.run(&["run", "s.toml", "--out", "pictures"]).assert_done();
    workplace.run(&["surface", "pictures", "--out", "m.csv"]).assert_done();
    let (requests, said) = (workplace.csv("pictures/requests.csv"), workplace.csv("pictures/scores.csv"));
    let surface = read_measured_surface(&workplace.path("m.csv")).expect("a good file");
    let table = workplace.csv("m.csv");
    assert_eq!(table.rows.len(), 2 * 2 * 2 * 2 * 2);
    let dog = surface.axes()[0][0];
    assert!(dog > 0.3 && dog < 0.999, "the text encoder tells a dog from a tiger: {dog}");
    for row in 0..table.rows.len() {
        let device = if table.number(row, "similarity") == 1.0 { "device-1" } else { "device-2" };
        let cell = ["t0", "tk", "bit_error_probability"].map(|column| table.cell(row, column));
        let scores = scores(&requests, &said, table.cell(row, "persona"), device, cell);
        assert_eq!(scores.len(), 3);
        let mean = scores.iter().sum::<f64>() / 3.0;
        let error = (scores.iter().map(|score| (score - mean).powi(2)).sum::<f64>() / 2.0 / 3.0).sqrt();
        assert!((table.number(row, "qoe") - mean).abs() <= 0.5e-5 + 1e-12, "row {row}");
        assert!((table.number(row, "standard_error") - error).abs() <= 0.5e-5 + 1e-12, "row {row}");
    }
    let beside = workplace.json("m.json");
    assert_eq!(beside["studies"][0]["models"][1]["role"], "judge");
    assert!(beside["mean_standard_error"].as_f64().is_some_and(|error| error > 0.0));
    // No pictures: the measured mean, without a session of a judge.
    let judge = "kind = \"surface\"\nfile = \"m.csv\"\npanel = [\"GA2\"]";
    workplace.write("m.toml", &scenario("measured", judge, GRID));
    let report = workplace.run(&["run", "m.toml", "--out", "measured"]).assert_done().stdout;
    assert!(report.contains("no picture was made"), "{report}");
    let requests = workplace.csv("measured/requests.csv");
    for row in (0..table.rows.len()).filter(|&row| table.cell(row, "persona") == "GA1") {
        let device = if table.number(row, "similarity") == 1.0 { "device-1" } else { "device-2" };
        let is_it = |other: &usize| {
            let same = ["t0", "tk"].iter().all(|column| requests.cell(*other, column) == table.cell(row, column));
            let errors = "bit_error_probability";
            same && requests.cell(*other, "device") == device
                && requests.number(*other, errors) == table.number(row, errors)
        };
        let found = (0..requests.rows.len()).find(is_it).expect("the same grid");
        // The similarity of the run has more digits than that of the file.
        assert!((requests.number(found, "qoe") - table.number(row, "qoe")).abs() < 1e-5, "row {row}");
    }
    // Noise is the scatter between pictures.
    workplace.write("n.toml", &scenario("noisy", &format!("{judge}\nnoise = true\nanswers_per_picture = 40"), GRID));
    workplace.run(&["run", "n.toml", "--out", "noisy"]).assert_done();
    let noisy = workplace.csv("noisy/scores.csv").numbers("score");
    assert!(noisy.iter().any(|score| (score - noisy[0]).abs() > 1e-6));
}

#[test]
fn studies_of_which_no_surface_can_be_made_say_why() {
    let workplace = Workplace::new();
    let judge = "kind = \"surface\"\nsimilarity = 0.8\npanel = [\"GA2\"]";
    let write = |name: &str, judge: &str, sweep: &str| {
        workplace.write("s.toml", &scenario(name, judge, sweep));
        workplace.run(&["run", "s.toml", "--out", name, "--threads", "1"]).assert_done();
    };
    let t0 =
        |values: &str, errors: &str| format!("[sweep]\npolicy.t0 = {values}\nradio.bit_error_probability = {errors}");
    write("half", judge, &t0("[1, 2]", "[0.0, 0.1]"));
    write("more", judge, &t0("[2, 3]", "[0.1, 0.2]"));
    write("rest", judge, &t0("[1, 2]", "[0.2]"));
    write("steps", judge, "[sweep]\ndiffusion.steps = [3, 4]\nradio.bit_error_probability = [0.0, 0.1]");
    write("other", "kind = \"surface\"\nsimilarity = 0.7", &t0("[1, 2]", "[0.2]"));
    write("drawn", "kind = \"surface\"\nsimilarity = [0.7, 0.9]", &t0("[1, 2]", "[0.2]"));
    write("nobody", "kind = \"none\"", &t0("[1, 2]", "[0.2]"));
    let rows: [(&[&str], &[&str]); 8] = [
        (&["half", "more"], &["the grid lacks similarity 0.8, GA1, t0 = 1, t_k = 2, bit error probability 0.2"]),
        (&["steps"], &["steps sweeps diffusion.steps, of which a surface knows nothing"]),
        (&["half", "other"], &["other has another [judge] than the first study"]),
        (&["drawn"], &["drawn draws similarities, which its tables do not hold"]),
        (&["nobody"], &["nobody has no scores.csv"]),
        (&["half", "half"], &["half is of a study that was named already"]),
        (&["none"], &["none is no results folder"]),
        (&["half", "nobody"], &["[judge]"]),
    ];
    for (folders, said) in rows {
        let arguments = [&["surface"], folders, &["--out", "m.csv"]].concat();
        workplace.run(&arguments).assert_fails(2, said);
        assert!(!workplace.path("m.csv").exists(), "{folders:?}");
    }
    workplace.run(&["surface", "half", "--out", "m.txt"]).assert_fails(2, &["does not end in .csv"]);
    // Two studies that make one grid together; each cell keeps its own pictures.
    workplace.run(&["surface", "half", "rest", "--out", "m.csv"]).assert_done();
    let surface = read_measured_surface(&workplace.path("m.csv")).expect("a whole grid");
    assert_eq!(surface.axes()[3], [0.0, 0.1, 0.2]);
    // A cell that two studies have is of the pictures of both.
    let again = scenario("again", judge, &t0("[1, 2]", "[0.0, 0.1]")).replace("[study]\n", "[study]\nseed = 7\n");
    workplace.write("s.toml", &again);
    workplace.run(&["run", "s.toml", "--out", "again"]).assert_done();
    workplace.run(&["surface", "half", "again", "--out", "both.csv"]).assert_done();
    let both = workplace.csv("both.csv");
    assert!(both.numbers("n").into_iter().all(|pictures| pictures == 6.0));
    assert_close(both.number(0, "standard_error"), 0.0);
}

#[test]
fn a_scenario_with_a_bad_surface_says_what_is_wrong_with_it() {
    let workplace = Workplace::new();
    let check = |judge: &str| {
        workplace.write("s.toml", &scenario("bad", judge, ""));
        workplace.run(&["check", "s.toml"])
    };
    check("kind = \"surface\"\nfile = \"none.csv\"").assert_fails(2, &["cannot read the measured surface none.csv"]);
    check("file = \"m.csv\"").assert_fails(2, &["`file` does not go with a judge of kind \"vlm\", the default"]);
    let head = "similarity,persona,openness,conscientiousness,extraversion,agreeableness,neuroticism,t0,tk,\
                bit_error_probability,qoe,standard_error,n\n";
    workplace.write("m.csv", &format!("{head}1,GA1,0.1,0.8,0.7,0.8,0.1,1,2,0,1.5,,1\n"));
    check("kind = \"surface\"\nfile = \"m.csv\"").assert_fails(2, &["m.csv:2: `qoe` is `1.5`"]);
    workplace.write("m.csv", &format!("{head}1,GA1,0.1,0.8,0.7,0.8,0.1,1,2,0,0.5,,1\n"));
    check("kind = \"surface\"\nfile = \"m.csv\"").assert_done();
    let noisy = check("kind = \"surface\"\nfile = \"m.csv\"\nnoise = true");
    noisy.assert_fails(2, &["`noise` = true, but the surface has cells with one picture"]);
}
