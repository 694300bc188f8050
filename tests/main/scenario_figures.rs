//! `[[figure]]` tables: what is wrong with them, and that they read back.

use latentlink::scenario::{
    BoxSettings, CdfSettings, Coordinate, CoordinateValue, FigureKind, FigureSettings, HeatMapSettings, IntervalStyle,
    LineSettings, PageSettings, SERIES_OF_DEVICES, ScatterSettings, ScenarioError, ScenarioFile, SurfacePlotSettings,
    TimelineSettings,
};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Two devices, a panel of one, and a sweep over a number, whole numbers and words.
const REST: &str = "\
judge = { panel = [\"GA1\"] }
study = { replications = 3 }
[[device]]
name = \"phone\"
prompt = \"a dog\"
[[device]]
name = \"tablet\"
prompt = \"a cat\"
[policy]
t0 = 4
tk = 6
[sweep]
\"policy.t0\" = [2, 4, 6]
\"radio.bit_error_probability\" = [0.01, 0.03, 0.1]
\"radio.modulation\" = [\"bpsk\", \"qpsk\"]
";

/// (lines of the figure, what the message says, line, column). A line `[[figure]]` stands before them, [`REST`] after them.
type Row = (&'static str, &'static [&'static str], usize, usize);

const AT: &str = "at = { \"radio.modulation\" = \"bpsk\", \"policy.t0\" = 4 }\n";

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // kinds
    ("kind = \"heatmap\"\n", &["`kind` = \"heatmap\" is not known", "did you mean \"heat_map\"?"], 2, 8),
    ("kind = \"lines\"\n", &["did you mean \"line\"?", "\"timeline\""], 2, 8),
    ("x = \"policy.t0\"\n", &["the figure lacks `kind`", "\"surface\", \"scatter\", \"cdf\", \"box\" or \"timeline\""], 1, 1),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\ny = \"policy.t0\"\nAT", &["`y` does not go with a figure of kind \"line\""], 4, 1),
    ("kind = \"timeline\"\nvalue = \"qoe\"\n", &["`value` does not go with a figure of kind \"timeline\""], 3, 1),
    ("kind = \"timeline\"\ndevice = \"phone\"\n", &["`device` does not go with a figure of kind \"timeline\""], 3, 1),
    ("kind = \"timeline\"\nlog_x = true\n", &["`log_x` does not go with a figure of kind \"timeline\""], 3, 1),
    // the page
    ("kind = \"timeline\"\nwidth_mm = 5\n", &["`width_mm` = 5 is out of range", "a number from 20 to 2000 in mm"], 3, 12),
    ("kind = \"timeline\"\nwidth_mm = \"a4\"\n", &["`width_mm` is a string"], 3, 12),
    ("kind = \"timeline\"\ndots_per_inch = 2400\n", &["`dots_per_inch` = 2400", "from 36 to 1200"], 3, 17),
    // names of files
    ("kind = \"timeline\"\nname = \"energy\"\n", &["the figure of energies that each study gets", "a name of its own"], 3, 8),
    ("kind = \"timeline\"\nname = \"a\"\n[[figure]]\nkind = \"timeline\"\nname = \"a_ssim\"\n", &["the files of \"a_ssim\" and \"a\" would have one name", "`_ssim` or a device behind it"], 6, 8),
    ("kind = \"timeline\"\nname = \"a_phone_t0-2\"\n[[figure]]\nkind = \"timeline\"\nname = \"a\"\n", &["would have one name"], 6, 8),
    // lines
    ("kind = \"line\"\nAT", &["the figure \"figure-1\" lacks `x`", "x = \"policy.t0\""], 1, 1),
    ("kind = \"line\"\nx = \"policy.tk\"\nAT", &["`x` = \"policy.tk\" is not swept"], 3, 5),
    ("kind = \"line\"\nx = \"radio.modulation\"\nat = { \"radio.bit_error_probability\" = 0.03, \"policy.t0\" = 4 }\n", &["swept over \"bpsk\", which is no number", "\"box\""], 3, 5),
    ("kind = \"line\"\nx = \"policy.t0\"\nseries = \"radio.modulation\"\n", &["would mix all values of `radio.bit_error_probability`", "at = { \"radio.bit_error_probability\" = 0.01 }"], 1, 1),
    ("kind = \"line\"\nx = \"policy.t0\"\nat = { \"radio.modulation\" = \"bpsk\" }\n", &["would mix all values of `radio.bit_error_probability`", "series = \"radio.bit_error_probability\""], 1, 1),
    ("kind = \"line\"\nx = \"policy.t0\"\nseries = \"policy.t0\"\n", &["`x` and `series` are both \"policy.t0\""], 4, 10),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nseries = \"devices\"\nAT", &["`devices` is no field", "a swept field: "], 4, 10),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nseries = \"device\"\ndevice = \"phone\"\nAT", &["`series` = \"device\" does not go with one `device`"], 4, 10),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nseries = \"device\"\nvalue = \"total_j\"\nAT", &["of all devices together"], 4, 10),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\ndevice = \"phone\"\nvalue = \"total_j\"\nAT", &["`device` does not go with `total_j`"], 4, 10),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nvalue = \"total\"\nAT", &["is no number of requests.csv or runs.csv", "did you mean \"total_j\"?"], 4, 9),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nvalue = \"qoe_GA2\"\nAT", &["add \"GA2\" to `panel`"], 4, 9),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nvalue = [\"qoe\", \"latency_s\"]\nAT", &["cannot share their colours or axis"], 4, 9),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nvalue = [\"latency_s\", \"total_j\"]\nAT", &["cannot share their colours or axis", "times, energies, or parts"], 4, 9),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nvalue = [\"compute_energy_j\", \"total_j\"]\nAT", &["`compute_energy_j` and `total_j` are columns of different tables"], 4, 9),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nintervals = \"bar\"\nAT", &["\"bars\" or \"band\"", "did you mean \"bars\"?"], 4, 13),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nlog_x = 1\nAT", &["`log_x` is a whole number", "true or false"], 4, 9),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nthreshold = true\nvalue = \"latency_s\"\nAT", &["`threshold` draws Q_th, but the figure shows no QoE"], 4, 13),
    // at
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nat = 4\n", &["`at` is a whole number", "{ \"policy.t0\" = 4 }"], 4, 6),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nat = {}\n", &["`at` is an empty table"], 4, 6),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nat = { \"radio.modulation\" = \"qam16\", \"policy.t0\" = 4 }\n", &["`at` has `radio.modulation` = \"qam16\", which is not swept", "\"bpsk\" or \"qpsk\""], 4, 29),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nat = { \"radio.modulation\" = \"bpsk\", \"policy.t0\" = 3 }\n", &["`at` has `policy.t0` = 3", "one of 2, 4, 6"], 4, 51),
    ("kind = \"line\"\nx = \"radio.bit_error_probability\"\nat = { radio.modulation = \"bpsk\", policy.t1 = 3 }\n", &["`policy.t1` is no field"], 4, 47),
    ("kind = \"line\"\nx = \"policy.t0\"\nat = { radio.modulation = \"bpsk\", radio.bit_error_probability = 0.01, policy.t0 = 2 }\n", &["`at` fixes `policy.t0`, which the figure varies"], 4, 6),
    // heat maps and surfaces
    ("kind = \"heat_map\"\nx = \"policy.t0\"\ny = \"radio.modulation\"\ncontour_threshold = true\nvalue = \"total_j\"\n", &["`contour_threshold` draws Q_th, but the figure shows no QoE"], 5, 21),
    ("kind = \"heat_map\"\nx = \"policy.t0\"\ny = \"radio.modulation\"\nmark = { \"policy.t0\" = 3 }\n", &["does not say where it stands along `radio.modulation`"], 5, 8),
    ("kind = \"heat_map\"\nx = \"policy.t0\"\ny = \"radio.bit_error_probability\"\nmark = { \"policy.t0\" = 7, \"radio.bit_error_probability\" = 0.02 }\n", &["`mark` has `policy.t0` = 7", "a number from 2 to 6, as far as the field is swept"], 5, 24),
    ("kind = \"heat_map\"\nx = \"policy.t0\"\ny = \"radio.bit_error_probability\"\nmark = { \"policy.t0\" = \"3\", \"radio.bit_error_probability\" = 0.02 }\n", &["`mark` has `policy.t0` = \"3\""], 5, 24),
    ("kind = \"heat_map\"\nx = \"policy.t0\"\ny = \"radio.bit_error_probability\"\nmark = { \"policy.t0\" = 3, \"radio.bit_error_probability\" = 0.02, \"radio.modulation\" = \"qam16\" }\n", &["`mark` has `radio.modulation` = \"qam16\""], 5, 86),
    ("kind = \"heat_map\"\nx = \"policy.t0\"\ny = \"radio.modulation\"\nmark_maximum = true\nmark = true\n", &["`mark` is a truth value", "\"policy.tk\" = 5"], 6, 8),
    ("kind = \"surface\"\nx = \"policy.t0\"\n", &["lacks `y`", "along the floor"], 1, 1),
    ("kind = \"surface\"\nx = \"policy.t0\"\ny = \"radio.modulation\"\n", &["`y` = \"radio.modulation\" is swept over \"bpsk\""], 4, 5),
    ("kind = \"surface\"\nx = \"policy.t0\"\ny = \"policy.t0\"\n", &["`x` and `y` are both \"policy.t0\""], 4, 5),
    ("kind = \"surface\"\nx = \"policy.t0\"\ny = \"radio.bit_error_probability\"\nvalue = [\"qoe\", \"qoe_GA1\"]\n", &["this kind of figure shows one"], 5, 9),
    ("kind = \"surface\"\nx = \"policy.t0\"\ny = \"radio.bit_error_probability\"\ncontour_threshold = true\n", &["does not go with a figure of kind \"surface\""], 5, 1),
    // distributions
    ("kind = \"scatter\"\nvalue = \"qoe\"\n", &["lacks `x`", "x = \"latency_s\""], 1, 1),
    ("kind = \"scatter\"\nx = \"policy.t0\"\nvalue = \"qoe\"\n", &["`x` = \"policy.t0\" is no number of requests.csv"], 3, 5),
    ("kind = \"scatter\"\nx = \"total_j\"\nvalue = \"qoe\"\n", &["`total_j` and `qoe` are columns of different tables"], 3, 5),
    ("kind = \"scatter\"\nx = \"qoe\"\nvalue = \"latency_s\"\nthreshold = true\n", &["the figure shows no QoE"], 5, 13),
    ("kind = \"cdf\"\nx = \"latency_s\"\nseries = \"radio.bit_error_probability\"\nAT", &["`x` does not go with a figure of kind \"cdf\""], 3, 1),
    ("kind = \"cdf\"\nvalue = \"latency_s\"\nseries = \"policy.t0\"\nat = { radio.modulation = \"bpsk\" }\n", &["would mix all values of `radio.bit_error_probability`"], 1, 1),
    ("kind = \"box\"\nseries = \"policy.t0\"\n", &["lacks `x`"], 1, 1),
    ("kind = \"box\"\nx = \"radio.modulation\"\nseries = \"policy.t0\"\n", &["would mix all values of `radio.bit_error_probability`"], 1, 1),
    ("kind = \"box\"\nx = \"radio.bit_error_probability\"\nintervals = \"band\"\nAT", &["`intervals` does not go with a figure of kind \"box\""], 4, 1),
    // timelines
    ("kind = \"timeline\"\npoint = 18\n", &["`point` = 18 is out of range", "from 0 to 17"], 3, 9),
    ("kind = \"timeline\"\nreplication = 3\n", &["`replication` = 3 is out of range", "from 0 to 2"], 3, 15),
    ("kind = \"timeline\"\nreplication = 1.0\n", &["`replication` = 1.0 is a fractional number", "write 1"], 3, 15),
];

