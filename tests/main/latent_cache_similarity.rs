//! Who may go on from whose latents: thresholds, similar prompts, partial hits.

use latentlink::diffusion::Sampler;
use latentlink::latent_cache::{LatentCache, ReuseThresholds, USUAL_DIVERGENCE};
use latentlink::network::PromptBook;
use latentlink::random::StreamKey;
use latentlink::scenario::CacheSettings;
use rand::RngExt;

use crate::latent_cache_fixture::{clustered_book, entry, node, one_step, plane_book, request, settings};
use crate::latent_cache_fixture::{stable_diffusion, thresholds};

#[test]
fn usual_thresholds_of_stable_diffusion_are_those_of_the_specification() {
    let thresholds = thresholds(&settings(), 11);
    for (step, expected) in [(2, 0.597), (3, 0.800), (4, 0.894), (5, 0.942), (6, 0.968), (7, 0.983)] {
        assert!((thresholds.at(step) - expected).abs() <= 0.5e-3, "{step}: {}", thresholds.at(step));
    }
    assert!((thresholds.at(3) - 0.8).abs() < 1e-8);
    // 1 − κ'/γ with γ(811) of sd_ddim_schedule_reference.csv; the start latent fits any prompt, z_0 its own alone.
    assert!((thresholds.at(1) - (1.0 - USUAL_DIVERGENCE / 3.45961202e-2)).abs() < 1e-8);
    assert_eq!(thresholds.at(0), f64::NEG_INFINITY);
    assert!(thresholds.at(11) < 1.0 && thresholds.at(11) > 0.9999);
    assert_eq!(thresholds.at(12), f64::INFINITY);
    for (similarity, at_most, step) in [
        (1.0, 11, Some(11)),
        (0.95, 11, Some(5)),
        (0.95, 4, Some(4)),
        (0.81, 11, Some(3)),
        (0.79, 11, Some(2)),
        (0.5, 11, Some(1)),
        (0.1, 11, None),
        (1.0, 0, None),
        (f64::NAN, 11, None),
    ] {
        assert_eq!(thresholds.reusable_step(similarity, at_most), step, "{similarity} {at_most}");
    }
}

#[test]
fn given_steps_and_thresholds_stand_in_the_place_of_the_rule() {
    let given = CacheSettings { steps: Some(vec![2, 4, 9]), thresholds: Some(vec![0.3, 0.7, 0.9]), ..settings() };
    let thresholds = thresholds(&given, 5);
    assert_eq!(thresholds.kept_steps(), [2, 4], "no shared latent is older than five steps");
    assert_eq!([2, 4].map(|step| thresholds.at(step)), [0.3, 0.7]);
    assert!((thresholds.at(3) - 0.8).abs() < 1e-8, "where nothing is given the rule holds");
    assert_eq!(thresholds.reusable_step(0.85, 5), Some(4));
    assert_eq!(thresholds.reusable_step(0.85, 3), Some(2));
    assert_eq!(thresholds.least(), 0.3);
    let too_long = ReuseThresholds::new(&settings(), &stable_diffusion(), Sampler::Euler, 1001, 3);
    assert!(too_long.is_err());
}

#[test]
fn a_less_similar_prompt_gets_an_earlier_latent() {
    let settings = settings();
    let book = plane_book(&[1.0, 0.95, 0.81, 0.65, 0.05]);
    let mut cache = LatentCache::new(thresholds(&settings, 8), 1, 0);
    cache.insert(&settings, entry(0, 1..=8));
    for (prompt, step, similarity) in [(0, 8, 1.0), (1, 5, 0.95), (2, 3, 0.81), (3, 2, 0.65)] {
        let hit = cache.look_up(&settings, &request(prompt, 8), &book).expect("similar enough for some step");
        assert_eq!((hit.step, hit.latent, hit.prompt), (step, node(step), 0));
        assert!((hit.similarity - similarity).abs() < 1e-12);
    }
    assert_eq!(cache.look_up(&settings, &request(4, 8), &book), None);
    // Nobody is given more than was asked for, and the start latent is nobody's.
    assert_eq!(cache.look_up(&settings, &request(0, 6), &book).map(|hit| hit.step), Some(6));
    assert_eq!(cache.look_up(&settings, &request(0, 0), &book), None);
}

