//! Fading over time: the distribution at any one time, and how one time goes with another.

use latentlink::radio::fading_process::gain_of_gaussian;
use latentlink::radio::{Fading, FadingProcess, LinkFading};
use latentlink::random::StreamKey;
use statrs::distribution::{ContinuousCDF, Normal};

use crate::radio_fading::{assert_relative, fading_of_row, fisher_snedecor, rows};

const COHERENCE_TIME_S: f64 = 0.02;

fn stream(entity: u64) -> StreamKey {
    StreamKey::new(41, 0, "fading-process-test", "link").child(entity)
}

fn fadings() -> [Fading; 4] {
    [Fading::Rayleigh, Fading::Rician { k_db: 6.0 }, Fading::NakagamiM { m: 0.6 }, fisher_snedecor(2.0, 1.5)]
}

/// Φ⁻¹(F(h)): standard normal where h has the distribution F.
fn gaussian_of(fading: &Fading, gain: f64) -> f64 {
    Normal::standard().inverse_cdf(fading.cdf(gain))
}

fn mean_and_standard_error(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

#[test]
fn gains_of_gaussian_values_agree_with_40_digit_arithmetic_in_both_tails() {
    let rows = rows("radio_copula_reference.csv");
    assert_eq!(rows.len(), 64);
    for row in rows {
        let number = |i: usize| row[i].parse::<f64>().expect("a number");
        let fading = fading_of_row(&row[0], &row[1], &row[2]);
        assert_relative(gain_of_gaussian(&fading, number(3)), number(4), 1e-11, &row);
    }
}

#[test]
fn every_process_has_the_distribution_of_its_fading() {
    const DRAWS: usize = 10_000;
    for process in [FadingProcess::PerLatent, FadingProcess::Block, FadingProcess::GaussianCopula] {
        for (entity, fading) in fadings().into_iter().enumerate() {
            let mut link = LinkFading::default();
            // 20 coherence times apart: correlated by e^−20.
            let mut draws: Vec<f64> = (0..DRAWS)
                .map(|i| {
                    let time_s = 20.0 * COHERENCE_TIME_S * i as f64;
                    link.gain(process, &fading, COHERENCE_TIME_S, time_s, || stream(entity as u64))
                })
                .collect();
            draws.sort_by(f64::total_cmp);
            let distance = draws.iter().enumerate().fold(0.0_f64, |largest, (i, &h)| {
                let cdf = fading.cdf(h);
                largest.max(cdf - i as f64 / DRAWS as f64).max((i + 1) as f64 / DRAWS as f64 - cdf)
            });
            assert!(distance < 1.9495 / (DRAWS as f64).sqrt(), "{process:?} {fading:?}: {distance}");
        }
    }
}

/// Many links, so that the products are independent and their standard error is known. The link is also asked for a time in between,
/// which must not change how the ends go together.
#[test]
fn the_copula_forgets_exponentially_whatever_is_asked_in_between() {
    const LINKS: u64 = 6_000;
    for (number, fading) in [fisher_snedecor(2.0, 1.5), Fading::Rayleigh].into_iter().enumerate() {
        for (i, lag) in [0.05, 0.5, 1.0, 2.5].into_iter().enumerate() {
            for asked_in_between in [false, true] {
                let products: Vec<f64> = (0..LINKS)
                    .map(|entity| {
                        let mut link = LinkFading::default();
                        let mut at = |time_s: f64| {
                            let key = || stream(100 * entity + 10 * i as u64 + number as u64);
                            let gain = link.gain(FadingProcess::GaussianCopula, &fading, COHERENCE_TIME_S, time_s, key);
                            gaussian_of(&fading, gain)
                        };
                        let first = at(3.7);
                        if asked_in_between {
                            at(3.7 + 0.3 * lag * COHERENCE_TIME_S);
                        }
                        first * at(3.7 + lag * COHERENCE_TIME_S)
                    })
                    .collect();
                let (correlation, standard_error) = mean_and_standard_error(&products);
                let expected = (-lag).exp();
                assert!(
                    (correlation - expected).abs() < 3.0 * standard_error,
                    "{fading:?}, lag {lag}: {correlation} instead of {expected}, standard error {standard_error}"
                );
            }
        }
    }
}

#[test]
fn gains_of_different_blocks_are_independent() {
    const BLOCKS: usize = 20_000;
    for fading in fadings() {
        let mut link = LinkFading::default();
        let values: Vec<f64> = (0..BLOCKS)
            .map(|block| {
                let time_s = (block as f64 + 0.5) * COHERENCE_TIME_S;
                gaussian_of(&fading, link.gain(FadingProcess::Block, &fading, COHERENCE_TIME_S, time_s, || stream(7)))
            })
            .collect();
        for lag in [1, 2, 5] {
            let products: Vec<f64> = values.iter().zip(&values[lag..]).map(|(one, other)| one * other).collect();
            let (correlation, standard_error) = mean_and_standard_error(&products);
            assert!(correlation.abs() < 3.0 * standard_error, "{fading:?}, lag {lag}: {correlation}");
        }
    }
}

#[test]
fn a_block_has_one_gain_whoever_asks_and_in_any_order() {
    let fading = fisher_snedecor(2.0, 1.5);
    let ask = |link: &mut LinkFading, time_s| {
        link.gain(FadingProcess::Block, &fading, COHERENCE_TIME_S, time_s, || stream(3))
    };
    let (mut one, mut other) = (LinkFading::default(), LinkFading::default());
    let forwards: Vec<f64> = [0.001, 0.019, 0.021, 0.5].map(|time_s| ask(&mut one, time_s)).to_vec();
    let backwards: Vec<f64> = [0.509, 0.039, 0.0, 0.012].map(|time_s| ask(&mut other, time_s)).to_vec();
    assert_eq!(forwards[0], forwards[1]);
    assert_ne!(forwards[1], forwards[2]);
    assert_eq!(forwards, [backwards[3], backwards[2], backwards[1], backwards[0]]);
}

#[test]
fn the_same_time_has_the_same_gain_and_a_later_one_another() {
    for process in [FadingProcess::PerLatent, FadingProcess::GaussianCopula] {
        let mut link = LinkFading::default();
        let mut ask = |time_s| link.gain(process, &Fading::Rayleigh, COHERENCE_TIME_S, time_s, || stream(5));
        let first = ask(1.0);
        assert_eq!(first, ask(1.0));
        let second = ask(1.5);
        assert_ne!(first, second);
        assert_eq!(second, ask(1.5));
        assert_eq!(second, ask(1.2), "the past is not kept");
    }
}

#[test]
fn gains_per_latent_are_the_draws_of_the_children_of_the_stream() {
    let fading = fisher_snedecor(2.0, 1.5);
    let mut link = LinkFading::default();
    for latent in 0..5 {
        let gain = link.gain(FadingProcess::PerLatent, &fading, f64::NAN, 0.1 * latent as f64, || stream(9));
        assert_eq!(gain, fading.sample(&mut stream(9).child(latent).rng()));
    }
}

#[test]
fn without_fading_the_gain_is_one_in_every_process() {
    for process in [FadingProcess::PerLatent, FadingProcess::Block, FadingProcess::GaussianCopula] {
        assert_eq!(LinkFading::default().gain(process, &Fading::None, 1.0, 2.0, || stream(0)), 1.0);
    }
}

#[test]
fn a_link_that_was_written_down_goes_on_as_if_it_had_not_been() {
    let ask = |link: &mut LinkFading, time_s| {
        link.gain(FadingProcess::GaussianCopula, &Fading::Rayleigh, COHERENCE_TIME_S, time_s, || stream(11))
    };
    let mut link = LinkFading::default();
    ask(&mut link, 0.3);
    ask(&mut link, 0.31);
    let written = serde_json::to_string(&link).expect("the state is written");
    let mut restored: LinkFading = serde_json::from_str(&written).expect("and read");
    assert_eq!(ask(&mut link, 0.325), ask(&mut restored, 0.325));
    assert!(size_of::<LinkFading>() <= 32);
}