fn problems_of(text: &str) -> ScenarioError {
    match ScenarioFile::from_str(text, "bad.toml").and_then(|file| file.points()) {
        Ok(_) => panic!("this passed its check:\n{text}"),
        Err(error) => error,
    }
}

/// The scenario with one figure. Inline tables come first in a file, so the figure stands after them.
fn with_figure(figure: &str) -> String {
    let figure = figure.replace("AT", AT);
    format!("[[figure]]\n{figure}{}", tables(REST))
}

/// [`REST`] below another table: its first two lines become tables of their own.
fn tables(rest: &str) -> String {
    rest.replace("judge = { panel = [\"GA1\"] }\n", "[judge]\npanel = [\"GA1\"]\n")
        .replace("study = { replications = 3 }\n", "[study]\nreplications = 3\n")
}

/// What is wrong with the answer to a row; `None` if it is as it should be.
fn fault(&(figure, parts, line, column): &Row) -> Option<String> {
    let text = with_figure(figure);
    let error = problems_of(&text);
    let printed = format!("{error:#}");
    let problem = &error.problems()[0];
    if error.problems().len() > 1 {
        Some(format!("one mistake, several problems:\n{text}{printed}"))
    } else if !printed.starts_with(&format!("bad.toml:{line}:{column}: ")) {
        Some(format!("not at {line}:{column}\n{text}{printed}"))
    } else if problem.label().is_none() && problem.advice().is_none() {
        Some(format!("no word on how to mend it:\n{printed}"))
    } else {
        let missing = parts.iter().find(|part| !printed.contains(**part))?;
        Some(format!("no {missing:?} in\n{printed}"))
    }
}

