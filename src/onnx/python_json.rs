//! JSON as Python writes it: diffusers' files have `"lambda_min_clipped": -Infinity`, which JSON does not know.

use serde_json::Value;

/// Reads JSON of diffusers; numbers that JSON does not have become texts of their names.
///
/// # Errors
/// What serde_json says of the rest. Columns of a line behind such a number are two too large.
pub(super) fn python_json(text: &str) -> serde_json::Result<Value> {
    // Most files are plain JSON.
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&with_named_numbers(text)))
}

/// Puts quotation marks around `-Infinity`, `Infinity` and `NaN` outside of texts.
fn with_named_numbers(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    let mut rest = text;
    let mut is_in_text = false;
    while let Some(character) = rest.chars().next() {
        let named = ["-Infinity", "Infinity", "NaN"].into_iter().find(|name| !is_in_text && rest.starts_with(name));
        let taken = match (named, character) {
            (Some(name), _) => {
                quoted.extend(["\"", name, "\""]);
                rest = &rest[name.len()..];
                continue;
            }
            // What is escaped ends no text.
            (None, '\\') if is_in_text => rest.chars().take(2).map(char::len_utf8).sum(),
            (None, '"') => {
                is_in_text = !is_in_text;
                1
            }
            _ => character.len_utf8(),
        };
        quoted.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_json_does_not_have_become_texts_and_all_else_stays() {
        let read = python_json(r#"{"a": -Infinity, "b": [NaN, 1.5], "c": "-Infinity \" NaN", "d": Infinity}"#).unwrap();
        let expected =
            serde_json::json!({"a": "-Infinity", "b": ["NaN", 1.5], "c": "-Infinity \" NaN", "d": "Infinity"});
        assert_eq!(read, expected);
        assert!(python_json("{\"a\": -Infinite}").is_err());
        assert!(python_json("{\"a\": -Infinity,}").is_err());
    }
}
