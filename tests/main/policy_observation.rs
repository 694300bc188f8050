//! The state as a learned policy sees it.

use latentlink::judge::Persona;
use latentlink::policy::{AllocationProblem, EpisodeKind, LinkModel, Normalisation, ObservationLayout, UserState};
use latentlink::radio::{LinkBudget, Modulation};

fn user(gain_db: f64, battery_level: f64) -> UserState {
    UserState {
        device: 0,
        persona: Persona::GA1,
        similarity: 0.75,
        channel_gain_db: Some(gain_db),
        step_energy_j: 2.0,
        energy_budget_j: Some(8.0),
        battery_left_j: None,
        battery_level,
    }
}

fn problem(users: Vec<UserState>, queue_length: u32) -> AllocationProblem {
    AllocationProblem {
        users,
        server_step_energy_j: 0.5,
        server_energy_budget_j: Some(20.0),
        link: LinkModel {
            budget: LinkBudget { bandwidth_hz: 5e6, noise_figure_db: 7.0 },
            modulation: Modulation::Bpsk,
            averaged_over: None,
            energy_per_watt_j: 0.1,
            longest_history: 0,
            history_part: 0.0,
            pinned_bit_error_probability: None,
        },
        qoe_threshold: 0.6,
        queue_length,
    }
}

fn layout(episode: EpisodeKind) -> ObservationLayout {
    let normalisation = Normalisation { gain_mean_db: -130.0, gain_deviation_db: 10.0 };
    ObservationLayout { users: 2, episode, normalisation }
}

#[test]
fn each_number_has_its_place() {
    let state = layout(EpisodeKind::SingleStep).observe(&problem(vec![user(-120.0, 1.0), user(-150.0, 1.0)], 0));
    let [o, c, e, a, n] = Persona::GA1.traits().map(|value| value as f32);
    let traits = [o, o, c, c, e, e, a, a, n, n];
    let expected: Vec<f32> = traits.into_iter().chain([0.75, 0.75, 0.5, 2.0, 2.0, 1.0, -2.0, 0.6, 1.0, 1.0]).collect();
    assert_eq!(state, expected);
    assert_eq!(state.len(), layout(EpisodeKind::SingleStep).len());
}

#[test]
fn places_of_users_that_are_not_there_are_zero_and_masked() {
    let state = layout(EpisodeKind::SingleStep).observe(&problem(vec![user(-120.0, 1.0)], 0));
    for second in [1, 3, 5, 7, 9, 11, 14, 16] {
        assert_eq!(state[second], 0.0, "place {second}");
    }
    assert_eq!(state[18..], [1.0, 0.0]);
}

#[test]
fn sequential_states_end_with_batteries_and_the_queue() {
    let layout = layout(EpisodeKind::Sequential);
    let state = layout.observe(&problem(vec![user(-120.0, 0.25), user(-120.0, 1.0)], 4));
    assert_eq!(state.len(), layout.len());
    assert_eq!(state[20..], [0.25, 1.0, 0.5]);
}

#[test]
fn gains_are_standardised_by_mean_and_sample_deviation() {
    let problems = [problem(vec![user(-120.0, 1.0), user(-140.0, 1.0)], 0), problem(vec![user(-130.0, 1.0)], 0)];
    let Normalisation { gain_mean_db, gain_deviation_db } = Normalisation::of(&problems);
    assert!((gain_mean_db + 130.0).abs() < 1e-12);
    assert!((gain_deviation_db - 10.0).abs() < 1e-12);
}

#[test]
fn without_gains_nothing_is_standardised() {
    let mut pinned = user(0.0, 1.0);
    pinned.channel_gain_db = None;
    let normalisation = Normalisation::of(&[problem(vec![pinned], 0)]);
    assert_eq!(normalisation, Normalisation { gain_mean_db: 0.0, gain_deviation_db: 1.0 });
}
