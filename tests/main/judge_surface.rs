//! The synthetic surface of quality of experience.

use latentlink::judge::{Persona, SurfaceInputs, noisy_quality_of_experience, quality_of_experience};
use latentlink::random::StreamKey;

/// Fig. 8 of the paper: the second device's request is unlike the server's.
fn inputs(t0: u32, tk: u32, bit_error_probability: f64, similarity: f64, persona: Persona) -> SurfaceInputs {
    SurfaceInputs { t0, tk, bit_error_probability, similarity, persona }
}

#[test]
fn the_surface_is_that_of_the_reference_vectors() {
    let path = format!("{}/tests/vectors/qoe_reference.csv", env!("CARGO_MANIFEST_DIR"));
    let mut reader = csv::Reader::from_path(path).expect("the vectors are there");
    let mut rows = 0;
    for record in reader.records() {
        let record = record.expect("a row");
        let number = |index: usize| record[index].parse::<f64>().expect("a number");
        let persona = Persona::named(&record[3]).expect("an agent of the paper");
        let inputs = inputs(number(0) as u32, number(1) as u32, number(2), number(4), persona);
        let (found, expected) = (quality_of_experience(&inputs), number(5));
        assert!((found - expected).abs() <= 1e-8, "{inputs:?}: {found}, expected {expected}");
        rows += 1;
    }
    assert_eq!(rows, 1135);
}

#[test]
fn the_surface_stays_in_the_unit_interval_at_its_edges() {
    for persona in Persona::NAMED.map(|(_, persona)| persona) {
        for (t0, tk) in [(0, 0), (0, 8), (8, 0), (1000, 1), (1, 1000)] {
            for similarity in [-1.0, 0.0, 0.9, 1.0, 1.0 + 1e-9] {
                for bit_error_probability in [0.0, 0.1, 0.5] {
                    let inputs = inputs(t0, tk, bit_error_probability, similarity, persona);
                    let quality = quality_of_experience(&inputs);
                    assert!((0.0..=1.0).contains(&quality), "{inputs:?}: {quality}");
                }
            }
        }
    }
    assert_eq!(quality_of_experience(&inputs(0, 0, 0.0, 1.0, Persona::NEUTRAL)), 0.0, "no step, no picture");
}

#[test]
fn noisy_answers_scatter_about_the_surface_with_its_standard_deviation() {
    // Q = 0.5 or so, far from both ends
    let inputs = inputs(4, 6, 0.115, 1.0, Persona::GA1);
    let quality = quality_of_experience(&inputs);
    assert!((0.4..0.7).contains(&quality), "{quality}");
    let deviation = 0.02 + 0.10 * (1.0 - quality);
    let key = StreamKey::new(41, 0, "judge", "device-1");
    let count = 20_000;
    let answers: Vec<f64> = (0..count).map(|index| noisy_quality_of_experience(&inputs, &key.child(index))).collect();
    let mean = answers.iter().sum::<f64>() / count as f64;
    let variance = answers.iter().map(|answer| (answer - mean).powi(2)).sum::<f64>() / (count - 1) as f64;
    // 4 standard errors of a mean, and of a normal sample's standard deviation
    let root = (count as f64).sqrt();
    assert!((mean - quality).abs() < 4.0 * deviation / root, "{mean}, expected {quality}");
    assert!((variance.sqrt() - deviation).abs() < 4.0 * deviation / (2.0 * count as f64).sqrt(), "{variance}");
    assert_eq!(answers[7], noisy_quality_of_experience(&inputs, &key.child(7)), "the seed decides the answer");
}

#[test]
fn noisy_answers_are_clipped_to_the_unit_interval() {
    let best = inputs(8, 8, 0.0, 1.0, Persona::new([0.5, 0.5, 0.5, 0.5, 0.0]).expect("in [0, 1]"));
    let worst = inputs(4, 6, 0.5, 1.0, Persona::GA1);
    let key = StreamKey::new(41, 0, "judge", "device-1");
    let of = |inputs: &SurfaceInputs| -> Vec<f64> {
        (0..2000).map(|index| noisy_quality_of_experience(inputs, &key.child(index))).collect()
    };
    assert!(of(&best).into_iter().all(|answer| (0.0..=1.0).contains(&answer)));
    let worst = of(&worst);
    let zeros = worst.iter().filter(|answer| **answer == 0.0).count();
    assert!((800..1200).contains(&zeros), "about half of the answers to a ruined picture are 0, not {zeros} of 2000");
}
