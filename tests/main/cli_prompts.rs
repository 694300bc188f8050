//! `latentlink prompts`: objects of a language model, combined and saved in the form that a scenario reads.

use std::collections::HashSet;

use latentlink::demand::object_list::{ObjectList, combine};
use latentlink::demand::read_prompts;
use latentlink::random::StreamKey;

use crate::endpoint_server::{Reply, Server};
use crate::program::{Workplace, shipped_pack};

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn objects_are_read_out_of_lists_of_any_form_each_once() {
    let mut list = ObjectList::default();
    list.take_from("Here are ten things:\n1. Dog\n2) a cat\n- the Fire truck\n* **Apple**\n\u{2022} an owl.\n", 99);
    list.take_from("dog, Cats, umbrella; teddy-bear\nSure! I hope that this long sentence helps you further\n42\n", 99);
    let expected = ["dog", "cat", "fire truck", "apple", "owl", "umbrella", "teddy-bear"];
    assert_eq!(list.objects(), expected);
    list.take_from("bus\ncar\nboat", 9);
    assert_eq!(list.objects().len(), 9, "no more than wanted");
    assert!(list.request(12).contains("Name 3 further"), "{}", list.request(12));
    assert!(list.request(12).contains("dog, cat, fire truck"), "{}", list.request(12));
}

#[test]
fn templates_take_every_object_or_every_pair_of_two_and_no_prompt_comes_twice() {
    let objects = strings(&["dog", "cat", "tree"]);
    let stream = StreamKey::new(1, 0, "prompts", "combinations");
    let singles = combine(&objects, &strings(&["a {object} sits in front of a bush"]), 99, &stream);
    assert_eq!(singles.len(), 3);
    assert!(singles.contains(&"a cat sits in front of a bush".to_owned()));
    let pairs = combine(&objects, &strings(&["{object} under the {other}", "{object} on the {other}"]), 99, &stream);
    assert_eq!(pairs.len(), 2 * 3 * 2, "n (n - 1) of each");
    assert!(pairs.contains(&"dog under the tree".to_owned()) && pairs.contains(&"cat on the tree".to_owned()));
    assert!(!pairs.iter().any(|prompt| prompt == "dog on the dog"));
    assert_eq!(pairs.iter().collect::<HashSet<_>>().len(), pairs.len());
    let some = combine(&objects, &strings(&["{object} on the {other}", "{object} on the {other}"]), 4, &stream);
    assert_eq!(some.len(), 4);
    assert_ne!(pairs, combine(&objects, &strings(&["{object} under the {other}"]), 99, &stream));
}

/// Names ten objects a request, of which three were named before.
fn talkative() -> Server {
    Server::start(|number, _| {
        let letter = |index: usize| char::from(b'a' + (index % 26) as u8);
        let name = |index: usize| format!("odd {}{}", letter(index / 26), letter(index));
        let lines: Vec<String> = (0..10).map(|line| format!("{}. {}", line + 1, name(number * 7 + line))).collect();
        Reply::says(&lines.join("\n"))
    })
}

#[test]
fn objects_are_asked_for_until_there_are_enough_and_a_scenario_reads_what_is_saved() {
    let server = talkative();
    let workplace = Workplace::new();
    let url = server.base_url();
    let arguments = ["prompts", "--base-url", &url, "--model", "words", "--objects", "50", "--prompts", "60"];
    let said = workplace.run(&arguments).assert_done();
    assert!(said.stdout.contains("60 prompts of 50 objects in prompts.txt"), "{}", said.stdout);
    // Ten at first and seven new ones each time: 10 + 6 · 7 = 52.
    assert_eq!(server.questions().len(), 7);
    let body = &server.questions()[1].body;
    assert_eq!((body["model"].as_str(), body["temperature"].as_f64()), (Some("words"), Some(1.0)));
    let asked = body["messages"][0]["content"].as_str().expect("text");
    assert!(asked.contains("Name 40 further") && asked.contains("odd aa, odd ab"), "{asked}");
    let prompts = read_prompts(&workplace.path("prompts.txt")).expect("prompts");
    assert_eq!(prompts.len(), 60);
    assert!(prompts.iter().all(|prompt| prompt.contains(" under the odd ") || prompt.contains(" on the odd ")));
    let text = workplace.text("prompts.txt");
    assert!(text.starts_with(&format!("# 60 prompts of 50 objects by words at {url}\n# objects: odd aa, ")), "{text}");
    // The same seed takes the same combinations of the same objects.
    let again = talkative();
    let url = again.base_url();
    let more = ["prompts", "--base-url", &url, "--model", "words", "--prompts", "60", "--out", "again.txt"];
    workplace.run(&more).assert_done();
    assert_eq!(read_prompts(&workplace.path("again.txt")).expect("prompts"), prompts);
    let scenario = format!(
        "[models]\ndiffusion = '{}'\nexecution_provider = \"cpu\"\n[judge]\nkind = \"none\"\n\
         [[device]]\nprompt = \"a dog\"\n[policy]\nt0 = 1\ntk = 1\n\
         [demand]\narrivals = {{ kind = \"poisson\", rate_hz = 1.0 }}\nrequests = 40\nzipf_exponent = 1.0\n\
         prompts = {{ kind = \"file\", file = \"prompts.txt\" }}\n",
        shipped_pack().display()
    );
    workplace.write("s.toml", &scenario);
    let checked = workplace.run(&["check", "s.toml", "--no-estimate"]).assert_done();
    assert!(checked.stdout.contains("prompts = { kind = \"file\", file = \"prompts.txt\" }"), "{}", checked.stdout);
}

