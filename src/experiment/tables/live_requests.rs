//! `requests.csv` of a run in time: one row per request, served or not, in the order of arrival.

use super::requests::{USER_COLUMNS, UserColumn, UserContext, picture_columns};
use super::{RunData, TableLayout, key_cells};
use crate::experiment::simulation::Run;
use crate::experiment::steady_state::{Ended, Stages, requests_of, stages_of};
use crate::network::{CacheOutcome, Journey};
use crate::report::table::CsvRows;
use crate::report::{Cell, Column};

/// A column that every request has: its name, its meaning, and how a cell is made.
type RequestColumn = (&'static str, &'static str, fn(&Run, &Ended<'_>) -> Cell);

const REQUEST_COLUMNS: &[RequestColumn] = &[
    ("request", "number of the request within the run, in the order of arrival", |_, r| r.journey().request.into()),
    ("device", "name of the user's device", |run, r| device_name(run, r.journey().device)),
    ("prompt", "what the user asked for", |run, r| run.point.prompts.text(r.journey().prompt).into()),
    ("outcome", "`served`, `dropped`, `abandoned` or `failed`", |_, r| match r {
        Ended::Served { .. } => "served".into(),
        Ended::Unserved(record) => record.end.outcome().into(),
    }),
    (
        "reason",
        "why it was not served: `queue-full`, `radio-queue-full`, `deadline`, `patience`, `battery`, `device-away`, `link`",
        |_, r| match r {
            Ended::Served { .. } => Cell::Blank,
            Ended::Unserved(record) => record.end.reason().into(),
        },
    ),
    ("arrival_s", "when the user asked [s]", |_, r| r.journey().arrival_s.into()),
    ("ended_s", "when the request ended, with a picture or without [s]", |_, r| r.ended_s().into()),
    ("deadline_s", "when the picture should be there [s]; blank where nobody waits for a clock", |_, r| {
        r.journey().deadline_s.into()
    }),
    ("cell", "name of the cell whose server it was sent to", |run, r| {
        run.point.scenario.cells.get(r.journey().cell as usize).map(|cell| cell.name.as_str()).into()
    }),
    ("handover", "`true` where the device's request before this one went to another cell", |_, r| {
        r.journey().is_handover.into()
    }),
    ("distance_m", "ground distance to that server when the user asked [m]", |_, r| r.journey().distance_m.into()),
    ("attempts", "times it was sent to the server: 1, and one for each retry", |_, r| r.journey().attempts.into()),
    ("group", "number of its group within the run; blank where it never got into one", |_, r| r.journey().group.into()),
    ("group_size", "requests in its group; 0 without one", |_, r| r.journey().group_size.into()),
    ("leader", "name of the device that led the group; blank under the server", |run, r| {
        r.journey().leader.map_or(Cell::Blank, |leader| device_name(run, leader as usize))
    }),
    (
        "queued_s",
        "when its group entered the queue of whoever runs the shared steps [s]; blank where it never did",
        |_, r| r.journey().queued_s.into(),
    ),
    (
        "service_start_s",
        "when the shared steps began, for the last time where a fault made them begin again [s]; blank where they never \
         did",
        |_, r| r.journey().service_start_s.into(),
    ),
    (
        "cache",
        "`hit` where all shared steps were in the cache, `partial` where some were, `miss`; blank where the cache was not \
         asked",
        |run, r| cache_word(run, r).into(),
    ),
    (
        "steps_avoided",
        "shared steps that the cache saved; 0 for a miss, blank where the cache was not asked",
        |_, r| match r.journey().cache {
            CacheOutcome::NotAsked => Cell::Blank,
            CacheOutcome::Miss => 0_u32.into(),
            CacheOutcome::Hit { steps_avoided, .. } => steps_avoided.into(),
        },
    ),
    ("cache_similarity", "cosine similarity to the prompt of the cached latent; blank without a hit", |_, r| {
        hit(r.journey(), |similarity, _| similarity)
    }),
    ("cache_age_s", "time since the latent was put into the cache [s]; blank without a hit", |_, r| {
        hit(r.journey(), |_, age_s| age_s)
    }),
    ("restarts", "times that work on it began again after a fault", |_, r| r.journey().restarts.into()),
    ("energy_j", "energy that was spent on it, whoever paid [J]", |_, r| match r {
        Ended::Unserved(record) => record.energy_j.into(),
        Ended::Served { record, .. } => {
            let radio_j = record.link.as_ref().map_or(0.0, |link| link.transmit_energy_j + link.receive_energy_j);
            (record.shared_compute_j + radio_j + record.device_compute_j).into()
        }
    }),
];

/// Columns of a round that a run in time has under another name, or that are not of one request.
const NOT_OF_A_REQUEST: [&str; 6] = ["request", "device", "prompt", "distance_m", "arrival_s", "device_over_budget_j"];

/// Columns that only pictures have, besides those of a round.
const PICTURE_COLUMNS: &[UserColumn] = &[
    ("shared_compute_j", "this request's part of the energy of the shared steps, whoever paid [J]", |u| {
        u.record().shared_compute_j.into()
    }),
    ("raw_bit_error_probability", "probability that a bit flips on the air, before protection; of the last hop", |u| {
        u.link(|l| Some(l.raw_bit_error_probability))
    }),
    ("transmission_attempts", "transmissions of a block on average; 1 where nothing is repeated", |u| {
        u.link(|l| Some(l.attempts))
    }),
    ("residual_blocks", "blocks that were still wrong when they were delivered", |u| {
        u.link(|l| Some(l.residual_blocks))
    }),
    ("hops", "times the latent crossed the air on its way", |u| u.link(|l| Some(l.hops))),
    (
        "goodput_bps",
        "bits of latent and header that arrived right, over the time on the air; of the last hop [bit/s]",
        |u| u.link(|l| (l.airtime_s > 0.0).then(|| l.right_bits / l.airtime_s)),
    ),
];

/// What the stages of [`Stages`] are, in their order.
const STAGE_MEANINGS: [&str; 8] = [
    "from the request until its group was in the queue [s]",
    "in the queue of whoever runs the shared steps [s]",
    "of the shared steps [s]",
    "from the end of the shared steps until the first symbol left [s]",
    "on the air, repetitions included [s]",
    "from the last symbol until the device began [s]",
    "of the device's own steps [s]",
    "of decoding [s]; the eight stages add up to latency_s",
];

/// What a column of a round is in a run in time, where that is more.
fn meaning<'a>(name: &str, of_round: &'a str) -> &'a str {
    match name {
        "t0" => "denoising steps before the hand-over, those of the cache included",
        "bit_error_probability" => {
            "probability that a bit of the latent arrives flipped, after protection and over all hops; blank where nothing \
             was sent"
        }
        "transmitted_bits" => "bits on the air: coded latent and header, repetitions included",
        "airtime_s" => "time of the latent on the air, waiting for acknowledgements included [s]",
        "server_finished_s" => "when the shared steps were done, whoever ran them [s]",
        "transmit_energy_j" => "energy the transmitter spent on this latent [J]",
        _ => of_round,
    }
}

