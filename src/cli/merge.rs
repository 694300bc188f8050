//! `latentlink merge`: parts of a study to one results folder.

use std::path::PathBuf;

use clap::Args;

use super::progress::Progress;
use super::run_report::{counted, failed_runs, first_failure};
use super::standard_output;
use crate::error::Error;
use crate::experiment::merge::{MergeReport, merge as merge_parts};
use crate::experiment::{Reuse, RunOptions};

/// Join the parts of a study that were computed with --shard, here or elsewhere.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  latentlink run my.toml --shard 1/2        on one machine
  latentlink run my.toml --shard 2/2        on another
  latentlink merge results/my.shard-1-of-2 results/my.shard-2-of-2")]
pub struct MergeArgs {
    /// Folders of the parts: finished shards, or unfinished studies.
    #[arg(required = true, value_name = "FOLDER")]
    pub parts: Vec<PathBuf>,
    /// Results folder [default: results/<study>].
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Replace earlier results that are there.
    #[arg(long)]
    pub force: bool,
}

/// Joins the parts; they stay as they are.
///
/// # Errors
/// Parts that do not belong together, overlap or are incomplete; what writing results says.
pub fn merge(args: &MergeArgs) -> Result<(), Error> {
    let options = RunOptions {
        out: args.out.clone(),
        reuse: Reuse { force: args.force, retry_failed: false },
        ..RunOptions::default()
    };
    let progress = Progress::new();
    let merged = merge_parts(&args.parts, &options, &progress);
    progress.finish();
    let MergeReport { study, folder, parts, findings, figures } = merged?;
    let mut lines =
        vec![format!("{} of {study} from {}", counted(findings.runs, "run"), counted(parts as u64, "part"))];
    lines.push("look at".to_owned());
    let files = figures.iter().map(String::as_str).chain(["requests.csv", "summary.csv", "failures.csv", "columns.md"]);
    lines.extend(
        files.map(|file| folder.join(file)).filter(|file| file.is_file()).map(|file| format!("  {}", file.display())),
    );
    lines.extend(failed_runs(&findings));
    standard_output::print(&(lines.join("\n") + "\n"))?;
    if findings.failed_runs == 0 {
        return Ok(());
    }
    let (runs, failed) = (findings.runs, findings.failed_runs);
    let table = folder.join("failures.csv");
    Err(Error::RunsFailed { study, failed, runs, first: first_failure(&table), table })
}
