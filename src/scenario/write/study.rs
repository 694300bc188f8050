//! `[study]` and `[sweep]` as TOML: a study as a whole.

use super::{AsWritten, float, line, line_of, parts, table};
use crate::scenario::settings::{JudgeKind, Scenario, StudySettings};
use crate::scenario::sweep::{Axis, MODE, MODES, Mode, Sweep, ZIP};
use crate::scenario::tree::{Table, quote};
use crate::scenario::words::word_for;

/// The scenario of the first point with the sweep as it was given; `root` is the tree of that point.
pub(in crate::scenario) fn study(first: &Scenario, root: &Table, swept: &Sweep) -> String {
    let mut text = super::scenario(first, &AsWritten::of(root, first));
    sweep(&mut text, swept);
    text
}

/// The same without replications, figures, and how an endpoint is reached: a study that came to a stop because its server was too
/// slow goes on with more patience.
pub(in crate::scenario) fn identity(first: &Scenario, root: &Table, swept: &Sweep) -> String {
    let mut text = String::new();
    named(&mut text, &first.study);
    let mut first = first.clone();
    if let JudgeKind::Endpoint(endpoint) = &mut first.judge.kind {
        (endpoint.api_key_env, endpoint.timeout_s, endpoint.request_retries, endpoint.concurrency) = (None, 1.0, 0, 1);
    }
    parts(&mut text, &first, &AsWritten::of(root, &first));
    sweep(&mut text, swept);
    text
}

pub(super) fn settings(text: &mut String, settings: &StudySettings) {
    named(text, settings);
    line(text, "replications", settings.replications);
    if let Some(until) = &settings.until {
        line(text, "until_relative_half_width", float(until.relative_half_width));
        line(text, "until_quantity", quote(&until.quantity));
        line(text, "maximum_replications", until.maximum_replications);
    }
}

fn named(text: &mut String, settings: &StudySettings) {
    table(text, "[study]");
    line(text, "name", quote(&settings.name));
    line(text, "seed", settings.seed);
}

/// Ranges stay ranges and zips stay zips; nothing where nothing is swept.
fn sweep(text: &mut String, sweep: &Sweep) {
    if sweep.axes.is_empty() {
        return;
    }
    table(text, "[sweep]");
    if sweep.mode == Mode::Zip {
        line(text, MODE, quote(word_for(MODES, sweep.mode)));
        sweep.axes.iter().for_each(|axis| swept_field(text, axis));
        return;
    }
    let dimensions: Vec<&[Axis]> = sweep.axes.chunk_by(|one, next| one.dimension == next.dimension).collect();
    let is_zip = |dimension: &&[Axis]| dimension.len() > 1;
    let begin = dimensions.iter().position(is_zip).unwrap_or(dimensions.len());
    let zips = dimensions[begin..].iter().take_while(|dimension| is_zip(dimension)).count();
    dimensions[..begin].iter().for_each(|single| swept_field(text, &single[0]));
    if zips > 0 {
        line_of(text, format_args!("{ZIP} = ["));
        for together in &dimensions[begin..begin + zips] {
            let fields: Vec<String> = together.iter().map(assignment).collect();
            line_of(text, format_args!("  {{ {} }},", fields.join(", ")));
        }
        line_of(text, format_args!("]"));
    }
    dimensions[begin + zips..].iter().for_each(|single| swept_field(text, &single[0]));
}

fn swept_field(text: &mut String, axis: &Axis) {
    line_of(text, format_args!("{}", assignment(axis)));
}

fn assignment(axis: &Axis) -> String {
    format!("{} = {}", quote(&axis.path), axis.key.value)
}
