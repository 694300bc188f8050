//! The cache against a plain list that is searched from end to end, over random operations, for every rule of eviction,
//! time to live and sharing; saved and restored on the way.

use latentlink::diffusion::NodeId;
use latentlink::latent_cache::{CacheHit, CacheRequest, LatentCache, NewEntry, ReuseThresholds};
use latentlink::network::PromptBook;
use latentlink::random::StreamKey;
use latentlink::scenario::{CacheSettings, CacheSharing, Eviction, TimeToLive};
use rand::RngExt;

use crate::latent_cache_fixture::{node, settings, thresholds};

const LATENT_BYTES: u64 = 100;
const KEY_BYTES: u64 = 7;
const T0: u32 = 6;

/// An entry of the list, with all that any rule asks for.
#[derive(Clone)]
struct Listed {
    new: NewEntry,
    number: u64,
    last_use: u64,
    hits: u64,
    expires_s: f64,
}

impl Listed {
    fn depth(&self) -> u32 {
        self.new.latents[self.new.latents.len() - 1].0
    }

    fn bytes(&self) -> u64 {
        KEY_BYTES + LATENT_BYTES * self.new.latents.len() as u64
    }
}

/// The rules of the cache, word for word.
struct PlainList {
    settings: CacheSettings,
    entries: Vec<Listed>,
    clock: u64,
}

impl PlainList {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn may_have(&self, entry: &NewEntry, device: u32, shares: bool, chain: u32) -> bool {
        let is_given = match self.settings.sharing {
            CacheSharing::Own => entry.device == device,
            CacheSharing::OptIn => entry.device == device || (entry.shares && shares),
            CacheSharing::Everyone => true,
        };
        is_given && entry.chain == chain
    }

    fn look_up(&mut self, request: &CacheRequest, thresholds: &ReuseThresholds, book: &PromptBook) -> Option<CacheHit> {
        self.entries.retain(|entry| entry.expires_s > request.time_s);
        let mut best: Option<(usize, u32, NodeId, f64)> = None;
        for (index, entry) in self.entries.iter().enumerate() {
            if !self.may_have(&entry.new, request.device, request.shares, request.chain) {
                continue;
            }
            let similarity = book.similarity(request.prompt, entry.new.prompt).min(1.0);
            for &(step, latent) in &entry.new.latents {
                if step > request.at_most || similarity < thresholds.at(step) {
                    continue;
                }
                let is_better = best.is_none_or(|(before, best_step, _, best_similarity)| {
                    let before = &self.entries[before];
                    let own = (step, similarity, entry.new.prompt == request.prompt);
                    let other = (best_step, best_similarity, before.new.prompt == request.prompt);
                    own > other || (own == other && entry.number < before.number)
                });
                if is_better {
                    best = Some((index, step, latent, similarity));
                }
            }
        }
        let (index, step, latent, similarity) = best?;
        let last_use = self.tick();
        let entry = &mut self.entries[index];
        entry.hits += 1;
        entry.last_use = last_use;
        if let Some(TimeToLive { time_s, is_reset_by_hits: true }) = self.settings.time_to_live {
            entry.expires_s = request.time_s + time_s;
        }
        let NewEntry { prompt, device, time_s, .. } = entry.new;
        let lineage = vec![(prompt, step)];
        Some(CacheHit { latent, step, prompt, lineage, device, similarity, age_s: request.time_s - time_s })
    }

    fn insert(&mut self, new: NewEntry) {
        self.entries.retain(|entry| entry.expires_s > new.time_s);
        let lives_s = self.settings.time_to_live.map_or(f64::INFINITY, |time_to_live| time_to_live.time_s);
        let expires_s = new.time_s + lives_s;
        let mut own = Listed { new, number: 0, last_use: 0, hits: 0, expires_s };
        let capacity_bytes = self.settings.capacity_bytes.unwrap_or(u64::MAX);
        let capacity_entries = self.settings.capacity_entries.unwrap_or(u64::MAX) as usize;
        if own.bytes() > capacity_bytes || capacity_entries == 0 {
            return;
        }
        let is_same = |entry: &Listed| {
            let audience = |new: &NewEntry| match self.settings.sharing {
                CacheSharing::Everyone => None,
                CacheSharing::OptIn if new.shares => None,
                _ => Some(new.device),
            };
            (entry.new.prompt, entry.new.chain) == (own.new.prompt, own.new.chain)
                && audience(&entry.new) == audience(&own.new)
        };
        if let Some(index) = self.entries.iter().position(is_same) {
            let there = &self.entries[index];
            let has_more = there.depth() == own.depth() && there.new.latents.len() > own.new.latents.len();
            if there.depth() > own.depth() || has_more {
                return;
            }
            own.hits = self.entries.remove(index).hits;
        }
        loop {
            let bytes: u64 = self.entries.iter().map(Listed::bytes).sum();
            if bytes + own.bytes() <= capacity_bytes && self.entries.len() < capacity_entries {
                break;
            }
            let worth = |entry: &Listed| match self.settings.eviction {
                Eviction::Lru => (0, entry.last_use),
                Eviction::Lfu => (entry.hits, entry.last_use),
                Eviction::Lcbfu => (entry.hits * u64::from(entry.depth()), entry.last_use),
                Eviction::Fifo => (0, entry.number),
            };
            let (next, _) = self.entries.iter().enumerate().min_by_key(|(_, entry)| worth(entry)).expect("not empty");
            self.entries.remove(next);
        }
        own.number = self.tick();
        own.last_use = own.number;
        self.entries.push(own);
    }
}

