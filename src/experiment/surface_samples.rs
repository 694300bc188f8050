//! From results folders to the cells of a measured surface.
//!
//! ```text
//!  requests.csv   prompts, t0, t_k, bit error probability of each picture ─┐
//!  scores.csv     what each persona said of it ────────────────────────────┼─► mean over pictures, and its standard error,
//!  the pack's text encoder   similarity of the two prompts ────────────────┘   per similarity, persona, t0, t_k and p
//! ```

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::figures::results::StudyResults;
use super::observer::Observer;
use super::prompt_directions::PromptDirections;
use crate::diffusion::Executor;
use crate::diffusion::text;
use crate::error::Error;
use crate::judge::measured_surface::SurfaceRow;
use crate::judge::persona::TRAIT_NAMES;
use crate::judge::{NamedPersona, Persona};
use crate::onnx::runtime::{self, RuntimeResolver};
use crate::onnx::{DiffusionPack, provider};
use crate::report::manifest::{Manifest, ModelPack};
use crate::report::table::Table;
use crate::scenario::{JudgeKind, JudgeSettings, Scenario, SimilaritySettings};

/// What may be swept: it is one of the surface's inputs, or changes nothing about pictures of given inputs.
const INPUTS: [&str; 4] = ["policy.", "radio.bit_error_probability", "study.seed", "server.prompt"];
/// The same of devices.
const INPUTS_OF_DEVICES: [&str; 2] = [".prompt", ".persona"];

/// Places after the point to which similarities are told apart.
const SIMILARITY_DIGITS: f64 = 1e6;

/// The cells, and what they are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceSamples {
    pub rows: Vec<SurfaceRow>,
    pub studies: Vec<SampledStudy>,
    /// Each pair of prompts, once.
    pub relations: Vec<PromptRelation>,
    /// Scores that are in the cells.
    pub scores: u64,
    /// Answers without a score, left out.
    pub failed_scores: u64,
    /// Scores of pictures that shared no steps, left out.
    pub unshared_scores: u64,
}

/// A study that took part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampledStudy {
    pub study: String,
    pub seed: u64,
    pub runs: u64,
    pub latentlink_version: String,
    pub identity_sha256: String,
    pub scenario_sha256: String,
    /// Packs with their digests.
    pub models: Vec<ModelPack>,
}

/// Two prompts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PromptRelation {
    pub prompt: String,
    pub server_prompt: String,
    pub similarity: f64,
}

/// Similarity, traits, t0, t_k and bit error probability, as bits that sort as the numbers do.
type CellKey = (u64, [u64; 5], u32, u32, u64);

/// Scores of one cell.
#[derive(Debug, Clone)]
struct CellScores {
    similarity: f64,
    persona: NamedPersona,
    bit_error_probability: f64,
    /// Sum and number of the answers about each picture, by study, point, replication and request.
    pictures: BTreeMap<(usize, u64, u64, u64), (f64, u32)>,
}

/// What is known of one picture.
struct PictureInputs {
    similarity: f64,
    t0: u32,
    tk: u32,
    bit_error_probability: f64,
}

/// Reads the scores of finished studies.
///
/// # Errors
/// [`Error::Usage`] for folders without finished results, studies that are not about the surface's inputs alone, or that
/// differ in anything else; [`Error::Report`] for tables that cannot be read; what the text encoder says.
pub fn gather(folders: &[PathBuf], observer: &dyn Observer) -> Result<SurfaceSamples, Error> {
    let mut cells: BTreeMap<CellKey, CellScores> = BTreeMap::new();
    let mut samples = SurfaceSamples {
        rows: Vec::new(),
        studies: Vec::new(),
        relations: Vec::new(),
        scores: 0,
        failed_scores: 0,
        unshared_scores: 0,
    };
    let mut first: Option<(Scenario, Vec<ModelPack>)> = None;
    for (number, folder) in folders.iter().enumerate() {
        let results = StudyResults::open(folder, None)?;
        let manifest = Manifest::read(&folder.join("manifest.json"))?;
        if samples.studies.iter().any(|other| other.identity_sha256 == manifest.identity_sha256) {
            return Err(usage(folder, "is of a study that was named already", "name each study once"));
        }
        check_swept(folder, &results.source.swept)?;
        if let Some((scenario, models)) = &first {
            check_alike(folder, (scenario, models), (&results.scenario, &manifest.models))?;
        }
        let mut similarities = Similarities::new(folder, &results.scenario, &manifest.models, observer);
        add_study(number, folder, &mut similarities, &mut cells, &mut samples)?;
        first.get_or_insert_with(|| (results.scenario, manifest.models.clone()));
        samples.studies.push(SampledStudy {
            study: manifest.study,
            seed: manifest.seed,
            runs: manifest.counts.runs,
            latentlink_version: manifest.latentlink_version,
            identity_sha256: manifest.identity_sha256,
            scenario_sha256: manifest.scenario_sha256,
            models: manifest.models,
        });
    }
    samples.rows = cells.into_iter().map(|((.., t0, tk, _), cell)| cell.row(t0, tk)).collect();
    Ok(samples)
}

