//! `[judge]`, `[population]`, and who the users are.

use std::path::PathBuf;
use std::sync::Arc;

use rand::RngExt;

use super::Scenario;
use crate::judge::{BaseUrl, MeasuredSurface, NamedPersona, NormalPopulation, Persona, QualityModel, Readout};
use crate::onnx::judge_pack::ModelDtype;
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
    /// The synthetic surface, which is a formula, or a measured one: no pictures.
    Surface(SurfaceSettings),
    /// A vision-language model. The default.
    Vlm(VlmSettings),
    /// A model behind an OpenAI-compatible HTTP endpoint.
    Endpoint(EndpointSettings),
}

impl JudgeSettings {
    /// What policies that search take for this judge's scores: its surface, and the synthetic one in the place of a model or nobody.
    pub fn quality_model(&self) -> QualityModel {
        match &self.kind {
            JudgeKind::Surface(surface) => surface.quality_model(),
            JudgeKind::Vlm(_) | JudgeKind::Endpoint(_) | JudgeKind::None => QualityModel::Synthetic,
        }
    }
}

impl JudgeKind {
    /// Whether two answers to one question may differ.
    pub fn is_drawn(&self) -> bool {
        match self {
            Self::None => false,
            Self::Surface(surface) => surface.noise,
            Self::Vlm(vlm) => vlm.readout.is_drawn(),
            Self::Endpoint(endpoint) => endpoint.readout.is_drawn(),
        }
    }

    /// Whether a model looks at the pictures.
    pub fn is_shown_pictures(&self) -> bool {
        matches!(self, Self::Vlm(_) | Self::Endpoint(_))
    }
}

/// `[judge] kind = "surface"`
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceSettings {
    /// Of each device's prompt to the server's; `None`: of the pack's text embeddings.
    pub similarity: Option<SimilaritySettings>,
    /// Whether answers scatter about the surface. Default false.
    pub noise: bool,
    /// `judge.file`: a measured surface; `None`: the synthetic one.
    pub measured: Option<MeasuredSettings>,
}

/// `judge.file`
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredSettings {
    /// Relative to the working directory.
    pub file: PathBuf,
    /// Shared by the points of a sweep.
    pub surface: Arc<MeasuredSurface>,
}

impl SurfaceSettings {
    /// What the surface says.
    pub fn quality_model(&self) -> QualityModel {
        match &self.measured {
            Some(measured) => QualityModel::Measured(Arc::clone(&measured.surface)),
            None => QualityModel::Synthetic,
        }
    }
}

/// `judge.similarity`: cosine similarity of two different prompts, in [−1, 1]. Equal prompts have 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SimilaritySettings {
    /// Of any two.
    Given(f64),
    /// Of a device's prompt to any that it shares steps with: drawn uniformly from [low, high], anew in each replication.
    Drawn { low: f64, high: f64 },
}

impl SimilaritySettings {
    /// The least that two prompts can have.
    pub fn least(self) -> f64 {
        match self {
            Self::Given(similarity) => similarity,
            Self::Drawn { low, .. } => low,
        }
    }
}

/// `[judge] kind = "vlm"`
#[derive(Debug, Clone, PartialEq)]
pub struct VlmSettings {
    /// Folder of the judge pack, relative to the working directory. Default `models/emoji-llava`.
    pub pack: PathBuf,
    /// Which of the pack's models are used; `None`: those without a suffix, else the only ones.
    pub dtype: Option<ModelDtype>,
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

/// `[judge] kind = "endpoint"`
#[derive(Debug, Clone, PartialEq)]
pub struct EndpointSettings {
    /// What stands before `/chat/completions`.
    pub base_url: BaseUrl,
    /// As the server calls it.
    pub model: String,
    /// Environment variable that holds the key, which itself is written nowhere; `None`: no key is sent.
    pub api_key_env: Option<String>,
    /// File of the prompt's template; `None`: the built-in one.
    pub template: Option<PathBuf>,
    /// Default `expectation`.
    pub readout: Readout,
    /// Of `sample` alone. Default 1; > 0.
    pub temperature: f64,
    /// Tokens after which an answer is cut off, for `greedy` and `sample`. Default 16; at least 1.
    pub max_new_tokens: u32,
    /// Further attempts where an answer holds no score, for `sample`. Default 3.
    pub retries: u32,
    /// Of one attempt. Default 120; > 0.
    pub timeout_s: f64,
    /// How often a request is sent again that failed on the way. Default 6.
    pub request_retries: u32,
    /// Requests under way at once, over all runs. Default 4; at least 1.
    pub concurrency: u32,
}

/// `[population]`: whom personas are drawn from.
#[derive(Debug, Clone, PartialEq)]
pub enum PopulationSettings {
    /// A normal distribution cut off at [0, 1]⁵.
    Normal(Box<NormalPopulation>),
    /// Each trait uniform in [0, 1], independent of the others.
    Uniform,
    /// The people of a file, each as likely as any other.
    File {
        /// Relative to the working directory.
        file: PathBuf,
        /// Never empty; shared by the points of a sweep.
        people: Arc<[NamedPersona]>,
    },
}

impl PopulationSettings {
    /// One person. Traits that are drawn are rounded to hundredths, which is what an agent is told of them.
    fn draw(&self, stream: &StreamKey) -> NamedPersona {
        match self {
            Self::Normal(population) => NamedPersona::of_traits(in_hundredths(population.draw(stream).traits())),
            Self::Uniform => NamedPersona::of_traits(in_hundredths(stream.rng().random())),
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

    /// How similar the prompt of the device of that index is to different ones in that replication, where the scenario has
    /// it drawn; the same at all points of a sweep that share the range.
    pub fn drawn_similarity(&self, device: usize, replication: u32) -> Option<f64> {
        let JudgeKind::Surface(SurfaceSettings { similarity: Some(SimilaritySettings::Drawn { low, high }), .. }) =
            &self.judge.kind
        else {
            return None;
        };
        let stream = StreamKey::new(self.study.seed, replication, "similarity", &self.devices[device].name);
        Some(low + (high - low) * stream.compact_rng().random::<f64>())
    }
}

fn in_hundredths(traits: [f64; 5]) -> Persona {
    let rounded = traits.map(|value| (value * 100.0).round() / 100.0);
    Persona::new(rounded).expect("rounding to hundredths does not leave [0, 1]")
}
