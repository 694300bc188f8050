//! The tables of a study: `requests.csv`, `runs.csv`, `ledger.csv`.

use super::budget::{self, EnergyTotals, Savings, over_budget_j};
use super::images::picture_file;
use super::study::{ComputedValues, Run, SimulatedStudy, StudyPoint};
use crate::network::bench::SimulatedUser;
use crate::network::{LedgerCause, LedgerPayer, UserRecord};
use crate::report::{Cell, Column, ReportError, Table};
use crate::scenario::{Coordinate, CoordinateValue};

/// Everything the tables are made of.
pub struct StudyData<'a> {
    pub points: &'a [StudyPoint],
    /// Coordinates of each point, in the order of `points`; the same paths everywhere.
    pub coordinates: &'a [Vec<Coordinate>],
    pub study: &'a SimulatedStudy,
    pub values: &'a ComputedValues,
}

/// The point and its swept fields.
pub fn coordinate_columns(data: &StudyData<'_>) -> Vec<Column> {
    let mut columns = vec![Column::new("point", "index of the point in the sweep's grid")];
    columns.extend(
        data.coordinates
            .first()
            .into_iter()
            .flatten()
            .map(|coordinate| Column::new(&coordinate.path, "swept field of the scenario, in the scenario's unit")),
    );
    columns
}

/// The cells of [`coordinate_columns`] for the point at this position.
pub fn coordinate_cells(data: &StudyData<'_>, point: usize) -> Vec<Cell> {
    let mut cells = vec![Cell::from(data.points[point].index)];
    cells.extend(data.coordinates[point].iter().map(|coordinate| match &coordinate.value {
        CoordinateValue::Integer(value) => Cell::from(*value),
        CoordinateValue::Float(value) => Cell::from(*value),
        CoordinateValue::Text(value) => Cell::from(value.as_str()),
    }));
    cells
}

/// Columns that every table with one row per run or user begins with.
fn key_columns(data: &StudyData<'_>) -> Vec<Column> {
    let mut columns = coordinate_columns(data);
    columns.push(Column::new("replication", "repetition of the point, with random streams of its own"));
    columns
}

fn key_cells(data: &StudyData<'_>, run: &Run) -> Vec<Cell> {
    let mut cells = coordinate_cells(data, run.point);
    cells.push(Cell::from(run.replication));
    cells
}

/// A column of `requests.csv`: its name, its meaning, and how a user's cell is made.
type UserColumn = (&'static str, &'static str, fn(&UserContext<'_>) -> Cell);

struct UserContext<'a> {
    data: &'a StudyData<'a>,
    run: &'a Run,
    user: &'a SimulatedUser,
}

impl UserContext<'_> {
    fn record(&self) -> &UserRecord {
        &self.user.record
    }

    fn device(&self) -> &crate::scenario::DeviceSettings {
        &self.data.points[self.run.point].scenario.devices[self.record().device]
    }

    fn link<T: Into<Cell>>(&self, select: impl Fn(&crate::network::LinkRecord) -> Option<T>) -> Cell {
        self.record().link.as_ref().and_then(select).map_or(Cell::Blank, Into::into)
    }

    fn errors(&self, select: impl Fn(&crate::diffusion::LinkErrors) -> u64) -> Cell {
        self.record()
            .received
            .and_then(|id| self.data.values.link_errors.get(&id))
            .map_or(Cell::Blank, |errors| Cell::from(select(errors)))
    }
}

