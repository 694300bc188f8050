//! Random settings of a network in time, as a scenario may have them.

use latentlink::diffusion::LatentCodec;
use latentlink::radio::{FadingProcess, Protection};
use latentlink::scenario::{
    Admission, AnalysisSettings, ArchitectureKind, ArchitectureSettings, ArrivalStream, Arrivals, CacheSettings,
    CacheSharing, CellGrid, CellSettings, DemandSettings, DeviceSettings, Election, Eviction, FaultKind, FaultSettings,
    FaultTimes, GroupingSettings, MobilitySettings, Patience, Placement, PromptChoice, QueueDiscipline,
    RecoverySettings, StartLatent, TimeToLive, Topology, WarmUp,
};
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::scenario_round_trip::{maybe, one_of, path_loss, positive};

/// Numbers in ascending order.
fn ascending(rng: &mut impl Rng) -> Vec<f64> {
    let mut numbers: Vec<f64> = (0..rng.random_range(1..5)).map(|_| positive(rng)).collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}

pub fn demand(rng: &mut ChaCha8Rng) -> DemandSettings {
    let pair = |rng: &mut ChaCha8Rng| [positive(rng), positive(rng)];
    let all = [
        Arrivals::Poisson { rate_hz: positive(rng) },
        Arrivals::Gamma { rate_hz: positive(rng), coefficient_of_variation: positive(rng) },
        Arrivals::Mmpp { rates_hz: [0.0, positive(rng)], sojourns_s: pair(rng) },
        Arrivals::Deterministic { interval_s: positive(rng) },
        Arrivals::ClosedLoop { think_time_s: positive(rng) },
    ];
    let arrivals = one_of(rng, &all);
    let is_closed = matches!(arrivals, Arrivals::ClosedLoop { .. });
    let streams = [ArrivalStream::Population, ArrivalStream::Device];
    let stream = if is_closed { ArrivalStream::Device } else { one_of(rng, &streams) };
    let requests = maybe(rng, |rng| rng.random_range(1..=1_000_000_000));
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let prompts = one_of(
        rng,
        &[
            PromptChoice::Own,
            PromptChoice::List { prompts: texts(&["a dog", "\"größe\"\n", "x"]) },
            PromptChoice::Grammar { objects: texts(&["犬", "cat"]), templates: texts(&["{object}", "a {object} \\"]) },
        ],
    );
    let fixed = Patience::Fixed { time_s: positive(rng) };
    let exponential = Patience::Exponential { mean_s: positive(rng) };
    DemandSettings {
        stream,
        requests,
        duration_s: if requests.is_some() { maybe(rng, positive) } else { Some(positive(rng)) },
        zipf_exponent: if prompts == PromptChoice::Own { 0.0 } else { positive(rng) },
        start_latent: one_of(rng, &[StartLatent::Request, StartLatent::Shared]),
        deadline_s: maybe(rng, positive),
        patience: one_of(rng, &[None, Some(fixed), Some(exponential)]),
        retries: rng.random_range(0..=1000),
        retry_delay_s: positive(rng),
        arrivals,
        prompts,
    }
}

/// What a server has besides its steps: workers, batch, queue, capacity, coefficient of variation, admission.
pub fn queue(rng: &mut ChaCha8Rng, has_deadline: bool) -> (u32, u32, QueueDiscipline, u64, f64, Admission) {
    use QueueDiscipline::{EarliestDeadline, Fifo, Priority};
    let admission = if has_deadline { one_of(rng, &[Admission::All, Admission::Deadline]) } else { Admission::All };
    (
        rng.random_range(1..=1_000_000),
        rng.random_range(1..=10_000),
        one_of(rng, &[Fifo, Priority, EarliestDeadline]),
        rng.random_range(0..=i64::MAX as u64),
        positive(rng),
        admission,
    )
}

