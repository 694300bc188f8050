//! What a critic is told of an action: which scores won, with the gradient of a softmax.

use burn::tensor::{Tensor, TensorData};
use latentlink::learn::choices::{chosen, chosen_with_gradient};

/// Two powers, a choice of three, a choice of two; in the second row there are equals.
const ACTIONS: [f32; 14] = [0.3, -0.4, 0.1, 0.9, -0.2, -0.5, -0.6, 1.0, 0.0, 0.5, 0.5, -1.0, 0.7, 0.7];
const TOLD: [f32; 14] = [0.3, -0.4, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0];

#[test]
fn the_largest_score_of_a_group_is_told_and_of_equals_the_first() {
    assert_eq!(chosen(&ACTIONS, 7, &[3, 2]), TOLD);
    assert_eq!(chosen(&ACTIONS, 7, &[]), ACTIONS);
}

#[test]
fn a_choice_has_the_gradient_of_a_softmax_of_five_times_its_scores() {
    let device = latentlink::learn::device().autodiff();
    let actions = Tensor::<2>::from_data(TensorData::new(ACTIONS.to_vec(), [2, 7]), &device).require_grad();
    let told = chosen_with_gradient(actions.clone(), &[3, 2]);
    let found: Vec<f32> = told.clone().inner().into_data().try_to_vec().expect("floats");
    for (found, expected) in found.iter().zip(TOLD) {
        assert!((found - expected).abs() < 1e-6, "{found} instead of {expected}");
    }

    // d/ds_j Σ_i w_i·softmax(5 s)_i = 5 p_j (w_j − Σ_i w_i p_i); the powers keep their own weights.
    let weights: Vec<f32> = (0..14).map(|index| (index as f32 * 0.7).sin()).collect();
    let weighted = told * Tensor::<2>::from_data(TensorData::new(weights.clone(), [2, 7]), &device);
    let gradients = weighted.sum().backward();
    let found: Vec<f32> = actions.grad(&gradients).expect("a gradient").into_data().try_to_vec().expect("floats");
    for row in 0..2 {
        let at = |index: usize| row * 7 + index;
        assert_eq!((found[at(0)], found[at(1)]), (weights[at(0)], weights[at(1)]));
        for group in [2..5, 5..7] {
            let exponentials: Vec<f64> = group.clone().map(|i| (5.0 * f64::from(ACTIONS[at(i)])).exp()).collect();
            let sum: f64 = exponentials.iter().sum();
            let parts: Vec<f64> = exponentials.iter().map(|exponential| exponential / sum).collect();
            let mean: f64 = group.clone().zip(&parts).map(|(i, part)| f64::from(weights[at(i)]) * part).sum();
            for (i, part) in group.zip(&parts) {
                let expected = 5.0 * part * (f64::from(weights[at(i)]) - mean);
                assert!((f64::from(found[at(i)]) - expected).abs() < 1e-5, "{} instead of {expected}", found[at(i)]);
            }
        }
    }
}
