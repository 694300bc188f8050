//! latentlink's network in time, without a study around it.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use latentlink::diffusion::NoiseSchedule;
use latentlink::diffusion::graph::DenoisingGraph;
use latentlink::diffusion::recorder::Recorder;
use latentlink::network::{CacheOutcome, PromptBook, RunContext, UserRecord, simulate};
use latentlink::onnx::DiffusionPack;
use latentlink::policy;
use latentlink::scenario::{Scenario, ScenarioFile};

use super::outcome::{Observation, Outcome};
use super::station::Station;

/// One scenario, ready to be simulated.
pub struct Simulator {
    scenario: Arc<Scenario>,
    prompts: Arc<PromptBook>,
    schedule: Arc<NoiseSchedule>,
    pack: DiffusionPack,
}

impl Simulator {
    /// The station of part 1: no two prompts resemble each other, so that the semantic cache is an exact LRU.
    pub fn of_station(station: &Station, requests: u64) -> miette::Result<Self> {
        Self::of(station.scenario(requests), 0.5)
    }

    /// An M/M/1 queue whose requests are of so many devices.
    pub fn of_devices(devices: u32, requests: u64) -> miette::Result<Self> {
        Self::of(many_devices(devices, requests), 1.0)
    }

    fn of(toml: String, similarity: f64) -> miette::Result<Self> {
        let scenario = ScenarioFile::from_str(toml, "network.toml")?.grid()?.point(0)?.scenario;
        let pack = DiffusionPack::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("models/emoji-ldm"))?;
        let (path, config) = pack.scheduler_config();
        let schedule = Arc::new(NoiseSchedule::from_config(path, config)?);
        let mut prompts = PromptBook::of_devices(scenario.devices.iter().map(|device| device.prompt.as_str()));
        if let Some(demand) = &scenario.demand {
            demand.prompts.texts().for_each(|text| {
                prompts.add(&text);
            });
        }
        let prompts = Arc::new(prompts.with_given_similarity(similarity));
        Ok(Self { scenario: Arc::new(scenario), prompts, schedule, pack })
    }

    /// One run. Timed is all of it: models, events, records and the check of the books.
    pub fn run(&self) -> miette::Result<Outcome> {
        let begin = Instant::now();
        let context = RunContext::new(
            Arc::clone(&self.scenario),
            Arc::clone(&self.schedule),
            policy::from_settings(&self.scenario).expect("a policy without files"),
            0,
            self.pack.latent_shape().iter().product(),
            Arc::clone(&self.prompts),
            Recorder::nothing(DenoisingGraph::new(self.pack.digest())),
        )?;
        let run = simulate(context)?;
        let elapsed_s = begin.elapsed().as_secs_f64();
        let observations: Vec<Observation> = run.users.iter().map(|user| observation(&user.record)).collect();
        Ok(Outcome::of("latentlink", &observations, elapsed_s))
    }
}

fn observation(record: &UserRecord) -> Observation {
    let journey = &record.journey;
    let begins_s = journey.service_start_s.expect("a served request was served");
    Observation {
        is_hit: matches!(journey.cache, CacheOutcome::Hit { .. }),
        wait_s: begins_s - journey.arrival_s,
        latency_s: record.finished_s - journey.arrival_s,
    }
}

/// Requests over a pinned link, at a load of 0.7, rated by the surface.
pub fn many_devices(devices: u32, requests: u64) -> String {
    format!(
        "[study]\nname = \"many-devices\"\n\
         [demand]\narrivals = {{ kind = \"poisson\", rate_hz = 10 }}\nrequests = {requests}\n\
         [server]\nstep_time_s = 0.01\nstep_time_cv = 1.0\n\
         [radio]\nbit_error_probability = 0.001\n\
         [judge]\nkind = \"surface\"\nsimilarity = 1\n\
         [[device]]\nname = \"phone\"\nprompt = \"a dog sits in front of a bush\"\ncount = {devices}\nstep_time_s = 0.0\n\
         [policy]\nt0 = 7\ntk = 4\n"
    )
}
