//! A checked scenario written back as TOML is the same scenario.

use latentlink::diffusion::{History, LatentCodec, Sampler, Sanitize, Split};
use latentlink::judge::{BaseUrl, NamedPersona, NormalPopulation, Persona, Readout, Spread};
use latentlink::onnx::ExecutionProvider;
use latentlink::onnx::judge_pack::ModelDtype;
use latentlink::radio::{Fading, FisherSnedecorConvention, Modulation, PathLoss, db_to_linear};
use latentlink::scenario::{
    Admission, AnalysisSettings, ArchitectureKind, ArchitectureSettings, DemandSettings, DeviceSettings,
    DiffusionSettings, EndpointSettings, ErrorModel, Execution, FigureKind, FigureSettings, FixedPolicy,
    GroupingSettings, HeatMapSettings, ImageGridSettings, JudgeKind, JudgeSettings, MobilitySettings, ModelSettings,
    MultipleAccess, PageSettings, PersonaSettings, PictureReference, Placement, PolicySettings, PopulationSettings,
    QueueDiscipline, RadioSettings, RecoverySettings, Scenario, ScenarioFile, ServerSettings, SimilaritySettings,
    StudySettings, SurfaceSettings, USUAL_QUEUE_CAPACITY, Until, VlmSettings,
};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{random_network, random_training};

pub fn one_of<T: Clone>(rng: &mut impl Rng, values: &[T]) -> T {
    values[rng.random_range(0..values.len())].clone()
}

/// A number above zero of any magnitude, with all its digits.
pub fn positive(rng: &mut impl Rng) -> f64 {
    10f64.powf(rng.random_range(-12.0..12.0))
}

pub fn maybe<T>(rng: &mut impl Rng, make: impl FnOnce(&mut ChaCha8Rng) -> T) -> Option<T> {
    let mut own = ChaCha8Rng::seed_from_u64(rng.random());
    rng.random_bool(0.5).then(|| make(&mut own))
}

fn prompt(rng: &mut impl Rng) -> String {
    one_of(
        rng,
        &[
            "a dog",
            "\"quoted\" and 'quoted'",
            "back\\slash",
            "two\nlines\t\u{7f}",
            "größer 犬 🐕",
            "'''",
            " # x = [1] ",
        ],
    )
    .into()
}

fn sampler(rng: &mut impl Rng) -> Sampler {
    let eta = rng.random_range(0.0..=1.0);
    let of_one_step = [Sampler::Ddim { eta: 0.0 }, Sampler::Ddim { eta }, Sampler::Ddpm, Sampler::Euler];
    let others = [Sampler::EulerAncestral, Sampler::Lcm, Sampler::Pndm, Sampler::DpmSolver];
    one_of(rng, &[of_one_step, others].concat())
}

pub fn path_loss(rng: &mut impl Rng) -> PathLoss {
    let log_distance = PathLoss::LogDistance {
        exponent: positive(rng),
        reference_distance_m: positive(rng),
        reference_loss_db: rng.random_range(-50.0..150.0),
    };
    let fixed = PathLoss::FixedGain { gain_db: rng.random_range(-200.0..10.0) };
    one_of(rng, &[PathLoss::UmaLos, PathLoss::UmaNlos, PathLoss::UmiLos, PathLoss::UmiNlos, log_distance, fixed])
}

fn fading(rng: &mut impl Rng) -> Fading {
    let m = 0.5 + positive(rng);
    let ms = 1.0 + 1e-9 + positive(rng);
    let convention = one_of(rng, &[FisherSnedecorConvention::UnitMean, FisherSnedecorConvention::Letter2017]);
    let rician = Fading::Rician { k_db: rng.random_range(-20.0..20.0) };
    let f = Fading::FisherSnedecor { m, ms, convention };
    one_of(rng, &[Fading::None, Fading::Rayleigh, rician, Fading::NakagamiM { m }, f, f])
}

