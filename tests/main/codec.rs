//! Bits of a latent over the link: against reference Monte Carlo rows and closed forms.

use latentlink::diffusion::{LatentCodec, ProtectedBits, Received, Sanitize, transmit};
use latentlink::random::StreamKey;
use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

const CODECS: [LatentCodec; 4] = [LatentCodec::Fp32, LatentCodec::Fp16, LatentCodec::Int8, LatentCodec::Int8Gray];

fn key(entity: &str) -> StreamKey {
    StreamKey::new(41, 0, "codec-test", entity)
}

fn standard_normal(count: usize) -> Vec<f32> {
    let mut rng = key("latent").rng();
    (0..count).map(|_| StandardNormal.sample(&mut rng)).collect()
}

fn send(latent: &[f32], codec: LatentCodec, sanitize: Sanitize, bit_error_probability: f64) -> Received {
    transmit(latent, codec, 4.0, sanitize, bit_error_probability, None, &key("bits"))
}

/// Mean and standard error.
fn mean(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        sum += value;
        squares += value * value;
    }
    let mean: f64 = sum / count;
    (mean, ((squares / count - mean * mean).max(0.0) / count).sqrt())
}

/// Within three standard errors of every row of one format.
fn agrees_with_reference_rows(format: &str, codec: LatentCodec) {
    const VALUES: usize = 400_000; // as many as the reference drew
    let latent = standard_normal(VALUES);
    let error_free = send(&latent, codec, Sanitize::None, 0.0);
    let mut rows = 0;
    for row in include_str!("../vectors/latent_corruption_reference.csv").lines().skip(1) {
        let cell: Vec<&str> = row.split(',').collect();
        if cell[0] != format {
            continue;
        }
        let column = |index: usize| cell[index].parse::<f64>().unwrap();
        let p = column(1);
        // Both sides are Monte Carlo estimates of equal size; 5e-6 is the rounding of the table.
        let check = |what: &str, ours: f64, standard_error: f64, theirs: f64| {
            let tolerance = 3.0 * std::f64::consts::SQRT_2 * standard_error + 5e-6;
            assert!((ours - theirs).abs() <= tolerance, "{row}: {what} is {ours}, tolerance {tolerance}");
        };
        let raw = send(&latent, codec, Sanitize::None, p);
        let touched = raw.latent.iter().zip(&error_free.latent).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
        let rate = touched as f64 / VALUES as f64;
        let bits = f64::from(codec.bits_per_value());
        let expected: f64 = 1.0 - (1.0 - p).powf(bits);
        let standard_error = (expected * (1.0 - expected) / VALUES as f64).sqrt();
        check("value error rate", rate, standard_error, column(2));
        assert!((rate - expected).abs() <= 4.0 * standard_error, "{row}: {rate} is not {expected}");

        let bad = (raw.non_finite + raw.out_of_range) as f64 / VALUES as f64;
        check("share of bad values", bad, (bad * (1.0 - bad) / VALUES as f64).sqrt(), column(3));
        for (sanitize, what, theirs) in
            [(Sanitize::Clip, "MSE clipped", column(4)), (Sanitize::Zero, "MSE zeroed", column(5))]
        {
            let received = send(&latent, codec, sanitize, p);
            let (mse, standard_error) =
                mean(received.latent.iter().zip(&latent).map(|(a, b)| f64::from(a - b).powi(2)));
            check(what, mse, standard_error, theirs);
        }
        rows += 1;
    }
    assert_eq!(rows, 10);
}

#[test]
fn corruption_of_single_precision_agrees_with_every_reference_row() {
    agrees_with_reference_rows("fp32", LatentCodec::Fp32);
}

#[test]
fn corruption_of_half_precision_agrees_with_every_reference_row() {
    agrees_with_reference_rows("fp16", LatentCodec::Fp16);
}

#[test]
fn corruption_of_twos_complement_agrees_with_every_reference_row() {
    agrees_with_reference_rows("int8_natural", LatentCodec::Int8);
}

#[test]
fn corruption_of_gray_code_agrees_with_every_reference_row() {
    agrees_with_reference_rows("int8_gray", LatentCodec::Int8Gray);
}

