//! Several studies in one figure: each study's lines, points, curves or boxes become series of their own.
//!
//! ```text
//!  study A: line of qoe over t₀ ─┐
//!                                ├─► line of qoe over t₀, series "A", "B"
//!  study B: line of qoe over t₀ ─┘
//! ```

use std::path::Path;

use super::drawing::{Drawing, drawings};
use super::labels::joined;
use super::readme::write_readme;
use super::results::StudyResults;
use super::{DrawnFigure, page_format};
use crate::report::box_plot::BoxGroup;
use crate::report::{BoxPlot, CdfPlot, LinePlot, ReferenceLine, ReportError, ScatterPlot};
use crate::scenario::{FigureKind, FigureSettings};

/// A study under the name that it has in the legend.
pub struct NamedStudy {
    pub name: String,
    pub results: StudyResults,
}

/// What can be compared, or why nothing can.
pub type Comparable = Result<Vec<String>, String>;

/// The figures of the first study that all others have as well, by their names.
pub fn comparable(studies: &[NamedStudy]) -> Comparable {
    let [first, others @ ..] = studies else {
        return Err("there is no study".to_owned());
    };
    let candidates: Vec<&FigureSettings> =
        first.results.scenario.figures.iter().filter(|figure| question(figure).is_some()).collect();
    if candidates.is_empty() {
        return Err(format!("{} has no figure of kind line, scatter, cdf or box", first.name));
    }
    let mut reasons = Vec::new();
    let mut found = Vec::new();
    for figure in candidates {
        match others.iter().find(|study| counterpart(figure, study).is_none()) {
            None => found.push(figure.name.clone()),
            Some(study) => {
                reasons.push(format!("{} has no figure that shows what \"{}\" shows", study.name, figure.name))
            }
        }
    }
    if found.is_empty() { Err(reasons.join("; ")) } else { Ok(found) }
}

/// Draws the figures of these names for all studies together into `place`.
///
/// # Errors
/// Those of drawing each by itself.
pub fn compare_into(
    place: &Path,
    studies: &[NamedStudy],
    names: &[String],
    command: &dyn Fn(&str) -> String,
) -> Result<Vec<DrawnFigure>, ReportError> {
    let mut drawn = Vec::new();
    let Some(first) = studies.first() else { return Ok(drawn) };
    for figure in first.results.scenario.figures.iter().filter(|figure| names.contains(&figure.name)) {
        let mut merged: Vec<(String, Drawing)> = Vec::new();
        for study in studies {
            let Some(own) = counterpart(figure, study) else { continue };
            // In the words of the first study, so that what is compared looks alike.
            let own = FigureSettings { title: figure.title.clone(), ..own.clone() };
            for (suffix, drawing) in drawings(&study.results.source, &study.results.scenario, &own)? {
                let drawing = renamed(drawing, &study.name);
                match merged.iter_mut().find(|(known, _)| *known == suffix) {
                    Some((_, whole)) => merge(whole, drawing),
                    None => merged.push((suffix, drawing)),
                }
            }
        }
        for (suffix, mut drawing) in merged {
            if figure.title.is_none() {
                let names: Vec<&str> = studies.iter().map(|study| study.name.as_str()).collect();
                set_title(&mut drawing, names.join(" and "));
            }
            let file = format!("{}{suffix}", figure.name);
            drawing.write(&place.join(&file), &page_format(&figure.page))?;
            drawn.push(DrawnFigure { name: figure.name.clone(), file });
        }
    }
    write_readme(place, &drawn, command)?;
    Ok(drawn)
}

/// What a figure asks: its kind, x and value; `None` for kinds that show one study.
fn question(figure: &FigureSettings) -> Option<(&'static str, &str, Vec<&str>)> {
    match &figure.kind {
        FigureKind::Line(line) => Some(("line", &line.x, line.value.iter().map(String::as_str).collect())),
        FigureKind::Scatter(scatter) => Some(("scatter", &scatter.x, vec![&scatter.value])),
        FigureKind::Cdf(cdf) => Some(("cdf", "", vec![&cdf.value])),
        FigureKind::Box(boxes) => Some(("box", &boxes.x, vec![&boxes.value])),
        _ => None,
    }
}

/// The figure of a study that asks the same; of several, the one of the same name.
fn counterpart<'a>(figure: &FigureSettings, study: &'a NamedStudy) -> Option<&'a FigureSettings> {
    let asks_the_same = |other: &&FigureSettings| question(other) == question(figure);
    let figures = || study.results.scenario.figures.iter().filter(asks_the_same);
    figures().find(|other| other.name == figure.name).or_else(|| figures().next())
}

/// Puts the study's name before those of its series.
fn renamed(mut drawing: Drawing, study: &str) -> Drawing {
    let rename = |name: &mut String| *name = joined([study, name.as_str()]);
    match &mut drawing {
        Drawing::Lines(LinePlot { series, .. }) => series.iter_mut().for_each(|series| rename(&mut series.name)),
        Drawing::Scatter(ScatterPlot { series, .. }) => series.iter_mut().for_each(|series| rename(&mut series.name)),
        Drawing::Cdf(CdfPlot { series, .. }) => series.iter_mut().for_each(|series| rename(&mut series.name)),
        Drawing::Boxes(BoxPlot { groups, .. }) => {
            groups.iter_mut().flat_map(|group| &mut group.boxes).for_each(|boxes| rename(&mut boxes.name));
        }
        _ => {}
    }
    drawing
}

/// Adds the series of one drawing to another of its kind.
fn merge(whole: &mut Drawing, part: Drawing) {
    match (whole, part) {
        (Drawing::Lines(whole), Drawing::Lines(part)) => {
            whole.series.extend(part.series);
            add_lines(&mut whole.reference_lines, part.reference_lines);
            add_footer(&mut whole.footer, &part.footer);
        }
        (Drawing::Scatter(whole), Drawing::Scatter(part)) => {
            whole.series.extend(part.series);
            add_lines(&mut whole.reference_lines, part.reference_lines);
            add_footer(&mut whole.footer, &part.footer);
        }
        (Drawing::Cdf(whole), Drawing::Cdf(part)) => {
            whole.series.extend(part.series);
            add_footer(&mut whole.footer, &part.footer);
        }
        (Drawing::Boxes(whole), Drawing::Boxes(part)) => {
            for BoxGroup { label, boxes } in part.groups {
                match whole.groups.iter_mut().find(|group| group.label == label) {
                    Some(group) => group.boxes.extend(boxes),
                    None => whole.groups.push(BoxGroup { label, boxes }),
                }
            }
            add_lines(&mut whole.reference_lines, part.reference_lines);
            add_footer(&mut whole.footer, &part.footer);
        }
        _ => unreachable!("figures that ask the same are of one kind"),
    }
}

/// Studies of one threshold share its line.
fn add_lines(whole: &mut Vec<ReferenceLine>, part: Vec<ReferenceLine>) {
    for line in part {
        if !whole.contains(&line) {
            whole.push(line);
        }
    }
}

fn add_footer(whole: &mut String, part: &str) {
    whole.push('\n');
    whole.push_str(part);
}

fn set_title(drawing: &mut Drawing, title: String) {
    match drawing {
        Drawing::Lines(plot) => plot.title = title,
        Drawing::Scatter(plot) => plot.title = title,
        Drawing::Cdf(plot) => plot.title = title,
        Drawing::Boxes(plot) => plot.title = title,
        _ => {}
    }
}