pub fn grouping(rng: &mut ChaCha8Rng) -> GroupingSettings {
    GroupingSettings {
        window_s: positive(rng),
        maximum_size: rng.random_range(1..=10_000),
        similarity_threshold: maybe(rng, |rng| rng.random_range(-1.0..=2.0)),
        only_if_saving: rng.random(),
    }
}

pub fn cache(rng: &mut ChaCha8Rng, diffusion_steps: u32) -> CacheSettings {
    let steps = maybe(rng, |rng| {
        let mut steps: Vec<u32> = (0..5).map(|_| rng.random_range(1..=diffusion_steps)).collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    });
    let thresholds = steps
        .as_ref()
        .and_then(|steps| maybe(rng, |rng| steps.iter().map(|_| rng.random_range(-1.0..=2.0)).collect::<Vec<f64>>()));
    CacheSettings {
        eviction: one_of(rng, &[Eviction::Lru, Eviction::Lfu, Eviction::Lcbfu, Eviction::Fifo]),
        capacity_bytes: maybe(rng, |rng| rng.random()),
        capacity_entries: maybe(rng, |rng| rng.random()),
        time_to_live: maybe(rng, |rng| TimeToLive { time_s: positive(rng), is_reset_by_hits: rng.random() }),
        steps,
        thresholds,
        divergence: positive(rng),
        codec: one_of(rng, &[LatentCodec::Fp32, LatentCodec::Fp16, LatentCodec::Int8, LatentCodec::Int8Gray]),
        sharing: one_of(rng, &[CacheSharing::Own, CacheSharing::OptIn, CacheSharing::Everyone]),
    }
}

pub fn architecture(rng: &mut ChaCha8Rng) -> ArchitectureSettings {
    use ArchitectureKind::{Cluster, DeviceToDevice, Edge};
    ArchitectureSettings {
        kind: one_of(rng, &[Edge, DeviceToDevice, Cluster]),
        election: one_of(rng, &[Election::LeastEnergy, Election::Medoid, Election::ResidualEnergy]),
        topology: one_of(rng, &[Topology::Star, Topology::Chain]),
        with_server: rng.random(),
        relay_steps: 0,
        path_loss: path_loss(rng),
        device_distance_m: maybe(rng, positive),
    }
}

/// Single cells, or a grid of nine about the origin.
pub fn cells(rng: &mut ChaCha8Rng) -> (Vec<CellSettings>, Option<CellGrid>) {
    let cell = |index: usize, x_m, y_m| CellSettings { name: format!("cell-{index}"), x_m, y_m };
    if rng.random() {
        let names = 1..rng.random_range(2..5);
        return (names.map(|index| cell(index, positive(rng), -positive(rng))).collect(), None);
    }
    let places =
        (0..9).map(|index| cell(index + 1, 250.0 * (index % 3) as f64 - 250.0, 250.0 * (index / 3) as f64 - 250.0));
    (places.collect(), Some(CellGrid { count: 9, spacing_m: 250.0 }))
}

pub fn mobility(rng: &mut ChaCha8Rng) -> MobilitySettings {
    let speed_min_mps = positive(rng);
    let speed_max_mps = speed_min_mps * rng.random_range(1.0..9.0);
    let moving = MobilitySettings::RandomWaypoint { speed_min_mps, speed_max_mps, pause_s: positive(rng) };
    one_of(rng, &[MobilitySettings::Static, moving])
}

pub fn faults(rng: &mut ChaCha8Rng, cells: usize, devices: usize) -> Vec<FaultSettings> {
    use FaultKind::{DeviceAway, LeaderLoss, LinkOutage, ServerOutage};
    let fault = |rng: &mut ChaCha8Rng| {
        let kind = one_of(rng, &[ServerOutage, LinkOutage, DeviceAway, LeaderLoss]);
        let targets = if matches!(kind, ServerOutage | LinkOutage) { cells } else { devices };
        let drawn = FaultTimes::Rate { rate_hz: positive(rng) };
        let scripted = FaultTimes::At(ascending(rng));
        FaultSettings {
            kind,
            times: one_of(rng, &[drawn, scripted]),
            duration_s: if kind == LeaderLoss { 0.0 } else { positive(rng) },
            target: maybe(rng, |rng| rng.random_range(0..targets as u32)),
        }
    };
    (0..rng.random_range(0..4)).map(|_| fault(rng)).collect()
}

