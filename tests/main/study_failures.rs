//! Runs that an error stops: recorded, listed, and none of the others' concern.

use crate::program::Workplace;
use crate::tiny_pack::TinyPack;

/// The denoiser of this pack knows timesteps up to 599: chains of 3 steps, which begin at 666, stop with an error.
fn scenario(pack: &TinyPack) -> String {
    pack.model("unet", "unet_short_table");
    format!(
        "[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\n[study]\nname = \"s\"\nreplications = 2\n\
         [diffusion]\nmetrics_against = []\n[judge]\nkind = \"none\"\n[server]\nprompt = \"a b\"\n\
         [radio]\nbit_error_probability = 0.1\n[[device]]\nname = \"one\"\nprompt = \"a c\"\n[policy]\nt0 = 1\ntk = 1\n\
         [sweep]\n\"diffusion.steps\" = [2, 3]\n",
        pack.root().display()
    )
}

#[test]
fn a_point_that_fails_is_recorded_with_its_error_and_the_others_go_on() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(&pack));
    let said = workplace
        .run(&["run", "s.toml"])
        .assert_fails(1, &["2 of 4 runs of s failed", "results/s/failures.csv", "--retry-failed"]);
    // The reason is there also where nobody reads standard output.
    assert!(said.stderr.contains("failed; point 1, replication 0: ") && said.stderr.contains("Gather"), "{said:#?}");
    assert!(said.stdout.contains("2 runs failed, the others are in the tables:"), "{said:#?}");
    assert!(said.stdout.contains("  point 1, replication 0: "), "{said:#?}");
    let failures = workplace.csv("results/s/failures.csv");
    assert_eq!(failures.columns, ["point", "diffusion.steps", "replication", "error"]);
    assert_eq!((failures.column("point"), failures.column("replication")), (vec!["1", "1"], vec!["0", "1"]));
    for error in failures.column("error") {
        assert!(error.contains("Gather"), "what the session said: {error}");
    }
    let requests = workplace.csv("results/s/requests.csv");
    assert_eq!((requests.column("point"), requests.column("replication")), (vec!["0", "0"], vec!["0", "1"]));
    assert_eq!(requests.column("picture_status"), ["ok", "ok"]);
    let counts = &workplace.json("results/s/manifest.json")["counts"];
    assert_eq!((&counts["runs"], &counts["failed_runs"]), (&4.into(), &2.into()));
    assert!(workplace.text("results/s/columns.md").contains("# failures.csv"));

    // The same without a failure is the same for the point that is fine.
    let fine = ["run", "s.toml", "--out", "fine", "--set", "sweep.diffusion.steps=[2]"];
    workplace.run(&fine).assert_done();
    assert!(!workplace.path("fine/failures.csv").exists());
    assert_eq!(workplace.csv("fine/requests.csv").column("flipped_bits"), requests.column("flipped_bits"));
}

#[test]
fn failed_runs_stay_failed_until_they_are_to_be_tried_again() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(&pack));
    workplace.run(&["run", "s.toml"]).assert_fails(1, &["2 of 4 runs of s failed"]);
    let again = workplace.run(&["run", "s.toml"]).assert_fails(1, &["2 of 4 runs of s failed", "--retry-failed"]);
    assert!(again.stdout.contains("all 4 runs of 2 points were finished before"), "{again:#?}");
    let retried = workplace.run(&["run", "s.toml", "--retry-failed"]).assert_fails(1, &["2 of 4 runs of s failed"]);
    assert!(retried.stderr.contains("2 failed runs are tried again"), "{retried:#?}");
    assert!(retried.stderr.contains("2 of 4 runs were finished before"), "{retried:#?}");
    assert_eq!(workplace.csv("results/s/requests.csv").rows.len(), 2);
    assert!(workplace.contents().iter().all(|name| !name.contains("unfinished")), "{:?}", workplace.contents());
}

#[test]
fn a_network_that_fails_at_its_event_fails_the_run_as_one_that_fails_later() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(&pack));
    workplace.run(&["run", "s.toml", "--out", "deferred", "--store", "1.redb"]).assert_fails(1, &["2 of 4 runs"]);
    let eager = ["run", "s.toml", "--out", "eager", "--store", "2.redb", "--set", "diffusion.execution=eager"];
    workplace.run(&eager).assert_fails(1, &["2 of 4 runs"]);
    assert_eq!(workplace.text("deferred/requests.csv"), workplace.text("eager/requests.csv"));
    assert_eq!(workplace.csv("eager/failures.csv").column("point"), ["1", "1"]);
}

#[test]
fn a_study_of_which_every_run_fails_says_so_in_its_results() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(&pack));
    let all = ["run", "s.toml", "--set", "sweep.diffusion.steps=[3]"];
    workplace.run(&all).assert_fails(1, &["2 of 2 runs of s failed"]);
    assert_eq!(workplace.csv("results/s/failures.csv").rows.len(), 2);
    assert!(workplace.csv("results/s/requests.csv").rows.is_empty());
    let images = workplace.contents().into_iter().filter(|name| name.starts_with("results/s/images/")).count();
    assert_eq!(images, 1, "the folder, and nothing in it");
    // Whoever reopens it and stops again loses nothing.
    let broken = workplace.run_where(&[&all[..], &["--retry-failed"]].concat(), &[("ORT_DYLIB_PATH", "nowhere.so")]);
    assert_eq!(broken.code, 3, "{broken:#?}");
    workplace.run(&[&all[..], &["--retry-failed"]].concat()).assert_fails(1, &["2 of 2 runs of s failed"]);
}
