//! Grids of pictures over one or two swept fields.

use std::collections::BTreeMap;
use std::fs;

use super::FigureSource;
use crate::diffusion::Picture;
use crate::report::axis_label::{axis_title, tick_label};
use crate::report::image_grid::{Axis, Tile, TileContent};
use crate::report::{Cell, Column, ImageGrid, ReportError};
use crate::scenario::{PictureReference, Scenario};

/// What a `[[figure]]` of kind `image_grid` asks for.
pub(super) struct GridWish<'a> {
    pub x: &'a str,
    pub y: &'a Option<String>,
    pub device: &'a Option<String>,
    pub title: &'a Option<String>,
    pub ssim_against: PictureReference,
}

/// The rows of `requests.csv` whose pictures one grid shows.
struct GridRows<'a> {
    /// Part of the file name that tells the grid from the others.
    suffix: String,
    /// The same for people.
    subtitle: String,
    rows: Vec<&'a Vec<Cell>>,
}

/// One grid, or one per device and per combination of the swept fields that are on neither axis; each with the part
/// of its file name that tells it from the others. The first replication's pictures are shown.
pub(super) fn image_grids(
    source: &FigureSource<'_>,
    scenario: &Scenario,
    wish: &GridWish<'_>,
) -> Result<Vec<(String, ImageGrid)>, ReportError> {
    let table = source.requests;
    let column = |name: &str| table.column_index(name);
    let text = |row: &[Cell], name: &str| column(name).map_or_else(String::new, |index| row[index].to_csv_field());
    let several_devices = scenario.devices.len() > 1;
    let row_field = wish.y.as_deref().unwrap_or(if wish.x == "device" || !several_devices { "" } else { "device" });
    let others: Vec<&String> =
        source.swept.iter().filter(|field| field.as_str() != wish.x && field.as_str() != row_field).collect();
    let device_on_axis = wish.x == "device" || row_field == "device";

    let mut groups: BTreeMap<Vec<usize>, GridRows<'_>> = BTreeMap::new();
    let mut seen: Vec<Vec<String>> = vec![Vec::new(); others.len() + 1];
    for row in table.rows() {
        let device = text(row, "device");
        if text(row, "replication") != "0" || wish.device.as_ref().is_some_and(|wanted| *wanted != device) {
            continue;
        }
        let (mut key, mut suffix, mut subtitle) = (Vec::new(), String::new(), Vec::new());
        if several_devices && !device_on_axis {
            key.push(position(&mut seen[others.len()], device.clone()));
            if wish.device.is_none() {
                suffix = format!("_{device}");
            }
            subtitle.push(device);
        }
        for (index, field) in others.iter().enumerate() {
            let value = text(row, field);
            key.push(position(&mut seen[index], value.clone()));
            suffix.push_str(&format!("_{}-{value}", field.rsplit('.').next().unwrap_or(field)));
            subtitle.push(format!("{} {}", axis_title(field), tick_label(field, &value)));
        }
        groups
            .entry(key)
            .or_insert_with(|| GridRows { suffix: safe_name(&suffix), subtitle: subtitle.join(", "), rows: Vec::new() })
            .rows
            .push(row);
    }

    let base_title = wish.title.clone().unwrap_or_else(|| scenario.study.name.clone());
    let mut grids = Vec::new();
    for GridRows { suffix, subtitle, rows } in groups.into_values() {
        let title = if subtitle.is_empty() { base_title.clone() } else { format!("{base_title} ({subtitle})") };
        grids.push((suffix, image_grid(source, wish, row_field, title, &rows)?));
    }
    Ok(grids)
}

fn image_grid(
    source: &FigureSource<'_>,
    wish: &GridWish<'_>,
    row_field: &str,
    title: String,
    rows: &[&Vec<Cell>],
) -> Result<ImageGrid, ReportError> {
    let column = |name: &str| source.requests.column_index(name);
    let text = |row: &[Cell], name: &str| column(name).map_or_else(String::new, |index| row[index].to_csv_field());
    let ssim_column = column(&format!("ssim_{}", wish.ssim_against.column_suffix()));
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    let mut tiles = Vec::new();
    for row in rows {
        let file = text(row, "picture");
        let content = if file.is_empty() {
            TileContent::Failed { reason: failure_in_words(&text(row, "picture_status")) }
        } else {
            let path = source.folder.join(&file);
            let bytes = fs::read(&path).map_err(|error| ReportError::Read { path, source: error })?;
            TileContent::Picture(Picture::from_png_bytes(&bytes)?)
        };
        let ssim = ssim_column.map_or(Cell::Blank, |index| row[index].clone());
        tiles.push(Tile {
            column: position(&mut xs, text(row, wish.x)),
            row: position(&mut ys, text(row, row_field)),
            content,
            caption: ssim.number().map_or_else(String::new, |value| format!("SSIM {value:.2}")),
            numbers: vec![ssim, file.into()],
        });
    }
    let axis = |field: &str, values: &[String]| Axis {
        title: if field.is_empty() { String::new() } else { axis_title(field) },
        labels: values.iter().map(|value| tick_label(field, value)).collect(),
    };
    Ok(ImageGrid {
        title,
        x: axis(wish.x, &xs),
        y: axis(row_field, &ys),
        tiles,
        numbers: vec![
            Column::new("ssim", format!("structural similarity to the {} picture", wish.ssim_against.name())),
            Column::new("picture", "file of the picture below the results folder"),
        ],
        footer: format!("{} · SSIM against the {} picture", source.footer, wish.ssim_against.name()),
    })
}

/// Position of a value among those seen, in the order of first sight.
fn position(seen: &mut Vec<String>, value: String) -> usize {
    match seen.iter().position(|known| *known == value) {
        Some(index) => index,
        None => {
            seen.push(value);
            seen.len() - 1
        }
    }
}

/// A part of a file name: letters, digits, dots, dashes and underscores.
fn safe_name(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' }).collect()
}

/// `non-finite-latent` as "non-finite latent".
fn failure_in_words(status: &str) -> String {
    status.rsplit_once('-').map_or_else(|| status.to_owned(), |(kind, of)| format!("{kind} {of}"))
}
