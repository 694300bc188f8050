//! The numbers of one point over its replications, read back from the rows of its runs.
//!
//! What is summarised is what stands in the tables: a study that was resumed, or merged from parts, gives the same numbers
//! as one that ran in one go.

use super::journal::{RunRows, TABLES};
use super::tables::TableLayout;
use crate::report::ReportError;

/// Where the rows of requests and runs are in a frame.
const REQUESTS: usize = 0;
const RUNS: usize = 1;

/// Columns of `runs.csv` that are summarised.
const RUN_QUANTITIES: &[&str] = &[
    "server_compute_j",
    "server_radio_j",
    "device_compute_j",
    "device_radio_j",
    "total_j",
    "device_side_saving_j",
    "server_side_saving_j",
    "network_wide_saving_j",
    "sum_qoe",
    "qoe_outages",
    "failed_scores",
];

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
    device: usize,
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
        let user = columns[REQUESTS].iter().enumerate().filter(|(_, column)| is_wanted(&column.name));
        Self {
            device: position(REQUESTS, "device").expect("every request has a device"),
            user: user.map(|(index, column)| (column.name.clone(), index)).collect(),
            picture_status: position(REQUESTS, "picture_status").filter(|_| !layout.is_without_pictures),
            qoe: position(REQUESTS, "qoe"),
            run: RUN_QUANTITIES.iter().filter_map(|name| Some(((*name).to_owned(), position(RUNS, name)?))).collect(),
        }
    }

    /// All quantities of a point, from the rows of its replications in their order. `qoe_threshold` is Q_th of the point.
    ///
    /// # Errors
    /// [`ReportError::Content`] where rows are not what this program writes.
    pub fn quantities(&self, runs: &[RunRows], qoe_threshold: f64) -> Result<Vec<Quantity>, ReportError> {
        let mut devices: Vec<String> = Vec::new();
        // [device][quantity][replication]
        let mut user: Vec<Vec<Vec<Option<f64>>>> = Vec::new();
        let mut failed: Vec<Vec<bool>> = Vec::new();
        let mut outages: Vec<Vec<bool>> = Vec::new();
        let mut network: Vec<Vec<Option<f64>>> = vec![Vec::new(); self.run.len()];
        // All replications at once: a reader of its own for each run would take longer than reading.
        let rows_of = |table: usize| runs.iter().map(|run| run.rows[table].as_str()).collect::<String>();
        for record in records(&rows_of(REQUESTS), TABLES[REQUESTS])? {
            let name = &record[self.device];
            let device = devices.iter().position(|known| known == name).unwrap_or_else(|| {
                devices.push(name.to_owned());
                user.push(vec![Vec::new(); self.user.len()]);
                failed.push(Vec::new());
                outages.push(Vec::new());
                devices.len() - 1
            });
            for (values, (_, column)) in user[device].iter_mut().zip(&self.user) {
                values.push(number(&record[*column]));
            }
            failed[device].extend(self.picture_status.map(|column| &record[column] != "ok"));
            let outage = |column| number(&record[column]).is_none_or(|qoe| qoe < qoe_threshold);
            outages[device].extend(self.qoe.map(outage));
        }
        for record in records(&rows_of(RUNS), TABLES[RUNS])? {
            for (values, (_, column)) in network.iter_mut().zip(&self.run) {
                values.push(number(&record[*column]));
            }
        }
        let mut quantities = Vec::new();
        for (((device, user), failed), outages) in devices.iter().zip(user).zip(failed).zip(outages) {
            let owner = Owner::Device(device.clone());
            let mut add = |name: &str, values| quantities.push(Quantity { owner: owner.clone(), name: name.to_owned(), values });
            for (values, (name, _)) in user.into_iter().zip(&self.user) {
                add(name, Values::Numbers(values));
            }
            if self.picture_status.is_some() {
                add("failed_pictures", Values::Events(failed));
            }
            if self.qoe.is_some() {
                add("qoe_outage", Values::Events(outages));
            }
        }
        for (values, (name, _)) in network.into_iter().zip(&self.run) {
            let values = Values::Numbers(values);
            quantities.push(Quantity { owner: Owner::Network, name: name.clone(), values });
        }
        Ok(quantities)
    }

    /// One number of a run: a column of `runs.csv`, or the mean over its users of one of `requests.csv`; `None` where it has
    /// none.
    ///
    /// # Errors
    /// As [`ObservedColumns::quantities`].
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

fn records(rows: &str, table: &str) -> Result<Vec<csv::StringRecord>, ReportError> {
    let broken =
        |error: csv::Error| ReportError::Content { path: table.into(), message: format!("rows of a run: {error}") };
    csv::ReaderBuilder::new().has_headers(false).from_reader(rows.as_bytes()).records().map(|r| r.map_err(broken)).collect()
}

fn number(field: &str) -> Option<f64> {
    field.parse().ok().filter(|value: &f64| value.is_finite())
}