#[test]
fn each_mistake_in_a_figure_is_one_problem_at_its_place_with_what_was_expected() {
    let faults: Vec<String> = ROWS.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{} of {} rows:\n\n{}", faults.len(), ROWS.len(), faults.join("\n\n"));
}

#[test]
fn a_swept_threshold_cannot_be_one_line() {
    let text = with_figure("kind = \"box\"\nx = \"radio.modulation\"\nthreshold = true\n");
    let swept = "\"judge.qoe_threshold\" = [0.5, 0.6]\n\"radio.modulation\"";
    let text = text.replace("\"policy.t0\" = [2, 4, 6]\n\"radio.bit_error_probability\" = [0.01, 0.03, 0.1]\n", "");
    let printed = format!("{:#}", problems_of(&text.replace("\"radio.modulation\" = [", &format!("{swept} = ["))));
    assert!(printed.contains("`threshold` draws one Q_th, but `judge.qoe_threshold` is swept"), "{printed}");
}

#[test]
fn a_logarithmic_axis_refuses_zero() {
    let text = with_figure("kind = \"line\"\nx = \"radio.bit_error_probability\"\nlog_x = true\nAT");
    let printed = format!("{:#}", problems_of(&text.replace("[0.01, 0.03, 0.1]", "[0.0, 0.03, 0.1]")));
    assert!(printed.contains("`log_x` has no place for \"radio.bit_error_probability\" = 0.0"), "{printed}");
}

