//! Whose latents a user is given, and in whose name the hit is.

use latentlink::latent_cache::{CacheHit, LatentCache};
use latentlink::network::PromptBook;
use latentlink::scenario::{CacheSettings, CacheSharing};

use crate::latent_cache_fixture::{clustered_book, entry, request, settings, thresholds};

/// What `asking` is given of a chain that `owning` put in; both are (device, shares).
fn given(sharing: CacheSharing, owning: (u32, bool), asking: (u32, bool), book: &PromptBook) -> Option<CacheHit> {
    let settings = CacheSettings { sharing, ..settings() };
    let mut cache = LatentCache::new(thresholds(&settings, 3), 1, 0);
    let mut new = entry(0, 1..=3);
    (new.device, new.shares, new.time_s) = (owning.0, owning.1, 2.0);
    cache.insert(&settings, new);
    let mut own = request(1, 3);
    (own.device, own.shares, own.time_s) = (asking.0, asking.1, 5.5);
    cache.look_up(&settings, &own, book)
}

#[test]
fn latents_are_given_as_the_rule_of_sharing_says() {
    let book = clustered_book(1, 2, 0.9);
    let (own, opt_in, everyone) = (CacheSharing::Own, CacheSharing::OptIn, CacheSharing::Everyone);
    for (sharing, owning, asking, is_given) in [
        (own, (1, true), (1, true), true),
        (own, (1, true), (2, true), false),
        (opt_in, (1, true), (2, true), true),
        (opt_in, (1, false), (2, true), false),
        (opt_in, (1, true), (2, false), false),
        (opt_in, (1, false), (2, false), false),
        (opt_in, (1, false), (1, false), true),
        (opt_in, (1, true), (1, true), true),
        (everyone, (1, false), (2, false), true),
    ] {
        let found = given(sharing, owning, asking, &book);
        assert_eq!(found.is_some(), is_given, "{sharing:?} {owning:?} {asking:?}");
        if let Some(hit) = found {
            assert_eq!((hit.prompt, hit.device, hit.step, hit.age_s), (0, 1, 3, 3.5));
            assert!((hit.similarity - 0.9).abs() < 1e-12);
        }
    }
}

#[test]
fn users_that_keep_to_themselves_each_have_an_entry_and_those_that_share_one_together() {
    let settings = CacheSettings { sharing: CacheSharing::OptIn, ..settings() };
    let mut cache = LatentCache::new(thresholds(&settings, 3), 1, 0);
    for (device, shares) in [(0, true), (1, true), (2, false), (3, false), (2, false)] {
        let mut new = entry(0, 1..=3);
        (new.device, new.shares) = (device, shares);
        cache.insert(&settings, new);
    }
    assert_eq!((cache.len(), cache.insertions(), cache.replacements()), (3, 5, 2));
}
