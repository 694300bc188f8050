//! Figures that show pictures: grids, and how their scores scatter.

use super::swept::point_count;
use super::{Entry, rated};
use crate::scenario::error::Problem;
use crate::scenario::settings::{FigureKind, ImageGridSettings, JudgeKind, PictureReference};
use crate::scenario::tree::{Data, Value};
use crate::scenario::words::{PICTURE_REFERENCES, alternatives, word_for};

/// Panels of a score distribution that fit on a page.
const MOST_PANELS: usize = 12;

pub(super) fn image_grid(entry: &mut Entry<'_, '_>) -> FigureKind {
    pictures_are_made(entry);
    let x = entry.needed_field("x", "columns");
    let y = entry.swept_field("y");
    entry.must_differ((&x, &y), "another field than `x`, or no `y`");
    let scores = rated::scores(entry);
    let ssim_against = ssim_against(entry, scores.is_empty());
    FigureKind::ImageGrid(ImageGridSettings { x: x.unwrap_or_default(), y, scores, ssim_against })
}

pub(super) fn score_distribution(entry: &mut Entry<'_, '_>, is_of_one_device: bool) -> FigureKind {
    let mut scores = rated::scores(entry);
    let around = entry.around;
    if !entry.table.has("scores") {
        scores = around.judge.panel.iter().map(|persona| persona.name.clone()).collect();
    }
    if scores.is_empty() && around.judge_is_known && entry.table.value("scores").is_none_or(is_empty_list) {
        let problem = Problem::new(format!("the figure \"{}\" shows nobody's scores", entry.name));
        let problem = problem.expected("at least one persona in `scores`");
        entry.push_at(
            "scores",
            problem.help("name personas that rate the pictures, say\n  scores = [\"GA1\", \"GA2\"]"),
        );
    }
    let panels = point_count(around.axes) * if is_of_one_device { 1 } else { around.devices.len() };
    if panels > MOST_PANELS {
        let problem = Problem::new(format!("the figure \"{}\" would have {panels} pictures", entry.name));
        let problem = problem.at(&entry.value.origin);
        let problem = problem.expected(format!("at most {MOST_PANELS}, one for each device and point of the sweep"));
        entry.table.push(problem.help("sweep less, or name one `device`"));
    }
    FigureKind::ScoreDistribution { scores }
}

fn is_empty_list(value: &Value) -> bool {
    matches!(&value.data, Data::List(list) if list.is_empty())
}

/// A grid needs pictures, which the surface does without.
fn pictures_are_made(entry: &mut Entry<'_, '_>) {
    if matches!(entry.around.judge.kind, JudgeKind::Surface(_)) {
        let problem = Problem::new("the figure shows pictures, but a judge of kind \"surface\" has none made");
        let problem = problem.expected("a kind that shows numbers, say \"heat_map\" or \"line\"");
        entry.push_at("kind", problem.help("draw numbers instead, or take `kind = \"surface\"` under [judge] away"));
    }
}

/// The reference must be one the study measures; left out, it is the first of those, or none under `scores`.
fn ssim_against(entry: &mut Entry<'_, '_>, is_usual: bool) -> Option<PictureReference> {
    let metrics_against = entry.around.metrics_against;
    if !entry.table.has("ssim_against") {
        return metrics_against.first().copied().filter(|_| is_usual);
    }
    let first = metrics_against.first().copied().unwrap_or(PictureReference::ErrorFree);
    let reference = entry.table.word("ssim_against", first, PICTURE_REFERENCES);
    if !metrics_against.contains(&reference) {
        let word = word_for(PICTURE_REFERENCES, reference);
        let problem = Problem::new(format!("the figure needs the SSIM against \"{word}\", which is not measured"));
        let measured = metrics_against.iter().map(|reference| word_for(PICTURE_REFERENCES, *reference));
        let expected = match metrics_against {
            [] => "a reference that `diffusion.metrics_against` names".to_owned(),
            _ => alternatives(measured),
        };
        let problem = problem.expected(expected);
        entry.push_at("ssim_against", problem.help(format!("add \"{word}\" to `metrics_against` under [diffusion]")));
    }
    Some(reference)
}
