//! Lists as `--set` arguments write them: `policy.t0=2,3,4`.

use std::ops::Range;

/// The parts of `text` between its commas; commas inside quotes, brackets and braces part nothing.
///
/// A quote or bracket opens only where a value can begin, so that `a dog's bone` is one part. Where it is never
/// closed, all that follows is one part.
pub(in crate::scenario) fn split_at_commas(text: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    loop {
        let rest = &text[start..];
        let value = start + (rest.len() - rest.trim_start().len());
        let closed = value + enclosed(&text[value..]);
        match text[closed..].find(',') {
            None => {
                parts.push(start..text.len());
                return parts;
            }
            Some(comma) => {
                parts.push(start..closed + comma);
                start = closed + comma + 1;
            }
        }
    }
}

/// How many bytes of `text` a value that begins with a quote, bracket or brace takes; 0 for any other.
fn enclosed(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        at += match first {
            '"' | '\'' => quoted(&text[at..]),
            '[' | '{' => {
                depth += 1;
                1
            }
            ']' | '}' if depth > 0 => {
                depth -= 1;
                1
            }
            _ if depth == 0 => return at,
            other => other.len_utf8(),
        };
        if depth == 0 {
            return at;
        }
    }
    at
}

/// How many bytes a string with its quotes takes; all of them where it is not closed.
fn quoted(text: &str) -> usize {
    let quote = &text[..1];
    let (open, escapes) = (if text.starts_with(&quote.repeat(3)) { 3 } else { 1 }, quote == "\"");
    let close = quote.repeat(open);
    let mut at = open;
    while at < text.len() {
        let rest = &text[at..];
        if rest.starts_with(&close) {
            return at + open;
        }
        let escaped = if escapes && rest.starts_with('\\') { 1 } else { 0 };
        at += rest.chars().take(1 + escaped).map(char::len_utf8).sum::<usize>();
    }
    text.len()
}
