//! The network in time against queueing theory: every row of `queue_reference.csv`, and caches in front of queues.
//!
//! The scenarios are files as a user writes them; nothing but the engine runs. Tolerances are those of `spec` 5.4: ±2 % with 10⁶
//! requests where the load is at most 0.8, else, and where that is wider, the interval of the run's own batch means.

use std::path::Path;
use std::sync::Arc;

use latentlink::diffusion::graph::DenoisingGraph;
use latentlink::diffusion::recorder::Recorder;
use latentlink::experiment::statistics::batch_means;
use latentlink::network::{PromptBook, RunContext, SimulatedRun, simulate};
use latentlink::onnx::DiffusionPack;
use latentlink::scenario::ScenarioFile;
use latentlink::{diffusion::NoiseSchedule, policy};
use rayon::prelude::*;

/// One run of a scenario file, at its first point.
pub fn run(toml: &str) -> SimulatedRun {
    run_with_prompts(toml, |book| book)
}

/// One run, with what the test says about the similarity of prompts.
pub fn run_with_prompts(toml: &str, prompts: impl FnOnce(PromptBook) -> PromptBook) -> SimulatedRun {
    let file = ScenarioFile::from_str(toml.to_owned(), "theory.toml").expect("TOML");
    let scenario =
        file.grid().and_then(|grid| grid.point(0)).unwrap_or_else(|error| panic!("{error:#}\n{toml}")).scenario;
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/emoji-ldm");
    let pack = DiffusionPack::open(&place).expect("the shipped pack");
    let (path, config) = pack.scheduler_config();
    let schedule = NoiseSchedule::from_config(path, config).expect("the pack's schedule");
    let mut book = PromptBook::of_devices(scenario.devices.iter().map(|device| device.prompt.as_str()));
    if let Some(demand) = &scenario.demand {
        demand.prompts.texts().chain(demand.arrivals.prompts()).for_each(|text| {
            book.add(&text);
        });
    }
    let policy = policy::from_settings(&scenario).expect("a policy without files");
    let recorder = Recorder::nothing(DenoisingGraph::new(pack.digest()));
    let values = pack.latent_shape().iter().product();
    let context =
        RunContext::new(Arc::new(scenario), Arc::new(schedule), policy, 0, values, Arc::new(prompts(book)), recorder);
    simulate(context.expect("a chain that exists")).unwrap_or_else(|error| panic!("{error}\n{toml}"))
}

/// Mean duration of a job in all rows [s].
const SERVICE_S: f64 = 0.1;

/// Requests of a run.
const REQUESTS: usize = 1_000_000;

/// Of which so many first ones, which find an emptier system, are left out.
const WARM_UP: usize = 50_000;

#[derive(Debug, Clone)]
struct Row {
    model: String,
    /// Offered load λ E[S] [Erlang].
    load: f64,
    servers: u32,
    metric: String,
    value: f64,
}

fn rows() -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(include_str!("../vectors/queue_reference.csv").as_bytes());
    let row = |record: csv::StringRecord| Row {
        model: record[0].to_owned(),
        load: record[1].parse().expect("a number"),
        servers: record[2].parse().expect("a number"),
        metric: record[3].to_owned(),
        value: record[4].parse().expect("a number"),
    };
    reader.records().map(|record| row(record.expect("a row"))).collect()
}

/// One station in front of a radio and devices that take no time.
fn station(rate_hz: f64, servers: u32, step_time_cv: f64, queue: &str) -> String {
    format!(
        "[demand]\narrivals = {{ kind = \"poisson\", rate_hz = {rate_hz} }}\nrequests = {REQUESTS}\n\
         [server]\nstep_time_s = {}\nworkers = {servers}\nstep_time_cv = {step_time_cv}\n{queue}\n\
         [radio]\nbandwidth_hz = 1e15\nbit_error_probability = 0\n\
         [judge]\nkind = \"surface\"\nsimilarity = 1\n\
         [[device]]\nname = \"phone\"\nprompt = \"a dog\"\ncount = 100\nstep_time_s = 0\n\
         [policy]\nt0 = 5\ntk = 6\n",
        SERVICE_S / 5.0
    )
}

fn coefficient_of_variation(model: &str) -> f64 {
    match model {
        "MD1" => 0.0,
        "MG1_cs2_0.25" => 0.25_f64.sqrt(),
        "MG1_cs2_2" => 2.0_f64.sqrt(),
        "MM1" | "MMc" | "ErlangC" | "ErlangB" => 1.0,
        _ => panic!("a row of an unknown model {model}"),
    }
}

/// Time in the queue, request by request [s].
fn waits(run: &SimulatedRun) -> Vec<f64> {
    let wait = |record: &latentlink::network::UserRecord| {
        let (queued_s, start_s) = (record.journey.queued_s, record.journey.service_start_s);
        start_s.expect("it was served") - queued_s.expect("it was queued")
    };
    run.users.iter().map(|user| wait(&user.record)).collect()
}

