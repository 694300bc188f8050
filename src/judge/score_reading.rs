//! What score an agent's words hold.
//!
//! Agents answer `85`, `Score: 7/10`, `I'd say 0.7` or a paragraph. Numbers are read with what stands beside them
//! (`/10`, `out of 10`, `%`, a range), and the one that is said to be the score is taken. An answer that leaves
//! open which number is the score has none: the agent is asked again rather than misunderstood.

mod measure;
mod token;

use self::measure::{Measure, Quantity, measures};
use self::token::{Token, tokens};
use super::score_scale::ScoreScale;

/// The score in [0, 1] that an answer holds, `None` where it holds none, several, or one that is off the scale.
///
/// - A number on the scale is a mark; `7/10`, `7 out of 10` and `70 %` mean what they say whatever the scale.
/// - A decimal strictly between 0 and 1 already is a score (`0.7`); `1.0` may be either and is no score.
/// - A range (`6-7`) is its middle. One that names a scale (`on a scale from 1 to 10`) is the scale that a plain
///   number is then read on.
/// - Of several numbers, one called score, rating or the like counts first; then fractions, percentages and what
///   is *given* or *said*; then a number that is the whole first sentence; then any other. Those of the first of
///   these ranks must agree.
/// - Years, list items, stars, numbers glued to letters (`GA1`, `3rd`) and number words are not read.
pub fn read_score(answer: &str, scale: ScoreScale) -> Option<f64> {
    let tokens = tokens(answer);
    let mut found = measures(&tokens);
    let scale = stated_scale(&mut found, &tokens, scale);
    remove_list_items(&mut found, &tokens);
    found.retain(|measure| !is_beside_the_point(measure, &tokens, scale));
    let best = found.iter().map(|measure| rank(measure, &tokens)).max()?;
    let mut scores = found.iter().filter(|measure| rank(measure, &tokens) == best).map(|one| score_of(one, scale));
    let first = scores.next()??;
    scores.all(|score| score.is_some_and(|score| (score - first).abs() < 1e-9)).then_some(first)
}

/// How plainly a number is said to be the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Mentioned,
    Opening,
    Given,
    Labelled,
}

const LABELS: &[&str] = &["score", "rating", "overall", "mark", "grade", "final", "total", "verdict", "answer", "qoe"];
const VERBS: &[&str] = &["give", "gives", "giving", "say", "rate", "rated", "rates", "assign", "deserves", "gets"];
/// Words that may stand between such a word and its number.
#[rustfmt::skip]
const FILLERS: &[&str] = &[
    "is", "was", "be", "of", "a", "an", "at", "it", "as", "i", "d", "ll", "would", "will", "give", "this", "that",
    "picture", "image", "photo", "around", "about", "roughly", "approximately", "maybe", "only", "just", "solid",
    "the", "my", "score", "rating", "mark", "to",
];

fn rank(measure: &Measure, tokens: &[Token]) -> Rank {
    for token in tokens[..measure.start].iter().rev() {
        match token {
            Token::Word(word) if LABELS.contains(&word.as_str()) => return Rank::Labelled,
            Token::Word(word) if VERBS.contains(&word.as_str()) && word != "give" => return Rank::Given,
            Token::Word(word) if FILLERS.contains(&word.as_str()) => {
                if word == "give" && !is_labelled_before(tokens, measure.start) {
                    return Rank::Given;
                }
            }
            Token::Break | Token::Dash => {}
            _ => break,
        }
    }
    let opens = tokens[..measure.start].iter().all(|token| matches!(token, Token::Break | Token::Dash));
    let ends = matches!(tokens.get(measure.end), None | Some(Token::Stop | Token::Break));
    match measure.quantity {
        Quantity::Fraction(..) | Quantity::Percent(_) | Quantity::Unreadable | Quantity::OutOf(_) => Rank::Given,
        _ if opens && ends => Rank::Opening,
        _ => Rank::Mentioned,
    }
}

