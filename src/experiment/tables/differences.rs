//! `differences.csv`: what changing one swept field does, under common random numbers.
//!
//! All points see the same channels, start latents and people, so two points are compared replication by replication: the
//! difference scatters less than either point does. Each point is compared, along each dimension of the sweep, with the
//! point at the dimension's first value.
//!
//! ```text
//!            BEP 0.5 %   2 %   4 %
//!  t0 = 2        ●◄───────○─────○        one comparison per arrow's tail: with the first along this dimension
//!  t0 = 3        ●◄───────○─────○        (and up, with t0 = 2)
//! ```

use std::collections::HashMap;

use super::TableLayout;
use super::observations::{Owner, Quantity, Values};
use crate::experiment::statistics::PairedDifference;
use crate::report::{Cell, Column};
use crate::scenario::Grid;

/// Numbers of runs that are compared; all but the first two are of runs in time.
const COMPARED_OF_RUNS: [&str; 9] = [
    "sum_qoe",
    "total_j",
    "latency_s",
    "latency_p95_s",
    "throughput_hz",
    "hit_rate",
    "drop_rate",
    "mean_qoe",
    "energy_per_picture_j",
];

/// Quantities that are compared: the objective, the pictures, time and energy.
fn is_compared(quantity: &Quantity) -> bool {
    let name = quantity.name.as_str();
    match quantity.owner {
        Owner::Device(_) => {
            name == "qoe"
                || name == "latency_s"
                || ["qoe_", "ssim_", "mse_"].iter().any(|start| name.starts_with(start))
        }
        Owner::Network => COMPARED_OF_RUNS.contains(&name),
    }
}

/// The columns of `differences.csv`.
pub fn columns(layout: &TableLayout) -> Vec<Column> {
    let mut columns = layout.point_columns();
    columns.extend(
        [
            ("field", "the swept field, or fields that vary together, in which the two points differ"),
            ("against", "index of the point that is subtracted: the one at the first value of `field`"),
            ("device", "name of the device, or `network` for the whole run"),
            ("quantity", "what is compared; the unit is in the name"),
            ("n", "replications in which both points gave a value"),
            ("left_out", "replications in which only one or none of them did"),
            ("mean_difference", "mean of this point minus the other, replication by replication"),
            ("standard_deviation", "sample standard deviation of the differences; blank for n < 2"),
            ("low_95", "lower end of the 95 % interval of the mean difference (paired Student's t); blank for n < 2"),
            ("high_95", "upper end of it"),
            ("correlation", "correlation of the two points over replications; blank where one of them does not vary"),
            (
                "variance_ratio",
                "variance of the differences over that of independent runs: below 1 is what common random numbers save",
            ),
        ]
        .map(|(name, meaning)| Column::new(name, meaning)),
    );
    columns
}

/// The points that later ones are compared with.
pub struct Differences {
    grid: Grid,
    fields: Vec<String>,
    /// Replications and numbers of points at the first value of some dimension.
    kept: HashMap<usize, (Vec<u32>, Vec<Quantity>)>,
}

impl Differences {
    pub fn new(grid: Grid) -> Self {
        let fields = grid.dimensions().into_iter().map(|dimension| dimension.paths.join(" & ")).collect();
        Self { grid, fields, kept: HashMap::new() }
    }

    /// The rows of one point, whose quantities have one value for each of `replications`. Points come in the order of their
    /// indices; `cells` are those of [`TableLayout::point_columns`].
    pub fn rows(
        &mut self,
        index: usize,
        cells: &[Cell],
        replications: &[u32],
        quantities: &[Quantity],
    ) -> Vec<Vec<Cell>> {
        let compared: Vec<Quantity> = quantities.iter().filter(|quantity| is_compared(quantity)).cloned().collect();
        let positions = self.grid.positions(index);
        let mut rows = Vec::new();
        for (dimension, field) in self.fields.iter().enumerate() {
            let mut first = positions.clone();
            if std::mem::take(&mut first[dimension]) == 0 {
                continue;
            }
            let against = self.grid.index_of(&first);
            // Missing where every run of it failed.
            let Some((of_other, others)) = self.kept.get(&against) else { continue };
            // A run that failed has no number: pairs are of one replication, not of one position.
            let partners: Vec<Option<usize>> =
                replications.iter().map(|replication| of_other.binary_search(replication).ok()).collect();
            for (quantity, other) in compared.iter().zip(others) {
                let (Values::Numbers(own), Values::Numbers(others)) = (&quantity.values, &other.values) else {
                    continue;
                };
                let is_same = quantity.name == other.name && quantity.owner == other.owner;
                let partner = |at: &Option<usize>| at.and_then(|at| others[at]);
                let pairs = own.iter().copied().zip(partners.iter().map(partner));
                let Some(difference) = PairedDifference::of(pairs).ok().filter(|_| is_same) else { continue };
                let mut row = cells.to_vec();
                row.extend([field.as_str().into(), against.into(), quantity.owner.name().into()]);
                row.extend([quantity.name.as_str().into(), difference.n.into(), difference.left_out.into()]);
                row.extend([difference.mean.into(), difference.standard_deviation.into()]);
                row.push(difference.half_width_95.map(|half| difference.mean - half).into());
                row.push(difference.half_width_95.map(|half| difference.mean + half).into());
                row.extend([difference.correlation.into(), difference.variance_ratio.into()]);
                rows.push(row);
            }
        }
        let lengths = self.grid.dimensions().into_iter().map(|dimension| dimension.len);
        if positions.iter().zip(lengths).any(|(position, length)| *position == 0 && length > 1) {
            self.kept.insert(index, (replications.to_vec(), compared));
        }
        rows
    }
}
