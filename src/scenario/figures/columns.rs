//! Columns of `requests.csv` and `runs.csv` that figures show.

use super::{Entry, Surroundings};
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
const QUALITY_OF_RUNS: [&str; 3] = ["sum_qoe", "qoe_outages", "failed_scores"];

/// Whether a column holds quality of experience, from 0 to 1, against which Q_th can be held.
fn is_quality(column: &str) -> bool {
    (column == "qoe" || column.starts_with("qoe_")) && !RUN_NUMBERS.contains(&column)
}

/// Columns that a figure of this scenario can show.
fn numbers(around: &Surroundings<'_>) -> Vec<String> {
    let mut columns = Vec::new();
    let is_judged = around.judge.kind != JudgeKind::None;
    if is_judged {
        columns.push("qoe".to_owned());
        columns.extend(around.judge.panel.iter().map(|persona| format!("qoe_{}", persona.name)));
    }
    let has_pictures = !matches!(around.judge.kind, JudgeKind::Surface(_));
    let of_requests = REQUEST_NUMBERS.iter().filter(|column| has_pictures || !NUMBERS_OF_LATENTS.contains(column));
    columns.extend(of_requests.map(|column| (*column).to_owned()));
    if has_pictures {
        for reference in around.metrics_against.iter().map(|reference| PictureReference::column_suffix(*reference)) {
            columns.extend([format!("mse_{reference}"), format!("ssim_{reference}")]);
        }
    }
    let of_runs = RUN_NUMBERS.iter().filter(|column| is_judged || !QUALITY_OF_RUNS.contains(column));
    columns.extend(of_runs.map(|column| (*column).to_owned()));
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
            return "qoe".to_owned();
        }
        self.values().into_iter().next().unwrap_or_else(|| "qoe".to_owned())
    }

    /// `value`: one column or several.
    pub(super) fn values(&mut self) -> Vec<String> {
        let usual = vec!["qoe".to_owned()];
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
        if columns.len() > 1 && !columns.iter().all(|column| is_quality(column)) {
            let problem = Problem::new("`value` lists numbers that cannot share their colours or axis");
            let problem = problem.at(&written.origin).expected("one number, or several of QoE");
            self.table.push(problem.help("draw one [[figure]] for each"));
        }
        columns
    }

    /// The name of a column in `value`, which stands under `key`; a problem where no table has it.
    pub(super) fn column(&mut self, key: &str, value: &Value) -> Option<String> {
        let column = self.table.text_from(key, value)?;
        let known = numbers(self.around);
        if !known.contains(&column) && (self.around.judge_is_known || !is_quality(&column)) {
            self.table.push(unknown_column(key, &column, value, self.around, &known));
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

    /// Notes `device` beside a column of `runs.csv`.
    pub(super) fn must_have_devices(&mut self, columns: &[String]) {
        if let Some(column) = columns.iter().find(|column| RUN_NUMBERS.contains(&column.as_str()))
            && self.table.has("device")
        {
            let problem =
                Problem::new(format!("`device` does not go with `{column}`, which is of all devices together"));
            let help = "take the line away; columns of requests.csv have a value for each device";
            self.push_at("device", problem.expected("no `device` in this table").help(help));
        }
    }
}

fn unknown_column(key: &str, column: &str, entry: &Value, around: &Surroundings<'_>, known: &[String]) -> Problem {
    let problem = Problem::new(format!("`{key}` = \"{column}\" is no number of requests.csv or runs.csv"));
    let problem = problem.at(&entry.origin).expected(alternatives(known.iter().map(String::as_str)));
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
