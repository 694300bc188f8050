//! A grid of pictures over one or two swept coordinates, as one figure with the table behind it.
//!
//! ```text
//!                     title
//!                  x axis title
//!               x₁        x₂       x₃
//!   y  │  y₁  [picture] [picture] [  ╳  ]
//!  axis│       caption   caption   reason
//!      │  y₂  [picture] [picture] [     ]
//!   footer
//! ```

use std::path::Path;

use super::canvas::{
    Align, CROSS_GRAY, Canvas, HAIRLINE, INK, PAPER_GRAY, PIXELS_PER_POINT, TextLook, bold, faint, plain, widest,
};
use super::durable_file::ReportError;
use super::page_format::PageFormat;
use super::table::{Cell, Column, Table};
use crate::picture::{Enlargement, Picture};

/// One axis of the grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axis {
    /// What varies, in words; empty where nothing does.
    pub title: String,
    /// One label per column or row, in their order; see [`super::axis_label::tick_label`].
    pub labels: Vec<String>,
}

/// What stands in a place of the grid.
#[derive(Debug, Clone, PartialEq)]
pub enum TileContent {
    Picture(Picture),
    /// A picture that could not be made, with the reason in a few words: "NaN latent".
    Failed {
        reason: String,
    },
}

/// One place of the grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    /// Position in `x.labels` and `y.labels`.
    pub column: usize,
    pub row: usize,
    pub content: TileContent,
    /// Stands under the picture: "SSIM 0.87". May have several lines or be empty.
    pub caption: String,
    /// One cell for each of [`ImageGrid::numbers`], for the table behind the figure.
    pub numbers: Vec<Cell>,
}

/// A figure of pictures over coordinates. A place without a tile is drawn empty.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageGrid {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub tiles: Vec<Tile>,
    /// Columns of the table behind the figure, beside place and labels: the swept values, SSIM, the picture's file.
    pub numbers: Vec<Column>,
    /// Small print: study, seed, model pack, n.
    pub footer: String,
}

/// Distance of pictures, and margin around the figure [points].
const GAP: f64 = 8.0;
const MARGIN: f64 = 16.0;
const TITLE: f64 = 14.0;
const AXIS: f64 = 12.0;
const TICK: f64 = 11.0;
const CAPTION: f64 = 10.0;
const FOOTER: f64 = 8.5;

impl ImageGrid {
    /// Draws the figure.
    ///
    /// # Errors
    /// [`ReportError::Figure`] for a grid without columns or rows, or tiles outside of it or on top of each other.
    pub fn draw(&self) -> Result<Canvas, ReportError> {
        let tiles = self.placed_tiles()?;
        let layout = Layout::of(self, &tiles);
        let mut canvas = Canvas::new(layout.width, layout.height);
        layout.draw_labels(self, &mut canvas);
        for row in 0..self.y.labels.len() {
            for column in 0..self.x.labels.len() {
                let tile = tiles[row * self.x.labels.len() + column];
                layout.draw_tile(tile, column, row, &mut canvas);
            }
        }
        Ok(canvas)
    }

    /// Writes `<path>.png`, `<path>.svg` and the table behind it as `<path>.csv`.
    ///
    /// # Errors
    /// As [`ImageGrid::draw`] and [`ImageGrid::table`], and [`ReportError::Write`].
    pub fn write(&self, path_without_extension: &Path, format: &PageFormat) -> Result<(), ReportError> {
        self.draw()?.write_figure(path_without_extension, &self.title, &self.footer, &self.table()?, format)
    }

