//! A number over two swept numbers as a surface in three dimensions, averaged over replications.

use super::labels::value_axis;
use super::plane::{Plane, coordinate, mark_label};
use super::rows::{Kept, Rows, Shown, as_numbers};
use super::{FigureSource, base_title, footer_with};
use crate::report::axis_label::{axis_title, tick_label};
use crate::report::surface::{SurfaceAxis, SurfaceMark, SurfacePanel};
use crate::report::{ReportError, SurfacePlot};
use crate::scenario::{FigureSettings, Scenario, SurfacePlotSettings};

/// One figure, or one per device, each with the part of its file name that tells it from the others. Its panels are the
/// combinations of the swept fields on neither axis.
pub(super) fn surfaces(
    source: &FigureSource,
    scenario: &Scenario,
    figure: &FigureSettings,
    wish: &SurfacePlotSettings,
) -> Result<Vec<(String, SurfacePlot)>, ReportError> {
    let rows = Rows::read(source, scenario, &[&wish.value], Shown::means(figure.device.as_ref(), None))?;
    let parts = rows.parts(&base_title(scenario, figure), figure.device.as_ref(), false);
    let surface = |part: super::rows::Part| {
        let kept = rows.kept(Kept { device: part.device.as_deref(), at: &[] });
        let plane = Plane::of(&rows, &kept, (&wish.x, &wish.y), std::slice::from_ref(&wish.value));
        let of_axis = |field: &str, words: &[String]| {
            Floor::of(field, words).ok_or_else(|| ReportError::Figure {
                figure: part.title.clone(),
                message: format!("`{field}` is swept over words, which have no place on a floor"),
            })
        };
        let (x, y) = (of_axis(&wish.x, &plane.xs)?, of_axis(&wish.y, &plane.ys)?);
        let replications = rows.replications();
        let mean =
            if replications == 1 { "n = 1".to_owned() } else { format!("mean over {replications} replications") };
        let panels = plane.panels.iter().zip(&plane.cells[0]).map(|(setting, cells)| {
            let mut heights = vec![vec![None; plane.xs.len()]; plane.ys.len()];
            for cell in cells {
                heights[y.rank[cell.row]][x.rank[cell.column]] = cell.value;
            }
            let mark = if setting.is_for(&wish.mark) { mark(wish, &x.axis, &y.axis, &heights) } else { None };
            SurfacePanel { title: setting.label.clone(), heights, mark }
        });
        let panels = panels.collect();
        let footer = format!("{} · {mean}", footer_with(source, figure.device.as_ref(), &[]));
        let z = value_axis(std::slice::from_ref(&wish.value));
        Ok((part.suffix, SurfacePlot { title: part.title, x: x.axis, y: y.axis, z, panels, footer }))
    };
    parts.into_iter().map(surface).collect()
}

/// One axis of the floor in the order of its numbers.
struct Floor {
    axis: SurfaceAxis,
    /// For each word in the order of the sweep, its place along the axis.
    rank: Vec<usize>,
}

impl Floor {
    fn of(field: &str, words: &[String]) -> Option<Self> {
        let numbers = as_numbers(words)?;
        let mut order: Vec<usize> = (0..words.len()).collect();
        order.sort_by(|one, other| numbers[*one].total_cmp(&numbers[*other]));
        let mut rank = vec![0; words.len()];
        order.iter().enumerate().for_each(|(place, word)| rank[*word] = place);
        let axis = SurfaceAxis {
            title: axis_title(field),
            values: order.iter().map(|word| numbers[*word]).collect(),
            labels: order.iter().map(|word| tick_label(field, &words[*word])).collect(),
        };
        Some(Self { axis, rank })
    }
}

/// The chosen allocation on the surface, its height between the four corners around it; `None` beyond the surface or in
/// a hole of it.
fn mark(
    wish: &SurfacePlotSettings,
    x: &SurfaceAxis,
    y: &SurfaceAxis,
    heights: &[Vec<Option<f64>>],
) -> Option<SurfaceMark> {
    let (at_x, at_y) = (coordinate(&wish.mark, &wish.x)?.number()?, coordinate(&wish.mark, &wish.y)?.number()?);
    let ((left, right), (below, above)) = (corners(&x.values, at_x)?, corners(&y.values, at_y)?);
    let mut z = 0.0;
    for (row, of_row) in [below, above] {
        for (column, of_column) in [left, right] {
            if of_row * of_column > 0.0 {
                z += of_row * of_column * heights[row][column]?;
            }
        }
    }
    Some(SurfaceMark { x: at_x, y: at_y, z, label: mark_label(&wish.mark) })
}

/// A place along an axis and its weight.
type Corner = (usize, f64);

/// The neighbours of a number, with weights that sum to 1.
fn corners(values: &[f64], at: f64) -> Option<(Corner, Corner)> {
    if let Some(exactly) = values.iter().position(|value| *value == at) {
        return Some(((exactly, 1.0), (exactly, 0.0)));
    }
    let low = values.windows(2).position(|pair| (pair[0]..=pair[1]).contains(&at))?;
    let part = (at - values[low]) / (values[low + 1] - values[low]);
    Some(((low, 1.0 - part), (low + 1, part)))
}
