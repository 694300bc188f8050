//! `[cache]`

use super::demand::needs_demand;
use super::grouping::THRESHOLDS;
use crate::diffusion::LatentCodec;
use crate::latent_cache::USUAL_DIVERGENCE;
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::schema::TIMES_TO_LIVE;
use crate::scenario::settings::{CacheSettings, CacheSharing, Eviction, TimeToLive};
use crate::scenario::tree::{Data, Table};
use crate::scenario::words::{CODECS, EVICTIONS, SHARINGS};

/// What `[cache]` says; `None` where it is left out or switched off. `diffusion_steps` is N_ref.
pub(super) fn read(table: &mut TableReader<'_>, diffusion_steps: u32, has_demand: bool) -> Option<CacheSettings> {
    needs_demand(table, has_demand);
    let is_there = table.is_table();
    let is_enabled = table.flag("enabled", true);
    let settings = settings(table, diffusion_steps);
    (is_there && is_enabled).then_some(settings)
}

/// The cache that a file describes which has passed its check, switched on or not; all defaults where it has none.
pub(in crate::scenario) fn described(root: &Table, diffusion_steps: u32) -> CacheSettings {
    settings(&mut super::open(root, "cache", &mut Vec::new()), diffusion_steps)
}

fn settings(table: &mut TableReader<'_>, diffusion_steps: u32) -> CacheSettings {
    let steps = steps(table, diffusion_steps);
    let thresholds = thresholds(table, steps.as_deref());
    CacheSettings {
        eviction: table.word("eviction", Eviction::Lru, EVICTIONS),
        capacity_bytes: table.optional_integer("capacity_bytes", 0, u64::MAX),
        capacity_entries: table.optional_integer("capacity_entries", 0, u64::MAX),
        time_to_live: time_to_live(table),
        steps,
        thresholds,
        divergence: table.number("divergence", USUAL_DIVERGENCE, Range::Above(0.0)),
        codec: table.word("codec", LatentCodec::Fp32, CODECS),
        sharing: table.word("sharing", CacheSharing::OptIn, SHARINGS),
    }
}

fn time_to_live(table: &mut TableReader<'_>) -> Option<TimeToLive> {
    let (kind, mut table) = table.choice("time_to_live", TIMES_TO_LIVE)?;
    let is_reset_by_hits = match kind {
        "reset" => true,
        "fixed" => false,
        _ => unreachable!("the schema knows a time to live {kind} that is never read"),
    };
    let example = format!("time_to_live = {{ kind = \"{kind}\", time_s = 600.0 }}");
    let time_s = table.needed_number("time_s", Range::Above(0.0), &example)?;
    Some(TimeToLive { time_s, is_reset_by_hits })
}

fn steps(table: &mut TableReader<'_>, diffusion_steps: u32) -> Option<Vec<u32>> {
    let expected = "a list of steps in ascending order, say [2, 4]";
    let list = table.list("steps", expected)?;
    let mut steps: Vec<u32> = Vec::with_capacity(list.len());
    for value in list {
        if let Data::Integer(number) = value.data
            && number > i128::from(diffusion_steps)
        {
            let message = format!("`steps` holds {number}, but a chain has {diffusion_steps} steps");
            let problem = Problem::new(message).at(&value.origin);
            table.push(problem.expected(format!("steps from 1 to {diffusion_steps}, `diffusion.steps`")));
            return None;
        }
        let step = table.integer_from("steps", value, 1, diffusion_steps.into())? as u32;
        if let Some(last) = steps.last().filter(|last| **last >= step) {
            let problem = Problem::new(format!("`steps` holds {step} behind {last}")).at(&value.origin);
            table.push(problem.expected(expected));
            return None;
        }
        steps.push(step);
    }
    if steps.is_empty() {
        let problem = Problem::new("`steps` is an empty list").expected(expected);
        table.push_at("steps", problem.help("to keep nothing, write enabled = false"));
        return None;
    }
    Some(steps)
}

/// One threshold for each of the steps.
fn thresholds(table: &mut TableReader<'_>, steps: Option<&[u32]>) -> Option<Vec<f64>> {
    let list = table.list("thresholds", "a list of numbers, one for each of `steps`")?;
    let before = table.problem_count();
    let thresholds: Vec<f64> =
        list.iter().filter_map(|value| table.number_from("thresholds", value, THRESHOLDS)).collect();
    if table.problem_count() > before {
        return None;
    }
    match steps {
        Some(steps) if steps.len() == list.len() => return Some(thresholds),
        Some(steps) => {
            let message = format!("`thresholds` has {} numbers for {} `steps`", list.len(), steps.len());
            table.push_at("thresholds", Problem::new(message).expected(format!("{} numbers", steps.len())));
        }
        None if table.has("steps") => {} // Wrong, and reported.
        None => {
            let problem = Problem::new("`thresholds` are given without `steps`");
            let problem = problem.expected("`steps`, equally many, beside them");
            table.push_at("thresholds", problem.help("say which steps they are of, as\n  steps = [2, 4]"));
        }
    }
    None
}
