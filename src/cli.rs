//! The command line: one file per command. Only this part of the crate prints.

pub mod bep;
pub mod check;
pub mod doctor;
#[cfg(feature = "learn")]
pub mod environment;
mod interrupt;
pub mod judge;
pub mod merge;
pub mod models;
pub mod pack_summary;
pub mod path;
pub mod plot;
pub mod progress;
pub mod prompts;
pub mod run;
mod run_report;
mod standard_output;
pub mod surface;
#[cfg(feature = "learn")]
pub mod train;

use clap::{Parser, Subcommand};
use miette::Diagnostic;

use self::doctor::DoctorArgs;
use crate::error::Error;

/// Simulate diffusion models whose denoising chain is split between an edge server and wireless devices.
#[derive(Debug, Parser)]
#[command(name = "latentlink", version, propagate_version = true, subcommand_required = true)]
#[command(after_help = "\
Examples:
  latentlink run scenarios/quickstart.toml       pictures, tables and figures in results/quickstart
  latentlink check scenarios/quickstart.toml     what a run would take, without running
  latentlink doctor                              is everything here that a run needs?

Exit codes: 0 done, 1 a run failed, 2 bad command line or scenario, 3 missing or broken model pack or runtime,
130 stopped by Ctrl-C.")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArgs),
    /// The same for scenarios that sweep something, say with --set PATH=a,b,c.
    Sweep(run::RunArgs),
    #[cfg(feature = "learn")]
    Train(train::TrainArgs),
    #[cfg(feature = "learn")]
    Environment(environment::EnvironmentArgs),
    Merge(merge::MergeArgs),
    Check(check::CheckArgs),
    Plot(plot::PlotArgs),
    Surface(surface::SurfaceArgs),
    Models(models::ModelsArgs),
    Doctor(DoctorArgs),
    Judge(judge::JudgeArgs),
    Prompts(prompts::PromptsArgs),
    Path(path::PathArgs),
    Bep(bep::BepArgs),
}

/// Runs the command; the error decides the exit code.
///
/// # Errors
/// Whatever ended the command.
pub fn execute(cli: Cli) -> Result<(), Error> {
    match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Sweep(args) => run::sweep(&args),
        #[cfg(feature = "learn")]
        Command::Train(args) => train::run(&args),
        #[cfg(feature = "learn")]
        Command::Environment(args) => environment::run(&args),
        Command::Merge(args) => merge::merge(&args),
        Command::Check(args) => check::check(&args),
        Command::Plot(args) => plot::plot(&args),
        Command::Surface(args) => surface::surface(&args),
        Command::Models(args) => models::models(&args),
        Command::Doctor(args) => doctor(&args),
        Command::Judge(args) => judge::judge(&args),
        Command::Prompts(args) => prompts::prompts(&args),
        Command::Path(args) => path::path(&args),
        Command::Bep(args) => {
            let text = bep::render(&args).map_err(|error| Error::Usage {
                message: error.to_string(),
                help: error.help().map_or_else(String::new, |help| help.to_string()),
            })?;
            standard_output::print(&text)
        }
    }
}

fn doctor(args: &DoctorArgs) -> Result<(), Error> {
    let progress = |text: &str| eprintln!("{text}");
    args.install(&progress)?;
    let mut report = Vec::new();
    let examined = args.run(&models::pack_health, &progress, &mut report);
    let code = examined.expect("writing to memory does not fail");
    standard_output::print(&String::from_utf8_lossy(&report))?;
    if code == 0 { Ok(()) } else { Err(Error::Unhealthy) }
}
