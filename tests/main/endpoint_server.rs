//! A server of chat completions on this machine, which does what a test tells it to: also what no server should.
//!
//! It is the other side of the wire, written from the protocol's description: one thread a connection, kept alive between
//! requests, HTTP/1.1.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// By names in small letters.
    pub headers: HashMap<String, String>,
    /// `Null` where there is none.
    pub body: Value,
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Reply {
    Whole {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// Closes the connection without a word, which resets it.
    Reset,
    /// Promises a body and sends half of it.
    Truncated,
    /// Takes its time.
    After(Duration, Box<Reply>),
}

impl Reply {
    pub fn json(status: u16, body: Value) -> Self {
        Self::Whole { status, headers: Vec::new(), body: body.to_string() }
    }

    /// A completion that says this.
    pub fn says(text: &str) -> Self {
        Self::json(200, completion(text, "stop", Value::Null))
    }
}

/// The body of a completion.
pub fn completion(text: &str, finish_reason: &str, log_probabilities: Value) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "eyes",
        "choices": [{
            "index": 0, "message": { "role": "assistant", "content": text },
            "finish_reason": finish_reason, "logprobs": log_probabilities,
        }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 },
    })
}

/// A question about a picture, as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub before: String,
    pub picture_url: String,
    pub after: String,
}

impl Request {
    /// The one user message: text, picture, text.
    pub fn asked(&self) -> Asked {
        let messages = self.body["messages"].as_array().expect("messages");
        assert_eq!((messages.len(), messages[0]["role"].as_str()), (1, Some("user")));
        let parts = messages[0]["content"].as_array().expect("parts");
        let kinds: Vec<&str> = parts.iter().filter_map(|part| part["type"].as_str()).collect();
        assert_eq!(kinds, ["text", "image_url", "text"]);
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Asked {
            before: text(&parts[0]["text"]),
            picture_url: text(&parts[1]["image_url"]["url"]),
            after: text(&parts[2]["text"]),
        }
    }
}

#[derive(Default)]
struct Log {
    requests: Mutex<Vec<Request>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    is_closed: AtomicBool,
}

/// A server that runs until it is dropped.
pub struct Server {
    address: SocketAddr,
    log: Arc<Log>,
}

impl Server {
    /// `script` is asked what to do with each question, which it gets with its number, from 0. A list of models is always there.
    pub fn start(script: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::on(free_port(), with_models(script))
    }

    /// The same, of each request; those that are no questions have the number of the next question.
    pub fn with_all(script: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::on(free_port(), script)
    }

    /// Where another one was before.
    pub fn again_at(base_url: &str, script: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let address = base_url.trim_start_matches("http://").trim_end_matches("/v1");
        // Its listener ends a moment after it was dropped.
        let listener = (0..100).find_map(|_| {
            std::thread::sleep(Duration::from_millis(20));
            TcpListener::bind(address).ok()
        });
        Self::on(listener.expect("the port is free again"), with_models(script))
    }

    fn on(listener: TcpListener, script: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let address = listener.local_addr().expect("an address");
        let log = Arc::new(Log::default());
        let (script, shared) = (Arc::new(script), Arc::clone(&log));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.is_closed.load(Ordering::SeqCst) {
                    return;
                }
                let (script, log) = (Arc::clone(&script), Arc::clone(&shared));
                std::thread::spawn(move || serve(stream.expect("a connection"), &*script, &log));
            }
        });
        Self { address, log }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Questions so far, in the order in which they came.
    pub fn questions(&self) -> Vec<Request> {
        let requests = self.log.requests.lock().expect("a log");
        requests.iter().filter(|request| request.method == "POST").cloned().collect()
    }

    /// Questions that were under way at once, at most.
    pub fn most_under_way(&self) -> usize {
        self.log.most_under_way.load(Ordering::SeqCst)
    }
}

fn free_port() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").expect("a free port")
}

fn with_models(
    script: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static,
) -> impl Fn(usize, &Request) -> Reply + Send + Sync + 'static {
    move |number, request| match request.method.as_str() {
        "GET" => Reply::json(200, json!({ "object": "list", "data": [{ "id": "eyes", "object": "model" }] })),
        _ => script(number, request),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.log.is_closed.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(stream: TcpStream, script: &dyn Fn(usize, &Request) -> Reply, log: &Log) {
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    while let Some(request) = read(&mut reader) {
        let is_question = request.method == "POST";
        let number = {
            let mut requests = log.requests.lock().expect("a log");
            let number = requests.iter().filter(|request| request.method == "POST").count();
            requests.push(request.clone());
            number
        };
        if is_question {
            let under_way = log.under_way.fetch_add(1, Ordering::SeqCst) + 1;
            log.most_under_way.fetch_max(under_way, Ordering::SeqCst);
        }
        let goes_on = answer(&stream, script(number, &request), log, is_question);
        if !goes_on || log.is_closed.load(Ordering::SeqCst) {
            return;
        }
    }
}

/// Does as it is told; whether the connection goes on.
fn answer(mut stream: &TcpStream, reply: Reply, log: &Log, is_question: bool) -> bool {
    if let Reply::After(time, reply) = reply {
        std::thread::sleep(time);
        return answer(stream, *reply, log, is_question);
    }
    if is_question {
        log.under_way.fetch_sub(1, Ordering::SeqCst);
    }
    match reply {
        Reply::Whole { status, headers, body } => {
            let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let head = format!(
                "HTTP/1.1 {status} Something\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n",
                body.len()
            );
            // Who was waiting may have gone.
            stream.write_all((head + &body).as_bytes()).is_ok()
        }
        Reply::Truncated => {
            let body = completion("7", "stop", Value::Null).to_string();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body[..body.len() / 2]).as_bytes());
            let _ = stream.shutdown(Shutdown::Both);
            false
        }
        Reply::Reset => {
            let _ = stream.shutdown(Shutdown::Both);
            false
        }
        Reply::After(..) => unreachable!("it was waited for"),
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(':') {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.trim().to_owned()),
            None => break,
        };
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("a body of JSON") };
    Some(Request { method, path, headers, body })
}
