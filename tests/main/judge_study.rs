//! Quality of experience in the tables of a study, judged by the synthetic surface: no picture is made.

use latentlink::judge::Persona;

use crate::program::{Csv, Workplace, assert_close, shipped_pack};

/// Two users of the paper's Fig. 8, one with the server's prompt and one with another, over pinned links.
fn scenario(judge: &str, rest: &str) -> String {
    format!(
        "[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\n[study]\nname = \"surface\"\n\
         [judge]\nkind = \"surface\"\n{judge}\n[server]\nprompt = \"a tiger sits in front of a bush\"\n\
         [[device]]\nprompt = \"a tiger sits in front of a bush\"\npersona = \"GA1\"\n\
         [[device]]\nprompt = \"a dog sits in front of a bush\"\npersona = \"GA2\"\n\
         [policy]\nt0 = 4\ntk = [6, 8]\n{rest}\n",
        shipped_pack().display()
    )
}

/// Q of the reference vectors.
fn reference(vectors: &Csv, t0: &str, tk: &str, bit_errors: f64, persona: &str, similarity: f64) -> Option<f64> {
    let fits = |row: &usize| {
        vectors.cell(*row, "t0") == t0
            && vectors.cell(*row, "tk") == tk
            && vectors.cell(*row, "persona") == persona
            && (vectors.number(*row, "bep") - bit_errors).abs() < 1e-12
            && (vectors.number(*row, "similarity") - similarity).abs() < 1e-12
    };
    (0..vectors.rows.len()).find(fits).map(|row| vectors.number(row, "qoe"))
}

#[test]
fn every_user_and_every_member_of_the_panel_has_the_score_of_the_reference_vectors() {
    let vectors = std::fs::read_to_string("tests/vectors/qoe_reference.csv").expect("the vectors");
    let vectors = Csv::read(&vectors);
    let judge = "similarity = 0.8\npanel = [\"GA1\", \"GA2\"]\nqoe_threshold = 0.7";
    let rest = "[sweep]\n\"policy.t0\" = [2, 3, 4]\n\"radio.bit_error_probability\" = [0.005, 0.03, 0.06, 0.10]";
    let workplace = Workplace::with("s.toml", &scenario(judge, rest));
    let said = workplace.run(&["run", "s.toml", "--out", "out", "--threads", "1"]).assert_done().stdout;
    assert!(said.contains("no picture was made and no session opened"), "{said}");
    assert!(said.contains("48 scores by the surface"), "{said}");
    let requests = workplace.csv("out/requests.csv");
    assert_eq!(requests.rows.len(), 24);
    let mut compared = 0;
    for row in 0..requests.rows.len() {
        let bit_errors = requests.number(row, "radio.bit_error_probability");
        let similarity = if requests.cell(row, "device") == "device-1" { 1.0 } else { 0.8 };
        for (column, persona) in [("qoe", requests.cell(row, "persona")), ("qoe_GA1", "GA1"), ("qoe_GA2", "GA2")] {
            let (t0, tk) = (requests.cell(row, "t0"), requests.cell(row, "tk"));
            let Some(expected) = reference(&vectors, t0, tk, bit_errors, persona, similarity) else { continue };
            let found = requests.number(row, column);
            assert!((found - expected).abs() <= 1e-8, "row {row}, {column}: {found}, expected {expected}");
            compared += 1;
        }
        assert_eq!((requests.cell(row, "qoe_status"), requests.cell(row, "picture_status")), ("ok", "not-made"));
        assert_eq!((requests.cell(row, "picture"), requests.cell(row, "flipped_bits")), ("", ""));
    }
    assert!(compared >= 24, "{compared} of the scores are in the vectors");
    assert!(!requests.columns.iter().any(|column| column.starts_with("ssim_")), "nothing was compared");
    assert_eq!(std::fs::read_dir(workplace.path("out/images")).expect("a folder").count(), 0);
    assert!(!workplace.path("out/figures/pictures.png").exists(), "there is nothing to show");

    // (21) and (23) are sums over the users of a run.
    let (runs, summary) = (workplace.csv("out/runs.csv"), workplace.csv("out/summary.csv"));
    for run in 0..runs.rows.len() {
        let scores: Vec<f64> = (0..requests.rows.len())
            .filter(|&row| requests.cell(row, "point") == runs.cell(run, "point"))
            .map(|row| requests.number(row, "qoe"))
            .collect();
        assert_close(runs.number(run, "sum_qoe"), scores.iter().sum());
        let below = scores.iter().filter(|score| **score < 0.7).count();
        assert_eq!(runs.cell(run, "qoe_outages"), below.to_string());
        assert_eq!(runs.cell(run, "failed_scores"), "0");
    }
    assert!(runs.numbers("qoe_outages").into_iter().any(|outages| outages > 0.0));
    for quantity in ["qoe", "qoe_GA1", "qoe_GA2", "sum_qoe", "qoe_outages"] {
        assert!(summary.column("quantity").contains(&quantity), "{quantity}");
    }
    let counts = &workplace.json("out/manifest.json")["counts"];
    assert_eq!((&counts["scores"], &counts["failed_scores"]), (&48.into(), &0.into()));
    assert_eq!(counts["unet_evaluations"], 0);
}

