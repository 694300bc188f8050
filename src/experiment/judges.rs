//! The judges of a study that are shown pictures: one for each different `[judge]` of its points.

use std::sync::Arc;

use crate::error::Error;
use crate::judge::vlm::VlmOptions;
use crate::judge::{
    ConnectionOptions, EndpointClient, EndpointJudge, EndpointOptions, JudgeError, PictureJudge, PromptTemplate,
    VlmJudge,
};
use crate::onnx::{DiffusionPack, JudgePack};
use crate::scenario::{EndpointSettings, JudgeKind, Scenario, VlmSettings};

/// A judge pack and the diffusion pack from whose pictures it has learned.
const TRAINED_TOGETHER: [(&str, &str); 1] = [("emoji-llava", "emoji-ldm")];

/// Judges, each once.
pub struct StudyJudges {
    by_settings: Vec<(JudgeKind, PictureJudge)>,
    /// Each once: how many requests are under way is limited over all judges that ask there.
    clients: Vec<Arc<EndpointClient>>,
}

impl StudyJudges {
    /// Opens the packs and templates that the points name; makes no session and sends no request.
    ///
    /// # Errors
    /// [`Error::Pack`], [`Error::Template`], [`Error::Judge`].
    pub fn open(scenarios: impl Iterator<Item = Result<Scenario, Error>>) -> Result<Self, Error> {
        let mut judges = Self { by_settings: Vec::new(), clients: Vec::new() };
        for scenario in scenarios {
            let scenario = scenario?;
            if judges.of(&scenario).is_some() {
                continue;
            }
            let judge = match &scenario.judge.kind {
                JudgeKind::Vlm(settings) => PictureJudge::Vlm(Arc::new(of_pack(settings)?)),
                JudgeKind::Endpoint(settings) => PictureJudge::Endpoint(Arc::new(judges.at_endpoint(settings)?)),
                JudgeKind::Surface(_) | JudgeKind::None => continue,
            };
            judges.by_settings.push((scenario.judge.kind, judge));
        }
        Ok(judges)
    }

    /// The judge of a point; `None` where no model judges.
    pub fn of(&self, scenario: &Scenario) -> Option<&PictureJudge> {
        self.by_settings.iter().find(|(settings, _)| *settings == scenario.judge.kind).map(|(_, judge)| judge)
    }

    pub fn iter(&self) -> impl Iterator<Item = &PictureJudge> {
        self.by_settings.iter().map(|(_, judge)| judge)
    }

    /// One judge of each pack, model and endpoint.
    pub fn models(&self) -> Vec<&PictureJudge> {
        let mut models: Vec<&PictureJudge> = Vec::new();
        for judge in self.iter() {
            let is_same = |known: &&PictureJudge| match (known, judge) {
                (PictureJudge::Vlm(known), PictureJudge::Vlm(judge)) => known.pack().digest() == judge.pack().digest(),
                (known, judge) => known.name() == judge.name(),
            };
            if !models.iter().any(is_same) {
                models.push(judge);
            }
        }
        models
    }

    /// The judges of packs.
    fn of_packs(&self) -> impl Iterator<Item = &Arc<VlmJudge>> {
        self.iter().filter_map(|judge| match judge {
            PictureJudge::Vlm(judge) => Some(judge),
            PictureJudge::Endpoint(_) => None,
        })
    }

    /// The packs, each once.
    fn packs(&self) -> Vec<&Arc<JudgePack>> {
        let mut packs: Vec<&Arc<JudgePack>> = Vec::new();
        for judge in self.of_packs() {
            if packs.iter().all(|pack| pack.digest() != judge.pack().digest()) {
                packs.push(judge.pack());
            }
        }
        packs
    }

    fn at_endpoint(&mut self, settings: &EndpointSettings) -> Result<EndpointJudge, Error> {
        let connection = connection_of(settings);
        let client = match self.clients.iter().find(|client| *client.options() == connection) {
            Some(client) => Arc::clone(client),
            None => {
                let client = Arc::new(EndpointClient::new(connection).map_err(JudgeError::from)?);
                self.clients.push(Arc::clone(&client));
                client
            }
        };
        let template = match &settings.template {
            Some(file) => PromptTemplate::read(file)?,
            None => PromptTemplate::built_in_for_chats(),
        };
        let options = EndpointOptions {
            model: settings.model.clone(),
            readout: settings.readout,
            temperature: settings.temperature,
            max_new_tokens: settings.max_new_tokens,
            retries: settings.retries,
        };
        Ok(EndpointJudge::new(client, template, options).map_err(JudgeError::from)?)
    }

    /// What a user should know about the endpoints.
    fn warnings_of_endpoints(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for client in &self.clients {
            let variable = client.options().api_key_env.as_ref();
            if let Some(variable) = variable.filter(|variable| std::env::var_os(variable).is_none()) {
                warnings.push(format!(
                    "the environment variable {variable}, which judge.api_key_env names, is not set: {} cannot be asked",
                    client.base_url()
                ));
            }
        }
        for judge in self.iter() {
            let PictureJudge::Endpoint(judge) = judge else { continue };
            if let Some(mark) = judge.template().speaker_mark() {
                warnings.push(format!(
                    "the judge's template has {mark} in its `format`, but {} is asked by chat and says itself who speaks: \
                     judge.template should name one without",
                    judge.name()
                ));
            }
        }
        warnings
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
        for judge in self.of_packs() {
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
        warnings.extend(self.warnings_of_endpoints());
        Ok(warnings)
    }

    /// Why a judge does not understand what a device's user had asked for; nothing where it does.
    ///
    /// # Errors
    /// [`Error::Pack`] if the tokenizer fails.
    pub fn warning_of_request(judge: &PictureJudge, device: &str, prompt: &str) -> Result<Option<String>, Error> {
        // Which words a model at an endpoint knows, nobody says.
        let PictureJudge::Vlm(judge) = judge else { return Ok(None) };
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

/// How the endpoint of a scenario is reached.
pub fn connection_of(settings: &EndpointSettings) -> ConnectionOptions {
    ConnectionOptions {
        base_url: settings.base_url.clone(),
        api_key_env: settings.api_key_env.clone(),
        timeout_s: settings.timeout_s,
        request_retries: settings.request_retries,
        concurrency: settings.concurrency,
    }
}

fn of_pack(settings: &VlmSettings) -> Result<VlmJudge, Error> {
    let pack = Arc::new(JudgePack::open_as(&settings.pack, settings.dtype)?);
    let template = PromptTemplate::for_pack(&settings.pack, settings.template.as_deref())?.template;
    let options = VlmOptions {
        readout: settings.readout,
        temperature: settings.temperature,
        max_new_tokens: settings.max_new_tokens,
        retries: settings.retries,
    };
    Ok(VlmJudge::new(pack, template, options)?)
}
