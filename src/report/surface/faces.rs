//! The faces of a surface, painted from the far corner to the near one, so that what is in front covers what is behind.

use plotters::style::RGBColor;

use super::view::View;
use super::{SurfacePanel, SurfacePlot};
use crate::report::canvas::Canvas;
use crate::report::colour_scale::ColourScale;

/// Lines between the faces.
const EDGE: RGBColor = RGBColor(52, 52, 60);
const EDGE_WIDTH: f64 = 0.5;
/// About so many tiles of one colour lie along each side of a surface.
const TILES: usize = 48;

/// What all faces of a panel share.
pub(super) struct FacePainter<'a> {
    pub(super) plot: &'a SurfacePlot,
    pub(super) panel: &'a SurfacePanel,
    pub(super) view: View,
    pub(super) colours: &'a ColourScale,
}

impl FacePainter<'_> {
    /// Paints all faces. In this view x comes nearer as it grows and y as it falls.
    pub(super) fn paint(&self, canvas: &mut Canvas) {
        let (columns, rows) = (self.plot.x.values.len(), self.plot.y.values.len());
        for row in (0..rows - 1).rev() {
            for column in 0..columns - 1 {
                self.paint_face((column, row), canvas);
            }
        }
        for row in 0..rows {
            for column in 0..columns {
                self.paint_lone_point((column, row), canvas);
            }
        }
    }

    fn height(&self, column: usize, row: usize) -> Option<f64> {
        self.panel.heights[row][column]
    }

    /// Around the face from (column, row) on.
    fn corners((column, row): (usize, usize)) -> [(usize, usize); 4] {
        [(column, row), (column + 1, row), (column + 1, row + 1), (column, row + 1)]
    }

    fn project(&self, (x, y): (f64, f64), height: f64) -> (f64, f64) {
        let (low, high) = self.colours.range();
        self.view.project((x, y, (height - low) / (high - low)))
    }

    fn floor_place(&self, (column, row): (usize, usize)) -> (f64, f64) {
        (self.plot.x.part(self.plot.x.values[column]), self.plot.y.part(self.plot.y.values[row]))
    }

    /// A face between four neighbours, or a triangle where one has no number.
    fn paint_face(&self, place: (usize, usize), canvas: &mut Canvas) {
        let present: Vec<((f64, f64), f64)> = Self::corners(place)
            .into_iter()
            .filter_map(|(column, row)| Some((self.floor_place((column, row)), self.height(column, row)?)))
            .collect();
        let outline: Vec<(f64, f64)> = present.iter().map(|&(floor, height)| self.project(floor, height)).collect();
        match present.as_slice() {
            [a, b, c, d] => self.paint_tiles([*a, *b, *c, *d], canvas),
            [a, b, c] => tile(canvas, &outline, self.colours.colour((a.1 + b.1 + c.1) / 3.0)),
            _ => return,
        }
        canvas.path(&closed(&outline), EDGE, EDGE_WIDTH);
    }

    /// Tiles of the bilinear surface between four corners.
    fn paint_tiles(&self, corners: [((f64, f64), f64); 4], canvas: &mut Canvas) {
        let [(first, a), (_, b), (third, c), (_, d)] = corners;
        let along = |count: usize| (TILES / (count - 1)).clamp(1, 12);
        let (columns, rows) = (along(self.plot.x.values.len()), along(self.plot.y.values.len()));
        let height = |right: f64, back: f64| {
            (1.0 - back) * ((1.0 - right) * a + right * b) + back * ((1.0 - right) * d + right * c)
        };
        let project = |right: f64, back: f64| {
            let floor = (first.0 + right * (third.0 - first.0), first.1 + back * (third.1 - first.1));
            self.project(floor, height(right, back))
        };
        for row in (0..rows).rev() {
            for column in 0..columns {
                let part = |at: usize, of: usize| at as f64 / of as f64;
                let (left, right) = (part(column, columns), part(column + 1, columns));
                let (near, far) = (part(row, rows), part(row + 1, rows));
                let colour = self.colours.colour(height((left + right) / 2.0, (near + far) / 2.0));
                tile(
                    canvas,
                    &[project(left, near), project(right, near), project(right, far), project(left, far)],
                    colour,
                );
            }
        }
    }

    /// A number none of whose faces could be painted.
    fn paint_lone_point(&self, (column, row): (usize, usize), canvas: &mut Canvas) {
        let Some(height) = self.height(column, row) else { return };
        let (columns, rows) = (self.plot.x.values.len(), self.plot.y.values.len());
        let painted = |face: (usize, usize)| {
            Self::corners(face).iter().filter(|(column, row)| self.height(*column, *row).is_some()).count() >= 3
        };
        let around = [(0, 0), (1, 0), (0, 1), (1, 1)]
            .into_iter()
            .filter_map(|(left, down)| Some((column.checked_sub(left)?, row.checked_sub(down)?)))
            .filter(|(column, row)| *column < columns - 1 && *row < rows - 1);
        if !around.into_iter().any(painted) {
            canvas.disc(self.project(self.floor_place((column, row)), height), 2.5, self.colours.colour(height));
        }
    }
}

/// The rim in the same colour closes the seams between tiles.
fn tile(canvas: &mut Canvas, corners: &[(f64, f64)], colour: RGBColor) {
    canvas.polygon(corners, colour);
    canvas.path(&closed(corners), colour, 0.5);
}

fn closed(corners: &[(f64, f64)]) -> Vec<(f64, f64)> {
    corners.iter().chain(corners.first()).copied().collect()
}
