//! The folder of a study: begun, gone on with after a kill, and put in its place when it is complete.
//!
//! ```text
//!  results/fig13.unfinished/   study.json, journal, images/  ──► + tables, figures, manifest ──► results/fig13/
//!        ▲ killed, full disk, Ctrl-C: the same command goes on here
//! ```
//!
//! A finished study is read-only: it is replaced with `--force`, and opened again with `--retry-failed`, never otherwise.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::cost::StudyCost;
use super::journal::Journal;
use super::results_folder::{MANIFEST, is_empty_folder};
use super::work_order::Shard;
use crate::error::Error;
use crate::report::Manifest;

const JOURNAL: &str = "journal";
const STUDY: &str = "study.json";

/// What makes a study this study: a journal of another one is of no use to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyIdentity {
    /// SHA-256 of the scenario without its replications and figures, of the packs, the runtime and this program.
    pub sha256: String,
    /// The resolved scenario.
    pub scenario_toml: String,
    pub shard: Option<Shard>,
}

/// `study.json`: what a folder in the making is of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyFile {
    pub identity_sha256: String,
    pub study: String,
    /// Points of the grid and replications of each, whatever the shard.
    pub points: u32,
    pub replications: u32,
    pub shard: Option<Shard>,
    /// Work of all runs, counted when the study was begun.
    pub cost: Option<StudyCost>,
}

/// What to do with what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reuse {
    /// Begin anew, whatever is there.
    pub force: bool,
    /// Try runs again that failed.
    pub retry_failed: bool,
}

/// What was found at the place.
pub enum Opened {
    /// There is something to do.
    Begun(StudyFolder),
    /// All of it is done already, and left as it is.
    Finished { manifest: Box<Manifest> },
}

/// A study's folder while it is worked on.
#[derive(Debug)]
pub struct StudyFolder {
    place: PathBuf,
    draft: PathBuf,
    pub journal: Journal,
    pub file: StudyFile,
    /// Runs that earlier processes have finished.
    pub found_runs: u64,
    /// Folders above the place that had to be made, the outermost first.
    made: Vec<PathBuf>,
    is_published: bool,
}

impl StudyFolder {
    /// Opens the folder of a study that is to be at `place`. `say` is told what was found.
    ///
    /// # Errors
    /// [`Error::ResultsExist`] if a finished study is there that is not this one, and `force` is not set;
    /// [`Error::NotResults`]; [`Error::StudyInUse`]; [`Error::File`].
    pub fn open(
        place: &Path,
        identity: &StudyIdentity,
        file: StudyFile,
        reuse: Reuse,
        say: &dyn Fn(&str),
    ) -> Result<Opened, Error> {
        let draft = beside(place, ".unfinished");
        let finished = fs::symlink_metadata(place).is_ok() && !is_empty_folder(place);
        if place.file_name().is_none() || finished && !place.join(MANIFEST).is_file() {
            return Err(Error::NotResults { place: place.to_owned() });
        }
        if finished && !reuse.force {
            let manifest = Manifest::read(&place.join(MANIFEST))?;
            let written = fs::read_to_string(place.join("scenario.toml")).unwrap_or_default();
            if manifest.identity_sha256 != identity.sha256 || written != identity.scenario_toml {
                return Err(Error::ResultsExist { folder: place.to_owned() });
            }
            if !reuse.retry_failed || !place.join(JOURNAL).is_file() {
                return Ok(Opened::Finished { manifest: Box::new(manifest) });
            }
            // Back to the making: a kill on the way leaves an unfinished study, which goes on as any other.
            remove_folder(&draft)?;
            fs::rename(place, &draft).map_err(|source| failed("reopen", place, source))?;
            let stale = draft.join(MANIFEST);
            fs::remove_file(&stale).map_err(|source| failed("remove", &stale, source))?;
        }
        if reuse.force {
            begin_anew(&draft)?;
        }
        let mut made: Vec<PathBuf> = Vec::new();
        if let Some(parent) = draft.parent() {
            made.extend(parent.ancestors().take_while(|folder| !folder.exists()).map(Path::to_owned));
            made.retain(|folder| !folder.as_os_str().is_empty());
            made.reverse();
        }
        for part in ["images", "figures"] {
            let path = draft.join(part);
            fs::create_dir_all(&path).map_err(|source| failed("create the results folder", place, source))?;
        }
        let mut journal = Journal::open(&draft.join(JOURNAL))?;
        let known = StudyFile::read(&draft);
        let is_same = known.as_ref().is_some_and(|known| {
            known.identity_sha256 == file.identity_sha256 && known.shard == file.shard && known.points == file.points
        });
        if !is_same && (known.is_some() || !journal.is_empty()) {
            say(&format!(
                "{} holds an unfinished run of another scenario, pack or version: it is begun anew, and what the score \
                 store holds is not computed again",
                draft.display()
            ));
            drop(journal);
            begin_anew(&draft)?;
            return Self::open(place, identity, file, reuse, say);
        }
        if reuse.retry_failed {
            let forgotten = journal.forget_failed();
            say(&format!("{forgotten} failed {} again", if forgotten == 1 { "run is tried" } else { "runs are tried" }));
        }
        // The cost is of these runs where the number of replications is the same.
        let cost = known.filter(|known| known.replications == file.replications).and_then(|known| known.cost);
        let file = StudyFile { cost, ..file };
        let found_runs = journal.len();
        let folder = Self { place: place.to_owned(), draft, journal, file, found_runs, made, is_published: false };
        folder.write_study_file()?;
        Ok(Opened::Begun(folder))
    }

