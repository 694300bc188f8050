//! A checked scenario written back as TOML is the same scenario.

use latentlink::diffusion::{LatentCodec, Sampler, Sanitize, Split};
use latentlink::judge::{NamedPersona, NormalPopulation, Persona, Readout, Spread};
use latentlink::onnx::ExecutionProvider;
use latentlink::radio::{Fading, FisherSnedecorConvention, Modulation, PathLoss, db_to_linear};
use latentlink::scenario::{
    DeviceSettings, DiffusionSettings, ErrorModel, Execution, FigureKind, FigureSettings, FixedPolicy, HeatMapSettings,
    ImageGridSettings, JudgeKind, JudgeSettings, ModelSettings, MultipleAccess, PageSettings, PersonaSettings,
    PictureReference, PolicySettings, PopulationSettings, RadioSettings, Scenario, ScenarioFile, ServerSettings,
    StudySettings, SurfaceSettings, Until, VlmSettings,
};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn one_of<T: Clone>(rng: &mut impl Rng, values: &[T]) -> T {
    values[rng.random_range(0..values.len())].clone()
}

/// A number above zero of any magnitude, with all its digits.
fn positive(rng: &mut impl Rng) -> f64 {
    10f64.powf(rng.random_range(-12.0..12.0))
}

fn maybe<T>(rng: &mut impl Rng, make: impl FnOnce(&mut ChaCha8Rng) -> T) -> Option<T> {
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
    one_of(rng, &[Sampler::Ddim { eta: 0.0 }, Sampler::Ddim { eta }, Sampler::Ddpm, Sampler::Euler])
}

