//! `[sweep]`: ranges of values, fields that are varied together, and grids too large to hold.

use latentlink::scenario::{Coordinate, CoordinateValue, Dimension, Grid, PolicySettings, ScenarioError, ScenarioFile};

const TEXT: &str = "
[[device]]
name = \"phone\"
prompt = \"a dog\"
[[device]]
prompt = \"a cat\"
[[device]]
prompt = \"a fox\"
[policy]
t0 = 4
tk = 6
";

fn file(more: &str) -> ScenarioFile {
    ScenarioFile::from_str(format!("{TEXT}{more}"), "study.toml").unwrap_or_else(|error| panic!("{error:#}\n{more}"))
}

fn grid(more: &str) -> Grid {
    file(more).grid().unwrap_or_else(|error| panic!("{error:#}\n{more}"))
}

/// The grid after these `--set` arguments.
fn set(more: &str, arguments: &[&str]) -> Grid {
    let mut file = file(more);
    for argument in arguments {
        file.set(argument).unwrap_or_else(|error| panic!("{error:#}"));
    }
    file.grid().unwrap_or_else(|error| panic!("{arguments:?}: {error:#}"))
}

fn printed(coordinates: &[Coordinate]) -> String {
    coordinates.iter().map(|c| format!("{}={}", c.path, c.value)).collect::<Vec<_>>().join(" ")
}

/// All points of a grid, as they are printed.
fn all(grid: &Grid) -> Vec<String> {
    (0..grid.len()).map(|index| printed(&grid.coordinates(index))).collect()
}

/// What a range makes of a field that takes any number from 0 to 2⁶⁴; the reader's own limits are not met.
fn values(range: &str) -> Vec<CoordinateValue> {
    let text = format!("[sweep]\n\"judge.similarity\" = [0]\n\"radio.path_loss.gain_db\" = {range}\n");
    let text =
        format!("[radio]\npath_loss = {{ kind = \"fixed-gain\", gain_db = 0 }}\n[judge]\nkind = \"surface\"\n{text}");
    let grid = grid(&text);
    (0..grid.len()).map(|index| grid.coordinates(index)[1].value.clone()).collect()
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
        assert_eq!(all(&grid(text)), ["radio.fading.ms=2", "radio.fading.ms=3", "radio.fading.ms=4"], "{text}");
    }
    let of_one = grid("[sweep]\npolicy.tk.phone = { from = 1, to = 2, step = 1 }\n");
    assert_eq!(all(&of_one), ["policy.tk.phone=1", "policy.tk.phone=2"]);
}

#[test]
fn zipped_fields_are_one_dimension_where_they_stand_in_the_file() {
    let zip = "[[sweep.zip]]\n\"policy.t0\" = [2, 4, 4]\n\"policy.tk\" = [6, 5, 4]\n";
    let seed = "[sweep]\n\"study.seed\" = [1, 2]\n";
    let inline = "[sweep]\n\"study.seed\" = [1, 2]\nzip = [{ \"policy.t0\" = [2, 4, 4], policy.tk = [6, 5, 4] }]\n\
                  \"radio.efficiency\" = [0.5]\n";
    let both = |first: &str, paths: [&[&str]; 2], lens: [usize; 2]| {
        let grid = grid(first);
        let expected: Vec<Dimension> = paths
            .iter()
            .zip(lens)
            .map(|(paths, len)| Dimension { paths: paths.iter().map(|path| (*path).to_owned()).collect(), len })
            .collect();
        assert_eq!(grid.dimensions()[..2], expected, "{first}");
        grid
    };
    let zip_first = both(&format!("{zip}{seed}"), [&["policy.t0", "policy.tk"], &["study.seed"]], [3, 2]);
    assert_eq!(
        all(&zip_first),
        [
            "policy.t0=2 policy.tk=6 study.seed=1",
            "policy.t0=2 policy.tk=6 study.seed=2",
            "policy.t0=4 policy.tk=5 study.seed=1",
            "policy.t0=4 policy.tk=5 study.seed=2",
            "policy.t0=4 policy.tk=4 study.seed=1",
            "policy.t0=4 policy.tk=4 study.seed=2",
        ]
    );
    let zip_last = both(&format!("{seed}{zip}"), [&["study.seed"], &["policy.t0", "policy.tk"]], [2, 3]);
    assert_eq!(zip_last.paths(), ["study.seed", "policy.t0", "policy.tk"]);
    let middle = both(inline, [&["study.seed"], &["policy.t0", "policy.tk"]], [2, 3]);
    assert_eq!((middle.len(), middle.dimensions()[2].len), (6, 1));
    assert_eq!(printed(&middle.coordinates(4)), "study.seed=2 policy.t0=4 policy.tk=5 radio.efficiency=0.5");
}