    /// Where files are written until the folder is published.
    pub fn draft(&self) -> &Path {
        &self.draft
    }

    /// Keeps what all runs take, so that going on needs no count.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::DiskFull`].
    pub fn keep_cost(&mut self, cost: StudyCost) -> Result<(), Error> {
        self.file.cost = Some(cost);
        self.write_study_file()
    }

    fn write_study_file(&self) -> Result<(), Error> {
        let json = serde_json::to_vec_pretty(&self.file).expect("a study file is plain numbers and texts");
        self.write(STUDY, &json)
    }

    /// Writes a file under the draft.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::DiskFull`], [`Error::ResultsMoved`].
    pub fn write(&self, relative: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.draft.join(relative);
        fs::write(&path, bytes).map_err(|source| Error::while_writing(&self.draft, path, source))
    }

    /// Moves the draft to its place and returns it. The journal stays in it where runs failed or other parts are to be
    /// merged with it.
    ///
    /// # Errors
    /// [`Error::File`]; an earlier result that was to be replaced is put back.
    pub fn publish(mut self, keep_journal: bool) -> Result<PathBuf, Error> {
        self.journal.sync()?;
        if !keep_journal {
            for name in [JOURNAL, STUDY] {
                let path = self.draft.join(name);
                fs::remove_file(&path).map_err(|source| failed("remove", &path, source))?;
            }
        }
        let earlier = beside(&self.place, ".replaced");
        let replaces = fs::symlink_metadata(&self.place).is_ok();
        if replaces {
            remove_folder(&earlier)?;
            fs::rename(&self.place, &earlier).map_err(|source| failed("set aside the earlier", &self.place, source))?;
        }
        if let Err(source) = fs::rename(&self.draft, &self.place) {
            if replaces {
                fs::rename(&earlier, &self.place).map_err(|source| failed("put back the earlier", &self.place, source))?;
            }
            return Err(failed("put in place", &self.place, source));
        }
        self.is_published = true;
        if replaces {
            remove_folder(&earlier)?;
        }
        Ok(self.place.clone())
    }
}

impl Drop for StudyFolder {
    fn drop(&mut self) {
        if self.is_published || !self.journal.is_empty() {
            return;
        }
        // No run was finished: nothing is lost but the folder. One that cannot be removed does no harm.
        let _ = fs::remove_dir_all(&self.draft);
        for folder in self.made.iter().rev() {
            // One that somebody else has filled in the meantime stays.
            let _ = fs::remove_dir(folder);
        }
    }
}

impl StudyFile {
    /// That of a folder; `None` where there is none that is understood.
    pub fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(STUDY)).ok()?).ok()
    }
}

/// The journal of a study's folder, finished or not.
pub fn journal_of(folder: &Path) -> PathBuf {
    folder.join(JOURNAL)
}

/// Whether a file below a study's folder only serves its making: it is no result.
pub fn is_working_file(relative: &Path) -> bool {
    [JOURNAL, STUDY, MANIFEST].iter().any(|name| relative == Path::new(name))
}

/// Removes a draft, unless a process is at work in it.
fn begin_anew(draft: &Path) -> Result<(), Error> {
    let journal = draft.join(JOURNAL);
    if journal.is_file() {
        match Journal::open(&journal) {
            // What is no journal is nobody's work.
            Ok(_) | Err(Error::NotAJournal { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    remove_folder(draft)
}

fn remove_folder(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed("remove", folder, error)),
        _ => Ok(()),
    }
}

fn beside(place: &Path, suffix: &str) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    place.with_file_name(name)
}

fn failed(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::File { action, path: path.to_owned(), source }
}
