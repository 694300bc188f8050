//! `[judge]`

use std::path::PathBuf;

use super::input_files::InputFiles;
use super::persona::{People, persona_from};
use crate::judge::{BaseUrl, NamedPersona, Readout};
use crate::scenario::error::Problem;
use crate::scenario::range::Range;
use crate::scenario::reader::TableReader;
use crate::scenario::settings::{
    EndpointSettings, GroupingSettings, JudgeKind, JudgeSettings, MeasuredSettings, SimilaritySettings,
    SurfaceSettings, VlmSettings,
};
use crate::scenario::tree::Data;
use crate::scenario::words::{MODEL_DTYPES, READOUTS, Words, word_for};

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    None,
    Surface,
    Vlm,
    Endpoint,
}

const KINDS: Words<Kind> =
    &[("vlm", Kind::Vlm), ("endpoint", Kind::Endpoint), ("surface", Kind::Surface), ("none", Kind::None)];

/// What every judge that judges has.
const SHARED: &[&str] = &["qoe_threshold", "panel", "answers_per_picture", "write_answers"];
const OF_SURFACE: &[&str] = &["similarity", "noise", "file"];
/// What a model is asked, wherever it is.
const OF_MODELS: &[&str] = &["template", "readout", "temperature", "max_new_tokens", "retries"];
const OF_VLM: &[&str] = &["pack", "dtype"];
const OF_ENDPOINT: &[&str] = &["base_url", "model", "api_key_env", "timeout_s", "request_retries", "concurrency"];

const USUAL_PACK: &str = "models/emoji-llava";

/// Most answers to one question.
const MAXIMUM_ANSWERS: u64 = 1_000_000;
const MAXIMUM_TOKENS: u64 = 4096;
const MAXIMUM_RETRIES: u64 = 1000;
/// Each takes a thread.
const MAXIMUM_CONCURRENCY: u64 = 256;
/// A day.
const LONGEST_TIMEOUT_S: f64 = 86_400.0;

pub(super) fn read(table: &mut TableReader<'_>, people: People<'_>, files: &InputFiles) -> JudgeSettings {
    let written = table.value("kind");
    let known = match written {
        None => Some(Kind::Vlm),
        Some(value) => table.word_from("kind", value, KINDS),
    };
    refuse_keys_of_others(table, known, written.is_none());
    let kind = match known.unwrap_or(Kind::None) {
        Kind::None => JudgeKind::None,
        Kind::Surface => JudgeKind::Surface(surface(table, files)),
        Kind::Vlm => JudgeKind::Vlm(vlm(table)),
        Kind::Endpoint => endpoint(table).map_or(JudgeKind::None, JudgeKind::Endpoint),
    };
    let (panel, answers_per_picture) = match known {
        Some(Kind::None) | None => (Vec::new(), 1),
        Some(_) => (panel(table, people), answers_per_picture(table, &kind)),
    };
    JudgeSettings {
        kind,
        qoe_threshold: table.number("qoe_threshold", 0.6, Range::Between(0.0, 1.0)),
        panel,
        answers_per_picture,
        write_answers: table.flag("write_answers", false),
    }
}

fn refuse_keys_of_others(table: &mut TableReader<'_>, known: Option<Kind>, is_usual: bool) {
    const NEITHER: &str = "take the line away, or choose that kind";
    let of_surface = format!("only kind = \"surface\" has it: {NEITHER}");
    let of_vlm = format!("only kind = \"vlm\" has it: {NEITHER}");
    let of_endpoint = format!("only kind = \"endpoint\" has it: {NEITHER}");
    match known {
        Some(Kind::None) => {
            let whom = "a judge of kind \"none\"";
            let help = "nobody rates anything: take the line away, or choose another kind";
            [SHARED, OF_SURFACE, OF_MODELS, OF_VLM, OF_ENDPOINT].iter().for_each(|keys| table.refuse(keys, whom, help));
        }
        Some(Kind::Surface) => {
            let whom = "a judge of kind \"surface\"";
            let help = "only kind = \"vlm\" and kind = \"endpoint\" have it: take the line away, or choose one of them";
            table.refuse(OF_MODELS, whom, help);
            table.refuse(OF_VLM, whom, &of_vlm);
            table.refuse(OF_ENDPOINT, whom, &of_endpoint);
        }
        Some(Kind::Vlm) => {
            let usual = if is_usual { ", the default" } else { "" };
            let whom = format!("a judge of kind \"vlm\"{usual}");
            table.refuse(OF_SURFACE, &whom, &of_surface);
            table.refuse(OF_ENDPOINT, &whom, &of_endpoint);
        }
        Some(Kind::Endpoint) => {
            let whom = "a judge of kind \"endpoint\"";
            table.refuse(OF_SURFACE, whom, &of_surface);
            table.refuse(OF_VLM, whom, &of_vlm);
        }
        // where the kind is wrong, nothing can be said of the keys beside it
        None => {}
    }
}