pub fn recovery(rng: &mut ChaCha8Rng) -> RecoverySettings {
    RecoverySettings { retransmissions: rng.random_range(0..=1000), timeout_s: positive(rng) }
}

pub fn analysis(rng: &mut ChaCha8Rng) -> AnalysisSettings {
    let time = WarmUp::Time { time_s: positive(rng) };
    AnalysisSettings {
        warm_up: one_of(rng, &[WarmUp::Mser5, time]),
        batches: rng.random_range(2..=1000),
        write_requests: rng.random(),
        check_invariants: rng.random(),
        checkpoint_interval_s: maybe(rng, positive),
    }
}

pub fn protection(rng: &mut ChaCha8Rng, codec: LatentCodec) -> Protection {
    let block_bits = rng.random_range(8..=1_000_000);
    let code_rate = rng.random_range(0.001..0.999);
    let maximum_attempts = rng.random_range(1..=1000);
    let round_trip_s = positive(rng);
    let protected_bits = rng.random_range(1..codec.bits_per_value());
    one_of(
        rng,
        &[
            Protection::None,
            Protection::Arq { block_bits, maximum_attempts, round_trip_s },
            Protection::Fec { block_bits, code_rate },
            Protection::HarqChase { block_bits, code_rate, maximum_attempts, round_trip_s },
            Protection::HarqIncrementalRedundancy { block_bits, code_rate, maximum_attempts, round_trip_s },
            Protection::Unequal { protected_bits, block_bits, code_rate },
        ],
    )
}

/// A process of the fading, with the coherence time that it needs.
pub fn fading_process(rng: &mut ChaCha8Rng) -> (FadingProcess, Option<f64>) {
    let process = one_of(rng, &[FadingProcess::PerLatent, FadingProcess::Block, FadingProcess::GaussianCopula]);
    (process, (process != FadingProcess::PerLatent).then(|| positive(rng)))
}

/// The devices of one table: 1 to 12 that differ by name. `single` is the device that the table makes without a count.
pub fn of_one_table(rng: &mut ChaCha8Rng, single: DeviceSettings, has_demand: bool) -> Vec<DeviceSettings> {
    let count = one_of(rng, &[1, 1, 7, 12]);
    let (x_m, y_m) = (positive(rng), -positive(rng));
    let placement = one_of(rng, &[Placement::Distance, Placement::Area, Placement::At { x_m, y_m }]);
    let battery_j = if has_demand { maybe(rng, positive) } else { None };
    let first = DeviceSettings {
        placement,
        distance_m: match placement {
            Placement::Distance | Placement::Area => single.distance_m,
            Placement::At { x_m, y_m } => x_m.hypot(y_m),
        },
        distance_max_m: match placement {
            Placement::Distance => maybe(rng, |rng| single.distance_m + positive(rng)),
            Placement::Area | Placement::At { .. } => None,
        },
        deadline_s: if has_demand { maybe(rng, positive) } else { None },
        priority: if has_demand { rng.random() } else { 0 },
        shares_latents: has_demand && rng.random(),
        battery_j,
        recharge_w: if battery_j.is_some() { positive(rng) } else { 0.0 },
        count,
        ..single
    };
    let name = |member: u32| match count {
        1 => first.name.clone(),
        7 => format!("{}-{}", first.name, member + 1),
        _ => format!("{}-{:02}", first.name, member + 1),
    };
    (0..count).map(|member| DeviceSettings { name: name(member), member, ..first.clone() }).collect()
}
