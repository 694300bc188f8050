//! Whose first steps are shared: requests of one window, put into groups of similar prompts.
//!
//! ```text
//!  similarity   1.0   0.9   0.8 ┊ 0.7   0.6
//!                               ┊                    cut at θ_t0: any two prompts of a group are at least
//!  a red dog    ──┐             ┊                    that similar, so the latent after t0 steps with the
//!  a red dog    ──┴──────┐      ┊                    medoid's prompt serves each of them
//!  a brown dog  ─────────┴──────┊───────┐
//!  a blue car   ─────────────┐  ┊       │            {a red dog, a red dog, a brown dog} {a blue car, a blue van}
//!  a blue van   ─────────────┴──┊───────┴──
//! ```
//!
//! Agglomerative clustering with complete linkage: the two clusters whose *least* similar pair is the most similar are
//! merged, until that pair falls below the cut. Equal prompts are one from the start. Clusters of more users than a group
//! may have are cut into full groups and a rest, along the order in which they were merged.

use std::collections::BTreeMap;

use crate::network::PromptBook;

/// Groups of requests whose prompts are pairwise at least `least_similarity` alike, of `maximum_size` requests at most.
///
/// Given are the requests' prompts, returned are positions in `prompts`: ascending within a group, groups in the order of
/// their first. Which prompts come together does not depend on the order of the requests: merges of equal similarity are
/// made in the order of prompt numbers. Above a similarity of 1 every request is alone.
///
/// Cost: n²/2 similarities and 8 n² bytes for n *different* prompts, and about n² steps for the merges; equal prompts cost
/// nothing.
///
/// # Panics
/// If `maximum_size` is 0.
pub fn groups(prompts: &[u32], book: &PromptBook, least_similarity: f64, maximum_size: usize) -> Vec<Vec<usize>> {
    assert!(maximum_size > 0, "a group has room for one");
    if least_similarity > 1.0 {
        return (0..prompts.len()).map(|position| vec![position]).collect();
    }
    let mut positions: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (position, &prompt) in prompts.iter().enumerate() {
        positions.entry(prompt).or_default().push(position);
    }
    let different: Vec<u32> = positions.keys().copied().collect();
    let mut groups = Vec::new();
    for cluster in complete_linkage(&different, book, least_similarity) {
        let members: Vec<usize> =
            cluster.iter().flat_map(|&index| positions[&different[index]].iter().copied()).collect();
        for chunk in members.chunks(maximum_size) {
            let mut group = chunk.to_vec();
            group.sort_unstable();
            groups.push(group);
        }
    }
    groups.sort_unstable();
    groups
}

/// Clusters of different prompts, given in ascending order: indices into `prompts`, in the order of merging.
fn complete_linkage(prompts: &[u32], book: &PromptBook, least_similarity: f64) -> Vec<Vec<usize>> {
    let n = prompts.len();
    let mut clusters: Vec<Vec<usize>> = (0..n).map(|index| vec![index]).collect();
    if n < 2 {
        return clusters;
    }
    // Below every similarity there is, and above that of what is not there.
    let least_similarity = least_similarity.max(-2.0);
    // Linkage of clusters i and j, each named by its least index; the merged ones are empty.
    let mut linkage = vec![f64::NEG_INFINITY; n * n];
    for i in 0..n {
        for j in 0..i {
            let similarity = book.similarity(prompts[i], prompts[j]);
            linkage[i * n + j] = similarity;
            linkage[j * n + i] = similarity;
        }
    }
    // For each cluster the best of those after it. Linkages only fall, so an old one is an upper bound (Müllner 2011).
    let mut best: Vec<(f64, usize)> = (0..n).map(|i| best_after(i, &clusters, &linkage)).collect();
    loop {
        let first = |one: (usize, f64), other: (usize, f64)| if other.1 > one.1 { other } else { one };
        let bounds = (0..n).filter(|&i| !clusters[i].is_empty()).map(|i| (i, best[i].0));
        let Some((i, bound)) = bounds.reduce(first).filter(|&(_, bound)| bound >= least_similarity) else {
            return clusters.into_iter().filter(|cluster| !cluster.is_empty()).collect();
        };
        let j = best[i].1;
        if clusters[j].is_empty() || linkage[i * n + j] < bound {
            best[i] = best_after(i, &clusters, &linkage);
            continue;
        }
        let merged = std::mem::take(&mut clusters[j]);
        clusters[i].extend(merged);
        for k in (0..n).filter(|&k| k != i && !clusters[k].is_empty()) {
            let least = linkage[i * n + k].min(linkage[j * n + k]);
            linkage[i * n + k] = least;
            linkage[k * n + i] = least;
        }
        best[i] = best_after(i, &clusters, &linkage);
    }
}

/// The cluster after `i` that is most similar to it, the first of equals.
fn best_after(i: usize, clusters: &[Vec<usize>], linkage: &[f64]) -> (f64, usize) {
    let n = clusters.len();
    let mut best = (f64::NEG_INFINITY, i);
    for j in (i + 1..n).filter(|&j| !clusters[j].is_empty()) {
        if linkage[i * n + j] > best.0 {
            best = (linkage[i * n + j], j);
        }
    }
    best
}
