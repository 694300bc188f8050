//! What a run leaves: files that agree with each other, the same ones each time.

use std::collections::BTreeSet;

use latentlink::onnx::digest::sha256_of_file;
use latentlink::picture::Picture;

use crate::program::{Workplace, contents_of};
use crate::small_study::small;

#[test]
fn the_files_of_a_run_agree_with_each_other() {
    let workplace = Workplace::with("small.toml", &small());
    workplace.run(&["run", "small.toml", "--out", "out", "--threads", "1"]).assert_done();
    assert_eq!(workplace.contents().iter().filter(|name| name.starts_with('.')).count(), 0);
    let files: BTreeSet<String> =
        contents_of(&workplace.path("out")).into_iter().filter(|name| !name.ends_with('/')).collect();
    for file in
        ["requests.csv", "runs.csv", "summary.csv", "ledger.csv", "columns.md", "manifest.json", "scenario.toml"]
    {
        assert!(files.contains(file), "{file} is not in {files:?}");
    }

    let manifest = workplace.json("out/manifest.json");
    let listed = manifest["files"].as_array().expect("a list");
    let mut named = BTreeSet::from(["manifest.json".to_owned()]);
    for file in listed {
        let name = file["path"].as_str().expect("a path");
        let path = workplace.path("out").join(name);
        assert_eq!(file["sha256"], sha256_of_file(&path).expect("a file").to_string(), "{name}");
        assert_eq!(file["bytes"], path.metadata().expect("a file").len(), "{name}");
        named.insert(name.to_owned());
    }
    assert_eq!(named, files);
    let counts = &manifest["counts"];
    assert_eq!((&counts["points"], &counts["runs"], &counts["failed_pictures"]), (&2.into(), &2.into(), &0.into()));
    // t0 = 2 shared by all, 2 steps on the tablet; the access does not change the bits that flip. References: 2 steps
    // without errors on the tablet; alone, 1 step after the server's 2 (the phone has the server's prompt) and 3.
    assert_eq!(counts["unet_evaluations"].as_u64(), Some((2 + 2) + (2 + 1 + 3)));
    assert_eq!(counts["unet_evaluations_of_references"].as_u64(), Some(2 + 1 + 3));
    assert_eq!(counts["unet_evaluations_unshared"].as_u64(), Some(2 * (2 + 4)));

    let dictionary = workplace.text("out/columns.md");
    for table in ["requests.csv", "runs.csv", "summary.csv", "ledger.csv"] {
        let section = dictionary.split("# ").find(|section| section.starts_with(table)).expect("a section per table");
        let csv = workplace.csv(&format!("out/{table}"));
        let described: Vec<_> =
            section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        assert_eq!(csv.columns, described, "{table}");
        assert!(!csv.rows.is_empty(), "{table}");
    }

    let requests = workplace.csv("out/requests.csv");
    for file in requests.column("picture") {
        let picture = Picture::from_png_bytes(&workplace.read(&format!("out/{file}"))).expect("a picture");
        assert_eq!((picture.width(), picture.height()), (64, 64));
    }
    let pictures = files.iter().filter(|file| file.starts_with("images/")).count();
    // One per user and point, and four references that both points share.
    assert_eq!(pictures, 4 + 4);
    let figures = files.iter().filter(|file| file.starts_with("figures/"));
    for figure in figures.clone().filter(|file| file.ends_with(".png")) {
        assert!(files.contains(&figure.replace(".png", ".csv")), "the numbers behind {figure}");
    }
    assert!(figures.count() >= 4);

    // The mean over one replication is the number itself.
    let (summary, runs) = (workplace.csv("out/summary.csv"), workplace.csv("out/runs.csv"));
    for row in 0..summary.rows.len() {
        let (device, quantity) = (summary.cell(row, "device"), summary.cell(row, "quantity"));
        let point = summary.cell(row, "point");
        let (table, found) = if device == "network" { (&runs, None) } else { (&requests, Some(device)) };
        if !table.columns.iter().any(|column| column == quantity) {
            assert_eq!((quantity, summary.number(row, "mean")), ("failed_pictures", 0.0));
            continue;
        }
        let source = (0..table.rows.len())
            .find(|&row| {
                table.cell(row, "point") == point && found.is_none_or(|name| table.cell(row, "device") == name)
            })
            .expect("a row for each");
        assert_eq!(summary.cell(row, "mean"), table.cell(source, quantity), "{device} {quantity}");
        assert_eq!((summary.cell(row, "n"), summary.cell(row, "half_width_95")), ("1", ""));
    }
}

/// All files of a results folder but the part of the manifest that says when, where and how fast.
fn results(workplace: &Workplace, folder: &str) -> Vec<(String, Vec<u8>)> {
    contents_of(&workplace.path(folder))
        .into_iter()
        .filter(|name| !name.ends_with('/'))
        .map(|name| {
            let path = format!("{folder}/{name}");
            let bytes = if name == "manifest.json" {
                let mut manifest = workplace.json(&path);
                assert!(manifest["run"].is_object());
                manifest["run"] = serde_json::Value::Null;
                manifest.to_string().into_bytes()
            } else {
                workplace.read(&path)
            };
            (name, bytes)
        })
        .collect()
}

