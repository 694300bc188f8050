//! What a judge at an endpoint asks, and what it makes of the answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use latentlink::judge::endpoint::EndpointError;
use latentlink::judge::{
    Answer, BaseUrl, ConnectionOptions, EndpointClient, EndpointJudge, EndpointOptions, Persona, PromptTemplate,
    Question, Readout,
};
use latentlink::picture::Picture;
use latentlink::random::StreamKey;
use serde_json::{Value, json};

use crate::endpoint_server::{Reply, Request, Server, completion};

pub fn connection(base_url: &str) -> ConnectionOptions {
    ConnectionOptions {
        base_url: BaseUrl::parse(base_url).expect("an address"),
        api_key_env: None,
        timeout_s: 20.0,
        request_retries: 4,
        concurrency: 4,
    }
}

pub fn options(readout: Readout) -> EndpointOptions {
    EndpointOptions { model: "eyes".to_owned(), readout, temperature: 0.7, max_new_tokens: 12, retries: 2 }
}

pub fn judge_with(connection: ConnectionOptions, options: EndpointOptions) -> Arc<EndpointJudge> {
    let client = Arc::new(EndpointClient::new(connection).expect("plain HTTP"));
    Arc::new(EndpointJudge::new(client, PromptTemplate::built_in_for_chats(), options).expect("a scale of digits"))
}

pub fn judge(server: &Server, readout: Readout) -> Arc<EndpointJudge> {
    judge_with(connection(&server.base_url()), options(readout))
}

/// Two by two pixels.
pub fn picture(red: f32) -> Picture {
    Picture::new(2, 2, [[red, 0.5, 0.25]; 4].concat()).expect("a picture")
}

pub fn question(picture: &Picture, seed: Option<StreamKey>) -> Question<'_> {
    Question { persona: Persona::GA1, picture, request: "a dog", seed }
}

pub fn seed(entity: &str) -> StreamKey {
    StreamKey::new(1, 0, "judge", entity)
}

/// All answers, in the order in which they were handed out.
pub fn ask_all(judge: &Arc<EndpointJudge>, questions: &[Question<'_>]) -> Result<Vec<Answer>, EndpointError> {
    let mut all: Vec<Answer> = Vec::new();
    judge.ask(questions, &|| false, &mut |answers| -> Result<(), EndpointError> {
        for (index, answer) in answers {
            assert_eq!(index, all.len(), "in the order of the questions");
            all.push(answer);
        }
        Ok(())
    })?;
    Ok(all)
}

fn ask(judge: &Arc<EndpointJudge>, seed: Option<StreamKey>) -> Answer {
    ask_all(judge, &[question(&picture(1.0), seed)]).expect("an answer").remove(0)
}

#[test]
fn a_question_is_one_message_of_text_picture_and_text_and_its_answer_is_read_as_a_score() {
    let server = Server::start(|_, _| Reply::says("Score: 6/10"));
    let answer = ask(&judge(&server, Readout::Greedy), None);
    assert_eq!(answer, Answer { score: Some(0.6), text: Some("Score: 6/10".to_owned()), attempts: 1 });
    let request: Request = server.questions().remove(0);
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(request.headers["content-type"], "application/json");
    assert!(!request.headers.contains_key("authorization"), "no key, no header");
    let asked = request.asked();
    let told = PromptTemplate::built_in().render(&Persona::GA1, "a dog");
    // The words of the local model's template, without its form of a conversation.
    assert_eq!(format!("USER: {}", asked.before), told.before_picture);
    assert_eq!(format!("{} ASSISTANT:", asked.after), told.after_picture.trim_start());
    let png = asked.picture_url.strip_prefix("data:image/png;base64,").expect("a data URL");
    let shown = Picture::from_png_bytes(&base64_bytes(png)).expect("a PNG file");
    assert_eq!(shown.to_rgb8(), picture(1.0).to_rgb8());
    let mut rest = request.body.clone();
    rest.as_object_mut().expect("an object").remove("messages");
    assert_eq!(rest, json!({ "model": "eyes", "temperature": 0.0, "max_tokens": 12, "stream": false }));
}

/// By the alphabet of RFC 4648.
fn base64_bytes(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        held = held << 6 | ALPHABET.iter().position(|known| *known == letter).expect("base64") as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
            held &= (1 << bits) - 1;
        }
    }
    bytes
}

