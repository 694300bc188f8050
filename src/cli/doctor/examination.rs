//! The examination: everything the default scenario needs is tried, and what fails is paired with what mends it.

use std::path::{Path, PathBuf};

use miette::Diagnostic;
use serde::Serialize;

use super::machine::{FolderReport, MachineReport};
use crate::cli::pack_summary::PackKind;
use crate::onnx::{
    judge_pack::ModelDtype,
    provider::{self, CudaDevice, ExecutionProvider, ResolvedProvider},
    runtime::{self, CacheCheck, RuntimeError, RuntimeLibrary, RuntimeResolver},
};

/// A run with less memory than this is likely to fail [bytes].
const LEAST_MEMORY_BYTES: u64 = 1_000_000_000;
/// Pictures and tables of a small study fit in this [bytes].
const LEAST_RESULTS_BYTES: u64 = 200_000_000;

/// Where the doctor looks.
#[derive(Debug, Clone)]
pub struct DoctorPlaces {
    pub resolver: RuntimeResolver,
    /// The folder whose subfolders are packs.
    pub models: PathBuf,
    /// The packs that draw and judge in the default scenario: without them the default cannot run.
    pub default_diffusion: PathBuf,
    pub default_judge: PathBuf,
    /// Packs named on the command line.
    pub packs: Vec<PathBuf>,
    /// Which of their files the judge packs among these are to be tried with.
    pub dtype: Option<ModelDtype>,
    /// What they are tried on.
    pub execution_provider: ExecutionProvider,
    pub results: PathBuf,
}

impl DoctorPlaces {
    /// The places of a run in the current folder.
    pub fn of_the_program(packs: &[PathBuf], dtype: Option<ModelDtype>, execution_provider: ExecutionProvider) -> Self {
        Self {
            resolver: RuntimeResolver::from_environment(),
            models: "models".into(),
            default_diffusion: "models/emoji-ldm".into(),
            default_judge: "models/emoji-llava".into(),
            packs: packs.to_vec(),
            dtype,
            execution_provider,
            results: "results".into(),
        }
    }
}

/// How a pack is to be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PackCheck {
    /// Make a worker's sessions there, and one picture or answer with them.
    pub sessions_on: Option<ResolvedProvider>,
    /// The files of a judge pack: as `judge.dtype` names them.
    pub dtype: Option<ModelDtype>,
}

/// What checking one pack found; the caller of [`DoctorReport::examine`] says how a pack is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackHealth {
    pub kind: PackKind,
    /// Whether the pack lists the digests of its files (`digests.json`).
    pub digests_listed: bool,
    /// Number of files whose digest holds.
    pub files_intact: usize,
    /// Whether a worker's sessions could be made, and made one picture or answer; `None` where it was not tried.
    pub sessions_load: Option<bool>,
    /// One line for each thing that is wrong. Empty: the pack can be used.
    pub problems: Vec<String>,
    /// What mends it, where that isn't to fetch the pack again.
    pub mend: Option<String>,
}

/// ONNX Runtime, as found.
#[derive(Debug, Clone, Serialize)]
pub struct RuntimeReport {
    #[serde(flatten)]
    pub library: RuntimeLibrary,
    pub version: String,
    /// Whether the whole file was compared with the pinned digest and held; `None` for a library from `ORT_DYLIB_PATH`,
    /// whose digest nobody pinned.
    pub digest_holds: Option<bool>,
}

/// One execution provider, after a session on it was tried.
#[derive(Debug, Clone, Serialize)]
pub struct ProviderReport {
    pub name: &'static str,
    pub usable: bool,
    /// Why not.
    pub reason: Option<String>,
    /// How to get it.
    pub mend: Option<String>,
}

/// One pack.
#[derive(Debug, Clone, Serialize)]
pub struct PackReport {
    pub path: PathBuf,
    #[serde(flatten)]
    pub health: PackHealth,
}

/// Something that is wrong, and the command that mends it.
#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    pub what: String,
    pub mend: String,
    /// The default scenario cannot run because of it.
    pub blocks_the_default: bool,
    /// A pack named on the command line cannot be used because of it.
    pub breaks_a_named_pack: bool,
}

/// All that `latentlink doctor` found.
#[derive(Debug, Clone, Serialize)]
pub struct DoctorReport {
    pub latentlink_version: &'static str,
    pub machine: MachineReport,
    /// `None` where it cannot be had; `problems` says why.
    pub onnx_runtime: Option<RuntimeReport>,
    /// Empty without ONNX Runtime.
    pub execution_providers: Vec<ProviderReport>,
    pub packs: Vec<PackReport>,
    /// Whether this build can ask judges behind https:// addresses; http:// it always can.
    pub https_endpoints: bool,
    pub results: FolderReport,
    /// `None` where the user has no cache folder.
    pub cache: Option<FolderReport>,
    pub problems: Vec<Problem>,
    pub default_can_run: bool,
}