/// Adds the scores of a study to their cells.
fn add_study(
    number: usize,
    folder: &Path,
    similarities: &mut Similarities<'_>,
    cells: &mut BTreeMap<CellKey, CellScores>,
    samples: &mut SurfaceSamples,
) -> Result<(), Error> {
    let pictures = pictures(folder, similarities, samples)?;
    let scores = Rows::read(folder, "scores.csv")?;
    for row in 0..scores.table.rows().len() {
        let Some(picture) = pictures.get(&scores.picture(row)?) else {
            samples.unshared_scores += 1;
            continue;
        };
        let Some(score) = scores.cell(row, "score")?.number() else {
            samples.failed_scores += 1;
            continue;
        };
        let mut traits = [0.0; 5];
        for (value, name) in traits.iter_mut().zip(TRAIT_NAMES) {
            *value = scores.number(row, name)?;
        }
        let persona = Persona::new(traits).map_err(|error| scores.not_understood(&error.to_string()))?;
        let bits = persona.traits().map(f64::to_bits);
        // Bits of numbers that are not negative sort as the numbers; similarities are moved up.
        let key = (
            (picture.similarity + 2.0).to_bits(),
            bits,
            picture.t0,
            picture.tk,
            picture.bit_error_probability.to_bits(),
        );
        let name = scores.cell(row, "persona")?.to_csv_field();
        let cell = cells.entry(key).or_insert_with(|| CellScores {
            similarity: picture.similarity,
            persona: NamedPersona::new(name, persona),
            bit_error_probability: picture.bit_error_probability,
            pictures: BTreeMap::new(),
        });
        let (point, replication, request) = scores.picture(row)?;
        let (sum, answers) = cell.pictures.entry((number, point, replication, request)).or_default();
        *sum += score;
        *answers += 1;
        samples.scores += 1;
    }
    Ok(())
}

/// The pictures of a study that shared steps, by point, replication and request.
fn pictures(
    folder: &Path,
    similarities: &mut Similarities<'_>,
    samples: &mut SurfaceSamples,
) -> Result<HashMap<(u64, u64, u64), PictureInputs>, Error> {
    let requests = Rows::read(folder, "requests.csv")?;
    let mut pictures = HashMap::new();
    for row in 0..requests.table.rows().len() {
        // Nothing was sent where this is blank.
        let Some(bit_error_probability) = requests.cell(row, "bit_error_probability")?.number() else { continue };
        let prompts = ["prompt", "server_prompt"].map(|column| requests.cell(row, column));
        let [prompt, server_prompt] = prompts;
        let (prompt, server_prompt) = (prompt?.to_csv_field(), server_prompt?.to_csv_field());
        let similarity = similarities.of(&prompt, &server_prompt)?;
        let relation = PromptRelation { prompt, server_prompt, similarity };
        if !samples.relations.contains(&relation) {
            samples.relations.push(relation);
        }
        let (t0, tk) = (requests.number(row, "t0")? as u32, requests.number(row, "tk")? as u32);
        pictures.insert(requests.picture(row)?, PictureInputs { similarity, t0, tk, bit_error_probability });
    }
    Ok(pictures)
}

impl CellScores {
    /// The mean over pictures, each of which is the mean of its answers.
    fn row(self, t0: u32, tk: u32) -> SurfaceRow {
        let means: Vec<f64> = self.pictures.values().map(|(sum, answers)| sum / f64::from(*answers)).collect();
        let count = means.len() as f64;
        let quality = means.iter().sum::<f64>() / count;
        let squares: f64 = means.iter().map(|mean| (mean - quality).powi(2)).sum();
        SurfaceRow {
            similarity: self.similarity,
            persona: self.persona,
            t0,
            tk,
            bit_error_probability: self.bit_error_probability,
            quality,
            standard_error: (means.len() > 1).then(|| (squares / (count - 1.0) / count).sqrt()),
            pictures: means.len() as u32,
        }
    }
}

fn usage(folder: &Path, what: &str, help: &str) -> Error {
    Error::Usage { message: format!("{} {what}", folder.display()), help: help.to_owned() }
}

/// Refuses a study in which something else than the surface's inputs varies.
fn check_swept(folder: &Path, swept: &[String]) -> Result<(), Error> {
    let is_input = |path: &&String| {
        let is_of_device = path.starts_with("device") && INPUTS_OF_DEVICES.iter().any(|field| path.ends_with(field));
        is_of_device || INPUTS.iter().any(|field| path.starts_with(field))
    };
    match swept.iter().find(|path| !is_input(path)) {
        None => Ok(()),
        Some(path) => Err(usage(
            folder,
            &format!("sweeps {path}, of which a surface knows nothing"),
            "a surface is a function of t0, t_k, bit error probability, persona and similarity: make one for each value, or \
             sweep policy.t0, policy.tk and radio.bit_error_probability alone",
        )),
    }
}

