//! `[demand]`, and what means nothing without it.

use super::input_files::InputFiles;
use super::prompts;
use crate::scenario::device_names::DeviceNames;
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::schema::{ARRIVALS, PATIENCES};
use crate::scenario::settings::{
    ArrivalStream, Arrivals, DemandSettings, DeviceSettings, Patience, PromptChoice, StartLatent,
};
use crate::scenario::words::{START_LATENTS, STREAMS};

const POISSON: &str = "arrivals = { kind = \"poisson\", rate_hz = 0.5 }";

/// Most requests of one run.
const MAXIMUM_REQUESTS: u64 = 1_000_000_000;
const MAXIMUM_RETRIES: u64 = 1000;

/// Whom keys do not go with that are of a network in time, and what to do about it.
pub(super) const NO_DEMAND: &str = "a scenario without [demand], which is one round at time 0";
pub(super) const ADD_DEMAND: &str = "take it away, or say who asks for pictures and when:\n  [demand]\n  \
                                     arrivals = { kind = \"poisson\", rate_hz = 0.5 }\n  requests = 1000";

/// Notes a table that is there and means nothing without `[demand]`.
pub(super) fn needs_demand(table: &mut TableReader<'_>, has_demand: bool) {
    if let (false, Some(start)) = (has_demand, table.start()) {
        let problem = Problem::new(format!("{} does not go with {NO_DEMAND}", table.header())).at(start);
        table.push(problem.expected("no such table here").help(ADD_DEMAND));
    }
}

/// Notes keys that mean nothing without `[demand]`.
pub(super) fn refuse_without_demand(table: &mut TableReader<'_>, keys: &[&str], has_demand: bool) {
    if !has_demand {
        table.refuse(keys, NO_DEMAND, ADD_DEMAND);
    }
}

/// What `[demand]` says, if it is there and right. A trace names devices.
pub(super) fn read(
    table: &mut TableReader<'_>,
    devices: &[DeviceSettings],
    files: &InputFiles,
) -> Option<DemandSettings> {
    if !table.is_table() {
        return None;
    }
    let arrivals = arrivals(table, devices, files);
    let stream = stream(table, arrivals.as_ref());
    let requests = table.optional_integer("requests", 1, MAXIMUM_REQUESTS);
    let duration_s = table.optional_number("duration_s", Range::Above(0.0));
    let has_end = table.has("requests") || table.has("duration_s");
    if let (Some(arrivals), false) = (&arrivals, has_end)
        && !matches!(arrivals, Arrivals::Trace { .. })
    {
        let problem = Problem::new("[demand] has no end: neither `requests` nor `duration_s` is given");
        let problem = problem.expected("one of the two, or both");
        table.push_at("arrivals", problem.help("add a line under [demand], say\n  requests = 1000"));
    }
    let prompts = prompts::read(table, files);
    if matches!(prompts, Some(PromptChoice::Own)) {
        let help = "a device has one prompt of its own, which is neither popular nor rare: take the line away, or give \
                    prompts = [\"…\", \"…\"], most popular first, or { kind = \"grammar\" }";
        table.refuse(&["zipf_exponent"], "prompts = \"own\"", help);
    }
    Some(DemandSettings {
        stream,
        requests,
        duration_s,
        zipf_exponent: table.number("zipf_exponent", 0.0, Range::AtLeast(0.0)),
        start_latent: table.word("start_latent", StartLatent::Request, START_LATENTS),
        deadline_s: table.optional_number("deadline_s", Range::Above(0.0)),
        patience: patience(table),
        retries: table.integer("retries", 0, 0, MAXIMUM_RETRIES) as u32,
        retry_delay_s: table.number("retry_delay_s", 1.0, Range::AtLeast(0.0)),
        arrivals: arrivals?,
        prompts: prompts?,
    })
}

