//! What goes wrong between here and an endpoint: what mends itself is waited for, what does not is said at once.

use std::time::{Duration, Instant};

use latentlink::judge::endpoint::{EndpointError, retry_after_s, wait_s};
use latentlink::judge::{BaseUrl, ConnectionOptions, Readout};
use latentlink::random::StreamKey;
use serde_json::json;

use crate::endpoint_judge::{ask_all, connection, judge, judge_with, options, picture, question};
use crate::endpoint_server::{Reply, Server};

/// One question to a server that does this at first, and then answers 7.
fn after(
    faults: Vec<Reply>,
    connect: impl Fn(&str) -> ConnectionOptions,
) -> (Server, Result<Option<f64>, EndpointError>) {
    let server = Server::start(move |number, _| faults.get(number).cloned().unwrap_or_else(|| Reply::says("7")));
    let judge = judge_with(connect(&server.base_url()), options(Readout::Greedy));
    let outcome = ask_all(&judge, &[question(&picture(1.0), None)]).map(|answers| answers[0].score);
    (server, outcome)
}

fn status(status: u16) -> Reply {
    Reply::json(status, json!({ "error": { "message": "the cat sits on the server", "type": "cat" } }))
}

#[test]
fn trouble_on_the_way_is_waited_out() {
    let garbage = Reply::Whole { status: 200, headers: Vec::new(), body: "<html>proxy</html>".to_owned() };
    let error_inside = Reply::json(200, json!({ "error": "model is loading" }));
    let cases = [
        ("two errors of the server", vec![status(500), status(503)]),
        ("a reset connection", vec![Reply::Reset, Reply::Reset]),
        ("garbage", vec![garbage]),
        ("half a body", vec![Reply::Truncated]),
        ("an error in a good answer", vec![error_inside]),
        ("no choice", vec![Reply::json(200, json!({ "choices": [] }))]),
        ("one of each", vec![status(502), Reply::Reset, Reply::Truncated, status(429)]),
    ];
    std::thread::scope(|scope| {
        for (name, faults) in cases {
            scope.spawn(move || {
                let times = faults.len();
                let (server, outcome) = after(faults, connection);
                assert_eq!(outcome.expect(name), Some(7.0 / 9.0), "{name}");
                assert_eq!(server.questions().len(), times + 1, "{name}");
            });
        }
    });
}

#[test]
fn an_answer_that_takes_longer_than_the_time_out_is_asked_for_again() {
    let late = Reply::After(Duration::from_secs(5), Box::new(Reply::says("1")));
    let (server, outcome) = after(vec![late], |url| ConnectionOptions { timeout_s: 0.5, ..connection(url) });
    assert_eq!(outcome.expect("an answer"), Some(7.0 / 9.0));
    assert_eq!(server.questions().len(), 2);
}

#[test]
fn a_server_that_asks_for_time_gets_it() {
    let busy = |seconds: &str| Reply::Whole {
        status: 429,
        headers: vec![("Retry-After", seconds.to_owned())],
        body: json!({ "error": { "message": "too many cats" } }).to_string(),
    };
    let began = Instant::now();
    let (server, outcome) = after(vec![busy("2")], connection);
    assert_eq!(outcome.expect("an answer"), Some(7.0 / 9.0));
    assert!(began.elapsed() >= Duration::from_secs(2), "it was asked to wait for 2 s");
    assert_eq!(server.questions().len(), 2);
    // Hours are no pause: the user should know.
    let (server, outcome) = after(vec![busy("7200")], connection);
    let error = outcome.expect_err("two hours").to_string();
    assert!(error.contains("asks to come back in 7200 s: too many cats"), "{error}");
    assert_eq!(server.questions().len(), 1);
}

#[test]
fn what_asking_again_would_not_change_is_said_at_once_in_the_words_of_the_server() {
    let bodies = [
        (400, json!({ "error": { "message": "no eyes" } }), "no eyes"),
        (401, json!({ "error": "who are you" }), "who are you"),
        (404, json!({ "object": "error", "message": "no such model" }), "no such model"),
        (422, json!({ "detail": [{ "loc": ["body"], "msg": "field required" }] }), "field required"),
        (404, json!({ "detail": "Not Found" }), "Not Found"),
        (413, json!("far too large"), "far too large"),
    ];
    for (status, body, words) in bodies {
        let (server, outcome) = after(vec![Reply::json(status, body)], connection);
        let error = outcome.expect_err("refused");
        assert!(matches!(error, EndpointError::Refused { .. }), "{error:?}");
        let told = error.to_string();
        let expected = format!("{}/chat/completions refused the request with {status}: {words}", server.base_url());
        assert_eq!(told, expected);
        assert_eq!(server.questions().len(), 1, "{told}");
    }
    let moved = Reply::Whole {
        status: 307,
        headers: vec![("Location", "http://elsewhere/v1".to_owned())],
        body: String::new(),
    };
    let (_, outcome) = after(vec![moved], connection);
    let told = outcome.expect_err("redirected").to_string();
    assert!(told.ends_with("refused the request with 307: it points to http://elsewhere/v1"), "{told}");
}

