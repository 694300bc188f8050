//! Numbers at equal distances, or in equal ratios.
//!
//! The ends are exactly what was written. A number between them is rounded to twelve significant digits — of the
//! larger end at equal distances, of its own in equal ratios — so that 0.1 + 2 · 0.1 is 0.3 and prints so.

/// A number as it was written: whole ones have neither point nor exponent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// Of 64 bits at most, so that nothing below overflows.
    Whole(i128),
    Fractional(f64),
}

const SIGNIFICANT_DIGITS: i32 = 12;

/// How far a number of steps may be from a whole one and still hit the end, in steps or relative to their number.
const STEP_TOLERANCE: (f64, f64) = (1e-9, 1e-12);

impl Number {
    pub(super) fn as_f64(self) -> f64 {
        match self {
            Self::Whole(number) => number as f64,
            Self::Fractional(number) => number,
        }
    }
}

/// `points` numbers at equal distances: whole ones where the ends are whole and the distance is.
///
/// At least two points, or one between equal ends.
pub(super) fn by_points(from: Number, to: Number, points: usize) -> Vec<Number> {
    let gaps = (points - 1).max(1);
    if let (Number::Whole(first), Number::Whole(last)) = (from, to)
        && (last - first) % gaps as i128 == 0
    {
        let step = (last - first) / gaps as i128;
        return (0..points as i128).map(|index| Number::Whole(first + index * step)).collect();
    }
    let (first, last) = (from.as_f64(), to.as_f64());
    let fractional = |index: usize| first + (last - first) * (index as f64 / gaps as f64);
    between(first, last, points, fractional)
}

/// How many numbers `step` makes from `from` to `to`, and whether it hits `to`; the step leads towards `to`.
pub(super) fn count_by_step(from: Number, to: Number, step: Number) -> (f64, bool) {
    if let (Number::Whole(first), Number::Whole(last), Number::Whole(step)) = (from, to, step) {
        return (((last - first) / step) as f64 + 1.0, (last - first) % step == 0);
    }
    let steps = (to.as_f64() - from.as_f64()) / step.as_f64();
    let tolerance = STEP_TOLERANCE.0.max(STEP_TOLERANCE.1 * steps);
    let hits = (steps - steps.round()).abs() <= tolerance;
    (if hits { steps.round() } else { steps.floor() } + 1.0, hits)
}

/// Numbers from `from` on, `step` apart, as many as [`count_by_step`] says: whole ones where all three are.
pub(super) fn by_step(from: Number, to: Number, step: Number) -> Vec<Number> {
    let (count, hits) = count_by_step(from, to, step);
    let count = count as usize;
    if let (Number::Whole(first), Number::Whole(_), Number::Whole(step)) = (from, to, step) {
        return (0..count as i128).map(|index| Number::Whole(first + index * step)).collect();
    }
    let (first, last, step) = (from.as_f64(), to.as_f64(), step.as_f64());
    let fractional = |index: usize| first + index as f64 * step;
    if hits {
        return between(first, last, count, fractional);
    }
    let decimals = decimals_of(first.abs().max(last.abs()));
    let (low, high) = (first.min(last), first.max(last));
    let rest = (1..count).map(|index| round_to(fractional(index), decimals).clamp(low, high));
    std::iter::once(first).chain(rest).map(Number::Fractional).collect()
}

/// `points` numbers in equal ratios, both ends above zero: whole ones where all of them are.
///
/// At least two points, or one between equal ends.
pub(super) fn by_ratio(from: Number, to: Number, points: usize) -> Vec<Number> {
    let gaps = (points - 1).max(1) as f64;
    let (first, last) = (from.as_f64(), to.as_f64());
    let (low, high) = (libm::log(first), libm::log(last));
    let numbers: Vec<f64> = (0..points)
        .map(|index| match index {
            0 => first,
            _ if index + 1 == points => last,
            _ => significant(libm::exp(low + (high - low) * (index as f64 / gaps))),
        })
        .collect();
    if let (Number::Whole(first), Number::Whole(last)) = (from, to)
        && let Some(whole) = whole_ratios(&numbers, first, last)
    {
        return whole.into_iter().map(Number::Whole).collect();
    }
    numbers.into_iter().map(Number::Fractional).collect()
}

/// The numbers as whole ones, if they are whole and each is to its neighbours as the ratio demands.
fn whole_ratios(numbers: &[f64], first: i128, last: i128) -> Option<Vec<i128>> {
    let mut whole: Vec<i128> = numbers.iter().map(|number| *number as i128).collect();
    *whole.first_mut()? = first;
    *whole.last_mut()? = last;
    let is_ratio = |three: &[i128]| {
        three[1].checked_mul(three[1]).is_some_and(|square| three[0].checked_mul(three[2]) == Some(square))
    };
    let fits = numbers.iter().all(|number| number.fract() == 0.0) && whole.windows(3).all(is_ratio);
    fits.then_some(whole)
}

/// `count` numbers with the ends as they are and the rest rounded.
fn between(first: f64, last: f64, count: usize, fractional: impl Fn(usize) -> f64) -> Vec<Number> {
    let decimals = decimals_of(first.abs().max(last.abs()));
    let number = |index: usize| match index {
        0 => first,
        _ if index + 1 == count => last,
        _ => round_to(fractional(index), decimals),
    };
    (0..count).map(number).map(Number::Fractional).collect()
}

/// The decimal exponent of a number's first digit.
fn exponent_of(number: f64) -> i32 {
    let written = format!("{number:e}");
    written.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0)
}

/// How many decimals of a number of this size are significant; below zero, the last digits before the point are not.
fn decimals_of(size: f64) -> i32 {
    SIGNIFICANT_DIGITS - 1 - exponent_of(size)
}

/// To so many decimals, as decimal digits read: the result prints short.
fn round_to(number: f64, decimals: i32) -> f64 {
    let after_first = exponent_of(number) + decimals;
    if number == 0.0 || after_first < 0 {
        return 0.0;
    }
    digits(number, after_first as usize)
}

fn significant(number: f64) -> f64 {
    digits(number, SIGNIFICANT_DIGITS as usize - 1)
}

/// The number of so many digits after the first one that is nearest to `number`.
fn digits(number: f64, after_first: usize) -> f64 {
    format!("{number:.after_first$e}").parse().unwrap_or(number)
}
