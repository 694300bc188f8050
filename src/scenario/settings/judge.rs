//! `[judge]`, `[population]`, and who the users are.

use std::path::PathBuf;
use std::sync::Arc;

use rand::RngExt;

use super::Scenario;
use crate::judge::{NamedPersona, NormalPopulation, Persona, Readout};
use crate::random::StreamKey;

/// `device.persona`
#[derive(Debug, Clone, PartialEq)]
pub enum PersonaSettings {
    /// Named, or with its traits written out.
    Given(NamedPersona),
    /// Drawn from `[population]`, anew in each replication.
    Population,
}

/// `[judge]`: who rates the pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgeSettings {
    pub kind: JudgeKind,
    /// Q_th of (23): users below it count as outages. Default 0.6; in [0, 1].
    pub qoe_threshold: f64,
    /// Personas that rate every picture besides its user; names are unique. Default none.
    pub panel: Vec<NamedPersona>,
    /// Answers to each question. Default 1; more only where answers are drawn (see [`JudgeKind::is_drawn`]).
    pub answers_per_picture: u32,
    /// Whether every raw answer is kept in `answers.csv`. Default false.
    pub write_answers: bool,
}

/// `[judge] kind`
#[derive(Debug, Clone, PartialEq)]
pub enum JudgeKind {
    /// Nobody rates anything.
    None,
    /// The synthetic surface: a formula, no pictures.
    Surface(SurfaceSettings),
    /// A vision-language model. The default.
    Vlm(VlmSettings),
}

impl JudgeKind {
    /// Whether two answers to one question may differ.
    pub fn is_drawn(&self) -> bool {
        match self {
            Self::None => false,
            Self::Surface(surface) => surface.noise,
            Self::Vlm(vlm) => vlm.readout.is_drawn(),
        }
    }
}

/// `[judge] kind = "surface"`
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceSettings {
    /// Cosine similarity of each device's prompt to the server's, in [−1, 1]; `None`: of the pack's text embeddings.
    pub similarity: Option<f64>,
    /// Whether answers scatter about the surface. Default false.
    pub noise: bool,
}

/// `[judge] kind = "vlm"`
#[derive(Debug, Clone, PartialEq)]
pub struct VlmSettings {
    /// Folder of the judge pack, relative to the working directory. Default `models/emoji-llava`.
    pub pack: PathBuf,
    /// File of the prompt's template; `None`: the pack's own, else the built-in one.
    pub template: Option<PathBuf>,
    /// Default `expectation`.
    pub readout: Readout,
    /// Of `sample` alone. Default 1; > 0.
    pub temperature: f64,
    /// Tokens after which an answer is cut off, for `greedy` and `sample`. Default 16; at least 1.
    pub max_new_tokens: u32,
    /// Further attempts where an answer holds no score, for `sample`. Default 3.
    pub retries: u32,
}

/// `[population]`: whom personas are drawn from.
#[derive(Debug, Clone, PartialEq)]
pub enum PopulationSettings {
    /// A normal distribution cut off at [0, 1]⁵.
    Normal(Box<NormalPopulation>),
    /// The people of a file, each as likely as any other.
    File {
        /// Relative to the working directory.
        file: PathBuf,
        /// Never empty; shared by the points of a sweep.
        people: Arc<[NamedPersona]>,
    },
}

impl PopulationSettings {
    /// One person. Traits of a normal population are rounded to hundredths, which is what an agent is told of them.
    fn draw(&self, stream: &StreamKey) -> NamedPersona {
        match self {
            Self::Normal(population) => {
                let traits = population.draw(stream).traits().map(|value| (value * 100.0).round() / 100.0);
                let rounded = Persona::new(traits).expect("rounding to hundredths does not leave [0, 1]");
                NamedPersona::of_traits(rounded)
            }
            Self::File { people, .. } => people[stream.rng().random_range(0..people.len())].clone(),
        }
    }
}

impl Scenario {
    /// Whether pictures are made: a judge of kind `surface` needs none.
    pub fn makes_pictures(&self) -> bool {
        !matches!(self.judge.kind, JudgeKind::Surface(_))
    }

    /// Whether groups, cache or elections ask how similar prompts are.
    pub fn compares_prompts(&self) -> bool {
        let is_grouped = self.demand.is_some() && self.grouping.window_s > 0.0;
        is_grouped || self.cache.is_some()
    }

    /// Who uses the device of that index in that replication; the same at all points of a sweep that share the
    /// population.
    pub fn persona_of(&self, device: usize, replication: u32) -> NamedPersona {
        let device = &self.devices[device];
        match (&device.persona, &self.population) {
            (PersonaSettings::Given(persona), _) => persona.clone(),
            (PersonaSettings::Population, Some(population)) => {
                population.draw(&StreamKey::new(self.study.seed, replication, "persona", &device.name))
            }
            (PersonaSettings::Population, None) => unreachable!("the reader refuses to draw from no population"),
        }
    }
}
