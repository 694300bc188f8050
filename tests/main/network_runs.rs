//! Small networks whose every time can be told by hand, for the tests of the engine.
//!
//! Unless a test says otherwise, 5 shared steps take 1 s and 2.5 J on the server, 6 own steps 0.6 s and 6 J on a device, and the radio
//! neither time nor energy. Every run has its books, Little's law and its ledger checked at its end.

use std::path::Path;
use std::sync::Arc;

use latentlink::diffusion::NoiseSchedule;
use latentlink::diffusion::graph::DenoisingGraph;
use latentlink::diffusion::recorder::Recorder;
use latentlink::network::{PromptBook, RunContext, SimulatedRun, UnservedEnd, UserRecord, simulate};
use latentlink::onnx::DiffusionPack;
use latentlink::policy;
use latentlink::scenario::{Scenario, ScenarioFile};
use tempfile::NamedTempFile;

/// A scenario file in parts.
#[derive(Debug, Clone, Copy)]
pub struct Network<'a> {
    pub demand: &'a str,
    pub server: &'a str,
    pub radio: &'a str,
    /// Whole tables.
    pub devices: &'a str,
    pub policy: &'a str,
    /// Whole tables.
    pub rest: &'a str,
}

/// A radio that takes neither time nor energy.
pub const FREE_RADIO: &str = "bandwidth_hz = 1e15\nbit_error_probability = 0\nenergy_per_watt_j = 0";

/// A latent of 8192 bits is on the air for 0.5 s, at 0.1 J.
pub const SLOW_RADIO: &str =
    "bandwidth_hz = 21845.333333333332\nheader_bits = 0\nbit_error_probability = 0\nenergy_per_watt_j = 0.01";

impl Default for Network<'_> {
    fn default() -> Self {
        Self {
            demand: "",
            server: "step_time_s = 0.2\nstep_energy_j = 0.5",
            radio: FREE_RADIO,
            devices: "",
            policy: "t0 = 5\ntk = 6\ntx_power_w = 10",
            rest: "",
        }
    }
}

impl Network<'_> {
    pub fn toml(&self) -> String {
        let Self { demand, server, radio, devices, policy, rest } = self;
        format!(
            "[demand]\n{demand}\n[server]\n{server}\n[radio]\n{radio}\n[policy]\n{policy}\n\
             [judge]\nkind = \"surface\"\nsimilarity = 1\n{devices}\n{rest}\n"
        )
    }

    pub fn run(&self) -> SimulatedRun {
        run(&self.toml(), |book| book)
    }

    /// Any two different prompts are that similar.
    pub fn run_with_similarity(&self, similarity: f64) -> SimulatedRun {
        run(&self.toml(), |book| book.with_given_similarity(similarity))
    }
}

/// Devices of these names, each with a prompt of its own that is the same for all, and further keys.
pub fn devices(names: &[&str], keys: &str) -> String {
    let table = |name: &&str| format!("[[device]]\nname = \"{name}\"\n{}\n", device_keys(keys));
    names.iter().map(table).collect()
}

/// Keys of a device by hand: 0.1 s and 1 J a step.
pub fn device_keys(keys: &str) -> String {
    let own = |key: &str, usual: &str| match keys.contains(key) {
        true => String::new(),
        false => format!("{key} = {usual}\n"),
    };
    format!("{}{}{}{keys}", own("prompt", "\"a dog\""), own("step_time_s", "0.1"), own("distance_m", "100"))
}

/// Requests written down: when, of which device, for what (an empty text: its own prompt).
pub struct Trace {
    file: NamedTempFile,
}

impl Trace {
    pub fn of_prompts(rows: &[(f64, &str, &str)]) -> Self {
        let file = NamedTempFile::new().expect("a temporary file");
        let rows: String =
            rows.iter().map(|(time_s, device, prompt)| format!("{time_s},{device},{prompt}\n")).collect();
        let header = if rows.contains(",\n") { "arrival_s,device\n" } else { "arrival_s,device,prompt\n" };
        let rows = if rows.contains(",\n") { rows.replace(",\n", "\n") } else { rows };
        std::fs::write(file.path(), format!("{header}{rows}")).expect("a temporary file can be written");
        Self { file }
    }

