//! Samplers against diffusers' schedulers, and single steps against numbers worked out by hand.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use latentlink::diffusion::sampler::{SecondEvaluation, StepRule};
use latentlink::diffusion::{
    Chain, DenoisingStep, History, NoiseSchedule, PredictionType, Sampler, Split, SplitChain, guide,
};
use serde_json::{Value, json};

fn floats(value: &Value) -> Vec<f32> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap() as f32).collect()
}

/// The closed form of `tests/reference/diffusers_schedulers.py`.
fn denoiser(latent: &[f32], timestep: f64) -> Vec<f32> {
    (0..latent.len())
        .map(|i| {
            let (z, next) = (f64::from(latent[i]), f64::from(latent[(i + 1) % latent.len()]));
            let output =
                0.95 * z + 0.2 * (1.3 * z + 0.002 * timestep).sin() + 0.1 * (0.7 * next - 0.001 * timestep).cos();
            output as f32
        })
        .collect()
}

/// Runs a chain; noise is drawn from the list in order, by the steps that need any.
fn run(chain: &Chain, start: &[f32], noises: &[Vec<f32>]) -> Vec<f32> {
    let mut latent: Vec<f32> = start.iter().map(|value| value * chain.start_scale as f32).collect();
    let mut history: Vec<Arc<[f32]>> = Vec::new();
    let mut noises = noises.iter();
    for step in &chain.steps {
        let output = denoiser(&latent, step.timestep);
        let mean = step.second_evaluation().map(|second| {
            let at_the_end = denoiser(&step.predict(&latent, &output), second.timestep);
            output.iter().zip(at_the_end).map(|(first, second)| 0.5 * (first + second)).collect::<Vec<f32>>()
        });
        let noise = step.is_stochastic().then(|| noises.next().unwrap().as_slice());
        let mut next = vec![0.0; latent.len()];
        step.apply(&latent, mean.as_ref().unwrap_or(&output), &history, noise, &mut next);
        history = step.remember(&latent, &output, &history);
        latent = next;
    }
    latent
}

/// Every sampler by the name it has in the reference.
fn sampler_of(name: &str) -> Sampler {
    match name {
        "ddim" => Sampler::Ddim { eta: 0.0 },
        "ddim half" => Sampler::Ddim { eta: 0.5 },
        "ddpm" => Sampler::Ddpm,
        "euler" => Sampler::Euler,
        "euler-ancestral" => Sampler::EulerAncestral,
        "pndm" => Sampler::Pndm,
        "dpm-solver++" => Sampler::DpmSolver,
        "lcm" => Sampler::Lcm,
        other => panic!("unknown sampler {other}"),
    }
}

#[test]
fn final_latents_agree_with_diffusers_for_every_schedule_sampler_and_number_of_steps() {
    let reference: Value = serde_json::from_str(include_str!("../vectors/diffusers_schedulers.json")).unwrap();
    // Four numbers of steps; without the predictions and levels that diffusers' classes do not know.
    assert_eq!(agreeing_cases(&reference), 4 * (7 * 8 - 2 - 3));
}

#[test]
fn final_latents_with_karras_levels_agree_with_diffusers() {
    let reference: Value = serde_json::from_str(include_str!("../vectors/diffusers_karras.json")).unwrap();
    // Without the two schedules on which diffusers' DPM-Solver++ fails.
    assert_eq!(agreeing_cases(&reference), 4 * (5 * 2 - 2));
}

