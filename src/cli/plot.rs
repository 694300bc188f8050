//! `latentlink plot`: the figures of finished studies, drawn again from their tables.

use std::path::{Path, PathBuf};

use clap::Args;

use super::standard_output;
use crate::error::Error;
use crate::experiment::figures::comparison::{NamedStudy, comparable, compare_into};
use crate::experiment::figures::results::StudyResults;
use crate::experiment::figures::{DrawnFigure, command_in_place, draw_into, figure_names};
use crate::scenario::ScenarioFile;
use crate::scenario::words::{alternatives, nearest};

/// Draw the figures of finished studies again, from their tables and pictures alone.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  latentlink plot results/quickstart
  latentlink plot results/quickstart --figure energy --out paper/figures
  latentlink plot results/quickstart --scenario restyled.toml      [[figure]] tables of another file, nothing is run again
  latentlink plot results/a results/b --compare --out results/a-and-b")]
pub struct PlotArgs {
    /// Results folders.
    #[arg(required = true, value_name = "RESULTS")]
    pub results: Vec<PathBuf>,
    /// Draw only the figure of this name.
    #[arg(long, value_name = "NAME")]
    pub figure: Option<String>,
    /// Folder for the figures [default: figures/ in each results folder]; with several studies, the folder that holds
    /// theirs.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Take the [[figure]] tables of this scenario file.
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Show all studies in one figure each: every line, scatter, cdf and box figure that all of them have.
    #[arg(long, requires = "out")]
    pub compare: bool,
}

/// Draws; the tables are not touched.
///
/// # Errors
/// Folders that hold no finished study, figures that they do not have, and whatever keeps one from being drawn.
pub fn plot(args: &PlotArgs) -> Result<(), Error> {
    let figures = match &args.scenario {
        Some(file) => Some(ScenarioFile::read(file).map_err(Box::new)?),
        None => None,
    };
    if let Some(out) = args.out.as_ref().filter(|out| out.join("manifest.json").exists()) {
        return Err(Error::Usage {
            message: format!("{} is a results folder", out.display()),
            help: "leave --out away to draw into its figures/, or name another folder".to_owned(),
        });
    }
    if let Some(out) = args.out.as_ref().filter(|out| is_somebody_elses(out)) {
        return Err(Error::Usage {
            message: format!("{} holds something else than figures", out.display()),
            help: "nothing of yours is ever replaced: name a new folder, or one that an earlier plot has written"
                .to_owned(),
        });
    }
    for (at, folder) in args.results.iter().enumerate() {
        let is_same = |other: &&PathBuf| other.canonicalize().ok() == folder.canonicalize().ok();
        if let Some(other) = args.results[..at].iter().find(is_same) {
            return Err(Error::Usage {
                message: format!("{} and {} are one folder", other.display(), folder.display()),
                help: "name each study once".to_owned(),
            });
        }
    }
    let studies = args
        .results
        .iter()
        .map(|folder| StudyResults::open(folder, figures.as_ref()))
        .collect::<Result<Vec<_>, _>>()?;
    if let (true, Some(out)) = (args.compare, &args.out) {
        return compare(args, out, studies);
    }
    let names = study_names(&args.results, &studies);
    for ((folder, study), own) in args.results.iter().zip(&studies).zip(&names) {
        if let Some(name) = &args.figure {
            let known = figure_names(&study.source, &study.scenario)?;
            must_be_known(name, &known, &folder.display().to_string())?;
        }
        let only = args.figure.as_deref();
        let (place, drawn) = match &args.out {
            None => {
                let place = folder.join("figures");
                let drawn = draw_into(&place, &study.source, &study.scenario, only, &command_in_place)?;
                study.update_manifest()?;
                (place, drawn)
            }
            Some(out) => {
                let place = if names.len() > 1 { out.join(own.replace(['/', '\\'], "-")) } else { out.clone() };
                let command = |name: &str| {
                    format!("latentlink plot {} --figure {name} --out {}", folder.display(), out.display())
                };
                let drawn = draw_into(&place, &study.source, &study.scenario, only, &command)?;
                (place, drawn)
            }
        };
        tell(&place, &drawn)?;
    }
    Ok(())
}

fn compare(args: &PlotArgs, out: &Path, studies: Vec<StudyResults>) -> Result<(), Error> {
    if studies.len() < 2 {
        return Err(Error::Usage {
            message: "--compare needs at least two results folders".to_owned(),
            help: "latentlink plot results/a results/b --compare --out results/a-and-b".to_owned(),
        });
    }
    let names = study_names(&args.results, &studies);
    let studies: Vec<NamedStudy> =
        names.into_iter().zip(studies).map(|(name, results)| NamedStudy { name, results }).collect();
    let mut figures = comparable(&studies).map_err(|reason| Error::Usage {
        message: format!("nothing can be compared: {reason}"),
        help: "studies are compared where all have a line, scatter, cdf or box figure of the same x and value: give one to \
               all of them with --scenario FILE"
            .to_owned(),
    })?;
    if let Some(name) = &args.figure {
        must_be_known(name, &figures, "the comparison")?;
        figures.retain(|figure| figure == name);
    }
    let folders: Vec<String> = args.results.iter().map(|folder| folder.display().to_string()).collect();
    let command =
        |name: &str| format!("latentlink plot {} --compare --figure {name} --out {}", folders.join(" "), out.display());
    let drawn = compare_into(out, &studies, &figures, &command)?;
    tell(out, &drawn)
}

/// Whether a folder holds anything, but not the list of figures that each plot leaves.
fn is_somebody_elses(folder: &Path) -> bool {
    let is_ours =
        |place: &Path| std::fs::read_to_string(place.join("README.md")).is_ok_and(|text| text.starts_with("# Figures"));
    let inside = || std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    // One of several studies' figures holds a folder for each.
    inside().next().is_some() && !is_ours(folder) && !inside().all(|place| is_ours(&place))
}

/// Studies by their names; where two have one, by their folders.
fn study_names(folders: &[PathBuf], studies: &[StudyResults]) -> Vec<String> {
    let is_unique = |names: &[String]| names.iter().enumerate().all(|(at, name)| !names[..at].contains(name));
    let by_study: Vec<String> = studies.iter().map(|study| study.scenario.study.name.clone()).collect();
    let last =
        |folder: &PathBuf| folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let by_folder: Vec<String> = folders.iter().map(last).collect();
    match (is_unique(&by_study), is_unique(&by_folder)) {
        (true, _) => by_study,
        (false, true) => by_folder,
        _ => folders.iter().map(|folder| folder.display().to_string()).collect(),
    }
}

fn must_be_known(name: &String, known: &[String], whose: &str) -> Result<(), Error> {
    if known.contains(name) {
        return Ok(());
    }
    let near = nearest(name, known.iter().map(String::as_str));
    let near = near.map_or_else(String::new, |near| format!("did you mean \"{near}\"? "));
    Err(Error::Usage {
        message: format!("{whose} has no figure \"{name}\""),
        help: format!("{near}there is {}", alternatives(known.iter().map(String::as_str))),
    })
}

fn tell(place: &Path, drawn: &[DrawnFigure]) -> Result<(), Error> {
    let lines = drawn.iter().map(|figure| format!("{}\n", place.join(format!("{}.png", figure.file)).display()));
    standard_output::print(&lines.collect::<String>())
}
