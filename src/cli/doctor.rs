//! `latentlink doctor`: can this machine run the default scenario, and if not, what mends it.

mod examination;
mod machine;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

pub use self::{
    examination::{
        DoctorPlaces, DoctorReport, PackCheck, PackHealth, PackReport, Problem, ProviderReport, RuntimeReport,
    },
    machine::{FolderReport, MachineReport},
};
use crate::cli::pack_summary::PackKind;
use crate::onnx::judge_pack::ModelDtype;
use crate::onnx::provider::ExecutionProvider;
use crate::onnx::runtime::{RuntimeError, RuntimeOrigin, RuntimeResolver};

/// Check that this machine can run latentlink, and say what mends what is wrong
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  latentlink doctor                              everything the default scenario needs
  latentlink doctor ~/packs/stable-diffusion     a pack of your own as well: it makes one picture, or answers one question
  latentlink doctor ~/packs/judge --dtype fp16   ... with the files that `judge.dtype = \"fp16\"` would take
  latentlink doctor ~/packs/judge --execution-provider cuda
                                                 ... on the GPU
  latentlink doctor --json | jq .problems        for machines

  latentlink doctor --install-runtime cuda       what `execution_provider = \"cuda\"` needs, 1.6 GB, into the cache
  latentlink doctor --install-runtime cuda --python-environment ~/venv
                                                 ... or what is installed there already

Fetches ONNX Runtime if it is not here yet, as a run would. Exit code 3 if the default scenario could not run, or a pack
that was named cannot be used.")]
pub struct DoctorArgs {
    /// Packs to check besides those in models/
    #[arg(value_name = "PACK")]
    pub packs: Vec<PathBuf>,

    /// Which files of the judge packs that are named: as `judge.dtype` in a scenario
    #[arg(long, value_name = "DTYPE", requires = "packs", value_parser = dtype_parser())]
    pub dtype: Option<ModelDtype>,

    /// On what the packs that are named make their picture or answer: as `models.execution_provider` in a scenario
    #[arg(long, value_name = "PROVIDER", requires = "packs", default_value = "cpu", value_parser = provider_parser())]
    pub execution_provider: ExecutionProvider,

    /// Put the GPU build of ONNX Runtime and the CUDA and cuDNN libraries into the cache first
    #[arg(long, value_name = "KIND")]
    pub install_runtime: Option<RuntimeKind>,

    /// Take them from this Python environment, where onnxruntime-gpu is installed, and fetch nothing
    #[arg(long, value_name = "FOLDER", requires = "install_runtime")]
    pub python_environment: Option<PathBuf>,

    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What can be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RuntimeKind {
    /// For NVIDIA GPUs: Linux on x86-64
    Cuda,
}

/// The names of [`ModelDtype`].
fn dtype_parser() -> impl TypedValueParser<Value = ModelDtype> {
    PossibleValuesParser::new(ModelDtype::NAMED.map(|(name, _)| name)).map(|name| {
        let named = ModelDtype::NAMED.into_iter().find(|(known, _)| *known == name);
        named.expect("clap has let none but these names pass").1
    })
}

/// The names of [`ExecutionProvider`].
fn provider_parser() -> impl TypedValueParser<Value = ExecutionProvider> {
    PossibleValuesParser::new(["cpu", "cuda", "auto"]).map(|name| match name.as_str() {
        "cpu" => ExecutionProvider::Cpu,
        "cuda" => ExecutionProvider::Cuda,
        _ => ExecutionProvider::Auto,
    })
}

impl DoctorArgs {
    /// Installs what `--install-runtime` asks for.
    ///
    /// # Errors
    /// [`RuntimeError`]; each says how to mend it.
    pub fn install(&self, progress: &dyn Fn(&str)) -> Result<(), RuntimeError> {
        match self.install_runtime {
            Some(RuntimeKind::Cuda) => {
                RuntimeResolver::from_environment().install_cuda(self.python_environment.as_deref(), progress)
            }
            None => Ok(()),
        }
    }

