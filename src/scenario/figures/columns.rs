//! Columns of `requests.csv` and `runs.csv` that figures show.
//!
//! Some numbers of runs in time are in both tables, `latency_s` say: of each request, and the mean of the run. Lines,
//! heat maps and surfaces show the run's, since they show means; distributions, scatter plots and what tells devices apart
//! show each request's.

use super::{Entry, Surroundings, TimeSettings};
use crate::scenario::error::Problem;
use crate::scenario::settings::{JudgeKind, PictureReference};
use crate::scenario::tree::{Data, Value};
use crate::scenario::words::{alternatives, nearest};

/// The columns of `requests.csv` that hold numbers whatever the scenario; those of metrics and scores come on top.
///
/// A test holds the list against the tables.
pub const REQUEST_NUMBERS: &[&str] = &[
    "t0",
    "tk",
    "distance_m",
    "tx_power_w",
    "path_loss_db",
    "fading_gain",
    "snr_db",
    "bit_error_probability",
    "transmitted_bits",
    "latent_bits",
    "flipped_bits",
    "non_finite_values",
    "out_of_range_values",
    "airtime_s",
    "arrival_s",
    "server_finished_s",
    "transmit_start_s",
    "received_s",
    "finished_s",
    "latency_s",
    "transmit_energy_j",
    "receive_energy_j",
    "compute_energy_j",
    "device_over_budget_j",
];

/// Those of them that are found where pictures are made, and blank where the surface judges.
const NUMBERS_OF_LATENTS: [&str; 4] = ["latent_bits", "flipped_bits", "non_finite_values", "out_of_range_values"];

/// The columns of `runs.csv` that hold numbers; the last three are there where somebody judges.
///
/// A test holds the list against the tables.
pub const RUN_NUMBERS: &[&str] = &[
    "server_compute_j",
    "server_radio_j",
    "device_compute_j",
    "device_radio_j",
    "total_j",
    "device_side_saving_j",
    "server_side_saving_j",
    "network_wide_saving_j",
    "server_over_budget_j",
    "sum_qoe",
    "qoe_outages",
    "failed_scores",
];

/// Those of them that are there where somebody judges.
const QUALITY_OF_RUNS: [&str; 6] =
    ["sum_qoe", "qoe_outages", "failed_scores", "mean_qoe", "qoe_below_threshold", "qoe_per_joule"];

/// What `requests.csv` has on top in a study of runs in time.
///
/// A test holds the list against the tables.
pub const LIVE_REQUEST_NUMBERS: &[&str] = &[
    "ended_s",
    "deadline_s",
    "attempts",
    "group_size",
    "queued_s",
    "service_start_s",
    "steps_avoided",
    "cache_similarity",
    "cache_age_s",
    "restarts",
    "energy_j",
    "grouping_wait_s",
    "queue_wait_s",
    "shared_compute_s",
    "air_wait_s",
    "air_s",
    "device_wait_s",
    "device_compute_s",
    "decode_s",
    "shared_compute_j",
    "raw_bit_error_probability",
    "transmission_attempts",
    "residual_blocks",
    "hops",
    "goodput_bps",
];

/// What it has not.
const NOT_OF_LIVE_REQUESTS: &[&str] = &["device_over_budget_j"];

