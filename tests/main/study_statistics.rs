//! `summary.csv` and `differences.csv`: every number recomputed from `requests.csv` and `runs.csv`, and replications that are
//! added until an interval is narrow.

use latentlink::experiment::statistics::{PairedDifference, Proportion, Quantiles, Summary};

use crate::program::{Csv, Workplace, assert_close, shipped_pack};

/// No pictures: a formula judges, with noise, over links that fade.
fn scenario(replications: u32) -> String {
    format!(
        "[models]\ndiffusion = '{}'\n[study]\nname = \"s\"\nreplications = {replications}\n\
         [judge]\nkind = \"surface\"\nsimilarity = 0.9\nnoise = true\nqoe_threshold = 0.8\n[server]\nprompt = \"a tiger\"\n\
         [[device]]\nname = \"one\"\nprompt = \"a tiger\"\npersona = \"GA1\"\ndistance_m = 700.0\n\
         [[device]]\nname = \"two\"\nprompt = \"a dog\"\npersona = \"GA2\"\ndistance_m = 900.0\n\
         [policy]\nt0 = 2\ntk = 6\n[sweep]\n\"policy.t0\" = [2, 4]\n\"policy.tx_power_w\" = [20.0, 63.0, 120.0]\n",
        shipped_pack().display()
    )
}

/// Values of a column of the rows that fit, in the order of replications.
fn values(table: &Csv, point: &str, device: Option<&str>, column: &str) -> Vec<f64> {
    (0..table.rows.len())
        .filter(|&row| table.cell(row, "point") == point)
        .filter(|&row| device.is_none_or(|device| table.cell(row, "device") == device))
        .map(|row| table.number(row, column))
        .collect()
}

#[test]
fn each_row_of_the_summary_is_what_the_replications_say() {
    let workplace = Workplace::with("s.toml", &scenario(20));
    workplace.run(&["run", "s.toml"]).assert_done();
    let (requests, runs) = (workplace.csv("results/s/requests.csv"), workplace.csv("results/s/runs.csv"));
    let summary = workplace.csv("results/s/summary.csv");
    let (mut numbers, mut rates) = (0, 0);
    for row in 0..summary.rows.len() {
        let (device, quantity) = (summary.cell(row, "device"), summary.cell(row, "quantity"));
        let point = summary.cell(row, "point");
        let (table, whose) = if device == "network" { (&runs, None) } else { (&requests, Some(device)) };
        if quantity == "qoe_outage" {
            let below = values(table, point, whose, "qoe").iter().filter(|qoe| **qoe < 0.8).count() as u64;
            let rate = Proportion::of(below, 20).expect("20 replications");
            for (column, expected) in [("mean", rate.rate), ("low_95", rate.low_95), ("high_95", rate.high_95)] {
                assert_close(summary.number(row, column), expected);
            }
            assert_eq!((summary.cell(row, "half_width_95"), summary.cell(row, "median")), ("", ""));
            rates += 1;
            continue;
        }
        let values = values(table, point, whose, quantity);
        let mean = Summary::of(values.iter().copied()).expect("numbers");
        let half = mean.half_width_95.expect("20 replications");
        let quantiles = Quantiles::of(values.iter().copied()).expect("numbers");
        for (column, expected) in [
            ("n", 20.0),
            ("mean", mean.mean),
            ("standard_deviation", mean.standard_deviation.expect("20 replications")),
            ("low_95", mean.mean - half),
            ("high_95", mean.mean + half),
            ("half_width_95", half),
            ("median", quantiles.median),
            ("quantile_05", quantiles.q05),
            ("quantile_25", quantiles.q25),
            ("quantile_75", quantiles.q75),
            ("quantile_95", quantiles.q95),
        ] {
            assert_close(summary.number(row, column), expected);
        }
        numbers += 1;
    }
    assert_eq!((numbers, rates), (6 * (2 * 5 + 11), 6 * 2));
}

