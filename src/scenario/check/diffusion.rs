//! `[diffusion]`

use crate::diffusion::{History, LatentCodec, Sampler, Sanitize, Split};
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::schema::SAMPLERS;
use crate::scenario::settings::{DiffusionSettings, Execution, PictureReference};
use crate::scenario::tree::Data;
use crate::scenario::words::{CODECS, EXECUTIONS, HISTORIES, PICTURE_REFERENCES, SANITIZES, SPLITS, alternatives};

/// The steps a schedule may have, and a joint one too: the training steps of Stable Diffusion's schedules.
pub(super) const MAXIMUM_STEPS: u32 = 1000;

pub(super) fn read(table: &mut TableReader<'_>) -> DiffusionSettings {
    let sampler = sampler(table);
    DiffusionSettings {
        sampler,
        history: history(table, sampler),
        steps: steps(table),
        split: table.word("split", Split::Respaced, SPLITS),
        guidance: table.number("guidance", 2.0, Range::AtLeast(0.0)),
        codec: table.word("codec", LatentCodec::Int8, CODECS),
        latent_range: table.number("latent_range", 5.0, Range::Above(0.0)),
        sanitize: table.word("sanitize", Sanitize::Clip, SANITIZES),
        metrics_against: metrics_against(table),
        execution: table.word("execution", Execution::Deferred, EXECUTIONS),
    }
}

fn steps(table: &mut TableReader<'_>) -> u32 {
    // a wrong value must not make the policy's steps look wrong too
    let stand_in = if table.has("steps") { MAXIMUM_STEPS } else { 11 };
    table.integer("steps", stand_in.into(), 1, MAXIMUM_STEPS.into()) as u32
}

fn sampler(table: &mut TableReader<'_>) -> Sampler {
    match table.choice("sampler", SAMPLERS) {
        None => Sampler::Ddim { eta: 0.0 },
        Some(("ddim", mut table)) => Sampler::Ddim { eta: table.number("eta", 0.0, Range::Between(0.0, 1.0)) },
        Some(("ddpm", _)) => Sampler::Ddpm,
        Some(("euler", _)) => Sampler::Euler,
        Some(("euler-ancestral", _)) => Sampler::EulerAncestral,
        Some(("pndm", _)) => Sampler::Pndm,
        Some(("dpm-solver++", _)) => Sampler::DpmSolver,
        Some(("lcm", _)) => Sampler::Lcm,
        Some((kind, _)) => unreachable!("the schema knows a sampler {kind} that is never read"),
    }
}

/// Methods of one step have none.
fn history(table: &mut TableReader<'_>, sampler: Sampler) -> History {
    let history = table.word("history", History::Restart, HISTORIES);
    if table.has("history") && sampler.longest_history() == 0 {
        let problem = Problem::new(format!("`history` where sampler \"{}\" has none", sampler.name()));
        let help = "leave `history` out: only the multistep samplers \"pndm\" and \"dpm-solver++\" go by earlier model outputs";
        table.push_at("history", problem.expected("no such key").help(help));
    }
    history
}

fn metrics_against(table: &mut TableReader<'_>) -> Vec<PictureReference> {
    let known = || alternatives(PICTURE_REFERENCES.iter().map(|(word, _)| *word));
    let Some(value) = table.value("metrics_against") else {
        return vec![PictureReference::ErrorFree];
    };
    let Data::List(list) = &value.data else {
        table.wrong_type("metrics_against", value, format!("a list of {}", known()));
        return Vec::new();
    };
    let mut references = Vec::new();
    for value in list {
        let Some(reference) = table.word_from("metrics_against", value, PICTURE_REFERENCES) else {
            continue;
        };
        if references.contains(&reference) {
            let problem = Problem::new(format!("`metrics_against` names {value} twice")).at(&value.origin);
            table.push(problem.expected("each reference once"));
        }
        references.push(reference);
    }
    references
}