fn surface(table: &mut TableReader<'_>, files: &InputFiles) -> SurfaceSettings {
    let (similarity, noise) = (similarity(table), table.flag("noise", false));
    let measured = table.path("file", "measured.csv").and_then(|file| match files.measured_surface(&file) {
        Ok(surface) => Some(MeasuredSettings { file, surface }),
        Err(bad) => {
            bad.report(table, "file", "a CSV file of a measured surface");
            None
        }
    });
    if noise && measured.as_ref().is_some_and(|measured| !measured.surface.has_scatter()) {
        let problem =
            Problem::new("`noise` = true, but the surface has cells with one picture: their scatter is not known");
        let help = "make the surface of a study with several replications, or take the line away";
        table.push_at("noise", problem.expected("false").help(help));
    }
    SurfaceSettings { similarity, noise, measured }
}

/// A number, or the ends of a range.
fn similarity(table: &mut TableReader<'_>) -> Option<SimilaritySettings> {
    const COSINE: Range = Range::Between(-1.0, 1.0);
    let value = table.value("similarity")?;
    let Data::List(ends) = &value.data else {
        return table.number_from("similarity", value, COSINE).map(SimilaritySettings::Given);
    };
    let [low, high] = ends.as_slice() else {
        let problem = Problem::new(format!("`similarity` is a list of {} numbers", ends.len())).at(&value.origin);
        table.push(problem.expected("a number, or the two ends of a range, say [0.6, 1.0]"));
        return None;
    };
    let (low, high) = (table.number_from("similarity", low, COSINE), table.number_from("similarity", high, COSINE));
    let (low, high) = (low?, high?);
    if high < low {
        let problem = Problem::new(format!("`similarity` = {value} ends below its beginning")).at(&value.origin);
        table.push(problem.expected(format!("the lesser end first: [{high:?}, {low:?}]")));
    }
    Some(SimilaritySettings::Drawn { low, high })
}

/// A range says how similar a device's prompt is to the one it shares steps with, not how similar any two are: nothing that
/// decides by those goes with it.
pub(super) fn check_similarity(
    judge: &JudgeSettings,
    grouping: Option<&GroupingSettings>,
    has_cache: bool,
    table: &mut TableReader<'_>,
) {
    let JudgeKind::Surface(SurfaceSettings { similarity: Some(SimilaritySettings::Drawn { low, .. }), .. }) =
        judge.kind
    else {
        return;
    };
    let mut refuse = |whom: &str, help: &str| {
        let problem = Problem::new(format!("a range of `similarity` does not go with {whom}"));
        table.push_at("similarity", problem.expected("one number").help(help));
    };
    if has_cache {
        refuse(
            "[cache], which asks how similar any two prompts are",
            "write one number, leave `similarity` out, or take [cache] away",
        );
    }
    let threshold = grouping.filter(|grouping| grouping.window_s > 0.0).map(|grouping| grouping.similarity_threshold);
    if threshold.is_some_and(|threshold| threshold.is_none_or(|threshold| threshold > low)) {
        refuse(
            "groups by the similarity of any two prompts",
            &format!(
                "let everybody share, with a threshold that no draw is below:\n  [grouping]\n  \
                 similarity_threshold = {low:?}\nor nobody, with window_s = 0.0"
            ),
        );
    }
}

/// What a model is asked, wherever it is.
struct AskedOfModel {
    template: Option<PathBuf>,
    readout: Readout,
    temperature: f64,
    max_new_tokens: u32,
    retries: u32,
}

fn asked_of_model(table: &mut TableReader<'_>) -> AskedOfModel {
    let readout = table.word("readout", Readout::Expectation, READOUTS);
    let whom = format!("readout = \"{}\"", word_for(READOUTS, readout));
    if readout != Readout::Sample {
        let help = "only answers that are drawn have it: take the line away, or write readout = \"sample\"";
        table.refuse(&["temperature", "retries"], &whom, help);
    }
    if readout == Readout::Expectation {
        let help = "nothing is said, the score is read from one forward pass: take the line away, or write \
                    readout = \"greedy\" or \"sample\"";
        table.refuse(&["max_new_tokens"], &whom, help);
    }
    AskedOfModel {
        template: table.path("template", "my_template.toml"),
        readout,
        temperature: table.number("temperature", 1.0, Range::Above(0.0)),
        max_new_tokens: table.integer("max_new_tokens", 16, 1, MAXIMUM_TOKENS) as u32,
        retries: table.integer("retries", 3, 0, MAXIMUM_RETRIES) as u32,
    }
}

fn vlm(table: &mut TableReader<'_>) -> VlmSettings {
    let AskedOfModel { template, readout, temperature, max_new_tokens, retries } = asked_of_model(table);
    let pack = table.path("pack", USUAL_PACK).unwrap_or_else(|| PathBuf::from(USUAL_PACK));
    let dtype = table.value("dtype").and_then(|value| table.word_from("dtype", value, MODEL_DTYPES));
    VlmSettings { pack, dtype, template, readout, temperature, max_new_tokens, retries }
}