/// Compares all cases of a reference and returns their number.
fn agreeing_cases(reference: &Value) -> usize {
    let start = floats(&reference["start"]);
    let noises: Vec<Vec<f32>> = reference["noises"].as_array().unwrap().iter().map(floats).collect();
    let cases = reference["cases"].as_array().unwrap();
    for case in cases {
        let config = case["config"].as_str().unwrap();
        let schedule =
            NoiseSchedule::from_config(Path::new("scheduler_config.json"), &reference["configs"][config]).unwrap();
        let sampler = sampler_of(case["sampler"].as_str().unwrap());
        let label = format!("{config}, {}, {} steps", case["sampler"], case["steps"]);
        let has_karras_levels = reference["configs"][config]["use_karras_sigmas"] == true;
        let chain = schedule.chain(sampler, case["steps"].as_u64().unwrap() as u32).unwrap();
        // The timesteps of all evaluations.
        let evaluations = chain.steps.iter().flat_map(|step| {
            [Some(step.timestep), step.second_evaluation().map(|second| second.timestep)].into_iter().flatten()
        });
        let timesteps: Vec<f32> = evaluations.map(|timestep| timestep as f32).collect();
        assert_eq!(timesteps.len(), case["timesteps"].as_array().unwrap().len(), "{label}");
        for (ours, theirs) in timesteps.iter().zip(floats(&case["timesteps"])) {
            // Between two of the table Karras's hang on logarithms of its single precision.
            let tolerance = if has_karras_levels && sampler == Sampler::Euler { 1e-2 } else { 0.0 };
            assert!((ours - theirs).abs() <= tolerance, "{label}: {ours} is not {theirs}");
        }
        assert_eq!(chain.steps.len() as u64, case["steps"].as_u64().unwrap(), "{label}");
        // diffusers' Euler schedulers keep x = z √(1 + σ²) in single precision, and start at σ = 4096 where the terminal
        // ᾱ is 0: rounding x there moves the next latent by a few parts in 10⁵.
        let goes_by_sigma = matches!(sampler, Sampler::Euler | Sampler::EulerAncestral);
        let from_zero_snr = goes_by_sigma && chain.steps[0].alpha_bar_from < 1e-6;
        // All of Karras's levels hang on the lowest σ, of which the table has three digits where ᾱ_0 is 0.9999.
        let tolerance = if from_zero_snr || has_karras_levels { 5e-5 } else { 1e-5 };
        let ours = run(&chain, &start, &noises);
        for (ours, theirs) in ours.iter().zip(floats(&case["final"])) {
            let difference = f64::from((ours - theirs).abs() / theirs.abs().max(1.0));
            assert!(difference <= tolerance, "{label}: {ours} is not {theirs} ({difference:e})");
        }
    }
    cases.len()
}

#[test]
fn a_respaced_split_of_dpm_solver_agrees_with_diffusers_with_its_history_sent_and_begun_anew() {
    let reference: Value = serde_json::from_str(include_str!("../vectors/diffusers_schedulers.json")).unwrap();
    let start = floats(&reference["start"]);
    let cases = reference["dpm_solver_splits"].as_array().unwrap();
    for case in cases {
        let config = &reference["configs"][case["config"].as_str().unwrap()];
        let schedule = NoiseSchedule::from_config(Path::new("scheduler_config.json"), config).unwrap();
        let history = match case["history"].as_str().unwrap() {
            "send" => History::Send,
            _ => History::Restart,
        };
        let split = SplitChain::new(&schedule, Sampler::DpmSolver, Split::Respaced, 11, 4, 5).unwrap();
        let split = split.with_history(history);
        let timesteps: Vec<f32> = split.device.iter().map(|step| step.timestep as f32).collect();
        assert_eq!(timesteps, floats(&case["device"]));
        let whole = Chain { start_scale: split.start_scale, steps: [split.server, split.device].concat() };
        for (ours, theirs) in run(&whole, &start, &[]).iter().zip(floats(&case["final"])) {
            assert!((ours - theirs).abs() <= 1e-5 * theirs.abs().max(1.0), "{history:?}: {ours} is not {theirs}");
        }
    }
    assert_eq!(cases.len(), 4);
}

/// Erratum E3 of the paper: Stable Diffusion's ᾱ, from timestep 500 to 400, one value with z_0 = 1.3 and ε = −0.7.
fn erratum_step(rule: StepRule, noise_scale: f64, prediction: PredictionType) -> (DenoisingStep, f64, f64) {
    let schedule = NoiseSchedule::from_config(
        Path::new("scheduler_config.json"),
        &json!({
            "_class_name": "PNDMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"
        }),
    )
    .unwrap();
    let (from, to) = (schedule.alpha_bar()[500], schedule.alpha_bar()[400]);
    let step = DenoisingStep {
        timestep: 500.0,
        alpha_bar_from: from,
        alpha_bar_to: to,
        prediction,
        rule,
        noise_scale,
        clip_sample: None,
    };
    (step, from.sqrt(), (1.0 - from).sqrt())
}

