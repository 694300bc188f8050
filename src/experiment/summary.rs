//! `summary.csv`: what the replications of each point say together.
//!
//! Long form: one row per point, device and quantity, with mean, spread, 95 % interval and n. Failed pictures have no
//! metrics; `n` says how many observations are behind a mean.

use super::budget::{EnergyTotals, Savings};
use super::scores::{PersonaScores, RunQuality};
use super::statistics::{Summary, SummaryError};
use super::study::Run;
use super::tables::{StudyData, coordinate_cells, coordinate_columns};
use crate::network::UserRecord;
use crate::network::bench::SimulatedUser;
use crate::report::{Cell, Column, ReportError, Table};
use crate::scenario::{JudgeKind, PictureReference};

/// A number of one user of one run; `None` where it does not apply.
type UserQuantity = (&'static str, fn(&UserRecord) -> Option<f64>);

const USER_QUANTITIES: &[UserQuantity] = &[
    ("bit_error_probability", |user| user.link.as_ref().map(|link| link.bit_error_probability)),
    ("airtime_s", |user| user.link.as_ref().map(|link| link.airtime_s)),
    ("latency_s", |user| Some(user.finished_s - user.arrival_s)),
    ("compute_energy_j", |user| Some(user.device_compute_j)),
];

/// A number of a whole run.
type RunQuantity = (&'static str, fn(&EnergyTotals, &Savings) -> f64);

const RUN_QUANTITIES: &[RunQuantity] = &[
    ("server_compute_j", |totals, _| totals.server_compute_j),
    ("server_radio_j", |totals, _| totals.server_radio_j),
    ("device_compute_j", |totals, _| totals.device_compute_j),
    ("device_radio_j", |totals, _| totals.device_radio_j),
    ("total_j", |totals, _| totals.total_j()),
    ("device_side_saving_j", |_, savings| savings.device_side_j),
    ("server_side_saving_j", |_, savings| savings.server_side_j),
    ("network_wide_saving_j", |_, savings| savings.network_wide_j),
];

/// A number of a run's quality of experience; `None` where it has none.
type QualityQuantity = (&'static str, fn(&RunQuality) -> Option<f64>);

const QUALITY_QUANTITIES: &[QualityQuantity] = &[
    ("sum_qoe", |quality| quality.sum),
    ("qoe_outages", |quality| Some(quality.outages as f64)),
    ("failed_scores", |quality| Some(quality.failed_scores as f64)),
];

/// One row per point, device (or the whole network) and quantity.
pub fn summary(data: &StudyData<'_>) -> Result<Table, ReportError> {
    let mut columns = coordinate_columns(data);
    columns.extend(
        [
            ("device", "name of the device, or `network` for the whole run"),
            ("quantity", "what the numbers are of; the unit is in the name, see requests.csv and runs.csv"),
            ("n", "replications that gave a value; a failed picture gives none"),
            ("mean", "mean over these, in the quantity's unit"),
            ("standard_deviation", "sample standard deviation, in the same unit; blank for n < 2"),
            ("half_width_95", "half of the 95 % interval of the mean (Student's t), in the same unit; blank for n < 2"),
        ]
        .map(|(name, meaning)| Column::new(name, meaning)),
    );
    let mut table = Table::new(columns)?;
    for (point, settings) in data.points.iter().enumerate() {
        let of_point = || data.study.runs.iter().enumerate().filter(|(_, run)| run.point == point);
        let runs: Vec<&Run> = of_point().map(|(_, run)| run).collect();
        let makes_pictures = settings.scenario.makes_pictures();
        let mut row = |device: &str, quantity: &str, values: &[f64]| -> Result<(), ReportError> {
            let mut cells = coordinate_cells(data, point);
            cells.extend([device.into(), quantity.into()]);
            cells.extend(summary_cells(values));
            table.push(cells)
        };
        for (index, device) in settings.scenario.devices.iter().enumerate() {
            let users: Vec<&SimulatedUser> =
                runs.iter().flat_map(|run| &run.users).filter(|user| user.record.device == index).collect();
            for (name, quantity) in USER_QUANTITIES {
                row(&device.name, name, &observed(&users, |user| quantity(&user.record)))?;
            }
            for &against in settings.scenario.diffusion.metrics_against.iter().filter(|_| makes_pictures) {
                let suffix = against.column_suffix();
                let metric = |select: fn(&crate::diffusion::PictureMetrics) -> f64| {
                    observed(&users, |user| metric_of(data, user, against, select))
                };
                // PSNR is infinite for equal pictures and has no mean: see the MSE.
                row(&device.name, &format!("mse_{suffix}"), &metric(|metrics| metrics.mse))?;
                row(&device.name, &format!("ssim_{suffix}"), &metric(|metrics| metrics.ssim))?;
            }
            if makes_pictures {
                let failed = |user: &&SimulatedUser| f64::from(data.values.failure_of(&user.record).is_some());
                row(&device.name, "failed_pictures", &users.iter().map(failed).collect::<Vec<_>>())?;
            }
            if settings.scenario.judge.kind != JudgeKind::None {
                for (quantity, values) in qualities(data, of_point().map(|(run, _)| run), index) {
                    row(&device.name, &quantity, &values)?;
                }
            }
        }
        let totals: Vec<(EnergyTotals, Savings)> = runs
            .iter()
            .map(|run| {
                let totals = EnergyTotals::of(&run.ledger);
                let records: Vec<&UserRecord> = run.users.iter().map(|user| &user.record).collect();
                (totals, Savings::of(&settings.scenario, &records, &totals))
            })
            .collect();
        for (name, quantity) in RUN_QUANTITIES {
            let values: Vec<f64> = totals.iter().map(|(totals, savings)| quantity(totals, savings)).collect();
            row("network", name, &values)?;
        }
        if settings.scenario.judge.kind != JudgeKind::None {
            let threshold = settings.scenario.judge.qoe_threshold;
            let qualities: Vec<RunQuality> =
                of_point().filter_map(|(run, _)| data.scores.quality_of(run, threshold)).collect();
            for (name, quantity) in QUALITY_QUANTITIES {
                row("network", name, &qualities.iter().filter_map(quantity).collect::<Vec<_>>())?;
            }
        }
    }
    Ok(table)
}

/// Quality of experience of one device over the replications: its user's, then each panel persona's.
fn qualities(data: &StudyData<'_>, runs: impl Iterator<Item = usize>, device: usize) -> Vec<(String, Vec<f64>)> {
    let mut quantities: Vec<(String, Vec<f64>)> = vec![("qoe".to_owned(), Vec::new())];
    for run in runs {
        let simulated = &data.study.runs[run];
        let panel = &data.points[simulated.point].scenario.judge.panel;
        quantities.resize_with(panel.len() + 1, Default::default);
        for (user, personas) in simulated.users.iter().zip(data.scores.run(run)) {
            if user.record.device != device {
                continue;
            }
            let own = personas.first().and_then(PersonaScores::quality_of_experience);
            quantities[0].1.extend(own);
            for ((name, values), persona) in quantities[1..].iter_mut().zip(panel) {
                *name = format!("qoe_{}", persona.name);
                let scores = personas.iter().find(|scores| scores.persona == *persona);
                values.extend(scores.and_then(PersonaScores::quality_of_experience));
            }
        }
    }
    quantities
}

fn observed(users: &[&SimulatedUser], quantity: impl Fn(&SimulatedUser) -> Option<f64>) -> Vec<f64> {
    users.iter().filter_map(|user| quantity(user)).collect()
}

fn metric_of(
    data: &StudyData<'_>,
    user: &SimulatedUser,
    against: PictureReference,
    select: fn(&crate::diffusion::PictureMetrics) -> f64,
) -> Option<f64> {
    data.values.metrics_of(user, against).as_ref().map(select)
}

/// n, mean, standard deviation and half width; only n where nothing was observed.
fn summary_cells(values: &[f64]) -> [Cell; 4] {
    match Summary::of(values.iter().copied()) {
        Ok(summary) => {
            [summary.n.into(), summary.mean.into(), summary.standard_deviation.into(), summary.half_width_95.into()]
        }
        Err(SummaryError::Empty) => [0_u64.into(), Cell::Blank, Cell::Blank, Cell::Blank],
        Err(SummaryError::NotFinite { .. }) => [values.len().into(), Cell::Blank, Cell::Blank, Cell::Blank],
    }
}
