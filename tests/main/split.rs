//! Split chains against unsplit ones.

use std::path::Path;

use latentlink::diffusion::sampler::StepRule;
use latentlink::diffusion::{DenoisingStep, History, NoiseSchedule, Sampler, ScheduleError, Split, SplitChain};
use serde_json::{Value, json};

/// Those through the same timesteps.
const SAMPLERS: [Sampler; 6] = [
    Sampler::Ddim { eta: 0.0 },
    Sampler::Ddim { eta: 0.5 },
    Sampler::Ddpm,
    Sampler::Euler,
    Sampler::EulerAncestral,
    Sampler::Pndm,
];

fn schedules() -> Vec<NoiseSchedule> {
    let stable_diffusion = json!({
        "_class_name": "PNDMScheduler", "beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear",
        "set_alpha_to_one": false, "steps_offset": 1, "skip_prk_steps": true
    });
    let trailing = json!({
        "_class_name": "DDIMScheduler", "beta_schedule": "squaredcos_cap_v2", "clip_sample": false,
        "prediction_type": "v_prediction", "timestep_spacing": "trailing"
    });
    let mut linspace = trailing.clone();
    linspace["timestep_spacing"] = json!("linspace");
    let mut zero_terminal = trailing.clone();
    zero_terminal["rescale_betas_zero_snr"] = json!(true);
    let read = |config: &Value| NoiseSchedule::from_config(Path::new("scheduler_config.json"), config).unwrap();
    let mut karras = stable_diffusion.clone();
    karras["use_karras_sigmas"] = json!(true);
    [stable_diffusion, trailing, linspace, zero_terminal, karras].iter().map(read).collect()
}

fn timesteps(steps: &[DenoisingStep]) -> Vec<f64> {
    steps.iter().map(|step| step.timestep).collect()
}

#[test]
fn a_device_that_takes_all_remaining_steps_makes_the_split_chain_the_unsplit_one() {
    for schedule in schedules() {
        for sampler in SAMPLERS.into_iter().chain([Sampler::DpmSolver, Sampler::Lcm]) {
            for n_ref in [1, 7, 10, 11, 20] {
                let unsplit = schedule.chain(sampler, n_ref).unwrap();
                for t0 in 0..=n_ref {
                    for split in [Split::Respaced, Split::Joint] {
                        let chain = SplitChain::new(&schedule, sampler, split, n_ref, t0, n_ref - t0).unwrap();
                        assert_eq!(chain.server.len(), t0 as usize);
                        assert_eq!(chain.start_scale, unsplit.start_scale);
                        // The same numbers in every step are the same latents, bit for bit.
                        assert_eq!([chain.server, chain.device].concat(), unsplit.steps);
                    }
                }
            }
        }
    }
}

#[test]
fn a_respaced_device_goes_through_karras_levels_of_what_is_left() {
    let schedule = &schedules()[4];
    for sampler in [Sampler::Euler, Sampler::DpmSolver] {
        // σ^{1/7} falls evenly: half as many intervals over the nine levels that are left are every second one of them.
        let split = |tk| SplitChain::new(schedule, sampler, Split::Respaced, 13, 4, tk).unwrap();
        let (all, half) = (split(9), split(5));
        assert_eq!(half.server, all.server);
        assert_eq!(half.device.len(), 5);
        for (own, unsplit) in half.device.iter().zip(all.device.iter().step_by(2)) {
            assert!((own.alpha_bar_from / unsplit.alpha_bar_from - 1.0).abs() < 1e-12, "{sampler:?}");
            assert!((own.timestep - unsplit.timestep).abs() < 1e-3, "{sampler:?}");
        }
        assert_eq!(half.device[0].alpha_bar_from, half.server[3].alpha_bar_to);
        assert_eq!(half.device[4].alpha_bar_to, 1.0);
    }
    // Others do not know them.
    assert_eq!(schedules()[0].chain(SAMPLERS[0], 10), schedule.chain(SAMPLERS[0], 10));
    // The last step begins at the lowest level: there is nothing to divide.
    let refused = SplitChain::new(schedule, Sampler::Euler, Split::Respaced, 13, 12, 3);
    assert!(matches!(refused, Err(ScheduleError::TooManyDeviceSteps { t0: 12, tk: 3, .. })), "{refused:?}");
}

#[test]
fn respaced_server_steps_do_not_depend_on_the_device() {
    let schedule = &schedules()[1];
    let server = |tk| SplitChain::new(schedule, Sampler::Euler, Split::Respaced, 11, 4, tk).unwrap().server;
    for tk in 0..=12 {
        assert_eq!(server(tk), server(7));
    }
}

#[test]
fn respaced_device_steps_are_uniform_from_the_next_timestep_to_the_end() {
    let schedule = &schedules()[0];
    let chain = |sampler, tk| SplitChain::new(schedule, sampler, Split::Respaced, 11, 4, tk).unwrap();
    for sampler in SAMPLERS {
        // Eleven steps of Stable Diffusion: 901, 811, 721, 631, then 541; 542·(1 − j/5) rounded, less one.
        let split = chain(sampler, 5);
        assert_eq!(timesteps(&split.server), [901.0, 811.0, 721.0, 631.0]);
        assert_eq!(timesteps(&split.device), [541.0, 433.0, 324.0, 216.0, 107.0]);
        assert_eq!(split.server[3].alpha_bar_to, split.device[0].alpha_bar_from);
        for pair in split.device.windows(2) {
            assert_eq!(pair[0].alpha_bar_to, pair[1].alpha_bar_from);
        }
        let end = if matches!(sampler, Sampler::Ddim { .. } | Sampler::Pndm) { schedule.alpha_bar()[0] } else { 1.0 };
        assert_eq!(split.device[4].alpha_bar_to, end);
        assert!(chain(sampler, 0).device.is_empty());
        assert_eq!(timesteps(&chain(sampler, 1).device), [541.0]);
    }
}