/// `The score I give is 7`: a label counts more than the verb that stands nearer.
fn is_labelled_before(tokens: &[Token], end: usize) -> bool {
    tokens[..end]
        .iter()
        .rev()
        .map_while(|token| match token {
            Token::Word(word) if LABELS.contains(&word.as_str()) || FILLERS.contains(&word.as_str()) => Some(word),
            _ => None,
        })
        .any(|word| LABELS.contains(&word.as_str()))
}

/// The scale that the answer itself names, else the given one; what names it is taken out.
fn stated_scale(found: &mut Vec<Measure>, tokens: &[Token], scale: ScoreScale) -> ScoreScale {
    let mut stated = scale;
    found.retain(|measure| {
        let (low, high) = match measure.quantity {
            Quantity::Range(low, high) => (low, high),
            // on a scale that begins at 1, `out of` its highest mark still means that scale
            Quantity::OutOf(whole) if whole == f64::from(scale.highest) => return false,
            Quantity::OutOf(whole) => (0.0, whole),
            _ => return true,
        };
        let is_own = low == f64::from(scale.lowest) && high == f64::from(scale.highest);
        let is_usual = (low == 0.0 || low == 1.0) && [5.0, 10.0, 20.0, 100.0].contains(&high);
        let before = &tokens[measure.start.saturating_sub(3)..measure.start];
        let is_called_one = matches!(measure.quantity, Quantity::OutOf(_))
            || before.iter().any(|token| matches!(token, Token::Word(word) if word == "scale"));
        let is_whole = low.fract() == 0.0 && high.fract() == 0.0 && low < high && high <= 1000.0;
        if is_whole && (is_own || is_usual || is_called_one) {
            stated = ScoreScale { lowest: low as i32, highest: high as i32 };
            return false;
        }
        true
    });
    stated
}

/// Takes out `1.` and `2.` where they number the lines of a list.
fn remove_list_items(found: &mut Vec<Measure>, tokens: &[Token]) {
    let is_item = |measure: &Measure| {
        let begins_line = measure.start == 0 || tokens[measure.start - 1] == Token::Break;
        let is_whole = matches!(measure.quantity, Quantity::Plain { value, .. } if value.fract() == 0.0);
        let text_follows = matches!(tokens.get(measure.end), Some(Token::Stop))
            && matches!(tokens.get(measure.end + 1), Some(Token::Word(_)));
        begins_line && is_whole && text_follows
    };
    if found.iter().filter(|measure| is_item(measure)).count() > 1 {
        found.retain(|measure| !is_item(measure));
    }
}

fn is_beside_the_point(measure: &Measure, tokens: &[Token], scale: ScoreScale) -> bool {
    let Quantity::Plain { value, .. } = measure.quantity else {
        return false;
    };
    let is_year = value.fract() == 0.0 && (1900.0..2100.0).contains(&value) && scale.to_unit(value).is_none();
    let counts_stars = matches!(tokens.get(measure.end), Some(Token::Word(word)) if word == "star" || word == "stars");
    is_year || counts_stars
}

fn score_of(measure: &Measure, scale: ScoreScale) -> Option<f64> {
    let unit = |value: f64| (0.0..=1.0).contains(&value).then_some(value);
    match measure.quantity {
        Quantity::Plain { value, is_decimal: true } if scale.highest > 1 => match value {
            value if value > 0.0 && value < 1.0 => Some(value),
            1.0 => None,
            value => scale.to_unit(value),
        },
        Quantity::Plain { value, .. } => scale.to_unit(value),
        Quantity::Range(low, high) => {
            scale.to_unit(low).and(scale.to_unit(high)).and(scale.to_unit((low + high) / 2.0))
        }
        Quantity::Fraction(mark, whole) if whole == f64::from(scale.highest) => scale.to_unit(mark),
        Quantity::Fraction(part, whole) => unit(part / whole),
        Quantity::Percent(percent) => unit(percent / 100.0),
        Quantity::Unreadable | Quantity::OutOf(_) => None,
    }
}
