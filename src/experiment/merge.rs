//! Joining the parts of a study that were computed apart, on one machine or several.
//!
//! ```text
//!  fig13.shard-1-of-3/ ─┐
//!  fig13.shard-2-of-3/ ─┼─► same study? no run twice? none missing? ─► fig13/
//!  fig13.shard-3-of-3/ ─┘
//! ```
//!
//! A part is any folder with the journal of a study: a finished shard, or an unfinished study.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use super::computation::ValueOrigins;
use super::cost::StudyCost;
use super::findings::Findings;
use super::journal::Journal;
use super::observer::Observer;
use super::plan::{RunOptions, StudyPlan};
use super::study_folder::{self, Opened, Reuse, StudyFile, StudyFolder, StudyIdentity, journal_of};
use super::study_manifest::{self, RunFindings};
use super::tables::assembly;
use super::work_order::{RunId, Shard, WorkOrder};
use crate::error::Error;
use crate::scenario::ScenarioFile;

/// Frames copied at a time.
const RUNS_PER_COPY: usize = 1024;

/// What merging left behind.
#[derive(Debug)]
pub struct MergeReport {
    pub study: String,
    pub folder: PathBuf,
    pub parts: usize,
    pub findings: Findings,
    pub figures: Vec<String>,
}

/// One part, opened.
struct Part {
    folder: PathBuf,
    file: StudyFile,
    journal: Journal,
    scenario_toml: String,
}

impl Part {
    fn open(folder: &Path) -> Result<Self, Error> {
        let broken = |what: &str| Error::Merge {
            message: format!("{} {what}", folder.display()),
            help: "name the folders of shards (results/STUDY.shard-i-of-n) or of unfinished studies; a finished whole \
                   study needs no merging"
                .to_owned(),
        };
        if !folder.is_dir() {
            return Err(broken("is no folder"));
        }
        if !journal_of(folder).is_file() {
            return Err(broken("is no part of a study: it has no journal"));
        }
        let file = StudyFile::read(folder).ok_or_else(|| broken("has no study.json that this version understands"))?;
        let scenario_toml =
            fs::read_to_string(folder.join("scenario.toml")).map_err(|_| broken("has no scenario.toml"))?;
        let journal = Journal::open_to_read(&journal_of(folder))?;
        Ok(Self { folder: folder.to_owned(), file, journal, scenario_toml })
    }
}

/// Joins parts into a study at `options.out`, or `results/<study>`.
///
/// # Errors
/// [`Error::Merge`] where parts do not belong together, hold a run twice, or leave one out; what writing results says.
pub fn merge(folders: &[PathBuf], options: &RunOptions, observer: &dyn Observer) -> Result<MergeReport, Error> {
    let started = SystemTime::now();
    let clock = Instant::now();
    let real = |folder: &PathBuf| folder.canonicalize().unwrap_or_else(|_| folder.clone());
    for (index, folder) in folders.iter().enumerate() {
        if folders[..index].iter().any(|other| real(other) == real(folder)) {
            let message = format!("{} is named twice", folder.display());
            return Err(Error::Merge { message, help: "name each part once".to_owned() });
        }
    }
    let parts = folders.iter().map(|folder| Part::open(folder)).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = parts.first() else {
        return Err(Error::Usage { message: "there is nothing to merge".to_owned(), help: "name folders".to_owned() });
    };
    check_belonging(first, &parts)?;
    let owners = owners(&parts)?;
    check_complete(first, &parts, &owners)?;

    let place = first.folder.join("scenario.toml");
    let file = ScenarioFile::read(&place).map_err(Box::new)?;
    let options = RunOptions { shard: None, store: None, ..options.clone() };
    let plan = StudyPlan::prepare(&file, &options, observer)?;
    if plan.scenario().study.until.is_some() {
        return Err(Error::Merge {
            message: "a study that adds replications until an interval is narrow has no parts".to_owned(),
            help: format!("give the command of {} once more: it goes on alone", first.folder.display()),
        });
    }
    if plan.identity.sha256 != first.file.identity_sha256 {
        observer.warn(
            "the parts were computed with other model packs, ONNX Runtime or latentlink than are here: their numbers are \
             joined as they are",
        );
    }
    let identity = StudyIdentity {
        sha256: first.file.identity_sha256.clone(),
        scenario_toml: first.scenario_toml.clone(),
        shard: None,
    };
    let study_file = StudyFile { shard: None, cost: None, ..first.file.clone() };
    let reuse = Reuse { force: options.reuse.force, retry_failed: false };
    let place = options.place(&first.file.study);
    let unfinished = study_folder::draft_of(&place);
    if parts.iter().any(|part| real(&part.folder) == real(&unfinished)) {
        return Err(Error::Merge {
            message: format!("{} is one of the parts, and where the joined study would be made", unfinished.display()),
            help: "choose another place with --out".to_owned(),
        });
    }
    let mut folder = match StudyFolder::open(&place, &identity, study_file, reuse, &|text| observer.stage(text))? {
        Opened::Begun(folder) => folder,
        Opened::Finished { .. } => return Err(Error::ResultsExist { folder: place }),
    };
    copy(&parts, &owners, &mut folder)?;
    let findings = assembly::write_tables(&folder.journal, plan.simulator.points(), &plan.layout, folder.draft())?;
    folder.write("scenario.toml", first.scenario_toml.as_bytes())?;
    let figures = plan.write_figures(&folder)?;
    // Parts share nothing with each other: their work adds up.
    let mut cost = StudyCost::default();
    parts.iter().filter_map(|part| part.file.cost).for_each(|of_part| cost += of_part);
    let wall_time_s = clock.elapsed().as_secs_f64();
    let run = RunFindings {
        findings: &findings,
        cost,
        origins: ValueOrigins::default(),
        found_runs: findings.runs,
        started,
        wall_time_s,
    };
    study_manifest::write_as(&plan, &identity, folder.draft(), &run)?;
    let (study, parts) = (first.file.study.clone(), parts.len());
    let folder = folder.publish(findings.failed_runs > 0)?;
    Ok(MergeReport { study, folder, parts, findings, figures })
}

