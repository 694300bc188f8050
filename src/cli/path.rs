//! `latentlink path`: the denoising paths of two prompts, and when one may still switch from one to the other.

mod figures;
mod findings;
mod results;
mod terminal_text;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use clap::{Args, ValueEnum};
use miette::Diagnostic;

use self::findings::PathFindings;
use super::progress::Progress;
use super::standard_output;
use crate::diffusion::executor::ExecutionProgress;
use crate::diffusion::path_analysis::{PathError, PathPlan, PathReplication, PathSettings};
use crate::diffusion::text::{pooled_direction, similarity};
use crate::diffusion::{DenoisingGraph, Executor, ExecutorError, NoiseSchedule, Sampler};
use crate::error::Error;
use crate::experiment::results_folder::ResultsFolder;
use crate::experiment::warnings::warnings_of_prompt;
use crate::experiment::{Observer, StudyProgress};
use crate::onnx::runtime::{self, RuntimeResolver};
use crate::onnx::{CudaDevice, DiffusionPack, ExecutionProvider, provider};
use crate::picture::Picture;

/// Follow the denoising paths of two prompts, and of every switch from B (the server's) to A (the user's).
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  latentlink path \"an apple\" \"a lemon\"
  latentlink path \"a dog sits in front of a bush\" \"a tiger sits in front of a bush\" --replications 20
  latentlink path \"an apple\" \"a car\" --steps 20 --sampler euler --out results/far --force

What is measured, and the formulas: docs/path.md")]
pub struct PathArgs {
    /// What the user asks for: the prompt of the steps after the switch.
    #[arg(value_name = "PROMPT A")]
    pub user_prompt: String,
    /// What the server draws: the prompt of the steps before the switch.
    #[arg(value_name = "PROMPT B")]
    pub server_prompt: String,
    /// The diffusion pack.
    #[arg(long, value_name = "FOLDER", default_value = "models/emoji-ldm")]
    pub pack: PathBuf,
    /// N, the denoising steps of every path.
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub steps: u32,
    /// Classifier-free guidance scale; 1 is no guidance.
    #[arg(long, default_value_t = 2.0, allow_negative_numbers = true)]
    pub guidance: f64,
    /// How a step is taken; the paths of a stochastic sampler cannot be compared.
    #[arg(long, value_enum, default_value_t = SamplerName::Ddim)]
    pub sampler: SamplerName,
    /// Seed of the start latents, which are those of a study with this seed.
    #[arg(long, default_value_t = 41)]
    pub seed: u64,
    /// Start latents; from 2 on figures have intervals.
    #[arg(long, default_value_t = NonZeroU32::MIN)]
    pub replications: NonZeroU32,
    /// Worker threads [default: one per core]. The results are the same for any number.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Where the networks run.
    #[arg(long, value_enum, default_value_t = ProviderName::Auto)]
    pub execution_provider: ProviderName,
    /// Results folder [default: results/path-A--B, with the words of the prompts].
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Replace earlier results that are there; nothing else is ever replaced.
    #[arg(long)]
    pub force: bool,
}

/// Samplers by the names of the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SamplerName {
    /// Deterministic (eta = 0).
    Ddim,
    /// Stochastic: refused, with the reason.
    Ddpm,
    /// Deterministic.
    Euler,
    /// Stochastic: refused, with the reason.
    EulerAncestral,
    /// Deterministic; a switch keeps the history.
    Pndm,
    /// Deterministic; a switch keeps the history.
    #[value(name = "dpm-solver++")]
    DpmSolver,
    /// Stochastic: refused, with the reason.
    Lcm,
}

/// Execution providers by the names of the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProviderName {
    /// CUDA where it can be had, else the CPU.
    Auto,
    Cpu,
    Cuda,
}

impl SamplerName {
    fn sampler(self) -> Sampler {
        match self {
            Self::Ddim => Sampler::Ddim { eta: 0.0 },
            Self::Ddpm => Sampler::Ddpm,
            Self::Euler => Sampler::Euler,
            Self::EulerAncestral => Sampler::EulerAncestral,
            Self::Pndm => Sampler::Pndm,
            Self::DpmSolver => Sampler::DpmSolver,
            Self::Lcm => Sampler::Lcm,
        }
    }

    fn name(self) -> &'static str {
        self.sampler().name()
    }
}

impl ProviderName {
    fn provider(self) -> ExecutionProvider {
        match self {
            Self::Auto => ExecutionProvider::Auto,
            Self::Cpu => ExecutionProvider::Cpu,
            Self::Cuda => ExecutionProvider::Cuda,
        }
    }
}