    /// The table behind the figure: one row per place, missing ones included, row by row.
    ///
    /// # Errors
    /// [`ReportError::Figure`], and those of [`Table::push`].
    pub fn table(&self) -> Result<Table, ReportError> {
        let tiles = self.placed_tiles()?;
        let mut columns = vec![
            Column::new("row", "row of the grid, counted from 0"),
            Column::new("column", "column of the grid, counted from 0"),
            Column::new("y", format!("label of the row: {}", self.y.title)),
            Column::new("x", format!("label of the column: {}", self.x.title)),
            Column::new("state", "picture, failed or missing"),
            Column::new("failure", "why there is no picture"),
            Column::new("caption", "what stands under the picture"),
        ];
        columns.extend(self.numbers.iter().cloned());
        let mut table = Table::new(columns)?;
        for (place, tile) in tiles.iter().enumerate() {
            let (row, column) = (place / self.x.labels.len(), place % self.x.labels.len());
            let (state, failure) = match tile.map(|tile| &tile.content) {
                Some(TileContent::Picture(_)) => ("picture", None),
                Some(TileContent::Failed { reason }) => ("failed", Some(reason.clone())),
                None => ("missing", None),
            };
            let mut cells = vec![
                row.into(),
                column.into(),
                self.y.labels[row].clone().into(),
                self.x.labels[column].clone().into(),
                state.into(),
                failure.into(),
                tile.map(|tile| one_line(&tile.caption)).into(),
            ];
            match tile {
                Some(tile) => cells.extend(tile.numbers.iter().cloned()),
                None => cells.extend(vec![Cell::Blank; self.numbers.len()]),
            }
            table.push(cells)?;
        }
        Ok(table)
    }

    /// Row by row, one entry per place.
    fn placed_tiles(&self) -> Result<Vec<Option<&Tile>>, ReportError> {
        let failed = |message: String| ReportError::Figure { figure: self.title.clone(), message };
        let (columns, rows) = (self.x.labels.len(), self.y.labels.len());
        if columns == 0 || rows == 0 {
            return Err(failed(format!("it has {columns} columns and {rows} rows")));
        }
        let mut places = vec![None; columns * rows];
        for tile in &self.tiles {
            let (column, row) = (tile.column, tile.row);
            if column >= columns || row >= rows {
                return Err(failed(format!(
                    "a tile in column {column}, row {row} lies outside of {columns} columns and {rows} rows"
                )));
            }
            let place = &mut places[row * columns + column];
            if place.replace(tile).is_some() {
                return Err(failed(format!("two tiles share column {column}, row {row}")));
            }
        }
        Ok(places)
    }
}

/// Where things go [points].
struct Layout {
    width: f64,
    height: f64,
    title: Vec<String>,
    footer: Vec<String>,
    row_labels: Vec<Vec<String>>,
    column_labels: Vec<Vec<String>>,
    x_title: Vec<String>,
    /// Left edge of the first column, upper edge of the first row.
    left: f64,
    top: f64,
    /// How far a narrow grid is moved towards the middle of the page.
    indent: f64,
    column_width: f64,
    row_height: f64,
    /// Side of the square that pictures are fitted into.
    picture: f64,
}

