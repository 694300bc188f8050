//! Which prompts `latentlink judge prompt` prints.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::PromptArgs;
use crate::cli::run::{self, Overrides};
use crate::error::Error;
use crate::judge::persona::TRAIT_NAMES;
use crate::judge::template::ChosenTemplate;
use crate::judge::{NamedPersona, Persona, PromptTemplate};
use crate::scenario::words::{alternatives, nearest};
use crate::scenario::{JudgeKind, Scenario};

/// The pack that the default of a scenario names.
const USUAL_PACK: &str = "models/emoji-llava";
/// How the picture's place is shown.
const PICTURE: &str = "<image>";

/// What one agent is told of one request.
#[derive(Debug, Clone, Serialize)]
pub(super) struct AgentsPrompt {
    persona: String,
    /// openness, conscientiousness, extraversion, agreeableness, neuroticism
    traits: [f64; 5],
    request: String,
    /// Where the template comes from.
    template: String,
    lowest_mark: i32,
    highest_mark: i32,
    before_picture: String,
    after_picture: String,
}

impl AgentsPrompt {
    fn new(person: &NamedPersona, request: &str, (source, template): &(String, PromptTemplate)) -> Self {
        let prompt = template.render(&person.persona, request);
        Self {
            persona: person.name.clone(),
            traits: person.persona.traits(),
            request: request.to_owned(),
            template: source.clone(),
            lowest_mark: template.scale().lowest,
            highest_mark: template.scale().highest,
            before_picture: prompt.before_picture,
            after_picture: prompt.after_picture,
        }
    }

    pub(super) fn paragraph(&self) -> String {
        format!(
            "# {}, asked for: {}\n# {}, marks from {} to {}\n{}{PICTURE}{}\n",
            self.persona,
            self.request.escape_debug(),
            self.template,
            self.lowest_mark,
            self.highest_mark,
            self.before_picture,
            self.after_picture
        )
    }
}

/// One prompt for each persona and request, each once.
pub(super) fn of(args: &PromptArgs) -> Result<Vec<AgentsPrompt>, Error> {
    match (&args.file, &args.persona, &args.request) {
        (Some(file), ..) => of_scenario(args, file),
        (None, Some(persona), Some(request)) => {
            if request.trim().is_empty() {
                return Err(usage("--request is empty", "say what the user had asked for: --request \"a dog\""));
            }
            let template = template(args, None, Some(Path::new(USUAL_PACK)))?;
            Ok(vec![AgentsPrompt::new(&persona_of(persona)?, request, &template)])
        }
        _ => unreachable!("clap asks for a file, or a persona and a request"),
    }
}

/// The users of all points and replications, each followed by the panel.
fn of_scenario(args: &PromptArgs, file: &PathBuf) -> Result<Vec<AgentsPrompt>, Error> {
    let points =
        run::load(file, &Overrides { set: args.set.clone(), ..Overrides::default() })?.points().map_err(Box::new)?;
    let mut prompts = Vec::new();
    let mut seen = HashSet::new();
    for scenario in points.iter().map(|point| &point.scenario) {
        let (pack, own) = match &scenario.judge.kind {
            JudgeKind::Vlm(vlm) => (Some(vlm.pack.as_path()), vlm.template.as_deref()),
            JudgeKind::Endpoint(endpoint) => (None, endpoint.template.as_deref()),
            _ if args.template.is_some() || args.pack.is_some() => (Some(Path::new(USUAL_PACK)), None),
            other => return Err(nobody_is_told(other)),
        };
        let template = template(args, own, pack)?;
        for (person, request) in questions(scenario) {
            let traits = person.persona.traits().map(f64::to_bits);
            if seen.insert((person.name.clone(), traits, request.to_owned(), template.1.digest())) {
                prompts.push(AgentsPrompt::new(&person, request, &template));
            }
        }
    }
    Ok(prompts)
}

/// Who is asked about whose request.
fn questions(scenario: &Scenario) -> Vec<(NamedPersona, &str)> {
    let mut questions = Vec::new();
    for (index, device) in scenario.devices.iter().enumerate() {
        let users = (0..scenario.study.replications).map(|replication| scenario.persona_of(index, replication));
        let mut users: Vec<NamedPersona> = users.collect();
        users.dedup();
        questions.extend(users.into_iter().map(|user| (user, device.prompt.as_str())));
        questions.extend(scenario.judge.panel.iter().map(|person| (person.clone(), device.prompt.as_str())));
    }
    questions
}

fn nobody_is_told(kind: &JudgeKind) -> Error {
    let kind = if *kind == JudgeKind::None { "none" } else { "surface" };
    usage(
        format!("the judge of this scenario is of kind \"{kind}\": no agent is told anything"),
        "give --template or --pack to see what agents would be told, or --set judge.kind=vlm",
    )
}

/// The template, and where it comes from: what the command line says, the scenario, the pack, the built-in one, which is another
/// where no pack but an endpoint is asked.
fn template(args: &PromptArgs, own: Option<&Path>, pack: Option<&Path>) -> Result<(String, PromptTemplate), Error> {
    let own = if args.pack.is_some() { None } else { own };
    let own = args.template.as_deref().or(own);
    let pack = args.pack.as_deref().or(pack);
    // A template that leaves nothing to a pack needs none.
    let written =
        own.map(|file| Ok::<_, Error>((file.display().to_string(), PromptTemplate::read(file)?))).transpose()?;
    match (written, pack) {
        (Some((source, template)), pack) if pack.is_none() || !template.is_for_chats() => Ok((source, template)),
        (_, None) => Ok(("the built-in template for chats".to_owned(), PromptTemplate::built_in_for_chats())),
        (_, Some(pack)) if !pack.is_dir() => Err(usage(
            format!("there is no judge pack in {}", pack.display()),
            "run latentlink in the folder of the project, or name another pack with --pack, or a template with --template",
        )),
        (_, Some(pack)) => {
            let ChosenTemplate { template, source } = PromptTemplate::for_pack(pack, own)?;
            Ok((source.to_string(), template))
        }
    }
}

fn persona_of(written: &str) -> Result<NamedPersona, Error> {
    if let Some(persona) = Persona::named(written) {
        return Ok(NamedPersona::new(written, persona));
    }
    let names = || Persona::NAMED.iter().map(|(name, _)| *name);
    if !written.contains(',') {
        let help = match nearest(written, names()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("it is {}, or {} separated by commas", alternatives(names()), TRAIT_NAMES.join(", ")),
        };
        return Err(usage(format!("--persona {written} is nobody's name"), help));
    }
    let numbers: Option<Vec<f64>> = written.split(',').map(|value| value.trim().parse().ok()).collect();
    let traits = numbers.and_then(|numbers| <[f64; 5]>::try_from(numbers).ok()).ok_or_else(|| {
        let help = format!("say {}, as in --persona 0.9,0.2,0.1,0.1,0.8", TRAIT_NAMES.join(", "));
        usage(format!("--persona {written} is not five numbers"), help)
    })?;
    let persona =
        Persona::new(traits).map_err(|error| usage(format!("--persona {written}: {error}"), "each is from 0 to 1"))?;
    Ok(NamedPersona::of_traits(persona))
}

fn usage(message: impl Into<String>, help: impl Into<String>) -> Error {
    Error::Usage { message: message.into(), help: help.into() }
}
