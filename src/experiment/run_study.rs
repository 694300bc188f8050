//! A study from its plan to its results folder.
//!
//! ```text
//!  runs that are not in the journal ─► block ─► groups ─► compute ─► rows ─► journal ─► … ─► tables, figures, manifest
//!             ▲                                                        │
//!             └────────── more replications, where `until` asks ◄──────┘
//! ```

use std::fs;
use std::path::Path;
use std::time::{Instant, SystemTime};

use rayon::prelude::*;

use super::computation::{BlockComputation, ComputedValues, ValueOrigins};
use super::cost::StudyCost;
use super::figures::{FigureSource, write_figures};
use super::groups::groups;
use super::images::{self, PictureFiles};
use super::journal::{FinishedRun, Frame, Outcome};
use super::observer::{Observer, StudyProgress};
use super::plan::{StudyPlan, tell_warnings};
use super::simulation::{Block, Run};
use super::study_folder::{self, Opened, StudyFile, StudyFolder};
use super::study_manifest::{self, RunFindings};
use super::study_report::{StudyOutcome, StudyReport};
use super::tables::assembly;
use super::until;
use super::work_order::RunId;
use crate::diffusion::executor::{ExecutorError, WorkCounts};
use crate::error::Error;
use crate::network::NetworkError;
use crate::scenario::Execution;
use crate::score_store::ScoreStore;

/// Runs without pictures between two looks at the journal and the clock.
const RUNS_PER_CHUNK: usize = 2048;

/// What is done so far.
#[derive(Default)]
struct Tally {
    /// Of all runs, as far as it is known.
    cost: StudyCost,
    origins: ValueOrigins,
    /// Of blocks that are done.
    work: WorkCounts,
    /// Of blocks that are to come, estimated.
    later: WorkCounts,
    runs_done: u64,
    runs_total: u64,
    /// Points whose replications are at their cap with an interval that is not narrow.
    capped_points: u32,
}

