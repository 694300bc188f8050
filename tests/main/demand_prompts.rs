//! Which prompts are asked for: Zipf popularity and the default grammar.

use std::path::Path;

use latentlink::demand::PromptSampler;
use latentlink::demand::grammar::{OBJECTS, TEMPLATES};
use latentlink::network::PromptBook;
use latentlink::random::StreamKey;
use latentlink::scenario::PromptChoice;
use statrs::distribution::{ChiSquared, ContinuousCDF};

const DRAWS: usize = 200_000;

fn book(choice: &PromptChoice) -> PromptBook {
    // A device's own prompt comes first, so that numbers in the book are not ranks.
    let mut book = PromptBook::of_devices(["a prompt of its own"]);
    choice.texts().for_each(|text| {
        book.add(&text);
    });
    book
}

/// How often each prompt of the book was drawn.
fn counts(choice: &PromptChoice, zipf_exponent: f64, book: &PromptBook) -> Vec<f64> {
    let sampler = PromptSampler::new(choice, zipf_exponent, book);
    let mut rng = StreamKey::new(41, 0, "prompts", "population").rng();
    let mut counts = vec![0.0; book.len()];
    for _ in 0..DRAWS {
        counts[sampler.draw(&mut rng).expect("there are prompts") as usize] += 1.0;
    }
    counts
}

/// Pearson's statistic must stay below its 99.9 % quantile.
#[track_caller]
fn assert_frequencies(counts: &[f64], probabilities: &[f64]) {
    assert_eq!(counts.len(), probabilities.len());
    let expected = probabilities.iter().map(|probability| probability * DRAWS as f64);
    let statistic: f64 =
        counts.iter().zip(expected).map(|(count, expected)| (count - expected).powi(2) / expected).sum();
    let chi_squared = ChiSquared::new((counts.len() - 1) as f64).expect("degrees of freedom");
    assert!(chi_squared.cdf(statistic) < 0.999, "{statistic} for {} prompts", counts.len());
}

fn zipf(count: usize, exponent: f64) -> Vec<f64> {
    let weights: Vec<f64> = (1..=count).map(|rank| (rank as f64).powf(-exponent)).collect();
    let sum: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / sum).collect()
}

#[test]
fn a_list_is_asked_for_by_zipfs_law() {
    let prompts: Vec<String> = (0..100).map(|index| format!("prompt {index}")).collect();
    let choice = PromptChoice::List { prompts };
    let book = book(&choice);
    for exponent in [0.0, 0.8, 1.5] {
        let counts = counts(&choice, exponent, &book);
        assert_eq!(counts[0], 0.0, "nobody asks for the device's own prompt");
        assert_frequencies(&counts[1..], &zipf(100, exponent));
    }
}

#[test]
fn a_grammar_draws_objects_by_popularity_and_templates_evenly() {
    let strings = |words: &[&str]| words.iter().map(ToString::to_string).collect();
    let choice = PromptChoice::Grammar { objects: strings(&OBJECTS), templates: strings(&TEMPLATES) };
    let book = book(&choice);
    let counts = counts(&choice, 1.0, &book);
    let expected: Vec<f64> = zipf(50, 1.0).iter().flat_map(|object| [object / 8.0; 8]).collect();
    assert_frequencies(&counts[1..], &expected);
    assert_eq!(
        (book.text(1), book.text(8), book.text(9)),
        ("dog under the tree", "dog at night", "cat under the tree")
    );
}

#[test]
fn prompts_of_a_list_that_are_equal_share_their_number() {
    let prompts = ["a dog", "a cat", "a dog"].map(str::to_owned).to_vec();
    let choice = PromptChoice::List { prompts };
    let counts = counts(&choice, 1.0, &book(&choice));
    // 1, 1/2 and 1/3 over 11/6
    assert_frequencies(&counts[1..], &[8.0 / 11.0, 3.0 / 11.0]);
}

#[test]
fn a_single_prompt_is_always_drawn_and_no_choice_draws_none() {
    let choice = PromptChoice::List { prompts: vec!["a dog".to_owned()] };
    assert_eq!(counts(&choice, 3.0, &book(&choice)), [0.0, DRAWS as f64]);
    let own = PromptSampler::new(&PromptChoice::Own, 0.8, &book(&PromptChoice::Own));
    assert_eq!(own.draw(&mut StreamKey::new(41, 0, "prompts", "population").rng()), None);
}

#[test]
fn the_shipped_pack_knows_every_word_of_the_default_grammar() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/emoji-ldm/tokenizer/tokenizer.json");
    let tokenizer: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("the pack is there")).expect("JSON");
    let vocabulary = tokenizer["model"]["vocab"].as_object().expect("a vocabulary");
    for text in OBJECTS.iter().chain(&TEMPLATES) {
        for word in text.split(' ').filter(|word| *word != "{object}") {
            assert!(vocabulary.contains_key(word), "{word} of {text}");
        }
    }
    let mut objects = OBJECTS.to_vec();
    objects.sort_unstable();
    objects.dedup();
    assert_eq!(objects.len(), 50, "they are all different");
    assert!(TEMPLATES.iter().all(|template| template.matches("{object}").count() == 1));
}
