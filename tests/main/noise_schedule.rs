//! Noise schedules against Stable Diffusion's own numbers, and what a scheduler file may not hold.

use std::path::Path;

use latentlink::diffusion::{NoiseSchedule, PredictionType, Sampler, ScheduleError};
use serde_json::{Value, json};

const DDIM: Sampler = Sampler::Ddim { eta: 0.0 };

fn read(config: &Value) -> Result<NoiseSchedule, ScheduleError> {
    NoiseSchedule::from_config(Path::new("pack/scheduler/scheduler_config.json"), config)
}

/// What the repositories of Stable Diffusion 1.5 hold.
fn stable_diffusion_1() -> Value {
    json!({
        "_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012,
        "beta_schedule": "scaled_linear", "beta_start": 0.00085, "num_train_timesteps": 1000,
        "set_alpha_to_one": false, "skip_prk_steps": true, "steps_offset": 1, "trained_betas": null,
        "clip_sample": false
    })
}

fn with(mut config: Value, field: &str, value: Value) -> Value {
    config[field] = value;
    config
}

fn without(mut config: Value, field: &str) -> Value {
    config.as_object_mut().expect("a scheduler configuration is an object").remove(field);
    config
}

#[test]
fn stable_diffusion_schedule_agrees_with_every_reference_row() {
    let schedule = read(&stable_diffusion_1()).unwrap();
    let mut rows = 0;
    for row in include_str!("../vectors/sd_ddim_schedule_reference.csv").lines().skip(1) {
        let cell: Vec<&str> = row.split(',').collect();
        let (steps, done): (u32, usize) = (cell[0].parse().unwrap(), cell[1].parse().unwrap());
        let number = |column: usize| cell[column].parse::<f64>().unwrap();
        let step = schedule.chain(DDIM, steps).unwrap().steps[done];
        assert_eq!(step.timestep, number(2), "{row}");
        let gamma = schedule.signal_to_noise_ratio(step.timestep as usize);
        // Half a unit in the last printed place.
        assert!((step.alpha_bar_from - number(3)).abs() <= 0.51e-10, "{row}: {}", step.alpha_bar_from);
        assert!((gamma / number(4) - 1.0).abs() <= 0.51e-8, "{row}: {gamma}");
        assert!((10.0 * gamma.log10() - number(5)).abs() <= 0.51e-4, "{row}: {gamma}");
        rows += 1;
    }
    assert_eq!(rows, 86);
}

#[test]
fn steps_compose_to_the_marginal_and_the_signal_to_noise_ratio_falls() {
    let schedule = read(&stable_diffusion_1()).unwrap();
    let alpha_bar = schedule.alpha_bar();
    for (s, t) in [(0, 1), (1, 999), (300, 500), (998, 999)] {
        // (5) composed with (4) at s is (4) at t.
        let (alpha, variance) = schedule.transition(s, t);
        assert!((alpha * alpha_bar[s].sqrt() - alpha_bar[t].sqrt()).abs() < 1e-15);
        assert!((alpha * alpha * (1.0 - alpha_bar[s]) + variance - (1.0 - alpha_bar[t])).abs() < 1e-15);
    }
    for t in 1..1000 {
        assert!(schedule.signal_to_noise_ratio(t) < schedule.signal_to_noise_ratio(t - 1));
    }
}

