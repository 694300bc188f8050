//! Whose scores a figure of pictures shows.

use super::{Entry, Surroundings};
use crate::judge::Persona;
use crate::scenario::error::Problem;
use crate::scenario::settings::{JudgeKind, JudgeSettings, PersonaSettings};
use crate::scenario::tree::{Data, Value};
use crate::scenario::words::{alternatives, nearest};

/// `scores`: personas that rate each picture.
pub(super) fn scores(entry: &mut Entry<'_, '_>) -> Vec<String> {
    let Entry { table, around, .. } = entry;
    let Some(written) = table.value("scores") else {
        return Vec::new();
    };
    let Data::List(list) = &written.data else {
        table.wrong_type("scores", written, "a list of personas, say [\"GA1\", \"GA2\"]");
        return Vec::new();
    };
    let mut names: Vec<String> = Vec::new();
    for value in list {
        let Some(name) = table.text_from("scores", value) else {
            continue;
        };
        if around.judge_is_known && !is_rated(&name, around) {
            table.push(unrated(&name, value, around));
        } else if names.contains(&name) {
            let problem = Problem::new(format!("`scores` names {value} twice")).at(&value.origin);
            table.push(problem.expected("each persona once"));
        }
        names.push(name);
    }
    names
}

fn is_rated(name: &str, around: &Surroundings<'_>) -> bool {
    around.judge.kind != JudgeKind::None && personas(around.judge, around).any(|known| known == name)
}

/// Everybody whose scores are known by name before the run.
fn personas<'a>(judge: &'a JudgeSettings, around: &'a Surroundings<'_>) -> impl Iterator<Item = &'a str> {
    let users = around.devices.iter().filter_map(|device| match &device.persona {
        PersonaSettings::Given(persona) => Some(persona.name.as_str()),
        PersonaSettings::Population => None,
    });
    judge.panel.iter().map(|persona| persona.name.as_str()).chain(users)
}

fn unrated(name: &str, value: &Value, around: &Surroundings<'_>) -> Problem {
    let problem = Problem::new(format!("the figure needs the scores of \"{name}\", who rates no picture"));
    let problem = problem.at(&value.origin);
    if around.judge.kind == JudgeKind::None {
        let problem = problem.expected("no `scores` where nobody rates the pictures");
        return problem.help("take the line away, or `kind = \"none\"` under [judge]");
    }
    let mut known: Vec<&str> = personas(around.judge, around).collect();
    known.sort_unstable();
    known.dedup();
    let problem = match known.as_slice() {
        [] => problem.expected("a name of `judge.panel`"),
        known => problem.expected(alternatives(known.iter().copied())),
    };
    match nearest(name, known.iter().copied()) {
        // somebody of that name could be asked as well
        Some(near) if Persona::named(name).is_none() => problem.help(format!("did you mean \"{near}\"?")),
        _ => problem.help(format!("add \"{name}\" to `panel` under [judge]")),
    }
}
