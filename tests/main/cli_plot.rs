//! `latentlink plot`: figures again, elsewhere, in another style, and of several studies together.

use crate::program::{Workplace, contents_of, shipped_pack};

const FIGURES: &str = "
[[figure]]
kind = \"line\"
name = \"line\"
x = \"policy.t0\"
series = \"device\"
[[figure]]
kind = \"cdf\"
name = \"waiting\"
value = \"latency_s\"
series = \"policy.t0\"
[[figure]]
kind = \"box\"
name = \"box\"
x = \"policy.t0\"
[[figure]]
kind = \"scatter\"
name = \"scatter\"
x = \"latency_s\"
value = \"qoe\"
";

/// A study judged by the surface, which makes no pictures.
fn scenario(name: &str, modulation: &str) -> String {
    format!(
        "[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\n[study]\nname = \"{name}\"\nreplications = 3\n\
         [judge]\nkind = \"surface\"\nsimilarity = 0.9\nnoise = true\n[server]\nprompt = \"a tiger\"\n\
         [radio]\nmodulation = \"{modulation}\"\n[[device]]\nname = \"phone\"\nprompt = \"a dog\"\n\
         [[device]]\nname = \"tablet\"\nprompt = \"a cat\"\n[policy]\nt0 = 2\ntk = 4\n[sweep]\n\"policy.t0\" = [2, 4]\n",
        shipped_pack().display()
    )
}

/// Two studies, `a` and `b`, with the same figures.
fn two_studies() -> Workplace {
    let workplace = Workplace::new();
    for (name, modulation) in [("a", "bpsk"), ("b", "qam16")] {
        let file = format!("{name}.toml");
        workplace.write(&file, &(scenario(name, modulation) + FIGURES));
        workplace.run(&["run", &file, "--out", &format!("results/{name}")]).assert_done();
    }
    workplace
}

#[test]
fn studies_are_compared_as_series_of_one_figure() {
    let workplace = two_studies();
    let arguments = ["plot", "results/a", "results/b", "--compare", "--out", "both"];
    workplace.run(&arguments).assert_done();
    let both = workplace.csv("both/line.csv");
    let mut expected = Vec::new();
    for study in ["a", "b"] {
        let own = workplace.csv(&format!("results/{study}/figures/line.csv"));
        for row in 0..own.rows.len() {
            let mut cells = own.rows[row].clone();
            let series = format!("{study}, {}", own.cell(row, "series"));
            cells.insert("series".to_owned(), series);
            expected.push(cells);
        }
    }
    assert_eq!(both.rows, expected);
    assert_eq!(both.rows.len(), 2 * 2 * 2);
    for figure in ["line", "waiting", "box", "scatter"] {
        for end in ["png", "svg", "csv"] {
            assert!(workplace.path(&format!("both/{figure}.{end}")).is_file(), "{figure}.{end}");
        }
    }
    let command = "`latentlink plot results/a results/b --compare --figure line --out both`";
    assert!(workplace.text("both/README.md").contains(command));

    // One threshold, two sets of boxes in each group.
    let boxes = workplace.csv("both/box.csv");
    assert_eq!(boxes.rows.len(), 2 * 2);
    for own in ["results/a", "results/b"] {
        assert!(!workplace.text(&format!("{own}/figures/README.md")).contains("--compare"));
    }

    workplace.run(&["plot", "results/a", "results/b", "--compare"]).assert_fails(2, &["--out"]);
    workplace
        .run(&["plot", "results/a", "--compare", "--out", "one"])
        .assert_fails(2, &["at least two results folders"]);
    workplace
        .run(&["plot", "results/a", "results/b", "--compare", "--out", "both", "--figure", "lime"])
        .assert_fails(2, &["has no figure \"lime\"", "did you mean \"line\"?"]);
    workplace
        .run(&["plot", "results/a", "results/b", "--compare", "--out", "results/a"])
        .assert_fails(2, &["results/a is a results folder"]);
    other_figures_cannot_be_compared(&workplace);
    restyled(&workplace);
    bad_folders(&workplace);
}

fn other_figures_cannot_be_compared(workplace: &Workplace) {
    let other =
        "[[figure]]\nkind = \"line\"\nname = \"line\"\nx = \"policy.t0\"\nseries = \"device\"\nvalue = \"latency_s\"\n";
    workplace.write("c.toml", &(scenario("c", "bpsk") + other));
    workplace.run(&["run", "c.toml", "--out", "results/c"]).assert_done();
    workplace.run(&["plot", "results/a", "results/c", "--compare", "--out", "ac"]).assert_fails(
        2,
        &["nothing can be compared", "c has no figure that shows what \"line\" shows", "--scenario FILE"],
    );
    // With the figures of one file for all, they can.
    workplace
        .run(&["plot", "results/a", "results/c", "--compare", "--out", "ac", "--scenario", "c.toml"])
        .assert_done();
    assert_eq!(workplace.csv("ac/line.csv").rows.len(), 8);
}