/// Refuses studies of different pictures or judges.
fn check_alike(
    folder: &Path,
    (scenario, models): (&Scenario, &[ModelPack]),
    (other, other_models): (&Scenario, &[ModelPack]),
) -> Result<(), Error> {
    let chain = |scenario: &Scenario| {
        let mut settings = scenario.diffusion.clone();
        settings.metrics_against.clear();
        settings
    };
    let judge = |judge: &JudgeSettings| judge.kind.clone();
    let what = if models != other_models {
        "was made with other packs than the first study"
    } else if chain(scenario) != chain(other) {
        "has another [diffusion] than the first study"
    } else if judge(&scenario.judge) != judge(&other.judge) {
        "has another [judge] than the first study"
    } else {
        return Ok(());
    };
    Err(usage(folder, what, "one surface is of one chain and one judge: make a surface of each"))
}

/// How similar two prompts of a study are.
struct Similarities<'a> {
    folder: &'a Path,
    scenario: &'a Scenario,
    models: &'a [ModelPack],
    observer: &'a dyn Observer,
    known: HashMap<(String, String), f64>,
    directions: Option<PromptDirections>,
}

impl<'a> Similarities<'a> {
    fn new(folder: &'a Path, scenario: &'a Scenario, models: &'a [ModelPack], observer: &'a dyn Observer) -> Self {
        Self { folder, scenario, models, observer, known: HashMap::new(), directions: None }
    }

    /// To six places.
    fn of(&mut self, prompt: &str, server_prompt: &str) -> Result<f64, Error> {
        if prompt == server_prompt {
            return Ok(1.0);
        }
        let key = (prompt.to_owned(), server_prompt.to_owned());
        if let Some(similarity) = self.known.get(&key) {
            return Ok(*similarity);
        }
        let similarity = match &self.scenario.judge.kind {
            JudgeKind::Surface(surface) => match surface.similarity {
                Some(SimilaritySettings::Given(similarity)) => similarity,
                Some(SimilaritySettings::Drawn { .. }) => {
                    let what = "draws similarities, which its tables do not hold";
                    return Err(usage(self.folder, what, "sweep with one number for judge.similarity, or with none"));
                }
                None => self.encoded(prompt, server_prompt)?,
            },
            JudgeKind::None | JudgeKind::Vlm(_) | JudgeKind::Endpoint(_) => self.encoded(prompt, server_prompt)?,
        };
        let similarity = (similarity * SIMILARITY_DIGITS).round() / SIMILARITY_DIGITS;
        self.known.insert(key, similarity);
        Ok(similarity)
    }

    /// By the encoder that the study's runs would ask.
    fn encoded(&mut self, prompt: &str, server_prompt: &str) -> Result<f64, Error> {
        let directions = match &self.directions {
            Some(directions) => directions,
            None => self.directions.insert(self.open()?),
        };
        Ok(text::similarity(&directions.of(prompt)?, &directions.of(server_prompt)?))
    }

    fn open(&self) -> Result<PromptDirections, Error> {
        let models = &self.scenario.models;
        let pack = Arc::new(DiffusionPack::open(&models.diffusion)?);
        let digest: String = pack.digest().iter().map(|byte| format!("{byte:02x}")).collect();
        if self.models.iter().any(|model| model.role == "diffusion" && model.digest != digest) {
            return Err(usage(
                self.folder,
                &format!("was made with another {} than the one that is there", models.diffusion.display()),
                "put the pack back with which the study was run, or run it again",
            ));
        }
        runtime::load(&RuntimeResolver::from_environment(), &|text| self.observer.stage(text))?;
        let provider = provider::resolve(models.execution_provider, models.cuda_device())?.provider;
        let executor = Arc::new(Executor::new(pack, provider, 1)?);
        Ok(PromptDirections::new(executor, None).with_sentence_encoder(models.sentence_encoder.as_deref(), provider)?)
    }
}

/// A table of a study.
struct Rows {
    path: PathBuf,
    table: Table,
}

impl Rows {
    fn read(folder: &Path, name: &str) -> Result<Self, Error> {
        let path = folder.join(name);
        if !path.is_file() {
            return Err(usage(
                folder,
                &format!("has no {name}"),
                "a surface is made of single scores: name a study with a judge whose tables are all there (some are left out \
                 of committed results), or run its scenario again",
            ));
        }
        Ok(Self { table: Table::read_csv(&path)?, path })
    }

    fn cell(&self, row: usize, column: &str) -> Result<&crate::report::Cell, Error> {
        let index = self.table.column_index(column);
        let index = index.ok_or_else(|| self.not_understood(&format!("it has no column `{column}`")))?;
        Ok(&self.table.rows()[row][index])
    }

    fn number(&self, row: usize, column: &str) -> Result<f64, Error> {
        let number = self.cell(row, column)?.number();
        number.ok_or_else(|| self.not_understood(&format!("row {} has no number in `{column}`", row + 1)))
    }

    /// Point, replication and request of a row.
    fn picture(&self, row: usize) -> Result<(u64, u64, u64), Error> {
        let whole = |column| self.number(row, column).map(|number| number as u64);
        Ok((whole("point")?, whole("replication")?, whole("request")?))
    }

    fn not_understood(&self, message: &str) -> Error {
        crate::report::ReportError::Content { path: self.path.clone(), message: message.to_owned() }.into()
    }
}
