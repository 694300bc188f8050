//! The chat template of a pack becomes the form in which its agents are asked.

use std::path::Path;

use latentlink::judge::{Persona, PromptTemplate};
use latentlink::onnx::JudgePack;
use serde_json::json;

use crate::tiny_llava::CopiedPack;
use crate::vlm_vectors::VlmVectors;

/// LLaVA-1.5's own: pictures come first.
const LLAVA: &str = "{% for message in messages %}{% if message['role'] != 'system' %}{{ message['role'].upper() + ': '}}{% endif %}\
    {% for content in message['content'] | selectattr('type', 'equalto', 'image') %}{{ '<image>\n' }}{% endfor %}\
    {% for content in message['content'] | selectattr('type', 'equalto', 'text') %}{{ content['text'] + ' ' }}{% endfor %}\
    {% endfor %}{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}";

const STAGES: &str = "scale = { lowest = 0, highest = 9 }\ngeneral = \"G\"\nagent = \"{openness_percent} {conscientiousness_percent} \
    {extraversion_percent} {agreeableness_percent} {neuroticism_percent}\"\nquestion = \"Q {request}\"\n";

/// The tiny LLaVA with a template without `format` and these files.
fn pack_with(files: &[(&str, String)]) -> CopiedPack {
    let pack = CopiedPack::new();
    std::fs::write(pack.path("judge_template.toml"), STAGES).expect("writable");
    for (file, text) in files {
        std::fs::write(pack.path(file), text).expect("writable");
    }
    pack
}

fn prompt(pack: &CopiedPack) -> Result<[String; 2], String> {
    let chosen = PromptTemplate::for_pack(pack.root(), None).map_err(|error| {
        let help = miette::Diagnostic::help(&error).map_or_else(String::new, |help| help.to_string());
        format!("{error}\n{help}")
    })?;
    let prompt = chosen.template.render(&Persona::new([0.0, 0.1, 0.2, 0.3, 0.4]).expect("in [0, 1]"), "a dog");
    Ok([prompt.before_picture, prompt.after_picture])
}

#[test]
fn a_template_that_shows_the_picture_first_is_followed() {
    let pack = pack_with(&[("chat_template.json", json!({ "chat_template": LLAVA }).to_string())]);
    assert_eq!(
        prompt(&pack).expect("it fits"),
        ["USER: ".to_owned(), "\nG\n0 10 20 30 40\n Q a dog ASSISTANT:".to_owned()]
    );
}

#[test]
fn of_several_files_the_one_that_transformers_takes_counts() {
    let named = |word: &str| {
        format!("{word} {{{{ messages[0].content[0].text }}}}<image>{{{{ messages[0].content[2].text }}}}")
    };
    let in_json = |word: &str| json!({ "chat_template": named(word) }).to_string();
    let list = json!({ "chat_template": [
        { "name": "tool_use", "template": named("tools") },
        { "name": "default", "template": named("usual") },
    ] });
    let mut files = vec![("tokenizer_config.json", list.to_string())];
    for (more, word) in [
        (None, "usual"),
        (Some(("chat_template.json", in_json("processor"))), "processor"),
        (Some(("chat_template.jinja", named("own"))), "own"),
    ] {
        files.extend(more);
        let [before, after] = prompt(&pack_with(&files)).expect("it fits");
        assert_eq!(before, format!("{word} G\n0 10 20 30 40\n"));
        assert_eq!(after, "Q a dog");
    }
}

#[test]
fn special_tokens_that_a_template_names_are_those_of_the_tokenizer_and_begin_a_prompt_once() {
    let files = [
        ("tokenizer_config.json", json!({ "bos_token": "<s>", "eos_token": { "content": "</s>" } }).to_string()),
        (
            "chat_template.jinja",
            "{{ bos_token }}user : <image>{{ messages[0].content | map(attribute='text') | select \
            | join('|') }}{{ eos_token }}"
                .to_owned(),
        ),
    ];
    let pack = pack_with(&files);
    let [before, after] = prompt(&pack).expect("it fits");
    assert_eq!(before, "<s>user : ");
    assert_eq!(after, "G\n0 10 20 30 40\n|Q a dog</s>");
    let opened = JudgePack::open(pack.root()).expect("it is whole");
    let ids = opened.tokenizer().encode_start(&before).expect("it encodes");
    assert_eq!(ids.iter().filter(|&&id| id == 1).count(), 1, "the tokenizer would have begun with <s> too: {ids:?}");
    let without = opened.tokenizer().encode_start("user : ").expect("it encodes");
    assert_eq!(ids, without);
}

#[test]
fn a_chat_template_that_cannot_be_used_is_refused_with_its_file_and_the_way_out() {
    let rows = [
        ("{% for message in messages %}<image>", "unexpected end"),
        ("{{ raise_exception('no pictures here') }}", "no pictures here"),
        ("{{ messages[0].content[0].text }} {{ messages[0].content[2].text }}", "<image> 0 times"),
        ("<image><image>{{ messages[0].content[0].text }}", "<image> 2 times"),
        ("<image>{{ messages[0].content[0].text }}", "the text after the picture 0 times"),
        ("<image>{{ strftime_now('%d %b %Y') }}", "strftime_now"),
    ];
    for (template, said) in rows {
        let text = prompt(&pack_with(&[("chat_template.jinja", template.to_owned())])).expect_err("it cannot be used");
        for said in ["chat_template.jinja", said, "judge.template"] {
            assert!(text.contains(said), "{said} is not in: {text}");
        }
    }
    let list = json!({ "chat_template": [{ "name": "rag", "template": "" }] }).to_string();
    let text = prompt(&pack_with(&[("tokenizer_config.json", list)])).expect_err("none is the usual one");
    assert!(text.contains("tokenizer_config.json") && text.contains("default"), "{text}");
    let text = prompt(&pack_with(&[])).expect_err("no chat template");
    assert!(text.contains("judge_template.toml has no `format`") && text.contains("USER: {general}"), "{text}");
}

#[test]
fn a_format_of_its_own_goes_without_the_chat_template_and_without_either_llavas_form_is_taken() {
    let pack = pack_with(&[("chat_template.jinja", "no template".to_owned())]);
    let file = pack.path("judge_template.toml");
    std::fs::write(&file, format!("{STAGES}format = \"[{{general}} {{agent}} {{picture}} {{question}}]\""))
        .expect("writable");
    assert_eq!(prompt(&pack).expect("it fits"), ["[G 0 10 20 30 40 ".to_owned(), " Q a dog]".to_owned()]);

    std::fs::remove_file(&file).expect("there");
    std::fs::remove_file(pack.path("chat_template.jinja")).expect("there");
    let chosen = PromptTemplate::for_pack(pack.root(), None).expect("the built-in one");
    assert_eq!(
        (chosen.template, chosen.source.to_string()),
        (PromptTemplate::built_in(), "the built-in template".into())
    );
}

#[test]
fn the_source_of_a_template_names_its_files() {
    let root = VlmVectors::QWEN2_VL.path("pack");
    let source = PromptTemplate::for_pack(&root, None).expect("it is right").source.to_string();
    let own = PromptTemplate::for_pack(&root, Some(Path::new("no/such.toml"))).expect_err("no file").to_string();
    assert!(
        source.ends_with("chat_template.jinja") && source.contains("judge_template.toml in the chat template"),
        "{source}"
    );
    assert!(own.contains("no/such.toml"), "{own}");
}