/// All parts are of one study.
fn check_belonging(first: &Part, parts: &[Part]) -> Result<(), Error> {
    for part in parts {
        let differs = [
            (
                part.file.identity_sha256 != first.file.identity_sha256,
                "another scenario, model pack, ONNX Runtime or version",
            ),
            (part.file.points != first.file.points, "another number of points"),
            (part.file.replications != first.file.replications, "another number of replications"),
        ];
        if let Some((_, what)) = differs.iter().find(|(differs, _)| *differs) {
            return Err(Error::Merge {
                message: format!("{} was run with {what} than {}", part.folder.display(), first.folder.display()),
                help: "merge parts of one and the same study: the same scenario, --seed and --set, with --shard 1/n, 2/n, …"
                    .to_owned(),
            });
        }
    }
    Ok(())
}

/// Which part each run is in.
fn owners(parts: &[Part]) -> Result<BTreeMap<RunId, usize>, Error> {
    let mut owners: BTreeMap<RunId, usize> = BTreeMap::new();
    for (index, part) in parts.iter().enumerate() {
        for run in part.journal.runs() {
            if let Some(other) = owners.insert(run, index) {
                return Err(Error::Merge {
                    message: format!("{run} is in {} and in {}", parts[other].folder.display(), part.folder.display()),
                    help: "name each part once, and parts of one division: shards 1/2 and 2/3 overlap".to_owned(),
                });
            }
        }
    }
    Ok(owners)
}

/// No run is missing.
fn check_complete(first: &Part, parts: &[Part], owners: &BTreeMap<RunId, usize>) -> Result<(), Error> {
    let order = WorkOrder::new(first.file.points, first.file.replications, true);
    let missing: Vec<RunId> = order.iter().filter(|run| !owners.contains_key(run)).collect();
    let Some(example) = missing.first() else { return Ok(()) };
    let there: Vec<Shard> = parts.iter().filter_map(|part| part.file.shard).collect();
    let absent = there.first().map(|of| {
        let shards = (1..=of.count).map(|number| Shard { number, count: of.count });
        shards.filter(|shard| !there.contains(shard)).map(|shard| shard.to_string()).collect::<Vec<_>>().join(", ")
    });
    let help = match absent.filter(|absent| !absent.is_empty()) {
        Some(absent) => format!("compute and name the missing shards too: --shard {absent}"),
        None => "one of the parts is unfinished: give its command once more, and merge then".to_owned(),
    };
    let message = format!("{} of {} runs are in none of the parts, the first {example}", missing.len(), order.len());
    Err(Error::Merge { message, help })
}

/// Copies frames and pictures.
fn copy(parts: &[Part], owners: &BTreeMap<RunId, usize>, folder: &mut StudyFolder) -> Result<(), Error> {
    for part in parts {
        let images = part.folder.join("images");
        let failed = |source| Error::File { action: "read", path: images.clone(), source };
        for entry in fs::read_dir(&images).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let to = folder.draft().join("images").join(entry.file_name());
            fs::copy(entry.path(), &to).map_err(|source| Error::while_writing(folder.draft(), to, source))?;
        }
    }
    let runs: Vec<(RunId, usize)> = owners.iter().map(|(run, part)| (*run, *part)).collect();
    for chunk in runs.chunks(RUNS_PER_COPY) {
        let open = chunk.iter().filter(|(run, _)| !folder.journal.contains(*run));
        let frame = |(run, part): &(RunId, usize)| Ok(parts[*part].journal.read(*run)?.to_frame());
        let frames = open.map(frame).collect::<Result<Vec<_>, Error>>()?;
        folder.journal.append(&frames)?;
    }
    Ok(())
}