/// What the run says of a row, and the half width of its 95 % interval.
fn measured(row: &Row) -> (f64, f64) {
    let queue = if row.model == "ErlangB" { "queue_capacity = 0" } else { "queue_capacity = 1000000" };
    let rate_hz = row.load / SERVICE_S;
    let run = run(&station(rate_hz, row.servers, coefficient_of_variation(&row.model), queue));
    let series: Vec<f64> = match row.metric.as_str() {
        "Wq_over_ES" => waits(&run).into_iter().map(|wait_s| wait_s / SERVICE_S).collect(),
        // A nanosecond is what the event queue adds.
        "P_wait" => waits(&run).into_iter().map(|wait_s| f64::from(u8::from(wait_s > 1e-8))).collect(),
        "blocking" => {
            let mut ends: Vec<(u64, f64)> = run.users.iter().map(|user| (user.record.journey.request, 0.0)).collect();
            ends.extend(run.books.unserved.iter().map(|record| (record.journey.request, 1.0)));
            ends.sort_unstable_by_key(|(request, _)| *request);
            ends.into_iter().map(|(_, is_lost)| is_lost).collect()
        }
        metric => panic!("a row of an unknown metric {metric}"),
    };
    let estimate = batch_means::mean(&series[WARM_UP..], 20).expect("there are requests");
    (estimate.value, estimate.half_width_95.expect("there are batches"))
}

#[test]
fn every_row_of_queueing_theory_holds_in_the_engine() {
    let failures: Vec<String> = rows()
        .par_iter()
        .filter_map(|row| {
            let (value, half_width) = measured(row);
            let error = value - row.value;
            let is_near = match row.load / f64::from(row.servers) {
                // Few wait where there are many servers: then the run's own interval is the wider one.
                utilisation if utilisation <= 0.8 => error.abs() <= (0.02 * row.value).max(half_width),
                // Three standard errors of the run's own batch means.
                _ => error.abs() <= 1.5 * half_width,
            };
            (!is_near).then(|| format!("{row:?}: {value} ± {half_width}, off by {:.2} %", 100.0 * error / row.value))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Hit rates of an LRU cache in front of the server, by Che's approximation and by simulation (`cache_reference.csv`).
fn cache_rows() -> Vec<(usize, f64, usize, f64)> {
    let mut reader = csv::Reader::from_reader(include_str!("../vectors/cache_reference.csv").as_bytes());
    let row = |record: csv::StringRecord| {
        let number = |index: usize| record[index].parse::<f64>().expect("a number");
        (number(0) as usize, number(1), number(2) as usize, number(4))
    };
    reader.records().map(|record| row(record.expect("a row"))).collect()
}

/// The engine with an exact cache: prompts have nothing in common, and a latent is kept before anybody asks again.
fn cached_station(prompts: usize, zipf_exponent: f64, entries: usize, requests: usize, rate_hz: f64) -> String {
    let list: Vec<String> = (0..prompts).map(|prompt| format!("\"p{prompt}\"")).collect();
    format!(
        "[demand]\narrivals = {{ kind = \"poisson\", rate_hz = {rate_hz} }}\nrequests = {requests}\n\
         prompts = [{}]\nzipf_exponent = {zipf_exponent}\n\
         [server]\nstep_time_s = {}\nqueue_capacity = 1000000\n\
         [cache]\ncapacity_entries = {entries}\nsharing = \"everyone\"\nthresholds = [0.99]\nsteps = [5]\n\
         [radio]\nbandwidth_hz = 1e15\nbit_error_probability = 0\n\
         [judge]\nkind = \"surface\"\nsimilarity = 0\n\
         [[device]]\nname = \"phone\"\nprompt = \"a dog\"\ncount = 100\nstep_time_s = 0\n\
         [policy]\nt0 = 5\ntk = 6\n",
        list.join(", "),
        SERVICE_S / 5.0
    )
}

fn steps_avoided(record: &latentlink::network::UserRecord) -> u32 {
    match record.journey.cache {
        latentlink::network::CacheOutcome::Hit { steps_avoided, .. } => steps_avoided,
        _ => 0,
    }
}

#[test]
fn hit_rates_in_the_engine_are_those_of_che() {
    const REQUESTS: usize = 300_000;
    let failures: Vec<String> = cache_rows()
        .par_iter()
        .filter_map(|&(prompts, zipf_exponent, entries, che)| {
            // Seldom enough that a latent is kept before the next request comes.
            let toml = cached_station(prompts, zipf_exponent, entries, REQUESTS, 0.01);
            let run = run_with_prompts(&toml, |book| book.with_given_similarity(0.0));
            let warm = &run.users[REQUESTS / 3..];
            let hits = warm.iter().filter(|user| steps_avoided(&user.record) > 0).count();
            let hit_rate = hits as f64 / warm.len() as f64;
            ((hit_rate - che).abs() > 0.01)
                .then(|| format!("{prompts} {zipf_exponent} {entries}: {hit_rate}, Che {che}"))
        })
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_queue_behind_a_cache_waits_as_pollaczek_and_khinchine_say() {
    let rate_hz = 12.0;
    let run =
        run_with_prompts(&cached_station(1000, 0.8, 100, REQUESTS, rate_hz), |book| book.with_given_similarity(0.0));
    let warm = &run.users[WARM_UP..];
    let jobs: Vec<f64> = warm.iter().map(|user| SERVICE_S * f64::from(5 - steps_avoided(&user.record)) / 5.0).collect();
    let mean = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / jobs.len() as f64;
    let (first, second) = (mean(&mut jobs.iter().copied()), mean(&mut jobs.iter().map(|job| job * job)));
    let load = rate_hz * first;
    assert!((0.6..0.8).contains(&load), "the cache leaves a load of {load}");
    let expected = rate_hz * second / (2.0 * (1.0 - load));
    let measured = batch_means::mean(&waits(&run)[WARM_UP..], 20).expect("there are requests").value;
    assert!((measured / expected - 1.0).abs() < 0.02, "{measured} s, by P-K {expected} s at load {load}");
}
