//! A finished study as a source of figures, and its manifest after they were drawn anew.

use std::fs;
use std::path::Path;

use super::FigureSource;
use super::columns::Columns;
use crate::error::Error;
use crate::experiment::study_folder::draft_of;
use crate::report::ReportError;
use crate::report::manifest::{Manifest, WrittenFile};
use crate::scenario::{JudgeKind, Scenario, ScenarioFile};

/// A results folder that holds a finished study.
#[derive(Debug, Clone)]
pub struct StudyResults {
    pub source: FigureSource,
    /// The first point of its scenario.
    pub scenario: Scenario,
}

/// The small print under each figure: what made it. `judges` names model packs, or the surface.
pub fn footer(version: &str, study: &str, seed: u64, diffusion_pack: &str, judges: &[String]) -> String {
    let made = format!("latentlink {version} · study {study} · seed {seed} · {diffusion_pack}");
    match judges {
        [] => made,
        judges => format!("{made} judged by {}", judges.join(", ")),
    }
}

/// How the judge that looks at no picture is called among model packs.
pub const SURFACE: &str = "the surface";

impl StudyResults {
    /// Opens a results folder; `figures` is a scenario whose `[[figure]]` tables stand in for the study's own.
    ///
    /// # Errors
    /// [`Error::Usage`] for a folder without results, or whose study is not finished; [`Error::Scenario`] where `figures`
    /// does not go with the study; [`Error::Report`] for files that cannot be read.
    pub fn open(folder: &Path, figures: Option<&ScenarioFile>) -> Result<Self, Error> {
        let scenario_file = folder.join("scenario.toml");
        // The folder in the making, its later place, or one whose manifest is gone.
        let is_begun = draft_of(folder).is_dir() || folder.join("scenario.toml").is_file();
        if !folder.join("manifest.json").is_file() {
            let shown = folder.display();
            return Err(match is_begun {
                true => Error::Usage {
                    message: format!("the study in {shown} is not finished: it has no manifest.json"),
                    help: "run its scenario again; what is computed already is not computed twice".to_owned(),
                },
                false => Error::Usage {
                    message: format!("{shown} is no results folder"),
                    help: "name a folder that `latentlink run` has written, say results/quickstart".to_owned(),
                },
            });
        }
        let manifest = Manifest::read(&folder.join("manifest.json"))?;
        let mut file = ScenarioFile::read(&scenario_file).map_err(Box::new)?;
        if let Some(figures) = figures {
            file = file.with_figures_of(figures);
        }
        let scenario = file.grid().and_then(|grid| grid.point(0)).map_err(Box::new)?.scenario;
        let source = FigureSource {
            folder: folder.to_owned(),
            swept: swept_fields(&folder.join("runs.csv"))?,
            footer: footer_of(&manifest, &scenario),
        };
        Ok(Self { source, scenario })
    }

    /// Puts the digests of the figures that are there now into the manifest.
    ///
    /// # Errors
    /// [`ReportError::Read`], [`ReportError::Write`].
    pub fn update_manifest(&self) -> Result<(), ReportError> {
        let folder = &self.source.folder;
        let path = folder.join("manifest.json");
        let mut manifest = Manifest::read(&path)?;
        let figures = folder.join("figures");
        let unreadable = |source| ReportError::Read { path: figures.clone(), source };
        manifest.files.retain(|file| !file.path.starts_with("figures/"));
        for entry in fs::read_dir(&figures).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            if entry.file_type().map_err(unreadable)?.is_file() {
                manifest.files.push(WrittenFile::of(folder, &Path::new("figures").join(entry.file_name()))?);
            }
        }
        manifest.files.sort_by(|one, other| Path::new(&one.path).cmp(Path::new(&other.path)));
        manifest.write(&path)
    }
}

/// What stands between the point and the replication.
fn swept_fields(runs: &Path) -> Result<Vec<String>, ReportError> {
    let names = Columns::names(runs)?;
    let place = |name: &str| names.iter().position(|known| known == name);
    match (place("point"), place("replication")) {
        (Some(0), Some(end)) => Ok(names[1..end].to_vec()),
        _ => {
            let message = format!("its columns begin with {}, not with a point", names.join(", "));
            Err(ReportError::Content { path: runs.to_owned(), message })
        }
    }
}

fn footer_of(manifest: &Manifest, scenario: &Scenario) -> String {
    let packs = |role: &str| {
        let packs = manifest.models.iter().filter(|model| model.role == role);
        packs.map(|model| model.name.clone()).collect::<Vec<_>>()
    };
    let mut judges = packs("judge");
    if matches!(scenario.judge.kind, JudgeKind::Surface(_)) {
        judges.push(SURFACE.to_owned());
    }
    let diffusion = packs("diffusion").join(", ");
    footer(&manifest.latentlink_version, &manifest.study, manifest.seed, &diffusion, &judges)
}