#[test]
fn the_same_bytes_come_from_a_second_run_any_number_of_threads_and_the_resolved_scenario_but_not_from_another_seed() {
    let workplace = Workplace::with("small.toml", &small());
    // Each with a score store of its own: nothing is taken from another run.
    workplace.run(&["run", "small.toml", "--out", "one", "--threads", "1", "--store", "1.redb"]).assert_done();
    workplace.run(&["run", "small.toml", "--out", "two", "--threads", "2", "--store", "2.redb"]).assert_done();
    let first = results(&workplace, "one");
    for ((name, one), (other, two)) in first.iter().zip(results(&workplace, "two")) {
        assert_eq!(*name, other);
        assert!(*one == two, "{name} depends on the number of threads");
    }
    workplace.run(&["run", "one/scenario.toml", "--out", "three", "--threads", "1", "--store", "3.redb"]).assert_done();
    assert!(first == results(&workplace, "three"), "the resolved scenario is the same study");

    workplace.run(&["run", "small.toml", "--threads", "1", "--out", "four", "--seed", "42"]).assert_done();
    let (one, four) = (workplace.csv("one/requests.csv"), workplace.csv("four/requests.csv"));
    assert_ne!(one.column("flipped_bits"), four.column("flipped_bits"));
    for (one, four) in one.column("picture").into_iter().zip(four.column("picture")) {
        assert_ne!(workplace.read(&format!("one/{one}")), workplace.read(&format!("four/{four}")));
    }
    assert_eq!(workplace.json("four/manifest.json")["seed"], 42);
}

#[test]
fn eager_execution_gives_the_tables_of_deferred_execution() {
    let workplace = Workplace::with("small.toml", &small());
    workplace
        .run(&["run", "small.toml", "--threads", "1", "--out", "deferred", "--store", "deferred.redb"])
        .assert_done();
    let eager = ["--set", "diffusion.execution=eager", "--store", "eager.redb"];
    workplace.run(&[&["run", "small.toml", "--threads", "1", "--out", "eager"], &eager[..]].concat()).assert_done();
    assert_eq!(workplace.text("deferred/ledger.csv"), workplace.text("eager/ledger.csv"));
    assert_eq!(workplace.text("deferred/runs.csv"), workplace.text("eager/runs.csv"));
    let (deferred, eager) = (workplace.csv("deferred/requests.csv"), workplace.csv("eager/requests.csv"));
    for column in &deferred.columns {
        for row in 0..deferred.rows.len() {
            let (one, other) = (deferred.cell(row, column), eager.cell(row, column));
            let close = ["mse_", "psnr_", "ssim_"].iter().any(|metric| column.starts_with(metric))
                && (deferred.number(row, column) - eager.number(row, column)).abs()
                    < 1e-3 * one.parse::<f64>().unwrap().abs().max(1.0);
            assert!(close || one == other, "{column}, row {row}: {one} deferred, {other} eager");
        }
    }
}

#[test]
fn a_latent_with_nan_in_it_is_a_failed_picture_in_a_run_that_goes_on() {
    let set = |field: &'static str| ["--set", field];
    let workplace = Workplace::with("small.toml", &small());
    let arguments = [
        &["run", "small.toml", "--out", "out", "--threads", "1"][..],
        &set("diffusion.codec=fp32"),
        &set("diffusion.sanitize=none"),
        &set("radio.bit_error_probability=0.05"),
    ]
    .concat();
    let outcome = workplace.run(&arguments).assert_done();
    assert!(outcome.stdout.contains("4 pictures failed:"), "{}", outcome.stdout);
    let requests = workplace.csv("out/requests.csv");
    assert_eq!(requests.column("picture_status"), ["non-finite-latent"; 4]);
    assert_eq!(requests.column("picture"), [""; 4]);
    assert_eq!(requests.column("ssim_error_free"), [""; 4]);
    // At 5 % about one float in twelve is out of range, some of them not finite (`spec` 3).
    assert!(requests.numbers("non_finite_values").into_iter().all(|count| count > 0.0));
    assert_eq!(workplace.json("out/manifest.json")["counts"]["failed_pictures"], 4);
    let figure = workplace.csv("out/figures/pictures.csv");
    assert_eq!(figure.column("state"), ["failed"; 4]);
    assert_eq!(figure.column("failure"), ["non-finite latent"; 4]);
    assert!(workplace.path("out/figures/pictures.png").is_file());
    let summary = workplace.csv("out/summary.csv");
    for row in (0..summary.rows.len()).filter(|&row| summary.cell(row, "quantity").starts_with("ssim_")) {
        assert_eq!((summary.cell(row, "n"), summary.cell(row, "mean")), ("0", ""), "a failed picture has no mean");
    }
}

#[test]
fn a_field_of_a_device_is_set_by_its_name() {
    let workplace = Workplace::with("small.toml", &small());
    let set = [
        "--set",
        "device.tablet.prompt=a lemon on a table",
        "--set",
        "policy.tk[phone]=1",
        "--set",
        "sweep.radio.multiple_access=[\"tdma\"]",
    ];
    workplace.run(&[&["run", "small.toml", "--out", "out", "--threads", "1"][..], &set].concat()).assert_done();
    let requests = workplace.csv("out/requests.csv");
    assert_eq!(requests.column("prompt"), ["a cat on a table", "a lemon on a table"]);
    assert_eq!(requests.column("tk"), ["1", "2"]);
    assert!(workplace.text("out/scenario.toml").contains("prompt = \"a lemon on a table\""));
}