fn restyled(workplace: &Workplace) {
    let tables = workplace.read("results/a/requests.csv");
    let figure =
        "[[figure]]\nkind = \"line\"\nname = \"wide\"\nx = \"policy.t0\"\nvalue = \"latency_s\"\nwidth_mm = 180\n";
    workplace.write("style.toml", figure);
    workplace.run(&["plot", "results/a", "--scenario", "style.toml", "--out", "elsewhere"]).assert_done();
    let drawn = contents_of(&workplace.path("elsewhere"));
    for file in ["README.md", "energy.png", "wide_phone.png", "wide_phone.svg", "wide_tablet.csv"] {
        assert!(drawn.contains(&file.to_owned()), "{file} is not in {drawn:?}");
    }
    assert!(!drawn.iter().any(|file| file.starts_with("line")));
    assert_eq!(workplace.read("results/a/requests.csv"), tables);

    // In place: one more figure, and a manifest that knows it.
    workplace.run(&["plot", "results/a", "--scenario", "style.toml", "--figure", "wide"]).assert_done();
    let readme = workplace.text("results/a/figures/README.md");
    assert!(readme.contains("`line.png`") && readme.contains("`wide_phone.png`"), "{readme}");
    let manifest = workplace.json("results/a/manifest.json");
    for file in manifest["files"].as_array().expect("a list") {
        let path = workplace.path("results/a").join(file["path"].as_str().expect("a path"));
        let digest = latentlink::onnx::digest::sha256_of_file(&path).expect("a file").to_string();
        assert_eq!(file["sha256"], digest, "{path:?}");
    }
    let listed = manifest["files"].as_array().expect("a list").len() + 1;
    let there = contents_of(&workplace.path("results/a")).iter().filter(|name| !name.ends_with('/')).count();
    assert_eq!(listed, there);

    workplace.write("wrong.toml", &figure.replace("policy.t0", "policy.tk"));
    workplace
        .run(&["plot", "results/a", "--scenario", "wrong.toml"])
        .assert_fails(2, &["`x` = \"policy.tk\" is not swept", "wrong.toml"]);
}

fn bad_folders(workplace: &Workplace) {
    workplace.run(&["plot", "nowhere"]).assert_fails(2, &["nowhere is no results folder", "results/quickstart"]);
    workplace
        .run(&["plot", "results/a", "--figure", "lines"])
        .assert_fails(2, &["results/a has no figure \"lines\"", "did you mean \"line\"?", "\"energy\""]);

    let table = workplace.text("results/b/requests.csv").replace("latency_s", "delay_s");
    workplace.write("results/b/requests.csv", &table);
    workplace
        .run(&["plot", "results/b", "--figure", "waiting"])
        .assert_fails(1, &["it has no column `latency_s`; its columns are point, policy.t0, replication"]);

    std::fs::remove_file(workplace.path("results/b/manifest.json")).expect("it is there");
    workplace.run(&["plot", "results/b"]).assert_fails(2, &["the study in results/b is not finished"]);
}

#[test]
fn figures_of_one_study_never_replace_those_of_another_nor_anything_else() {
    let workplace = two_studies();
    // Two folders of one study: their figures go to folders of their own.
    workplace.run(&["run", "a.toml", "--out", "results/c", "--seed", "4"]).assert_done();
    workplace.run(&["plot", "results/a", "results/c", "--out", "drawn"]).assert_done();
    for folder in ["a", "c"] {
        let own = workplace.text(&format!("results/{folder}/figures/line.csv"));
        assert!(own == workplace.text(&format!("drawn/{folder}/line.csv")), "{folder}");
    }
    workplace.run(&["plot", "results/a", "results/c", "--out", "drawn"]).assert_done();
    workplace.write("mine/README.md", "my own text");
    let mine = workplace.run(&["plot", "results/a", "--figure", "line", "--out", "mine"]);
    mine.assert_fails(2, &["mine holds something else than figures", "name a new folder"]);
    assert_eq!(workplace.text("mine/README.md"), "my own text");
    let twice = workplace.run(&["plot", "results/a", "./results/a", "--compare", "--out", "both"]);
    twice.assert_fails(2, &["results/a and ./results/a are one folder"]);
}
