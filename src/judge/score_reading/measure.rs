//! Numbers with what belongs to them: a denominator, a percent sign, the other end of a range.

use super::token::Token;

/// A number, or what several make together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Quantity {
    Plain {
        value: f64,
        is_decimal: bool,
    },
    /// Both ends; the first is the smaller.
    Range(f64, f64),
    /// `7/10`: part and whole; the whole is above 0.
    Fraction(f64, f64),
    Percent(f64),
    /// Out of something that is no number.
    Unreadable,
    /// `out of 10` where no part was named before: what is said later is out of this.
    OutOf(f64),
}

/// A quantity and the tokens it takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    pub(super) quantity: Quantity,
    pub(super) start: usize,
    /// One past the last.
    pub(super) end: usize,
}

/// Everything in the answer that may be a score, in order.
pub(super) fn measures(tokens: &[Token]) -> Vec<Measure> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match quantity_at(tokens, at) {
            None => at += 1,
            Some((quantity, end)) => {
                found.extend(quantity.map(|quantity| Measure { quantity, start: at, end }));
                at = end;
            }
        }
    }
    found
}

fn number_at(tokens: &[Token], at: usize) -> Option<f64> {
    match tokens.get(at) {
        Some(Token::Number { value, .. }) => Some(*value),
        _ => None,
    }
}

fn is_word(tokens: &[Token], at: usize, word: &str) -> bool {
    matches!(tokens.get(at), Some(Token::Word(found)) if found == word)
}

/// What begins with the number at `at`, and where it ends; `(None, end)` for numbers that are no quantity, as a date.
fn quantity_at(tokens: &[Token], at: usize) -> Option<(Option<Quantity>, usize)> {
    let Some(Token::Number { value, is_decimal }) = tokens.get(at) else {
        return None;
    };
    if at > 0 && tokens[at - 1] == Token::Slash {
        return Some((None, at + 1));
    }
    if at > 1 && is_word(tokens, at - 1, "of") && is_word(tokens, at - 2, "out") {
        return Some((Some(Quantity::OutOf(*value)), at + 1));
    }
    let (middle, range, end) = match range_end(tokens, at) {
        Some((high, end)) if high > *value => ((value + high) / 2.0, Some((*value, high)), end),
        _ => (*value, None, at + 1),
    };
    if let Some(end) = date_end(tokens, at, end) {
        return Some((None, end));
    }
    let whole = match tokens.get(end) {
        Some(Token::Slash) => number_at(tokens, end + 1).map(|whole| (Some(whole), end + 2)),
        _ => out_of(tokens, end),
    };
    if let Some((whole, end)) = whole {
        let quantity = match whole {
            Some(whole) if whole > 0.0 => Quantity::Fraction(middle, whole),
            _ => Quantity::Unreadable,
        };
        return Some((Some(quantity), end));
    }
    if let Some(end) = percent_end(tokens, end) {
        return Some((Some(Quantity::Percent(middle)), end));
    }
    let quantity = match range {
        Some((low, high)) => Quantity::Range(low, high),
        None => Quantity::Plain { value: *value, is_decimal: *is_decimal },
    };
    Some((Some(quantity), end))
}

/// The other end in `6-7`, `6 to 7` and `between 6 and 7`.
fn range_end(tokens: &[Token], at: usize) -> Option<(f64, usize)> {
    let joins = match tokens.get(at + 1)? {
        Token::Dash => true,
        Token::Word(word) if word == "to" => true,
        Token::Word(word) if word == "and" => at > 0 && is_word(tokens, at - 1, "between"),
        // the dash of `6 -7` was read as a sign
        Token::Number { value, .. } if *value < 0.0 => return None,
        _ => false,
    };
    let high = joins.then(|| number_at(tokens, at + 2)).flatten()?;
    Some((high, at + 3))
}

/// The end of `2023-07-01`, `12/24/2023` and the like: three numbers joined by the same sign.
fn date_end(tokens: &[Token], at: usize, end_of_range: usize) -> Option<usize> {
    let joined = |sign: &Token| {
        tokens.get(at + 1) == Some(sign)
            && number_at(tokens, at + 2).is_some()
            && tokens.get(at + 3) == Some(sign)
            && number_at(tokens, at + 4).is_some()
    };
    let is_date = [Token::Slash, Token::Dash].iter().any(joined);
    is_date.then_some((at + 5).max(end_of_range))
}

/// The whole in `out of 10`, `of 10`, `out of a possible ten`; `Some((None, _))` where it is no number.
fn out_of(tokens: &[Token], at: usize) -> Option<(Option<f64>, usize)> {
    const BETWEEN: [&str; 7] = ["a", "an", "the", "possible", "maximum", "total", "full"];
    // `7 points out of 10`
    let unit = ["point", "points", "marks", "mark", "stars", "star"].iter().any(|word| is_word(tokens, at, word));
    let at = at + usize::from(unit);
    let is_out_of = is_word(tokens, at, "out") && is_word(tokens, at + 1, "of");
    if !is_out_of && !is_word(tokens, at, "of") {
        return None;
    }
    let mut next = at + if is_out_of { 2 } else { 1 };
    while BETWEEN.iter().any(|word| is_word(tokens, next, word)) {
        next += 1;
    }
    if let Some(whole) = number_at(tokens, next) {
        return Some((Some(whole), next + 1));
    }
    let named = [("five", 5.0), ("ten", 10.0), ("hundred", 100.0)].into_iter();
    match named.into_iter().find(|(word, _)| is_word(tokens, next, word)) {
        Some((_, whole)) => Some((Some(whole), next + 1)),
        None => is_out_of.then_some((None, next)),
    }
}

fn percent_end(tokens: &[Token], at: usize) -> Option<usize> {
    match tokens.get(at) {
        Some(Token::Percent) => Some(at + 1),
        Some(Token::Word(word)) if word == "percent" => Some(at + 1),
        Some(Token::Word(word)) if word == "per" && is_word(tokens, at + 1, "cent") => Some(at + 2),
        _ => None,
    }
}