impl StudyPlan {
    /// Computes what is missing and writes the results.
    ///
    /// # Errors
    /// Another study's results are there; folders that cannot be written, full disks, models that do not load;
    /// [`Error::Interrupted`]. What was finished stays, and the same call goes on from there.
    pub fn run(&self, observer: &dyn Observer) -> Result<StudyOutcome, Error> {
        let started = SystemTime::now();
        let clock = Instant::now();
        let place = self.options.place(&self.scenario().study.name);
        let say = |text: &str| observer.stage(text);
        let mut folder = match StudyFolder::open(&place, &self.identity, self.study_file(), self.options.reuse, &say)? {
            Opened::Begun(folder) => folder,
            Opened::Finished { manifest } => return Ok(StudyOutcome::FinishedBefore { folder: place, manifest }),
        };
        // More replications than are asked for now may be there: of an earlier call that asked for more.
        let most = self.most_replications();
        for run in folder.journal.runs().filter(|run| run.replication >= most) {
            if let Outcome::Done(_) = folder.journal.read(run)?.outcome {
                images::remove_pictures(run, self.scenario(), folder.draft())?;
            }
        }
        folder.journal.retain(|run| run.replication < most);
        let found_runs = folder.journal.len();
        folder.write("scenario.toml", self.identity.scenario_toml.as_bytes())?;
        let mut cost = match folder.file.cost {
            Some(cost) => cost,
            None => self.cost()?,
        };
        folder.keep_cost(cost)?;
        self.tell_plan(&cost, found_runs, observer);

        let mut tally = Tally { cost, ..Tally::default() };
        let outcome = self.work(&mut folder, &mut tally, observer);
        tell_warnings(self.store.as_deref(), observer);
        self.end_work(outcome, &mut folder, &tally)?;
        let work_time_s = clock.elapsed().as_secs_f64();
        if self.scenario().study.until.is_some() {
            // How many replications it would be was not known before.
            cost = self.cost_of(&mut self.in_order(folder.journal.runs()).into_iter())?;
        }

        let findings = assembly::write_tables(&folder.journal, self.simulator.points(), &self.layout, folder.draft())?;
        let is_part = self.options.shard.is_some();
        // A figure that cannot be drawn does not keep the tables from their place: it is told afterwards.
        let drawn = if is_part { Ok(Vec::new()) } else { self.write_figures(&folder) };
        let (figures, figure_error) = match drawn {
            Ok(figures) => (figures, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let wall_time_s = clock.elapsed().as_secs_f64();
        let run = RunFindings { findings: &findings, cost, origins: tally.origins, found_runs, started, wall_time_s };
        study_manifest::write(self, &folder, &run)?;
        let pictures = count_files(&folder.draft().join("images"));
        let folder = folder.publish(is_part || findings.failed_runs > 0)?;
        Ok(StudyOutcome::Done(Box::new(StudyReport {
            study: self.scenario().study.name.clone(),
            folder,
            figures,
            figure_error,
            pictures,
            points: self.points(),
            findings,
            cost,
            judges: self.judge_names(),
            origins: tally.origins,
            found_runs,
            capped_points: tally.capped_points,
            store: self.store.as_ref().map(|store| store.place().to_owned()),
            opened_sessions: self.executor.has_opened_sessions(),
            execution_provider: self.provider.name(),
            threads: self.threads,
            work_time_s,
            wall_time_s,
        })))
    }

    fn study_file(&self) -> StudyFile {
        StudyFile {
            identity_sha256: self.identity.sha256.clone(),
            study: self.scenario().study.name.clone(),
            points: self.points(),
            replications: self.scenario().study.replications,
            shard: self.options.shard,
            cost: None,
        }
    }

    /// Replications that any point may get.
    fn most_replications(&self) -> u32 {
        let study = &self.scenario().study;
        study.until.as_ref().map_or(study.replications, |until| until.maximum_replications)
    }

    /// What is to be done, before it is begun.
    fn tell_plan(&self, cost: &StudyCost, found_runs: u64, observer: &dyn Observer) {
        if found_runs > 0 {
            observer.stage(&format!("{found_runs} of {} runs were finished before", self.runs().max(found_runs)));
        }
        if cost.work.unet_evaluations > 0 {
            let for_users = cost.work.unet_evaluations - cost.unet_evaluations_of_references;
            observer.stage(&format!(
                "{} UNet evaluations for {} {}; sharing saves {}",
                cost.work.unet_evaluations,
                cost.runs,
                if cost.runs == 1 { "run" } else { "runs" },
                cost.unet_evaluations_unshared.saturating_sub(for_users)
            ));
        }
    }

    /// All runs, round by round.
    fn work(&self, folder: &mut StudyFolder, tally: &mut Tally, observer: &dyn Observer) -> Result<(), Error> {
        let mut open: Vec<RunId> = self.order.iter().filter(|run| !folder.journal.contains(*run)).collect();
        loop {
            tally.runs_done = folder.journal.len();
            tally.runs_total = tally.runs_done + open.len() as u64;
            match self.scenario().makes_pictures() {
                true => self.work_with_pictures(folder, tally, open, observer)?,
                false => self.work_without_pictures(folder, tally, open, observer)?,
            }
            let study = &self.scenario().study;
            let Some(rule) = &study.until else { return Ok(()) };
            let wanted = until::look(rule, self.points(), study.replications, &folder.journal, &self.layout)?;
            if wanted.missing.is_empty() {
                // An earlier call may have asked for narrower intervals.
                folder.journal.retain(|run| run.replication < wanted.replications[run.point as usize]);
                tally.capped_points = wanted.capped;
                return Ok(());
            }
            open = self.in_order(wanted.missing.into_iter());
        }
    }

    /// Runs in the order of work.
    fn in_order(&self, runs: impl Iterator<Item = RunId>) -> Vec<RunId> {
        let mut runs: Vec<RunId> = runs.collect();
        if self.scenario().makes_pictures() {
            runs.sort_unstable_by_key(|run| (run.replication, run.point));
        }
        runs
    }

    fn work_without_pictures(
        &self,
        folder: &mut StudyFolder,
        tally: &mut Tally,
        open: Vec<RunId>,
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        let nothing = ComputedValues::default();
        let checkpoints = folder.draft().join(study_folder::CHECKPOINTS);
        let finish = |&id: &RunId| -> Result<Frame, Error> {
            let outcome = match self.simulator.simulate_with_checkpoints(id, &checkpoints) {
                Ok(run) => Outcome::Done(self.layout.rows(&run, &nothing)),
                Err(Error::Network { source: NetworkError::Executor(ExecutorError::Stopped), .. }) => {
                    return Err(ExecutorError::Stopped.into());
                }
                Err(Error::Network { source, .. }) => Outcome::Failed(source.to_string()),
                Err(error) => return Err(error),
            };
            Ok(FinishedRun { run: id, outcome }.to_frame())
        };
        let simulate = |chunk: &[RunId]| chunk.par_iter().map(finish).collect::<Result<Vec<_>, Error>>();
        let stop = self.executor.stop_request();
        let mut finished: Vec<Frame> = Vec::new();
        for chunk in open.chunks(RUNS_PER_CHUNK).chain([&[][..]]) {
            if stop.is_set() {
                folder.journal.append(&finished)?;
                return Err(ExecutorError::Stopped.into());
            }
            // One chunk is written down while the next is simulated.
            let journal = &mut folder.journal;
            let (next, appended) =
                self.executor.pool().install(|| rayon::join(|| simulate(chunk), || journal.append(&finished)));
            appended?;
            tally.runs_done += finished.len() as u64;
            finished = next?;
            observer.progress(tally.progress());
        }
        Ok(())
    }

    fn work_with_pictures(
        &self,
        folder: &mut StudyFolder,
        tally: &mut Tally,
        open: Vec<RunId>,
        observer: &dyn Observer,
    ) -> Result<(), Error> {
        let mut open = open.into_iter();
        while let Some(block) = self.next_block(&mut open)? {
            let mut computation = BlockComputation::new(&block, &self.executor, self.store.as_deref())?;
            let missing = computation.missing();
            if !missing.is_empty() {
                self.executor.load(&block.graph, &missing)?;
                // A store that cannot be written is found out now as well.
                self.store.as_deref().map_or(Ok(()), ScoreStore::begin)?;
            }
            let at_events = if missing.is_empty() { None } else { self.computed_at_events(&block)? };
            let block = at_events.as_ref().unwrap_or(&block);
            if at_events.is_some() {
                computation = BlockComputation::new(block, &self.executor, self.store.as_deref())?;
            }
            let failed = block
                .failed
                .iter()
                .map(|(run, message)| FinishedRun { run: *run, outcome: Outcome::Failed(message.clone()) }.to_frame());
            let failed: Vec<Frame> = failed.collect();
            folder.journal.append(&failed)?;
            tally.runs_done += failed.len() as u64;
            tally.later = tally.cost.work.part(open.len() as u64, tally.cost.runs);
            let files = PictureFiles::of(block);
            for group in groups(block, self.options.memory, self.executor.pack()) {
                let so_far = tally.with(&computation);
                let report = |done: WorkCounts, total: WorkCounts| {
                    let (done, total) = (tally.work + done, tally.work + total + tally.later);
                    observer.progress(StudyProgress { done, total, ..so_far });
                };
                let draft = folder.draft();
                computation.compute(&group, &report, &|node, png| files.save(draft, node, png))?;
                let finished = group
                    .iter()
                    .map(|&run| self.finished(&block.runs[run], computation.values(), draft))
                    .collect::<Result<Vec<Frame>, Error>>()?;
                folder.journal.append(&finished)?;
                tally.runs_done += finished.len() as u64;
                observer.progress(tally.with(&computation));
            }
            tally.origins.add(computation.origins());
            tally.work = tally.work + computation.progress().0;
            // What a later block finds in the store must not depend on the clock.
            self.store.as_deref().map_or(Ok(()), ScoreStore::commit)?;
        }
        Ok(())
    }

    /// The block again, each node computed at its event, where its scenario asks for that.
    fn computed_at_events(&self, block: &Block) -> Result<Option<Block>, Error> {
        match &block.runs[..] {
            [run] if run.point.scenario.diffusion.execution == Execution::Eager => {
                self.simulator.simulate_eagerly(run.id).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The frame of a run whose values are all there.
    fn finished(&self, run: &Run, values: &ComputedValues, draft: &Path) -> Result<Frame, Error> {
        let outcome = match values.broken_in(run) {
            Some(message) => {
                images::remove_pictures(run.id, &run.point.scenario, draft)?;
                Outcome::Failed(message.to_owned())
            }
            None => Outcome::Done(self.layout.rows(run, values)),
        };
        Ok(FinishedRun { run: run.id, outcome }.to_frame())
    }

    /// Saves what is there, whatever the work ended with.
    fn end_work(&self, outcome: Result<(), Error>, folder: &mut StudyFolder, tally: &Tally) -> Result<(), Error> {
        let stored = self.store.as_deref().map_or(Ok(()), ScoreStore::commit);
        let synced = folder.journal.sync();
        match outcome {
            Err(Error::Executor(ExecutorError::Stopped)) => {
                stored?;
                synced?;
                Err(Error::Interrupted {
                    study: self.scenario().study.name.clone(),
                    done: folder.journal.len(),
                    total: tally.runs_total,
                    folder: folder.draft().to_owned(),
                })
            }
            Err(error) => Err(error),
            Ok(()) => {
                stored?;
                synced
            }
        }
    }

    pub(super) fn write_figures(&self, folder: &StudyFolder) -> Result<Vec<String>, Error> {
        let source =
            FigureSource { folder: folder.draft().to_owned(), swept: self.layout.swept.clone(), footer: self.footer() };
        Ok(self.executor.pool().install(|| write_figures(&source, self.scenario()))?)
    }
}

impl Tally {
    fn progress(&self) -> StudyProgress {
        StudyProgress {
            runs_done: self.runs_done,
            runs_total: self.runs_total,
            done: self.work,
            total: self.work + self.later,
            from_store: self.origins.values_from_store,
        }
    }

    /// With the block that is being computed.
    fn with(&self, computation: &BlockComputation<'_>) -> StudyProgress {
        let (done, total) = computation.progress();
        StudyProgress {
            done: self.work + done,
            total: self.work + total + self.later,
            from_store: self.origins.values_from_store + computation.origins().values_from_store,
            ..self.progress()
        }
    }
}

fn count_files(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, |entries| entries.count())
}
