//! From numbers to positions along an axis, and where its ticks stand.

/// A linear axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LinearScale {
    /// Numbers at both ends; `from` < `to`.
    pub from: f64,
    pub to: f64,
    /// Positions of both ends [points].
    pub start: f64,
    pub end: f64,
}

impl LinearScale {
    /// Where a number stands [points].
    pub fn position(&self, number: f64) -> f64 {
        self.start + (number - self.from) / (self.to - self.from) * (self.end - self.start)
    }
}

/// An axis of numbers or, where it is logarithmic, of their orders of magnitude.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NumberScale {
    /// Of numbers, or of their decimal logarithms.
    linear: LinearScale,
    log: bool,
}

impl NumberScale {
    /// The axis from the number `from`, at the position `start`, to the number `to`, at `end` [points]. On a logarithmic
    /// axis all numbers must be positive.
    pub fn new((from, to): (f64, f64), (start, end): (f64, f64), log: bool) -> Self {
        let along = |number: f64| if log { number.log10() } else { number };
        Self { linear: LinearScale { from: along(from), to: along(to), start, end }, log }
    }

    /// Where a number stands [points].
    pub fn position(&self, number: f64) -> f64 {
        self.linear.position(if self.log { number.log10() } else { number })
    }
}

/// The distance of round ticks (1, 2 or 5 times a power of ten), so that about `wanted` of them fill `from..to`.
pub fn round_step(from: f64, to: f64, wanted: usize) -> f64 {
    let raw = (to - from).max(f64::MIN_POSITIVE) / wanted.max(1) as f64;
    let power = 10f64.powf(raw.log10().floor());
    let leading = raw / power;
    let round = [1.0, 2.0, 5.0].into_iter().find(|step| leading <= step * 1.000_001);
    round.unwrap_or(10.0) * power
}

/// Round ticks from the first at or below `from` to the first at or above `to`: the numbers at both ends of an axis that
/// holds all data. A single number gets an axis around it.
pub fn round_ticks(from: f64, to: f64, wanted: usize) -> Vec<f64> {
    let (from, to) = match to > from {
        true => (from, to),
        false => (from - 0.5 * from.abs().max(1e-3), to + 0.5 * to.abs().max(1e-3)),
    };
    let step = round_step(from, to, wanted);
    // Rounding errors must not add a tick beyond an end that is round itself.
    let first = (from / step + 1e-6).floor() as i64;
    let last = (to / step - 1e-6).ceil() as i64;
    (first..=last).map(|count| count as f64 * step).collect()
}

/// Ticks of a logarithmic axis between two positive numbers, those first that matter most: powers of ten, then 2 and 5
/// times these. An axis that is too short for two of them gets ticks as a linear one does.
pub fn log_ticks(from: f64, to: f64) -> Vec<f64> {
    let (first, last) = (from.log10().floor() as i32, to.log10().ceil() as i32);
    let inside = |tick: &f64| (from * (1.0 - 1e-9)..=to * (1.0 + 1e-9)).contains(tick);
    let mut ticks: Vec<f64> = Vec::new();
    for leading in [1.0, 5.0, 2.0] {
        // Through text, since 10⁻³ is not the product of three tenths.
        let power =
            |exponent: i32| format!("{leading}e{exponent}").parse().expect("a digit and an exponent are a number");
        ticks.extend((first..=last).map(power).filter(inside));
    }
    if ticks.len() < 2 {
        ticks = round_ticks(from, to, 4);
        ticks.retain(inside);
    }
    ticks
}
