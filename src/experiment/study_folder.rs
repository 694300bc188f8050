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
use crate::report::durable_file::write_durably;
use crate::report::{Manifest, ReportError};

const JOURNAL: &str = "journal";
const STUDY: &str = "study.json";
/// Where runs that are not finished are saved.
pub const CHECKPOINTS: &str = "checkpoints";

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
    /// Replace a finished study, and give up an unfinished one of another scenario.
    pub force: bool,
    /// Try runs again that failed.
    pub retry_failed: bool,
}

/// What was found at the place.
pub enum Opened {
    /// There is something to do.
    Begun(Box<StudyFolder>),
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
    /// Folders above the place that had to be made, the outermost first.
    made: Vec<PathBuf>,
    /// Whether this process has begun it: then nothing is lost with it while no run is finished.
    is_begun_here: bool,
    /// Whether a finished study at the place may be replaced.
    may_replace: bool,
    is_published: bool,
}

impl StudyFolder {
    /// Opens the folder of a study that is to be at `place`. `say` is told what was found.
    ///
    /// # Errors
    /// [`Error::ResultsExist`] if a finished study is there that is not this one, and `force` is not set;
    /// [`Error::UnfinishedExists`] if an unfinished one is; [`Error::NotResults`]; [`Error::StudyInUse`]; [`Error::File`].
    pub fn open(
        place: &Path,
        identity: &StudyIdentity,
        file: StudyFile,
        reuse: Reuse,
        say: &dyn Fn(&str),
    ) -> Result<Opened, Error> {
        let draft = draft_of(place);
        let is_taken = fs::symlink_metadata(place).is_ok() && !is_empty_folder(place);
        if place.file_name().is_none() || is_taken && !place.join(MANIFEST).is_file() {
            return Err(Error::NotResults { place: place.to_owned() });
        }
        if is_taken && !reuse.force {
            let manifest = finished_study(place, identity)?;
            if !reuse.retry_failed || !place.join(JOURNAL).is_file() {
                return Ok(Opened::Finished { manifest: Box::new(manifest) });
            }
            reopen(place, &draft)?;
        }
        let mut folder = match Self::go_on(place, &draft, &file) {
            Ok(Some(folder)) => folder,
            Ok(None) => Self::begin(place, draft, file)?,
            // What is no journal is of no use to anybody; what is another study's is its user's to give up.
            Err(Error::UnfinishedExists { .. } | Error::NotAJournal { .. }) if reuse.force => {
                remove_folder(&draft)?;
                Self::begin(place, draft, file)?
            }
            Err(error) => return Err(error),
        };
        folder.may_replace = reuse.force;
        if reuse.retry_failed {
            let forgotten = folder.journal.forget_failed();
            say(&format!(
                "{forgotten} failed {} again",
                if forgotten == 1 { "run is tried" } else { "runs are tried" }
            ));
        }
        folder.write_study_file()?;
        Ok(Opened::Begun(Box::new(folder)))
    }

    /// An unfinished study at `draft`, if it is this one.
    fn go_on(place: &Path, draft: &Path, file: &StudyFile) -> Result<Option<Self>, Error> {
        let path = draft.join(JOURNAL);
        if !path.is_file() {
            return Ok(None);
        }
        let journal = Journal::open(&path)?;
        let known = match StudyFile::read(draft) {
            Some(known) => known,
            None if journal.is_empty() => file.clone(),
            // Whose runs these are is not known any more: nobody but the user may give them up.
            None => return Err(Error::UnfinishedExists { folder: draft.to_owned() }),
        };
        let is_same =
            known.identity_sha256 == file.identity_sha256 && known.shard == file.shard && known.points == file.points;
        if !is_same {
            return match journal.is_empty() {
                true => {
                    drop(journal);
                    remove_folder(draft)?;
                    Ok(None)
                }
                false => Err(Error::UnfinishedExists { folder: draft.to_owned() }),
            };
        }
        // The cost is of these runs where the number of replications is the same.
        let cost = known.cost.filter(|_| known.replications == file.replications);
        Ok(Some(Self {
            place: place.to_owned(),
            draft: draft.to_owned(),
            journal,
            file: StudyFile { cost, ..file.clone() },
            made: Vec::new(),
            is_begun_here: false,
            may_replace: false,
            is_published: false,
        }))
    }

