//! Templates of the prompt to an agent.

use std::path::Path;

use latentlink::judge::{Persona, PromptTemplate, ScoreScale, TemplateError};

const SCALE: &str = "scale = { lowest = 0, highest = 100 }\n";
const GENERAL: &str = "general = \"Five traits.\"\n";
const AGENT: &str =
    "agent = \"O {openness_percent} C {conscientiousness} E {extraversion} A {agreeableness} N {neuroticism}\"\n";
const QUESTION: &str = "question = \"{request}: {lowest} to {highest}?\"\n";
const FORMAT: &str = "format = \"USER: {general} {agent} {picture}\\n{question} ASSISTANT:\"\n";

fn parsed(text: &str) -> Result<PromptTemplate, TemplateError> {
    PromptTemplate::parse(text, Path::new("my.toml"))
}

fn good() -> PromptTemplate {
    parsed(&[SCALE, GENERAL, AGENT, QUESTION, FORMAT].concat()).expect("a good template")
}

#[test]
fn a_prompt_holds_the_persona_before_the_picture_and_the_request_after_it() {
    let prompt = good().render(&Persona::GA2, "a dog {openness}");
    assert_eq!(prompt.before_picture, "USER: Five traits. O 90 C 0.20 E 0.10 A 0.10 N 0.80 ");
    assert_eq!(prompt.after_picture, "\na dog {openness}: 0 to 100? ASSISTANT:");
    assert_eq!(
        prompt.with_picture_shown_as("<image>"),
        "USER: Five traits. O 90 C 0.20 E 0.10 A 0.10 N 0.80 <image>\na dog {openness}: 0 to 100? ASSISTANT:"
    );
    let other = good().render(&Persona::GA2, "a tiger");
    assert_eq!(other.before_picture, prompt.before_picture, "what stands before the picture is the persona's alone");
}

#[test]
fn the_built_in_template_asks_for_one_digit_in_the_form_of_llava() {
    let template = PromptTemplate::built_in();
    assert_eq!(template.scale(), ScoreScale { lowest: 0, highest: 9 });
    let prompt = template.render(&Persona::GA1, "a dog");
    assert!(prompt.before_picture.starts_with("USER: You will play a person"), "{prompt:?}");
    assert!(prompt.after_picture.ends_with(" ASSISTANT:"), "{prompt:?}");
    for part in
        ["openness 0.10", "conscientiousness 0.80", "extraversion 0.70", "agreeableness 0.80", "neuroticism 0.10"]
    {
        assert!(prompt.before_picture.contains(part), "no {part}: {prompt:?}");
    }
    for part in ["\"a dog\"", "from 0 (", "to 9 ("] {
        assert!(prompt.after_picture.contains(part), "no {part}: {prompt:?}");
    }
    assert!(!prompt.with_picture_shown_as("").contains(['{', '}']), "{prompt:?}");
}

#[test]
fn line_breaks_at_the_ends_of_a_text_belong_to_the_file() {
    let general = "general = \"\"\"\n  Five traits.\n\n\"\"\"\n";
    let template = parsed(&[SCALE, general, AGENT, QUESTION, FORMAT].concat()).expect("a good template");
    assert_eq!(template, good());
}

#[test]
fn the_digest_changes_with_the_scale_and_every_text() {
    let texts = [
        [SCALE, GENERAL, AGENT, QUESTION, FORMAT].concat(),
        [&SCALE.replace("100", "10"), GENERAL, AGENT, QUESTION, FORMAT].concat(),
        [SCALE, &GENERAL.replace("Five", "5"), AGENT, QUESTION, FORMAT].concat(),
        [SCALE, GENERAL, &AGENT.replace("_percent", ""), QUESTION, FORMAT].concat(),
        [SCALE, GENERAL, AGENT, &QUESTION.replace("?", ""), FORMAT].concat(),
        [SCALE, GENERAL, AGENT, QUESTION, &FORMAT.replace("USER", "User")].concat(),
        // the same words on the other side of a boundary between texts
        [SCALE, &GENERAL.replace("Five traits.", "Five traits.O"), &AGENT.replace("O {", "{"), QUESTION, FORMAT]
            .concat(),
    ];
    let digests: Vec<[u8; 32]> = texts.iter().map(|text| parsed(text).expect("good").digest()).collect();
    for (index, digest) in digests.iter().enumerate() {
        assert!(!digests[..index].contains(digest), "{}", texts[index]);
    }
    assert_eq!(digests[0], good().digest());
}