fn one_of<T: Clone>(rng: &mut impl Rng, values: &[T]) -> T {
    values[rng.random_range(0..values.len())].clone()
}

fn text(value: &str) -> CoordinateValue {
    CoordinateValue::Text(value.to_owned())
}

fn coordinate(path: &str, value: CoordinateValue) -> Coordinate {
    Coordinate { path: path.to_owned(), value }
}

const T0: &str = "policy.t0";
const ERRORS: &str = "radio.bit_error_probability";
const MODULATION: &str = "radio.modulation";

/// A figure of any new kind that goes with [`REST`].
fn figure(rng: &mut ChaCha8Rng, name: String) -> FigureSettings {
    let at_modulation = coordinate(MODULATION, text("qpsk"));
    let mark = [
        Vec::new(),
        vec![coordinate(T0, CoordinateValue::Float(2.5)), coordinate(ERRORS, CoordinateValue::Float(0.03))],
        vec![
            coordinate(MODULATION, text("bpsk")),
            coordinate(T0, CoordinateValue::Integer(6)),
            coordinate(ERRORS, CoordinateValue::Float(0.0123)),
        ],
    ];
    let mark = one_of(rng, &mark);
    let threshold = rng.random();
    let series = Some(one_of(rng, &[SERIES_OF_DEVICES.to_owned(), T0.to_owned()]));
    let is_of_devices = series.as_deref() == Some(SERIES_OF_DEVICES);
    let mut at = vec![at_modulation];
    if is_of_devices {
        at.push(coordinate(T0, CoordinateValue::Integer(4)));
    }
    let (x, y, value) = (ERRORS.to_owned(), T0.to_owned(), "qoe_GA1".to_owned());
    let kind = match rng.random_range(0..7) {
        0 => FigureKind::Line(LineSettings {
            x,
            value: one_of(rng, &[vec!["qoe".to_owned()], vec!["qoe".to_owned(), value]]),
            series,
            at,
            intervals: one_of(rng, &[IntervalStyle::Band, IntervalStyle::Bars]),
            log_x: rng.random(),
            threshold,
        }),
        1 => FigureKind::HeatMap(HeatMapSettings {
            x,
            y,
            value: vec![value],
            mark_maximum: rng.random(),
            contour_threshold: rng.random(),
            mark,
        }),
        2 => FigureKind::Surface(SurfacePlotSettings { x, y, value, mark }),
        3 => {
            let x = one_of(rng, &["latency_s", "qoe"]).to_owned();
            FigureKind::Scatter(ScatterSettings { x, value, series, at: one_of(rng, &[at, Vec::new()]), threshold })
        }
        4 => {
            at.push(coordinate(ERRORS, CoordinateValue::Float(0.1)));
            FigureKind::Cdf(CdfSettings { value: "latency_s".to_owned(), series, at })
        }
        5 => FigureKind::Box(BoxSettings { x, value, series, at, threshold }),
        _ => FigureKind::Timeline(TimelineSettings {
            point: rng.random_range(0..18),
            replication: rng.random_range(0..3),
            from_s: one_of(rng, &[None, Some(2.5)]),
            to_s: one_of(rng, &[None, Some(1e3)]),
        }),
    };
    let is_free = !is_of_devices && !matches!(kind, FigureKind::Timeline(_));
    FigureSettings {
        name,
        title: one_of(rng, &[None, Some("\"quoted\" größer".to_owned())]),
        device: if is_free { one_of(rng, &[None, Some("tablet".to_owned())]) } else { None },
        page: PageSettings {
            width_mm: one_of(rng, &[None, Some(88.9)]),
            dots_per_inch: one_of(rng, &[144.0, 300.0, 72.5]),
        },
        kind,
    }
}

