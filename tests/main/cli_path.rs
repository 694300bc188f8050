//! `latentlink path`: its results folder, what it prints, and what it refuses.

use latentlink::diffusion::PictureMetrics;
use latentlink::picture::Picture;

use crate::program::{Outcome, Workplace, shipped_pack};

/// The command on the shipped pack.
fn path(workplace: &Workplace, arguments: &[&str]) -> Outcome {
    let pack = shipped_pack();
    let pack = pack.to_str().expect("a plain path");
    workplace.run(&[&["path", "--pack", pack], arguments].concat())
}

#[test]
fn paths_end_in_a_table_figures_and_a_picture_per_switch() {
    let workplace = Workplace::new();
    let arguments = ["an apple", "A lemon, please", "--steps", "3", "--replications", "2"];
    let outcome = path(&workplace, &arguments).assert_done();
    assert!(outcome.stderr.contains("does not know \"please\" in the prompt of B"), "{}", outcome.stderr);
    let results = "results/path-an-apple--a-lemon-please";
    let table = workplace.csv(&format!("{results}/path.csv"));
    assert_eq!(table.column("replication"), ["0", "0", "0", "0", "1", "1", "1", "1"]);
    assert_eq!(table.numbers("t_off")[..4], [3.0, 2.0, 1.0, 0.0]);
    assert_eq!(table.numbers("t0")[..4], [0.0, 1.0, 2.0, 3.0]);
    assert_eq!((table.cell(0, "psnr_db"), table.cell(0, "kl_divergence")), ("inf", "0.0"));
    assert_eq!((table.cell(3, "timestep"), table.cell(3, "kl_divergence")), ("", ""));
    for row in 0..8 {
        let number = |column: &str| table.number(row, column);
        let d = number("semantic_distance");
        let gap = (number("remaining_switched_distance") - number("remaining_own_distance")).abs();
        assert!((number("inequality_slack") - (d - gap)).abs() < 1e-9 && number("inequality_slack") >= -1e-9);
        if !table.cell(row, "kl_divergence").is_empty() {
            let alpha_bar = number("alpha_bar");
            let expected = alpha_bar / (1.0 - alpha_bar) * d * d / 2.0;
            assert!((number("kl_divergence") - expected).abs() <= 1e-12 * expected, "row {row}");
        }
        assert!(workplace.path(&format!("{results}/{}", table.cell(row, "picture"))).is_file());
    }
    let dictionary = workplace.text(&format!("{results}/columns.md"));
    assert!(table.columns.iter().all(|column| dictionary.contains(&format!("| `{column}` |"))), "{dictionary}");

    // The figures hold means over the replications.
    let lines = workplace.csv(&format!("{results}/figures/distances.csv"));
    assert_eq!(lines.rows.len(), 3 * 4);
    let mean = (table.number(1, "remaining_own_distance") + table.number(5, "remaining_own_distance")) / 2.0;
    assert_eq!(
        (lines.cell(5, "series"), lines.cell(5, "t_off"), lines.cell(5, "n")),
        ("(16) to the end of B", "2.0", "2")
    );
    assert!((lines.number(5, "distance") - mean).abs() < 1e-9);
    for figure in ["path.png", "path.csv", "distances.png", "kl.png", "kl.csv"] {
        assert!(workplace.path(&format!("{results}/figures/{figure}")).is_file(), "{figure}");
    }

    let manifest = workplace.json(&format!("{results}/manifest.json"));
    let (first, second) = (table.number(0, "semantic_distance"), table.number(4, "semantic_distance"));
    let distance = manifest["semantic_distance"].as_f64().expect("a number");
    assert!((distance - (first + second) / 2.0).abs() < 1e-9);
    let cosine = manifest["cosine_similarity"].as_f64().expect("a number");
    // D = √(4 · 16 · 16) = 32.
    let text_distance = manifest["text_distance"].as_f64().expect("a number");
    assert!(
        (text_distance - 32.0 * (2.0 * (1.0 - cosine)).sqrt()).abs() < 1e-9 && manifest["text_distance_radius"] == 32.0
    );
    assert_eq!((&manifest["unet_evaluations"], &manifest["steps"]), (&(2 * 2 * 9).into(), &3.into()));
    assert_eq!(manifest["files"].as_array().expect("files").len(), 2 + 2 * 3 + 8);
    for text in ["(14) distance of A(0) and B(0)", "(95 %, n = 2)", &format!("{results}/figures/path.png")] {
        assert!(outcome.stdout.contains(text), "{text} is not in:\n{}", outcome.stdout);
    }

    // A finished result stays, unless it may be replaced; then it has the same bytes again, with any number of workers.
    path(&workplace, &arguments).assert_fails(2, &["results are there already", "--force"]);
    let before = workplace.read(&format!("{results}/path.csv"));
    path(&workplace, &[&arguments[..], &["--force", "--threads", "1"]].concat()).assert_done();
    assert_eq!(workplace.read(&format!("{results}/path.csv")), before);
}

