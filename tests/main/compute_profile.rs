//! Profiles of hardware: what lies between and beyond their rows, the shipped ones, and files that are wrong.

use std::path::Path;

use latentlink::compute_profile::{ComputeProfile, ProfileError, Provenance, read_profile};

fn read(text: &str) -> Result<ComputeProfile, ProfileError> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("profile.toml");
    std::fs::write(&path, text).expect("a file in it");
    read_profile(&path)
}

const HEAD: &str = "name = \"a GPU\"\nprovenance = \"assumed\"\nsource = \"made up for this test\"\n\
                    decode_time_s = 0.25\ndecode_energy_j = 1.5\n";

fn profile(batches: &[(u32, f64, f64)]) -> ComputeProfile {
    let tables = batches.iter().map(|(size, time_s, energy_j)| {
        format!("[[batch]]\nsize = {size}\nstep_time_s = {time_s:?}\nstep_energy_j = {energy_j:?}\n")
    });
    read(&format!("{HEAD}{}", tables.collect::<String>())).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn assert_step(profile: &ComputeProfile, batch_size: u32, time_s: f64, energy_j: f64) {
    let step = profile.step(batch_size);
    assert!((step.time_s - time_s).abs() < 1e-12 && (step.energy_j - energy_j).abs() < 1e-12, "{batch_size}: {step:?}");
}

#[test]
fn a_batch_between_two_rows_is_on_the_straight_line_and_a_larger_one_on_its_continuation() {
    let profile = profile(&[(1, 1.0, 10.0), (2, 1.5, 14.0), (6, 3.5, 22.0)]);
    assert_eq!((profile.name.as_str(), profile.provenance), ("a GPU", Provenance::Assumed));
    assert_eq!((profile.decode_time_s, profile.decode_energy_j), (0.25, 1.5));
    for (batch_size, time_s, energy_j) in
        [(1, 1.0, 10.0), (2, 1.5, 14.0), (3, 2.0, 16.0), (5, 3.0, 20.0), (6, 3.5, 22.0), (10, 5.5, 30.0)]
    {
        assert_step(&profile, batch_size, time_s, energy_j);
    }
}

#[test]
fn one_row_is_taken_in_proportion_to_the_batch() {
    let profile = profile(&[(1, 0.4, 7.0)]);
    for batch_size in [1, 2, 9] {
        assert_step(&profile, batch_size, 0.4 * f64::from(batch_size), 7.0 * f64::from(batch_size));
    }
}

#[test]
fn the_shipped_profiles_are_read_and_say_where_they_are_from() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/profiles");
    let files = std::fs::read_dir(folder).expect("the profiles are there").map(|entry| entry.expect("a file").path());
    let mut seen = Vec::new();
    for path in files {
        let profile = read_profile(&path).unwrap_or_else(|error| panic!("{error}"));
        let step = profile.step(1);
        // Between an accelerator's millisecond and a phone's second; no device of these draws a kilowatt for one chain.
        assert!((1e-4..10.0).contains(&step.time_s), "{}: {step:?}", path.display());
        assert!((0.1..1_000.0).contains(&(step.energy_j / step.time_s)), "{}: {step:?}", path.display());
        if profile.provenance == Provenance::Published {
            assert!(profile.source.contains("https://"), "{}", path.display());
        }
        seen.push(profile.provenance);
    }
    assert!(seen.len() >= 4 && seen.contains(&Provenance::Measured) && seen.contains(&Provenance::Published));
}

#[test]
fn a_profile_that_is_wrong_is_refused_with_the_line() {
    let first = "[[batch]]\nsize = 1\nstep_time_s = 0.5\nstep_energy_j = 2.0\n";
    let second = |rows: &str| format!("{HEAD}{first}[[batch]]\n{rows}");
    for (text, said) in [
        (String::new(), ":1: missing field `name`".to_owned()),
        ("name = a GPU\n".to_owned(), ":1: ".to_owned()),
        (HEAD.to_owned(), "missing field `batch`".to_owned()),
        (format!("{HEAD}batch = []\n"), ":1: there is no [[batch]]".to_owned()),
        (format!("{HEAD}watts = 3\n{first}"), ":6: unknown field `watts`".to_owned()),
        (HEAD.replace("assumed", "guessed") + first, ":2: unknown variant `guessed`".to_owned()),
        (HEAD.replace("a GPU", " ") + first, ":1: `name` is ` `, expected words".to_owned()),
        (HEAD.replace("0.25", "-1.0") + first, ":4: `decode_time_s` is `-1`, expected a finite number ≥ 0".to_owned()),
        (HEAD.replace("1.5", "nan") + first, ":5: `decode_energy_j` is `NaN`".to_owned()),
        (format!("{HEAD}{}", first.replace("size = 1", "size = 2")), ":7: `size` is `2`, expected 1 in".to_owned()),
        (
            format!("{HEAD}{}", first.replace("0.5", "0.0")),
            ":8: `step_time_s` is `0`, expected a number above".to_owned(),
        ),
        (format!("{HEAD}{}", first.replace("0.5", "inf")), ":8: `step_time_s` is `inf`".to_owned()),
        (
            second("size = 1\nstep_time_s = 1.0\nstep_energy_j = 3.0\n"),
            ":11: `size` is `1`, expected more than the 1".to_owned(),
        ),
        (second("size = 4\nstep_time_s = 0.4\nstep_energy_j = 3.0\n"), ":12: `step_time_s` is `0.4`".to_owned()),
        (second("size = 4\nstep_time_s = 0.6\nstep_energy_j = 1.0\n"), ":13: `step_energy_j` is `1`".to_owned()),
        (second("size = -4\nstep_time_s = 0.6\nstep_energy_j = 3.0\n"), ":11: ".to_owned()),
        (second("size = 4\nstep_time_s = \"fast\"\nstep_energy_j = 3.0\n"), ":12: ".to_owned()),
    ] {
        let error = read(&text).expect_err(&said);
        assert!(error.to_string().contains(&said), "{error}\nlacks {said}");
    }
    let missing = read_profile(Path::new("no/such/profile.toml")).expect_err("no file");
    assert!(missing.to_string().starts_with("cannot read the profile no/such/profile.toml"), "{missing}");
}