#[test]
fn points_are_compared_replication_by_replication_with_the_first_along_each_field() {
    let workplace = Workplace::with("s.toml", &scenario(20));
    workplace.run(&["run", "s.toml"]).assert_done();
    let (requests, runs) = (workplace.csv("results/s/requests.csv"), workplace.csv("results/s/runs.csv"));
    let differences = workplace.csv("results/s/differences.csv");
    let compared: Vec<(&str, &str, &str)> = (0..differences.rows.len())
        .filter(|&row| differences.cell(row, "quantity") == "sum_qoe")
        .map(|row| (differences.cell(row, "point"), differences.cell(row, "against"), differences.cell(row, "field")))
        .collect();
    let (t0, power) = ("policy.t0", "policy.tx_power_w");
    assert_eq!(
        compared,
        [
            ("1", "0", power),
            ("2", "0", power),
            ("3", "0", t0),
            ("4", "1", t0),
            ("4", "3", power),
            ("5", "2", t0),
            ("5", "3", power)
        ]
    );
    let mut narrower = 0;
    for row in 0..differences.rows.len() {
        let (device, quantity) = (differences.cell(row, "device"), differences.cell(row, "quantity"));
        let (table, whose) = if device == "network" { (&runs, None) } else { (&requests, Some(device)) };
        let of = |point: &str| values(table, differences.cell(row, point), whose, quantity);
        let pairs: Vec<_> = of("point").into_iter().map(Some).zip(of("against").into_iter().map(Some)).collect();
        let difference = PairedDifference::of(pairs.into_iter()).expect("pairs");
        let half = difference.half_width_95.expect("20 pairs");
        for (column, expected) in [
            ("n", 20.0),
            ("left_out", 0.0),
            ("mean_difference", difference.mean),
            ("low_95", difference.mean - half),
            ("high_95", difference.mean + half),
        ] {
            assert_close(differences.number(row, column), expected);
        }
        narrower += u32::from(quantity == "sum_qoe" && differences.number(row, "variance_ratio") < 1.0);
    }
    // The same channels and the same noise: what differs is the field.
    assert_eq!(narrower, 7, "common random numbers save replications in every comparison");
}

#[test]
fn one_replication_has_no_interval_and_no_comparison() {
    let workplace = Workplace::with("s.toml", &scenario(1));
    workplace.run(&["run", "s.toml"]).assert_done();
    let summary = workplace.csv("results/s/summary.csv");
    for column in ["standard_deviation", "low_95", "high_95", "half_width_95", "quantile_05", "quantile_95"] {
        assert!(summary.column(column).iter().all(|cell| cell.is_empty()), "{column} is blank, not zero");
    }
    assert!(!workplace.path("results/s/differences.csv").exists());
}

#[test]
fn replications_are_added_to_each_point_until_its_interval_is_narrow_or_the_cap_is_reached() {
    let workplace = Workplace::with("s.toml", &scenario(4));
    let until = ["run", "s.toml", "--until", "0.05", "--maximum-replications", "60"];
    let said = workplace.run(&until).assert_done().stdout;
    let summary = workplace.csv("results/s/summary.csv");
    let mut counts = Vec::new();
    for row in (0..summary.rows.len()).filter(|&row| summary.cell(row, "quantity") == "sum_qoe") {
        let (n, mean, half) =
            (summary.number(row, "n"), summary.number(row, "mean"), summary.number(row, "half_width_95"));
        assert!(half <= 0.05 * mean || n == 60.0, "point {}: {half} of {mean}", summary.cell(row, "point"));
        counts.push(n as u64);
    }
    assert_eq!(counts.len(), 6);
    let wide = (0..summary.rows.len())
        .filter(|&row| summary.cell(row, "quantity") == "sum_qoe")
        .filter(|&row| summary.number(row, "half_width_95") > 0.05 * summary.number(row, "mean"));
    assert!(said.contains(&format!("{} of 6 points are at the cap of their replications", wide.count())), "{said}");
    assert!(counts.iter().any(|n| *n < 60) && counts.iter().any(|n| *n > 4), "{counts:?}");
    assert!(counts.iter().min() < counts.iter().max(), "each point has its own number: {counts:?}");

    // Replication r is the same, however many there are.
    workplace.run(&["run", "s.toml", "--set", "study.replications=60", "--out", "all"]).assert_done();
    let (adaptive, all) = (workplace.csv("results/s/runs.csv"), workplace.csv("all/runs.csv"));
    for point in ["0", "3", "5"] {
        let (some, all) = (values(&adaptive, point, None, "sum_qoe"), values(&all, point, None, "sum_qoe"));
        assert_eq!(some, all[..some.len()]);
    }
    // Points with unequal numbers are compared where both have a replication.
    let differences = workplace.csv("results/s/differences.csv");
    for row in (0..differences.rows.len()).filter(|&row| differences.cell(row, "quantity") == "sum_qoe") {
        let count = |point: &str| counts[differences.number(row, point) as usize] as f64;
        assert_eq!(differences.number(row, "n"), count("point").min(count("against")));
    }
}

