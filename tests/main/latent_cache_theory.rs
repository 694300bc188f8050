//! The cache against the theory of caches: Che's approximation, the static optimum, renewal theory for times to live.

use latentlink::latent_cache::LatentCache;
use latentlink::network::PromptBook;
use latentlink::random::StreamKey;
use latentlink::scenario::{CacheSettings, Eviction, TimeToLive};
use rand::RngExt;

use crate::latent_cache_fixture::{entry, one_step, request, settings};

const REQUESTS: u32 = 300_000;

/// Draws of prompts, the i-th with a probability in proportion to i^−α.
fn zipf_prompts(prompts: usize, exponent: f64, entity: &str) -> impl Iterator<Item = u32> {
    let weights: Vec<f64> = (1..=prompts).map(|rank| (rank as f64).powf(-exponent)).collect();
    let total: f64 = weights.iter().sum();
    let mut sum = 0.0;
    let cumulative: Vec<f64> = weights
        .iter()
        .map(|weight| {
            sum += weight / total;
            sum
        })
        .collect();
    let mut rng = StreamKey::new(1, 0, "prompts", entity).rng();
    std::iter::repeat_with(move || {
        let uniform: f64 = rng.random();
        cumulative.partition_point(|&sum| sum <= uniform).min(prompts - 1) as u32
    })
}

/// Share of hits of independent requests, entries put in at each miss.
fn hit_rate(settings: CacheSettings, prompts: usize, exponent: f64) -> f64 {
    let (settings, thresholds) = one_step(settings, 0.5);
    let mut cache = LatentCache::new(thresholds, 1, 0);
    let book = PromptBook::default();
    let mut hits = 0;
    for prompt in zipf_prompts(prompts, exponent, "zipf").take(REQUESTS as usize) {
        match cache.look_up(&settings, &request(prompt, 1), &book) {
            Some(hit) => {
                assert_eq!((hit.prompt, hit.similarity), (prompt, 1.0));
                hits += 1;
            }
            None => cache.insert(&settings, entry(prompt, [1])),
        }
    }
    f64::from(hits) / f64::from(REQUESTS)
}

#[test]
fn lru_hits_as_often_as_che_and_a_reference_simulation_say_and_less_than_the_static_optimum() {
    let mut rows = 0;
    for row in include_str!("../vectors/cache_reference.csv").lines().skip(1) {
        let cells: Vec<f64> = row.split(',').map(|cell| cell.parse().expect("a number")).collect();
        let [prompts, exponent, capacity, _, che, simulated, static_optimum] = cells[..] else { panic!("{row}") };
        let capacity_entries = Some(capacity as u64);
        let found = hit_rate(CacheSettings { capacity_entries, ..settings() }, prompts as usize, exponent);
        assert!((found - che).abs() < 0.01, "{row}: {found}");
        let standard_error = (che * (1.0 - che) / f64::from(REQUESTS)).sqrt();
        if !simulated.is_nan() {
            // Both sides are estimates.
            let of_difference = 2.0_f64.sqrt() * standard_error;
            assert!((found - simulated).abs() < 3.0 * of_difference, "{row}: {found}, ± {of_difference}");
        }
        assert!(found < static_optimum + 3.0 * standard_error, "{row}: {found}");
        rows += 1;
    }
    assert_eq!(rows, 16);
}

#[test]
fn lfu_comes_closer_to_the_static_optimum_than_lru_and_fifo_stays_below() {
    // N = 1000, α = 0.8, C = 100 of the vectors: LRU 0.378, the static optimum 0.526.
    let of = |eviction| hit_rate(CacheSettings { eviction, capacity_entries: Some(100), ..settings() }, 1000, 0.8);
    let (lru, lfu, fifo) = (of(Eviction::Lru), of(Eviction::Lfu), of(Eviction::Fifo));
    assert!(fifo < lru && lru < lfu && lfu < 0.5259, "{fifo} {lru} {lfu}");
    // With latents of one depth LCBFU ranks as LFU does.
    assert_eq!(of(Eviction::Lcbfu), lfu);
    // FIFO under independent requests is RANDOM (Gelenbe 1973): Σ p_i p_i T / (1 + p_i T) with Σ p_i T / (1 + p_i T) = C.
    let total: f64 = (1..=1000).map(|rank| f64::from(rank).powf(-0.8)).sum();
    let popularity: Vec<f64> = (1..=1000).map(|rank| f64::from(rank).powf(-0.8) / total).collect();
    let occupancy = |time: f64| popularity.iter().map(|p| p * time / (1.0 + p * time)).sum::<f64>();
    let (mut low, mut high) = (0.0, 1e6);
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if occupancy(middle) < 100.0 { low = middle } else { high = middle }
    }
    let expected: f64 = popularity.iter().map(|p| p * p * low / (1.0 + p * low)).sum();
    assert!((fifo - expected).abs() < 0.01, "{fifo} {expected}");
}

#[test]
fn a_time_to_live_gives_the_hit_rates_of_renewal_theory() {
    let (rate_hz, time_s): (f64, f64) = (0.7, 2.0);
    let load = rate_hz * time_s;
    let n = 200_000;
    for is_reset_by_hits in [true, false] {
        let time_to_live = Some(TimeToLive { time_s, is_reset_by_hits });
        let (settings, thresholds) = one_step(CacheSettings { time_to_live, ..settings() }, 0.5);
        let mut cache = LatentCache::new(thresholds, 1, 0);
        let book = PromptBook::default();
        let mut rng = StreamKey::new(1, 0, "arrivals", "poisson").rng();
        let (mut now_s, mut hits) = (0.0, 0);
        for _ in 0..n {
            let uniform: f64 = rng.random();
            now_s -= (1.0 - uniform).ln() / rate_hz;
            let mut own = request(0, 1);
            own.time_s = now_s;
            match cache.look_up(&settings, &own, &book) {
                Some(hit) => {
                    assert!(is_reset_by_hits || hit.age_s < time_s);
                    hits += 1;
                }
                None => {
                    let mut new = entry(0, [1]);
                    new.time_s = now_s;
                    cache.insert(&settings, new);
                }
            }
        }
        let found = f64::from(hits) / f64::from(n);
        let (expected, variance) = match is_reset_by_hits {
            // P(time between requests < T); independent from request to request.
            true => (1.0 - (-load).exp(), (-load).exp() * (1.0 - (-load).exp())),
            // Poisson(λT) hits follow each miss; variance of the ratio by the delta method, n / (1 + λT) cycles.
            false => (load / (1.0 + load), load / (1.0 + load).powi(3)),
        };
        let standard_error = (variance / f64::from(n)).sqrt();
        assert!((found - expected).abs() < 3.0 * standard_error, "{is_reset_by_hits}: {found} {expected}");
        assert_eq!(cache.insertions(), (n - hits) as u64);
        assert_eq!(cache.evictions(), cache.insertions() - cache.len() as u64);
    }
}
