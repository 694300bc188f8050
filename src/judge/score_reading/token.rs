//! An answer as words, numbers, and the few signs that matter between them.

/// A piece of an answer. Brackets, quotes, colons, commas and other signs are left out.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// Letters, in lower case; digits glued to letters are part of a word.
    Word(String),
    Number {
        value: f64,
        /// Written with a decimal point.
        is_decimal: bool,
    },
    Slash,
    Percent,
    Dash,
    /// The end of a sentence.
    Stop,
    /// The end of a line.
    Break,
}

pub(super) fn tokens(answer: &str) -> Vec<Token> {
    let characters: Vec<char> = answer.chars().map(plain_form).collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let length = match characters[at] {
            c if begins_number(&characters, at) || c.is_alphanumeric() => {
                let run = run_length(&characters[at..]);
                let text: String = characters[at..at + run].iter().collect();
                tokens.push(number(&text).unwrap_or_else(|| Token::Word(text.to_lowercase())));
                run
            }
            c => {
                tokens.extend(sign(c));
                1
            }
        };
        at += length;
    }
    tokens
}

fn sign(character: char) -> Option<Token> {
    match character {
        '/' | '⁄' | '÷' => Some(Token::Slash),
        '%' => Some(Token::Percent),
        '-' | '~' => Some(Token::Dash),
        '.' | '!' | '?' | ';' | '。' => Some(Token::Stop),
        '\n' => Some(Token::Break),
        _ => None,
    }
}

/// Full-width digits and signs, minus and dashes in their ASCII form.
fn plain_form(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(u32::from(character) - 0xfee0).expect("full-width forms mirror ASCII")
        }
        '−' | '–' | '—' | '‐' | '‑' => '-',
        _ => character,
    }
}

/// A digit, a point before digits, or a sign right before one of these and not right after a letter or digit.
fn begins_number(characters: &[char], at: usize) -> bool {
    let digit = |index: usize| characters.get(index).is_some_and(char::is_ascii_digit);
    let follows_text = at > 0 && (characters[at - 1].is_alphanumeric() || characters[at - 1] == ')');
    match characters[at] {
        '.' => !follows_text && digit(at + 1),
        '-' | '+' => !follows_text && (digit(at + 1) || characters.get(at + 1) == Some(&'.') && digit(at + 2)),
        c => c.is_ascii_digit(),
    }
}

/// How far the number or word reaches: points and commas belong to it only before a digit.
fn run_length(characters: &[char]) -> usize {
    let first = usize::from(matches!(characters[0], '-' | '+'));
    let is_number = characters[first..].first().is_some_and(|c| c.is_ascii_digit() || *c == '.');
    let mut length = first;
    while let Some(&c) = characters.get(length) {
        let joins = is_number && matches!(c, '.' | ',') && characters.get(length + 1).is_some_and(char::is_ascii_digit);
        if !(c.is_alphanumeric() || joins) {
            break;
        }
        length += 1;
    }
    length
}

/// `7`, `-3`, `.7`, `7.5`, `7,5` or `1,000`; nothing glued to letters, no versions and no dates.
fn number(text: &str) -> Option<Token> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',')) {
        return None;
    }
    let signs: Vec<char> = digits.chars().filter(|c| !c.is_ascii_digit()).collect();
    let last_group = digits.rsplit([',', '.']).next().map_or(0, str::len);
    let (plain, is_decimal) = match signs.as_slice() {
        [] => (digits.to_owned(), false),
        ['.'] => (digits.to_owned(), true),
        [','] if last_group != 3 => (digits.replace(',', "."), true),
        [','] => (digits.replace(',', ""), false),
        _ => return None,
    };
    let value: f64 = plain.parse().ok()?;
    Some(Token::Number { value: sign * value, is_decimal })
}
