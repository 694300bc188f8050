//! What the judges said: every answer of a run, by user and persona, whatever kind of judge gave it.

use std::sync::Arc;

use super::computation::ComputedValues;
use super::simulation::Run;
use crate::diffusion::NodeId;
use crate::diffusion::value::Failure;
use crate::judge::{Answer, NamedPersona, QualityModel, SurfaceInputs};
use crate::network::bench::SimulatedUser;
use crate::network::rating::{answer_stream, judge_stream, raters};
use crate::network::{Rating, UserRecord};
use crate::random::StreamKey;
use crate::scenario::{JudgeKind, Scenario, SurfaceSettings};

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub enum ScoredAnswer {
    Given(Answer),
    /// There was no picture to rate.
    NoPicture(Failure),
}

/// What one persona said of one user's picture.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonaScores {
    pub persona: Arc<NamedPersona>,
    /// By answer index; at least one.
    pub answers: Vec<ScoredAnswer>,
}

/// The quality of experience of all users of one run: the objective (21) and how often (23) is broken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunQuality {
    /// Sum over the users; `None` where one of them has none, which is not the same as a zero.
    pub sum: Option<f64>,
    /// Users below the threshold Q_th, and those whose score failed.
    pub outages: u64,
    /// Answers, the panel's included, that hold no score.
    pub failed_scores: u64,
}

/// All answers of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunScores {
    /// [user][persona], the user's own persona first; no personas where nobody judges.
    by_user: Vec<Vec<PersonaScores>>,
}

impl ScoredAnswer {
    /// What became of a score node.
    fn of(node: NodeId, values: &ComputedValues) -> Self {
        match (values.answers.get(&node), values.failures.get(&node)) {
            (Some(answer), _) => Self::Given(answer.clone()),
            (None, Some(failure)) => Self::NoPicture(*failure),
            (None, None) => unreachable!("every wanted score was computed or taken from the store"),
        }
    }

    /// In [0, 1]; `None` where it failed.
    pub fn score(&self) -> Option<f64> {
        match self {
            Self::Given(answer) => answer.score,
            Self::NoPicture(_) => None,
        }
    }

    /// `ok`, `failed` where no answer held a score, or why there is no picture.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Given(Answer { score: Some(_), .. }) => "ok",
            Self::Given(Answer { score: None, .. }) => "failed",
            Self::NoPicture(failure) => failure.name(),
        }
    }
}

impl PersonaScores {
    /// Quality of experience: the mean over the answers that hold a score, in [0, 1]; `None` where none does.
    pub fn quality_of_experience(&self) -> Option<f64> {
        let scores = self.answers.iter().filter_map(ScoredAnswer::score);
        let (sum, count) = scores.fold((0.0, 0_u32), |(sum, count), score| (sum + score, count + 1));
        (count > 0).then(|| sum / f64::from(count))
    }

    /// `ok` where there is a mean, else what became of the answers.
    pub fn status(&self) -> &'static str {
        if self.quality_of_experience().is_some() {
            "ok"
        } else {
            self.answers.first().map_or("failed", ScoredAnswer::status)
        }
    }
}

impl RunScores {
    /// Takes the answers about pictures from what was computed, and computes the surface's.
    pub fn of(run: &Run, values: &ComputedValues) -> Self {
        let of_pictures = |user: &SimulatedUser| {
            let given = |rating: &Rating| PersonaScores {
                persona: Arc::new(rating.persona.clone()),
                answers: rating.answers.iter().map(|node| ScoredAnswer::of(*node, values)).collect(),
            };
            user.ratings.iter().map(given).collect()
        };
        let by_user = match &run.point.scenario.judge.kind {
            JudgeKind::None => vec![Vec::new(); run.users.len()],
            JudgeKind::Vlm(_) | JudgeKind::Endpoint(_) => run.users.iter().map(of_pictures).collect(),
            JudgeKind::Surface(surface) => {
                let mut surface = SurfaceRaters::new(&run.point.scenario, surface, run.id.replication);
                run.users.iter().map(|user| surface.rate(&user.record)).collect()
            }
        };
        Self { by_user }
    }

    /// The answers of each user, in the order of the run's users.
    pub fn by_user(&self) -> &[Vec<PersonaScores>] {
        &self.by_user
    }

    /// What the run is worth to its users; `None` where nobody judges.
    pub fn quality(&self, threshold: f64) -> Option<RunQuality> {
        let own: Option<Vec<&PersonaScores>> = self.by_user.iter().map(|personas| personas.first()).collect();
        let scores: Vec<Option<f64>> = own?.into_iter().map(PersonaScores::quality_of_experience).collect();
        Some(RunQuality {
            sum: scores.iter().copied().sum(),
            outages: scores.iter().filter(|score| score.is_none_or(|score| score < threshold)).count() as u64,
            failed_scores: self.failed(),
        })
    }

    /// Answers, each user's apart.
    pub fn answers(&self) -> u64 {
        self.by_user.iter().flatten().map(|persona| persona.answers.len() as u64).sum()
    }

    /// Those of them that hold no score, those about pictures that failed included.
    pub fn failed(&self) -> u64 {
        let answers = self.by_user.iter().flatten().flat_map(|persona| &persona.answers);
        answers.filter(|answer| answer.score().is_none()).count() as u64
    }
}

/// The surface's answers about pictures that would have been made. Who rates the pictures of a device, and the stream
/// of its answers, is found out once: a run in time may have a million requests.
struct SurfaceRaters<'a> {
    scenario: &'a Scenario,
    surface: &'a SurfaceSettings,
    model: QualityModel,
    replication: u32,
    /// By device index; `None` before its first picture.
    devices: Vec<Option<DeviceRaters>>,
}

/// Who rates the pictures of one device.
struct DeviceRaters {
    personas: Vec<Arc<NamedPersona>>,
    stream: StreamKey,
}

impl<'a> SurfaceRaters<'a> {
    fn new(scenario: &'a Scenario, surface: &'a SurfaceSettings, replication: u32) -> Self {
        let devices = std::iter::repeat_with(|| None).take(scenario.devices.len()).collect();
        Self { scenario, surface, model: surface.quality_model(), replication, devices }
    }

    fn rate(&mut self, record: &UserRecord) -> Vec<PersonaScores> {
        let Self { scenario, surface, model, replication, devices } = self;
        let device = record.journey.device;
        let raters = devices[device].get_or_insert_with(|| DeviceRaters {
            personas: raters(scenario, device, *replication).into_iter().map(Arc::new).collect(),
            stream: judge_stream(scenario, device, *replication),
        });
        let answer = |persona: &NamedPersona, index: u32| {
            let inputs = SurfaceInputs {
                t0: record.t0,
                tk: record.tk,
                // Nothing was sent: nothing was flipped.
                bit_error_probability: record.link.as_ref().map_or(0.0, |link| link.bit_error_probability),
                similarity: record.similarity,
                persona: persona.persona,
            };
            let score = if surface.noise {
                let seed = answer_stream(scenario, &raters.stream, record.journey.request, index);
                model.noisy_quality_of_experience(&inputs, &seed)
            } else {
                model.quality_of_experience(&inputs)
            };
            ScoredAnswer::Given(Answer { score: Some(score), text: None, attempts: 1 })
        };
        let of_persona = |persona: &Arc<NamedPersona>| PersonaScores {
            persona: Arc::clone(persona),
            answers: (0..scenario.judge.answers_per_picture).map(|index| answer(persona, index)).collect(),
        };
        raters.personas.iter().map(of_persona).collect()
    }
}
