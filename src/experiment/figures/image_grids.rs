//! Grids of pictures over one or two swept fields.

use std::collections::BTreeMap;
use std::fs;

use super::FigureSource;
use super::rows::{Rows, position, safe_name};
use crate::picture::Picture;
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
    /// Personas whose scores stand under each picture.
    pub scores: &'a [String],
    pub ssim_against: Option<PictureReference>,
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
    let text = |row: &[Cell], name: &str| Rows(table).text(row, name);
    let several_devices = scenario.devices.len() > 1;
    let row_field = wish.y.as_deref().unwrap_or(if wish.x == "device" || !several_devices { "" } else { "device" });
    let others: Vec<&String> =
        source.swept.iter().filter(|field| field.as_str() != wish.x && field.as_str() != row_field).collect();
    let device_on_axis = wish.x == "device" || row_field == "device";

    let mut groups: BTreeMap<Vec<usize>, GridRows<'_>> = BTreeMap::new();
    let mut seen: Vec<Vec<String>> = vec![Vec::new(); others.len() + 1];
    for row in table.rows() {
        let device = text(row, "device");
        // A point without pictures has nothing to show.
        if text(row, "picture_status") == "not-made" {
            continue;
        }
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
    let table = Rows(source.requests);
    let text = |row: &[Cell], name: &str| table.text(row, name);
    let ssim_column = wish.ssim_against.map(|against| format!("ssim_{}", against.column_suffix()));
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
        let ssim = ssim_column.as_ref().map(|column| table.number(row, column));
        let scores: Vec<Option<f64>> = wish.scores.iter().map(|persona| table.score(row, persona)).collect();
        let mut numbers: Vec<Cell> = scores.iter().map(|score| Cell::from(*score)).collect();
        numbers.extend(ssim.map(Cell::from));
        numbers.push(file.into());
        tiles.push(Tile {
            column: position(&mut xs, text(row, wish.x)),
            row: position(&mut ys, text(row, row_field)),
            content,
            caption: caption(
                wish.scores.iter().zip(&scores).filter(|(persona, _)| table.is_rated_by(row, persona)),
                ssim.flatten(),
            ),
            numbers,
        });
    }
    let axis = |field: &str, values: &[String]| Axis {
        title: if field.is_empty() { String::new() } else { axis_title(field) },
        labels: values.iter().map(|value| tick_label(field, value)).collect(),
    };
    let mut columns: Vec<Column> = Vec::new();
    let mut footer = source.footer.clone();
    for persona in wish.scores {
        columns.push(Column::new(format!("qoe_{persona}"), format!("mean score of {persona}, in [0, 1]")));
    }
    if let Some(against) = wish.ssim_against {
        columns.push(Column::new("ssim", format!("structural similarity to the {} picture", against.name())));
        footer.push_str(&format!(" · SSIM against the {} picture", against.name()));
    }
    columns.push(Column::new("picture", "file of the picture below the results folder"));
    Ok(ImageGrid { title, x: axis(wish.x, &xs), y: axis(row_field, &ys), tiles, numbers: columns, footer })
}

/// Scores, a dash for those that failed, then SSIM; breaks between personas where a picture is narrow, never between a
/// name and its number.
fn caption<'a>(scores: impl Iterator<Item = (&'a String, &'a Option<f64>)>, ssim: Option<f64>) -> String {
    let scored = scores.map(|(persona, score)| {
        let score = score.map_or("–".to_owned(), |score| format!("{score:.2}"));
        format!("{}\u{a0}{score}", persona.replace(' ', "\u{a0}"))
    });
    // A wide blank is dropped where a line ends on it.
    let scored = scored.collect::<Vec<_>>().join("\u{2002} ");
    let ssim = ssim.map(|value| format!("SSIM {value:.2}"));
    [Some(scored), ssim].into_iter().flatten().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// `non-finite-latent` as "non-finite latent".
fn failure_in_words(status: &str) -> String {
    status.rsplit_once('-').map_or_else(|| status.to_owned(), |(kind, of)| format!("{kind} {of}"))
}