#[test]
fn patience_ends_and_then_says_how_often_it_was_tried_and_what_came() {
    let once = |url: &str| ConnectionOptions { request_retries: 1, timeout_s: 0.5, ..connection(url) };
    let garbage = Reply::Whole { status: 200, headers: Vec::new(), body: "hello, I am no JSON".to_owned() };
    let late = Reply::After(Duration::from_secs(3), Box::new(Reply::says("1")));
    let cases: [(Reply, &[&str]); 5] = [
        (status(500), &["answered 500 after 2 attempts: the cat sits on the server"]),
        (Reply::Reset, &["no answer from", "in 2 attempts"]),
        (Reply::Truncated, &["no answer from", "in 2 attempts"]),
        (late, &["no answer from", "no whole answer within 0.5 s"]),
        (garbage, &["is not understood after 2 attempts", "hello, I am no JSON"]),
    ];
    std::thread::scope(|scope| {
        for (fault, words) in cases {
            scope.spawn(move || {
                let (server, outcome) = after(vec![fault; 9], once);
                let told = outcome.expect_err("it never ends").to_string();
                assert!(words.iter().all(|words| told.contains(words)), "{told}");
                assert_eq!(server.questions().len(), 2, "{told}");
            });
        }
    });
    // Nobody there at all: the port was free a moment ago.
    let gone = Server::start(|_, _| Reply::Reset).base_url();
    std::thread::sleep(Duration::from_millis(50));
    let judge = judge_with(once(&gone), options(Readout::Greedy));
    let error = ask_all(&judge, &[question(&picture(1.0), None)]).expect_err("nobody");
    let told = format!("{:?}", miette::Report::new(error));
    assert!(told.contains("in 2 attempts") && told.contains("is the server running"), "{told}");
}

#[test]
fn pauses_double_up_to_a_minute_and_are_the_same_for_the_same_request() {
    let request = StreamKey::new(1, 2, "a", "b");
    for attempt in 0..20 {
        let longest = (0.5 * 2_f64.powi(attempt)).min(60.0);
        let pause = wait_s(attempt as u32, &request);
        assert!((longest / 2.0..=longest).contains(&pause), "{attempt}: {pause}");
        assert_eq!(pause, wait_s(attempt as u32, &request));
        assert_ne!(pause, wait_s(attempt as u32, &StreamKey::new(1, 2, "a", "c")));
    }
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    // 1994-11-06 08:49:37 is the date of RFC 9110's examples: 784,111,777 s after 1970, by `date -u +%s -d`.
    let now = 784_111_777 - 90;
    for (value, expected) in [
        ("120", Some(120)),
        (" 0 ", Some(0)),
        ("1.2", Some(2)),
        ("Sun, 06 Nov 1994 08:49:37 GMT", Some(90)),
        ("Sun, 06 Nov 1994 08:47:00 GMT", Some(0)),
        // 2000 was a leap year: 951,782,400 s.
        ("Tue, 29 Feb 2000 00:00:00 GMT", Some(951_782_400 - now)),
        ("soon", None),
        ("-5", None),
        ("NaN", None),
        ("Sun, 06 Nov 1994 08:49 GMT", None),
        ("Sun, 06 Nom 1994 08:49:37 GMT", None),
    ] {
        assert_eq!(retry_after_s(value, now), expected, "{value}");
    }
}

#[test]
fn a_base_url_is_what_stands_before_chat_completions_and_holds_no_secret() {
    for (text, expected) in [
        ("http://localhost:8000/v1", "http://localhost:8000/v1"),
        ("http://localhost:8000/v1/ ", "http://localhost:8000/v1"),
        ("https://api.example.com/v1", "https://api.example.com/v1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://[::1]", "http://[::1]"),
    ] {
        assert_eq!(BaseUrl::parse(text).expect(text).as_str(), expected);
    }
    for (text, words) in [
        ("localhost:8000", "does not begin with http://"),
        ("ftp://localhost", "ftp:// is not spoken here"),
        ("http://", "names no host"),
        ("http:///v1", "names no host"),
        ("http://local host/v1", "names no host"),
        ("http://localhost:99999/v1", "no number from 1 to 65535"),
        ("http://localhost:/v1", "no number from 1 to 65535"),
        ("http://me:secret@localhost/v1", "user name or password"),
        ("http://localhost/v1?key=secret", "holds a query"),
        ("http://localhost/v1/chat/completions", "write \"http://localhost/v1\""),
    ] {
        let told = BaseUrl::parse(text).expect_err(text).to_string();
        assert!(told.contains(words), "{text}: {told}");
        assert!(!told.contains("secret"), "{told}");
    }
}

#[cfg(not(feature = "https"))]
#[test]
fn an_encrypted_address_needs_another_build_and_the_error_says_which() {
    use latentlink::judge::EndpointClient;
    let error = EndpointClient::new(connection("https://api.example.com/v1")).expect_err("no TLS in this build");
    let told = format!("{:?}", miette::Report::new(error));
    assert!(told.contains("cargo build --release --features https"), "{told}");
}

#[test]
fn a_greeting_finds_out_whether_anybody_is_there_and_forgives_a_server_without_a_list_of_models() {
    let listless = Server::with_all(|_, _| Reply::json(404, json!({ "detail": "Not Found" })));
    judge(&listless, Readout::Greedy).client().greet(&|| false).expect("somebody is there");
    let strict = Server::with_all(|_, _| Reply::json(401, json!({ "error": { "message": "no key" } })));
    let error = judge(&strict, Readout::Greedy).client().greet(&|| false).expect_err("a key is wanted").to_string();
    assert!(error.ends_with("/v1/models refused the request with 401: no key"), "{error}");
    assert!(listless.questions().is_empty() && strict.questions().is_empty(), "nothing was asked");
}
