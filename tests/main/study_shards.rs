//! Parts of a study, computed apart and joined.

use crate::program::{Workplace, contents_of};
use crate::tiny_pack::TinyPack;

/// Six points of two users, with pictures, three replications.
fn scenario(pack: &TinyPack) -> String {
    format!(
        "[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\n[study]\nname = \"s\"\nreplications = 3\n\
         [diffusion]\nsteps = 4\nmetrics_against = []\n[judge]\nkind = \"none\"\n[server]\nprompt = \"a b\"\n\
         [[device]]\nname = \"one\"\nprompt = \"a b\"\n[[device]]\nname = \"two\"\nprompt = \"a c\"\n\
         [policy]\nt0 = 1\ntk = 2\n[sweep]\n\"policy.t0\" = [1, 2]\n\"radio.bit_error_probability\" = [0.01, 0.03, 0.1]\n",
        pack.root().display()
    )
}

fn tables(workplace: &Workplace, folder: &str) -> Vec<(String, Vec<u8>)> {
    let names = contents_of(&workplace.path(folder)).into_iter().filter(|name| !name.ends_with('/'));
    let compared = names.filter(|name| name != "manifest.json");
    compared.map(|name| (name.clone(), workplace.read(&format!("{folder}/{name}")))).collect()
}

#[test]
fn any_number_of_parts_joined_is_the_whole_study() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(&pack));
    workplace.run(&["run", "s.toml", "--out", "whole", "--store", "whole.redb"]).assert_done();
    let whole = tables(&workplace, "whole");
    for count in 1..=4 {
        let mut parts = Vec::new();
        for number in 1..=count {
            let (shard, store) = (format!("{number}/{count}"), format!("{number}-of-{count}.redb"));
            workplace.run(&["run", "s.toml", "--shard", &shard, "--store", &store]).assert_done();
            parts.push(format!("results/s.shard-{number}-of-{count}"));
        }
        // In any order.
        parts.reverse();
        let out = format!("joined-{count}");
        let mut arguments = vec!["merge", "--out", &out];
        arguments.extend(parts.iter().map(String::as_str));
        let said = workplace.run(&arguments).assert_done().stdout;
        assert!(said.starts_with(&format!("18 runs of s from {count} part")), "{said}");
        let joined = tables(&workplace, &out);
        assert_eq!(whole.len(), joined.len(), "{count} parts");
        for ((name, whole), (other, joined)) in whole.iter().zip(&joined) {
            assert!(name == other && whole == joined, "{name} of {count} parts");
        }
        let counts = &workplace.json(&format!("{out}/manifest.json"))["counts"];
        assert_eq!((&counts["points"], &counts["runs"]), (&6.into(), &18.into()));
    }
    // Another part is another study, also in the same place.
    let elsewhere = ["run", "s.toml", "--out", "results/s.shard-1-of-2", "--shard"];
    workplace.run(&[&elsewhere[..], &["2/2"]].concat()).assert_fails(2, &["results are there already"]);
    workplace.run(&elsewhere[..4]).assert_fails(2, &["results are there already"]);
    let manifest = workplace.json("results/s.shard-1-of-2/manifest.json");
    assert_eq!((&manifest["shard"], &manifest["counts"]["runs"]), (&"1/2".into(), &9.into()));
    // As a finished study, the joined one is left alone.
    let parts = ["results/s.shard-1-of-2", "results/s.shard-2-of-2"];
    workplace.run(&["merge", "--out", "joined-2", parts[0], parts[1]]).assert_fails(2, &["results are there already"]);
    workplace.run(&["merge", "--out", "joined-2", "--force", parts[0], parts[1]]).assert_done();
}

#[test]
fn parts_that_do_not_fit_together_are_refused_with_the_reason() {
    let pack = TinyPack::new();
    let workplace = Workplace::with("s.toml", &scenario(&pack));
    for shard in ["1/2", "2/2", "2/3"] {
        workplace.run(&["run", "s.toml", "--shard", shard]).assert_done();
    }
    let other = ["run", "s.toml", "--seed", "5", "--shard", "2/2", "--out", "other-seed"];
    workplace.run(&other).assert_done();
    workplace.run(&["run", "s.toml", "--out", "whole"]).assert_done();
    let (first, second) = ("results/s.shard-1-of-2", "results/s.shard-2-of-2");
    let cases: &[(&[&str], &[&str])] = &[
        (&[first], &["9 of 18 runs are in none of the parts", "point", "--shard 2/2"]),
        (&[first, second, first], &["results/s.shard-1-of-2 is named twice"]),
        (
            &[first, "results/s.shard-2-of-3"],
            &[" is in results/s.shard-1-of-2 and in results/s.shard-2-of-3", "overlap"],
        ),
        (&[first, "other-seed"], &["other-seed was run with another scenario", "--seed"]),
        (&[first, "whole"], &["whole is no part of a study: it has no journal", "shard"]),
        (&[first, "nowhere"], &["nowhere is no folder"]),
    ];
    for (parts, texts) in cases {
        let outcome = workplace.run(&[&["merge", "--out", "joined"], *parts].concat());
        assert_ne!(outcome.code, 0, "{parts:?}");
        for text in *texts {
            assert!(outcome.stderr.contains(text), "{parts:?}: `{text}` is not said:\n{}", outcome.stderr);
        }
        assert!(!workplace.path("joined").exists() && !workplace.path("joined.unfinished").exists(), "{parts:?}");
    }
    for wrong in ["0/2", "3/2", "1", "one/two"] {
        workplace.run(&["run", "s.toml", "--shard", wrong]).assert_fails(2, &["i/n", "2/5"]);
    }
    workplace
        .run(&["run", "s.toml", "--shard", "1/2", "--until", "0.1", "--until-quantity", "latency_s"])
        .assert_fails(2, &["a shard cannot add replications"]);
}