#[test]
fn in_mode_zip_all_fields_take_their_values_side_by_side() {
    let sweep =
        "[sweep]\n\"policy.t0\" = [2, 4, 6]\nmode = \"zip\"\n\"policy.tk[phone]\" = { from = 8, to = 4, step = -2 }\n";
    let grid = grid(sweep);
    assert_eq!(
        all(&grid),
        ["policy.t0=2 policy.tk[phone]=8", "policy.t0=4 policy.tk[phone]=6", "policy.t0=6 policy.tk[phone]=4"]
    );
    let point = grid.point(1).expect("a good point");
    let PolicySettings::Fixed(policy) = &point.scenario.policy;
    assert_eq!((point.index, policy.t0, policy.tk.as_slice()), (1, 4, [6, 6, 6].as_slice()));
}

#[test]
fn an_index_is_a_number_whose_digits_are_the_positions() {
    let grid = grid(
        "[sweep]\n\"study.seed\" = [1, 2, 3]\n\"policy.t0\" = [1, 2, 3, 4]\n\
         [[sweep.zip]]\n\"policy.tk\" = [1, 2]\n\"radio.efficiency\" = [0.5, 0.6]\n",
    );
    assert_eq!(grid.len(), 24);
    let mut index = 0;
    for seed in 0..3 {
        for t0 in 0..4 {
            for both in 0..2 {
                assert_eq!(grid.positions(index), [seed, t0, both]);
                assert_eq!(grid.index_of(&[seed, t0, both]), index);
                index += 1;
            }
        }
    }
    let single = self::grid("");
    assert_eq!((single.len(), single.positions(0), single.index_of(&[])), (1, Vec::new(), 0));
    assert!(single.paths().is_empty() && single.dimensions().is_empty());
}

#[test]
#[should_panic(expected = "point 24 of a grid of 24")]
fn there_is_no_point_behind_the_last() {
    let seeds: Vec<String> = (0..24).map(|seed| seed.to_string()).collect();
    grid(&format!("[sweep]\nstudy.seed = [{}]\n", seeds.join(", "))).positions(24);
}