/// (the five parts of a file, line, column, what is said)
type Row = ([&'static str; 5], usize, usize, &'static [&'static str]);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ([SCALE, GENERAL, AGENT, QUESTION, "format = \"USER: {general} {agent} {question} ASSISTANT:\"\n"], 5, 10, &["no place for the picture, {picture}", "expected {picture} once"]),
    ([SCALE, GENERAL, AGENT, QUESTION, "format = \"{general} {agent} {picture}\"\n"], 5, 10, &["no place for the text, {question}"]),
    ([SCALE, GENERAL, AGENT, QUESTION, "format = \"{general} {picture} {question}\"\n"], 5, 10, &["no place for the text, {agent}"]),
    ([SCALE, GENERAL, AGENT, QUESTION, "format = \"{general} {agent} {picture} {picture} {question}\"\n"], 5, 10, &["2 places {picture}"]),
    ([SCALE, GENERAL, AGENT, QUESTION, "format = \"{general} {agent} {question} {picture}\"\n"], 5, 40, &["asks the question before it shows the picture", "{picture} before {question}"]),
    ([SCALE, GENERAL, AGENT, QUESTION, "format = \"{general} {picture} {agent} {question}\"\n"], 5, 21, &["shows the picture before it says who the agent is", "{agent} before {picture}"]),
    ([SCALE, GENERAL, AGENT, QUESTION, "format = \"{general} {agent} {request} {picture} {question}\"\n"], 5, 29, &["{request} has no meaning in `format`"]),
    ([SCALE, GENERAL, AGENT, "question = \"Do you like it?\"\n", FORMAT], 4, 12, &["no place for what the user had asked for", "expected {request}"]),
    ([SCALE, GENERAL, "agent = \"O {openness} C {conscientiousness} E {extraversion} A {agreeableness}\"\n", QUESTION, FORMAT], 3, 9, &["`agent` has no place for neuroticism", "{neuroticism} or {neuroticism_percent}"]),
    ([SCALE, GENERAL, "agent = \"O {opennes} C {conscientiousness} E {extraversion} A {agreeableness} N {neuroticism}\"\n", QUESTION, FORMAT], 3, 12, &["unknown place {opennes}", "{openness_percent}"]),
    ([SCALE, "general = \"\"\"\nFive\ntraits {openness}\"\"\"\n", AGENT, QUESTION, FORMAT], 4, 8, &["{openness} has no meaning in `general`", "text without places"]),
    ([SCALE, "general = \"a { brace\"\n", AGENT, QUESTION, FORMAT], 2, 14, &["a brace that is not closed: { brace"]),
    ([SCALE, "general = \" \"\n", AGENT, QUESTION, FORMAT], 2, 11, &["`general` is empty"]),
    (["scale = { lowest = 9, highest = 0 }\n", GENERAL, AGENT, QUESTION, FORMAT], 1, 9, &["from 9 to 0", "a highest mark above the lowest"]),
    (["scale = { lowest = 0, highest = 100000 }\n", GENERAL, AGENT, QUESTION, FORMAT], 1, 9, &["100001 marks", "at most 1001"]),
    (["scale = { lowest = 0.5, highest = 1 }\n", GENERAL, AGENT, QUESTION, FORMAT], 1, 20, &["expected i32"]),
    (["", GENERAL, AGENT, QUESTION, FORMAT], 1, 1, &["missing field `scale`", "general, agent, question, format"]),
    ([SCALE, GENERAL, AGENT, QUESTION, "format = \"USER\n"], 5, 15, &["expected"]),
    ([SCALE, "general = 5\n", AGENT, QUESTION, FORMAT], 2, 11, &["expected a string"]),
    (["scales = 3\n", GENERAL, AGENT, QUESTION, FORMAT], 1, 1, &["unknown field `scales`"]),
];

#[test]
fn a_wrong_template_is_refused_with_its_place_and_what_was_expected() {
    let mut faults = Vec::new();
    for (parts, line, column, said) in ROWS {
        let error = match parsed(&parts.concat()) {
            Ok(_) => {
                faults.push(format!("passed: {}", parts.concat()));
                continue;
            }
            Err(error) => error.to_string(),
        };
        let place = format!("my.toml:{line}:{column}: ");
        if !error.starts_with(&place) || said.iter().any(|said| !error.contains(said)) {
            faults.push(format!("{place} {said:?}: {error}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_template_that_is_not_there_is_named() {
    let error = PromptTemplate::read(Path::new("no/such/template.toml")).expect_err("no file").to_string();
    assert!(error.starts_with("cannot read the prompt's template no/such/template.toml: "), "{error}");
}
