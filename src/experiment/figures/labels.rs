//! What numbers, settings and devices are called in figures and their file names.

use crate::report::NumberAxis;
use crate::report::axis_label::{NumberStyle, axis_title, number_style, tick_label};
use crate::scenario::RUN_NUMBERS;

/// A swept value above a panel or in a legend: "t₀ = 4", "bit error probability 3 %".
pub(super) fn setting_label(field: &str, value: &str) -> String {
    let tick = tick_label(field, value);
    match field.split('[').next().and_then(|path| path.rsplit('.').next()) {
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

/// "GA1" of `qoe_GA1`.
pub(super) fn number_name(column: &str) -> String {
    match column.strip_prefix("qoe_") {
        Some(persona) => persona.to_owned(),
        None if column == "qoe" => "the user".to_owned(),
        None => column.to_owned(),
    }
}

/// What stands beside the numbers of one column, or of several of QoE.
pub(super) fn value_title(columns: &[String]) -> String {
    let quality = "quality of experience (QoE)".to_owned();
    let [only] = columns else { return quality };
    match only.split_once('_') {
        None if only == "qoe" => quality,
        _ if only == "sum_qoe" => "sum of all users' QoE".to_owned(),
        _ if only == "qoe_outages" => "users below the QoE threshold".to_owned(),
        _ if RUN_NUMBERS.contains(&only.as_str()) && only.ends_with("_j") => {
            let title = axis_title(only);
            let is_plain = ["saving", "budget"].iter().all(|word| !title.contains(word));
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
    if ["qoe", "ssim", "mse"].iter().any(|start| column.starts_with(start)) {
        return NumberStyle::Plain;
    }
    number_style(column)
}

/// The axis of one column, or of several of QoE.
pub(super) fn value_axis(columns: &[String]) -> NumberAxis {
    let name = match columns {
        [only] => only.clone(),
        _ => "qoe".to_owned(),
    };
    NumberAxis { title: value_title(columns), style: value_style(&columns[0]), name, log: false }
}

/// The axis of a swept field.
pub(super) fn field_axis(field: &str, log: bool) -> NumberAxis {
    NumberAxis { name: field.to_owned(), title: axis_title(field), style: number_style(field), log }
}