#[test]
fn the_latent_that_avoids_most_steps_comes_before_the_most_similar_prompt() {
    let settings = settings();
    let book = plane_book(&[1.0, 0.99, 0.85, 0.85, 0.96]);
    let mut cache = LatentCache::new(thresholds(&settings, 5), 1, 0);
    cache.insert(&settings, entry(1, 1..=2));
    cache.insert(&settings, entry(2, 1..=5));
    let taken = |cache: &mut LatentCache| {
        let hit = cache.look_up(&settings, &request(0, 5), &book).expect("all are similar");
        (hit.prompt, hit.step)
    };
    assert_eq!(taken(&mut cache), (2, 3), "three steps at 0.85 rather than two at 0.99");
    cache.insert(&settings, entry(3, 1..=5));
    assert_eq!(taken(&mut cache), (2, 3), "of equals the oldest");
    cache.insert(&settings, entry(4, 1..=3));
    assert_eq!(taken(&mut cache), (4, 3), "of equally deep ones the most similar");
    cache.insert(&settings, entry(0, 1..=2));
    assert_eq!(taken(&mut cache), (4, 3), "a deeper one of another prompt rather than the own");
    cache.insert(&settings, entry(0, 1..=3));
    assert_eq!(taken(&mut cache), (0, 3), "its own rather than one that is as deep");
}

#[test]
fn a_deeper_chain_replaces_that_of_the_same_prompt_and_a_shallower_one_does_not() {
    let settings = settings();
    let book = PromptBook::default();
    let mut cache = LatentCache::new(thresholds(&settings, 8), 10, 3);
    cache.insert(&settings, entry(7, 1..=3));
    assert_eq!(cache.look_up(&settings, &request(7, 6), &book).map(|hit| hit.step), Some(3), "a partial hit");
    cache.insert(&settings, entry(7, 1..=6));
    assert_eq!(cache.look_up(&settings, &request(7, 6), &book).map(|hit| hit.step), Some(6));
    cache.insert(&settings, entry(7, 1..=4));
    assert_eq!(cache.look_up(&settings, &request(7, 6), &book).map(|hit| hit.step), Some(6));
    assert_eq!((cache.len(), cache.bytes(), cache.largest_bytes()), (1, 63, 63));
    assert_eq!((cache.insertions(), cache.replacements(), cache.evictions()), (2, 1, 0));
}

#[test]
fn chains_through_other_timesteps_are_no_use() {
    let settings = settings();
    let book = clustered_book(1, 8, 0.99);
    let mut cache = LatentCache::new(thresholds(&settings, 3), 1, 0);
    for prompt in 0..8 {
        let mut other = entry(prompt, 1..=3);
        other.chain = 20;
        cache.insert(&settings, other);
    }
    assert_eq!(cache.look_up(&settings, &request(0, 3), &book), None);
    let mut same = request(0, 3);
    same.chain = 20;
    assert_eq!(cache.look_up(&settings, &same, &book).map(|hit| hit.step), Some(3));
}

/// Exact LRU over keys, most recent last.
struct ExactLru {
    keys: Vec<usize>,
    capacity: usize,
}

impl ExactLru {
    /// Whether the key was there; it is now.
    fn use_key(&mut self, key: usize) -> bool {
        let place = self.keys.iter().position(|&own| own == key);
        if let Some(place) = place {
            self.keys.remove(place);
        } else if self.keys.len() == self.capacity {
            self.keys.remove(0);
        }
        self.keys.push(key);
        place.is_some()
    }
}

