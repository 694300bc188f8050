//! The measured values along one input, and where a number lies among them.

/// Different numbers in ascending order, at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    values: Vec<f64>,
}

/// Between two neighbours of an axis.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Place {
    below: usize,
    above: usize,
    /// Of the way from below to above, in [0, 1].
    part: f64,
}

impl Axis {
    pub fn of(numbers: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = numbers.collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        Self { values }
    }

    pub fn values(&self) -> &[f64] {
        &self.values
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Of a number that is one of the axis.
    pub fn index(&self, number: f64) -> Option<usize> {
        self.values.iter().position(|value| *value == number)
    }

    /// Where a number lies; beyond the ends it is taken for the end.
    pub fn place(&self, number: f64) -> Place {
        let above = self.values.partition_point(|value| *value < number);
        if above == 0 {
            return Place::default();
        }
        if above == self.values.len() {
            return Place { below: above - 1, above: above - 1, part: 0.0 };
        }
        let (low, high) = (self.values[above - 1], self.values[above]);
        Place { below: above - 1, above, part: (number - low) / (high - low) }
    }
}

impl Place {
    /// One neighbour with its weight.
    pub fn end(self, is_above: bool) -> (usize, f64) {
        if is_above { (self.above, self.part) } else { (self.below, 1.0 - self.part) }
    }
}