#[test]
fn noisy_answers_are_drawn_from_one_stream_for_all_personas_and_their_mean_is_the_quality() {
    let judge = "similarity = 0.8\nnoise = true\npanel = [\"GA2\"]\nanswers_per_picture = 50\nwrite_answers = true";
    let workplace = Workplace::with("s.toml", &scenario(judge, "[radio]\nbit_error_probability = 0.09"));
    workplace.run(&["run", "s.toml", "--out", "out", "--threads", "1"]).assert_done();
    let (requests, scores) = (workplace.csv("out/requests.csv"), workplace.csv("out/scores.csv"));
    // device-1: GA1 and the panel's GA2; device-2: GA2 alone, who is on the panel as well.
    assert_eq!(scores.rows.len(), 3 * 50);
    let of = |device: &str, persona: &str| -> Vec<f64> {
        (0..scores.rows.len())
            .filter(|&row| scores.cell(row, "device") == device && scores.cell(row, "persona") == persona)
            .map(|row| scores.number(row, "score"))
            .collect()
    };
    let (one, panel, two) = (of("device-1", "GA1"), of("device-1", "GA2"), of("device-2", "GA2"));
    for (answers, row, column) in [(&one, 0, "qoe"), (&panel, 0, "qoe_GA2"), (&two, 1, "qoe"), (&two, 1, "qoe_GA2")] {
        assert_eq!(answers.len(), 50);
        assert_close(requests.number(row, column), answers.iter().sum::<f64>() / 50.0);
    }
    // The same draws: what differs is the persona's mean and spread, so the answers rank alike.
    let ranks = |answers: &[f64]| {
        let mut order: Vec<usize> = (0..answers.len()).collect();
        order.sort_by(|&a, &b| answers[a].total_cmp(&answers[b]));
        order
    };
    assert_eq!(ranks(&one), ranks(&panel));
    assert_ne!(ranks(&one), ranks(&two), "another device draws its own");
    for (row, name) in [(0, "GA1"), (50, "GA2")] {
        let persona = Persona::named(name).expect("an agent of the paper");
        assert_eq!(scores.cell(row, "persona"), name);
        assert_eq!(scores.number(row, "openness"), persona.openness());
        assert_eq!(scores.number(row, "neuroticism"), persona.neuroticism());
    }
    assert_eq!((scores.cell(0, "rater"), scores.cell(50, "rater")), ("user", "panel"));
    let answers = workplace.csv("out/answers.csv");
    assert_eq!(answers.rows.len(), scores.rows.len());
    assert_eq!(answers.column("score"), scores.column("score"));
    for table in ["scores.csv", "answers.csv"] {
        assert!(workplace.text("out/columns.md").contains(&format!("# {table}\n")), "{table}");
    }
}

#[test]
fn people_of_a_population_keep_their_persona_within_a_replication_and_change_it_between() {
    let rest = "[population]\nkind = \"normal\"\nmean = [0.5, 0.5, 0.5, 0.5, 0.5]\nstandard_deviation = [0.2, 0.2, \
                0.2, 0.2, 0.2]\n[sweep]\n\"radio.bit_error_probability\" = [0.01, 0.05]";
    let scenario = scenario("similarity = 0.9", rest)
        .replace("persona = \"GA1\"\n", "")
        .replace("name = \"surface\"", "name = \"surface\"\nreplications = 3");
    let workplace = Workplace::with("s.toml", &scenario);
    workplace.run(&["run", "s.toml", "--out", "out", "--threads", "2"]).assert_done();
    let requests = workplace.csv("out/requests.csv");
    let of = |point: &str| -> Vec<&str> {
        (0..requests.rows.len())
            .filter(|&row| requests.cell(row, "point") == point && requests.cell(row, "device") == "device-1")
            .map(|row| requests.cell(row, "persona"))
            .collect()
    };
    assert_eq!(of("0"), of("1"), "the points of a sweep see the same people");
    assert!(of("0")[0] != of("0")[1] && of("0")[1] != of("0")[2], "{:?}", of("0"));
    assert!(requests.column("persona").iter().skip(1).step_by(2).all(|persona| *persona == "GA2"));
}

#[test]
fn without_a_judge_the_tables_say_nothing_of_quality() {
    let workplace = Workplace::new();
    let text = crate::small_study::small();
    workplace.write("none.toml", &text);
    workplace.run(&["run", "none.toml", "--out", "none", "--threads", "1"]).assert_done();
    assert!(!workplace.path("none/scores.csv").exists());
    for table in ["requests.csv", "runs.csv"] {
        let csv = workplace.csv(&format!("none/{table}"));
        assert!(!csv.columns.iter().any(|column| column.contains("qoe") || column == "persona"), "{:?}", csv.columns);
    }
    assert!(!workplace.text("none/summary.csv").contains("qoe"));
}
