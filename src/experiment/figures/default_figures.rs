//! What is drawn where a scenario has no `[[figure]]`: pictures with their users' scores; without pictures, the users'
//! QoE as a heat map where two fields are swept. What would not fit on a page is left out. Runs in time have no
//! default: what is of interest in them is too many things.

use super::FigureSource;
use super::columns::{Columns, Wanted};
use super::rows::combinations;
use crate::report::ReportError;
use crate::scenario::{
    FigureKind, FigureSettings, HeatMapSettings, ImageGridSettings, JudgeKind, PageSettings, Scenario,
};

/// Pictures in all grids together.
const MOST_TILES: usize = 400;
/// Cells in all heat maps together, and panels of one.
const MOST_CELLS: usize = 10_000;
const MOST_PANELS: usize = 24;

/// The figure over the last two swept fields, if it fits.
pub(super) fn default_figure(
    source: &FigureSource,
    scenario: &Scenario,
) -> Result<Option<FigureSettings>, ReportError> {
    if scenario.demand.is_some() {
        return Ok(None);
    }
    let mut fields = source.swept.iter().rev().cloned();
    let (x, y) = (fields.next(), fields.next());
    let figure = |name: &str, kind| FigureSettings {
        name: name.to_owned(),
        title: None,
        device: None,
        page: PageSettings::default(),
        kind,
    };
    if matches!(scenario.judge.kind, JudgeKind::Surface(_)) {
        let (Some(x), Some(y)) = (x, y) else { return Ok(None) };
        if !heat_map_fits(source, &x, &y)? {
            return Ok(None);
        }
        let map = HeatMapSettings {
            x,
            y,
            value: vec!["qoe".to_owned()],
            mark_maximum: false,
            contour_threshold: false,
            mark: Vec::new(),
        };
        return Ok(Some(figure("qoe", FigureKind::HeatMap(map))));
    }
    let is_judged = scenario.judge.kind != JudgeKind::None;
    let mut words = vec!["picture_status"];
    if is_judged {
        words.push("persona");
    }
    let wanted = Wanted { words: &words, numbers: &[], only: &[("replication", "0")] };
    let requests = Columns::read(&source.folder.join("requests.csv"), &wanted)?;
    let statuses = requests.words("picture_status");
    let tiles = (0..requests.rows()).filter(|row| statuses.word(*row) != "not-made").count();
    if tiles > MOST_TILES {
        return Ok(None);
    }
    Ok(Some(figure(
        "pictures",
        FigureKind::ImageGrid(ImageGridSettings {
            x: x.unwrap_or_else(|| "device".to_owned()),
            y,
            // Of all points: who a user is may be swept.
            scores: if is_judged { requests.words("persona").words().to_vec() } else { Vec::new() },
            ssim_against: scenario.diffusion.metrics_against.first().copied(),
        }),
    )))
}

fn heat_map_fits(source: &FigureSource, x: &str, y: &str) -> Result<bool, ReportError> {
    let mut words: Vec<&str> = source.swept.iter().map(String::as_str).collect();
    words.push("device");
    let wanted = Wanted { words: &words, numbers: &[], only: &[("replication", "0")] };
    let requests = Columns::read(&source.folder.join("requests.csv"), &wanted)?;
    if requests.rows() > MOST_CELLS {
        return Ok(false);
    }
    let others: Vec<_> = source.swept.iter().filter(|field| *field != x && *field != y).collect();
    let others: Vec<_> = others.into_iter().map(|field| requests.words(field)).collect();
    let rows: Vec<usize> = (0..requests.rows()).collect();
    Ok(combinations(&others, &rows, MOST_PANELS) <= MOST_PANELS)
}
