//! The numbers of one point over its replications, read back from the rows of its runs.
//!
//! What is summarised is what stands in the tables: a study that was resumed, or merged from parts, gives the same numbers
//! as one that ran in one go. Of runs in time only the columns of `runs.csv` are: a device has as many rows of
//! `requests.csv` as it asked for pictures, or none.

use super::TableLayout;
use crate::experiment::journal::{RunRows, TABLES};
use crate::report::ReportError;
use crate::scenario::run_numbers;

/// Runs whose rows are read in one go: a reader for each would take longer than reading.
const RUNS_READ_TOGETHER: usize = 256;
/// Where the rows of requests and runs are in a frame.
const REQUESTS: usize = 0;
const RUNS: usize = 1;

/// The one number of `runs.csv` that is not summarised: a mean over runs that keep the budget says little of those that do not.
const NOT_SUMMARISED: &str = "server_over_budget_j";

/// Columns of `requests.csv` that are summarised, besides metrics and scores.
const USER_QUANTITIES: &[&str] = &["bit_error_probability", "airtime_s", "latency_s", "compute_energy_j"];

/// Who has a quantity.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// The user of the device with this name.
    Device(String),
    /// The whole run.
    Network,
}

impl Owner {
    /// As in tables.
    pub fn name(&self) -> &str {
        match self {
            Self::Device(name) => name,
            Self::Network => "network",
        }
    }
}

/// One number per replication.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    pub owner: Owner,
    /// A column of `requests.csv` or `runs.csv`, or the name of a rate.
    pub name: String,
    pub values: Values,
}

/// What the replications gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Numbers, `None` where a picture or score failed, or there is nothing to measure.
    Numbers(Vec<Option<f64>>),
    /// Whether something happened: its rate is of interest.
    Events(Vec<bool>),
}

/// Which columns of the tables hold what.
#[derive(Debug, Clone)]
pub struct ObservedColumns {
    /// Position in `requests.csv`; `None` of runs in time.
    device: Option<usize>,
    /// Name and position in `requests.csv`.
    user: Vec<(String, usize)>,
    picture_status: Option<usize>,
    qoe: Option<usize>,
    /// Name and position in `runs.csv`.
    run: Vec<(String, usize)>,
}

impl ObservedColumns {
    pub fn of(layout: &TableLayout) -> Self {
        let columns = layout.columns();
        let position = |table: usize, name: &str| columns[table].iter().position(|column| column.name == name);
        let is_wanted = |name: &str| {
            USER_QUANTITIES.contains(&name)
                || (name.starts_with("mse_") || name.starts_with("ssim_"))
                || name == "qoe"
                || layout.panel.iter().any(|persona| name.strip_prefix("qoe_") == Some(persona))
        };
        let is_wanted = |name: &str| !layout.is_live && is_wanted(name);
        let user = columns[REQUESTS].iter().enumerate().filter(|(_, column)| is_wanted(&column.name));
        Self {
            device: position(REQUESTS, "device").filter(|_| !layout.is_live),
            user: user.map(|(index, column)| (column.name.clone(), index)).collect(),
            picture_status: position(REQUESTS, "picture_status").filter(|_| !layout.is_without_pictures),
            qoe: position(REQUESTS, "qoe"),
            run: run_numbers(layout.is_live)
                .filter(|name| *name != NOT_SUMMARISED)
                .filter_map(|name| Some((name.to_owned(), position(RUNS, name)?)))
                .collect(),
        }
    }

    /// The numbers of a point, to which runs are added in the order of their replications. `qoe_threshold` is Q_th of the
    /// point.
    pub fn begin(&self, qoe_threshold: f64) -> PointObservations<'_> {
        PointObservations {
            columns: self,
            qoe_threshold,
            waiting: [const { String::new() }; 2],
            waiting_runs: 0,
            devices: Vec::new(),
            network: vec![Vec::new(); self.run.len()],
        }
    }

    /// One number of a run: a column of `runs.csv`, or the mean over its users of one of `requests.csv`; `None` where it has
    /// none.
    ///
    /// # Errors
    /// As [`PointObservations::quantities`].
    pub fn of_run(&self, run: &RunRows, name: &str) -> Result<Option<f64>, ReportError> {
        let mean = |table: usize, column: usize| -> Result<Option<f64>, ReportError> {
            let numbers: Option<Vec<f64>> =
                records(&run.rows[table], TABLES[table])?.iter().map(|record| number(&record[column])).collect();
            Ok(numbers.filter(|numbers| !numbers.is_empty()).map(|n| n.iter().sum::<f64>() / n.len() as f64))
        };
        match (self.run.iter().find(|(known, _)| known == name), self.user.iter().find(|(known, _)| known == name)) {
            (Some((_, column)), _) => mean(RUNS, *column),
            (None, Some((_, column))) => mean(REQUESTS, *column),
            (None, None) => Ok(None),
        }
    }

    /// Names that [`ObservedColumns::of_run`] knows.
    pub fn run_numbers(&self) -> impl Iterator<Item = &str> {
        self.run.iter().chain(&self.user).map(|(name, _)| name.as_str())
    }
}