#[test]
fn the_judge_of_a_scenario_is_asked_where_it_is_at_an_endpoint() {
    let server = talkative();
    let judge = format!("[judge]\nkind = \"endpoint\"\nbase_url = \"{}\"\nmodel = \"eyes\"\n", server.base_url());
    let device = "[[device]]\nprompt = \"a dog\"\n[policy]\nt0 = 1\ntk = 1\n";
    let workplace = Workplace::with("s.toml", &format!("{judge}{device}"));
    let template = ["--template", "a {object} sits in front of a bush", "--objects", "5", "--out", "lists/five.txt"];
    workplace.run(&[&["prompts", "s.toml"][..], &template].concat()).assert_done();
    assert_eq!(server.questions()[0].body["model"], "eyes");
    let prompts = read_prompts(&workplace.path("lists/five.txt")).expect("prompts");
    assert_eq!(prompts.len(), 5);
    for (kind, why) in [("vlm", "answers with a mark"), ("surface", "no model to ask"), ("none", "no model to ask")] {
        workplace.write("other.toml", &format!("[judge]\nkind = \"{kind}\"\n{device}"));
        let refused = workplace.run(&["prompts", "other.toml", "--out", "no.txt"]);
        refused.assert_fails(2, &[&format!("is of kind \"{kind}\""), why, "--base-url and --model", "grammar"]);
    }
    assert!(!workplace.path("no.txt").exists());
}

#[test]
fn too_few_objects_a_file_that_is_there_and_one_that_cannot_be_written_are_said() {
    let server = Server::start(|_, _| Reply::says("dog\ncat\nDogs\na cat"));
    let url = server.base_url();
    let workplace = Workplace::with("there.txt", "mine\n");
    let ask = |rest: &[&str]| workplace.run(&[&["prompts", "--base-url", &url, "--model", "words"], rest].concat());
    ask(&["--objects", "3", "--requests", "4"])
        .assert_fails(1, &["words named 2 of 3 objects in 4 requests; nothing was written", "--requests"]);
    assert_eq!(server.questions().len(), 4);
    assert!(!workplace.path("prompts.txt").exists());
    ask(&["--objects", "2", "--out", "there.txt"]).assert_fails(2, &["there.txt is there already", "--force"]);
    assert_eq!((workplace.text("there.txt").as_str(), server.questions().len()), ("mine\n", 4), "nothing was asked");
    ask(&["--objects", "2", "--out", "there.txt", "--force"]).assert_done();
    assert!(workplace.text("there.txt").contains("dog on the cat\n"), "{}", workplace.text("there.txt"));
    ask(&["--objects", "2", "--out", "there.txt/below.txt"]).assert_fails(1, &["cannot write there.txt/below.txt"]);
    for template in ["a dog", "{object} and {object}", "# {object}", "{object}\n{other}"] {
        ask(&["--template", template]).assert_fails(2, &["is no template", "{object} once"]);
    }
    let refused = workplace.run(&["prompts", "--base-url", "localhost", "--model", "words"]);
    refused.assert_fails(2, &["--base-url is no address", "http://localhost:8000/v1"]);
    workplace.run(&["prompts"]).assert_fails(2, &["required"]);
}

#[test]
fn a_file_of_prompts_has_one_a_line_remarks_and_no_prompt_twice() {
    let workplace = Workplace::with("p.txt", "\u{feff}# a remark\r\n\r\n  dog under the tree \r\ncat on the tree\n");
    assert_eq!(read_prompts(&workplace.path("p.txt")).expect("two"), ["dog under the tree", "cat on the tree"]);
    workplace.write("twice.txt", "# one\ndog\n\ncat\ndog\n");
    let told = read_prompts(&workplace.path("twice.txt")).expect_err("twice").to_string();
    assert!(told.ends_with("twice.txt:5: \"dog\" is there already, in line 2"), "{told}");
    workplace.write("empty.txt", "# nothing\n\n");
    assert!(read_prompts(&workplace.path("empty.txt")).expect_err("none").to_string().ends_with("holds no prompt"));
    assert!(read_prompts(&workplace.path("not.txt")).is_err());
    let scenario = "[[device]]\nprompt = \"a dog\"\n[policy]\nt0 = 1\ntk = 1\n[judge]\nkind = \"none\"\n[demand]\n\
                    requests = 3\narrivals = { kind = \"poisson\", rate_hz = 1.0 }\nprompts = { kind = \"file\"FILE }\n";
    workplace.write("s.toml", &scenario.replace("FILE", ", file = \"twice.txt\""));
    let said = workplace.run(&["check", "s.toml"]);
    said.assert_fails(2, &["s.toml:11:", "twice.txt:5: \"dog\" is there already", "write each prompt once"]);
    workplace.write("s.toml", &scenario.replace("FILE", ""));
    workplace.run(&["check", "s.toml"]).assert_fails(2, &["lacks `file`", "one prompt a line"]);
}
