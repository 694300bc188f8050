//! Reading the rows of `requests.csv` for a figure: cells by column, values in their order, names of files.

use crate::report::axis_label::{axis_title, tick_label};
use crate::report::{Cell, Table};

/// A table whose cells are asked for by the name of their column.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a>(pub(super) &'a Table);

impl Rows<'_> {
    /// The cell as in CSV; empty where the table has no such column.
    pub(super) fn text(self, row: &[Cell], column: &str) -> String {
        self.0.column_index(column).map_or_else(String::new, |index| row[index].to_csv_field())
    }

    pub(super) fn number(self, row: &[Cell], column: &str) -> Option<f64> {
        self.0.column_index(column).and_then(|index| row[index].number())
    }

    /// Whether a persona was shown the row's picture: it is on the panel, or the user.
    pub(super) fn is_rated_by(self, row: &[Cell], persona: &str) -> bool {
        self.0.column_index(&format!("qoe_{persona}")).is_some() || self.text(row, "persona") == persona
    }

    /// The mean score of a persona for this row's picture: the user's own, or one of the panel's.
    pub(super) fn score(self, row: &[Cell], persona: &str) -> Option<f64> {
        if self.text(row, "persona") == persona {
            return self.number(row, "qoe");
        }
        self.number(row, &format!("qoe_{persona}"))
    }
}

/// Position of a value among those seen, in the order of first sight.
pub(super) fn position(seen: &mut Vec<String>, value: String) -> usize {
    match seen.iter().position(|known| *known == value) {
        Some(index) => index,
        None => {
            seen.push(value);
            seen.len() - 1
        }
    }
}

/// A part of a file name: letters, digits, dots, dashes and underscores.
pub(super) fn safe_name(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }).collect()
}

/// A swept value above a panel: "t₀ = 4", "bit error probability 3 %".
pub(super) fn setting_label(field: &str, value: &str) -> String {
    let tick = tick_label(field, value);
    match field.split('[').next().and_then(|path| path.rsplit('.').next()) {
        Some("t0") => format!("t₀ = {tick}"),
        Some("tk") => format!("tₖ = {tick}"),
        _ => format!("{} {tick}", axis_title(field)),
    }
}
