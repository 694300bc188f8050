//! The points of a study, made one by one: which index is which, and that each is what the whole file gives.

use latentlink::scenario::{Coordinate, CoordinateValue, Grid, PolicySettings, ScenarioError, ScenarioFile};

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

/// Sweeps that touch every part of a scenario, and parts that depend on one another.
const SWEEPS: &[&str] = &[
    "[sweep]\n\"radio.bit_error_probability\" = [0.01, 0.6]\n\"policy.t0\" = [2, 6, 12]\n\
     \"device.phone.distance_m\" = [1, 0, 9]\n",
    "[sweep]\n\"diffusion.steps\" = [11, 3, 20]\n\"diffusion.split\" = [\"joint\", \"respaced\"]\n\
     \"diffusion.guidance\" = [1, -1]\n",
    "[sweep]\n\"study.seed\" = [1, 2]\n\"server.prompt\" = [\"a\", \"\"]\n\
     \"policy.tk[1]\" = [1, 11, 12]\n\"policy.tx_power_dbw\" = [1, 2]\n",
    "[sweep]\n\"radio.fading.kind\" = [\"nakagami-m\", \"rician\", \"rayleigh\"]\n\"radio.fading.m\" = [1, 2]\n",
    "[sweep]\n\"policy.tx_power_w[phone]\" = [1, -1]\n\"policy.tx_power_w[2]\" = [3, 4]\n\
     \"device[2].prompt\" = [\"x\", \"y\"]\n",
    "[[figure]]\nkind = \"image_grid\"\nx = \"study.seed\"\nssim_against = \"unshared\"\n\
     [sweep]\n\"study.seed\" = [1, 2]\n\
     \"diffusion.metrics_against\" = [[\"unshared\"], [\"error-free\"], [\"error-free\", \"unshared\"]]\n",
    "[[figure]]\nkind = \"image_grid\"\nx = \"device.phone.persona\"\nscores = [\"GA1\"]\n\
     [sweep]\n\"device.phone.persona\" = [\"GA1\", \"GA2\", \"nobody\"]\n\"judge.qoe_threshold\" = [0.1, 2]\n",
    "[judge]\nanswers_per_picture = 2\nreadout = \"sample\"\n\
     [sweep]\n\"judge.readout\" = [\"sample\", \"greedy\"]\n\"judge.temperature\" = [1, 2]\n",
    "[population]\nmean = [0.1, 0.2, 0.3, 0.4, 0.5]\n\
     [sweep]\n\
     \"population.standard_deviation\" = [[0.1, 0.1, 0.1, 0.1, 0.1], [9, 9, 9, 9, 9], [0, 0, 0, 0, 0]]\n\
     \"device.device-2.persona\" = [\"population\", \"GA1\"]\n",
    "[population]\nmean = [0.1, 0.2, 0.3, 0.4, 0.5]\nstandard_deviation = [0.1, 0.1, 0.1, 0.1, 0.1]\n\
     [[sweep.zip]]\n\
     \"population.covariance\" = [[[0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0], \
       [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]], 3]\n\
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
        let PolicySettings::Fixed(policy) = scenario.policy else { panic!("a fixed policy") };
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