#[test]
fn a_stopped_study_adds_the_replications_that_an_undisturbed_one_adds() {
    let workplace = Workplace::with("s.toml", &scenario(4));
    let until = ["--until", "0.05", "--maximum-replications", "60"];
    workplace.run(&[&["run", "s.toml", "--out", "whole"], &until[..]].concat()).assert_done();
    // As if it had been killed in the middle of a round: more of some points is there than the rule has asked for so far.
    workplace
        .run(&["run", "s.toml", "--set", "study.replications=11", "--shard", "1/2", "--out", "part"])
        .assert_done();
    std::fs::rename(workplace.path("part"), workplace.path("resumed.unfinished")).expect("a folder");
    let study = workplace.text("resumed.unfinished/study.json");
    let whole = study.lines().filter(|line| !line.contains("number") && !line.contains("count")).collect::<String>();
    let whole = whole.replace("\"shard\": {  }", "\"shard\": null");
    workplace.write("resumed.unfinished/study.json", &whole);
    let said = workplace.run(&[&["run", "s.toml", "--out", "resumed"], &until[..]].concat()).assert_done();
    assert!(said.stdout.contains("had been finished before"), "{said:#?}");
    for table in ["requests.csv", "runs.csv", "summary.csv", "differences.csv"] {
        let text = |folder: &str| workplace.text(&format!("{folder}/{table}"));
        assert!(text("whole") == text("resumed"), "{table}");
    }
}

#[test]
fn an_interval_of_something_that_is_not_there_is_refused_with_what_there_is() {
    let workplace = Workplace::with("s.toml", &scenario(4));
    let of = |quantity: &str| workplace.run(&["run", "s.toml", "--until", "0.05", "--until-quantity", quantity]);
    of("happiness").assert_fails(2, &["there is no \"happiness\"", "\"sum_qoe\"", "\"latency_s\""]);
    assert!(!workplace.path("results/s").exists());
    of("qoe").assert_done();
}

#[test]
fn another_point_or_replication_changes_nothing_about_those_that_are_there() {
    let workplace = Workplace::with("s.toml", &scenario(3));
    workplace.run(&["run", "s.toml", "--out", "small"]).assert_done();
    let more = ["--set", "study.replications=5", "--set", "policy.tx_power_w=20.0,63.0,120.0,150.0"];
    workplace.run(&[&["run", "s.toml", "--out", "large"][..], &more].concat()).assert_done();
    let (small, large) = (workplace.csv("small/requests.csv"), workplace.csv("large/requests.csv"));
    let key = |table: &Csv, row: usize| {
        ["policy.t0", "policy.tx_power_w", "replication", "device"].map(|column| table.cell(row, column).to_owned())
    };
    for row in 0..small.rows.len() {
        let same = (0..large.rows.len()).find(|&other| key(&large, other) == key(&small, row)).expect("it is there");
        for column in small.columns.iter().filter(|column| !["point", "picture"].contains(&column.as_str())) {
            assert_eq!(small.cell(row, column), large.cell(same, column), "{column}");
        }
    }
}
