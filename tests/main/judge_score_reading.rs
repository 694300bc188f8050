//! Which score an agent's words hold.

use latentlink::judge::{ScoreScale, read_score};

const PERCENT: ScoreScale = ScoreScale { lowest: 0, highest: 100 };
const TEN: ScoreScale = ScoreScale { lowest: 0, highest: 10 };
const NINE: ScoreScale = ScoreScale { lowest: 0, highest: 9 };
const FIVE: ScoreScale = ScoreScale { lowest: 1, highest: 5 };
const AROUND_ZERO: ScoreScale = ScoreScale { lowest: -5, highest: 5 };

/// (answer, scale, score): what a person would say that the agent meant, `None` where a person would ask again.
type Row = (&'static str, ScoreScale, Option<f64>);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    // a mark alone
    ("85", PERCENT, Some(0.85)),
    ("85.", PERCENT, Some(0.85)),
    (" 7\n", TEN, Some(0.7)),
    ("0", TEN, Some(0.0)),
    ("100", PERCENT, Some(1.0)),
    ("9", NINE, Some(1.0)),
    ("3", FIVE, Some(0.5)),
    ("7.5", TEN, Some(0.75)),
    ("7,5", TEN, Some(0.75)),
    ("+7", TEN, Some(0.7)),
    ("7!", TEN, Some(0.7)),
    ("-3", AROUND_ZERO, Some(0.2)),
    ("−3", AROUND_ZERO, Some(0.2)),
    // already between 0 and 1
    ("0.7", TEN, Some(0.7)),
    ("0.7", PERCENT, Some(0.7)),
    (".85", PERCENT, Some(0.85)),
    ("0.0", TEN, Some(0.0)),
    ("I'd say 0.35.", PERCENT, Some(0.35)),
    // which could be the lowest step or the top
    ("1.0", TEN, None),
    ("1.0 out of 10", TEN, Some(0.1)),
    ("10.0", TEN, Some(1.0)),
    // fractions
    ("7/10", TEN, Some(0.7)),
    ("7/10", PERCENT, Some(0.7)),
    ("7 / 10", PERCENT, Some(0.7)),
    ("10/10", TEN, Some(1.0)),
    ("10/10", PERCENT, Some(1.0)),
    ("3/4", PERCENT, Some(0.75)),
    ("4/5", TEN, Some(0.8)),
    ("4/5", FIVE, Some(0.75)),
    ("6.5/10", PERCENT, Some(0.65)),
    ("85/100.", TEN, Some(0.85)),
    ("0.7/1", PERCENT, Some(0.7)),
    ("12/10", PERCENT, None),
    ("7/0", TEN, None),
    ("7 out of 10", PERCENT, Some(0.7)),
    ("7 out of ten", PERCENT, Some(0.7)),
    ("8 out of a possible 10 points", PERCENT, Some(0.8)),
    ("85 (out of 100)", TEN, Some(0.85)),
    ("40 points out of 100", PERCENT, Some(0.4)),
    ("4 stars out of 5", PERCENT, Some(0.8)),
    ("7 out of many", TEN, None),
    // percent signs
    ("85%", PERCENT, Some(0.85)),
    ("85 %", TEN, Some(0.85)),
    ("about 70 percent", TEN, Some(0.7)),
    ("100%", NINE, Some(1.0)),
    ("120%", PERCENT, None),
    // words around it
    ("Score: 85.", PERCENT, Some(0.85)),
    ("**Score:** 85/100", PERCENT, Some(0.85)),
    ("{\"score\": 7}", TEN, Some(0.7)),
    ("<score>7</score>", TEN, Some(0.7)),
    ("\\boxed{7}", TEN, Some(0.7)),
    ("Score - 7", TEN, Some(0.7)),
    ("Score (0-100): 85", PERCENT, Some(0.85)),
    ("I'd say 7", TEN, Some(0.7)),
    ("I would give it a 7, since the dog is fine.", TEN, Some(0.7)),
    ("I give this picture 7", TEN, Some(0.7)),
    ("I give this picture from 2023 a 7", TEN, Some(0.7)),
    ("~7", TEN, Some(0.7)),
    ("７", TEN, Some(0.7)),
    ("评分：７", TEN, Some(0.7)),
    ("🐶 8 🐶", TEN, Some(0.8)),
    ("- 7", TEN, Some(0.7)),
    ("7\n\nThere are 3 bushes behind the dog.", TEN, Some(0.7)),
    ("The score I give is 7. My neuroticism is 80.", PERCENT, Some(0.07)),
    ("There are 2 dogs. My rating is 6.", TEN, Some(0.6)),
    ("In picture 2 I see a dog. I rate it 7.", TEN, Some(0.7)),
    ("1. The dog is nice.\n2. The bush is green.\nOverall: 8", TEN, Some(0.8)),
    ("On a scale from 1 to 10, I'd give it an 8", PERCENT, Some(7.0 / 9.0)),
    ("Out of 10, I'd give 7", PERCENT, Some(0.7)),
    ("Out of 5 it deserves 3.", FIVE, Some(0.5)),
    ("On a scale of 0-10: 8", PERCENT, Some(0.8)),
    ("As GA1, I say 9", TEN, Some(0.9)),
    ("7. Yes, 7.", TEN, Some(0.7)),
    ("8/10. Definitely 80%.", TEN, Some(0.8)),
    // ranges
    ("6-7", TEN, Some(0.65)),
    ("6–7", TEN, Some(0.65)),
    ("6 to 7", TEN, Some(0.65)),
    ("between 60 and 70", PERCENT, Some(0.65)),
    ("6-7/10", PERCENT, Some(0.65)),
    ("6-12", TEN, None),
    ("0-100", PERCENT, None),
    // off the scale
    ("150", PERCENT, None),
    ("11", TEN, None),
    ("-3", TEN, None),
    ("Score: -3", TEN, None),
    ("1,000", PERCENT, None),
    ("Score: 150, and there are 7 bushes", PERCENT, None),
    ("99999999999999999999999999999999", PERCENT, None),
    // several, and no word on which
    ("6 or 7", TEN, None),
    ("Not 7 but 8.", TEN, None),
    ("7/10 for the dog, 3/10 for the bush", TEN, None),
    ("1. The dog is nice.\n2. The bush is green.", TEN, None),
    // none
    ("", TEN, None),
    ("   \n", TEN, None),
    ("NaN", TEN, None),
    ("inf", TEN, None),
    ("seven", TEN, None),
    ("I like it very much!", TEN, None),
    ("GA1 likes the 3rd one", TEN, None),
    ("7e0", TEN, None),
    ("2023-07-01", PERCENT, None),
    ("7.5.3", TEN, None),
    ("4 stars", PERCENT, None),
    ("★★★★☆", FIVE, None),
    ("½", TEN, None),
    ("٧", TEN, None),
    ("/", TEN, None),
    ("%", PERCENT, None),
    ("-", AROUND_ZERO, None),
    ("out of 10", TEN, None),
];

