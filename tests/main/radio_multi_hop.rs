//! Bit errors over several hops.

use latentlink::radio::multi_hop_bit_error_probability;

#[test]
fn three_hops_of_five_three_and_two_percent_are_9_392_percent() {
    let p = multi_hop_bit_error_probability([0.05, 0.03, 0.02]);
    assert!((p - 0.093920).abs() < 5e-7, "{p}");
    assert!((p - 0.5 * (1.0 - 0.9 * 0.94 * 0.96)).abs() < 1e-15, "{p}");
}

#[test]
fn hops_compose_like_binary_symmetric_channels() {
    let p = |hops: &[f64]| multi_hop_bit_error_probability(hops.iter().copied());
    for hop in [0.0, 1e-300, 0.02, 0.4999, 0.5] {
        assert_eq!(p(&[hop]), hop, "one hop is itself");
        assert!((p(&[hop, 0.5]) - 0.5).abs() < 1e-16, "a fair coin absorbs");
        assert_eq!(p(&[0.0, hop, 0.0]), hop, "a hop without errors adds nothing");
    }
    assert_eq!(p(&[]), 0.0);
    let (forwards, backwards) = (p(&[0.3, 0.01, 0.0002, 0.11]), p(&[0.11, 0.0002, 0.01, 0.3]));
    assert!((forwards - backwards).abs() < 1e-16, "the order does not matter");
}

#[test]
fn small_probabilities_add_up_with_all_their_digits() {
    let p = multi_hop_bit_error_probability([1e-20, 3e-20]);
    assert!((p / 4e-20 - 1.0).abs() < 1e-15, "{p:e}");
}