const USER_COLUMNS: &[UserColumn] = &[
    ("request", "number of the request within the run", |u| u.record().request.into()),
    ("device", "name of the user's device", |u| u.device().name.as_str().into()),
    ("prompt", "what the user asked for", |u| u.device().prompt.as_str().into()),
    ("server_prompt", "prompt of the shared steps; blank where nothing was shared", |u| {
        if u.record().t0 == 0 { Cell::Blank } else { u.data.points[u.run.point].server_prompt.as_str().into() }
    }),
    ("t0", "denoising steps on the server", |u| u64::from(u.record().t0).into()),
    ("tk", "denoising steps on the device", |u| u64::from(u.record().tk).into()),
    ("distance_m", "ground distance to the server [m]", |u| u.device().distance_m.into()),
    ("tx_power_w", "transmit power [W]", |u| u.link(|l| Some(l.tx_power_w))),
    ("path_loss_db", "path loss [dB]; blank where the link is pinned", |u| u.link(|l| l.path_loss_db)),
    ("fading_gain", "drawn power gain h of the fading, a factor; blank where it is not drawn", |u| {
        u.link(|l| l.fading_gain)
    }),
    ("snr_db", "signal-to-noise ratio per symbol [dB]; blank where the link is pinned", |u| u.link(|l| l.snr_db)),
    ("bit_error_probability", "probability that a bit of the latent flips; blank where nothing was sent", |u| {
        u.link(|l| Some(l.bit_error_probability))
    }),
    ("transmitted_bits", "bits of latent and header on the air", |u| u.link(|l| Some(l.transmitted_bits))),
    ("latent_bits", "bits of the packed latent", |u| u.errors(|e| e.bits)),
    ("flipped_bits", "bits of the latent that arrived flipped", |u| u.errors(|e| e.flipped_bits)),
    ("non_finite_values", "values that were NaN or infinite before sanitising", |u| u.errors(|e| e.non_finite)),
    ("out_of_range_values", "finite values outside the latent range before sanitising", |u| {
        u.errors(|e| e.out_of_range)
    }),
    ("airtime_s", "time of the latent on the air [s]", |u| u.link(|l| Some(l.airtime_s))),
    ("arrival_s", "when the user asked [s]", |u| u.record().arrival_s.into()),
    ("server_finished_s", "when the shared steps were done [s]", |u| {
        u.record().server_finished_s.map_or(Cell::Blank, Into::into)
    }),
    ("transmit_start_s", "when the transmission began [s]", |u| u.link(|l| Some(l.transmit_start_s))),
    ("received_s", "when the latent was there [s]", |u| u.link(|l| Some(l.received_s))),
    ("finished_s", "when the picture was there [s]", |u| u.record().finished_s.into()),
    ("latency_s", "from the request to the picture [s]", |u| (u.record().finished_s - u.record().arrival_s).into()),
    ("transmit_energy_j", "energy the server spent on this transmission [J]", |u| {
        u.link(|l| Some(l.transmit_energy_j))
    }),
    ("receive_energy_j", "energy the device spent on receiving [J]", |u| u.link(|l| Some(l.receive_energy_j))),
    ("compute_energy_j", "energy the device spent on its steps and decoding [J]", |u| {
        u.record().device_compute_j.into()
    }),
    (
        "device_over_budget_j",
        "energy above the device's budget, constraint (22) [J]; 0 where it is kept, blank without one",
        |u| {
            let spent = u.run.ledger.paid_by_j(LedgerPayer::Device(u.record().device));
            u.device().energy_budget_j.map_or(Cell::Blank, |budget| over_budget_j(spent, budget).into())
        },
    ),
    ("picture", "file of the picture; blank where it failed", |u| match u.data.values.failure_of(u.record()) {
        None => picture_file(u.data.points[u.run.point].index, u.run.replication, &u.device().name).into(),
        Some(_) => Cell::Blank,
    }),
    ("picture_status", "`ok`, or why there is no picture", |u| {
        u.data.values.failure_of(u.record()).map_or("ok", |failure| failure.name()).into()
    }),
];

/// One row per point, replication, request and user.
pub fn requests(data: &StudyData<'_>) -> Result<Table, ReportError> {
    let references = data.points.first().map_or(&[][..], |point| &point.scenario.diffusion.metrics_against);
    let mut columns = key_columns(data);
    columns.extend(USER_COLUMNS.iter().map(|(name, meaning, _)| Column::new(*name, *meaning)));
    for &against in references {
        let suffix = against.column_suffix();
        columns.push(Column::new(
            format!("mse_{suffix}"),
            format!("mean squared error against the {} picture, values in [0, 1]", against.name()),
        ));
        columns.push(Column::new(
            format!("psnr_{suffix}_db"),
            format!("peak signal-to-noise ratio against the {} picture [dB]; `inf` for equal pictures", against.name()),
        ));
        columns.push(Column::new(
            format!("ssim_{suffix}"),
            format!("structural similarity to the {} picture", against.name()),
        ));
    }
    let mut table = Table::new(columns)?;
    for run in &data.study.runs {
        for user in &run.users {
            let context = UserContext { data, run, user };
            let mut cells = key_cells(data, run);
            cells.extend(USER_COLUMNS.iter().map(|(_, _, cell)| cell(&context)));
            for &against in references {
                let metrics = data.values.metrics_of(user, against);
                let cell = |value: Option<f64>| value.map_or(Cell::Blank, Cell::from);
                cells.push(cell(metrics.map(|m| m.mse)));
                cells.push(cell(metrics.map(|m| m.psnr_db)));
                cells.push(cell(metrics.map(|m| m.ssim)));
            }
            table.push(cells)?;
        }
    }
    Ok(table)
}