/// Computes the paths and writes their results folder.
///
/// # Errors
/// A wrong command line, a pack or runtime that cannot be had, results that are there already, a failing session.
pub fn path(args: &PathArgs) -> Result<(), Error> {
    let progress = Progress::new();
    let text = follow(args, &progress);
    progress.finish();
    standard_output::print(&text?)
}

fn follow(args: &PathArgs, progress: &Progress) -> Result<String, Error> {
    let started = SystemTime::now();
    let clock = Instant::now();
    let pack = Arc::new(DiffusionPack::open(&args.pack)?);
    let (config_path, config) = pack.scheduler_config();
    let schedule = NoiseSchedule::from_config(config_path, config)?;
    let settings = settings(args);
    let plan = PathPlan::new(&settings, &schedule, DenoisingGraph::of_pack(&pack)).map_err(refusal)?;
    let place = args.out.clone().unwrap_or_else(|| default_place(&settings));
    let folder = ResultsFolder::create(&place, args.force)?;
    for (name, prompt) in [("A", &settings.user_prompt), ("B", &settings.server_prompt)] {
        for warning in warnings_of_prompt(name, prompt, &pack)? {
            progress.warn(&warning);
        }
    }
    let runtime = runtime::load(&RuntimeResolver::from_environment(), &|text| progress.stage(text))?;
    let provider = provider::resolve(args.execution_provider.provider(), CudaDevice::default())?.provider;
    let threads = args.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let executor = Executor::new(Arc::clone(&pack), provider, threads)?;
    let direction =
        |prompt: &str| -> Result<Vec<f64>, Error> { Ok(pooled_direction(&executor.text_embedding(prompt)?.tokens)) };
    let cosine = similarity(&direction(&settings.user_prompt)?, &direction(&settings.server_prompt)?);
    let replications = measure(&plan, &executor, progress, &folder)?;
    let findings = PathFindings {
        sampler: args.sampler.name(),
        pack: &pack,
        provider,
        runtime,
        plan: &plan,
        replications: &replications,
        cosine,
        settings: &settings,
        started,
        wall_time_s: clock.elapsed().as_secs_f64(),
        threads,
    };
    let figures = results::write(&findings, &folder)?;
    let place = folder.publish()?;
    Ok(terminal_text::terminal_text(&findings, &place, &figures))
}

fn settings(args: &PathArgs) -> PathSettings {
    PathSettings {
        user_prompt: args.user_prompt.clone(),
        server_prompt: args.server_prompt.clone(),
        sampler: args.sampler.sampler(),
        steps: args.steps,
        guidance: args.guidance,
        seed: args.seed,
        replications: args.replications,
    }
}

/// Runs the networks and saves each picture.
fn measure(
    plan: &PathPlan,
    executor: &Executor,
    progress: &Progress,
    folder: &ResultsFolder,
) -> Result<Vec<PathReplication>, Error> {
    // The executor passes the sink's error on without its kind: it is kept here.
    let mut failure = None;
    let mut save = |replication: u32, t_off: u32, picture: &Picture| {
        let png = picture.to_png_bytes(&[("Software", "latentlink")]).map_err(Error::from);
        let saved = png.and_then(|png| folder.write(&results::picture_file(replication, t_off), &png));
        saved.map_err(|error| {
            let told = error.to_string();
            failure = Some(error);
            told.into()
        })
    };
    let report = |state: ExecutionProgress| {
        progress.progress(StudyProgress { done: state.done, total: state.total, ..StudyProgress::default() });
    };
    let outcome = plan.measure(executor, &report, &mut save);
    match (outcome, failure) {
        (Err(ExecutorError::Sink(_)), Some(error)) => Err(error),
        (outcome, _) => Ok(outcome?),
    }
}

fn refusal(error: PathError) -> Error {
    match error {
        PathError::Schedule(error) => error.into(),
        error => Error::Usage {
            message: error.to_string(),
            help: error.help().map_or_else(String::new, |help| help.to_string()),
        },
    }
}

/// `results/path-an-apple--a-lemon`.
fn default_place(settings: &PathSettings) -> PathBuf {
    let name = format!("path-{}--{}", slug(&settings.user_prompt), slug(&settings.server_prompt));
    PathBuf::from("results").join(name)
}

/// A prompt as part of a file name: letters and digits, with single hyphens between them, cut at 40 characters.
fn slug(prompt: &str) -> String {
    let words = prompt.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty());
    let whole = words.collect::<Vec<_>>().join("-").to_lowercase();
    let cut: String = whole.chars().take(40).collect();
    cut.trim_end_matches('-').to_owned()
}
