//! `latentlink judge prompt`: what each agent is told.

use serde_json::Value;

use crate::program::Workplace;

const TEMPLATE: &str = "scale = { lowest = 0, highest = 100 }\n\
general = \"five traits .\"\n\
agent = \"o {openness_percent} c {conscientiousness_percent} e {extraversion_percent} a {agreeableness_percent} \
n {neuroticism_percent} .\"\n\
question = \"you asked for : {request} . score ?\"\n\
format = \"user : {general} {agent} {picture} {question} assistant :\"\n";

const DEVICES: &str = "[[device]]\nprompt = \"a dog\"\npersona = \"GA1\"\n[[device]]\nprompt = \"a tiger\"\n\
                       [policy]\nt0 = 4\ntk = 6\n";

#[test]
fn one_agent_is_shown_what_a_template_makes_of_it() {
    let workplace = Workplace::with("mine.toml", TEMPLATE);
    let told = workplace
        .run(&["judge", "prompt", "--persona", "GA1", "--request", "a dog", "--template", "mine.toml"])
        .assert_done();
    assert_eq!(
        told.stdout,
        "# GA1, asked for: a dog\n# mine.toml, marks from 0 to 100\n\
         user : five traits . o 10 c 80 e 70 a 80 n 10 . <image> you asked for : a dog . score ? assistant :\n"
    );
    let told = workplace
        .run(&["judge", "prompt", "--persona", "0.9,0.2,0.1,0.1,0.8", "--request", "a dog", "--template", "mine.toml"])
        .assert_done();
    assert!(told.stdout.starts_with("# o0.90-c0.20-e0.10-a0.10-n0.80, asked for: a dog\n"), "{}", told.stdout);
    assert!(told.stdout.contains("o 90 c 20 e 10 a 10 n 80 . <image>"), "{}", told.stdout);
    assert_eq!(workplace.contents(), ["mine.toml"]);
}

#[test]
fn a_scenario_shows_each_user_and_the_panel_once_for_each_request() {
    let workplace = Workplace::with("mine.toml", TEMPLATE);
    let judge = "[judge]\ntemplate = \"mine.toml\"\npanel = [\"GA1\", \"GA2\"]\n";
    let sweep = "[sweep]\n\"policy.t0\" = [2, 3]\n\"device.device-2.persona\" = [\"neutral\", \"GA2-fig10\"]\n";
    workplace.write("s.toml", &format!("{judge}{DEVICES}{sweep}"));
    let told = workplace.run(&["judge", "prompt", "s.toml", "--json"]).assert_done();
    let told: Value = serde_json::from_str(&told.stdout).expect("JSON");
    let text = |prompt: &Value, key: &str| prompt[key].as_str().expect("text").to_owned();
    let asked: Vec<_> = told
        .as_array()
        .expect("a list")
        .iter()
        .map(|prompt| format!("{}: {}", text(prompt, "persona"), text(prompt, "request")))
        .collect();
    let expected =
        ["GA1: a dog", "GA2: a dog", "neutral: a tiger", "GA1: a tiger", "GA2: a tiger", "GA2-fig10: a tiger"];
    assert_eq!(asked, expected);
    assert_eq!(text(&told[1], "before_picture"), "user : five traits . o 90 c 20 e 10 a 10 n 80 . ");
    assert_eq!(text(&told[4], "after_picture"), " you asked for : a tiger . score ? assistant :");
    assert_eq!(told[1]["traits"], serde_json::json!([0.9, 0.2, 0.1, 0.1, 0.8]));
    assert_eq!((told[0]["lowest_mark"].as_i64(), told[0]["highest_mark"].as_i64()), (Some(0), Some(100)));
}

#[test]
fn a_packs_own_template_is_taken_and_the_built_in_one_where_it_has_none() {
    let workplace = Workplace::with("pack/judge_template.toml", TEMPLATE);
    workplace.write("plain/config.json", "{}");
    let with = |pack: &str| {
        let arguments = ["judge", "prompt", "--persona", "GA2", "--request", "a dog", "--pack", pack];
        workplace.run(&arguments).assert_done().stdout
    };
    assert!(with("pack").contains("judge_template.toml, marks from 0 to 100\nuser : five traits"), "{}", with("pack"));
    assert!(with("plain").contains("# the built-in template, marks from 0 to 9\nUSER: You will"), "{}", with("plain"));
}

#[test]
fn a_changed_field_of_the_scenario_changes_the_prompt() {
    let workplace = Workplace::with("mine.toml", TEMPLATE);
    workplace.write("s.toml", &format!("[judge]\ntemplate = \"mine.toml\"\n{DEVICES}"));
    let set = "device.device-1.persona=[0.25, 0.5, 0.5, 0.5, 1]";
    let told = workplace.run(&["judge", "prompt", "s.toml", "--set", set]).assert_done().stdout;
    assert!(told.contains("o 25 c 50 e 50 a 50 n 100 ."), "{told}");
}

#[test]
fn what_cannot_be_shown_ends_with_2_and_what_to_do() {
    let workplace = Workplace::with("mine.toml", TEMPLATE);
    workplace.write("bad.toml", &TEMPLATE.replace("{picture} ", ""));
    workplace.write("surface.toml", &format!("[judge]\nkind = \"surface\"\n{DEVICES}"));
    workplace.write("vlm.toml", &format!("[judge]\npack = \"no-pack\"\n{DEVICES}"));
    let one = |persona: &str, template: &str, texts: &[&str]| {
        let arguments = ["judge", "prompt", "--persona", persona, "--request", "a dog", "--template", template];
        workplace.run(&arguments).assert_fails(2, texts);
    };
    one("GA3", "mine.toml", &["--persona GA3 is nobody's name", "did you mean GA1?"]);
    one("0.1,0.2", "mine.toml", &["is not five numbers", "openness, conscientiousness"]);
    one("0.1,0.2,1.3,0.1,0.1", "mine.toml", &["extraversion is 1.3", "from 0 to 1"]);
    one("GA1", "bad.toml", &["bad.toml:5:10", "no place for the picture"]);
    one("GA1", "none.toml", &["cannot read the prompt's template none.toml"]);
    workplace
        .run(&["judge", "prompt", "surface.toml"])
        .assert_fails(2, &["kind \"surface\": no agent is told anything", "--template"]);
    workplace.run(&["judge", "prompt", "vlm.toml"]).assert_fails(2, &["there is no judge pack in no-pack", "--pack"]);
    workplace.run(&["judge", "prompt"]).assert_fails(2, &["<FILE>"]);
    workplace.run(&["judge", "prompt", "--persona", "GA1"]).assert_fails(2, &["--request"]);
}

#[test]
fn a_user_drawn_from_a_population_is_shown_for_each_replication() {
    let workplace = Workplace::with("mine.toml", TEMPLATE);
    let population = "[population]\nmean = [0.5, 0.5, 0.5, 0.5, 0.5]\nstandard_deviation = [0.2, 0.2, 0.2, 0.2, 0.2]\n";
    workplace.write(
        "s.toml",
        &format!("[study]\nreplications = 3\n[judge]\ntemplate = \"mine.toml\"\n{population}{DEVICES}"),
    );
    let told = workplace.run(&["judge", "prompt", "s.toml"]).assert_done().stdout;
    assert_eq!(told.matches("asked for: a dog").count(), 1, "{told}");
    assert_eq!(told.matches("asked for: a tiger").count(), 3, "{told}");
}
