//! `demand.prompts`: what is asked for.

use super::input_files::InputFiles;
use crate::demand::grammar::{OBJECTS, TEMPLATES};
use crate::scenario::error::Problem;
use crate::scenario::reader::TableReader;
use crate::scenario::schema::PROMPTS;
use crate::scenario::settings::PromptChoice;

/// Where an object stands in a template.
const OBJECT: &str = "{object}";

pub(super) fn read(table: &mut TableReader<'_>, files: &InputFiles) -> Option<PromptChoice> {
    if !table.has("prompts") {
        return Some(PromptChoice::Own);
    }
    match table.choice("prompts", PROMPTS)? {
        ("own", _) => Some(PromptChoice::Own),
        ("list", mut table) => {
            let expected = "a list of prompts, most popular first";
            if !table.has("prompts") {
                table.lacks("prompts", expected, "prompts = [\"a dog on the beach\", \"a cat at night\"]");
                return None;
            }
            texts(&mut table, "prompts", expected).map(|prompts| PromptChoice::List { prompts })
        }
        ("file", mut table) => {
            const EXPECTED: &str = "a text file with one prompt a line";
            let Some(file) = table.path("file", "prompts.txt") else {
                if !table.has("file") {
                    table.lacks("file", EXPECTED, "prompts = { kind = \"file\", file = \"prompts.txt\" }");
                }
                return None;
            };
            match files.prompts(&file) {
                Ok(prompts) => Some(PromptChoice::File { file, prompts }),
                Err(bad) => {
                    bad.report(&mut table, "file", EXPECTED);
                    None
                }
            }
        }
        ("grammar", mut table) => {
            let objects = texts_or(&mut table, "objects", "a list of objects, most popular first", &OBJECTS);
            let templates =
                texts_or(&mut table, "templates", "a list such as [\"a {object} on the beach\"]", &TEMPLATES);
            hold_objects_once(&mut table, templates.as_deref().unwrap_or_default())?;
            Some(PromptChoice::Grammar { objects: objects?, templates: templates? })
        }
        (kind, _) => unreachable!("the schema knows prompts {kind} that are never read"),
    }
}

fn texts_or(table: &mut TableReader<'_>, key: &str, expected: &str, usual: &[&str]) -> Option<Vec<String>> {
    match table.has(key) {
        true => texts(table, key, expected),
        false => Some(usual.iter().map(|text| (*text).to_owned()).collect()),
    }
}

/// A list of texts with something in them, each once.
fn texts(table: &mut TableReader<'_>, key: &str, expected: &str) -> Option<Vec<String>> {
    let list = table.list(key, expected)?;
    if list.is_empty() {
        let problem = Problem::new(format!("`{}` is an empty list", table.written(key)));
        table.push_at(key, problem.expected(expected));
        return None;
    }
    let before = table.problem_count();
    let mut known = std::collections::HashSet::with_capacity(list.len());
    let mut texts = Vec::with_capacity(list.len());
    for value in list {
        let Some(text) = table.text_from(key, value) else { continue };
        let key = table.written(key);
        if text.trim().is_empty() {
            let problem = Problem::new(format!("`{key}` holds an empty text")).at(&value.origin);
            table.push(problem.expected("text in each entry"));
        } else if !known.insert(text.clone()) {
            let problem = Problem::new(format!("`{key}` holds {value} twice")).at(&value.origin);
            let problem = problem.expected("each text once");
            table.push(problem.help("popularity goes by the place in the list and `demand.zipf_exponent`"));
        }
        texts.push(text);
    }
    (table.problem_count() == before).then_some(texts)
}

fn hold_objects_once(table: &mut TableReader<'_>, templates: &[String]) -> Option<()> {
    let (index, template) =
        match templates.iter().enumerate().find(|(_, template)| template.matches(OBJECT).count() != 1) {
            None => return Some(()),
            Some(found) => found,
        };
    let count = match template.matches(OBJECT).count() {
        0 => "has no place for an object".to_owned(),
        count => format!("has places for {count} objects"),
    };
    let problem = Problem::new(format!("the template \"{template}\" {count}"));
    let problem = problem.expected("`{object}` once").help("say \"a {object} under the tree\"");
    let place = table.list("templates", "a list").and_then(|list| list.get(index));
    match place {
        Some(value) => table.push(problem.at(&value.origin)),
        None => table.push_at("templates", problem),
    }
    None
}
