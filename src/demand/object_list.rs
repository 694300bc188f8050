//! Objects that a language model names, and prompts made of them (section 5.1 of the paper: agents were "instructed to generate a
//! set of 50 diverse objectives such as dog, cat, and tree", and combined them to "dog under the tree" and "cat on the tree").
//!
//! ```text
//!  request ─► answer ─► lines ─► objects, each once ─┬─ enough ────► templates ─► prompts
//!     ▲                                              │
//!     └──────────── those that are there ◄───────────┘
//! ```

use rand::seq::SliceRandom;

use crate::random::StreamKey;

/// Where an object stands in a template.
pub const OBJECT: &str = "{object}";
/// Where another object stands.
pub const OTHER: &str = "{other}";
/// The paper's two.
pub const PAIR_TEMPLATES: [&str; 2] = ["{object} under the {other}", "{object} on the {other}"];

/// Longest name, in words and letters: what is longer is a sentence about objects.
const MOST_WORDS: usize = 3;
const MOST_LETTERS: usize = 32;
/// Objects that a request names as known, the last ones: a prompt is not endless.
const MOST_NAMED: usize = 200;

/// Objects in the order in which they were named, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectList {
    objects: Vec<String>,
}

impl ObjectList {
    pub fn objects(&self) -> &[String] {
        &self.objects
    }

    /// What a model is asked that should name `wanted` objects in all.
    pub fn request(&self, wanted: usize) -> String {
        let missing = wanted.saturating_sub(self.objects.len());
        let known = &self.objects[self.objects.len().saturating_sub(MOST_NAMED)..];
        let (more, named) = match known {
            [] => ("", String::new()),
            known => (" further", format!(" None of these, which are there already: {}.", known.join(", "))),
        };
        format!(
            "Name {missing}{more} different things that one can see in a picture: animals, plants, food, vehicles and everyday \
             objects, such as dog, cat and tree. Be as diverse as you can.{named} Write one noun a line, in the singular, without \
             article and number, and nothing else."
        )
    }

    /// Takes the objects of an answer, those that are new, up to `wanted` in all.
    pub fn take_from(&mut self, answer: &str, wanted: usize) {
        for written in answer.split(['\n', ',', ';']) {
            if self.objects.len() >= wanted {
                return;
            }
            if let Some(object) = object(written)
                && !self.objects.iter().any(|known| is_same(known, &object))
            {
                self.objects.push(object);
            }
        }
    }
}

/// The noun of a line, in small letters; `None` for sentences, headings and what holds no word.
fn object(line: &str) -> Option<String> {
    let line = line.trim();
    if line.ends_with([':', '?', '!']) {
        return None;
    }
    // `1. dog`, `- dog`, `* **dog**`
    let name = line.trim_start_matches(|one: char| !one.is_alphabetic());
    let name = name.trim_end_matches(|one: char| !one.is_alphanumeric()).to_lowercase();
    let name = ["a ", "an ", "the "].iter().find_map(|article| name.strip_prefix(article)).unwrap_or(&name);
    let words: Vec<&str> = name.split_whitespace().collect();
    let is_name = |one: char| one.is_alphabetic() || one == ' ' || one == '-' || one == '\'';
    let fits = (1..=MOST_WORDS).contains(&words.len()) && name.chars().count() <= MOST_LETTERS;
    (fits && name.chars().all(is_name)).then(|| words.join(" "))
}

/// `dog` and `dogs` are one.
fn is_same(one: &str, other: &str) -> bool {
    let singular = |name: &str| name.strip_suffix('s').unwrap_or(name).to_owned();
    one == other || singular(one) == singular(other)
}

/// Puts objects into templates: every object into each with [`OBJECT`], every pair of two into each that has [`OTHER`] as well.
/// Each prompt once, in an order drawn from `stream`, `count` of them or all there are.
pub fn combine(objects: &[String], templates: &[String], count: usize, stream: &StreamKey) -> Vec<String> {
    let mut prompts: Vec<String> = Vec::new();
    for template in templates {
        for object in objects {
            let filled = template.replace(OBJECT, object);
            match filled.contains(OTHER) {
                false => prompts.push(filled),
                true => prompts
                    .extend(objects.iter().filter(|other| *other != object).map(|other| filled.replace(OTHER, other))),
            }
        }
    }
    prompts.sort_unstable();
    prompts.dedup();
    prompts.shuffle(&mut stream.rng());
    prompts.truncate(count);
    prompts
}