fn diffusion(rng: &mut impl Rng) -> DiffusionSettings {
    use PictureReference::{ErrorFree, Unshared};
    let sampler = sampler(rng);
    let history = one_of(rng, &[History::Restart, History::Send]);
    DiffusionSettings {
        sampler,
        history: if sampler.longest_history() > 0 { history } else { History::Restart },
        steps: rng.random_range(2..=500),
        split: one_of(rng, &[Split::Respaced, Split::Joint]),
        guidance: positive(rng),
        codec: one_of(rng, &[LatentCodec::Fp32, LatentCodec::Fp16, LatentCodec::Int8, LatentCodec::Int8Gray]),
        latent_range: positive(rng),
        sanitize: one_of(rng, &[Sanitize::None, Sanitize::Zero, Sanitize::Clip]),
        metrics_against: one_of(rng, &[vec![], vec![ErrorFree], vec![Unshared, ErrorFree]]),
        execution: one_of(rng, &[Execution::Deferred, Execution::Eager]),
    }
}

fn radio(rng: &mut ChaCha8Rng, codec: LatentCodec, has_demand: bool) -> RadioSettings {
    let multiple_access = one_of(rng, &[MultipleAccess::Tdma, MultipleAccess::Ofdma]);
    let has_channels = has_demand && multiple_access == MultipleAccess::Ofdma;
    let (fading_process, coherence_time_s) = random_network::fading_process(rng);
    RadioSettings {
        carrier_hz: positive(rng),
        bandwidth_hz: positive(rng),
        noise_figure_db: positive(rng),
        path_loss: path_loss(rng),
        base_station_height_m: 1.0 + positive(rng).max(1e-9),
        device_height_m: 1.0 + positive(rng).max(1e-9),
        fading: fading(rng),
        modulation: one_of(
            rng,
            &[Modulation::Bpsk, Modulation::Qpsk, Modulation::Qam16, Modulation::Qam64, Modulation::Qam256],
        ),
        error_model: one_of(rng, &[ErrorModel::Instantaneous, ErrorModel::Average]),
        multiple_access,
        efficiency: 1.0 - rng.random_range(0.0..1.0),
        header_bits: rng.random_range(0..=u32::MAX.into()),
        energy_per_watt_j: maybe(rng, positive),
        amplifier_efficiency: 1.0 - rng.random_range(0.0..1.0),
        bit_error_probability: maybe(rng, |rng| rng.random_range(0.0..=0.5)),
        channels: has_channels.then(|| rng.random_range(1..=100_000)),
        queue_capacity: if has_demand { rng.random_range(0..=1_000_000) } else { USUAL_QUEUE_CAPACITY },
        fading_process,
        coherence_time_s,
        noise_rise_db: positive(rng),
        noise_rise_follows_load: rng.random(),
        protection: random_network::protection(rng, codec),
    }
}

fn persona(rng: &mut impl Rng) -> NamedPersona {
    let (name, named) = one_of(rng, &Persona::NAMED);
    let traits = Persona::new(std::array::from_fn(|_| one_of(rng, &[0.0, 1.0, 0.25, 1e-7]))).expect("in [0, 1]");
    one_of(rng, &[NamedPersona::new(name, named), NamedPersona::of_traits(traits)])
}

fn population(rng: &mut impl Rng) -> PopulationSettings {
    if rng.random_bool(0.2) {
        return PopulationSettings::Uniform;
    }
    let spread = if rng.random_bool(0.5) {
        Spread::StandardDeviation(std::array::from_fn(|_| rng.random_range(0.0..0.5)))
    } else {
        // every pair of traits with the same correlation
        let rho = rng.random_range(0.0..1.0);
        let deviations: [f64; 5] = std::array::from_fn(|_| rng.random_range(0.01..0.3));
        let entry =
            |row: usize, column: usize| deviations[row] * deviations[column] * if row == column { 1.0 } else { rho };
        Spread::Covariance(std::array::from_fn(|row| std::array::from_fn(|column| entry(row, column))))
    };
    let mean = std::array::from_fn(|_| rng.random_range(0.0..=1.0));
    PopulationSettings::Normal(Box::new(NormalPopulation::new(mean, spread).expect("it can be drawn from")))
}

fn similarity(rng: &mut impl Rng) -> SimilaritySettings {
    let (low, high) = (rng.random_range(-1.0..=0.0), rng.random_range(0.0..=1.0));
    one_of(rng, &[SimilaritySettings::Given(high), SimilaritySettings::Drawn { low, high }])
}

