//! Fields that are varied together, and lists of values on the command line.

use latentlink::scenario::{Coordinate, Dimension, Grid, PolicySettings, ScenarioFile};

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
    let PolicySettings::Fixed(policy) = &point.scenario.policy else { panic!("a fixed policy") };
    assert_eq!((point.index, policy.t0, policy.tk.as_slice()), (1, 4, [6, 6, 6].as_slice()));
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