#[test]
fn values_with_commas_between_them_sweep_a_field_from_the_command_line() {
    let swept = "[sweep]\n\"policy.t0\" = [1, 2]\n\"study.seed\" = { from = 7, to = 9, step = 1 }\n";
    for (argument, expected) in [
        // replaced where it stands: the list, the range, or neither
        ("policy.t0=3, 5", vec!["policy.t0=3 study.seed=7", "policy.t0=3 study.seed=8"]),
        ("study.seed=4,5", vec!["policy.t0=1 study.seed=4", "policy.t0=1 study.seed=5"]),
        ("sweep.study.seed=4,5", vec!["policy.t0=1 study.seed=4", "policy.t0=1 study.seed=5"]),
        (
            "sweep.policy.t0={from=4,to=6,points=3}",
            vec!["policy.t0=4 study.seed=7", "policy.t0=4 study.seed=8", "policy.t0=4 study.seed=9"],
        ),
        (
            "radio.modulation=bpsk,qpsk",
            vec!["policy.t0=1 study.seed=7 radio.modulation=bpsk", "policy.t0=1 study.seed=7 radio.modulation=qpsk"],
        ),
        // commas inside something part nothing
        (
            "policy.tk=[1, 2, 3],[4, 5, 6]",
            vec!["policy.t0=1 study.seed=7 policy.tk=[1, 2, 3]", "policy.t0=1 study.seed=7 policy.tk=[4, 5, 6]"],
        ),
        (
            "radio.fading=none,{ kind = \"nakagami-m\", m = 2 }",
            vec![
                "policy.t0=1 study.seed=7 radio.fading=none",
                "policy.t0=1 study.seed=7 radio.fading={ kind = \"nakagami-m\", m = 2 }",
            ],
        ),
        (
            "server.prompt=\"a \\\", b\",'c, \\',\"\"\"d\", e\"\"\",a dog's, a cat's",
            vec![
                "policy.t0=1 study.seed=7 server.prompt=a \", b",
                "policy.t0=1 study.seed=7 server.prompt=c, \\",
                "policy.t0=1 study.seed=7 server.prompt=d\", e",
                "policy.t0=1 study.seed=7 server.prompt=a dog's",
                "policy.t0=1 study.seed=7 server.prompt=a cat's",
                "policy.t0=1 study.seed=8 server.prompt=a \", b",
            ],
        ),
    ] {
        let grid = set(swept, &[argument]);
        let first: Vec<String> = all(&grid).into_iter().take(expected.len()).collect();
        assert_eq!(first, expected, "{argument}");
    }
    let prompt = set("", &["server.prompt=\"a dog, sitting\""]);
    let point = prompt.point(0).expect("a good point");
    assert_eq!((prompt.len(), point.scenario.server.prompt.as_deref()), (1, Some("a dog, sitting")));
}

#[test]
fn a_field_of_a_zip_is_replaced_in_its_zip_and_the_mode_is_a_field_of_the_sweep() {
    let zip = "[[sweep.zip]]\n\"policy.t0\" = [1, 2]\n\"policy.tk\" = [3, 4]\n[sweep]\n\"study.seed\" = [1]\n";
    let replaced = set(zip, &["policy.tk=5,6"]);
    assert_eq!(all(&replaced), ["policy.t0=1 policy.tk=5 study.seed=1", "policy.t0=2 policy.tk=6 study.seed=1"]);
    let longer = set(zip, &["policy.tk=5,6,7", "policy.t0=1,2,3"]);
    assert_eq!(longer.len(), 3);
    let mode = set("[sweep]\n\"policy.t0\" = [1, 2]\n", &["policy.tk=3,4", "sweep.mode=zip"]);
    assert_eq!(all(&mode), ["policy.t0=1 policy.tk=3", "policy.t0=2 policy.tk=4"]);
    let other = set(zip, &["sweep.zip=[{ radio.efficiency = [0.5, 0.6], policy.tk = [1, 2] }]"]);
    assert_eq!(
        all(&other),
        ["study.seed=1 radio.efficiency=0.5 policy.tk=1", "study.seed=1 radio.efficiency=0.6 policy.tk=2"]
    );
}

#[test]
fn a_bad_list_on_the_command_line_is_answered_with_how_to_mend_it() {
    let zip = "[[sweep.zip]]\n\"policy.t0\" = [1, 2]\n\"policy.tk\" = [3, 4]\n";
    for (more, argument, parts) in [
        ("", "policy.t0=1,,2", ["--set policy.t0=1,,2: a comma with no value beside it", "needs quotes"]),
        ("", "policy.t0=1,", ["a comma with no value beside it", "a value on both sides"]),
        ("", "policy.t0=,1", ["a comma with no value beside it", "policy.t0=2,3,4"]),
        ("", "policy.t0=[1, 2", ["not valid TOML", "array"]),
        ("", "policy.t0=1,\"a", ["not valid TOML", "--set policy.t0=1,\"a"]),
        ("", "policy.t1=1,2", ["`policy.t1` is no field", "did you mean `policy.t0`?"]),
        ("", "policy.t0=1,1", ["`policy.t0` is swept over 1 twice", "each value once"]),
        ("", "policy.t0=1,12", ["--set policy.t0=1,12: `t0` = 12 is more than", "at point 1 of the sweep"]),
        ("", "study.replications=1,2", ["`study.replications` cannot be swept", "a field that may differ"]),
        ("", "sweep.mode=zip", ["no field is swept", "take `mode` away"]),
        ("", "sweep.zip=3", ["`zip` is a whole number, not a table of fields", "[[sweep.zip]]"]),
        (zip, "policy.tk=1,2,3", ["`policy.tk` has 3 values but `policy.t0` has 2", "equally many"]),
        (zip, "policy.tk=5", ["`policy.tk` is swept", "sweep.policy.tk=[5]"]),
        (zip, "policy.tk[phone]=1,2", ["`policy.tk[phone]` and `policy.tk` set the same field", "each field once"]),
        ("", "sweep.radio.efficiency={from=0.1,to=0.2}", ["neither `step` nor `points`", "one of the two"]),
    ] {
        let mut file = file(more);
        let error = match file.set(argument).and_then(|()| file.grid()).and_then(|grid| grid.check_all()) {
            Ok(()) => panic!("`{argument}` passed"),
            Err(error) => format!("{error:#}"),
        };
        for part in parts {
            assert!(error.contains(part), "`{argument}`: expected {part:?} in\n{error}");
        }
    }
}