fn judge_kind(rng: &mut ChaCha8Rng) -> JudgeKind {
    let surface = SurfaceSettings { similarity: maybe(rng, similarity), noise: rng.random(), measured: None };
    let readout = one_of(rng, &[Readout::Expectation, Readout::Greedy, Readout::Sample]);
    let is_drawn = readout == Readout::Sample;
    let vlm = VlmSettings {
        pack: prompt(rng).into(),
        dtype: maybe(rng, |rng| one_of(rng, &ModelDtype::NAMED.map(|(_, dtype)| dtype))),
        template: maybe(rng, |rng| prompt(rng).into()),
        readout,
        temperature: if is_drawn { positive(rng) } else { 1.0 },
        max_new_tokens: if readout == Readout::Expectation { 16 } else { rng.random_range(1..=4096) },
        retries: if is_drawn { rng.random_range(0..=1000) } else { 3 },
    };
    let endpoint = EndpointSettings {
        base_url: BaseUrl::parse(&format!("http://host-{}:8000/v1", rng.random_range(0..9))).expect("an address"),
        model: prompt(rng),
        api_key_env: maybe(rng, |rng| format!("KEY_{}", rng.random_range(0..9))),
        template: vlm.template.clone(),
        readout,
        temperature: vlm.temperature,
        max_new_tokens: vlm.max_new_tokens,
        retries: vlm.retries,
        timeout_s: rng.random_range(0.001..86_400.0),
        request_retries: rng.random_range(0..=1000),
        concurrency: rng.random_range(1..=256),
    };
    one_of(rng, &[JudgeKind::None, JudgeKind::Surface(surface), JudgeKind::Vlm(vlm), JudgeKind::Endpoint(endpoint)])
}

fn judge(rng: &mut ChaCha8Rng) -> JudgeSettings {
    let kind = judge_kind(rng);
    let answers_per_picture = if kind.is_drawn() { rng.random_range(1..=1_000_000) } else { 1 };
    if kind == JudgeKind::None {
        let (panel, qoe_threshold) = (Vec::new(), 0.6);
        return JudgeSettings { kind, qoe_threshold, panel, answers_per_picture, write_answers: false };
    }
    let mut panel: Vec<NamedPersona> = (0..rng.random_range(0..4)).map(|_| persona(rng)).collect();
    panel.sort_by(|a, b| a.name.cmp(&b.name));
    panel.dedup();
    let qoe_threshold = rng.random_range(0.0..=1.0);
    JudgeSettings { kind, qoe_threshold, panel, answers_per_picture, write_answers: rng.random() }
}

fn device(rng: &mut impl Rng, index: usize, has_population: bool) -> DeviceSettings {
    let given = PersonaSettings::Given(persona(rng));
    let is_drawn = has_population && rng.random_bool(0.5);
    DeviceSettings {
        name: one_of(rng, &[format!("device-{}", index + 1), format!("phone_{index}"), format!("{index}")]),
        prompt: prompt(rng),
        persona: if is_drawn { PersonaSettings::Population } else { given },
        distance_m: positive(rng),
        distance_max_m: None,
        step_energy_j: positive(rng),
        step_time_s: positive(rng),
        decode_energy_j: positive(rng),
        decode_time_s: 0.0,
        receive_power_w: positive(rng),
        energy_budget_j: maybe(rng, positive),
        table: index as u32,
        count: 1,
        member: 0,
        placement: Placement::Distance,
        profile: None,
        deadline_s: None,
        priority: 0,
        shares_latents: false,
        battery_j: None,
        recharge_w: 0.0,
    }
}

fn server(rng: &mut ChaCha8Rng) -> ServerSettings {
    ServerSettings {
        prompt: maybe(rng, prompt),
        step_energy_j: positive(rng),
        step_time_s: positive(rng),
        profile: None,
        energy_budget_j: maybe(rng, positive),
        workers: 1,
        maximum_batch: 1,
        queue: QueueDiscipline::Fifo,
        queue_capacity: USUAL_QUEUE_CAPACITY,
        step_time_cv: 0.0,
        admission: Admission::All,
    }
}

