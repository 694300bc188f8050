//! The replay memory.

use latentlink::learn::{EmptyReplay, Replay};
use latentlink::random::StreamKey;

fn record(number: usize) -> ([f32; 2], [f32; 1], f32) {
    let number = number as f32;
    ([number, -number], [number / 100.0], 10.0 * number)
}

fn filled(capacity: usize, records: usize) -> Replay {
    let mut replay = Replay::new(capacity, 2, 1, false);
    for number in 0..records {
        let (state, action, reward) = record(number);
        replay.push(&state, &action, reward, None);
    }
    replay
}

#[test]
fn empty_memory_is_an_error() {
    let mut rng = StreamKey::new(1, 0, "test", "replay").rng();
    assert_eq!(Replay::new(4, 2, 1, false).sample(3, &mut rng), Err(EmptyReplay));
}

#[test]
fn samples_are_whole_records() {
    let batch = filled(100, 50).sample(400, &mut StreamKey::new(1, 0, "test", "replay").rng()).unwrap();
    assert_eq!((batch.size, batch.rewards.len()), (400, 400));
    for at in 0..400 {
        let (state, action, reward) = record((batch.rewards[at] / 10.0) as usize);
        assert_eq!(
            (&batch.states[2 * at..2 * at + 2], batch.actions[at], batch.rewards[at]),
            (&state[..], action[0], reward)
        );
    }
    assert!(batch.next_states.is_empty() && batch.dones.is_empty());
}

#[test]
fn full_memory_forgets_the_oldest_records() {
    let replay = filled(10, 27);
    assert_eq!(replay.len(), 10);
    let batch = replay.sample(2000, &mut StreamKey::new(1, 0, "test", "replay").rng()).unwrap();
    let mut seen: Vec<usize> = batch.rewards.iter().map(|reward| (reward / 10.0) as usize).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (17..27).collect::<Vec<_>>());
}

#[test]
fn records_are_drawn_uniformly() {
    let draws = 40_000;
    let batch = filled(8, 8).sample(draws, &mut StreamKey::new(2, 0, "test", "replay").rng()).unwrap();
    let expected = draws as f64 / 8.0;
    let chi_square: f64 = (0..8)
        .map(|number| {
            let seen = batch.rewards.iter().filter(|&&reward| reward == 10.0 * number as f32).count();
            (seen as f64 - expected).powi(2) / expected
        })
        .sum();
    // The 99.9 % quantile of χ² with 7 degrees of freedom.
    assert!(chi_square < 24.32, "{chi_square}");
}

#[test]
fn next_states_stay_with_their_records() {
    let mut replay = Replay::new(5, 2, 1, true);
    for number in 0..12 {
        let (state, action, reward) = record(number);
        let (next, ..) = record(number + 1);
        replay.push(&state, &action, reward, Some((&next, number.is_multiple_of(3))));
    }
    let batch = replay.sample(100, &mut StreamKey::new(1, 0, "test", "replay").rng()).unwrap();
    for at in 0..100 {
        let number = (batch.rewards[at] / 10.0) as usize;
        assert_eq!(batch.next_states[2 * at], (number + 1) as f32);
        assert_eq!(batch.dones[at], f32::from(number.is_multiple_of(3)));
    }
}