/// Runs random requests through the cache and through the exact one, and compares them hit by hit.
fn agrees_with_exact_lru(book: &PromptBook, prompts: u32, threshold: f64, key: impl Fn(u32) -> usize) -> u32 {
    let capacity = 12;
    let unbounded = settings();
    let (settings, thresholds) = one_step(CacheSettings { capacity_entries: Some(capacity), ..unbounded }, threshold);
    let mut cache = LatentCache::new(thresholds, 1, 0);
    let mut exact = ExactLru { keys: Vec::new(), capacity: capacity as usize };
    let mut rng = StreamKey::new(3, 0, "prompts", "clusters").rng();
    let mut hits = 0;
    for index in 0..4000 {
        // Low numbers are asked for more often.
        let prompt = (f64::from(prompts) * rng.random::<f64>().powi(2)) as u32;
        let hit = cache.look_up(&settings, &request(prompt, 1), book);
        assert_eq!(hit.is_some(), exact.use_key(key(prompt)), "request {index}");
        match hit {
            Some(hit) => {
                assert_eq!(key(hit.prompt), key(prompt));
                hits += 1;
            }
            None => cache.insert(&settings, entry(prompt, [1])),
        }
    }
    assert!((400..3900).contains(&hits), "{hits}: both outcomes are there");
    hits
}

#[test]
fn with_block_diagonal_similarity_the_cache_is_an_exact_lru_over_clusters() {
    let book = clustered_book(30, 6, 0.97);
    agrees_with_exact_lru(&book, 180, 0.9, |prompt| prompt as usize % 30);
    // Just above the similarity within clusters it is an exact cache of prompts, and so it is where θ is 1.
    let exact = agrees_with_exact_lru(&book, 180, 0.971, |prompt| prompt as usize);
    assert_eq!(exact, agrees_with_exact_lru(&book, 180, 1.0, |prompt| prompt as usize));
}

#[test]
fn a_book_too_large_for_lists_of_neighbours_gives_the_same_hits() {
    // Prompts beyond the first 180 are asked for by nobody.
    let listed = clustered_book(30, 6, 0.97);
    let mut book = PromptBook::default();
    (0..5000).for_each(|prompt| {
        book.add(&format!("prompt {prompt}"));
    });
    let directions = (0..5000).map(|prompt: u32| {
        let own = prompt.min(179);
        (0..180).map(|other| if own == 179 { 0.0 } else { listed.similarity(own, other) }).collect::<Vec<f64>>()
    });
    // Rows of a block-diagonal Gram matrix, normalised: within a cluster the cosine is above 0.97, across 0.
    let normalised = directions.map(|row| {
        let norm = row.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-300);
        row.into_iter().map(|x| x / norm).collect()
    });
    let book = book.with_directions(normalised.collect());
    agrees_with_exact_lru(&book, 179, 0.9, |prompt| prompt as usize % 30);
}

#[test]
fn where_any_similarity_is_enough_everything_hits_after_the_first() {
    let book = clustered_book(40, 1, 0.5);
    let (settings, thresholds) = one_step(settings(), -1.0);
    let mut cache = LatentCache::new(thresholds, 1, 0);
    assert_eq!(cache.look_up(&settings, &request(0, 1), &book), None);
    cache.insert(&settings, entry(0, [1]));
    for prompt in 0..40 {
        assert!(cache.look_up(&settings, &request(prompt, 1), &book).is_some());
    }
}

#[test]
fn above_a_similarity_of_one_nothing_ever_hits_and_nothing_is_found_where_no_similarity_is_known() {
    let book = clustered_book(1, 8, 0.99);
    let (strict, thresholds) = one_step(settings(), 1.01);
    let mut cache = LatentCache::new(thresholds, 1, 0);
    cache.insert(&strict, entry(0, [1]));
    assert_eq!(cache.look_up(&strict, &request(0, 1), &book), None);

    let (settings, thresholds) = one_step(settings(), 0.5);
    let mut cache = LatentCache::new(thresholds, 1, 0);
    cache.insert(&settings, entry(0, [1]));
    let unknown = PromptBook::of_devices(["a", "b"]);
    assert_eq!(cache.look_up(&settings, &request(1, 1), &unknown), None);
    assert!(cache.look_up(&settings, &request(0, 1), &unknown).is_some());
}
