//! The vision-language judges of a study: one for each different `[judge]` of its points.

use std::sync::Arc;

use crate::error::Error;
use crate::judge::vlm::VlmOptions;
use crate::judge::{PromptTemplate, VlmJudge};
use crate::onnx::{DiffusionPack, JudgePack};
use crate::scenario::{JudgeKind, Scenario, VlmSettings};

/// A judge pack and the diffusion pack from whose pictures it has learned.
const TRAINED_TOGETHER: [(&str, &str); 1] = [("emoji-llava", "emoji-ldm")];

/// Judges, each once.
pub struct StudyJudges {
    by_settings: Vec<(VlmSettings, Arc<VlmJudge>)>,
}

impl StudyJudges {
    /// Opens the packs and templates that the points name; makes no session.
    ///
    /// # Errors
    /// [`Error::Pack`], [`Error::Template`], [`Error::Judge`].
    pub fn open(scenarios: impl Iterator<Item = Result<Scenario, Error>>) -> Result<Self, Error> {
        let mut judges = Self { by_settings: Vec::new() };
        for scenario in scenarios {
            let scenario = scenario?;
            if let JudgeKind::Vlm(settings) = &scenario.judge.kind
                && judges.of(&scenario).is_none()
            {
                judges.by_settings.push((settings.clone(), Arc::new(judge(settings)?)));
            }
        }
        Ok(judges)
    }

    /// The judge of a point; `None` where no model judges.
    pub fn of(&self, scenario: &Scenario) -> Option<&Arc<VlmJudge>> {
        let JudgeKind::Vlm(wanted) = &scenario.judge.kind else { return None };
        self.by_settings.iter().find(|(settings, _)| settings == wanted).map(|(_, judge)| judge)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<VlmJudge>> {
        self.by_settings.iter().map(|(_, judge)| judge)
    }

    /// The packs, each once.
    pub fn packs(&self) -> Vec<&Arc<JudgePack>> {
        let mut packs: Vec<&Arc<JudgePack>> = Vec::new();
        for judge in self.iter() {
            if packs.iter().all(|pack| pack.digest() != judge.pack().digest()) {
                packs.push(judge.pack());
            }
        }
        packs
    }

    /// What a user should know about these judges, whatever they are asked.
    ///
    /// # Errors
    /// [`Error::Pack`] if a tokenizer fails.
    pub fn warnings(&self, diffusion: &DiffusionPack) -> Result<Vec<String>, Error> {
        let mut warnings: Vec<String> = Vec::new();
        for pack in self.packs() {
            let learned_from = TRAINED_TOGETHER.iter().find(|(judge, _)| *judge == pack.name());
            if let Some((_, learned_from)) = learned_from.filter(|(_, learned_from)| *learned_from != diffusion.name())
            {
                warnings.push(format!(
                    "the judge {} has learned from pictures of {learned_from} alone: what it says of pictures of {} \
                     means little; judge.pack names another",
                    pack.name(),
                    diffusion.name(),
                ));
            }
        }
        for judge in self.iter() {
            let unknown = judge.unknown_template_words()?;
            if !unknown.is_empty() {
                warnings.push(format!(
                    "the judge {} does not know {} in its prompt template: it is asked without, and what it answers may \
                     mean little; judge.template names another",
                    judge.pack().name(),
                    quoted(&unknown),
                ));
            }
        }
        Ok(warnings)
    }

    /// Why a judge does not understand what a device's user had asked for; nothing where it does.
    ///
    /// # Errors
    /// [`Error::Pack`] if the tokenizer fails.
    pub fn warning_of_request(judge: &VlmJudge, device: &str, prompt: &str) -> Result<Option<String>, Error> {
        let unknown = judge.unknown_words(prompt)?;
        Ok((!unknown.is_empty()).then(|| {
            format!(
                "the judge {} does not know {} in the request of {device}, \"{prompt}\": it rates the picture without",
                judge.pack().name(),
                quoted(&unknown),
            )
        }))
    }
}

/// `"a", "b"`
pub(super) fn quoted(words: &[String]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

fn judge(settings: &VlmSettings) -> Result<VlmJudge, Error> {
    let pack = Arc::new(JudgePack::open(&settings.pack)?);
    let template = match settings.template.clone().or_else(|| pack.template_file()) {
        Some(file) => PromptTemplate::read(&file)?,
        None => PromptTemplate::built_in(),
    };
    let options = VlmOptions {
        readout: settings.readout,
        temperature: settings.temperature,
        max_new_tokens: settings.max_new_tokens,
        retries: settings.retries,
    };
    Ok(VlmJudge::new(pack, template, options)?)
}
