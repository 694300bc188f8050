//! `[server]`, and profiles of hardware.

use super::demand::refuse_without_demand;
use super::input_files::InputFiles;
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::{Admission, ProfileSettings, QueueDiscipline, ServerSettings, USUAL_QUEUE_CAPACITY};
use crate::scenario::words::{ADMISSIONS, QUEUES};

const PROFILE: &str = "scenarios/profiles/x.toml";

/// Keys of a server with a queue before it.
const IN_TIME: &[&str] = &["workers", "maximum_batch", "queue", "queue_capacity", "step_time_cv", "admission"];

const MAXIMUM_WORKERS: u64 = 1_000_000;
pub(super) const MAXIMUM_BATCH: u64 = 10_000;

/// What `[demand]` says, as far as a server cares.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) has_demand: bool,
    pub(super) has_deadline: bool,
}

pub(super) fn read(table: &mut TableReader<'_>, asked: Asked, files: &InputFiles) -> ServerSettings {
    refuse_without_demand(table, IN_TIME, asked.has_demand);
    let profile = profile(table, &["step_time_s", "step_energy_j"], files);
    let first = profile.as_ref().and_then(|profile| profile.profile.batches.first());
    let (step_energy_j, step_time_s) = match first {
        Some(single) => (single.step_energy_j, single.step_time_s),
        None => (
            table.number("step_energy_j", 0.5, Range::AtLeast(0.0)),
            table.number("step_time_s", 0.05, Range::AtLeast(0.0)),
        ),
    };
    let admission = table.word("admission", Admission::All, ADMISSIONS);
    if asked.has_demand && !asked.has_deadline && admission == Admission::Deadline {
        let problem = Problem::new("`admission` = \"deadline\", but no request has a deadline");
        let problem = problem.expected("\"all\", or a `deadline_s` under [demand]");
        table.push_at("admission", problem.help("add a line under [demand], say\n  deadline_s = 30.0"));
    }
    ServerSettings {
        prompt: table.filled_text("prompt", "a tiger sits in front of a bush"),
        step_energy_j,
        step_time_s,
        profile,
        energy_budget_j: table.optional_number("energy_budget_j", Range::AtLeast(0.0)),
        workers: table.integer("workers", 1, 1, MAXIMUM_WORKERS) as u32,
        maximum_batch: table.integer("maximum_batch", 1, 1, MAXIMUM_BATCH) as u32,
        queue: table.word("queue", QueueDiscipline::Fifo, QUEUES),
        queue_capacity: table.integer("queue_capacity", USUAL_QUEUE_CAPACITY, 0, u64::MAX),
        step_time_cv: table.number("step_time_cv", 0.0, Range::AtLeast(0.0)),
        admission,
    }
}

/// The profile that the table names; `replaced` are the keys that it stands for.
pub(super) fn profile(table: &mut TableReader<'_>, replaced: &[&str], files: &InputFiles) -> Option<ProfileSettings> {
    if !table.has("profile") {
        return None;
    }
    table.refuse(replaced, "a `profile`", "the profile says it: take one of the two lines away");
    let file = table.path("profile", PROFILE)?;
    match files.profile(&file) {
        Ok(profile) => Some(ProfileSettings { file, profile }),
        Err(bad) => {
            bad.report(table, "profile", "a file with a profile of hardware");
            None
        }
    }
}