    pub fn of(rows: &[(f64, &str)]) -> Self {
        let rows: Vec<_> = rows.iter().map(|&(time_s, device)| (time_s, device, "")).collect();
        Self::of_prompts(&rows)
    }

    /// As `[demand]` has it, with further keys.
    pub fn demand(&self, keys: &str) -> String {
        format!("arrivals = {{ kind = \"trace\", file = {:?} }}\n{keys}", self.file.path())
    }
}

/// One run of a scenario file, at its first point.
pub fn run(toml: &str, prompts: impl FnOnce(PromptBook) -> PromptBook) -> SimulatedRun {
    simulate(context(toml, prompts, false)).unwrap_or_else(|error| panic!("{error}\n{toml}"))
}

/// What a run begins with. Where pictures are recorded, nothing computes them.
pub fn context(toml: &str, prompts: impl FnOnce(PromptBook) -> PromptBook, records: bool) -> RunContext {
    let file = ScenarioFile::from_str(toml.to_owned(), "network.toml").expect("TOML");
    let scenario = file.grid().and_then(|grid| grid.point(0)).unwrap_or_else(|error| panic!("{error:#}\n{toml}"));
    context_of(scenario.scenario, prompts, records)
}

pub fn context_of(scenario: Scenario, prompts: impl FnOnce(PromptBook) -> PromptBook, records: bool) -> RunContext {
    let pack = DiffusionPack::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/emoji-ldm")).expect("a pack");
    let (path, config) = pack.scheduler_config();
    let schedule = NoiseSchedule::from_config(path, config).expect("the pack's schedule");
    let mut book = PromptBook::of_devices(scenario.devices.iter().map(|device| device.prompt.as_str()));
    if let Some(demand) = &scenario.demand {
        demand.prompts.texts().chain(demand.arrivals.prompts()).for_each(|text| {
            book.add(&text);
        });
    }
    let policy = policy::from_settings(&scenario).expect("a policy without files");
    let graph = DenoisingGraph::new(pack.digest());
    let recorder = if records { Recorder::deferred(graph) } else { Recorder::nothing(graph) };
    let values = pack.latent_shape().iter().product();
    let (scenario, schedule, prompts) = (Arc::new(scenario), Arc::new(schedule), Arc::new(prompts(book)));
    RunContext::new(scenario, schedule, policy, 0, values, prompts, recorder).expect("chains that exist")
}

/// The record of a request that was served.
pub fn served(run: &SimulatedRun, request: u64) -> &UserRecord {
    let user = run.users.iter().find(|user| user.record.journey.request == request);
    &user.unwrap_or_else(|| panic!("request {request} was not served: {:?}", run.books.unserved)).record
}

/// How a request ended without a picture, when, and at what energy.
pub fn unserved(run: &SimulatedRun, request: u64) -> (UnservedEnd, f64, f64) {
    let record = run.books.unserved.iter().find(|record| record.journey.request == request);
    let record = record.unwrap_or_else(|| panic!("request {request} was served"));
    (record.end, record.ended_s, record.energy_j)
}

/// When the shared steps of each served request began, by number [s].
pub fn starts(run: &SimulatedRun) -> Vec<f64> {
    run.users.iter().map(|user| user.record.journey.service_start_s.expect("steps are shared")).collect()
}

/// Equal but for the nanoseconds that the event queue adds.
#[track_caller]
pub fn assert_near(actual: f64, expected: f64) {
    assert!((actual - expected).abs() < 1e-6, "{actual} is not {expected}");
}

#[track_caller]
pub fn assert_all_near(actual: &[f64], expected: &[f64]) {
    assert_eq!(actual.len(), expected.len(), "{actual:?} {expected:?}");
    for (one, other) in actual.iter().zip(expected) {
        assert!((one - other).abs() < 1e-6, "{actual:?} is not {expected:?}");
    }
}

/// Ends as expected, at that time and energy.
#[track_caller]
pub fn assert_unserved(run: &SimulatedRun, request: u64, end: UnservedEnd, ended_s: f64, energy_j: f64) {
    let found = unserved(run, request);
    assert_eq!(found.0, end, "{found:?}");
    assert_near(found.1, ended_s);
    assert_near(found.2, energy_j);
}