impl DoctorReport {
    /// Looks at everything, and fetches ONNX Runtime if a run would. `pack_health` checks one pack folder as it is told;
    /// `progress` is told of what takes long.
    pub fn examine(
        places: &DoctorPlaces,
        pack_health: &dyn Fn(&Path, PackCheck) -> PackHealth,
        progress: &dyn Fn(&str),
    ) -> Self {
        let mut problems = Vec::new();
        let onnx_runtime = examine_runtime(&places.resolver, progress, &mut problems);
        let execution_providers = match &onnx_runtime {
            Some(_) => examine_providers(&mut problems),
            None => Vec::new(),
        };
        let packs = examine_packs(places, onnx_runtime.is_some(), pack_health, &mut problems);
        let machine = MachineReport::read();
        if let Some(free) = machine.memory_available_bytes.filter(|free| *free < LEAST_MEMORY_BYTES) {
            problems.push(Problem {
                what: format!("only {} MB of memory are free", free / 1_000_000),
                mend: "end other programs, or run with `--threads 1`".to_owned(),
                blocks_the_default: false,
                breaks_a_named_pack: false,
            });
        }
        let results = FolderReport::read(&places.results);
        examine_results(&results, &mut problems);
        Self {
            latentlink_version: env!("CARGO_PKG_VERSION"),
            machine,
            onnx_runtime,
            execution_providers,
            packs,
            https_endpoints: cfg!(feature = "https"),
            results,
            cache: places.resolver.cache.as_deref().map(FolderReport::read),
            default_can_run: !problems.iter().any(|problem| problem.blocks_the_default),
            problems,
        }
    }

    /// 0, or 3 if the default scenario could not run or a pack named on the command line cannot be used.
    pub fn exit_code(&self) -> u8 {
        if self.default_can_run && !self.named_pack_is_broken() { 0 } else { 3 }
    }

    /// Whether a pack named on the command line cannot be used.
    pub fn named_pack_is_broken(&self) -> bool {
        self.problems.iter().any(|problem| problem.breaks_a_named_pack)
    }
}

fn examine_runtime(
    resolver: &RuntimeResolver,
    progress: &dyn Fn(&str),
    problems: &mut Vec<Problem>,
) -> Option<RuntimeReport> {
    let thorough = RuntimeResolver { cache_check: CacheCheck::Full, ..resolver.clone() };
    let found = thorough.locate(progress).and_then(|library| {
        // the full check is done; loading asks again, quickly
        let loaded = runtime::load(resolver, progress)?;
        Ok((library, loaded.version.clone()))
    });
    match found {
        Ok((library, version)) => {
            Some(RuntimeReport { digest_holds: library.is_pinned().then_some(true), library, version })
        }
        Err(error) => {
            problems.push(blocking(&error));
            None
        }
    }
}

fn examine_providers(problems: &mut Vec<Problem>) -> Vec<ProviderReport> {
    [ResolvedProvider::Cpu, ResolvedProvider::Cuda(CudaDevice::default())]
        .into_iter()
        .map(|provider| {
            let error = provider::probe(provider).err();
            // a machine without CUDA is no problem: the default takes the CPU
            if let (ResolvedProvider::Cpu, Some(error)) = (provider, &error) {
                problems.push(blocking(error));
            }
            ProviderReport {
                name: provider.name(),
                usable: error.is_none(),
                reason: error.as_ref().map(reason_of),
                mend: error.as_ref().map(mend_of),
            }
        })
        .collect()
}