    /// Examines this machine, prints the report on `out` and gives the exit code: 0, or 3 if the default could not run or a
    /// named pack cannot be used.
    ///
    /// # Errors
    /// Only those of writing to `out`.
    pub fn run(
        &self,
        pack_health: &dyn Fn(&Path, PackCheck) -> PackHealth,
        progress: &dyn Fn(&str),
        out: &mut dyn Write,
    ) -> io::Result<u8> {
        let places = DoctorPlaces::of_the_program(&self.packs, self.dtype, self.execution_provider);
        let report = DoctorReport::examine(&places, pack_health, progress);
        if self.json {
            serde_json::to_writer_pretty(&mut *out, &report)?;
            writeln!(out)?;
        } else {
            write_text(&report, out)?;
        }
        Ok(report.exit_code())
    }
}

/// The report for people.
///
/// # Errors
/// Only those of writing to `out`.
pub fn write_text(report: &DoctorReport, out: &mut dyn Write) -> io::Result<()> {
    let machine = &report.machine;
    writeln!(out, "latentlink {} on {} {}", report.latentlink_version, machine.operating_system, machine.architecture)?;
    writeln!(out, "\nONNX Runtime")?;
    match &report.onnx_runtime {
        Some(runtime) => write_runtime(runtime, out)?,
        None => writeln!(out, "  cannot be had, see below")?,
    }
    if !report.execution_providers.is_empty() {
        writeln!(out, "\nExecution providers")?;
    }
    for provider in &report.execution_providers {
        row(out, provider.name, provider.reason.as_deref().unwrap_or("works: a session was created and computed"))?;
        if let Some(mend) = &provider.mend {
            row(out, "", &format!("to have it: {mend}"))?;
        }
    }
    writeln!(out, "\nModel packs")?;
    if report.packs.is_empty() {
        writeln!(out, "  none found")?;
    }
    for pack in &report.packs {
        writeln!(out, "  {} ({}): {}", pack.path.display(), pack.health.kind.name(), verdict(&pack.health))?;
    }
    writeln!(out, "\nJudges behind HTTP endpoints")?;
    row(out, "http", "can be asked; a run finds out whether its server is there before it makes a picture")?;
    let https = if report.https_endpoints { "can be asked" } else { "not in this build" };
    row(out, "https", https)?;
    if !report.https_endpoints {
        row(out, "", "to have it: cargo build --release --features https")?;
    }
    writeln!(out, "\nMachine")?;
    row(out, "cores", &machine.cores.to_string())?;
    row(
        out,
        "memory",
        &format!("{} free of {}", gigabytes(machine.memory_available_bytes), gigabytes(machine.memory_total_bytes)),
    )?;
    write_folder(out, "results", &report.results)?;
    if let Some(cache) = &report.cache {
        write_folder(out, "cache", cache)?;
    }
    write_problems(report, out)
}

fn write_runtime(runtime: &RuntimeReport, out: &mut dyn Write) -> io::Result<()> {
    row(out, "library", &runtime.library.path.display().to_string())?;
    let origin = match &runtime.library.origin {
        RuntimeOrigin::LibraryVariable => "named by ORT_DYLIB_PATH".to_owned(),
        RuntimeOrigin::Cache => "from the cache".to_owned(),
        RuntimeOrigin::CudaCache => "from the cache: the GPU build, for CPU runs as well".to_owned(),
        RuntimeOrigin::PythonEnvironment { environment } => {
            format!("GPU build of the Python environment {}", environment.display())
        }
        RuntimeOrigin::WheelFile { wheel } => format!("unpacked just now from {}", wheel.display()),
        RuntimeOrigin::Fetched { command } => format!("fetched just now with {command}"),
    };
    let repaired = if runtime.library.repaired { "; what the cache held was damaged and was replaced" } else { "" };
    row(out, "origin", &format!("{origin}{repaired}"))?;
    row(out, "version", &runtime.version)?;
    let digest = match runtime.digest_holds {
        Some(true) => "holds",
        Some(false) => "does not hold",
        None => "not pinned: the library is your own",
    };
    row(out, "SHA-256", digest)
}

fn write_folder(out: &mut dyn Write, name: &str, folder: &FolderReport) -> io::Result<()> {
    let writable = if folder.writable { "" } else { ", cannot be written" };
    row(out, name, &format!("{} free at {}{writable}", gigabytes(folder.free_bytes), folder.path.display()))
}

fn write_problems(report: &DoctorReport, out: &mut dyn Write) -> io::Result<()> {
    for (problem, number) in report.problems.iter().zip(1..) {
        writeln!(out, "\nProblem {number}: {}", problem.what)?;
        writeln!(out, "  to mend it: {}", problem.mend.replace('\n', "\n  "))?;
    }
    if report.named_pack_is_broken() {
        writeln!(out, "\nA pack that was named cannot be used, see above.")?;
    }
    writeln!(
        out,
        "\n{}",
        if report.default_can_run {
            "The default scenario can run here: latentlink run scenarios/quickstart.toml"
        } else {
            "The default scenario cannot run here yet."
        }
    )
}

fn row(out: &mut dyn Write, name: &str, value: &str) -> io::Result<()> {
    let value = value.replace('\n', &format!("\n{:12}", ""));
    writeln!(out, "  {name:<9} {value}")
}

fn verdict(health: &PackHealth) -> String {
    if !health.problems.is_empty() {
        return format!("broken ({} problems, see below)", health.problems.len());
    }
    let files = if health.digests_listed {
        format!("{} files, all digests hold", health.files_intact)
    } else {
        "can be read; it lists no digests (digests.json), so damage would go unseen".to_owned()
    };
    match (health.sessions_load, health.kind) {
        (Some(true), PackKind::Diffusion) => files + "; its sessions load, and one picture was made",
        (Some(true), PackKind::Judge) => files + "; its sessions load, and one question was answered",
        _ => files,
    }
}

fn gigabytes(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "unknown".to_owned(), |bytes| format!("{:.1} GB", bytes as f64 / 1e9))
}