#[test]
fn one_step_gives_the_mean_of_the_corrected_equation_8_and_ddims_value_in_every_prediction_type() {
    let (z0, epsilon) = (1.3, -0.7);
    for prediction in [PredictionType::Epsilon, PredictionType::VPrediction, PredictionType::Sample] {
        for (rule, expected) in [(StepRule::Posterior, 0.4648845511), (StepRule::Ddim, 0.3159408564)] {
            let (step, alpha, sigma) = erratum_step(rule, 0.0, prediction);
            let output = match prediction {
                PredictionType::Epsilon => epsilon,
                PredictionType::VPrediction => alpha * epsilon - sigma * z0,
                PredictionType::Sample => z0,
            };
            let mut next = [0.0];
            step.apply(&[(alpha * z0 + sigma * epsilon) as f32], &[output as f32], &[], None, &mut next);
            assert!((f64::from(next[0]) - expected).abs() < 3e-7, "{rule:?} {prediction:?}: {}", next[0]);
        }
    }
}

#[test]
fn ancestral_noise_has_the_variance_of_equation_7() {
    // A schedule of two timesteps whose levels are those of erratum E3's 400 and 500.
    let (_, alpha_500, _) = erratum_step(StepRule::Ddim, 0.0, PredictionType::Epsilon);
    let full = json!({
        "_class_name": "PNDMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"
    });
    let path = Path::new("scheduler_config.json");
    let alpha_bar_400 = NoiseSchedule::from_config(path, &full).unwrap().alpha_bar()[400];
    let schedule = NoiseSchedule::from_config(
        path,
        &json!({
            "_class_name": "DDIMScheduler", "num_train_timesteps": 2,
            "trained_betas": [1.0 - alpha_bar_400, 1.0 - alpha_500 * alpha_500 / alpha_bar_400]
        }),
    )
    .unwrap();
    for sampler in [Sampler::Ddpm, Sampler::Ddim { eta: 1.0 }] {
        let chain = schedule.chain(sampler, 2).unwrap();
        let scale = chain.steps[0].noise_scale;
        assert!((scale * scale - 0.2775629576).abs() < 1e-9, "{sampler:?}: {}", scale * scale);
        // Nothing is left to be noisy about at ᾱ = 1.
        assert_eq!(chain.steps[1].noise_scale, 0.0);
        let mut next = [0.0; 2];
        chain.steps[0].apply(&[0.4, 0.4], &[0.1, 0.1], &[], Some(&[0.0, 1.0]), &mut next);
        assert!((f64::from(next[1] - next[0]) - scale).abs() < 1e-6);
    }
    let half = schedule.chain(Sampler::Ddim { eta: 0.5 }, 2).unwrap().steps[0].noise_scale;
    assert!((4.0 * half * half - 0.2775629576).abs() < 1e-9);
}

#[test]
fn euler_ancestral_in_variance_preserving_coordinates_is_ddim_with_eta_1_through_the_same_timesteps() {
    let schedule = NoiseSchedule::from_config(
        Path::new("scheduler_config.json"),
        &json!({"_class_name": "DDIMScheduler", "clip_sample": false}),
    )
    .unwrap();
    let ancestral = schedule.chain(Sampler::EulerAncestral, 10).unwrap();
    assert_eq!(ancestral, schedule.chain(Sampler::Ddim { eta: 1.0 }, 10).unwrap());
}

/// On a straight path, where the model's output never changes, every order gives the same.
#[test]
fn multistep_rules_of_every_order_agree_where_the_model_says_the_same_at_each_step() {
    let (step, ..) = erratum_step(StepRule::Ddim, 0.0, PredictionType::Epsilon);
    let next = |rule: StepRule, earlier: &[Arc<[f32]>]| {
        let mut next = [0.0];
        DenoisingStep { rule, ..step }.apply(&[0.4], &[0.3], earlier, None, &mut next);
        next[0]
    };
    let expected = next(StepRule::Ddim, &[]);
    let outputs: Vec<Arc<[f32]>> = vec![[0.3].into(); 3];
    for earlier in 0..=3 {
        let found = next(StepRule::Plms { earlier }, &outputs);
        assert!((found - expected).abs() < 1e-6, "{earlier}: {found} is not {expected}");
    }
    let step = DenoisingStep { rule: StepRule::DpmSolver { difference: 0.7 }, ..step };
    let clean = step.remember(&[0.4], &[0.3], &[]);
    let found = next(step.rule, &clean);
    assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
}