/// Sweeps that touch every part of a scenario, and parts that depend on one another.
const SWEEPS: &[&str] = &[
    "[sweep]\n\"radio.bit_error_probability\" = [0.01, 0.6]\n\"policy.t0\" = [2, 6, 12]\n\"device.phone.distance_m\" = [1, 0, 9]\n",
    "[sweep]\n\"diffusion.steps\" = [11, 3, 20]\n\"diffusion.split\" = [\"joint\", \"respaced\"]\n\"diffusion.guidance\" = [1, -1]\n",
    "[sweep]\n\"study.seed\" = [1, 2]\n\"server.prompt\" = [\"a\", \"\"]\n\"policy.tk[1]\" = [1, 11, 12]\n\"policy.tx_power_dbw\" = [1, 2]\n",
    "[sweep]\n\"radio.fading.kind\" = [\"nakagami-m\", \"rician\", \"rayleigh\"]\n\"radio.fading.m\" = [1, 2]\n",
    "[sweep]\n\"policy.tx_power_w[phone]\" = [1, -1]\n\"policy.tx_power_w[2]\" = [3, 4]\n\"device[2].prompt\" = [\"x\", \"y\"]\n",
    "[[figure]]\nkind = \"image_grid\"\nx = \"study.seed\"\nssim_against = \"unshared\"\n\
     [sweep]\n\"study.seed\" = [1, 2]\n\"diffusion.metrics_against\" = [[\"unshared\"], [\"error-free\"], [\"error-free\", \"unshared\"]]\n",
    "[[figure]]\nkind = \"image_grid\"\nx = \"device.phone.persona\"\nscores = [\"GA1\"]\n\
     [sweep]\n\"device.phone.persona\" = [\"GA1\", \"GA2\", \"nobody\"]\n\"judge.qoe_threshold\" = [0.1, 2]\n",
    "[judge]\nanswers_per_picture = 2\nreadout = \"sample\"\n[sweep]\n\"judge.readout\" = [\"sample\", \"greedy\"]\n\"judge.temperature\" = [1, 2]\n",
    "[population]\nmean = [0.1, 0.2, 0.3, 0.4, 0.5]\n\
     [sweep]\n\"population.standard_deviation\" = [[0.1, 0.1, 0.1, 0.1, 0.1], [9, 9, 9, 9, 9], [0, 0, 0, 0, 0]]\n\
     \"device.device-2.persona\" = [\"population\", \"GA1\"]\n",
    "[population]\nmean = [0.1, 0.2, 0.3, 0.4, 0.5]\nstandard_deviation = [0.1, 0.1, 0.1, 0.1, 0.1]\n\
     [[sweep.zip]]\n\"population.covariance\" = [[[0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]], 3]\n\
     \"server.energy_budget_j\" = [1, 2]\n",
];