impl Layout {
    fn of(grid: &ImageGrid, tiles: &[Option<&Tile>]) -> Self {
        let columns = grid.x.labels.len() as f64;
        let rows = grid.y.labels.len() as f64;
        let picture = picture_side(tiles, grid.x.labels.len());

        let row_labels: Vec<_> = grid.y.labels.iter().map(|label| plain(TICK).wrap(label, 1.45 * picture)).collect();
        let row_label_width = widest(row_labels.iter().flatten(), plain(TICK));
        let y_title_width = if grid.y.title.is_empty() { 0.0 } else { AXIS + 12.0 };
        let row_label_gap = if row_label_width > 0.0 { 10.0 } else { 0.0 };
        let left = MARGIN + y_title_width + row_label_width + row_label_gap;

        // Labels and captions may be as wide as their column, and break rather than widen it by much.
        let column_labels: Vec<_> = grid.x.labels.iter().map(|label| plain(TICK).wrap(label, picture)).collect();
        let captions: Vec<_> = tiles.iter().flatten().map(|tile| faint(CAPTION).wrap(&tile.caption, picture)).collect();
        let column_width = picture
            .max(widest(column_labels.iter().flatten(), plain(TICK)))
            .max(widest(captions.iter().flatten(), faint(CAPTION)));
        let caption_lines = captions.iter().map(Vec::len).max().unwrap_or(0);
        let caption_height = match caption_lines {
            0 => 0.0,
            lines => 4.0 + lines as f64 * faint(CAPTION).line_height(),
        };
        let tallest_label = row_labels.iter().map(Vec::len).max().unwrap_or(0);
        let row_height = (picture + caption_height).max(tallest_label as f64 * plain(TICK).line_height());

        let grid_width = columns * column_width + (columns - 1.0) * GAP;
        // A narrow grid stands in the middle of a page wide enough for its title.
        let narrowest = 300.0;
        let width = (left + grid_width + MARGIN).max(narrowest);
        let spare = width - (left + grid_width + MARGIN);
        let indent = spare / 2.0;
        let left = left + indent;
        let text_width = width - 2.0 * MARGIN;
        let title = bold(TITLE).wrap(&grid.title, text_width);
        let footer = faint(FOOTER).wrap(&grid.footer, text_width);
        let x_title = plain(AXIS).wrap(&grid.x.title, grid_width.max(200.0));

        let column_label_lines = column_labels.iter().map(Vec::len).max().unwrap_or(0);
        let mut top = MARGIN + title.len() as f64 * bold(TITLE).line_height();
        top += x_title.len() as f64 * plain(AXIS).line_height() + 6.0;
        top += column_label_lines as f64 * plain(TICK).line_height() + 5.0;
        let mut height = top + rows * row_height + (rows - 1.0) * GAP;
        if !footer.is_empty() {
            height += 8.0 + footer.len() as f64 * faint(FOOTER).line_height();
        }
        Self {
            width,
            height: height + MARGIN,
            title,
            footer,
            row_labels,
            column_labels,
            x_title,
            left,
            top,
            indent,
            column_width,
            row_height,
            picture,
        }
    }

    fn draw_labels(&self, grid: &ImageGrid, canvas: &mut Canvas) {
        let columns = self.column_labels.len() as f64;
        let grid_width = columns * self.column_width + (columns - 1.0) * GAP;
        let middle = self.left + grid_width / 2.0;
        let mut y = MARGIN;
        // A title over a narrow grid is centred on the page, so that it cannot leave it.
        let title_width = widest(self.title.iter(), bold(TITLE));
        let title_middle = middle.min(self.width - MARGIN - title_width / 2.0).max(MARGIN + title_width / 2.0);
        y = canvas.lines_down(&self.title, (title_middle, y), Align::Centre, bold(TITLE));
        canvas.lines_down(&self.x_title, (middle, y + 6.0), Align::Centre, plain(AXIS));
        for (column, label) in self.column_labels.iter().enumerate() {
            let height = label.len() as f64 * plain(TICK).line_height();
            let at = (self.column_middle(column), self.top - 5.0 - height);
            canvas.lines_down(label, at, Align::Centre, plain(TICK));
        }
        let row_label_right = self.left - 10.0;
        for (row, label) in self.row_labels.iter().enumerate() {
            let height = label.len() as f64 * plain(TICK).line_height();
            let at = (row_label_right, self.row_top(row) + (self.picture - height).max(0.0) / 2.0);
            canvas.lines_down(label, at, Align::Right, plain(TICK));
        }
        let rows = self.row_labels.len() as f64;
        let grid_height = rows * self.row_height + (rows - 1.0) * GAP;
        let y_title_at = (MARGIN + self.indent + AXIS * 0.8, self.top + grid_height / 2.0);
        canvas.text_upwards(&grid.y.title, y_title_at, Align::Centre, plain(AXIS));
        let footer_height = self.footer.len() as f64 * faint(FOOTER).line_height();
        let footer_at = (MARGIN, self.height - MARGIN - footer_height);
        canvas.lines_down(&self.footer, footer_at, Align::Left, faint(FOOTER));
    }