#[test]
fn euler_in_variance_preserving_coordinates_is_ddim_through_the_same_timesteps() {
    // Where N divides T, spacing is leading and the end is ᾱ = 1, DDIM also goes from timestep to timestep.
    let schedule = NoiseSchedule::from_config(
        Path::new("scheduler_config.json"),
        &json!({"_class_name": "DDIMScheduler", "clip_sample": false}),
    )
    .unwrap();
    assert_eq!(schedule.chain(Sampler::Euler, 10).unwrap(), schedule.chain(Sampler::Ddim { eta: 0.0 }, 10).unwrap());
}

#[test]
fn the_key_of_a_step_tells_apart_every_number_in_it() {
    let (step, ..) = erratum_step(StepRule::Ddim, 0.25, PredictionType::Epsilon);
    let key = |step: DenoisingStep| {
        let mut bytes = Vec::new();
        step.write_key(&mut |part| bytes.extend_from_slice(part));
        bytes
    };
    let pair = |timestep, alpha_bar_predicted, alpha_bar_from| {
        let second = SecondEvaluation { timestep, alpha_bar_predicted, alpha_bar_from };
        DenoisingStep { rule: StepRule::PlmsStart(second), ..step }
    };
    let variants = [
        step,
        DenoisingStep { timestep: 501.0, ..step },
        DenoisingStep { alpha_bar_from: 0.2, ..step },
        DenoisingStep { alpha_bar_to: 0.9, ..step },
        DenoisingStep { prediction: PredictionType::Sample, ..step },
        DenoisingStep { prediction: PredictionType::VPrediction, ..step },
        DenoisingStep { rule: StepRule::Posterior, ..step },
        DenoisingStep { rule: StepRule::Consistency { skip: 0.25 }, ..step },
        DenoisingStep { rule: StepRule::Consistency { skip: 0.5 }, ..step },
        DenoisingStep { rule: StepRule::Plms { earlier: 0 }, ..step },
        DenoisingStep { rule: StepRule::Plms { earlier: 1 }, ..step },
        DenoisingStep { rule: StepRule::DpmSolver { difference: 0.0 }, ..step },
        DenoisingStep { rule: StepRule::DpmSolver { difference: 1.0 }, ..step },
        pair(400.0, 0.4, 0.2),
        pair(401.0, 0.4, 0.2),
        pair(400.0, 0.5, 0.2),
        pair(400.0, 0.4, 0.3),
        DenoisingStep { noise_scale: 0.0, ..step },
        DenoisingStep { clip_sample: Some(0.0), ..step },
        DenoisingStep { clip_sample: Some(1.0), ..step },
    ];
    let keys: HashSet<Vec<u8>> = variants.iter().map(|&step| key(step)).collect();
    assert_eq!(keys.len(), variants.len());
    assert_eq!(key(step), key(step));
}

#[test]
fn guidance_extrapolates_from_the_unconditional_output() {
    let conditional = [1.0, -2.0, 0.5];
    let guided = |scale| {
        let mut output = [0.5, 0.0, 0.5];
        guide(&mut output, &conditional, scale);
        output
    };
    assert_eq!(guided(0.0), [0.5, 0.0, 0.5]);
    assert_eq!(guided(1.0), conditional);
    assert_eq!(guided(3.0), [2.0, -6.0, 0.5]);
}

#[test]
fn a_latent_that_is_not_a_number_stays_so_through_a_clipped_step() {
    let (step, ..) = erratum_step(StepRule::Ddim, 0.0, PredictionType::VPrediction);
    let clipped = DenoisingStep { clip_sample: Some(1.0), ..step };
    let mut next = [0.0];
    clipped.apply(&[f32::NAN], &[0.1], &[], None, &mut next);
    assert!(next[0].is_nan());
}