#[test]
fn whoever_restarts_goes_by_the_steps_that_it_has_taken_itself() {
    let schedule = &schedules()[0];
    let earlier = |steps: &[DenoisingStep]| steps.iter().map(DenoisingStep::earlier_outputs).collect::<Vec<_>>();
    let split = |sampler, split, tk| SplitChain::new(schedule, sampler, split, 11, 5, tk).unwrap();
    for tk in [6, 5] {
        let sent = split(Sampler::Pndm, Split::Respaced, tk);
        let restarted = sent.clone().with_history(History::Restart);
        // The first step is the pair.
        assert!(matches!(sent.server[0].rule, StepRule::PlmsStart(second) if second.timestep == 811.0));
        assert_eq!(earlier(&sent.server), [0, 1, 2, 3, 3]);
        assert_eq!(earlier(&sent.device), vec![3; tk as usize]);
        assert_eq!(earlier(&restarted.device)[..5], [0, 1, 2, 3, 3]);
        assert_eq!((&restarted.server, timesteps(&restarted.device)), (&sent.server, timesteps(&sent.device)));
        // A latent after two steps, from a cache: its history is as long as they made it, or is not there.
        assert_eq!(earlier(&sent.server_from(2)), [2, 3, 3]);
        assert_eq!(earlier(&restarted.server_from(2)), [0, 1, 2]);
        assert_eq!(*restarted.server_from(0), restarted.server[..]);
    }
    let sent = split(Sampler::DpmSolver, Split::Joint, 6);
    assert_eq!((earlier(&sent.server), earlier(&sent.device)), (vec![0, 1, 1, 1, 1], vec![1, 1, 1, 1, 1, 0]));
    let restarted = sent.clone().with_history(History::Restart);
    assert_eq!(earlier(&restarted.device), [0, 1, 1, 1, 1, 0]);
    // All but the first step of the device are as they were.
    assert_eq!(restarted.device[1..], sent.device[1..]);
    // Methods of one step have nothing to send.
    let euler = split(Sampler::Euler, Split::Respaced, 5);
    assert_eq!(euler.clone().with_history(History::Restart).device, euler.device);
}

#[test]
fn history_that_is_sent_is_as_long_as_the_steps_before_it_and_the_method_allow() {
    let sent = |sampler: Sampler| [0, 1, 2, 3, 4, 11].map(|t0| History::Send.sent_after(sampler, t0));
    assert_eq!(sent(Sampler::Pndm), [0, 1, 2, 3, 3, 3]);
    assert_eq!(sent(Sampler::DpmSolver), [0, 1, 1, 1, 1, 1]);
    assert_eq!(sent(Sampler::EulerAncestral), [0; 6]);
    assert_eq!(History::Restart.sent_after(Sampler::Pndm, 5), 0);
}

#[test]
fn a_joint_chain_is_one_schedule_of_both_lengths() {
    let schedule = &schedules()[0];
    let split = SplitChain::new(schedule, SAMPLERS[0], Split::Joint, 11, 3, 7).unwrap();
    assert_eq!(timesteps(&split.server), [901.0, 801.0, 701.0]);
    assert_eq!(timesteps(&split.device), [601.0, 501.0, 401.0, 301.0, 201.0, 101.0, 1.0]);
}

#[test]
fn without_server_steps_both_readings_are_the_plain_chain_of_the_device() {
    for schedule in schedules() {
        for split in [Split::Respaced, Split::Joint] {
            let chain = SplitChain::new(&schedule, Sampler::Euler, split, 11, 0, 6).unwrap();
            let plain = schedule.chain(Sampler::Euler, 6).unwrap();
            assert!(chain.server.is_empty());
            assert_eq!((chain.device, chain.start_scale), (plain.steps, plain.start_scale));
        }
    }
}

#[test]
fn steps_that_do_not_fit_are_refused() {
    let schedule = &schedules()[0];
    let new = |split, t0, tk| SplitChain::new(schedule, SAMPLERS[0], split, 11, t0, tk);
    assert_eq!(new(Split::Respaced, 12, 0), Err(ScheduleError::NothingLeft { t0: 12, tk: 0, n_ref: 11 }));
    assert_eq!(new(Split::Respaced, 11, 2), Err(ScheduleError::NothingLeft { t0: 11, tk: 2, n_ref: 11 }));
    assert_eq!(new(Split::Respaced, 0, 0), Err(ScheduleError::NoSteps));
    assert_eq!(new(Split::Joint, 0, 0), Err(ScheduleError::NoSteps));
    // After ten steps only timesteps 1 and 0 are left.
    assert_eq!(timesteps(&new(Split::Respaced, 10, 2).unwrap().device), [1.0, 0.0]);
    assert_eq!(
        new(Split::Respaced, 10, 3),
        Err(ScheduleError::TooManyDeviceSteps { t0: 10, tk: 3, from_timestep: 1.0 })
    );
    assert!(matches!(new(Split::Joint, 999, u32::MAX), Err(ScheduleError::TooManySteps { .. })));
}
