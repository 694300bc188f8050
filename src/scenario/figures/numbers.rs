//! Figures that show numbers of `requests.csv` and `runs.csv`.

use super::{Entry, SharedAxis};
use crate::scenario::error::Problem;
use crate::scenario::settings::{
    BoxSettings, CdfSettings, FigureKind, HeatMapSettings, IntervalStyle, LineSettings, ScatterSettings,
    SurfacePlotSettings,
};
use crate::scenario::tree::Data;
use crate::scenario::words::INTERVALS;

pub(super) fn heat_map(entry: &mut Entry<'_, '_>) -> FigureKind {
    let x = entry.needed_field("x", "columns");
    let y = entry.needed_field("y", "rows");
    entry.must_differ((&x, &y), "another field than `x`");
    let value = entry.values(&[SharedAxis::Quality]);
    entry.must_have_devices(&value);
    FigureKind::HeatMap(HeatMapSettings {
        mark_maximum: entry.table.flag("mark_maximum", false),
        contour_threshold: entry.threshold("contour_threshold", &value),
        mark: entry.mark(x.as_ref(), y.as_ref()),
        x: x.unwrap_or_default(),
        y: y.unwrap_or_default(),
        value,
    })
}

pub(super) fn surface(entry: &mut Entry<'_, '_>) -> FigureKind {
    let x = entry.needed_field("x", "floor");
    let y = entry.needed_field("y", "floor");
    entry.must_differ((&x, &y), "another field than `x`");
    entry.must_be_numbers("x", x.as_ref());
    entry.must_be_numbers("y", y.as_ref());
    let value = entry.one_value();
    entry.must_have_devices(std::slice::from_ref(&value));
    let mark = entry.mark(x.as_ref(), y.as_ref());
    FigureKind::Surface(SurfacePlotSettings { x: x.unwrap_or_default(), y: y.unwrap_or_default(), value, mark })
}

pub(super) fn line(entry: &mut Entry<'_, '_>) -> FigureKind {
    let before = entry.table.problem_count();
    let x = entry.needed_field("x", "axis");
    entry.must_be_numbers("x", x.as_ref());
    use SharedAxis::{Energy, Part, Quality, Time};
    let value = entry.values(&[Quality, Time, Energy, Part]);
    let Shared { series, at } = shared(entry, x.as_ref(), &value);
    must_show_all(entry, before, x.as_ref(), series.as_ref(), &at);
    let log_x = entry.table.flag("log_x", false);
    if log_x {
        must_be_above_zero(entry, x.as_ref());
    }
    FigureKind::Line(LineSettings {
        intervals: entry.table.word("intervals", IntervalStyle::Bars, INTERVALS),
        log_x,
        threshold: entry.threshold("threshold", &value),
        x: x.unwrap_or_default(),
        value,
        series,
        at,
    })
}

pub(super) fn scatter(entry: &mut Entry<'_, '_>) -> FigureKind {
    let x = match entry.table.value("x") {
        Some(written) => entry.column("x", written),
        None => {
            let problem = Problem::new(format!("the figure \"{}\" lacks `x`", entry.name)).at(&entry.value.origin);
            let problem = problem.expected("`x` in this table");
            entry.table.push(problem.help("name the column along the axis, say\n  x = \"latency_s\""));
            None
        }
    };
    let value = entry.one_value();
    let columns = [x.unwrap_or_else(|| value.clone()), value];
    let [of_runs, others] = columns.each_ref().map(|column| entry.is_of_runs(std::slice::from_ref(column)));
    if of_runs != others {
        let [x, value] = &columns;
        let problem = Problem::new(format!("`{x}` and `{value}` are columns of different tables"));
        let problem = problem.expected("two columns of requests.csv, or two of runs.csv");
        entry.push_at("x", problem.help("a request has no number of its run, nor a run one of its requests"));
    }
    let Shared { series, at } = shared(entry, None, &columns);
    let threshold = entry.threshold("threshold", &columns[1..]);
    let [x, value] = columns;
    FigureKind::Scatter(ScatterSettings { x, value, series, at, threshold })
}

pub(super) fn cdf(entry: &mut Entry<'_, '_>) -> FigureKind {
    let before = entry.table.problem_count();
    let value = entry.one_value();
    let Shared { series, at } = shared(entry, None, std::slice::from_ref(&value));
    must_show_all(entry, before, None, series.as_ref(), &at);
    FigureKind::Cdf(CdfSettings { value, series, at })
}

pub(super) fn boxes(entry: &mut Entry<'_, '_>) -> FigureKind {
    let before = entry.table.problem_count();
    let x = entry.needed_field("x", "axis");
    let value = entry.one_value();
    let columns = std::slice::from_ref(&value);
    let Shared { series, at } = shared(entry, x.as_ref(), columns);
    must_show_all(entry, before, x.as_ref(), series.as_ref(), &at);
    let threshold = entry.threshold("threshold", columns);
    FigureKind::Box(BoxSettings { x: x.unwrap_or_default(), value, series, at, threshold })
}

/// What lines, points, curves and boxes have in common.
struct Shared {
    series: Option<String>,
    at: Vec<crate::scenario::Coordinate>,
}

fn shared(entry: &mut Entry<'_, '_>, x: Option<&String>, columns: &[String]) -> Shared {
    entry.must_have_devices(columns);
    let of_runs = entry.is_of_runs(columns);
    let series = entry.series(x, of_runs);
    let at = entry.at(&[x, series.as_ref()]);
    Shared { series, at }
}

/// A logarithmic axis has no place for zero.
fn must_be_above_zero(entry: &mut Entry<'_, '_>, x: Option<&String>) {
    let below = x.and_then(|x| entry.axis(x)).and_then(|axis| {
        let is_below = |data: &Data| match data {
            Data::Integer(number) => *number <= 0,
            Data::Float(number) => *number <= 0.0,
            _ => false,
        };
        let value = axis.values.iter().find(|value| is_below(&value.data))?;
        Some(format!("`log_x` has no place for \"{}\" = {value}", axis.path))
    });
    if let Some(message) = below {
        let problem = Problem::new(message).expected("values above 0 along `x`");
        entry.push_at("log_x", problem.help("take the line away, or the value out of the sweep"));
    }
}

/// Notes swept fields whose points a figure would mix; what is wrong in its other keys is said first.
fn must_show_all(
    entry: &mut Entry<'_, '_>,
    problems_before: usize,
    x: Option<&String>,
    series: Option<&String>,
    at: &[crate::scenario::Coordinate],
) {
    if entry.table.problem_count() == problems_before {
        entry.must_show_all(x, series, at);
    }
}