    /// A new one.
    fn begin(place: &Path, draft: PathBuf, file: StudyFile) -> Result<Self, Error> {
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
        let journal = Journal::open(&draft.join(JOURNAL))?;
        Ok(Self {
            place: place.to_owned(),
            draft,
            journal,
            file,
            made,
            is_begun_here: true,
            may_replace: false,
            is_published: false,
        })
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
        // A file of which half is written would make the journal nobody's.
        match write_durably(&self.draft.join(STUDY), &json) {
            Err(ReportError::Write { path, source }) => Err(Error::while_writing(&self.draft, path, source)),
            outcome => Ok(outcome?),
        }
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
    /// [`Error::ResultsExist`] if something has appeared at the place in the meantime; [`Error::File`]. The draft stays, and
    /// an earlier result that was to be replaced is put back.
    pub fn publish(mut self, keep_journal: bool) -> Result<PathBuf, Error> {
        self.journal.sync()?;
        // Of runs that ended in another way.
        remove_folder(&self.draft.join(CHECKPOINTS))?;
        let earlier = self.place.with_file_name(format!(
            ".{}.replaced-{}",
            self.place.file_name().unwrap_or_default().to_string_lossy(),
            std::process::id()
        ));
        let is_taken = fs::symlink_metadata(&self.place).is_ok();
        if is_taken && !is_empty_folder(&self.place) && !self.may_replace {
            return Err(Error::ResultsExist { folder: self.place.clone() });
        }
        if is_taken {
            fs::rename(&self.place, &earlier).map_err(|source| failed("set aside the earlier", &self.place, source))?;
        }
        if let Err(source) = fs::rename(&self.draft, &self.place) {
            if is_taken {
                fs::rename(&earlier, &self.place)
                    .map_err(|source| failed("put back the earlier", &self.place, source))?;
            }
            return Err(failed("put in place", &self.place, source));
        }
        self.is_published = true;
        if is_taken {
            remove_folder(&earlier)?;
        }
        // Only now is it not needed any more.
        if !keep_journal {
            for name in [JOURNAL, STUDY] {
                let path = self.place.join(name);
                fs::remove_file(&path).map_err(|source| failed("remove", &path, source))?;
            }
        }
        Ok(self.place.clone())
    }
}

impl Drop for StudyFolder {
    fn drop(&mut self) {
        let is_saved = self.draft.join(CHECKPOINTS).exists();
        if self.is_published || !self.is_begun_here || !self.journal.is_empty() || is_saved {
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

/// Where a study is made that is to be at `place`.
pub fn draft_of(place: &Path) -> PathBuf {
    let mut name = place.file_name().unwrap_or_default().to_owned();
    name.push(".unfinished");
    place.with_file_name(name)
}

/// The journal of a study's folder, finished or not.
pub fn journal_of(folder: &Path) -> PathBuf {
    folder.join(JOURNAL)
}

/// Whether a file below a study's folder only serves its making: it is no result.
pub fn is_working_file(relative: &Path) -> bool {
    [JOURNAL, STUDY, MANIFEST].iter().any(|name| relative == Path::new(name))
}

/// The manifest of the finished study at `place`, if it is this one.
fn finished_study(place: &Path, identity: &StudyIdentity) -> Result<Manifest, Error> {
    let manifest = Manifest::read(&place.join(MANIFEST))?;
    let scenario = fs::read_to_string(place.join("scenario.toml")).unwrap_or_default();
    let is_same = manifest.identity_sha256 == identity.sha256
        && manifest.shard == identity.shard.map(|shard| shard.to_string())
        && scenario == identity.scenario_toml;
    if is_same { Ok(manifest) } else { Err(Error::ResultsExist { folder: place.to_owned() }) }
}

/// Moves a finished study back to the making: a kill on the way leaves an unfinished study, which goes on as any other.
fn reopen(place: &Path, draft: &Path) -> Result<(), Error> {
    if fs::symlink_metadata(draft).is_ok() {
        return Err(Error::UnfinishedExists { folder: draft.to_owned() });
    }
    fs::rename(place, draft).map_err(|source| failed("reopen", place, source))?;
    let stale = draft.join(MANIFEST);
    fs::remove_file(&stale).map_err(|source| failed("remove", &stale, source))
}

fn remove_folder(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed("remove", folder, error)),
        _ => Ok(()),
    }
}

fn failed(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::File { action, path: path.to_owned(), source }
}