/// A scenario with all that makes it a network in time.
fn in_time(rng: &mut ChaCha8Rng, mut round: Scenario, demand: DemandSettings) -> Scenario {
    let (workers, maximum_batch, queue, queue_capacity, step_time_cv, admission) =
        random_network::queue(rng, demand.deadline_s.is_some());
    let (steps, makes_pictures) = (round.diffusion.steps, round.makes_pictures());
    let has_figures = !round.figures.is_empty();
    // Where prompts are compared, a range does not say how similar any two are.
    if let JudgeKind::Surface(surface) = &mut round.judge.kind {
        surface.similarity = surface.similarity.map(|similarity| SimilaritySettings::Given(similarity.least()));
    }
    Scenario {
        demand: Some(demand),
        server: ServerSettings {
            workers,
            maximum_batch,
            queue,
            queue_capacity,
            step_time_cv,
            admission,
            ..round.server
        },
        grouping: random_network::grouping(rng),
        cache: maybe(rng, |rng| random_network::cache(rng, steps)),
        mobility: random_network::mobility(rng),
        faults: random_network::faults(rng, round.cells.len(), round.devices.len()),
        recovery: random_network::recovery(rng),
        analysis: AnalysisSettings {
            // Where pictures are made nothing is saved on the way.
            checkpoint_interval_s: random_network::analysis(rng).checkpoint_interval_s.filter(|_| !makes_pictures),
            // Figures may show numbers of single requests.
            write_requests: has_figures || random_network::analysis(rng).write_requests,
            ..random_network::analysis(rng)
        },
        ..round
    }
}

fn figure(
    rng: &mut ChaCha8Rng,
    name: String,
    axes: &[String],
    shown: &str,
    diffusion: &DiffusionSettings,
    judge: &JudgeSettings,
) -> FigureSettings {
    let y = rng.random_range(1..axes.len());
    let (x, y) = (axes[rng.random_range(0..y)].clone(), axes[y].clone());
    let (device, title) = (maybe(rng, |_| shown.to_owned()), maybe(rng, prompt));
    let panel: Vec<String> = judge.panel.iter().map(|persona| persona.name.clone()).collect();
    let kind = rng.random_range(0..if panel.is_empty() { 2 } else { 3 });
    // The surface has no pictures made.
    let kind = match if matches!(judge.kind, JudgeKind::Surface(_)) { kind.max(1) } else { kind } {
        0 => {
            let scores = one_of(rng, &[panel, Vec::new()]);
            let usual = diffusion.metrics_against.first().copied();
            let written = if usual.is_some() { Some(one_of(rng, &diffusion.metrics_against)) } else { None };
            let ssim_against =
                if scores.is_empty() { one_of(rng, &[usual, written]) } else { one_of(rng, &[None, written]) };
            FigureKind::ImageGrid(ImageGridSettings { x, y: maybe(rng, |_| y), scores, ssim_against })
        }
        1 => {
            let of_panel: Vec<String> = panel.iter().map(|persona| format!("qoe_{persona}")).collect();
            let latency = vec!["latency_s".to_owned()];
            let value = if of_panel.is_empty() { latency } else { one_of(rng, &[latency, of_panel]) };
            let (mark_maximum, contour_threshold, mark) = (rng.random(), false, Vec::new());
            FigureKind::HeatMap(HeatMapSettings { x, y, value, mark_maximum, contour_threshold, mark })
        }
        _ => FigureKind::ScoreDistribution { scores: panel },
    };
    // That of all devices would hold too many pictures.
    let is_of_one = matches!(kind, FigureKind::ScoreDistribution { .. });
    let device = if is_of_one { Some(shown.to_owned()) } else { device };
    FigureSettings { name, title, device, page: PageSettings::default(), kind }
}

/// Chains of one device only are not handed on.
fn architecture(rng: &mut ChaCha8Rng, split: Split) -> ArchitectureSettings {
    let any = random_network::architecture(rng);
    match split {
        Split::Joint => ArchitectureSettings { kind: ArchitectureKind::Edge, ..any },
        Split::Respaced => any,
    }
}