fn endpoint(table: &mut TableReader<'_>) -> Option<EndpointSettings> {
    let AskedOfModel { template, readout, temperature, max_new_tokens, retries } = asked_of_model(table);
    let base_url = needed_text(table, "base_url", "http://localhost:8000/v1").and_then(|text| {
        let refused = match BaseUrl::parse(&text) {
            Ok(base_url) => return Some(base_url),
            Err(refused) => refused,
        };
        // Not with the text: it may hold a secret.
        let problem = Problem::new(format!("`base_url` is no address of an endpoint: {}", refused.problem));
        table.push_at("base_url", problem.expected(refused.expected));
        None
    });
    let model = needed_text(table, "model", "llava-1.5-7b");
    let api_key_env = match table.has("api_key_env") {
        true => table.filled_text("api_key_env", "OPENAI_API_KEY").filter(|name| {
            let is_name = name
                .chars()
                .enumerate()
                .all(|(place, one)| one == '_' || one.is_ascii_alphabetic() || (place > 0 && one.is_ascii_digit()));
            if !is_name {
                let problem = Problem::new("`api_key_env` is no name of an environment variable");
                let problem = problem.expected("letters, digits and _, say \"OPENAI_API_KEY\"");
                table.push_at(
                    "api_key_env",
                    problem.help("the key itself stands in no file: put it into the variable, export NAME=…"),
                );
            }
            is_name
        }),
        false => None,
    };
    let timeout_s = table.number("timeout_s", 120.0, Range::Above(0.0));
    if timeout_s > LONGEST_TIMEOUT_S {
        let problem = Problem::new(format!("`timeout_s` = {timeout_s:?} is more than a day"));
        table.push_at("timeout_s", problem.expected(format!("at most {LONGEST_TIMEOUT_S:?} s")));
    }
    let request_retries = table.integer("request_retries", 6, 0, MAXIMUM_RETRIES) as u32;
    let concurrency = table.integer("concurrency", 4, 1, MAXIMUM_CONCURRENCY) as u32;
    Some(EndpointSettings {
        base_url: base_url?,
        model: model?,
        api_key_env,
        template,
        readout,
        temperature,
        max_new_tokens,
        retries,
        timeout_s: timeout_s.min(LONGEST_TIMEOUT_S),
        request_retries,
        concurrency,
    })
}

/// A text without which there is no endpoint.
fn needed_text(table: &mut TableReader<'_>, key: &str, example: &str) -> Option<String> {
    if !table.has(key) {
        table.missing_for(key, "a judge of kind \"endpoint\"", &format!("{key} = \"{example}\""));
        return None;
    }
    table.filled_text(key, example)
}

fn panel(table: &mut TableReader<'_>, people: People<'_>) -> Vec<NamedPersona> {
    let Some(value) = table.value("panel") else {
        return Vec::new();
    };
    let Data::List(list) = &value.data else {
        table.wrong_type("panel", value, "a list of personas, say [\"GA1\", \"GA2\"]");
        return Vec::new();
    };
    let mut panel: Vec<NamedPersona> = Vec::new();
    for value in list {
        let Some(persona) = persona_from(table, "panel", value, people) else {
            continue;
        };
        if panel.iter().any(|other| other.name == persona.name) {
            let problem = Problem::new(format!("`panel` names {value} twice")).at(&value.origin);
            table.push(problem.expected("each persona once").help("for several answers set `answers_per_picture`"));
        }
        if persona.name == "status" {
            let problem = Problem::new("a persona of the panel is called \"status\"").at(&value.origin);
            table.push(
                problem.expected("another name: its column would be `qoe_status`, which says what became of scores"),
            );
        }
        panel.push(persona);
    }
    panel
}

fn answers_per_picture(table: &mut TableReader<'_>, kind: &JudgeKind) -> u32 {
    let answers = table.integer("answers_per_picture", 1, 1, MAXIMUM_ANSWERS) as u32;
    if answers > 1
        && !kind.is_drawn()
        && *kind != JudgeKind::None
        && let Some(origin) = table.origin("answers_per_picture")
    {
        let (why, help) = match kind {
            JudgeKind::Vlm(VlmSettings { readout, .. }) | JudgeKind::Endpoint(EndpointSettings { readout, .. }) => (
                format!("readout = \"{}\" always gives the same", word_for(READOUTS, *readout)),
                "answers differ with readout = \"sample\"",
            ),
            _ => ("the surface without noise always gives the same".to_owned(), "answers differ with noise = true"),
        };
        let problem = Problem::new(format!("`answers_per_picture` = {answers}, but {why} answer")).at(origin);
        table.push(problem.expected("1").help(help));
    }
    answers
}