/// One row per run: energy by payer and cause, savings, the server's budget.
pub fn runs(data: &StudyData<'_>) -> Result<Table, ReportError> {
    let mut columns = key_columns(data);
    columns.extend(
        [
            ("server_compute_j", "energy of the shared steps [J]"),
            ("server_radio_j", "energy of all transmissions [J]"),
            ("device_compute_j", "energy of all devices' steps and decoding [J]"),
            ("device_radio_j", "energy of all receptions [J]"),
            ("total_j", "sum of the four [J]"),
            ("device_side_saving_j", "what the devices save against running t0 + tk steps each [J]"),
            ("server_side_saving_j", "minus what the server spends [J]"),
            ("network_wide_saving_j", "both together; negative where sharing costs more than it saves [J]"),
            (
                "server_over_budget_j",
                "energy above the server's budget, constraint (24) [J]; 0 where it is kept, blank without one",
            ),
            ("broken_constraints", "who broke which constraint and by how much; blank where all are kept"),
        ]
        .map(|(name, meaning)| Column::new(name, meaning)),
    );
    let mut table = Table::new(columns)?;
    for run in &data.study.runs {
        let scenario = &data.points[run.point].scenario;
        let totals = EnergyTotals::of(&run.ledger);
        let records: Vec<&UserRecord> = run.users.iter().map(|user| &user.record).collect();
        let savings = Savings::of(scenario, &records, &totals);
        let server_j = totals.server_compute_j + totals.server_radio_j;
        let broken: Vec<String> = budget::violations(scenario, &run.ledger)
            .iter()
            .map(|violation| format!("{} {} by {:.6} J", violation.payer, violation.constraint, violation.excess_j()))
            .collect();
        let mut cells = key_cells(data, run);
        cells.extend(
            [
                totals.server_compute_j,
                totals.server_radio_j,
                totals.device_compute_j,
                totals.device_radio_j,
                totals.total_j(),
                savings.device_side_j,
                savings.server_side_j,
                savings.network_wide_j,
            ]
            .map(Cell::from),
        );
        cells
            .push(scenario.server.energy_budget_j.map_or(Cell::Blank, |budget| over_budget_j(server_j, budget).into()));
        cells.push(if broken.is_empty() { Cell::Blank } else { broken.join("; ").into() });
        table.push(cells)?;
    }
    Ok(table)
}

/// One row per booking, in the order of time.
pub fn ledger(data: &StudyData<'_>) -> Result<Table, ReportError> {
    let mut columns = key_columns(data);
    columns.extend(
        [
            ("time_s", "end of a computation, start of a transmission [s]"),
            ("payer", "`server` or the device's name"),
            ("cause", "`compute` or `radio`"),
            ("energy_j", "energy [J]"),
        ]
        .map(|(name, meaning)| Column::new(name, meaning)),
    );
    let mut table = Table::new(columns)?;
    for run in &data.study.runs {
        let mut entries: Vec<_> = run.ledger.entries().iter().collect();
        // The engine does not promise an order among simultaneous bookings.
        entries.sort_by(|a, b| a.time_s.total_cmp(&b.time_s).then((a.payer, a.cause).cmp(&(b.payer, b.cause))));
        for entry in entries {
            let mut cells = key_cells(data, run);
            cells.push(entry.time_s.into());
            cells.push(match entry.payer {
                LedgerPayer::Server => "server".into(),
                LedgerPayer::Device(index) => data.points[run.point].scenario.devices[index].name.as_str().into(),
            });
            cells.push(match entry.cause {
                LedgerCause::Compute => "compute".into(),
                LedgerCause::Radio => "radio".into(),
            });
            cells.push(entry.energy_j.into());
            table.push(cells)?;
        }
    }
    Ok(table)
}
