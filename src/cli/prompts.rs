//! `latentlink prompts`: a language model names objects, and prompts are made of them (section 5.1 of the paper).

use std::path::PathBuf;

use clap::Args;

use super::progress::say;
use super::run::{self, Overrides};
use super::run_report::counted;
use super::standard_output;
use crate::demand::object_list::{OBJECT, OTHER, ObjectList, PAIR_TEMPLATES, combine};
use crate::demand::prompt_file;
use crate::error::Error;
use crate::experiment::judges::connection_of;
use crate::judge::endpoint::chat_text;
use crate::judge::{BaseUrl, ConnectionOptions, EndpointClient, JudgeError};
use crate::random::StreamKey;
use crate::report::durable_file::write_durably;
use crate::scenario::JudgeKind;

/// Longest answer: an object takes some three tokens.
const TOKENS_PER_OBJECT: u32 = 8;
const FEWEST_TOKENS: u32 = 256;
/// Objects asked for at once: long lists repeat themselves.
const OBJECTS_AT_ONCE: usize = 100;

/// Have a language model name objects, combine them to prompts, and save these for `demand.prompts`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  50 objects and 50 prompts such as \"dog under the tree\" from the judge of a scenario with judge.kind = \"endpoint\":
    latentlink prompts my.toml
  From a server, without a scenario; every object in one setting:
    latentlink prompts --base-url http://localhost:11434/v1 --model llama3.2 --objects 50 \\
      --template 'a {object} sits in front of a bush' --out objects.txt
  A scenario then asks for them:
    [demand]
    prompts = { kind = \"file\", file = \"objects.txt\" }

docs/endpoint.md says which servers are meant.")]
pub struct PromptsArgs {
    /// Scenario whose judge is asked.
    #[arg(value_name = "FILE", required_unless_present = "base_url", conflicts_with_all = ["base_url", "model", "api_key_env"])]
    pub file: Option<PathBuf>,
    /// Override a field of the scenario by its path; may be given several times.
    #[arg(long, value_name = "PATH=VALUE", requires = "file")]
    pub set: Vec<String>,
    /// Address of an OpenAI-compatible server, up to what stands before /chat/completions.
    #[arg(long, value_name = "URL", requires = "model")]
    pub base_url: Option<String>,
    /// Model, as the server calls it.
    #[arg(long, value_name = "NAME", requires = "base_url")]
    pub model: Option<String>,
    /// Environment variable that holds the key [default: no key is sent].
    #[arg(long, value_name = "VARIABLE", requires = "base_url")]
    pub api_key_env: Option<String>,
    /// Objects.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub objects: u16,
    /// Prompts, drawn from all combinations.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub prompts: u32,
    /// How objects are combined; may be given several times [default: "{object} under the {other}" and "{object} on the {other}"].
    #[arg(long, value_name = "TEXT")]
    pub template: Vec<String>,
    /// Requests at most.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub requests: u16,
    /// Seed of what the server draws and of which combinations are taken.
    #[arg(long, default_value_t = 41)]
    pub seed: u64,
    /// File of the prompts.
    #[arg(long, value_name = "FILE", default_value = "prompts.txt")]
    pub out: PathBuf,
    /// Replace the file if it is there.
    #[arg(long)]
    pub force: bool,
}

/// Asks, combines and writes the file; only when all is there.
///
/// # Errors
/// A wrong scenario or flag, a file that is there, a server that gives no answer or too few objects.
pub fn prompts(args: &PromptsArgs) -> Result<(), Error> {
    let templates = templates(args)?;
    if args.out.exists() && !args.force {
        return Err(usage(
            format!("{} is there already", args.out.display()),
            "--force replaces it, --out names another file",
        ));
    }
    let (connection, model) = whom_to_ask(args)?;
    let client = EndpointClient::new(connection).map_err(JudgeError::from)?;
    let (wanted, stream) = (usize::from(args.objects), StreamKey::new(args.seed, 0, "prompts", "objects"));
    let mut list = ObjectList::default();
    let mut requests = 0;
    while list.objects().len() < wanted && requests < args.requests {
        let known = list.objects().len();
        let until = wanted.min(known + OBJECTS_AT_ONCE);
        let tokens = FEWEST_TOKENS.max(TOKENS_PER_OBJECT * (until - known) as u32);
        let body = chat_text(&model, &list.request(until), 1.0, tokens, &stream.child(u64::from(requests)));
        // Ctrl-C ends the program at once: nothing is written yet.
        let reply = client.complete(&body, &|| false).map_err(JudgeError::from)?;
        list.take_from(&reply.text, until);
        requests += 1;
        say(&format!("{} of {wanted} objects after {}", list.objects().len(), counted(u64::from(requests), "request")));
    }
    let found = list.objects().len();
    if found < wanted {
        return Err(Error::TooFewObjects { model, found, wanted, requests });
    }
    let order = StreamKey::new(args.seed, 0, "prompts", "combinations");
    let prompts = combine(list.objects(), &templates, args.prompts as usize, &order);
    let remarks = [
        format!(
            "{} of {} by {model} at {}",
            counted(prompts.len() as u64, "prompt"),
            counted(found as u64, "object"),
            client.base_url()
        ),
        format!("objects: {}", list.objects().join(", ")),
        format!("templates: {}; seed {}", templates.join(" | "), args.seed),
    ];
    write_durably(&args.out, prompt_file::written(&remarks, &prompts).as_bytes())?;
    standard_output::print(&format!(
        "{} of {} in {}\n  [demand]\n  prompts = {{ kind = \"file\", file = \"{}\" }}\n",
        counted(prompts.len() as u64, "prompt"),
        counted(found as u64, "object"),
        args.out.display(),
        args.out.display()
    ))
}

fn templates(args: &PromptsArgs) -> Result<Vec<String>, Error> {
    if args.template.is_empty() {
        return Ok(PAIR_TEMPLATES.map(str::to_owned).to_vec());
    }
    for template in &args.template {
        let places = [OBJECT, OTHER].map(|place| template.matches(place).count());
        if places[0] != 1 || places[1] > 1 || template.lines().count() != 1 || template.trim_start().starts_with('#') {
            return Err(usage(
                format!("--template \"{}\" is no template", template.escape_debug()),
                format!(
                    "a line of text with {OBJECT} once, and {OTHER} once where two are combined: \"{}\"",
                    PAIR_TEMPLATES[0]
                ),
            ));
        }
    }
    Ok(args.template.clone())
}

/// The endpoint of the flags or the scenario, and the model's name there.
fn whom_to_ask(args: &PromptsArgs) -> Result<(ConnectionOptions, String), Error> {
    if let (Some(base_url), Some(model)) = (&args.base_url, &args.model) {
        let base_url = BaseUrl::parse(base_url).map_err(|error| {
            usage(format!("--base-url is no address of an endpoint: {error}"), format!("expected {}", error.expected))
        })?;
        let api_key_env = args.api_key_env.clone();
        let connection =
            ConnectionOptions { base_url, api_key_env, timeout_s: 120.0, request_retries: 6, concurrency: 1 };
        return Ok((connection, model.clone()));
    }
    let file = args.file.as_ref().expect("clap asks for a file or an address");
    of_scenario(file, &args.set)
}

fn of_scenario(file: &PathBuf, set: &[String]) -> Result<(ConnectionOptions, String), Error> {
    let file = run::load(file, &Overrides { set: set.to_vec(), ..Overrides::default() })?;
    let first = file.grid().and_then(|grid| grid.point(0)).map_err(Box::new)?.scenario;
    let kind = match &first.judge.kind {
        JudgeKind::Endpoint(endpoint) => return Ok((connection_of(endpoint), endpoint.model.clone())),
        JudgeKind::Vlm(_) => "vlm",
        JudgeKind::Surface(_) => "surface",
        JudgeKind::None => "none",
    };
    let why = match &first.judge.kind {
        JudgeKind::Vlm(_) => "a judge pack is asked about pictures and answers with a mark, it does not make up lists",
        _ => "there is no model to ask",
    };
    Err(usage(
        format!("the judge of this scenario is of kind \"{kind}\": {why}"),
        "name a language model at an endpoint, with judge.kind = \"endpoint\" or with --base-url and --model; without one, \
         `demand.prompts = { kind = \"grammar\" }` combines 50 objects that the shipped pack knows",
    ))
}

fn usage(message: impl Into<String>, help: impl Into<String>) -> Error {
    Error::Usage { message: message.into(), help: help.into() }
}