#[test]
fn a_switched_path_is_the_joint_split_of_a_study_over_a_link_without_errors() {
    let workplace = Workplace::with(
        "split.toml",
        &format!(
            "[models]\ndiffusion = '{}'\n[diffusion]\nsplit = \"joint\"\ncodec = \"fp32\"\n[server]\nprompt = \"a lemon\"\n\
             [radio]\nbit_error_probability = 0.0\n[[device]]\nprompt = \"an apple\"\n[policy]\nt0 = 1\ntk = 2\n\
             [judge]\nkind = \"none\"\n",
            shipped_pack().display()
        ),
    );
    workplace.run(&["run", "split.toml", "--seed", "7", "--out", "study"]).assert_done();
    path(&workplace, &["an apple", "a lemon", "--steps", "3", "--seed", "7", "--out", "path"]).assert_done();
    let picture = |file: &str| Picture::from_png_bytes(&workplace.read(file)).expect("a picture");
    let of_study = picture("study/images/point-0000_replication-000_device-1.png");
    let mse_at = |t_off: u32| {
        let of_path = picture(&format!("path/images/replication-000_t_off-{t_off:04}.png"));
        PictureMetrics::between(&of_path, &of_study).expect("pictures of one size").mse
    };
    // Batches have other neighbours, so that a value may round to the next of 255 levels.
    assert!(mse_at(2) < 1.0 / (255.0 * 255.0), "{}", mse_at(2));
    assert!(mse_at(3) > 1e-3 && mse_at(1) > 1e-3, "{}, {}", mse_at(3), mse_at(1));
}

#[test]
fn a_path_of_a_prompt_to_itself_draws_no_divergence() {
    let workplace = Workplace::new();
    path(&workplace, &["an apple", "an apple", "--steps", "2", "--out", "same"]).assert_done();
    assert!(workplace.path("same/figures/distances.png").is_file());
    assert!(!workplace.path("same/figures/kl.png").exists());
}

#[rustfmt::skip]
const WRONG: &[(&[&str], i32, &[&str])] = &[
    (&["an apple"], 2, &["<PROMPT B>", "Usage:"]),
    (&["", "a lemon"], 2, &["prompt A is empty", "give both prompts"]),
    (&["an apple", "  "], 2, &["prompt B is empty"]),
    (&["an apple", "a lemon", "--steps", "0"], 2, &["--steps", "1..=1000"]),
    (&["an apple", "a lemon", "--steps", "1001"], 2, &["--steps"]),
    (&["an apple", "a lemon", "--replications", "0"], 2, &["--replications"]),
    (&["an apple", "a lemon", "--guidance", "-1"], 2, &["guidance is -1", "at least 0"]),
    (&["an apple", "a lemon", "--sampler", "ddpm"], 2, &["fresh noise in each step", "ddim (eta = 0), euler, pndm or dpm-solver++"]),
    (&["an apple", "a lemon", "--sampler", "heun"], 2, &["ddim", "euler"]),
];

#[test]
fn a_wrong_command_line_ends_with_2_and_leaves_nothing_behind() {
    for (arguments, code, texts) in WRONG {
        let workplace = Workplace::new();
        path(&workplace, arguments).assert_fails(*code, texts);
        assert_eq!(workplace.contents(), [""; 0], "{arguments:?}");
    }
}

#[test]
fn a_missing_pack_ends_with_3_and_a_folder_that_holds_no_results_is_never_replaced() {
    let workplace = Workplace::new();
    workplace.run(&["path", "an apple", "a lemon", "--pack", "nowhere"]).assert_fails(3, &["nowhere"]);
    assert_eq!(workplace.contents(), [""; 0]);
    workplace.write("mine/notes.txt", "mine");
    path(&workplace, &["an apple", "a lemon", "--out", "mine", "--force"]).assert_fails(2, &["holds no results"]);
    assert_eq!(workplace.text("mine/notes.txt"), "mine");
}

#[test]
fn help_has_examples() {
    let help = Workplace::new().run(&["path", "--help"]).assert_done().stdout;
    assert!(help.contains("Examples:\n") && help.contains("latentlink path \"an apple\" \"a lemon\""), "{help}");
}