#[test]
fn drawn_answers_have_seeds_of_their_streams_and_an_unreadable_one_is_asked_for_again_with_the_next() {
    let script = |_: usize, request: &Request| match request.body["seed"].as_i64().expect("a seed") % 3 {
        0 => Reply::says("I would rather not say"),
        rest => Reply::says(&format!("{}", 3 * rest)),
    };
    let streams: Vec<StreamKey> = (0..40).map(|index| seed(&format!("user {index}"))).collect();
    let picture = picture(0.5);
    let questions: Vec<Question<'_>> = streams.iter().map(|stream| question(&picture, Some(*stream))).collect();
    let (first, second) = (Server::start(script), Server::start(script));
    let answers = ask_all(&judge(&first, Readout::Sample), &questions).expect("answers");
    let requests = first.questions();
    let attempts: u32 = answers.iter().map(|answer| answer.attempts).sum();
    assert_eq!(requests.len(), attempts as usize);
    assert!(answers.iter().any(|answer| answer.attempts == 2), "one in three is unreadable");
    for answer in &answers {
        // Two retries: the third answer counts, readable or not.
        assert!(answer.score.is_some() || answer.attempts == 3, "{answer:?}");
        assert!(answer.score.is_none_or(|score| [3.0 / 9.0, 6.0 / 9.0].contains(&score)), "{answer:?}");
    }
    let failed = answers.iter().find(|answer| answer.score.is_none());
    assert!(failed.is_none_or(|failed| failed.text.as_deref() == Some("I would rather not say")), "{failed:?}");
    let mut seeds: Vec<i64> = requests.iter().map(|request| request.body["seed"].as_i64().expect("a seed")).collect();
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), requests.len(), "no two draws are alike");
    assert!(requests.iter().all(|request| request.body["temperature"] == 0.7));
    assert_eq!(ask_all(&judge(&second, Readout::Sample), &questions).expect("answers"), answers, "drawn again");
}

#[test]
fn an_answer_cut_off_within_a_number_is_no_score() {
    let server = Server::start(|number, _| match number {
        0 => Reply::json(200, completion("I would give it 7.", "length", Value::Null)),
        _ => Reply::json(200, completion("7", "length", Value::Null)),
    });
    let judge = judge(&server, Readout::Greedy);
    assert_eq!(ask(&judge, None).score, None, "7.5 may have been meant");
    assert_eq!(ask(&judge, None).score, Some(7.0 / 9.0), "there is no greater mark that begins with 7");
}

/// The likeliest tokens at one place, and what was said there.
fn place(said: &str, likely: &[(&str, f64)]) -> Value {
    let likely: Vec<Value> =
        likely.iter().map(|(token, chance)| json!({ "token": token, "logprob": chance.ln(), "bytes": null })).collect();
    json!({ "token": said, "logprob": -0.1, "bytes": null, "top_logprobs": likely })
}

#[test]
fn expectation_is_the_mean_of_the_marks_weighted_by_the_chances_that_the_server_names() {
    let likely = [("7", 0.5), (" 8", 0.25), ("8", 0.125), ("The", 0.1), ("10", 0.01), ("\u{201c}", 0.001)];
    let places = json!({ "content": [place("7", &likely), place(".", &[(".", 1.0), ("9", 0.5)])] });
    let server = Server::start(move |_, _| Reply::json(200, completion("7.", "length", places.clone())));
    let answer = ask(&judge(&server, Readout::Expectation), None);
    let expected = (0.5 * 7.0 + 0.375 * 8.0) / 0.875 / 9.0;
    assert!((answer.score.expect("a score") - expected).abs() < 1e-12, "{answer:?}");
    assert_eq!((answer.text, answer.attempts), (None, 1));
    let body = &server.questions()[0].body;
    assert_eq!((&body["logprobs"], &body["top_logprobs"]), (&json!(true), &json!(20)));
    assert_eq!((&body["temperature"], &body["seed"]), (&json!(0.0), &Value::Null));
}

