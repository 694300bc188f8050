//! One finished run as bytes: its rows in every table, as CSV, and the facts that reports count.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use crate::experiment::budget::BudgetViolation;
use crate::experiment::work_order::RunId;
use crate::network::UnservedRecord;

/// The tables of a study, in the order in which a frame holds their rows.
pub const TABLES: [&str; 6] =
    ["requests.csv", "runs.csv", "ledger.csv", "scores.csv", "answers.csv", "steady_state.csv"];

/// A run that needs no more work.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedRun {
    pub run: RunId,
    pub outcome: Outcome,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Done(RunRows),
    /// What stopped it; the other runs went on.
    Failed(String),
}

/// What a run leaves behind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunRows {
    pub facts: RunFacts,
    /// Rows of each of [`TABLES`] as CSV without a header; empty where the study has no such table.
    pub rows: [String; TABLES.len()],
}

/// How the requests of runs in time ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RequestEnds {
    pub served: u64,
    pub dropped: u64,
    pub abandoned: u64,
    pub failed: u64,
}

impl RequestEnds {
    /// Of one run.
    pub fn of(served: usize, unserved: &[UnservedRecord]) -> Self {
        let count = |outcome| unserved.iter().filter(|record| record.end.outcome() == outcome).count() as u64;
        Self {
            served: served as u64,
            dropped: count("dropped"),
            abandoned: count("abandoned"),
            failed: count("failed"),
        }
    }
}

impl AddAssign for RequestEnds {
    fn add_assign(&mut self, other: Self) {
        self.served += other.served;
        self.dropped += other.dropped;
        self.abandoned += other.abandoned;
        self.failed += other.failed;
    }
}

/// What the report of a study counts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RunFacts {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<BudgetViolation>,
    /// Device and reason of each picture that could not be made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_pictures: Vec<(String, String)>,
    /// Answers of judges, and those of them without a score.
    pub scores: u64,
    pub failed_scores: u64,
    /// Of a run in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<Box<RequestEnds>>,
}

/// A finished run as it stands in the file.
#[derive(Debug, Clone)]
pub struct Frame {
    pub(super) run: RunId,
    pub(super) is_failed: bool,
    /// Length and checksum, then the payload.
    pub(super) bytes: Vec<u8>,
}

/// Bytes before a frame's payload: its length and its checksum.
pub(super) const PREFIX_BYTES: u64 = 8;
const DONE: u8 = 0;
const FAILED: u8 = 1;
/// Point, replication and kind.
const HEAD_BYTES: usize = 9;

impl FinishedRun {
    /// The frame of the run.
    pub fn to_frame(&self) -> Frame {
        let mut bytes = self.to_bytes();
        let payload = &bytes[PREFIX_BYTES as usize..];
        let length = u32::try_from(payload.len()).expect("the rows of one run are smaller than 4 GiB");
        let checksum = crc32fast::hash(payload);
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
        Frame { run: self.run, is_failed: matches!(self.outcome, Outcome::Failed(_)), bytes }
    }

    /// Room for the prefix, then the payload.
    fn to_bytes(&self) -> Vec<u8> {
        let rows = match &self.outcome {
            Outcome::Done(rows) => rows.rows.iter().map(String::len).sum(),
            Outcome::Failed(message) => message.len(),
        };
        let mut bytes = Vec::with_capacity(rows + 256);
        bytes.resize(PREFIX_BYTES as usize, 0);
        bytes.extend(self.run.point.to_le_bytes());
        bytes.extend(self.run.replication.to_le_bytes());
        match &self.outcome {
            Outcome::Failed(message) => {
                bytes.push(FAILED);
                bytes.extend_from_slice(message.as_bytes());
            }
            Outcome::Done(rows) => {
                bytes.push(DONE);
                let facts = serde_json::to_vec(&rows.facts).expect("facts are plain numbers and texts");
                let parts = std::iter::once(&facts[..]).chain(rows.rows.iter().map(String::as_bytes));
                for part in parts {
                    let length = u32::try_from(part.len()).expect("the rows of one run are smaller than 4 GiB");
                    bytes.extend(length.to_le_bytes());
                    bytes.extend_from_slice(part);
                }
            }
        }
        bytes
    }

    /// Which run it is and whether it failed, without reading the rest.
    pub(super) fn head(bytes: &[u8]) -> Option<(RunId, bool)> {
        let (point, rest) = bytes.split_first_chunk()?;
        let (replication, rest) = rest.split_first_chunk()?;
        let run = RunId { point: u32::from_le_bytes(*point), replication: u32::from_le_bytes(*replication) };
        Some((run, *rest.first()? == FAILED))
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (run, is_failed) = Self::head(bytes)?;
        let mut rest = bytes.get(HEAD_BYTES..)?;
        if is_failed {
            return Some(Self { run, outcome: Outcome::Failed(String::from_utf8(rest.to_vec()).ok()?) });
        }
        let mut part = || -> Option<&[u8]> {
            let (length, after) = rest.split_first_chunk()?;
            let (part, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = after;
            Some(part)
        };
        let facts = serde_json::from_slice(part()?).ok()?;
        let mut rows: [String; TABLES.len()] = Default::default();
        for (rows, table) in rows.iter_mut().zip(TABLES) {
            *rows = match part() {
                Some(part) => String::from_utf8(part.to_vec()).ok()?,
                // Frames of rounds ended here before there was such a table.
                None if table == "steady_state.csv" => String::new(),
                None => return None,
            };
        }
        Some(Self { run, outcome: Outcome::Done(RunRows { facts, rows }) })
    }
}