/// What `runs.csv` has on top in a study of runs in time: the quantities that a run is summed up to.
///
/// A test holds the list against the tables.
pub const LIVE_RUN_NUMBERS: &[&str] = &[
    "requests",
    "served",
    "dropped",
    "abandoned",
    "failed",
    "warm_up_requests",
    "warm_up_s",
    "warm_up_is_at_limit",
    "latency_s",
    "grouping_wait_s",
    "queue_wait_s",
    "shared_compute_s",
    "air_wait_s",
    "air_s",
    "device_wait_s",
    "device_compute_s",
    "decode_s",
    "latency_p50_s",
    "latency_p95_s",
    "latency_p99_s",
    "grouping_wait_p50_s",
    "grouping_wait_p95_s",
    "grouping_wait_p99_s",
    "queue_wait_p50_s",
    "queue_wait_p95_s",
    "queue_wait_p99_s",
    "shared_compute_p50_s",
    "shared_compute_p95_s",
    "shared_compute_p99_s",
    "air_wait_p50_s",
    "air_wait_p95_s",
    "air_wait_p99_s",
    "air_p50_s",
    "air_p95_s",
    "air_p99_s",
    "device_wait_p50_s",
    "device_wait_p95_s",
    "device_wait_p99_s",
    "device_compute_p50_s",
    "device_compute_p95_s",
    "device_compute_p99_s",
    "decode_p50_s",
    "decode_p95_s",
    "decode_p99_s",
    "deadline_miss_rate",
    "throughput_hz",
    "server_utilisation",
    "radio_utilisation",
    "queue_length",
    "hit_rate",
    "full_hit_rate",
    "steps_avoided",
    "group_size",
    "energy_per_picture_j",
    "energy_per_picture_server_j",
    "energy_per_picture_device_j",
    "mean_qoe",
    "qoe_below_threshold",
    "qoe_per_joule",
    "goodput_bps",
    "transmission_attempts",
    "residual_bit_error_probability",
    "jain_index",
    "drop_rate",
    "abandonment_rate",
    "failure_rate",
    "handover_rate",
    "restarts",
    "cache_bytes",
    "largest_cache_bytes",
    "evictions",
    "device_energy_jain_index",
];

/// The columns of `runs.csv` that hold numbers, in a study of runs in time or of rounds.
pub fn run_numbers(is_live: bool) -> impl Iterator<Item = &'static str> + Clone {
    let on_top: &[&str] = if is_live { LIVE_RUN_NUMBERS } else { &[] };
    RUN_NUMBERS.iter().chain(on_top).copied()
}

/// The columns of `requests.csv` that hold numbers whatever the judge, in a study of runs in time or of rounds.
pub fn request_numbers(is_live: bool) -> impl Iterator<Item = &'static str> + Clone {
    let (on_top, not): (&[&str], &[&str]) =
        if is_live { (LIVE_REQUEST_NUMBERS, NOT_OF_LIVE_REQUESTS) } else { (&[], &[]) };
    REQUEST_NUMBERS.iter().chain(on_top).copied().filter(move |column| !not.contains(column))
}

/// Whether a figure reads these columns from `runs.csv`; `shows_means` where it shows means over requests anyway.
pub fn is_of_runs<'a>(columns: impl IntoIterator<Item = &'a str>, is_live: bool, shows_means: bool) -> bool {
    let is_of_a_run = |column: &str| {
        run_numbers(is_live).any(|known| known == column)
            && (shows_means || request_numbers(is_live).all(|known| known != column))
    };
    columns.into_iter().any(is_of_a_run)
}

/// Whether a column holds quality of experience, from 0 to 1, against which Q_th can be held.
fn is_quality(column: &str) -> bool {
    let is_of_requests = column == "qoe" || column.starts_with("qoe_");
    column == "mean_qoe" || (is_of_requests && run_numbers(true).all(|known| known != column))
}

/// What several columns on one axis have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SharedAxis {
    /// Quality of experience, from 0 to 1.
    Quality,
    /// Seconds.
    Time,
    /// Joules.
    Energy,
    /// Parts of a whole: of requests, of pictures, of the time.
    Part,
}

/// Which axis a column shares with others; `None` for one that stands alone.
pub fn shared_axis(column: &str) -> Option<SharedAxis> {
    match column {
        _ if is_quality(column) => Some(SharedAxis::Quality),
        "qoe_below_threshold" => Some(SharedAxis::Part),
        _ if column.ends_with("_s") => Some(SharedAxis::Time),
        _ if column.ends_with("_j") => Some(SharedAxis::Energy),
        _ if column.ends_with("_rate") || column.ends_with("_utilisation") => Some(SharedAxis::Part),
        _ => None,
    }
}

