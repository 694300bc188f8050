//! The vision-language judges of a study: one for each different `[judge]` of its points.

use std::sync::Arc;

use super::warnings::quoted;
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
    pub fn open(scenarios: &[Scenario]) -> Result<Self, Error> {
        let mut judges = Self { by_settings: Vec::new() };
        for scenario in scenarios {
            if let JudgeKind::Vlm(settings) = &scenario.judge.kind
                && judges.of(scenario).is_none()
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

    /// What a user should know about the judges of these points.
    ///
    /// # Errors
    /// [`Error::Pack`] if a tokenizer fails.
    pub fn warnings<'a>(
        &self,
        scenarios: impl Iterator<Item = &'a Scenario>,
        diffusion: &DiffusionPack,
    ) -> Result<Vec<String>, Error> {
        let mut warnings: Vec<String> = Vec::new();
        let mut warn = |warning: String| {
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
        };
        for pack in self.packs() {
            let learned_from = TRAINED_TOGETHER.iter().find(|(judge, _)| *judge == pack.name());
            if let Some((_, learned_from)) = learned_from.filter(|(_, learned_from)| *learned_from != diffusion.name())
            {
                warn(format!(
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
                warn(format!(
                    "the judge {} does not know {} in its prompt template: it is asked without, and what it answers may \
                     mean little; judge.template names another",
                    judge.pack().name(),
                    quoted(&unknown),
                ));
            }
        }
        for scenario in scenarios {
            let Some(judge) = self.of(scenario) else { continue };
            for device in &scenario.devices {
                let unknown = judge.unknown_words(&device.prompt)?;
                if !unknown.is_empty() {
                    warn(format!(
                        "the judge {} does not know {} in the request of {}, \"{}\": it rates the picture without",
                        judge.pack().name(),
                        quoted(&unknown),
                        device.name,
                        device.prompt,
                    ));
                }
            }
        }
        Ok(warnings)
    }
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
