//! A range of values in place of their list: `{ from = 0.005, to = 0.15, points = 6 }`, or
//! `{ from = 2, to = 8, step = 2 }`.

use super::MAXIMUM_POINTS;
use super::spacing::{self, Number};
use crate::scenario::error::Problem;
use crate::scenario::source::Origin;
use crate::scenario::tree::{Data, Entry, Table, Value};
use crate::scenario::words::nearest;

/// What a range may say.
pub(super) const KEYS: [&str; 5] = ["from", "to", "step", "points", "log"];

const EXAMPLE: &str = "{ from = 0.01, to = 0.1, points = 10 }";

/// Whole numbers that a field can take.
const WHOLE: std::ops::RangeInclusive<i128> = i64::MIN as i128..=u64::MAX as i128;

/// How the values lie between the ends.
enum Spacing {
    Step(Number),
    Points(usize),
    Ratio(usize),
}

/// The values of the range `table`, which stands at `origin` for the field `path`.
pub(super) fn values(path: &str, table: &Table, origin: &Origin) -> Result<Vec<Value>, Vec<Problem>> {
    let mut reader = Reader { path, table, origin, problems: Vec::new() };
    reader.refuse_unknown_keys();
    let from = reader.end("from");
    let to = reader.end("to");
    let spacing = reader.spacing();
    let numbers = match (from, to, spacing) {
        (Some(from), Some(to), Some(spacing)) if reader.problems.is_empty() => reader.numbers(from, to, spacing),
        _ => None,
    };
    let value = |number| Value {
        data: match number {
            Number::Whole(number) => Data::Integer(number),
            Number::Fractional(number) => Data::Float(number),
        },
        origin: origin.clone(),
    };
    numbers.map(|numbers| numbers.into_iter().map(value).collect()).ok_or(reader.problems)
}

