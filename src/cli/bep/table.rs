//! The calculator's answer as text.

use super::calculation::BepRow;

/// Columns of equal width, the header in the words of the JSON keys.
pub(super) fn of(rows: &[BepRow]) -> String {
    let probability = |value: f64| format!("{value:.9e}");
    let columns = |row: &BepRow| {
        let mut cells = vec![("modulation", row.modulation.to_owned())];
        let decibels = |value: f64| format!("{}", (value * 1e6).round() / 1e6);
        cells.extend(row.mean_snr_db.map(|value| ("mean_snr_db", decibels(value))));
        cells.extend(row.snr_db.map(|value| ("snr_db", decibels(value))));
        let average = row.average_bit_error_probability;
        cells.extend(average.map(|value| ("average_bit_error_probability", probability(value))));
        cells.extend(row.bit_error_probability.map(|value| ("bit_error_probability", probability(value))));
        cells.extend(row.outage_probability.map(|value| ("outage_probability", probability(value))));
        cells
    };
    let cells: Vec<_> = rows.iter().map(columns).collect();
    let Some(first) = cells.first() else {
        return String::new();
    };
    let names: Vec<&str> = first.iter().map(|(name, _)| *name).collect();
    let widths: Vec<usize> = (0..names.len())
        .map(|i| cells.iter().map(|row| row[i].1.len()).max().unwrap_or(0).max(names[i].len()))
        .collect();
    let line = |texts: Vec<&str>| {
        let padded: Vec<String> = texts.iter().zip(&widths).map(|(text, &width)| format!("{text:<width$}")).collect();
        padded.join("  ").trim_end().to_owned() + "\n"
    };
    let body: String = cells.iter().map(|row| line(row.iter().map(|(_, text)| text.as_str()).collect())).collect();
    line(names) + &body
}
