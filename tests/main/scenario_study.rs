//! `[study]`: how often points are repeated, and what makes two studies the same.

use latentlink::scenario::{ScenarioFile, StudySettings, Until};

const TEXT: &str = "[[device]]\nprompt = \"a dog\"\n[policy]\nt0 = 4\ntk = 6\n";

fn file(study: &str) -> ScenarioFile {
    ScenarioFile::from_str(format!("{study}\n{TEXT}"), "a.toml").unwrap_or_else(|error| panic!("{error:#}"))
}

fn settings(study: &str) -> StudySettings {
    file(study).points().unwrap_or_else(|error| panic!("{error:#}")).remove(0).scenario.study
}

#[test]
fn replications_are_added_only_where_the_study_says_until_when() {
    assert_eq!(settings("[study]\nreplications = 3").until, None);
    let until = |text: &str| settings(&format!("[study]\n{text}\nuntil_relative_half_width = 0.05")).until;
    let usual = Until { relative_half_width: 0.05, quantity: "sum_qoe".into(), maximum_replications: 1000 };
    assert_eq!(until(""), Some(usual.clone()));
    assert_eq!(until("replications = 5000"), Some(Until { maximum_replications: 5000, ..usual.clone() }));
    let written = until("until_quantity = \"latency_s\"\nmaximum_replications = 30\nreplications = 30");
    assert_eq!(written, Some(Until { quantity: "latency_s".into(), maximum_replications: 30, ..usual }));
}

#[test]
fn a_study_stays_the_same_with_more_replications_and_other_figures_but_not_with_other_points() {
    let sweep = "[sweep]\n\"radio.efficiency\" = { from = 0.5, to = 0.9, step = 0.1 }\n";
    let identity = |study: &str| file(study).identity_toml().unwrap_or_else(|error| panic!("{error:#}"));
    let plain = identity(sweep);
    for same in [
        "[study]\nreplications = 7\n",
        "[study]\nuntil_relative_half_width = 0.1\nmaximum_replications = 7\n",
        "[[figure]]\nkind = \"image_grid\"\nx = \"radio.efficiency\"\n",
        "[radio]\nheader_bits = 512\n",
    ] {
        assert_eq!(identity(&format!("{same}{sweep}")), plain, "{same}");
    }
    for other in ["[study]\nseed = 7\n", "[study]\nname = \"b\"\n", "[radio]\nheader_bits = 513\n"] {
        assert_ne!(identity(&format!("{other}{sweep}")), plain, "{other}");
    }
    assert_ne!(identity("[sweep]\n\"radio.efficiency\" = { from = 0.5, to = 0.9, step = 0.2 }\n"), plain);
    assert_ne!(identity(""), plain);
    // it is a scenario with the same points
    let again = ScenarioFile::from_str(plain, "again.toml").and_then(|file| file.points());
    assert_eq!(again.expect("a scenario"), file(sweep).points().expect("a scenario"));
}
