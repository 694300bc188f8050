//! An M/D/1 queue that leaves the records of a run in time: what tables and statistics make of it is known from theory.
//!
//! ```text
//!  Poisson ──┬─► FIFO, one worker, t0 steps ─► radio ─► device, tk steps ─► picture
//!            └─► a tenth is dropped at random: Poisson streams split into Poisson streams
//! ```

use std::sync::Arc;

use latentlink::diffusion::graph::{DenoisingGraph, Operation};
use latentlink::experiment::RunId;
use latentlink::experiment::points::StudyPoint;
use latentlink::experiment::simulation::Run;
use latentlink::network::bench::SimulatedUser;
use latentlink::network::{
    CacheOutcome, EnergyLedger, JobRecord, Journey, LedgerCause, LedgerEntry, LedgerPayer, LinkRecord, PromptBook,
    RunBooks, UnservedEnd, UnservedRecord, UserRecord,
};
use latentlink::policy;
use latentlink::random::StreamKey;
use latentlink::scenario::{
    ArrivalStream, Arrivals, Coordinate, CoordinateValue, DemandSettings, PromptChoice, Scenario, ScenarioFile,
    StartLatent,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1};

/// Devices of the scenario.
pub const DEVICES: usize = 8;
/// Time of the shared steps [s]: four of 0.25 s.
pub const SERVICE_S: f64 = 1.0;
/// Of one latent on the air [s].
pub const AIRTIME_S: f64 = 0.25;
/// Of the device's steps and of decoding [s].
pub const DEVICE_S: f64 = 2.4;
pub const DECODE_S: f64 = 0.2;
/// Part of the requests that is dropped.
pub const DROPPED: f64 = 0.1;

/// A queue with such a load.
pub struct Queue {
    pub requests: u64,
    /// ρ, of those that are served.
    pub load: f64,
    pub seed: u64,
}

/// A scenario in time with eight devices and a surface judge; `more` is added to its text.
pub fn scenario(requests: u64, rate_hz: f64, more: &str) -> Scenario {
    let devices: String = (1..=DEVICES)
        .map(|number| format!("[[device]]\nname = \"phone-{number}\"\nprompt = \"a dog\"\ndecode_time_s = 0.2\n"))
        .collect();
    let text = format!(
        "[server]\nprompt = \"a tiger\"\nstep_time_s = 0.25\n[judge]\nkind = \"surface\"\nsimilarity = 0.9\n\
         noise = true\n[radio]\nbit_error_probability = 0.01\n{devices}[policy]\nt0 = 4\ntk = 6\n{more}"
    );
    let points = ScenarioFile::from_str(text, "queue.toml").and_then(|file| file.points());
    let mut scenario = points.unwrap_or_else(|error| panic!("{error:#}")).remove(0).scenario;
    scenario.demand = Some(DemandSettings {
        arrivals: Arrivals::Poisson { rate_hz },
        stream: ArrivalStream::Population,
        requests: Some(requests),
        duration_s: None,
        prompts: PromptChoice::Own,
        zipf_exponent: 0.0,
        start_latent: StartLatent::Request,
        deadline_s: Some(6.0),
        patience: None,
        retries: 0,
        retry_delay_s: 1.0,
    });
    scenario
}

impl Queue {
    /// The run of a scenario of [`scenario`], as point `index` of a sweep of the steps on the server.
    pub fn run(&self, scenario: Scenario, index: u32) -> Run {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let picture = DenoisingGraph::new([0; 32])
            .insert(Operation::Noise { seed: StreamKey::new(self.seed, 0, "picture", "any"), scale: 1.0 });
        let rate_hz = self.load / SERVICE_S / (1.0 - DROPPED);
        let (mut arrival_s, mut free_s) = (0.0, 0.0_f64);
        let mut last_cell = [0; DEVICES];
        let (mut users, mut ledger, mut books) = (Vec::new(), EnergyLedger::default(), RunBooks::default());
        for request in 0..self.requests {
            let gap: f64 = Exp1.sample(&mut rng);
            arrival_s += gap / rate_hz;
            let device = rng.random_range(0..DEVICES);
            let journey = Journey {
                request,
                device,
                prompt: 1,
                arrival_s,
                deadline_s: Some(arrival_s + 6.0),
                cell: 0,
                is_handover: last_cell[device] != request % 2,
                distance_m: 300.0,
                attempts: 1,
                group: None,
                group_size: 0,
                leader: None,
                queued_s: None,
                service_start_s: None,
                cache: CacheOutcome::NotAsked,
                restarts: 0,
            };
            last_cell[device] = request % 2;
            if rng.random_bool(DROPPED) {
                let end = UnservedEnd::DroppedQueueFull;
                books.unserved.push(UnservedRecord { journey, end, ended_s: arrival_s, energy_j: 0.0 });
                continue;
            }
            let service_start_s = free_s.max(arrival_s);
            free_s = service_start_s + SERVICE_S;
            let journey = Journey {
                group: Some(request),
                group_size: 1,
                queued_s: Some(arrival_s),
                service_start_s: Some(service_start_s),
                ..journey
            };
            let received_s = free_s + AIRTIME_S;
            let link = LinkRecord {
                tx_power_w: 63.0,
                path_loss_db: None,
                fading_gain: None,
                snr_db: None,
                bit_error_probability: 0.01,
                raw_bit_error_probability: 0.01,
                transmitted_bits: 1000,
                payload_bits: 1000,
                right_bits: 990.0,
                attempts: 1.0,
                residual_blocks: 0,
                hops: 1,
                airtime_s: AIRTIME_S,
                transmit_start_s: free_s,
                received_s,
                transmit_energy_j: 3.0,
                receive_energy_j: 0.5,
            };
            books.jobs.push(JobRecord {
                cell: 0,
                worker: Some(0),
                device: None,
                group: request,
                start_s: service_start_s,
                end_s: free_s,
                steps: 4,
                is_complete: true,
            });
            for (payer, cause, energy_j) in [
                (LedgerPayer::Server, LedgerCause::Compute, 2.0),
                (LedgerPayer::Server, LedgerCause::Radio, 3.0),
                (LedgerPayer::Device(device), LedgerCause::Radio, 0.5),
                (LedgerPayer::Device(device), LedgerCause::Compute, 6.0),
            ] {
                ledger.book(LedgerEntry { payer, cause, energy_j, time_s: free_s });
            }
            let record = UserRecord {
                journey,
                shared_prompt: Some(0),
                similarity: 0.9,
                t0: 4,
                tk: 6,
                server_finished_s: Some(free_s),
                link: Some(link),
                device_start_s: received_s,
                finished_s: received_s + DEVICE_S + DECODE_S,
                device_compute_j: 6.0,
                shared_compute_j: 2.0,
                relayed_compute_j: 0.0,
                sent: Some(picture),
                received: Some(picture),
                picture,
            };
            books.end_s = record.finished_s;
            users.push(SimulatedUser { record: Box::new(record), comparisons: Vec::new(), ratings: Vec::new() });
        }
        books.arrivals = self.requests;
        let mut prompts = PromptBook::default().with_server_prompt("a tiger");
        prompts.add("a dog");
        let policy = policy::from_settings(&scenario).expect("a fixed policy has no file");
        let point = StudyPoint {
            index,
            coordinates: vec![Coordinate {
                path: "demand.arrivals.rate_hz".to_owned(),
                value: CoordinateValue::Float(rate_hz),
            }],
            scenario: Arc::new(scenario),
            prompts: Arc::new(prompts),
            judge: None,
            policy,
        };
        Run { id: RunId { point: index, replication: 0 }, point: Arc::new(point), users, ledger, books }
    }
}
