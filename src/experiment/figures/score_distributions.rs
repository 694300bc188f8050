//! How answers about the same picture scatter, drawn from `scores.csv`.

use std::collections::HashSet;
use std::fs;

use super::FigureSource;
use super::rows::{Rows, position, setting_label};
use crate::picture::Picture;
use crate::report::score_distribution::{AgentScores, ScoredPicture};
use crate::report::{Cell, ReportError, ScoreDistribution};
use crate::scenario::Scenario;

/// What a `[[figure]]` of kind `score_distribution` asks for.
pub(super) struct DistributionWish<'a> {
    pub scores: &'a [String],
    pub device: &'a Option<String>,
    pub title: &'a Option<String>,
}

/// One panel for each device and point of the sweep, in the order of the tables; the first replication's pictures.
///
/// # Errors
/// [`ReportError::Figure`] where there is no table of scores; pictures that cannot be read.
pub(super) fn score_distribution(
    source: &FigureSource<'_>,
    scenario: &Scenario,
    wish: &DistributionWish<'_>,
) -> Result<ScoreDistribution, ReportError> {
    let title = wish.title.clone().unwrap_or_else(|| format!("{}: scores", scenario.study.name));
    let Some(scores) = source.scores else {
        return Err(ReportError::Figure { figure: title, message: "nobody rated its pictures".to_owned() });
    };
    let requests = Rows(source.requests);
    let several_devices = scenario.devices.len() > 1 && wish.device.is_none();
    let mut pictures = Vec::new();
    for request in source.requests.rows() {
        let device = requests.text(request, "device");
        let is_wanted = wish.device.as_ref().is_none_or(|wanted| *wanted == device);
        if !is_wanted || requests.text(request, "replication") != "0" {
            continue;
        }
        let mut parts = Vec::new();
        if several_devices {
            parts.push(device.clone());
        }
        parts.extend(source.swept.iter().map(|field| setting_label(field, &requests.text(request, field))));
        let file = requests.text(request, "picture");
        let picture = match file.as_str() {
            "" => None,
            file => {
                let path = source.folder.join(file);
                let bytes = fs::read(&path).map_err(|error| ReportError::Read { path, source: error })?;
                Some(Picture::from_png_bytes(&bytes)?)
            }
        };
        let place = ["point", "replication", "device", "request"].map(|column| requests.text(request, column));
        pictures.push(ScoredPicture { label: parts.join(", "), picture, agents: agents(scores, &place, wish.scores) });
    }
    if pictures.len() > 1 {
        for (letter, picture) in ('A'..).zip(&mut pictures) {
            picture.label = format!("{letter}: {}", picture.label);
        }
    }
    Ok(ScoreDistribution { title, pictures, footer: source.footer.clone() })
}

/// Each persona's scores of the picture that the four key columns name, in the order of the answers.
fn agents(scores: &crate::report::Table, place: &[String; 4], personas: &[String]) -> Vec<AgentScores> {
    let table = Rows(scores);
    let is_here = |row: &[Cell]| {
        let keys = ["point", "replication", "device", "request"];
        keys.iter().zip(place).all(|(column, value)| table.text(row, column) == *value)
    };
    let here: Vec<&Vec<Cell>> = scores.rows().iter().filter(|row| is_here(row)).collect();
    let of = |persona: &String| {
        // A user who is also on the panel may stand there twice, with the same answers.
        let mut seen = HashSet::new();
        let rows = here.iter().filter(|row| table.text(row, "persona") == *persona);
        let mut answers: Vec<(u64, Option<f64>)> = rows
            .map(|row| (table.number(row, "answer").unwrap_or(0.0) as u64, table.number(row, "score")))
            .filter(|(answer, _)| seen.insert(*answer))
            .collect();
        answers.sort_by_key(|(answer, _)| *answer);
        AgentScores { agent: persona.clone(), scores: answers.into_iter().map(|(_, score)| score).collect() }
    };
    // Each persona once, in the order of the scenario.
    let mut names = Vec::new();
    for persona in personas {
        position(&mut names, persona.clone());
    }
    names.iter().map(of).collect()
}
