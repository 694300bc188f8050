//! Who leads a group: against a search through all candidates, and fairness where the lead rotates.

use latentlink::network::{Candidate, PromptBook, elect};
use latentlink::random::StreamKey;
use latentlink::scenario::Election;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

const T0: u32 = 5;

fn book(prompts: usize, rng: &mut impl Rng) -> PromptBook {
    let texts: Vec<String> = (0..prompts).map(|prompt| format!("prompt {prompt}")).collect();
    let directions = (0..prompts).map(|_| {
        let direction: Vec<f64> = (0..4).map(|_| rng.random_range(-1.0..1.0)).collect();
        let norm = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
        direction.into_iter().map(|x| x / norm).collect()
    });
    PromptBook::of_devices(texts.iter().map(String::as_str)).with_directions(directions.collect())
}

fn candidate(device: u32, rng: &mut impl Rng) -> Candidate {
    Candidate {
        device,
        prompt: rng.random_range(0..10),
        step_energy_j: rng.random_range(0.1..1.0),
        radio_j: rng.random_range(0.0..3.0),
        own_j: rng.random_range(0.0..2.0),
        battery_left_j: rng.random_bool(0.7).then(|| rng.random_range(0.0..12.0)),
        drained_j: rng.random_range(0.0..50.0),
    }
}

/// Everything that is spent while `leader` leads [J].
fn total_j(candidates: &[Candidate], leader: usize) -> f64 {
    let own: f64 = candidates.iter().map(|candidate| candidate.own_j).sum();
    own + candidates[leader].step_energy_j * f64::from(T0) + candidates[leader].radio_j
}

fn can_pay(candidate: &Candidate) -> bool {
    let cost = candidate.own_j + candidate.step_energy_j * f64::from(T0) + candidate.radio_j;
    candidate.battery_left_j.is_none_or(|left| left >= cost)
}

#[test]
fn the_elected_is_the_best_of_all_who_can_pay() {
    let mut rng = StreamKey::new(2, 0, "election", "candidates").rng();
    let book = book(10, &mut rng);
    let mut nobody = 0;
    for _ in 0..500 {
        let size = rng.random_range(1..8);
        let candidates: Vec<Candidate> = (0..size).map(|device| candidate(device, &mut rng)).collect();
        let payers: Vec<usize> = (0..candidates.len()).filter(|&leader| can_pay(&candidates[leader])).collect();
        for election in [Election::LeastEnergy, Election::Medoid, Election::ResidualEnergy] {
            let elected = elect(election, &candidates, &book, T0);
            assert_eq!(elected.is_none(), payers.is_empty());
            let Some(elected) = elected else {
                nobody += 1;
                continue;
            };
            assert!(payers.contains(&elected));
            let own = &candidates[elected];
            for &other in &payers {
                let rival = &candidates[other];
                match election {
                    Election::LeastEnergy => {
                        assert!(total_j(&candidates, elected) <= total_j(&candidates, other) + 1e-9)
                    }
                    Election::Medoid => {
                        let total = |prompt: u32| -> f64 {
                            candidates.iter().map(|candidate| book.similarity(prompt, candidate.prompt)).sum()
                        };
                        assert!(total(own.prompt) >= total(rival.prompt) - 1e-8);
                    }
                    Election::ResidualEnergy => match (own.battery_left_j, rival.battery_left_j) {
                        (Some(left), Some(others)) => assert!(left >= others),
                        (Some(_), None) => panic!("a device without a battery has more left"),
                        (None, Some(_)) => {}
                        (None, None) => assert!(own.drained_j <= rival.drained_j),
                    },
                }
            }
        }
    }
    assert!(nobody > 0, "sometimes nobody can pay");
}

#[test]
fn the_same_device_is_elected_in_whatever_order_the_candidates_stand() {
    let mut rng = StreamKey::new(3, 0, "election", "order").rng();
    let book = book(10, &mut rng);
    for _ in 0..100 {
        let mut candidates: Vec<Candidate> = (0..6).map(|device| candidate(device, &mut rng)).collect();
        // Equals: the same numbers on two devices.
        candidates[4] = Candidate { device: 4, ..candidates[1] };
        for election in [Election::LeastEnergy, Election::Medoid, Election::ResidualEnergy] {
            let device = |candidates: &[Candidate]| {
                elect(election, candidates, &book, T0).map(|leader| candidates[leader].device)
            };
            let expected = device(&candidates);
            assert_ne!(expected, Some(4), "of equals the first of the scenario");
            for _ in 0..5 {
                candidates.shuffle(&mut rng);
                assert_eq!(device(&candidates), expected);
            }
            candidates.sort_by_key(|candidate| candidate.device);
        }
    }
}

/// Jain's index (Σx)² / (n Σx²): 1 where all have spent the same, 1/n where one has spent everything.
fn jain(values: &[f64]) -> f64 {
    let sum: f64 = values.iter().sum();
    sum * sum / (values.len() as f64 * values.iter().map(|value| value * value).sum::<f64>())
}

#[test]
fn a_rotating_lead_spreads_the_energy_and_a_fixed_one_does_not() {
    let step_energies_j = [0.2, 0.3, 0.5, 0.7, 1.1, 1.3];
    let book = PromptBook::of_devices(["a dog"]);
    let after = |election: Election, rounds: u32| {
        let mut drained_j = [0.0; 6];
        for _ in 0..rounds {
            let candidates: Vec<Candidate> = (0..6)
                .map(|device| Candidate {
                    device: device as u32,
                    prompt: 0,
                    step_energy_j: step_energies_j[device],
                    radio_j: 0.5,
                    own_j: 0.0,
                    battery_left_j: None,
                    drained_j: drained_j[device],
                })
                .collect();
            let leader = elect(election, &candidates, &book, T0).expect("nobody has a battery");
            drained_j[leader] += candidates[leader].leadership_j(T0);
        }
        jain(&drained_j)
    };
    let (short, long) = (after(Election::ResidualEnergy, 12), after(Election::ResidualEnergy, 3000));
    assert!(short < long && long > 0.9999, "{short} {long}");
    // The cheapest leads for ever.
    assert!((after(Election::LeastEnergy, 3000) - 1.0 / 6.0).abs() < 1e-12);
}

#[test]
fn batteries_that_drain_pass_the_lead_on_until_nobody_can_pay() {
    let book = PromptBook::of_devices(["a dog"]);
    let mut left_j = [20.0, 11.0, 14.0];
    let mut leaders = Vec::new();
    loop {
        let candidates: Vec<Candidate> = (0..3)
            .map(|device| Candidate {
                device: device as u32,
                prompt: 0,
                step_energy_j: 1.0,
                radio_j: 0.0,
                own_j: 1.0,
                battery_left_j: Some(left_j[device]),
                drained_j: 0.0,
            })
            .collect();
        let Some(leader) = elect(Election::ResidualEnergy, &candidates, &book, T0) else { break };
        left_j[leader] -= 5.0;
        leaders.push(leader);
    }
    // 20 → 15 → 10, 14 → 9, 11 → 6; then 10 → 5, 9 → 4 and 6 → 1; 6 J are needed, own steps included.
    assert_eq!(leaders, [0, 0, 2, 1, 0, 2, 1]);
    assert_eq!(left_j, [5.0, 1.0, 4.0]);
}
