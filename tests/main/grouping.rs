//! Groups of similar prompts: against SciPy's complete linkage (`tests/reference/grouping.py`), and what follows from its
//! definition.

use latentlink::grouping::groups;
use latentlink::network::PromptBook;
use latentlink::random::StreamKey;
use rand::RngExt;
use rand::seq::SliceRandom;
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    directions: Vec<Vec<f64>>,
    cuts: Vec<Cut>,
}

#[derive(Deserialize)]
struct Cut {
    least_similarity: f64,
    groups: Vec<Vec<usize>>,
}

fn cases() -> Vec<Case> {
    let reference: Reference =
        serde_json::from_str(include_str!("../vectors/grouping_reference.json")).expect("the reference is JSON");
    reference.cases
}

fn book(directions: Vec<Vec<f64>>) -> PromptBook {
    let texts: Vec<String> = (0..directions.len()).map(|prompt| format!("prompt {prompt}")).collect();
    PromptBook::of_devices(texts.iter().map(String::as_str)).with_directions(directions)
}

/// The prompts of each group, whoever asked for them.
fn as_prompts(groups: &[Vec<usize>], prompts: &[u32]) -> Vec<Vec<u32>> {
    let mut groups: Vec<Vec<u32>> =
        groups.iter().map(|group| group.iter().map(|&position| prompts[position]).collect()).collect();
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.sort_unstable();
    groups
}

#[test]
fn groups_are_those_of_scipys_complete_linkage() {
    let mut compared = 0;
    for case in cases() {
        let n = case.directions.len();
        let book = book(case.directions);
        let prompts: Vec<u32> = (0..n as u32).collect();
        for Cut { least_similarity, groups: expected } in case.cuts {
            assert_eq!(groups(&prompts, &book, least_similarity, n), expected, "{n} prompts at {least_similarity}");
            compared += 1;
        }
    }
    assert_eq!(compared, 50);
}

#[test]
fn which_prompts_come_together_does_not_depend_on_the_order_of_the_requests() {
    let mut rng = StreamKey::new(1, 0, "grouping", "order").rng();
    for case in cases() {
        let n = case.directions.len();
        let book = book(case.directions);
        // Some prompts are asked for several times, some by nobody.
        let mut prompts: Vec<u32> = (0..3 * n / 2).map(|_| rng.random_range(0..n as u32)).collect();
        for least in [-1.0, 0.0, 0.5, 0.8, 1.0] {
            for maximum_size in [1, 3, 1000] {
                let expected = as_prompts(&groups(&prompts, &book, least, maximum_size), &prompts);
                for _ in 0..5 {
                    prompts.shuffle(&mut rng);
                    assert_eq!(as_prompts(&groups(&prompts, &book, least, maximum_size), &prompts), expected);
                }
            }
        }
    }
}

#[test]
fn equal_similarities_are_merged_in_the_order_of_prompts_whatever_that_of_the_requests() {
    // On a ring each prompt shares one of its two axes with either neighbour: six pairs are equally similar, to the last bit.
    let half = 0.5_f64.sqrt();
    let ring = (0..6).map(|prompt| {
        let mut direction = vec![0.0; 6];
        direction[prompt] = half;
        direction[(prompt + 1) % 6] = half;
        direction
    });
    let book = book(ring.collect());
    let mut prompts: Vec<u32> = (0..6).collect();
    let mut rng = StreamKey::new(1, 0, "grouping", "ties").rng();
    for _ in 0..50 {
        prompts.shuffle(&mut rng);
        let found = as_prompts(&groups(&prompts, &book, 0.4, 6), &prompts);
        assert_eq!(found, [[0, 1], [2, 3], [4, 5]]);
        let found = as_prompts(&groups(&prompts, &book, -1.0, 4), &prompts);
        assert_eq!(found, [vec![0, 1, 2, 3], vec![4, 5]]);
    }
}

/// The least similarity of any two of some prompts.
fn least_similarity(prompts: &[u32], book: &PromptBook) -> f64 {
    let pairs = prompts.iter().enumerate().flat_map(|(i, &one)| prompts[..i].iter().map(move |&other| (one, other)));
    pairs.map(|(one, other)| book.similarity(one, other)).fold(1.0, f64::min)
}

#[test]
fn any_two_prompts_of_a_group_are_similar_enough_and_no_two_groups_could_be_merged() {
    for case in cases() {
        let n = case.directions.len();
        let book = book(case.directions);
        let prompts: Vec<u32> = (0..n as u32).collect();
        for least in [0.3, 0.7, 0.9] {
            let found = as_prompts(&groups(&prompts, &book, least, n), &prompts);
            for (i, group) in found.iter().enumerate() {
                assert!(least_similarity(group, &book) >= least);
                for other in &found[..i] {
                    let both: Vec<u32> = group.iter().chain(other).copied().collect();
                    assert!(least_similarity(&both, &book) < least, "{group:?} and {other:?}");
                }
            }
        }
    }
}

#[test]
fn above_one_everybody_is_alone_and_at_minus_one_all_are_together_in_groups_of_the_largest_size() {
    let case = cases().remove(2);
    let n = case.directions.len();
    let book = book(case.directions);
    let prompts: Vec<u32> = (0..2 * n as u32).map(|request| request % n as u32).collect();
    let alone: Vec<Vec<usize>> = (0..2 * n).map(|request| vec![request]).collect();
    assert_eq!(groups(&prompts, &book, 1.0 + 1e-9, 1000), alone);
    assert_eq!(groups(&prompts, &book, -1.0, 1000), [(0..2 * n).collect::<Vec<_>>()]);
    let chunks = groups(&prompts, &book, -1.0, 7);
    let sizes: Vec<usize> = chunks.iter().map(Vec::len).collect();
    assert_eq!(sizes.iter().filter(|&&size| size == 7).count(), 11, "80 requests are 11 × 7 and 3");
    assert_eq!(sizes.iter().sum::<usize>(), 80);
    let mut all: Vec<usize> = chunks.concat();
    all.sort_unstable();
    assert_eq!(all, (0..80).collect::<Vec<_>>());
    assert!(chunks.iter().all(|group| group.is_sorted()) && chunks.iter().map(|group| group[0]).is_sorted());
    assert!(groups(&[], &book, -1.0, 7).is_empty());
}

#[test]
fn ten_thousand_requests_for_few_prompts_are_grouped_at_once() {
    let case = cases().remove(3);
    let n = case.directions.len() as u32;
    let book = book(case.directions);
    let prompts: Vec<u32> = (0..10_000).map(|request| (request * 7919) % n).collect();
    let found = groups(&prompts, &book, 1.0, 8);
    // 125 requests for each of the 80 prompts: 15 groups of 8 and one of 5.
    assert_eq!(found.len(), 80 * 16);
    assert!(found.iter().all(|group| group.iter().all(|&position| prompts[position] == prompts[group[0]])));
}