fn scenario(rng: &mut ChaCha8Rng) -> Scenario {
    let diffusion = diffusion(rng);
    let demand = maybe(rng, random_network::demand);
    let has_demand = demand.is_some();
    let split = diffusion.split;
    let radio = radio(rng, diffusion.codec, has_demand);
    let population = maybe(rng, population);
    let has_population = population.is_some();
    let tables: Vec<Vec<DeviceSettings>> = (0..rng.random_range(1..5))
        .map(|index| {
            let single = device(rng, index, has_population);
            random_network::of_one_table(rng, single, has_demand)
        })
        .collect();
    let t0 = rng.random_range(0..diffusion.steps);
    // powers that come from dBW, since a figure may sweep those
    let power = |rng: &mut ChaCha8Rng| db_to_linear(f64::from(rng.random_range(-400..400)) / 8.0);
    let steps_and_power: Vec<(u32, f64)> = tables
        .iter()
        .flat_map(|devices| vec![(rng.random_range(u32::from(t0 == 0)..=diffusion.steps), power(rng)); devices.len()])
        .collect();
    let (tk, tx_power_w) = steps_and_power.into_iter().unzip();
    let policy = FixedPolicy { t0, tk, tx_power_w };
    let last_table = &tables[tables.len() - 1][0];
    let last = last_table.table_name().to_owned();
    let devices = tables.concat();
    let mut axes = vec!["policy.t0".to_owned(), "radio.fading".into(), "radio.modulation".into(), "study.seed".into()];
    axes.extend(radio.bit_error_probability.map(|_| "radio.bit_error_probability".into()));
    axes.push(one_of(rng, &["policy.tk".into(), format!("policy.tk[{last}]"), format!("device.{last}.prompt")]));
    axes.push(one_of(rng, &["policy.tx_power_w".to_owned(), "policy.tx_power_dbw".into()]));
    let judge = judge(rng);
    let mut figures = Vec::new();
    let shown = devices[devices.len() - 1].name.clone();
    for index in 0..rng.random_range(0..3) {
        figures.push(figure(rng, format!("figure.{index}"), &axes, &shown, &diffusion, &judge));
    }
    let (cells, cell_grid) = random_network::cells(rng);
    let execution_provider = one_of(rng, &[ExecutionProvider::Auto, ExecutionProvider::Cpu, ExecutionProvider::Cuda]);
    let resident_latents = rng.random_bool(0.5);
    let round = Scenario {
        study: StudySettings {
            name: "a.b_c-d".into(),
            seed: rng.random(),
            replications: rng.random_range(1..9),
            until: maybe(rng, |rng| Until {
                relative_half_width: positive(rng),
                quantity: one_of(rng, &["sum_qoe".to_owned(), "latency_s".into()]),
                maximum_replications: rng.random_range(9..2000),
            }),
        },
        models: ModelSettings {
            diffusion: prompt(rng).into(),
            execution_provider,
            cuda_device_id: rng.random_range(0..=255),
            cuda_memory_limit_gb: maybe(rng, positive),
            resident_latents,
            cuda_graphs: resident_latents && execution_provider == ExecutionProvider::Cuda && rng.random_bool(0.5),
            sentence_encoder: maybe(rng, |rng| prompt(rng).into()),
        },
        server: server(rng),
        diffusion,
        radio,
        devices,
        policy: PolicySettings::Fixed(policy),
        judge,
        population,
        demand: None,
        grouping: GroupingSettings::default(),
        cache: None,
        architecture: architecture(rng, split),
        cells,
        cell_grid,
        mobility: MobilitySettings::Static,
        faults: Vec::new(),
        recovery: RecoverySettings::default(),
        analysis: AnalysisSettings::default(),
        train: None,
        figures,
    };
    let scenario = match demand {
        None => round,
        Some(demand) => in_time(rng, round, demand),
    };
    let train = maybe(rng, |rng| random_training::train(rng, &scenario)).flatten();
    Scenario { train, ..scenario }
}

#[test]
fn a_resolved_scenario_reads_back_to_an_equal_one() {
    let mut rng = ChaCha8Rng::seed_from_u64(41);
    for _ in 0..2000 {
        let scenario = scenario(&mut rng);
        let text = scenario.to_toml();
        let points = ScenarioFile::from_str(text.clone(), "resolved.toml").and_then(|file| file.points());
        let points = points.unwrap_or_else(|error| panic!("{error:#}\n{text}"));
        assert_eq!(points.len(), 1, "{text}");
        assert_eq!(points[0].scenario, scenario, "{text}");
    }
}