/// 40 prompts on a half circle, some of them in the same place.
fn book() -> PromptBook {
    let texts: Vec<String> = (0..40).map(|prompt| format!("prompt {prompt}")).collect();
    let directions = (0..40).map(|prompt| {
        let angle = std::f64::consts::PI * f64::from(prompt / 2) / 20.0;
        vec![angle.cos(), angle.sin()]
    });
    PromptBook::of_devices(texts.iter().map(String::as_str)).with_directions(directions.collect())
}

fn agree_over_random_operations(settings: CacheSettings, case: &str) {
    let book = book();
    let thresholds = thresholds(&settings, T0);
    let mut cache = LatentCache::new(thresholds.clone(), LATENT_BYTES, KEY_BYTES);
    let mut list = PlainList { settings: settings.clone(), entries: Vec::new(), clock: 0 };
    let mut rng = StreamKey::new(11, 0, "operations", case).rng();
    let (mut time_s, mut whole, mut others, mut next_node) = (0.0, 0, 0, 0);
    for operation in 0..2500 {
        time_s += f64::from(rng.random_range(0..8_u32)) / 4.0;
        let prompt = rng.random_range(0..40);
        let device = rng.random_range(0..5);
        // A device shares for the whole run or never.
        let (shares, chain) = (device % 2 == 0, rng.random_range(0..2));
        let at_most = rng.random_range(1..=T0);
        let request = CacheRequest { prompt, device, shares, chain, at_most, time_s };
        let found = cache.look_up(&settings, &request, &book);
        assert_eq!(found, list.look_up(&request, &thresholds, &book), "{case}, operation {operation}");
        let is_whole = found.is_some_and(|hit| hit.step == at_most);
        (whole, others) = (whole + u32::from(is_whole), others + u32::from(!is_whole));
        if !is_whole || rng.random_range(0..4) == 0 {
            let first = rng.random_range(1..=at_most);
            let latents = (first..=at_most).map(|step| {
                next_node += 1;
                (step, node(next_node))
            });
            let (latents, lineage) = (latents.collect(), vec![(prompt, at_most)]);
            let new = NewEntry { prompt, device, shares, chain, latents, lineage, time_s };
            cache.insert(&settings, new.clone());
            list.insert(new);
        }
        assert_eq!(cache.len(), list.entries.len(), "{case}, operation {operation}");
        assert_eq!(cache.bytes(), list.entries.iter().map(Listed::bytes).sum::<u64>(), "{case}, {operation}");
        assert!(cache.largest_bytes() <= settings.capacity_bytes.unwrap_or(u64::MAX));
        assert_eq!(cache.insertions(), cache.len() as u64 + cache.replacements() + cache.evictions());
        if operation % 500 == 250 {
            let saved = serde_json::to_string(&cache).expect("a cache can be saved");
            cache = serde_json::from_str(&saved).expect("and restored");
        }
    }
    assert!(whole > 100 && others > 50, "{case}: {whole} hits, {others} partial hits and misses");
}

#[test]
fn the_cache_does_what_a_plain_list_does_under_every_rule() {
    let lives = |is_reset_by_hits| Some(TimeToLive { time_s: 40.0, is_reset_by_hits });
    for sharing in [CacheSharing::Own, CacheSharing::OptIn, CacheSharing::Everyone] {
        for eviction in [Eviction::Lru, Eviction::Lfu, Eviction::Lcbfu, Eviction::Fifo] {
            for (bound, capacity_bytes, capacity_entries, time_to_live) in [
                ("bytes", Some(9000), None, None),
                ("entries", None, Some(25), None),
                ("bytes and time", Some(9000), None, lives(true)),
                ("time alone", None, None, lives(false)),
            ] {
                let case = format!("{sharing:?} {eviction:?} {bound}");
                let bounds = CacheSettings { capacity_bytes, capacity_entries, time_to_live, ..settings() };
                agree_over_random_operations(CacheSettings { sharing, eviction, ..bounds }, &case);
            }
        }
    }
}

#[test]
fn what_is_larger_than_the_cache_is_counted_and_changes_nothing() {
    let settings = CacheSettings { capacity_bytes: Some(299), ..settings() };
    let mut cache = LatentCache::new(thresholds(&settings, T0), LATENT_BYTES, 0);
    let latents = |steps: u32| (1..=steps).map(|step| (step, node(step))).collect::<Vec<_>>();
    let new = |steps| NewEntry {
        prompt: 0,
        device: 0,
        shares: true,
        chain: 0,
        latents: latents(steps),
        lineage: vec![(0, steps)],
        time_s: 0.0,
    };
    cache.insert(&settings, new(3));
    assert_eq!((cache.len(), cache.bytes(), cache.too_large()), (0, 0, 1));
    cache.insert(&settings, new(2));
    cache.insert(&settings, new(3));
    assert_eq!((cache.len(), cache.bytes(), cache.too_large()), (1, 200, 2));
    cache.insert(&settings, NewEntry { prompt: 1, ..new(0) });
    assert_eq!((cache.len(), cache.insertions()), (1, 1), "a chain without latents leaves nothing behind");
}