fn examine_packs(
    places: &DoctorPlaces,
    has_runtime: bool,
    pack_health: &dyn Fn(&Path, PackCheck) -> PackHealth,
    problems: &mut Vec<Problem>,
) -> Vec<PackReport> {
    let mut paths = packs_below(&places.models);
    for named in &places.packs {
        if !named.is_dir() {
            problems.push(Problem {
                what: format!("there is no pack folder `{}`", named.display()),
                mend: "give the folder that holds the pack's `model_index.json` or `config.json`".to_owned(),
                blocks_the_default: false,
                breaks_a_named_pack: true,
            });
        } else if !paths.contains(named) {
            paths.push(named.clone());
        }
    }
    let defaults = [(PackKind::Diffusion, &places.default_diffusion), (PackKind::Judge, &places.default_judge)];
    for (kind, pack) in defaults.iter().filter(|(_, pack)| !paths.contains(pack)) {
        let shown = pack.display();
        let without = match kind {
            PackKind::Diffusion => "",
            PackKind::Judge => "; to run without scores: `--set judge.kind=none`",
        };
        problems.push(Problem {
            what: format!("the default {} pack `{shown}` is not here", kind.name()),
            mend: format!(
                "run latentlink in the folder it was cloned to; if the pack is gone from there: \
                 `git checkout -- {shown}`{without}"
            ),
            blocks_the_default: true,
            breaks_a_named_pack: false,
        });
    }
    let is_default = |path: &PathBuf| defaults.iter().any(|(_, pack)| *pack == path);
    // Others may be too large to be loaded for nothing.
    let is_named = |path: &PathBuf| places.packs.contains(path);
    let of_named = if has_runtime && !places.packs.is_empty() { named_packs_on(places, problems) } else { None };
    let check = |path: &PathBuf| PackCheck {
        sessions_on: of_named
            .filter(|_| is_named(path))
            .or((has_runtime && is_default(path)).then_some(ResolvedProvider::Cpu)),
        dtype: places.dtype.filter(|_| is_named(path)),
    };
    let report = |path: PathBuf| PackReport { health: pack_health(&path, check(&path)), path };
    let packs: Vec<_> = paths.into_iter().map(report).collect();
    for pack in &packs {
        let shown = pack.path.display();
        problems.extend(pack.health.problems.iter().map(|what| Problem {
            what: format!("{} pack `{shown}`: {what}", pack.health.kind.name()),
            mend: match &pack.health.mend {
                Some(mend) => mend.clone(),
                None if pack.path.starts_with(&places.models) => {
                    format!(
                        "`git checkout -- {shown}`, if it came with latentlink; else fetch or export the pack again"
                    )
                }
                None => "fetch or export the pack again".to_owned(),
            },
            blocks_the_default: is_default(&pack.path),
            breaks_a_named_pack: is_named(&pack.path),
        }));
    }
    packs
}

/// What the packs on the command line are tried on; a problem where it cannot be had.
fn named_packs_on(places: &DoctorPlaces, problems: &mut Vec<Problem>) -> Option<ResolvedProvider> {
    match provider::resolve(places.execution_provider, CudaDevice::default()) {
        Ok(choice) => Some(choice.provider),
        Err(error) => {
            problems.push(Problem {
                what: format!("the packs that were named are not tried: {error}"),
                mend: mend_of(&error),
                blocks_the_default: false,
                breaks_a_named_pack: true,
            });
            None
        }
    }
}

/// The subfolders of `models` that hold a pack of either kind, by name.
fn packs_below(models: &Path) -> Vec<PathBuf> {
    let mut packs: Vec<PathBuf> = models
        .read_dir()
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| ["model_index.json", "digests.json", "config.json"].iter().any(|file| path.join(file).is_file()))
        .collect();
    packs.sort();
    packs
}

fn examine_results(results: &FolderReport, problems: &mut Vec<Problem>) {
    let shown = results.path.display();
    if !results.writable {
        problems.push(Problem {
            what: format!("the results folder `{shown}` cannot be written"),
            mend: "run with `--out FOLDER` and a folder of your own, or run latentlink in a folder you can write to"
                .to_owned(),
            blocks_the_default: true,
            breaks_a_named_pack: false,
        });
    }
    if let Some(free) = results.free_bytes.filter(|free| *free < LEAST_RESULTS_BYTES) {
        problems.push(Problem {
            what: format!("only {} MB of disk are free for `{shown}`", free / 1_000_000),
            mend: "free some disk, or run with `--out FOLDER` on another one".to_owned(),
            blocks_the_default: false,
            breaks_a_named_pack: false,
        });
    }
}

fn blocking(error: &RuntimeError) -> Problem {
    Problem { what: error.to_string(), mend: mend_of(error), blocks_the_default: true, breaks_a_named_pack: false }
}

/// What is wrong, without the name of the provider, which stands before it in the report.
fn reason_of(error: &RuntimeError) -> String {
    match error {
        RuntimeError::Cuda { reason, .. } => format!("cannot be had: {reason}"),
        other => other.to_string(),
    }
}

fn mend_of(error: &RuntimeError) -> String {
    error
        .help()
        .map_or_else(|| "run `latentlink doctor --json` and report what it says".to_owned(), |help| help.to_string())
}