fn round_columns() -> impl Iterator<Item = &'static UserColumn> {
    USER_COLUMNS.iter().filter(|(name, ..)| !NOT_OF_A_REQUEST.contains(name))
}

pub(super) fn columns(layout: &TableLayout) -> Vec<Column> {
    let mut columns = layout.key_columns();
    columns.extend(REQUEST_COLUMNS.iter().map(|(name, meaning, _)| Column::new(*name, *meaning)));
    columns.extend(round_columns().map(|(name, of_round, _)| Column::new(*name, meaning(name, of_round))));
    columns.extend(Stages::NAMES.iter().zip(STAGE_MEANINGS).map(|(name, meaning)| Column::new(*name, meaning)));
    columns.extend(PICTURE_COLUMNS.iter().map(|(name, meaning, _)| Column::new(*name, *meaning)));
    columns.extend(picture_columns(layout));
    columns
}

/// One row per request. A request without a picture leaves the columns of pictures blank.
pub(super) fn rows(data: &RunData<'_>, rows: &mut CsvRows) {
    let run = data.run;
    let width = columns(data.layout).len();
    let mut cells = key_cells(run, width);
    let keys = cells.len();
    for ended in requests_of(run) {
        cells.truncate(keys);
        cells.extend(REQUEST_COLUMNS.iter().map(|(_, _, cell)| cell(run, &ended)));
        if let Some((position, record)) = ended.served() {
            let scores = &data.scores.by_user()[position];
            let context = UserContext { data, run, user: &run.users[position], scores, paid_j: 0.0 };
            cells.extend(round_columns().map(|(_, _, cell)| cell(&context)));
            cells.extend(stages_of(run, record).times_s().map(Cell::from));
            cells.extend(PICTURE_COLUMNS.iter().map(|(_, _, cell)| cell(&context)));
            context.add_picture_cells(&mut cells);
        }
        cells.resize(width, Cell::Blank);
        rows.push(&cells);
    }
}

fn device_name(run: &Run, device: usize) -> Cell {
    run.point.scenario.devices[device].name.as_str().into()
}

fn hit(journey: &Journey, select: fn(f64, f64) -> f64) -> Cell {
    match journey.cache {
        CacheOutcome::Hit { similarity, age_s, .. } => select(similarity, age_s).into(),
        CacheOutcome::NotAsked | CacheOutcome::Miss => Cell::Blank,
    }
}

fn cache_word(run: &Run, ended: &Ended<'_>) -> Option<&'static str> {
    let most = run.point.scenario.policy.shared_steps();
    let t0 = ended.served().map_or(most, |(_, record)| record.t0);
    match ended.journey().cache {
        CacheOutcome::NotAsked => None,
        CacheOutcome::Miss => Some("miss"),
        CacheOutcome::Hit { steps_avoided, .. } if steps_avoided >= t0 => Some("hit"),
        CacheOutcome::Hit { .. } => Some("partial"),
    }
}
