//! Grids of pictures over one or two swept fields.

use std::collections::{BTreeMap, HashSet};
use std::fs;

use super::columns::{Columns, Wanted, WordColumn};
use super::labels::safe_name;
use super::{FigureSource, base_title};
use crate::picture::Picture;
use crate::report::axis_label::{axis_title, tick_label, tick_labels};
use crate::report::image_grid::{Axis, Tile, TileContent};
use crate::report::{Cell, Column, ImageGrid, ReportError};
use crate::scenario::{FigureSettings, ImageGridSettings, Scenario};

/// What of `requests.csv` one grid shows.
struct GridRows {
    /// Part of the file name that tells the grid from the others.
    suffix: String,
    /// The same for people.
    subtitle: String,
    rows: Vec<usize>,
}

/// The first replication's rows with the numbers that stand under pictures.
struct Requests<'a> {
    source: &'a FigureSource,
    columns: Columns,
    /// Personas whose score is in a column of its own.
    panel: Vec<String>,
    is_judged: bool,
}

/// One grid, or one per device and per combination of the swept fields that are on neither axis; each with the part
/// of its file name that tells it from the others. The first replication's pictures are shown.
pub(super) fn image_grids(
    source: &FigureSource,
    scenario: &Scenario,
    figure: &FigureSettings,
    wish: &ImageGridSettings,
) -> Result<Vec<(String, ImageGrid)>, ReportError> {
    let requests = Requests::read(source, scenario, wish)?;
    let words = |field: &str| requests.columns.words(field);
    let several_devices = scenario.devices.len() > 1;
    let row_field = wish.y.as_deref().unwrap_or(if wish.x == "device" || !several_devices { "" } else { "device" });
    let device_on_axis = wish.x == "device" || row_field == "device";
    let shown: Vec<usize> = (0..requests.columns.rows())
        .filter(|&row| {
            // A point without pictures has nothing to show.
            let is_made = words("picture_status").word(row) != "not-made";
            is_made && figure.device.as_ref().is_none_or(|wanted| words("device").word(row) == wanted)
        })
        .collect();
    let others = requests.free_fields(&shown, [wish.x.as_str(), row_field]);

    let mut groups: BTreeMap<Vec<usize>, GridRows> = BTreeMap::new();
    for row in shown {
        let (mut key, mut suffix, mut subtitle) = (Vec::new(), String::new(), Vec::new());
        if several_devices && !device_on_axis {
            let device = words("device").word(row);
            key.push(words("device").code(row));
            if figure.device.is_none() {
                suffix = format!("_{device}");
            }
            subtitle.push(device.to_owned());
        }
        for field in &others {
            let value = words(field).word(row);
            key.push(words(field).code(row));
            suffix.push_str(&format!("_{}-{value}", field.rsplit('.').next().unwrap_or(field)));
            subtitle.push(format!("{} {}", axis_title(field), tick_label(field, value)));
        }
        let new = || GridRows { suffix: safe_name(&suffix), subtitle: subtitle.join(", "), rows: Vec::new() };
        groups.entry(key).or_insert_with(new).rows.push(row);
    }

    let base_title = base_title(scenario, figure);
    let mut grids = Vec::new();
    for GridRows { suffix, subtitle, rows } in groups.into_values() {
        let title = if subtitle.is_empty() { base_title.clone() } else { format!("{base_title} ({subtitle})") };
        let mut grid = requests.image_grid(wish, row_field, title, &rows)?;
        if scenario.study.replications > 1 {
            grid.footer.push_str(&format!(" · the first of {} replications", scenario.study.replications));
        }
        grids.push((suffix, grid));
    }
    Ok(grids)
}

impl<'a> Requests<'a> {
    fn read(source: &'a FigureSource, scenario: &Scenario, wish: &ImageGridSettings) -> Result<Self, ReportError> {
        let path = source.folder.join("requests.csv");
        let names = Columns::names(&path)?;
        let is_there = |column: &String| names.contains(column);
        let panel: Vec<String> =
            wish.scores.iter().filter(|persona| is_there(&format!("qoe_{persona}"))).cloned().collect();
        let is_judged = !wish.scores.is_empty() && is_there(&"persona".to_owned());
        let mut words: Vec<&str> = source.swept.iter().map(String::as_str).collect();
        words.extend(["device", "picture", "picture_status"]);
        let mut numbers: Vec<String> = panel.iter().map(|persona| format!("qoe_{persona}")).collect();
        if is_judged {
            words.push("persona");
            numbers.push("qoe".to_owned());
        }
        numbers.extend(wish.ssim_against.map(|against| format!("ssim_{}", against.column_suffix())));
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        let mut only = vec![("replication", "0")];
        if scenario.demand.is_some() {
            only.push(("outcome", "served"));
        }
        let wanted = Wanted { words: &words, numbers: &numbers, only: &only };
        Ok(Self { source, columns: Columns::read(&path, &wanted)?, panel, is_judged })
    }

    fn words(&self, field: &str) -> Option<&WordColumn> {
        // "device" is an axis too, though nobody sweeps it; without a field there is one row.
        (!field.is_empty()).then(|| self.columns.words(field))
    }

