//! Ranges of values in `[sweep]`: `{ from = 0.005, to = 0.15, points = 6 }`.

use latentlink::scenario::{CoordinateValue, Grid, ScenarioFile};

fn grid(sweep: &str) -> Grid {
    let text = format!("[[device]]\nprompt = \"a dog\"\n[policy]\nt0 = 4\ntk = 6\n{sweep}");
    let grid = ScenarioFile::from_str(text, "study.toml").and_then(|file| file.grid());
    grid.unwrap_or_else(|error| panic!("{error:#}\n{sweep}"))
}

/// What a range makes of a field that takes any number.
fn values(range: &str) -> Vec<CoordinateValue> {
    let radio = "[radio]\npath_loss = { kind = \"fixed-gain\", gain_db = 0 }\n";
    let grid = grid(&format!("{radio}[sweep]\n\"radio.path_loss.gain_db\" = {range}\n"));
    (0..grid.len()).map(|index| grid.coordinates(index)[0].value.clone()).collect()
}

fn reference() -> serde_json::Value {
    let path = format!("{}/tests/vectors/sweep_ranges.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("the vectors are there")).expect("JSON")
}

fn rows(kind: &str) -> Vec<(String, Vec<serde_json::Value>)> {
    let reference = reference();
    let rows = reference[kind].as_array().expect("a list").iter();
    rows.map(|row| {
        (row["range"].as_str().expect("a range").to_owned(), row["values"].as_array().expect("its values").clone())
    })
    .collect()
}

#[test]
fn fractional_ranges_are_those_of_numpy_to_twelve_digits() {
    let mut compared = 0;
    for (range, expected) in rows("fractional") {
        let expected: Vec<f64> = expected.iter().map(|value| value.as_f64().expect("a number")).collect();
        let found: Vec<f64> = values(&range)
            .iter()
            .map(|value| match value {
                CoordinateValue::Float(number) => *number,
                other => panic!("{range} gives {other}"),
            })
            .collect();
        assert_eq!(found.len(), expected.len(), "{range}");
        let largest = expected[0].abs().max(expected[expected.len() - 1].abs());
        for (found, expected) in found.iter().zip(&expected) {
            let size = if range.contains("log") { expected.abs() } else { largest };
            // half a unit of the twelfth digit, and what NumPy itself rounds
            assert!((found - expected).abs() <= 5.1e-12 * size, "{range}: {found:e}, not {expected:e}");
            compared += 1;
        }
        assert_eq!(found[0], expected[0], "{range} begins exactly");
        if !range.contains("step") {
            assert_eq!(found.last(), expected.last(), "{range} ends exactly");
        }
    }
    assert!(compared > 2000, "only {compared} values were compared");
}

#[test]
fn whole_ranges_are_those_of_numpy_and_stay_whole() {
    for (range, expected) in rows("whole") {
        let expected: Vec<CoordinateValue> =
            expected.iter().map(|value| CoordinateValue::Integer(value.as_i64().expect("a whole number"))).collect();
        assert_eq!(values(&range), expected, "{range}");
    }
}

#[test]
fn values_of_a_range_print_as_short_as_a_person_writes_them() {
    for (range, expected) in [
        ("{ from = 0.1, to = 0.3, step = 0.1 }", "0.1 0.2 0.3"),
        ("{ from = -0.3, to = 0.3, step = 0.1 }", "-0.3 -0.2 -0.1 0 0.1 0.2 0.3"),
        ("{ from = 0.005, to = 0.15, points = 6 }", "0.005 0.034 0.063 0.092 0.121 0.15"),
        ("{ from = 1e-6, to = 1, points = 4, log = true }", "0.000001 0.0001 0.01 1"),
        // neither a whole step nor whole values
        ("{ from = 1, to = 2, points = 3 }", "1 1.5 2"),
        ("{ from = 1, to = 2, step = 0.25 }", "1 1.25 1.5 1.75 2"),
        ("{ from = 1, to = 10, points = 3, log = true }", "1 3.16227766017 10"),
        // the step does not hit the end
        ("{ from = 0, to = 1, step = 0.3 }", "0 0.3 0.6 0.9"),
        ("{ from = 1, to = 9, step = 3 }", "1 4 7"),
    ] {
        let found: Vec<String> = values(range).iter().map(CoordinateValue::to_string).collect();
        assert_eq!(found.join(" "), expected, "{range}");
    }
}

#[test]
fn a_range_can_be_written_with_and_without_quotes_and_as_a_table() {
    for text in [
        "[sweep]\n\"radio.fading.ms\" = { from = 2, to = 4, step = 1 }\n",
        "[sweep]\nradio.fading.ms = { from = 2, to = 4, step = 1 }\n",
        "[sweep.radio.fading.ms]\nfrom = 2\nto = 4\nstep = 1\n",
        "[sweep]\nradio.fading.ms = [2, 3, 4]\n",
    ] {
        let grid = grid(text);
        let found: Vec<CoordinateValue> = (0..grid.len()).map(|at| grid.coordinates(at)[0].value.clone()).collect();
        assert_eq!(grid.paths(), ["radio.fading.ms"], "{text}");
        assert_eq!(found, [2, 3, 4].map(CoordinateValue::Integer), "{text}");
    }
    let of_one = grid("[sweep]\npolicy.tk.device-1 = { from = 1, to = 2, step = 1 }\n");
    assert_eq!((of_one.len(), of_one.paths()), (2, vec!["policy.tk.device-1".to_owned()]));
}
