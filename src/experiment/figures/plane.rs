//! Means over two swept fields, one panel for each combination of the swept fields on neither: what heat maps and surfaces
//! are made of.

use std::collections::HashMap;

use super::labels::{joined, setting_label};
use super::rows::{Rows, is_value};
use crate::report::heat_map::HeatCell;
use crate::scenario::{Coordinate, CoordinateValue};

/// The means of some columns.
pub(super) struct Plane {
    /// Words of the swept fields, in the order of the sweep.
    pub xs: Vec<String>,
    pub ys: Vec<String>,
    pub panels: Vec<Setting>,
    /// For each column and panel; columns of cells along `xs`, rows along `ys`.
    pub cells: Vec<Vec<Vec<HeatCell>>>,
}

/// The swept fields on neither axis with their words in one panel.
pub(super) struct Setting {
    /// Those that tell the panels apart: "t₀ = 4".
    pub label: String,
    words: Vec<(String, String)>,
}

impl Plane {
    pub fn of(rows: &Rows, kept: &[usize], (x, y): (&str, &str), columns: &[String]) -> Self {
        let (x_words, y_words) = (rows.words(x), rows.words(y));
        let free = rows.free_fields(kept, &[x, y]);
        // Fields of one value do not tell panels apart, but a mark may name them.
        let is_constant = |field: &&String| *field != x && *field != y && rows.words(field).words().len() == 1;
        let constant: Vec<&String> = rows.swept.iter().filter(is_constant).collect();
        let mut panel_at: HashMap<Vec<usize>, usize> = HashMap::new();
        let mut panels = Vec::new();
        let mut cells: Vec<Vec<Vec<HeatCell>>> = vec![Vec::new(); columns.len()];
        let mut cell_at: HashMap<(usize, usize, usize), usize> = HashMap::new();
        for &row in kept {
            let setting: Vec<usize> = free.iter().map(|field| rows.words(field).code(row)).collect();
            let panel = *panel_at.entry(setting).or_insert_with(|| {
                panels.push(Setting::of(rows, row, &free, &constant));
                cells.iter_mut().for_each(|panels| panels.push(Vec::new()));
                panels.len() - 1
            });
            let (column, line) = (x_words.code(row), y_words.code(row));
            let at = *cell_at.entry((panel, column, line)).or_insert_with(|| {
                let cell = HeatCell { column, row: line, value: None, n: 0, missing: 0 };
                cells.iter_mut().for_each(|panels| panels[panel].push(cell));
                cells[0][panel].len() - 1
            });
            for (name, panels) in columns.iter().zip(&mut cells) {
                add(&mut panels[panel][at], rows.numbers(name)[row]);
            }
        }
        Self { xs: x_words.words().to_vec(), ys: y_words.words().to_vec(), panels, cells }
    }

    /// Cells to which some replications gave no number.
    pub fn partly_missing(&self) -> usize {
        self.cells.iter().flatten().flatten().filter(|cell| cell.n > 0 && cell.missing > 0).count()
    }
}

impl Setting {
    fn of(rows: &Rows, row: usize, free: &[String], constant: &[&String]) -> Self {
        let word = |field: &String| (field.clone(), rows.words(field).word(row).to_owned());
        let labels: Vec<String> = free.iter().map(|field| setting_label(field, rows.words(field).word(row))).collect();
        Self {
            label: joined(labels.iter().map(String::as_str)),
            words: free.iter().map(word).chain(constant.iter().map(|field| word(field))).collect(),
        }
    }

    /// Whether a mark is for this panel: it names none of its fields with another value.
    pub fn is_for(&self, mark: &[Coordinate]) -> bool {
        let of = |field: &String| mark.iter().find(|coordinate| coordinate.path == *field);
        self.words.iter().all(|(field, word)| of(field).is_none_or(|coordinate| is_value(word, &coordinate.value)))
    }
}

/// Adds an observation to the mean of its cell.
fn add(cell: &mut HeatCell, number: f64) {
    if number.is_finite() {
        cell.n += 1;
        let mean = cell.value.unwrap_or(0.0);
        cell.value = Some(mean + (number - mean) / cell.n as f64);
    } else {
        cell.missing += 1;
    }
}

/// The value of a mark along one axis.
pub(super) fn coordinate<'a>(mark: &'a [Coordinate], field: &str) -> Option<&'a CoordinateValue> {
    mark.iter().find(|coordinate| coordinate.path == field).map(|coordinate| &coordinate.value)
}

/// Where a value stands among the words of an axis, a fraction between two numbers; `None` where it lies beyond them.
pub(super) fn position_among(words: &[String], value: &CoordinateValue) -> Option<f64> {
    if let Some(exactly) = words.iter().position(|word| is_value(word, value)) {
        return Some(exactly as f64);
    }
    let numbers = super::rows::as_numbers(words)?;
    let value = value.number()?;
    numbers.windows(2).enumerate().find_map(|(at, pair)| {
        let part = (value - pair[0]) / (pair[1] - pair[0]);
        (0.0..=1.0).contains(&part).then_some(at as f64 + part)
    })
}

/// "marked: t₀ = 3, tₖ = 5".
pub(super) fn mark_label(mark: &[Coordinate]) -> String {
    let labels: Vec<String> =
        mark.iter().map(|coordinate| setting_label(&coordinate.path, &coordinate.value.to_string())).collect();
    format!("marked: {}", joined(labels.iter().map(String::as_str)))
}
