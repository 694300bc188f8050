//! Samplers against diffusers' schedulers, and single steps against numbers worked out by hand.

use std::collections::HashSet;
use std::path::Path;

use latentlink::diffusion::sampler::StepRule;
use latentlink::diffusion::{Chain, DenoisingStep, NoiseSchedule, PredictionType, Sampler, guide};
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
    let mut noises = noises.iter();
    for step in &chain.steps {
        let output = denoiser(&latent, step.timestep);
        let noise = step.is_stochastic().then(|| noises.next().unwrap().as_slice());
        let mut next = vec![0.0; latent.len()];
        step.apply(&latent, &output, noise, &mut next);
        latent = next;
    }
    latent
}

#[test]
fn final_latents_agree_with_diffusers_for_every_schedule_sampler_and_number_of_steps() {
    let reference: Value = serde_json::from_str(include_str!("../vectors/diffusers_schedulers.json")).unwrap();
    let start = floats(&reference["start"]);
    let noises: Vec<Vec<f32>> = reference["noises"].as_array().unwrap().iter().map(floats).collect();
    let mut cases = 0;
    for case in reference["cases"].as_array().unwrap() {
        let config = case["config"].as_str().unwrap();
        let schedule =
            NoiseSchedule::from_config(Path::new("scheduler_config.json"), &reference["configs"][config]).unwrap();
        let sampler = match case["sampler"].as_str().unwrap() {
            "ddim" => Sampler::Ddim { eta: 0.0 },
            "ddim half" => Sampler::Ddim { eta: 0.5 },
            "ddpm" => Sampler::Ddpm,
            "euler" => Sampler::Euler,
            other => panic!("unknown sampler {other}"),
        };
        let label = format!("{config}, {}, {} steps", case["sampler"], case["steps"]);
        let chain = schedule.chain(sampler, case["steps"].as_u64().unwrap() as u32).unwrap();
        let timesteps: Vec<f32> = chain.steps.iter().map(|step| step.timestep as f32).collect();
        assert_eq!(timesteps, floats(&case["timesteps"]), "{label}");
        // diffusers' Euler scheduler keeps x = z √(1 + σ²) in single precision, and starts at σ = 4096 where the terminal
        // ᾱ is 0: rounding x there moves the next latent by a few parts in 10⁵.
        let from_zero_snr = sampler == Sampler::Euler && chain.steps[0].alpha_bar_from < 1e-6;
        let tolerance = if from_zero_snr { 5e-5 } else { 1e-5 };
        let ours = run(&chain, &start, &noises);
        for (ours, theirs) in ours.iter().zip(floats(&case["final"])) {
            let difference = f64::from((ours - theirs).abs() / theirs.abs().max(1.0));
            assert!(difference <= tolerance, "{label}: {ours} is not {theirs} ({difference:e})");
        }
        cases += 1;
    }
    assert_eq!(cases, 6 * 4 * 4 - 4);
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
            step.apply(&[(alpha * z0 + sigma * epsilon) as f32], &[output as f32], None, &mut next);
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
        chain.steps[0].apply(&[0.4, 0.4], &[0.1, 0.1], Some(&[0.0, 1.0]), &mut next);
        assert!((f64::from(next[1] - next[0]) - scale).abs() < 1e-6);
    }
    let half = schedule.chain(Sampler::Ddim { eta: 0.5 }, 2).unwrap().steps[0].noise_scale;
    assert!((4.0 * half * half - 0.2775629576).abs() < 1e-9);
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
    let variants = [
        step,
        DenoisingStep { timestep: 501.0, ..step },
        DenoisingStep { alpha_bar_from: 0.2, ..step },
        DenoisingStep { alpha_bar_to: 0.9, ..step },
        DenoisingStep { prediction: PredictionType::Sample, ..step },
        DenoisingStep { prediction: PredictionType::VPrediction, ..step },
        DenoisingStep { rule: StepRule::Posterior, ..step },
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
    clipped.apply(&[f32::NAN], &[0.1], None, &mut next);
    assert!(next[0].is_nan());
}