fn arrivals(table: &mut TableReader<'_>, devices: &[DeviceSettings], files: &InputFiles) -> Option<Arrivals> {
    if !table.has("arrivals") {
        table.missing("arrivals", POISSON);
        return None;
    }
    match table.choice("arrivals", ARRIVALS)? {
        ("poisson", mut table) => {
            let rate_hz = table.needed_number("rate_hz", Range::Above(0.0), POISSON)?;
            Some(Arrivals::Poisson { rate_hz })
        }
        ("gamma", mut table) => {
            let example = "arrivals = { kind = \"gamma\", rate_hz = 0.5, coefficient_of_variation = 2.0 }";
            let rate_hz = table.needed_number("rate_hz", Range::Above(0.0), example);
            let variation = table.needed_number("coefficient_of_variation", Range::Above(0.0), example);
            Some(Arrivals::Gamma { rate_hz: rate_hz?, coefficient_of_variation: variation? })
        }
        ("mmpp", mut table) => mmpp(&mut table),
        ("deterministic", mut table) => {
            let example = "arrivals = { kind = \"deterministic\", interval_s = 2.0 }";
            let interval_s = table.needed_number("interval_s", Range::Above(0.0), example)?;
            Some(Arrivals::Deterministic { interval_s })
        }
        ("closed-loop", mut table) => {
            let example = "arrivals = { kind = \"closed-loop\", think_time_s = 30.0 }";
            let think_time_s = table.needed_number("think_time_s", Range::Above(0.0), example)?;
            Some(Arrivals::ClosedLoop { think_time_s })
        }
        ("trace", mut table) => trace(&mut table, devices, files),
        (kind, _) => unreachable!("the schema knows arrivals {kind} that are never read"),
    }
}

fn mmpp(table: &mut TableReader<'_>) -> Option<Arrivals> {
    let rates_hz = two_numbers(table, "rates_hz", Range::AtLeast(0.0));
    let sojourns_s = two_numbers(table, "sojourns_s", Range::Above(0.0));
    let rates_hz = rates_hz?;
    if rates_hz == [0.0, 0.0] {
        let problem = Problem::new("`rates_hz` are both 0: nobody ever asks").expected("at least one rate above 0");
        table.push_at("rates_hz", problem);
        return None;
    }
    Some(Arrivals::Mmpp { rates_hz, sojourns_s: sojourns_s? })
}

/// One number for each of the two states.
fn two_numbers(table: &mut TableReader<'_>, key: &str, range: Range) -> Option<[f64; 2]> {
    const EXAMPLE: &str = "arrivals = { kind = \"mmpp\", rates_hz = [0.1, 2.0], sojourns_s = [60.0, 10.0] }";
    let expected = "a list of two numbers, one for each state";
    if !table.has(key) {
        table.lacks(key, expected, EXAMPLE);
        return None;
    }
    let list = table.list(key, expected)?;
    let [first, second] = list else {
        let problem = Problem::new(format!("`{key}` has {} numbers", list.len())).expected(expected);
        table.push_at(key, problem);
        return None;
    };
    let (first, second) = (table.number_from(key, first, range), table.number_from(key, second, range));
    Some([first?, second?])
}

fn trace(table: &mut TableReader<'_>, devices: &[DeviceSettings], files: &InputFiles) -> Option<Arrivals> {
    if !table.has("file") {
        table.lacks("file", "a CSV file of requests", "arrivals = { kind = \"trace\", file = \"requests.csv\" }");
        return None;
    }
    let file = table.path("file", "requests.csv")?;
    // Without devices, which was said already, each name in the file would look wrong.
    if devices.is_empty() {
        return None;
    }
    match files.trace(&file, &DeviceNames::of(devices)) {
        Ok((rows, prompts)) => Some(Arrivals::Trace { file, rows, prompts }),
        Err(bad) => {
            bad.report(table, "file", "a CSV file of requests");
            None
        }
    }
}

fn stream(table: &mut TableReader<'_>, arrivals: Option<&Arrivals>) -> ArrivalStream {
    match arrivals {
        Some(Arrivals::ClosedLoop { .. }) => {
            let help = "a user asks again after the last request, so that each device has a stream of its own: take the \
                        line away";
            table.refuse(&["stream"], "arrivals of kind \"closed-loop\"", help);
            ArrivalStream::Device
        }
        Some(Arrivals::Trace { .. }) => {
            let help = "the rows of the file say whose requests they are: take the line away";
            table.refuse(&["stream"], "arrivals of kind \"trace\"", help);
            ArrivalStream::Population
        }
        _ => table.word("stream", ArrivalStream::Population, STREAMS),
    }
}

fn patience(table: &mut TableReader<'_>) -> Option<Patience> {
    match table.choice("patience", PATIENCES)? {
        ("fixed", mut table) => {
            let time_s = table.needed_number("time_s", Range::Above(0.0), "patience = 20.0")?;
            Some(Patience::Fixed { time_s })
        }
        ("exponential", mut table) => {
            let example = "patience = { kind = \"exponential\", mean_s = 20.0 }";
            let mean_s = table.needed_number("mean_s", Range::Above(0.0), example)?;
            Some(Patience::Exponential { mean_s })
        }
        (kind, _) => unreachable!("the schema knows a patience {kind} that is never read"),
    }
}