/// Columns that a figure of this scenario can show.
fn numbers(around: &Surroundings<'_>, time: &TimeSettings) -> Vec<String> {
    let mut columns: Vec<String> = Vec::new();
    let is_judged = around.judge.kind != JudgeKind::None;
    let of_runs = run_numbers(time.is_live).filter(|column| is_judged || !QUALITY_OF_RUNS.contains(column));
    let of_runs = of_runs.map(str::to_owned);
    if !time.writes_requests {
        return of_runs.collect();
    }
    if is_judged {
        columns.push("qoe".to_owned());
        columns.extend(around.judge.panel.iter().map(|persona| format!("qoe_{}", persona.name)));
    }
    let has_pictures = !matches!(around.judge.kind, JudgeKind::Surface(_));
    let of_requests = request_numbers(time.is_live);
    let of_requests = of_requests.filter(|column| has_pictures || !NUMBERS_OF_LATENTS.contains(column));
    columns.extend(of_requests.map(str::to_owned));
    if has_pictures {
        for reference in around.metrics_against.iter().map(|reference| PictureReference::column_suffix(*reference)) {
            columns.extend([format!("mse_{reference}"), format!("ssim_{reference}")]);
        }
    }
    for column in of_runs {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}

impl Entry<'_, '_> {
    /// `value` where a kind shows one column.
    pub(super) fn one_value(&mut self) -> String {
        if let Some(Value { data: Data::List(list), origin }) = self.table.value("value")
            && list.len() > 1
        {
            let problem = Problem::new("`value` lists several numbers, but this kind of figure shows one").at(origin);
            self.table.push(problem.expected("one number").help("draw one [[figure]] for each"));
            return self.usual_value().to_owned();
        }
        self.values(&[SharedAxis::Quality]).into_iter().next().unwrap_or_else(|| self.usual_value().to_owned())
    }

    /// What is shown where nothing is asked for: QoE.
    fn usual_value(&self) -> &'static str {
        if self.time.writes_requests { "qoe" } else { "mean_qoe" }
    }

    /// `value`: one column, or several that share one of these axes.
    pub(super) fn values(&mut self, allowed: &[SharedAxis]) -> Vec<String> {
        let usual = vec![self.usual_value().to_owned()];
        let Some(written) = self.table.value("value") else {
            if self.around.judge.kind == JudgeKind::None && self.around.judge_is_known {
                let problem =
                    Problem::new("the figure shows `value` = \"qoe\", the default, but nobody rates the pictures");
                let problem = problem.at(&self.value.origin).expected("a `value` in this table");
                self.table.push(problem.help("name another number, say\n  value = \"latency_s\""));
            }
            return usual;
        };
        let entries: Vec<&Value> = match &written.data {
            Data::List(list) => list.iter().collect(),
            _ => vec![written],
        };
        let mut columns: Vec<String> = Vec::new();
        for entry in entries {
            let Some(column) = self.column("value", entry) else {
                return usual;
            };
            if columns.contains(&column) {
                let problem = Problem::new(format!("`value` names \"{column}\" twice")).at(&entry.origin);
                self.table.push(problem.expected("each number once"));
            }
            columns.push(column);
        }
        if columns.is_empty() {
            let problem = Problem::new("`value` is an empty list").at(&written.origin);
            self.table.push(problem.expected("at least one number, say [\"qoe\"]"));
        }
        let axes: Vec<Option<SharedAxis>> = columns.iter().map(|column| shared_axis(column)).collect();
        let share = match axes[..] {
            [] | [_] => true,
            [first, ..] => allowed.iter().any(|axis| Some(*axis) == first) && axes.iter().all(|axis| *axis == first),
        };
        if !share {
            let problem = Problem::new("`value` lists numbers that cannot share their colours or axis");
            let expected = match allowed {
                [SharedAxis::Quality] => "one number, or several of QoE",
                _ => "one number, or several of QoE, several times, energies, or parts",
            };
            self.table.push(problem.at(&written.origin).expected(expected).help("draw one [[figure]] for each"));
        } else if let Some(stranger) = self.of_another_table(&columns) {
            let other = columns.iter().find(|column| *column != stranger).unwrap_or(&columns[0]);
            let problem = Problem::new(format!("`{stranger}` and `{other}` are columns of different tables"));
            let problem = problem.at(&written.origin).expected("columns of requests.csv, or columns of runs.csv");
            self.table.push(problem.help("draw one [[figure]] for each"));
        }
        columns
    }

    /// A column that is not in the table from which the figure would read all of them.
    fn of_another_table<'a>(&self, columns: &'a [String]) -> Option<&'a String> {
        if !self.is_of_runs(columns) {
            return None;
        }
        columns.iter().find(|column| run_numbers(self.time.is_live).all(|known| known != column.as_str()))
    }

    /// The name of a column in `value`, which stands under `key`; a problem where no table has it.
    pub(super) fn column(&mut self, key: &str, value: &Value) -> Option<String> {
        let column = self.table.text_from(key, value)?;
        let known = numbers(self.around, &self.time);
        if !known.contains(&column) && (self.around.judge_is_known || !is_quality(&column)) {
            self.table.push(unknown_column(key, &column, value, (self.around, &self.time), &known));
        }
        Some(column)
    }

    /// A truth value that asks for Q_th: only where the figure shows QoE, and there is one Q_th.
    pub(super) fn threshold(&mut self, key: &str, columns: &[String]) -> bool {
        let is_wanted = self.table.flag(key, false);
        if is_wanted && !columns.iter().all(|column| is_quality(column)) {
            let problem = Problem::new(format!("`{key}` draws Q_th, but the figure shows no QoE"));
            self.push_at(key, problem.expected("`value` = \"qoe\" or \"qoe_NAME\"").help("take the line away"));
        }
        let swept = |axis: &&crate::scenario::sweep::Axis| axis.path == "judge.qoe_threshold" && axis.values.len() > 1;
        if is_wanted && self.around.axes.iter().find(swept).is_some() {
            let problem = Problem::new(format!("`{key}` draws one Q_th, but `judge.qoe_threshold` is swept"));
            self.push_at(key, problem.expected("a threshold outside [sweep]").help("take the line away"));
        }
        is_wanted
    }

    /// Whether the figure reads these columns from `runs.csv`.
    pub(super) fn is_of_runs(&self, columns: &[String]) -> bool {
        is_of_runs(columns.iter().map(String::as_str), self.time.is_live, self.shows_means)
    }

    /// Notes `device` beside a column of `runs.csv`.
    pub(super) fn must_have_devices(&mut self, columns: &[String]) {
        if let Some(column) = columns.iter().find(|column| self.is_of_runs(std::slice::from_ref(*column)))
            && self.table.has("device")
        {
            let problem =
                Problem::new(format!("`device` does not go with `{column}`, which is of all devices together"));
            let help = "take the line away; columns of requests.csv have a value for each device";
            self.push_at("device", problem.expected("no `device` in this table").help(help));
        }
    }
}

fn unknown_column(
    key: &str,
    column: &str,
    entry: &Value,
    (around, time): (&Surroundings<'_>, &TimeSettings),
    known: &[String],
) -> Problem {
    let problem = Problem::new(format!("`{key}` = \"{column}\" is no number of requests.csv or runs.csv"));
    let problem = problem.at(&entry.origin).expected(alternatives(known.iter().map(String::as_str)));
    let is_of_requests = request_numbers(time.is_live).any(|known| known == column) || is_quality(column);
    if !time.writes_requests && is_of_requests {
        return problem.help("it is one of requests.csv: take `write_requests = false` under [analysis] away");
    }
    if (is_quality(column) || QUALITY_OF_RUNS.contains(&column)) && around.judge.kind == JudgeKind::None {
        return problem.help("nobody rates the pictures: take `kind = \"none\"` under [judge] away");
    }
    if let Some(name) = column.strip_prefix("qoe_") {
        return problem.help(format!("add \"{name}\" to `panel` under [judge]"));
    }
    match nearest(column, known.iter().map(String::as_str)) {
        Some(near) => problem.help(format!("did you mean \"{near}\"?")),
        None => problem.help("`columns.md` in every results folder says what the numbers mean"),
    }
}