#[test]
fn a_blank_that_begins_the_answer_is_passed_over_and_words_without_a_mark_are_no_score() {
    let blank = json!({ "content": [place(" ", &[(" ", 0.9), ("1", 0.05)]), place("4", &[("4", 0.6), ("5", 0.2)])] });
    let words = json!({ "content": [place("What", &[("What", 0.9), ("A", 0.1)])] });
    let server = Server::start(move |number, _| {
        let (text, places) = if number == 0 { (" 4", &blank) } else { ("What a dog", &words) };
        Reply::json(200, completion(text, "stop", places.clone()))
    });
    let judge = judge(&server, Readout::Expectation);
    let score = ask(&judge, None).score.expect("a score");
    assert!((score - (0.6 * 4.0 + 0.2 * 5.0) / 0.8 / 9.0).abs() < 1e-12, "{score}");
    assert_eq!(ask(&judge, None), Answer { score: None, text: Some("What a dog".to_owned()), attempts: 1 });
}

#[test]
fn a_server_without_log_probabilities_is_an_error_that_names_other_readouts() {
    for given in [Value::Null, json!({ "content": null }), json!({ "content": [place("7", &[])] })] {
        let server = Server::start(move |_, _| Reply::json(200, completion("7", "stop", given.clone())));
        let judge = judge(&server, Readout::Expectation);
        let error = ask_all(&judge, &[question(&picture(0.0), None)]).expect_err("no chances");
        let told = format!("{:?}", miette::Report::new(error));
        for word in ["eyes at http://127.0.0.1:", "gives no log-probabilities", "\"greedy\""] {
            assert!(told.contains(word), "{told}");
        }
        assert_eq!(server.questions().len(), 1, "asking again would change nothing");
    }
}

#[test]
fn expectation_needs_marks_of_one_digit() {
    let template = |scale: &str| {
        let text = format!(
            "scale = {scale}\ngeneral = \"g\"\nagent = \"{{openness}} {{conscientiousness}} {{extraversion}} {{agreeableness}} \
             {{neuroticism}}\"\nquestion = \"{{request}}\"\nformat = \"{{general}} {{agent}} {{picture}} {{question}}\"\n"
        );
        PromptTemplate::parse(&text, std::path::Path::new("t.toml")).expect("a template")
    };
    let client = Arc::new(EndpointClient::new(connection("http://127.0.0.1:9/v1")).expect("plain HTTP"));
    let open = |scale: &str, readout| EndpointJudge::new(Arc::clone(&client), template(scale), options(readout));
    let ten = "{ lowest = 0, highest = 10 }";
    let error = open(ten, Readout::Expectation).expect_err("1 begins 10").to_string();
    assert!(error.contains("goes from 0 to 10"), "{error}");
    assert!(open("{ lowest = -1, highest = 5 }", Readout::Expectation).is_err());
    assert!(open("{ lowest = 1, highest = 5 }", Readout::Expectation).is_ok());
    assert!(open(ten, Readout::Greedy).is_ok());
}

#[test]
fn the_key_of_a_score_has_server_model_words_and_readout_and_nothing_of_patience() {
    let digest = |connection: ConnectionOptions, options: EndpointOptions| judge_with(connection, options).digest();
    let usual = || connection("http://127.0.0.1:9/v1");
    let of = |options: EndpointOptions| digest(usual(), options);
    let first = of(options(Readout::Greedy));
    let patient = ConnectionOptions {
        timeout_s: 1.0,
        request_retries: 0,
        concurrency: 9,
        api_key_env: Some("K".into()),
        ..usual()
    };
    assert_eq!(digest(patient, options(Readout::Greedy)), first);
    assert_eq!(digest(connection("http://127.0.0.1:9/v1/"), options(Readout::Greedy)), first, "a slash says nothing");
    assert_eq!(of(EndpointOptions { temperature: 2.0, retries: 9, ..options(Readout::Greedy) }), first, "not used");
    let others = [
        digest(connection("http://127.0.0.1:8/v1"), options(Readout::Greedy)),
        of(EndpointOptions { model: "ears".into(), ..options(Readout::Greedy) }),
        of(EndpointOptions { max_new_tokens: 3, ..options(Readout::Greedy) }),
        of(options(Readout::Expectation)),
        of(options(Readout::Sample)),
        of(EndpointOptions { temperature: 2.0, ..options(Readout::Sample) }),
    ];
    for (index, other) in others.iter().enumerate() {
        assert!(*other != first && !others[..index].contains(other), "{index}");
    }
}

