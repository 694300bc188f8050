//! How answers about the same picture scatter, drawn from `scores.csv`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;

use super::FigureSource;
use super::columns::{Columns, Wanted};
use super::labels::{joined, setting_label};
use crate::picture::Picture;
use crate::report::score_distribution::{AgentScores, ScoredPicture};
use crate::report::{ReportError, ScoreDistribution};
use crate::scenario::{FigureSettings, Scenario};

/// What tells one request of a replication from the others.
const KEYS: [&str; 3] = ["point", "device", "request"];

/// The scores of each answer of each persona.
type Answers = HashMap<String, BTreeMap<u64, Option<f64>>>;

/// One panel for each device and point of the sweep, in the order of the tables; the first replication's pictures.
///
/// # Errors
/// [`ReportError::Figure`] where there is no table of scores; pictures that cannot be read.
pub(super) fn score_distribution(
    source: &FigureSource,
    scenario: &Scenario,
    figure: &FigureSettings,
    personas: &[String],
) -> Result<ScoreDistribution, ReportError> {
    let title = figure.title.clone().unwrap_or_else(|| format!("{}: scores", scenario.study.name));
    if !source.folder.join("scores.csv").exists() {
        return Err(ReportError::Figure { figure: title, message: "nobody rated its pictures".to_owned() });
    }
    let mut words: Vec<&str> = source.swept.iter().map(String::as_str).collect();
    words.extend(KEYS);
    words.push("picture");
    let mut only = vec![("replication", "0")];
    only.extend(figure.device.as_ref().map(|device| ("device", device.as_str())));
    let mut answers = answers(source, &only)?;
    if scenario.demand.is_some() {
        only.push(("outcome", "served"));
    }
    let wanted = Wanted { words: &words, numbers: &[], only: &only };
    let requests = Columns::read(&source.folder.join("requests.csv"), &wanted)?;
    let several_devices = scenario.devices.len() > 1 && figure.device.is_none();
    // Each persona once, in the order of the scenario.
    let mut names: Vec<&String> = Vec::new();
    personas.iter().for_each(|persona| {
        if !names.contains(&persona) {
            names.push(persona)
        }
    });
    let (mut pictures, mut taken) = (Vec::new(), HashSet::new());
    for row in 0..requests.rows() {
        let device = if several_devices { requests.words("device").word(row) } else { "" };
        let settings: Vec<String> =
            source.swept.iter().map(|field| setting_label(field, requests.words(field).word(row))).collect();
        // In a run in time a device has several pictures: the first is shown.
        if !taken.insert((requests.words("device").word(row), settings.clone())) {
            continue;
        }
        let picture = match requests.words("picture").word(row) {
            "" => None,
            file => {
                let path = source.folder.join(file);
                let bytes = fs::read(&path).map_err(|error| ReportError::Read { path, source: error })?;
                Some(Picture::from_png_bytes(&bytes)?)
            }
        };
        let mut of_picture = answers.remove(&key(&requests, row)).unwrap_or_default();
        let agents = names.iter().map(|persona| AgentScores {
            agent: (*persona).clone(),
            scores: of_picture.remove(*persona).unwrap_or_default().into_values().collect(),
        });
        let label = joined(std::iter::once(device).chain(settings.iter().map(String::as_str)));
        pictures.push(ScoredPicture { label, picture, agents: agents.collect() });
    }
    if pictures.len() > 1 {
        for (letter, picture) in ('A'..).zip(&mut pictures) {
            picture.label = format!("{letter}: {}", picture.label);
        }
    }
    Ok(ScoreDistribution { title, pictures, footer: source.footer.clone() })
}

/// What was said about each picture. A user who is also on the panel may stand there twice, with the same answers.
fn answers(source: &FigureSource, only: &[(&str, &str)]) -> Result<HashMap<[String; 3], Answers>, ReportError> {
    let words = [KEYS[0], KEYS[1], KEYS[2], "persona"];
    let wanted = Wanted { words: &words, numbers: &["answer", "score"], only };
    let scores = Columns::read(&source.folder.join("scores.csv"), &wanted)?;
    let mut answers: HashMap<[String; 3], Answers> = HashMap::new();
    for row in 0..scores.rows() {
        let persona = scores.words("persona").word(row).to_owned();
        let answer = scores.numbers("answer")[row] as u64;
        let score = Some(scores.numbers("score")[row]).filter(|score| !score.is_nan());
        answers.entry(key(&scores, row)).or_default().entry(persona).or_default().entry(answer).or_insert(score);
    }
    Ok(answers)
}

fn key(columns: &Columns, row: usize) -> [String; 3] {
    KEYS.map(|column| columns.words(column).word(row).to_owned())
}