/// Reads a range and collects what is wrong with it.
struct Reader<'a> {
    path: &'a str,
    table: &'a Table,
    origin: &'a Origin,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn refuse_unknown_keys(&mut self) {
        for Entry { key, origin, .. } in self.table.entries.iter().filter(|entry| !KEYS.contains(&entry.key.as_str())) {
            let problem = Problem::new(format!("unknown key `{key}` in the range of `{}`", self.path)).at(origin);
            let problem = problem.expected(format!("one of {}", KEYS.join(", ")));
            self.problems.push(match nearest(key, KEYS) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help(format!("a range reads {EXAMPLE}")),
            });
        }
    }

    /// Notes a problem with the value under `key`, or with the range as a whole where the key is missing.
    fn fault(&mut self, key: &str, message: String, expected: &str, help: &str) {
        let origin = self.table.get(key).map_or(self.origin, |value| &value.origin);
        self.problems.push(Problem::new(message).at(origin).expected(expected).help(help));
    }

    fn end(&mut self, key: &str) -> Option<Number> {
        if self.table.get(key).is_none() {
            let message = format!("the range of `{}` lacks `{key}`", self.path);
            self.fault(key, message, "`from` and `to`", &format!("write {EXAMPLE}"));
            return None;
        }
        self.number(key)
    }

    fn number(&mut self, key: &str) -> Option<Number> {
        let value = self.table.get(key)?;
        let (message, help) = match value.data {
            Data::Integer(number) if WHOLE.contains(&number) => return Some(Number::Whole(number)),
            Data::Integer(number) => return Some(Number::Fractional(number as f64)),
            Data::Float(number) if number.is_finite() => return Some(Number::Fractional(number)),
            Data::Float(_) => (format!("`{key}` = {value} is not a finite number"), "give the range an end".to_owned()),
            _ => {
                let message = format!("`{key}` is {}", value.kind());
                (message, format!("what is no number is swept as a list: \"{}\" = [ … ]", self.path))
            }
        };
        self.fault(key, message, "a number", &help);
        None
    }

    fn spacing(&mut self) -> Option<Spacing> {
        let log = match self.table.get("log").map(|value| (value, &value.data)) {
            None => false,
            Some((_, Data::Boolean(log))) => *log,
            Some((value, _)) => {
                let message = format!("`log` is {}", value.kind());
                self.fault("log", message, "true or false", "log = true puts the points in equal ratios");
                return None;
            }
        };
        match (self.table.get("step"), self.table.get("points")) {
            (None, None) => {
                let message = format!("the range of `{}` has neither `step` nor `points`", self.path);
                self.fault("step", message, "one of the two", &format!("write {EXAMPLE}, or a `step` for `points`"));
                None
            }
            (Some(_), Some(_)) => {
                let message = format!("the range of `{}` has a `step` and `points`", self.path);
                self.fault("points", message, "one of the two", "take one away: each follows from the other");
                None
            }
            (Some(_), None) if log => {
                let message = "`log` = true does not go with a `step`".to_owned();
                self.fault("log", message, "`points` beside it", "say how many `points` there are, or take `log` away");
                None
            }
            (Some(_), None) => self.number("step").map(Spacing::Step),
            (None, Some(points)) => {
                let points = self.points(points)?;
                Some(if log { Spacing::Ratio(points) } else { Spacing::Points(points) })
            }
        }
    }

    fn points(&mut self, value: &Value) -> Option<usize> {
        let expected = format!("a whole number from 1 to {MAXIMUM_POINTS}");
        let (message, help) = match value.data {
            Data::Integer(points) if (1..=i128::from(MAXIMUM_POINTS)).contains(&points) => {
                return Some(points as usize);
            }
            Data::Integer(points) => (format!("`points` = {points} is out of range"), "both ends count as points"),
            _ => (format!("`points` is {}", value.kind()), "write it without point, exponent and quotes"),
        };
        self.fault("points", message, &expected, help);
        None
    }

    /// The numbers of a range whose keys are right; what remains is how they go together.
    fn numbers(&mut self, from: Number, to: Number, spacing: Spacing) -> Option<Vec<Number>> {
        let span = to.as_f64() - from.as_f64();
        if !span.is_finite() {
            let message = format!("the range of `{}` is too wide", self.path);
            self.fault("to", message, "ends whose distance is a finite number", "bring the ends closer together");
            return None;
        }
        let numbers = match spacing {
            Spacing::Step(step) => self.by_step(from, to, step)?,
            Spacing::Points(points) => {
                self.ends_make(points, span)?;
                spacing::by_points(from, to, points)
            }
            Spacing::Ratio(points) => {
                self.ends_make(points, span)?;
                self.are_above_zero(from, to)?;
                spacing::by_ratio(from, to, points)
            }
        };
        if numbers.windows(2).any(|pair| pair[0] == pair[1]) {
            let message = format!("the range of `{}` is so narrow that its values are the same", self.path);
            self.fault(
                "to",
                message,
                "values that differ in their first 12 digits",
                "take fewer points or wider steps",
            );
            return None;
        }
        Some(numbers)
    }

    fn by_step(&mut self, from: Number, to: Number, step: Number) -> Option<Vec<Number>> {
        let span = to.as_f64() - from.as_f64();
        let width = step.as_f64();
        let written = self.table.get("step").map(Value::to_string).unwrap_or_default();
        if width == 0.0 {
            let message = format!("`step` = {written} leads nowhere");
            self.fault("step", message, "a number other than 0", "say how far the values are apart");
            return None;
        }
        if span != 0.0 && (span < 0.0) != (width < 0.0) {
            let (way, sign) = if span > 0.0 { ("above", "above 0") } else { ("below", "below 0") };
            let message = format!("`step` = {written} leads away from `to`, which is {way} `from`");
            self.fault("step", message, &format!("a number {sign}"), "turn its sign, or swap `from` and `to`");
            return None;
        }
        let (count, _) = spacing::count_by_step(from, to, step);
        if count > f64::from(MAXIMUM_POINTS) {
            let message = format!("`step` = {written} makes {count:.0} values");
            let expected = format!("a step that makes at most {MAXIMUM_POINTS}");
            self.fault("step", message, &expected, "take wider steps, or bring the ends closer together");
            return None;
        }
        Some(spacing::by_step(from, to, step))
    }

    /// One point for ends that are the same, at least two for ends that are not.
    fn ends_make(&mut self, points: usize, span: f64) -> Option<()> {
        let (message, expected, help) = match (span == 0.0, points) {
            (true, 1) => return Some(()),
            (false, 2..) => return Some(()),
            (true, _) => (
                format!("`from` and `to` are the same, but `points` = {points}"),
                "1 point between equal ends",
                "move one of the ends, or write points = 1",
            ),
            (false, _) => (
                "`points` = 1 cannot be both `from` and `to`".to_owned(),
                "at least 2 points",
                "both ends count as points; sweep a single value as a list of one",
            ),
        };
        self.fault("points", message, expected, help);
        None
    }

    fn are_above_zero(&mut self, from: Number, to: Number) -> Option<()> {
        for (key, end) in [("from", from), ("to", to)] {
            if end.as_f64() <= 0.0 {
                let written = self.table.get(key).map(Value::to_string).unwrap_or_default();
                let message = format!("`{key}` = {written} does not go with `log` = true");
                self.fault(key, message, "a number above 0", "equal ratios need both ends above 0; or take `log` away");
                return None;
            }
        }
        Some(())
    }
}
