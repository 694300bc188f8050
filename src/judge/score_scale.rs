//! The marks an agent may give.

/// Whole marks from the lowest to the highest; `lowest < highest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ScoreScale {
    pub lowest: i32,
    pub highest: i32,
}

impl ScoreScale {
    /// The part of the way from the lowest mark to the highest; `None` for a mark off the scale.
    pub fn to_unit(self, mark: f64) -> Option<f64> {
        let (lowest, highest) = (f64::from(self.lowest), f64::from(self.highest));
        (lowest..=highest).contains(&mark).then(|| (mark - lowest) / (highest - lowest))
    }

    /// Every mark, from the lowest.
    pub fn marks(self) -> impl Iterator<Item = i32> {
        self.lowest..=self.highest
    }
}