#[test]
fn a_resolved_scenario_reads_back_to_the_same_figures() {
    let base = ScenarioFile::from_str(REST, "base.toml").and_then(|file| file.points()).expect("a good scenario");
    let mut rng = ChaCha8Rng::seed_from_u64(41);
    for _ in 0..500 {
        let mut scenario = base[0].scenario.clone();
        scenario.figures = (0..4).map(|index| figure(&mut rng, format!("figure.{index}"))).collect();
        // A scenario alone: its figures' fields are swept over one value each.
        scenario.figures.retain(|figure| !matches!(figure.kind, FigureKind::Timeline(timeline) if timeline.point > 0));
        let written = scenario.to_toml();
        let read = ScenarioFile::from_str(written.clone(), "resolved.toml").and_then(|file| file.points());
        let read = read.unwrap_or_else(|error| panic!("{error:#}\n{written}"));
        assert_eq!(read[0].scenario, scenario, "{written}");

        // The whole study: the figures of the scenario with its sweep.
        let (figures, _) = written.split_once("\n[sweep]").unwrap_or((written.as_str(), ""));
        let figures = figures.find("[[figure]]").map_or("", |start| &figures[start..]);
        let study = ScenarioFile::from_str(format!("{REST}\n{figures}"), "base.toml").expect("TOML");
        let resolved = study.resolved_toml().unwrap_or_else(|error| panic!("{error:#}\n{figures}"));
        let again = ScenarioFile::from_str(resolved.clone(), "resolved.toml").and_then(|file| file.points());
        let again = again.unwrap_or_else(|error| panic!("{error:#}\n{resolved}"));
        assert_eq!(again, study.points().expect("a good scenario"), "{resolved}");
        assert_eq!(again[0].scenario.figures, scenario.figures);
    }
}

#[test]
fn a_field_that_is_varied_along_with_an_axis_need_not_be_named() {
    let zipped = |figure: &str| {
        let sweep =
            "[sweep]\nmode = \"zip\"\n\"policy.t0\" = [2, 4, 6]\n\"radio.bit_error_probability\" = [0.01, 0.03, 0.1]\n";
        let rest = "[[device]]\nprompt = \"a dog\"\n[policy]\nt0 = 4\ntk = 6\n";
        ScenarioFile::from_str(format!("[[figure]]\n{figure}{rest}{sweep}"), "zip.toml").and_then(|file| file.points())
    };
    assert_eq!(zipped("kind = \"line\"\nx = \"policy.t0\"\n").expect("a good figure").len(), 3);
    assert_eq!(zipped("kind = \"timeline\"\npoint = 2\n").expect("a good figure").len(), 3);
    let error = zipped("kind = \"timeline\"\npoint = 3\n").expect_err("three points");
    assert!(format!("{error:#}").contains("from 0 to 2"), "{error:#}");
}