#[test]
fn a_point_of_a_grid_is_the_scenario_that_all_of_the_file_gives_with_its_values() {
    let (mut good, mut bad) = (0, 0);
    for sweep in SWEEPS {
        let grid = grid(sweep);
        for index in 0..grid.len() {
            // each point as a study of its own: nothing is known from another point
            let mut alone = file(sweep);
            for Coordinate { path, value } in grid.coordinates(index) {
                let value = match value {
                    CoordinateValue::Text(text) if !text.starts_with(['[', '{']) => format!("{text:?}"),
                    other => other.to_string(),
                };
                alone.set(&format!("sweep.{path}=[{value}]")).unwrap_or_else(|error| panic!("{error:#}"));
            }
            match (grid.point(index), alone.points()) {
                (Ok(point), Ok(points)) => {
                    assert_eq!(point.scenario, points[0].scenario, "point {index} of\n{sweep}");
                    good += 1;
                }
                (Err(error), Err(alone)) => {
                    // several may stand in another order: those of `--set` have no place in the file
                    let messages = |error: &ScenarioError| {
                        let problems = error.problems().iter().map(|problem| problem.message().to_owned());
                        let without_point = problems.map(|text| text.split(", at point").next().map(str::to_owned));
                        let mut messages: Vec<_> = without_point.collect();
                        messages.sort();
                        messages
                    };
                    assert_eq!(messages(&error), messages(&alone), "point {index} of\n{sweep}");
                    bad += 1;
                }
                (Ok(_), Err(error)) => panic!("point {index} is wrong, but passed: {error:#}\n{sweep}"),
                (Err(error), Ok(_)) => panic!("point {index} is right, but: {error:#}\n{sweep}"),
            }
        }
    }
    assert!(good > 30 && bad > 30, "{good} good points and {bad} bad ones are too few to tell");
}

#[test]
fn the_first_bad_point_is_the_one_that_is_reported() {
    for sweep in SWEEPS {
        let grid = grid(sweep);
        let first = (0..grid.len()).find_map(|index| grid.point(index).err());
        let found = grid.check_all().err();
        assert_eq!(found.map(|error| format!("{error:#}")), first.map(|error| format!("{error:#}")), "{sweep}");
    }
}

#[test]
fn a_grid_of_millions_of_points_is_made_and_asked_without_making_them() {
    let sweep = "[sweep]\n\"study.seed\" = { from = 1, to = 1000, step = 1 }\n\
                 \"radio.bit_error_probability\" = { from = 0.0, to = 0.5, points = 1001 }\n\
                 \"policy.t0\" = { from = 1, to = 9, points = 9 }\n";
    let grid = grid(sweep);
    assert_eq!(grid.len(), 9_009_000);
    let last = grid.clone().point(grid.len() - 1).expect("a good point");
    assert_eq!((last.index, last.scenario.study.seed), (9_008_999, 1000));
    assert_eq!(last.scenario.radio.bit_error_probability, Some(0.5));
    for index in (0..grid.len()).step_by(99_991) {
        let (seed, probability, t0) = (index / 9009, index / 9 % 1001, index % 9);
        assert_eq!(grid.positions(index), [seed, probability, t0]);
        let scenario = grid.point(index).expect("a good point").scenario;
        assert_eq!(scenario.study.seed, seed as u64 + 1);
        let found = scenario.radio.bit_error_probability.expect("it is swept");
        assert!((found - probability as f64 * 0.0005).abs() < 1e-12);
        let PolicySettings::Fixed(policy) = scenario.policy;
        assert_eq!(policy.t0 as usize, t0 + 1);
    }
}

#[test]
fn a_bad_value_deep_in_a_large_grid_is_found() {
    let grid = grid(
        "[[sweep.zip]]\n\"study.seed\" = { from = 0, to = 9999, step = 1 }\n\
         \"radio.bit_error_probability\" = { from = 0.2001, to = 1.2, points = 10000 }\n\
         [sweep]\n\"policy.t0\" = { from = 1, to = 10, step = 1 }\n",
    );
    // 0.2001 + i · 0.0000999899… > 0.5 from i = 3000 on
    let error = grid.check_all().expect_err("a probability above a half");
    assert!(error.to_string().contains("at point 30000 of the sweep (study.seed = 3000, "), "{error:#}");
}