    fn draw_tile(&self, tile: Option<&Tile>, column: usize, row: usize, canvas: &mut Canvas) {
        let middle = self.column_middle(column);
        let (left, top) = (middle - self.picture / 2.0, self.row_top(row));
        let square = [left, top, left + self.picture, top + self.picture];
        let Some(tile) = tile else {
            canvas.outline(square, HAIRLINE);
            return;
        };
        match &tile.content {
            TileContent::Picture(picture) => {
                let enlarged = picture.enlarge(enlargement(picture, self.picture), Enlargement::Bilinear);
                let points = |pixels: usize| pixels as f64 / PIXELS_PER_POINT as f64;
                let at =
                    (middle - points(enlarged.width()) / 2.0, top + (self.picture - points(enlarged.height())) / 2.0);
                canvas.blit(&enlarged.to_rgb8(), enlarged.width(), at);
            }
            TileContent::Failed { reason } => draw_failure(canvas, square, reason),
        }
        let caption = faint(CAPTION).wrap(&tile.caption, self.picture);
        let at = (middle, top + self.picture + 4.0);
        canvas.lines_down(&caption, at, Align::Centre, faint(CAPTION));
    }

    fn column_middle(&self, column: usize) -> f64 {
        self.left + column as f64 * (self.column_width + GAP) + self.column_width / 2.0
    }

    fn row_top(&self, row: usize) -> f64 {
        self.top + row as f64 * (self.row_height + GAP)
    }
}

/// All blanks plain and single, as a table wants its text.
fn one_line(caption: &str) -> String {
    caption.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A gray tile with a cross, and the reason on a plate where the lines meet.
fn draw_failure(canvas: &mut Canvas, square: [f64; 4], reason: &str) {
    let [left, top, right, bottom] = square;
    canvas.fill(square, PAPER_GRAY);
    canvas.path(&[(left + 1.0, top + 1.0), (right - 1.0, bottom - 1.0)], CROSS_GRAY, 1.0);
    canvas.path(&[(left + 1.0, bottom - 1.0), (right - 1.0, top + 1.0)], CROSS_GRAY, 1.0);
    canvas.outline(square, CROSS_GRAY);
    let look = TextLook { colour: INK, ..faint(CAPTION) };
    let lines = look.wrap(reason, right - left - 12.0);
    let (width, height) = (widest(lines.iter(), look), lines.len() as f64 * look.line_height());
    if width == 0.0 {
        return;
    }
    let (x, y) = ((left + right) / 2.0, (top + bottom - height) / 2.0);
    let plate = [x - width / 2.0 - 4.0, y - 2.0, x + width / 2.0 + 4.0, y + height + 2.0];
    canvas.fill(plate, PAPER_GRAY);
    canvas.lines_down(&lines, (x, y), Align::Centre, look);
}

/// Pictures shrink as columns get more: 128 points a side up to 8 columns, 96 up to 14, then 64. Pictures are never shown
/// with less than their own pixels, so that large ones make a larger figure.
fn picture_side(tiles: &[Option<&Tile>], columns: usize) -> f64 {
    let target: f64 = match columns {
        0..=8 => 128.0,
        9..=14 => 96.0,
        _ => 64.0,
    };
    tiles
        .iter()
        .flatten()
        .filter_map(|tile| match &tile.content {
            TileContent::Picture(picture) => {
                let longer = picture.width().max(picture.height());
                Some((longer * enlargement(picture, target)) as f64 / PIXELS_PER_POINT as f64)
            }
            TileContent::Failed { .. } => None,
        })
        .reduce(f64::max)
        .unwrap_or(target)
}

/// How many pixels of the figure a pixel of the picture takes, so that it fits a square of `side` points, at least 1.
fn enlargement(picture: &Picture, side: f64) -> usize {
    let longer = picture.width().max(picture.height()) as f64;
    ((side * PIXELS_PER_POINT as f64 / longer).floor() as usize).max(1)
}
