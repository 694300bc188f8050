//! What numbers, settings and devices are called in figures and their file names.

use crate::report::NumberAxis;
use crate::report::axis_label::{NumberStyle, axis_title, number_style, tick_label};
use crate::scenario::{SharedAxis, run_numbers, shared_axis};

/// A swept value above a panel or in a legend: "t₀ = 4", "bit error probability 3 %".
pub(super) fn setting_label(field: &str, value: &str) -> String {
    let tick = tick_label(field, value);
    match field.split('[').next().and_then(|path| path.rsplit('.').next()) {
        // The name says what it is; a legend has little room.
        Some("kind" | "protection") if tick != "none" => tick,
        Some("t0") => format!("t₀ = {tick}"),
        Some("tk") => format!("tₖ = {tick}"),
        _ => format!("{} {tick}", axis_title(field)),
    }
}

/// Some parts of a label, without the empty ones.
pub(super) fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// A part of a file name: letters, digits, dots, dashes and underscores.
pub(super) fn safe_name(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }).collect()
}

/// What tells a column from others on the same axis: "GA1" of `qoe_GA1`.
pub(super) fn number_name(column: &str) -> String {
    match (shared_axis(column), column.strip_prefix("qoe_")) {
        (Some(SharedAxis::Quality), Some(persona)) => persona.to_owned(),
        (Some(SharedAxis::Quality), None) if column == "qoe" => "the user".to_owned(),
        (Some(SharedAxis::Quality), None) => column.to_owned(),
        _ => value_title(&[column.to_owned()]),
    }
}

/// What stands beside the numbers of one column, or of several that share an axis.
pub(super) fn value_title(columns: &[String]) -> String {
    let quality = "quality of experience (QoE)".to_owned();
    let [only] = columns else {
        return match columns.first().and_then(|column| shared_axis(column)) {
            Some(SharedAxis::Time) => "time".to_owned(),
            Some(SharedAxis::Energy) => "energy".to_owned(),
            Some(SharedAxis::Part) => "part".to_owned(),
            Some(SharedAxis::Quality) | None => quality,
        };
    };
    match only.split_once('_') {
        None if only == "qoe" => quality,
        _ if only == "sum_qoe" => "sum of all users' QoE".to_owned(),
        _ if only == "qoe_outages" => "users below the QoE threshold".to_owned(),
        _ if only == "mean_qoe" => "mean quality of experience (QoE)".to_owned(),
        _ if only == "qoe_below_threshold" => "pictures below the QoE threshold".to_owned(),
        _ if only == "qoe_per_joule" => "QoE per joule".to_owned(),
        _ if run_numbers(true).any(|number| number == only) && only.ends_with("_j") => {
            let title = axis_title(only);
            let is_plain = ["saving", "budget", "energy"].iter().all(|word| !title.contains(word));
            if is_plain { format!("{title} energy") } else { title }
        }
        Some(("qoe", persona)) => format!("QoE of {persona}"),
        Some(("ssim", against)) => format!("SSIM against the {} picture", against.replace('_', "-")),
        Some(("mse", against)) => format!("MSE against the {} picture", against.replace('_', "-")),
        _ => axis_title(only),
    }
}

pub(super) fn value_style(column: &str) -> NumberStyle {
    // Names of personas and pictures say nothing of units.
    if column == "qoe_below_threshold" {
        return NumberStyle::Percent;
    }
    if ["qoe", "ssim", "mse"].iter().any(|start| column.starts_with(start)) {
        return NumberStyle::Plain;
    }
    number_style(column)
}

/// The axis of one column, or of several that share it.
pub(super) fn value_axis(columns: &[String]) -> NumberAxis {
    let name = match (columns, columns.first().and_then(|column| shared_axis(column))) {
        ([only], _) => only.as_str(),
        (_, Some(SharedAxis::Time)) => "time_s",
        (_, Some(SharedAxis::Energy)) => "energy_j",
        (_, Some(SharedAxis::Part)) => "part",
        (_, Some(SharedAxis::Quality) | None) => "qoe",
    };
    let name = name.to_owned();
    NumberAxis { title: value_title(columns), style: value_style(&columns[0]), name, log: false }
}

/// The axis of a swept field.
pub(super) fn field_axis(field: &str, log: bool) -> NumberAxis {
    NumberAxis { name: field.to_owned(), title: axis_title(field), style: number_style(field), log }
}