#[test]
fn cosine_schedule_follows_its_closed_form_until_beta_is_capped() {
    let schedule = read(&json!({"_class_name": "DDPMScheduler", "beta_schedule": "squaredcos_cap_v2"})).unwrap();
    let level = |t: f64| ((t + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
    for t in [0, 250, 500, 998] {
        let expected = level((t + 1) as f64 / 1000.0) / level(0.0);
        assert!((schedule.alpha_bar()[t] / expected - 1.0).abs() < 1e-9, "{t}");
    }
    assert!((schedule.alpha_bar()[999] / (schedule.alpha_bar()[998] * 0.001) - 1.0).abs() < 1e-9);
}

#[test]
fn rescaling_makes_the_last_alpha_bar_exactly_zero_and_keeps_the_first() {
    let config = with(stable_diffusion_1(), "prediction_type", json!("v_prediction"));
    let plain = read(&config).unwrap();
    let rescaled = read(&with(config, "rescale_betas_zero_snr", json!(true))).unwrap();
    assert_eq!(rescaled.alpha_bar()[999], 0.0);
    assert!((rescaled.alpha_bar()[0] - plain.alpha_bar()[0]).abs() < 1e-15);
}

#[test]
fn what_a_file_leaves_out_is_what_its_own_class_takes() {
    let first_timestep = |class: &str, sampler| {
        let schedule = read(&json!({"_class_name": class})).unwrap();
        assert_eq!(schedule.train_timesteps(), 1000);
        assert_eq!(schedule.prediction(), PredictionType::Epsilon);
        (schedule.timesteps(sampler, 10).unwrap()[0], schedule.clip_sample())
    };
    assert_eq!(first_timestep("DDIMScheduler", DDIM), (900.0, Some(1.0)));
    assert_eq!(first_timestep("DDPMScheduler", Sampler::Ddpm), (900.0, Some(1.0)));
    assert_eq!(first_timestep("EulerDiscreteScheduler", Sampler::Euler), (999.0, None));
    assert_eq!(first_timestep("PNDMScheduler", DDIM), (900.0, None));
    assert_eq!(first_timestep("EulerAncestralDiscreteScheduler", Sampler::EulerAncestral), (999.0, None));
    assert_eq!(first_timestep("DPMSolverMultistepScheduler", Sampler::DpmSolver), (999.0, None));
    assert_eq!(first_timestep("LCMScheduler", Sampler::Lcm), (999.0, None));
    let first_beta = |class: &str| 1.0 - read(&json!({"_class_name": class})).unwrap().alpha_bar()[0];
    assert!((first_beta("DPMSolverMultistepScheduler") - 0.0001).abs() < 1e-15);
    assert!((first_beta("LCMScheduler") - 0.00085).abs() < 1e-15);
    let end =
        |class: &str| read(&json!({"_class_name": class})).unwrap().chain(DDIM, 10).unwrap().steps[9].alpha_bar_to;
    assert_eq!(end("DDIMScheduler"), 1.0);
    assert_eq!(end("PNDMScheduler"), 1.0 - 0.0001);
}

#[test]
fn every_field_that_would_change_the_result_is_refused_by_name() {
    let cases = [
        ("thresholding", json!(true)),
        ("use_karras_sigmas", json!("yes")),
        ("use_exponential_sigmas", json!(true)),
        ("use_beta_sigmas", json!(true)),
        ("sigma_min", json!(0.03)),
        ("sigma_max", json!(14.6)),
        ("variance_type", json!("learned_range")),
        ("interpolation_type", json!("log_linear")),
        ("timestep_type", json!("continuous")),
        ("final_sigmas_type", json!("sigma_min")),
        ("prediction_type", json!("flow_prediction")),
        ("timestep_spacing", json!("karras")),
        ("beta_schedule", json!("sigmoid")),
        ("beta_start", json!(-0.1)),
        ("beta_end", json!("0.012")),
        ("num_train_timesteps", json!(0)),
        ("num_train_timesteps", json!(12.5)),
        ("steps_offset", json!(-1)),
        ("clip_sample", json!("yes")),
        ("clip_sample_range", json!(0.0)),
        ("set_alpha_to_one", json!(1)),
        ("trained_betas", json!([0.1, 0.2])),
    ];
    for (field, value) in cases {
        match read(&with(stable_diffusion_1(), field, value)).unwrap_err() {
            ScheduleError::FieldValue { path, field: named, .. } => {
                assert_eq!(named, field);
                assert!(path.ends_with("scheduler_config.json"));
            }
            other => panic!("{field}: {other:?}"),
        }
    }
    let unknown = read(&with(stable_diffusion_1(), "shift", json!(3.0))).unwrap_err();
    assert!(matches!(&unknown, ScheduleError::UnknownField { field, .. } if field == "shift"), "{unknown:?}");
    assert!(unknown.to_string().contains("scheduler_config.json") && unknown.to_string().contains("`shift`"));
}

#[test]
fn fields_of_other_schedulers_and_private_ones_change_nothing() {
    let plain = read(&stable_diffusion_1()).unwrap();
    for (field, value) in [
        ("lower_order_final", json!(false)),
        ("flow_shift", json!(3.0)),
        ("lambda_min_clipped", json!("-Infinity")),
        ("sample_max_value", json!(1.0)),
        ("dynamic_thresholding_ratio", json!(0.995)),
        ("use_karras_sigmas", json!(false)),
        ("sigma_min", json!(null)),
        ("interpolation_type", json!("linear")),
        ("_note", json!("anything")),
    ] {
        assert_eq!(read(&with(stable_diffusion_1(), field, value)).unwrap(), plain, "{field}");
    }
}

#[test]
fn a_file_that_asks_for_another_variant_of_a_sampler_serves_all_but_that_one() {
    let solver = || json!({"_class_name": "DPMSolverMultistepScheduler"});
    for (config, field, value, refused) in [
        (stable_diffusion_1(), "skip_prk_steps", json!(false), Sampler::Pndm),
        (stable_diffusion_1(), "prediction_type", json!("sample"), Sampler::Pndm),
        (solver(), "solver_order", json!(3), Sampler::DpmSolver),
        (solver(), "algorithm_type", json!("sde-dpmsolver++"), Sampler::DpmSolver),
        (solver(), "solver_type", json!("heun"), Sampler::DpmSolver),
        (solver(), "use_lu_lambdas", json!(true), Sampler::DpmSolver),
        (solver(), "lambda_min_clipped", json!(-5.1), Sampler::DpmSolver),
    ] {
        let schedule = read(&with(config, field, value)).unwrap();
        for sampler in [DDIM, Sampler::Euler, Sampler::EulerAncestral, Sampler::Pndm, Sampler::DpmSolver, Sampler::Lcm]
        {
            match schedule.chain(sampler, 10) {
                Ok(_) => assert_ne!(sampler, refused, "{field}"),
                Err(error) => {
                    assert_eq!(sampler, refused, "{error}");
                    let text = error.to_string();
                    assert!(text.contains(field) && text.contains(refused.name()), "{text}");
                    assert!(error.is_in_pack());
                }
            }
        }
    }
    // What PNDMScheduler takes where its file is silent is the Runge-Kutta beginning.
    let silent = read(&without(stable_diffusion_1(), "skip_prk_steps")).unwrap();
    assert!(silent.chain(Sampler::Pndm, 10).unwrap_err().to_string().contains("`skip_prk_steps` is missing"));
}

#[test]
fn what_diffusers_writes_for_each_class_is_read() {
    let reference: Value = serde_json::from_str(include_str!("../vectors/diffusers_schedulers.json")).unwrap();
    let files = reference["files"].as_object().unwrap();
    assert_eq!(files.len(), 7);
    for (class, text) in files {
        // JSON has no -Infinity; the pack reads it as a text.
        let text = text.as_str().unwrap().replace("-Infinity", "\"-Infinity\"");
        let schedule = read(&serde_json::from_str(&text).unwrap()).unwrap();
        for sampler in [DDIM, Sampler::Ddpm, Sampler::Euler, Sampler::EulerAncestral, Sampler::DpmSolver, Sampler::Lcm]
        {
            assert_eq!(schedule.chain(sampler, 10).unwrap().steps.len(), 10, "{class}");
        }
        // The class's own default is the Runge-Kutta beginning.
        assert_eq!(schedule.chain(Sampler::Pndm, 10).is_ok(), class != "PNDMScheduler");
    }
    // Fields that later versions add.
    let mut newer = json!({"_class_name": "DPMSolverMultistepScheduler", "use_flow_sigmas": false, "flow_shift": 1.0,
        "use_dynamic_shifting": false, "time_shift_type": "exponential", "use_beta_sigmas": false});
    assert!(read(&newer).is_ok());
    newer["use_flow_sigmas"] = json!(true);
    assert!(matches!(read(&newer), Err(ScheduleError::FieldValue { field, .. }) if field == "use_flow_sigmas"));
}

#[test]
fn a_consistency_model_takes_no_more_steps_than_it_was_distilled_at() {
    let schedule = read(&json!({"_class_name": "LCMScheduler", "original_inference_steps": 20})).unwrap();
    assert_eq!(schedule.timesteps(Sampler::Lcm, 4).unwrap(), [999.0, 749.0, 499.0, 249.0]);
    assert_eq!(schedule.timesteps(Sampler::Lcm, 20).unwrap()[19], 49.0);
    let refused = schedule.timesteps(Sampler::Lcm, 21);
    assert_eq!(refused, Err(ScheduleError::BeyondOriginalSteps { steps: 21, original_steps: 20 }));
    for (field, value) in [("original_inference_steps", json!(0)), ("timestep_scaling", json!(0.0))] {
        assert!(matches!(
            read(&with(stable_diffusion_1(), field, value)),
            Err(ScheduleError::FieldValue { field: named, .. }) if named == field
        ));
    }
}

#[test]
fn an_unknown_or_missing_class_is_refused_with_the_known_ones() {
    for config in [
        with(stable_diffusion_1(), "_class_name", json!("FlowMatchEulerDiscreteScheduler")),
        without(stable_diffusion_1(), "_class_name"),
    ] {
        let error = read(&config).unwrap_err();
        assert!(matches!(error, ScheduleError::UnsupportedClass { .. }));
        assert!(error.to_string().contains("EulerDiscreteScheduler"), "{error}");
    }
    assert!(matches!(read(&json!([])), Err(ScheduleError::NotAnObject { .. })));
}

#[test]
fn betas_that_do_not_add_noise_are_refused_with_their_timestep() {
    let trained = |betas: Value| {
        read(&json!({
            "_class_name": "DDIMScheduler", "num_train_timesteps": 4, "trained_betas": betas,
            "prediction_type": "v_prediction"
        }))
    };
    assert!(trained(json!([0.1, 0.2, 0.3, 1.0])).is_ok());
    for (betas, at) in [
        (json!([0.1, 0.0, 0.3, 0.4]), 1),
        (json!([-0.1, 0.2, 0.3, 0.4]), 0),
        (json!([0.1, 0.2, 1.0, 0.4]), 3),
        (json!([0.1, 0.2, 0.3, 1.5]), 3),
    ] {
        match trained(betas) {
            Err(ScheduleError::NotMonotone { timestep, .. }) => assert_eq!(timestep, at),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn epsilon_prediction_at_zero_terminal_snr_is_refused() {
    let rescaled = with(stable_diffusion_1(), "rescale_betas_zero_snr", json!(true));
    assert!(matches!(read(&rescaled), Err(ScheduleError::ZeroTerminalWithEpsilon { .. })));
    for prediction in ["v_prediction", "sample"] {
        assert!(read(&with(rescaled.clone(), "prediction_type", json!(prediction))).is_ok());
    }
}

#[test]
fn chains_that_do_not_fit_the_schedule_are_refused() {
    let schedule = read(&stable_diffusion_1()).unwrap();
    assert_eq!(schedule.chain(DDIM, 0), Err(ScheduleError::NoSteps));
    assert_eq!(schedule.chain(DDIM, 1001), Err(ScheduleError::TooManySteps { steps: 1001, train_timesteps: 1000 }));
    // Offset 1 on all thousand timesteps would start at timestep 1000.
    assert!(matches!(schedule.chain(DDIM, 1000), Err(ScheduleError::TimestepOutOfRange { .. })));
    assert!(matches!(schedule.chain(Sampler::Ddim { eta: 1.5 }, 10), Err(ScheduleError::Eta { .. })));
    assert!(matches!(schedule.chain(Sampler::Ddim { eta: f64::NAN }, 10), Err(ScheduleError::Eta { .. })));
}
