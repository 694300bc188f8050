//! Curves of several seeds at the same x.
//!
//! Seeds that were evaluated at the same updates have the same wall times by chance only. Between two evaluations a
//! curve is taken as straight; after its last it is level.

/// A figure does not show more columns than this.
const MOST_COLUMNS: usize = 200;

/// Curves in the order of their x, and where they are all read.
pub(super) struct CurveGrid {
    /// Each with at least one point.
    seeds: Vec<Vec<(f64, f64)>>,
    xs: Vec<f64>,
}

impl CurveGrid {
    /// The grid begins where the last of the seeds begins, so that all have a number, and ends where the longest ends. It
    /// is at all their x or, where these are too many, at equal distances.
    ///
    /// # Errors
    /// A seed and what is wrong with it. No seeds at all have a seed 0 without evaluations.
    pub fn of(seeds: &[Vec<(f64, f64)>]) -> Result<Self, (usize, &'static str)> {
        if seeds.is_empty() {
            return Err((0, "no evaluations"));
        }
        let mut sorted = seeds.to_vec();
        for (seed, points) in sorted.iter_mut().enumerate() {
            if points.is_empty() {
                return Err((seed, "no evaluations"));
            }
            if points.iter().any(|(x, y)| !x.is_finite() || !y.is_finite()) {
                return Err((seed, "an evaluation that is not finite"));
            }
            points.sort_by(|one, other| one.0.total_cmp(&other.0));
        }
        let from = sorted.iter().map(|points| points[0].0).fold(f64::NEG_INFINITY, f64::max);
        let mut xs: Vec<f64> = sorted.iter().flatten().map(|point| point.0).filter(|x| *x >= from).collect();
        xs.sort_by(f64::total_cmp);
        xs.dedup();
        if xs.len() > MOST_COLUMNS {
            let to = xs[xs.len() - 1];
            let part = |at: usize| at as f64 / (MOST_COLUMNS - 1) as f64;
            xs = (0..MOST_COLUMNS).map(|at| from + part(at) * (to - from)).collect();
        }
        Ok(Self { seeds: sorted, xs })
    }

    /// Each x with the number of every seed there.
    pub fn columns(&self) -> impl Iterator<Item = (f64, Vec<f64>)> {
        self.xs.iter().map(|&x| (x, self.seeds.iter().map(|points| read(points, x)).collect()))
    }

    pub fn into_seeds(self) -> Vec<Vec<(f64, f64)>> {
        self.seeds
    }
}

/// A curve, which is not empty and begins at or before `x`, at `x`.
fn read(points: &[(f64, f64)], x: f64) -> f64 {
    let after = points.partition_point(|point| point.0 <= x);
    let (x0, y0) = points[after.max(1) - 1];
    match points.get(after) {
        Some(&(x1, y1)) if x > x0 => y0 + (x - x0) / (x1 - x0) * (y1 - y0),
        _ => y0,
    }
}
