//! What a figure shows of the judge: whose scores, and which numbers of `requests.csv`.

use super::Surroundings;
use crate::judge::Persona;
use crate::scenario::error::Problem;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::{JudgeKind, JudgeSettings, PersonaSettings, PictureReference};
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

/// Whether a column of `requests.csv` holds scores.
pub(super) fn is_score(column: &str) -> bool {
    column == "qoe" || column.starts_with("qoe_")
}

/// Columns a heat map can show.
fn numbers(around: &Surroundings<'_>) -> Vec<String> {
    let mut columns = Vec::new();
    if around.judge.kind != JudgeKind::None {
        columns.push("qoe".to_owned());
        columns.extend(around.judge.panel.iter().map(|persona| format!("qoe_{}", persona.name)));
    }
    let has_pictures = !matches!(around.judge.kind, JudgeKind::Surface(_));
    let numbers = REQUEST_NUMBERS.iter().filter(|column| has_pictures || !NUMBERS_OF_LATENTS.contains(column));
    columns.extend(numbers.map(|column| (*column).to_owned()));
    if !has_pictures {
        return columns;
    }
    for reference in around.metrics_against.iter().map(|reference| PictureReference::column_suffix(*reference)) {
        columns.extend([format!("mse_{reference}"), format!("ssim_{reference}")]);
    }
    columns
}

/// `value`: one column or several.
pub(super) fn value(table: &mut TableReader<'_>, figure: &Value, around: &Surroundings<'_>) -> Vec<String> {
    let usual = vec!["qoe".to_owned()];
    let Some(written) = table.value("value") else {
        if around.judge.kind == JudgeKind::None && around.judge_is_known {
            let problem =
                Problem::new("the figure shows `value` = \"qoe\", the default, but nobody rates the pictures");
            let problem = problem.at(&figure.origin).expected("a `value` in this table");
            table.push(problem.help("name another number, say\n  value = \"latency_s\""));
        }
        return usual;
    };
    let entries: Vec<&Value> = match &written.data {
        Data::List(list) => list.iter().collect(),
        _ => vec![written],
    };
    let known = numbers(around);
    let mut columns: Vec<String> = Vec::new();
    for entry in entries {
        let Some(column) = table.text_from("value", entry) else {
            return usual;
        };
        if !known.contains(&column) && (around.judge_is_known || !is_score(&column)) {
            table.push(unknown_value(&column, entry, around, &known));
        } else if columns.contains(&column) {
            let problem = Problem::new(format!("`value` names \"{column}\" twice")).at(&entry.origin);
            table.push(problem.expected("each number once"));
        }
        columns.push(column);
    }
    if columns.is_empty() {
        let problem = Problem::new("`value` is an empty list").at(&written.origin);
        table.push(problem.expected("at least one number, say [\"qoe\"]"));
    }
    if columns.len() > 1 && !columns.iter().all(|column| is_score(column)) {
        let problem = Problem::new("`value` lists numbers that cannot share their colours").at(&written.origin);
        table.push(problem.expected("one number, or several of QoE").help("draw one [[figure]] for each"));
    }
    columns
}

fn unknown_value(column: &str, entry: &Value, around: &Surroundings<'_>, known: &[String]) -> Problem {
    let problem = Problem::new(format!("`value` = \"{column}\" is no number of requests.csv")).at(&entry.origin);
    let problem = problem.expected(alternatives(known.iter().map(String::as_str)));
    if is_score(column) && around.judge.kind == JudgeKind::None {
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

/// `scores`: personas that rate each picture.
pub(super) fn scores(table: &mut TableReader<'_>, around: &Surroundings<'_>) -> Vec<String> {
    let Some(written) = table.value("scores") else {
        return Vec::new();
    };
    let Data::List(list) = &written.data else {
        table.wrong_type("scores", written, "a list of personas, say [\"GA1\", \"GA2\"]");
        return Vec::new();
    };
    let mut names: Vec<String> = Vec::new();
    for value in list {
        let Some(name) = table.text_from("scores", value) else {
            continue;
        };
        if around.judge_is_known && !is_rated(&name, around) {
            table.push(unrated(&name, value, around));
        } else if names.contains(&name) {
            let problem = Problem::new(format!("`scores` names {value} twice")).at(&value.origin);
            table.push(problem.expected("each persona once"));
        }
        names.push(name);
    }
    names
}

fn is_rated(name: &str, around: &Surroundings<'_>) -> bool {
    around.judge.kind != JudgeKind::None && personas(around.judge, around).any(|known| known == name)
}

/// Everybody whose scores are known by name before the run.
fn personas<'a>(judge: &'a JudgeSettings, around: &'a Surroundings<'_>) -> impl Iterator<Item = &'a str> {
    let users = around.devices.iter().filter_map(|device| match &device.persona {
        PersonaSettings::Given(persona) => Some(persona.name.as_str()),
        PersonaSettings::Population => None,
    });
    judge.panel.iter().map(|persona| persona.name.as_str()).chain(users)
}

fn unrated(name: &str, value: &Value, around: &Surroundings<'_>) -> Problem {
    let problem = Problem::new(format!("the figure needs the scores of \"{name}\", who rates no picture"));
    let problem = problem.at(&value.origin);
    if around.judge.kind == JudgeKind::None {
        let problem = problem.expected("no `scores` where nobody rates the pictures");
        return problem.help("take the line away, or `kind = \"none\"` under [judge]");
    }
    let mut known: Vec<&str> = personas(around.judge, around).collect();
    known.sort_unstable();
    known.dedup();
    let problem = match known.as_slice() {
        [] => problem.expected("a name of `judge.panel`"),
        known => problem.expected(alternatives(known.iter().copied())),
    };
    match nearest(name, known.iter().copied()) {
        // somebody of that name could be asked as well
        Some(near) if Persona::named(name).is_none() => problem.help(format!("did you mean \"{near}\"?")),
        _ => problem.help(format!("add \"{name}\" to `panel` under [judge]")),
    }
}