fn path_loss(rng: &mut impl Rng) -> PathLoss {
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
    DiffusionSettings {
        sampler: sampler(rng),
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

fn radio(rng: &mut impl Rng) -> RadioSettings {
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
        multiple_access: one_of(rng, &[MultipleAccess::Tdma, MultipleAccess::Ofdma]),
        efficiency: 1.0 - rng.random_range(0.0..1.0),
        header_bits: rng.random_range(0..=u32::MAX.into()),
        energy_per_watt_j: maybe(rng, positive),
        amplifier_efficiency: 1.0 - rng.random_range(0.0..1.0),
        bit_error_probability: maybe(rng, |rng| rng.random_range(0.0..=0.5)),
    }
}

fn persona(rng: &mut impl Rng) -> NamedPersona {
    let (name, named) = one_of(rng, &Persona::NAMED);
    let traits = Persona::new(std::array::from_fn(|_| one_of(rng, &[0.0, 1.0, 0.25, 1e-7]))).expect("in [0, 1]");
    one_of(rng, &[NamedPersona::new(name, named), NamedPersona::of_traits(traits)])
}

fn population(rng: &mut impl Rng) -> PopulationSettings {
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

fn judge_kind(rng: &mut ChaCha8Rng) -> JudgeKind {
    let surface = SurfaceSettings { similarity: maybe(rng, |rng| rng.random_range(-1.0..=1.0)), noise: rng.random() };
    let readout = one_of(rng, &[Readout::Expectation, Readout::Greedy, Readout::Sample]);
    let is_drawn = readout == Readout::Sample;
    let vlm = VlmSettings {
        pack: prompt(rng).into(),
        template: maybe(rng, |rng| prompt(rng).into()),
        readout,
        temperature: if is_drawn { positive(rng) } else { 1.0 },
        max_new_tokens: if readout == Readout::Expectation { 16 } else { rng.random_range(1..=4096) },
        retries: if is_drawn { rng.random_range(0..=1000) } else { 3 },
    };
    one_of(rng, &[JudgeKind::None, JudgeKind::Surface(surface), JudgeKind::Vlm(vlm)])
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
        step_energy_j: positive(rng),
        step_time_s: positive(rng),
        decode_energy_j: positive(rng),
        decode_time_s: 0.0,
        receive_power_w: positive(rng),
        energy_budget_j: maybe(rng, positive),
    }
}

fn figure(
    rng: &mut ChaCha8Rng,
    name: String,
    axes: &[String],
    device: &str,
    diffusion: &DiffusionSettings,
    judge: &JudgeSettings,
) -> FigureSettings {
    let y = rng.random_range(1..axes.len());
    let (x, y) = (axes[rng.random_range(0..y)].clone(), axes[y].clone());
    let (device, title) = (maybe(rng, |_| device.to_owned()), maybe(rng, prompt));
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
    FigureSettings { name, title, device, page: PageSettings::default(), kind }
}

fn scenario(rng: &mut ChaCha8Rng) -> Scenario {
    let diffusion = diffusion(rng);
    let radio = radio(rng);
    let population = maybe(rng, population);
    let has_population = population.is_some();
    let devices: Vec<_> = (0..rng.random_range(1..5)).map(|index| device(rng, index, has_population)).collect();
    let t0 = rng.random_range(0..diffusion.steps);
    // powers that come from dBW, since a figure may sweep those
    let power = |rng: &mut ChaCha8Rng| db_to_linear(f64::from(rng.random_range(-400..400)) / 8.0);
    let policy = FixedPolicy {
        t0,
        tk: devices.iter().map(|_| rng.random_range(u32::from(t0 == 0)..=diffusion.steps)).collect(),
        tx_power_w: devices.iter().map(|_| power(rng)).collect(),
    };
    let mut axes = vec!["policy.t0".to_owned(), "radio.fading".into(), "radio.modulation".into(), "study.seed".into()];
    axes.extend(radio.bit_error_probability.map(|_| "radio.bit_error_probability".into()));

    let last = &devices[devices.len() - 1].name;
    axes.push(one_of(rng, &["policy.tk".into(), format!("policy.tk[{last}]"), format!("device.{last}.prompt")]));
    axes.push(one_of(rng, &["policy.tx_power_w".to_owned(), "policy.tx_power_dbw".into()]));
    let judge = judge(rng);
    let mut figures = Vec::new();
    for index in 0..rng.random_range(0..3) {
        figures.push(figure(rng, format!("figure.{index}"), &axes, last, &diffusion, &judge));
    }
    Scenario {
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
            execution_provider: one_of(
                rng,
                &[ExecutionProvider::Auto, ExecutionProvider::Cpu, ExecutionProvider::Cuda],
            ),
        },
        server: ServerSettings {
            prompt: maybe(rng, prompt),
            step_energy_j: positive(rng),
            step_time_s: positive(rng),
            energy_budget_j: maybe(rng, positive),
        },
        diffusion,
        radio,
        devices,
        policy: PolicySettings::Fixed(policy),
        judge,
        population,
        figures,
    }
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

#[test]
fn a_resolved_study_reads_back_to_the_same_points() {
    let mut files: Vec<ScenarioFile> =
        ["quickstart.toml", "paper/fig08.toml", "paper/fig09.toml", "paper/fig10.toml", "paper/fig13.toml"]
            .map(|path| ScenarioFile::read(format!("{}/scenarios/{path}", env!("CARGO_MANIFEST_DIR"))).expect("TOML"))
            .into();
    let swept = "[[device]]\nprompt = \"a\"\n[[device]]\nprompt = \"b\"\n[policy]\nt0 = 1\ntk = 2\n";
    for (sweep, power) in [
        ("\"policy.tx_power_dbw\" = [1.7, 18.3]", "tx_power_w = 3.0"),
        ("\"policy.tx_power_dbw[1]\" = [1.7, 18.3]", "tx_power_dbw = 3.1"),
        ("\"policy.tx_power_w[device-2]\" = [1.7, 18.3]", ""),
        ("\"radio.fading\" = [\"none\", { kind = \"rician\", k_db = 3 }]", ""),
        ("\"radio.fading.ms\" = [1.5, 3]", ""),
        ("\"radio.path_loss\" = [\"uma-nlos\", { kind = \"fixed-gain\", gain_db = -90 }]", ""),
        ("\"server.energy_budget_j\" = [1, 2]", ""),
        ("\"judge.readout\" = [\"greedy\", \"sample\"]", "[judge]\npack = \"judge\""),
        ("\"device.device-1.persona\" = [\"GA1\", [0.1, 0.2, 0.3, 0.4, 0.5]]", ""),
        ("\"judge.similarity\" = [0.8, 0.9]", "[judge]\nkind = \"surface\""),
        ("\"policy.t0\" = { from = 1, to = 3, step = 2 }", ""),
        ("\"radio.efficiency\" = { from = 0.1, to = 1, points = 4 }\nmode = \"grid\"", ""),
        ("\"radio.bandwidth_hz\" = { from = 1e6, to = 1e8, points = 3, log = true }", ""),
        ("mode = \"zip\"\n\"policy.t0\" = [1, 2, 2]\n\"policy.tk\" = { from = 3, to = 5, points = 3 }", ""),
        (
            "\"study.seed\" = [1, 2]\nzip = [{ \"policy.t0\" = [1, 2], policy.tk = [3, 4] }]\nradio.fading.ms = [2, 3]",
            "",
        ),
        (
            "\"study.seed\" = [1, 2]\n[[sweep.zip]]\npolicy.t0 = [1, 2]\npolicy.tk.device-2 = [3, 4]\n\
             [[sweep.zip]]\n\"server.step_time_s\" = [1, 2]\nradio.efficiency = { from = 0.3, to = 0.4, step = 0.1 }",
            "",
        ),
        (
            "\"population.standard_deviation\" = [[0.1, 0.1, 0.1, 0.1, 0.1], [0, 0, 0, 0, 0]]",
            "[population]\nmean = [0.1, 0.2, 0.3, 0.4, 0.5]",
        ),
    ] {
        let text = format!("{swept}{power}\n[sweep]\n{sweep}\n");
        files.push(ScenarioFile::from_str(text, "swept.toml").expect("TOML"));
    }
    for file in files {
        let resolved = file.resolved_toml().unwrap_or_else(|error| panic!("{error:#}"));
        let again = ScenarioFile::from_str(resolved.clone(), "resolved.toml").and_then(|file| file.points());
        let again = again.unwrap_or_else(|error| panic!("{error:#}\n{resolved}"));
        assert_eq!(again, file.points().expect("a good scenario"), "{resolved}");
        let once_more = ScenarioFile::from_str(resolved.clone(), "resolved.toml").and_then(|file| file.resolved_toml());
        assert_eq!(once_more.expect("a good scenario"), resolved);
    }
}