#[test]
fn no_more_requests_are_under_way_than_allowed_over_all_judges_and_answers_keep_their_order() {
    let script = |number: usize, request: &Request| {
        // The earlier a question, the later its answer.
        let time = Duration::from_millis(if number.is_multiple_of(3) { 60 } else { 5 });
        let mark = request.asked().after.len() % 10;
        Reply::After(time, Box::new(Reply::says(&mark.to_string())))
    };
    let server = Server::start(script);
    let client = Arc::new(
        EndpointClient::new(ConnectionOptions { concurrency: 3, ..connection(&server.base_url()) })
            .expect("plain HTTP"),
    );
    let open = |model: &str| {
        let options = EndpointOptions { model: model.to_owned(), ..options(Readout::Greedy) };
        let template = PromptTemplate::built_in_for_chats();
        Arc::new(EndpointJudge::new(Arc::clone(&client), template, options).expect("a judge"))
    };
    let picture = picture(0.75);
    let requests: Vec<String> = (0..24).map(|index| "x".repeat(index)).collect();
    let questions: Vec<Question<'_>> =
        requests.iter().map(|request| Question { request, ..question(&picture, None) }).collect();
    let length = PromptTemplate::built_in_for_chats().render(&Persona::GA1, "").after_picture.len();
    let expected: Vec<Option<f64>> = (0..24).map(|index| Some(((length + index) % 10) as f64 / 9.0)).collect();
    std::thread::scope(|scope| {
        for model in ["eyes", "ears"] {
            let (judge, questions) = (open(model), &questions);
            let expected = &expected;
            scope.spawn(move || {
                let answers = ask_all(&judge, questions).expect("answers");
                let scores: Vec<Option<f64>> = answers.iter().map(|answer| answer.score).collect();
                assert_eq!(&scores, expected);
            });
        }
    });
    assert_eq!(server.questions().len(), 48);
    assert_eq!(server.most_under_way(), 3, "as many as allowed, and no more");
}

#[test]
fn when_somebody_asks_to_stop_what_was_answered_is_handed_out_and_nothing_new_is_sent() {
    let server = Server::start(|number, _| match number {
        // One early question that takes for ever: later answers are not held back by it in the end.
        2 => Reply::After(Duration::from_secs(15), Box::new(Reply::says("9"))),
        _ => Reply::After(Duration::from_millis(20), Box::new(Reply::says("3"))),
    });
    let judge = judge(&server, Readout::Greedy);
    let picture = picture(0.75);
    let questions: Vec<Question<'_>> = (0..500).map(|_| question(&picture, None)).collect();
    let mut handed: Vec<usize> = Vec::new();
    let looked = AtomicUsize::new(0);
    let began = std::time::Instant::now();
    let outcome = judge.ask(
        &questions,
        &|| server.questions().len() >= 20 && looked.fetch_add(1, Ordering::Relaxed) > 0,
        &mut |answers| -> Result<(), EndpointError> {
            handed.extend(answers.into_iter().map(|(index, _)| index));
            Ok(())
        },
    );
    assert!(matches!(outcome, Err(EndpointError::Stopped)), "{outcome:?}");
    assert!(began.elapsed() < Duration::from_secs(15), "it does not wait for the one that takes for ever");
    assert!(handed.len() >= 15, "{handed:?}");
    let missing: Vec<usize> = (0..4).filter(|index| !handed.contains(index)).collect();
    assert_eq!(missing.len(), 1, "one of the first four came third and takes for ever: {handed:?}");
    let sent = server.questions().len();
    assert!(sent < 60, "{sent} were sent");
}

#[test]
fn one_request_that_fails_for_good_ends_all_and_loses_none_of_the_answers() {
    let server = Server::start(|number, _| match number {
        10 => Reply::json(400, json!({ "error": { "message": "this picture shows a cat" } })),
        _ => Reply::says("5"),
    });
    let judge = judge(&server, Readout::Greedy);
    let picture = picture(0.75);
    let questions: Vec<Question<'_>> = (0..100).map(|_| question(&picture, None)).collect();
    let mut handed = 0;
    let outcome = judge.ask(&questions, &|| false, &mut |answers| -> Result<(), EndpointError> {
        handed += answers.len();
        Ok(())
    });
    let error = outcome.expect_err("refused").to_string();
    assert!(error.contains("refused the request with 400: this picture shows a cat"), "{error}");
    assert!(handed >= 10, "{handed}");
    assert_eq!(server.questions().len(), handed + 1, "each question that was answered is handed out");
}