#[test]
fn an_answer_holds_the_score_that_a_person_would_read_in_it() {
    assert!(ROWS.len() >= 40, "{} answers", ROWS.len());
    let faults: Vec<String> = ROWS
        .iter()
        .filter_map(|(answer, scale, expected)| {
            let found = read_score(answer, *scale);
            let agrees = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-12,
                (found, expected) => found.is_none() && expected.is_none(),
            };
            (!agrees).then(|| format!("{answer:?} on {scale:?}: {found:?}, expected {expected:?}"))
        })
        .collect();
    assert!(faults.is_empty(), "{} of {} answers:\n{}", faults.len(), ROWS.len(), faults.join("\n"));
}

#[test]
fn every_mark_written_alone_or_as_a_fraction_is_read_as_its_place_on_the_scale() {
    for scale in [PERCENT, TEN, NINE, FIVE] {
        let span = f64::from(scale.highest - scale.lowest);
        for mark in scale.marks() {
            let expected = f64::from(mark - scale.lowest) / span;
            for answer in [format!("{mark}"), format!("Score: {mark}"), format!("I'd say {mark}/{}.", scale.highest)] {
                let found = read_score(&answer, scale).unwrap_or_else(|| panic!("{answer:?} has no score"));
                assert!((found - expected).abs() < 1e-12, "{answer:?}: {found}, expected {expected}");
            }
        }
    }
}

#[test]
fn no_answer_of_signs_and_digits_makes_the_reader_fail_or_leave_the_unit_interval() {
    // every text of up to five of these pieces
    let pieces = ["1", "10", "0.5", "/", "-", "%", " ", "out of", "score", "\n", ".", "é"];
    let mut texts = vec![String::new()];
    for _ in 0..5 {
        let longer = |text: &String| pieces.map(|piece| format!("{text}{piece}"));
        texts = texts.iter().flat_map(longer).collect();
        for text in &texts {
            let score = read_score(text, TEN);
            assert!(score.is_none_or(|score| (0.0..=1.0).contains(&score)), "{text:?}: {score:?}");
        }
    }
}