#[test]
fn an_error_free_single_precision_latent_arrives_bit_for_bit() {
    let mut latent: Vec<f32> = standard_normal(10_000).iter().map(|z| z.clamp(-4.0, 4.0)).collect();
    latent.extend([0.0, -0.0, f32::MIN_POSITIVE, 1e-42, 4.0, -4.0]);
    for sanitize in [Sanitize::None, Sanitize::Zero, Sanitize::Clip] {
        let received = send(&latent, LatentCodec::Fp32, sanitize, 0.0);
        assert!(received.latent.iter().zip(&latent).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert_eq!((received.bits, received.flipped_bits), (32 * latent.len() as u64, 0));
        assert_eq!((received.non_finite, received.out_of_range), (0, 0));
    }
}

#[test]
fn error_free_eight_bit_codecs_round_to_within_half_a_level_and_saturate() {
    let latent = standard_normal(10_000);
    for codec in [LatentCodec::Int8, LatentCodec::Int8Gray] {
        let received = send(&latent, codec, Sanitize::None, 0.0);
        for (&sent, &got) in latent.iter().zip(&received.latent) {
            assert!((sent.clamp(-4.0, 4.0) - got).abs() <= 4.0 / 255.0 + 1e-6, "{sent} became {got}");
        }
        let ends = send(&[-9.0, 9.0, f32::INFINITY, f32::NEG_INFINITY], codec, Sanitize::Zero, 0.0);
        assert_eq!(ends.latent, [-4.0, 4.0, 4.0, -4.0]);
        assert_eq!((ends.non_finite, ends.out_of_range), (0, 0));
    }
}

#[test]
fn fair_coin_bits_make_the_received_latent_independent_of_the_sent_one() {
    const VALUES: usize = 200_000;
    let latent: Vec<f32> = standard_normal(VALUES).iter().map(|z| z.clamp(-4.0, 4.0)).collect();
    for codec in [LatentCodec::Int8, LatentCodec::Int8Gray] {
        let received = send(&latent, codec, Sanitize::None, 0.5);
        // Uniform over 256 levels on ±4: mean square 16 · 257 / (3 · 255).
        let (square, standard_error) = mean(received.latent.iter().map(|z| f64::from(*z).powi(2)));
        assert!((square - 16.0 * 257.0 / 765.0).abs() < 4.0 * standard_error, "{codec:?}: {square}");
        let (product, standard_error) = mean(received.latent.iter().zip(&latent).map(|(a, b)| f64::from(a * b)));
        assert!(product.abs() < 4.0 * standard_error, "{codec:?}: {product}");
    }
    for codec in CODECS {
        let flipped = send(&latent, codec, Sanitize::None, 0.5).flipped_bits as f64;
        let bits = VALUES as f64 * f64::from(codec.bits_per_value());
        assert!((flipped - bits / 2.0).abs() < 4.0 * (bits / 4.0).sqrt(), "{codec:?}: {flipped} of {bits}");
    }
}

#[test]
fn bits_that_flip_at_a_smaller_probability_are_a_subset_of_those_at_a_larger_one() {
    let latent = standard_normal(4096);
    let flips = |p| -> Vec<u32> {
        let received = transmit(&latent, LatentCodec::Fp32, 4.0, Sanitize::None, p, None, &key("bits"));
        received.latent.iter().zip(&latent).map(|(a, b)| a.to_bits() ^ b.to_bits()).collect()
    };
    let mut smaller = flips(0.0);
    let mut count = 0;
    for p in [1e-9, 1e-4, 0.005, 0.03, 0.06, 0.1, 0.5] {
        let larger = flips(p);
        assert!(smaller.iter().zip(&larger).all(|(few, many)| few & !many == 0), "{p}");
        let ones: u32 = larger.iter().map(|mask| mask.count_ones()).sum();
        assert!(ones >= count);
        count = ones;
        smaller = larger;
    }
    assert!(count > 60_000);
}

#[test]
fn a_bit_flips_at_its_own_probability_to_within_double_precision() {
    // The threshold of bit 0: 32 bits from the stream, 32 from its child.
    let upper = f64::from(key("bits").rng().next_u32());
    let lower = f64::from(key("bits").child(0).rng().next_u32());
    let threshold = (upper + lower / 2f64.powi(32)) / 2f64.powi(32);
    let first_bit_flips = |p| {
        transmit(&[1.0], LatentCodec::Fp32, 4.0, Sanitize::None, p, None, &key("bits")).latent[0].to_bits() & 1 == 1
    };
    assert_eq!(1f32.to_bits() & 1, 0);
    assert!(!first_bit_flips(threshold - 2f64.powi(-50)));
    assert!(first_bit_flips(threshold + 2f64.powi(-50)));
}

#[test]
fn sanitising_is_a_named_choice_and_counts_what_it_found() {
    let latent = [1.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 5.0, -1e30];
    let counts = |received: &Received| (received.non_finite, received.out_of_range);
    let raw = send(&latent, LatentCodec::Fp32, Sanitize::None, 0.0);
    assert!(raw.latent[1].is_nan() && raw.latent[5] == -1e30);
    let zeroed = send(&latent, LatentCodec::Fp32, Sanitize::Zero, 0.0);
    assert_eq!(zeroed.latent, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let clipped = send(&latent, LatentCodec::Fp32, Sanitize::Clip, 0.0);
    assert_eq!(clipped.latent, [1.0, 0.0, 4.0, -4.0, 4.0, -4.0]);
    for received in [raw, zeroed, clipped] {
        assert_eq!(counts(&received), (3, 2));
    }
}

#[test]
fn a_raw_single_precision_latent_at_six_percent_holds_values_no_denoiser_survives() {
    let received = send(&standard_normal(16_384), LatentCodec::Fp32, Sanitize::None, 0.06);
    assert_eq!(received.bits, 524_288);
    assert!(received.non_finite > 0);
    assert!(received.latent.iter().any(|z| z.is_finite() && z.abs() > 1e30));
}

fn send_protected(latent: &[f32], codec: LatentCodec, p: f64, bits: u32, protected_p: f64) -> Received {
    let protected = ProtectedBits { bits, bit_error_probability: protected_p };
    transmit(latent, codec, 4.0, Sanitize::Clip, p, Some(protected), &key("bits"))
}

#[test]
fn sign_and_exponent_flip_at_their_own_probability_when_they_are_protected() {
    const VALUES: usize = 100_000;
    let latent = standard_normal(VALUES);
    let protected = ProtectedBits { bits: 9, bit_error_probability: 0.002 };
    let received = transmit(&latent, LatentCodec::Fp32, 4.0, Sanitize::None, 0.1, Some(protected), &key("bits")).latent;
    let flips = received.iter().zip(&latent).map(|(a, b)| a.to_bits() ^ b.to_bits());
    let (mut significant, mut others) = (0, 0);
    for mask in flips {
        significant += (mask >> 23).count_ones();
        others += (mask & 0x007f_ffff).count_ones();
    }
    for (count, bits, p) in [(significant, 9, 0.002), (others, 23, 0.1)] {
        let expected = (VALUES * bits) as f64 * p;
        assert!((f64::from(count) - expected).abs() < 4.0 * (expected * (1.0 - p)).sqrt(), "{count} of {expected}");
    }
}

/// Bit j of a two's complement value moves it by 2^j levels either way; where all levels are alike, the directions are
/// independent and the squares add up: MSE = p·Δ²·(4^(8 − m) − 1)/3 with the m most significant bits without errors.
#[test]
fn the_mean_square_error_falls_with_every_bit_that_is_protected_as_its_closed_form_says() {
    const LEVEL: f64 = 8.0 / 255.0;
    let levels: Vec<f32> = (0..200_000).map(|i| ((f64::from(i % 256) * 2.0 - 255.0) / 255.0 * 4.0) as f32).collect();
    let p = 0.06;
    let mut last = f64::INFINITY;
    for bits in 0..=8 {
        let received = send_protected(&levels, LatentCodec::Int8, p, bits, 0.0);
        let (mse, standard_error) = mean(received.latent.iter().zip(&levels).map(|(a, b)| f64::from(a - b).powi(2)));
        let expected = p * LEVEL * LEVEL * (4f64.powi(8 - bits as i32) - 1.0) / 3.0;
        assert!((mse - expected).abs() <= 4.0 * standard_error + 1e-9, "{bits} bits: {mse} instead of {expected}");
        assert!(mse < last, "{bits} bits: {mse}");
        last = mse;
    }
}

#[test]
fn protecting_all_bits_or_none_is_the_plain_channel() {
    let latent = standard_normal(4096);
    for codec in CODECS {
        let plain = send(&latent, codec, Sanitize::Clip, 0.03);
        assert!(plain.flipped_bits > 0);
        assert_eq!(send_protected(&latent, codec, 0.5, codec.bits_per_value(), 0.03), plain);
        assert_eq!(send_protected(&latent, codec, 0.03, 0, 0.5), plain);
        assert_eq!(send_protected(&latent, codec, 0.03, 3, 0.03), plain);
        assert_eq!(send_protected(&latent, codec, 0.03, 99, 0.0), send(&latent, codec, Sanitize::Clip, 0.0));
    }
}

#[test]
fn flips_stay_nested_with_protection() {
    let latent = standard_normal(4096);
    let flips = |p, protected: Option<ProtectedBits>| -> Vec<u32> {
        let received = transmit(&latent, LatentCodec::Fp32, 4.0, Sanitize::None, p, protected, &key("bits"));
        received.latent.iter().zip(&latent).map(|(a, b)| a.to_bits() ^ b.to_bits()).collect()
    };
    let plain = flips(0.1, None);
    let mut fewer = flips(0.1, Some(ProtectedBits { bits: 9, bit_error_probability: 0.0 }));
    assert!(fewer.iter().zip(&plain).all(|(few, all)| *few == all & 0x007f_ffff), "the others flip as they did");
    for p in [1e-4, 0.01, 0.05, 0.1] {
        let more = flips(0.1, Some(ProtectedBits { bits: 9, bit_error_probability: p }));
        assert!(fewer.iter().zip(&more).all(|(few, many)| few & !many == 0), "{p}");
        fewer = more;
    }
    assert_eq!(fewer, plain);
}