/// Numbers of one point.
pub struct PointObservations<'a> {
    columns: &'a ObservedColumns,
    qoe_threshold: f64,
    /// Rows of requests and of runs that are still to be read.
    waiting: [String; 2],
    waiting_runs: usize,
    devices: Vec<DeviceObservations>,
    /// [quantity][replication]
    network: Vec<Vec<Option<f64>>>,
}

/// Numbers of one device.
struct DeviceObservations {
    name: String,
    /// [quantity][replication]
    numbers: Vec<Vec<Option<f64>>>,
    failed_pictures: Vec<bool>,
    outages: Vec<bool>,
}

impl PointObservations<'_> {
    /// Adds the rows of a run.
    ///
    /// # Errors
    /// [`ReportError::Content`] where rows are not what this program writes.
    pub fn add(&mut self, run: &RunRows) -> Result<(), ReportError> {
        if self.columns.device.is_some() {
            self.waiting[0].push_str(&run.rows[REQUESTS]);
        }
        self.waiting[1].push_str(&run.rows[RUNS]);
        self.waiting_runs += 1;
        if self.waiting_runs < RUNS_READ_TOGETHER { Ok(()) } else { self.read_waiting() }
    }

    fn read_waiting(&mut self) -> Result<(), ReportError> {
        let columns = self.columns;
        let [requests, runs] = std::mem::take(&mut self.waiting);
        self.waiting_runs = 0;
        for record in records(&requests, TABLES[REQUESTS])? {
            let threshold = self.qoe_threshold;
            let Some(of_device) = columns.device else { break };
            let device = self.device(&record[of_device]);
            for (values, (_, column)) in device.numbers.iter_mut().zip(&columns.user) {
                values.push(number(&record[*column]));
            }
            device.failed_pictures.extend(columns.picture_status.map(|column| &record[column] != "ok"));
            let is_outage = |column| number(&record[column]).is_none_or(|qoe| qoe < threshold);
            device.outages.extend(columns.qoe.map(is_outage));
        }
        for record in records(&runs, TABLES[RUNS])? {
            for (values, (_, column)) in self.network.iter_mut().zip(&columns.run) {
                values.push(number(&record[*column]));
            }
        }
        Ok(())
    }

    fn device(&mut self, name: &str) -> &mut DeviceObservations {
        let position = self.devices.iter().position(|device| device.name == name).unwrap_or_else(|| {
            self.devices.push(DeviceObservations {
                name: name.to_owned(),
                numbers: vec![Vec::new(); self.columns.user.len()],
                failed_pictures: Vec::new(),
                outages: Vec::new(),
            });
            self.devices.len() - 1
        });
        &mut self.devices[position]
    }

    /// All quantities, device by device, then the network's.
    ///
    /// # Errors
    /// As [`PointObservations::add`].
    pub fn quantities(mut self) -> Result<Vec<Quantity>, ReportError> {
        self.read_waiting()?;
        let columns = self.columns;
        let mut quantities = Vec::new();
        for device in self.devices {
            let owner = Owner::Device(device.name);
            let mut add = |name: &str, values| {
                quantities.push(Quantity { owner: owner.clone(), name: name.to_owned(), values });
            };
            for (values, (name, _)) in device.numbers.into_iter().zip(&columns.user) {
                add(name, Values::Numbers(values));
            }
            if columns.picture_status.is_some() {
                add("failed_pictures", Values::Events(device.failed_pictures));
            }
            if columns.qoe.is_some() {
                add("qoe_outage", Values::Events(device.outages));
            }
        }
        for (values, (name, _)) in self.network.into_iter().zip(&columns.run) {
            quantities.push(Quantity { owner: Owner::Network, name: name.clone(), values: Values::Numbers(values) });
        }
        Ok(quantities)
    }
}

fn records(rows: &str, table: &str) -> Result<Vec<csv::StringRecord>, ReportError> {
    let broken =
        |error: csv::Error| ReportError::Content { path: table.into(), message: format!("rows of a run: {error}") };
    csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(rows.as_bytes())
        .records()
        .map(|r| r.map_err(broken))
        .collect()
}

fn number(field: &str) -> Option<f64> {
    field.parse().ok().filter(|value: &f64| value.is_finite())
}