    /// The swept fields that vary among pictures of one device in one place.
    fn free_fields(&self, rows: &[usize], axes: [&str; 2]) -> Vec<String> {
        let mut place: Vec<&WordColumn> = axes.iter().filter_map(|field| self.words(field)).collect();
        place.push(self.columns.words("device"));
        let varies = |field: &&String| {
            let column = self.columns.words(field);
            let mut value_at = std::collections::HashMap::new();
            !axes.contains(&field.as_str())
                && rows.iter().any(|&row| {
                    let at: Vec<usize> = place.iter().map(|column| column.code(row)).collect();
                    *value_at.entry(at).or_insert(column.code(row)) != column.code(row)
                })
        };
        self.source.swept.iter().filter(varies).cloned().collect()
    }

    /// Whether a persona was shown the row's picture: it is on the panel, or the user.
    fn is_rated_by(&self, row: usize, persona: &String) -> bool {
        self.panel.contains(persona) || self.is_judged && self.columns.words("persona").word(row) == persona
    }

    /// The mean score of a persona for this row's picture: the user's own, or one of the panel's.
    fn score(&self, row: usize, persona: &String) -> Option<f64> {
        let is_user = self.is_judged && self.columns.words("persona").word(row) == persona;
        let number = match (is_user, self.panel.contains(persona)) {
            (true, _) => self.columns.numbers("qoe")[row],
            (false, true) => self.columns.numbers(&format!("qoe_{persona}"))[row],
            (false, false) => return None,
        };
        Some(number).filter(|number| !number.is_nan())
    }

    fn tile(&self, row: usize, wish: &ImageGridSettings, (column, line): (usize, usize)) -> Result<Tile, ReportError> {
        let file = self.columns.words("picture").word(row);
        let content = if file.is_empty() {
            TileContent::Failed { reason: failure_in_words(self.columns.words("picture_status").word(row)) }
        } else {
            let path = self.source.folder.join(file);
            let bytes = fs::read(&path).map_err(|error| ReportError::Read { path, source: error })?;
            TileContent::Picture(Picture::from_png_bytes(&bytes)?)
        };
        let ssim = wish.ssim_against.map(|against| {
            let ssim = self.columns.numbers(&format!("ssim_{}", against.column_suffix()))[row];
            Some(ssim).filter(|ssim| !ssim.is_nan())
        });
        let scores: Vec<Option<f64>> = wish.scores.iter().map(|persona| self.score(row, persona)).collect();
        let mut numbers: Vec<Cell> = scores.iter().map(|score| Cell::from(*score)).collect();
        numbers.extend(ssim.map(Cell::from));
        numbers.push(file.into());
        let rated = wish.scores.iter().zip(&scores).filter(|(persona, _)| self.is_rated_by(row, persona));
        Ok(Tile { column, row: line, content, caption: caption(rated, ssim.flatten()), numbers })
    }

    fn image_grid(
        &self,
        wish: &ImageGridSettings,
        row_field: &str,
        title: String,
        rows: &[usize],
    ) -> Result<ImageGrid, ReportError> {
        let (mut xs, mut ys) = (Places::default(), Places::default());
        let (mut tiles, mut taken) = (Vec::with_capacity(rows.len()), HashSet::new());
        for &row in rows {
            let place = (xs.of(self.words(&wish.x), row), ys.of(self.words(row_field), row));
            // In a run in time a device has several pictures: the first is shown.
            if !taken.insert(place) {
                continue;
            }
            tiles.push(self.tile(row, wish, place)?);
        }
        let axis = |field: &str, values: &[String]| Axis {
            title: if field.is_empty() { String::new() } else { axis_title(field) },
            labels: tick_labels(field, values),
        };
        let mut columns: Vec<Column> = Vec::new();
        let mut footer = self.source.footer.clone();
        for persona in &wish.scores {
            columns.push(Column::new(format!("qoe_{persona}"), format!("mean score of {persona}, in [0, 1]")));
        }
        if let Some(against) = wish.ssim_against {
            columns.push(Column::new("ssim", format!("structural similarity to the {} picture", against.name())));
            footer.push_str(&format!(" · SSIM against the {} picture", against.name()));
        }
        columns.push(Column::new("picture", "file of the picture below the results folder"));
        let (x, y) = (axis(&wish.x, &xs.words), axis(row_field, &ys.words));
        Ok(ImageGrid { title, x, y, tiles, numbers: columns, footer })
    }
}

/// The words along one axis of a grid, in the order of first sight.
#[derive(Default)]
struct Places {
    words: Vec<String>,
    known: BTreeMap<usize, usize>,
}

impl Places {
    fn of(&mut self, column: Option<&WordColumn>, row: usize) -> usize {
        let code = column.map_or(0, |column| column.code(row));
        *self.known.entry(code).or_insert_with(|| {
            self.words.push(column.map_or_else(String::new, |column| column.word(row).to_owned()));
            self.words.len() - 1
        })
    }
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
