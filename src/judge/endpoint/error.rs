//! Why an endpoint gave no answer.

use miette::Diagnostic;
use thiserror::Error;

/// A request that was not answered, or cannot be made. Answers that came before stay valid and are in the score store.
#[derive(Debug, Clone, Error, Diagnostic)]
#[non_exhaustive]
pub enum EndpointError {
    /// This build speaks no TLS.
    #[error("{base_url} is encrypted, and this build of latentlink has no encryption")]
    #[diagnostic(help(
        "build it with `cargo build --release --features https`, or name an http:// address, say of a proxy on this machine \
         that forwards to the server"
    ))]
    NoHttps { base_url: String },

    /// The variable that should hold the key is not there.
    #[error("the environment variable {variable}, which `api_key_env` names, is not set")]
    #[diagnostic(help(
        "export {variable}=… before the command, or leave `api_key_env` out where the server wants no key"
    ))]
    NoKey { variable: String },

    /// The key cannot be sent.
    #[error("the environment variable {variable} holds no key: it is empty or has characters that no key has")]
    #[diagnostic(help("set it to the key alone, without quotes, blanks or line breaks"))]
    NotAKey { variable: String },

    /// `expectation` reads single digits.
    #[error(
        "`expectation` reads the mark from one token, which at an endpoint is a digit, but the template's scale goes from \
         {lowest} to {highest}"
    )]
    #[diagnostic(help(
        "choose a scale within 0 to 9 in the judge's template, or read the answer's text with `judge.readout = \"greedy\"` or \
         `\"sample\"`"
    ))]
    Marks { lowest: i32, highest: i32 },

    /// The threads that ask could not be started.
    #[error("could not start {threads} threads to ask the endpoint: {reason}")]
    #[diagnostic(help("lower `judge.concurrency`"))]
    Threads { threads: usize, reason: String },

    /// No connection, or one that broke or was too slow, at every attempt.
    #[error("no answer from {url} in {}: {reason}", times(*attempts))]
    #[diagnostic(help(
        "is the server running and reachable from here? A slow one needs a larger `judge.timeout_s`, a weak network more \
         `judge.request_retries`. What was answered is saved: give the same command once more and it goes on from there"
    ))]
    Unreachable { url: String, attempts: u32, reason: String },

    /// Somebody answers whose certificate this machine does not take; nothing was sent to them.
    #[error("the certificate of {url} is not accepted: {reason}")]
    #[diagnostic(help(
        "where it is signed by an authority of your own or of a proxy, add that one to this machine's certificates (there are none \
         where a container lacks ca-certificates), or on Linux name a PEM file of the authorities to trust instead in the \
         environment variable SSL_CERT_FILE; `judge.base_url` must have the host's name as the certificate has it, and this \
         machine's clock must be right"
    ))]
    Certificate { url: String, reason: String },

    /// The server is there but in trouble, at every attempt.
    #[error("{url} answered {status} after {}: {message}", times(*attempts))]
    #[diagnostic(help(
        "429 means too many requests: lower `judge.concurrency` or raise `judge.request_retries`; for 5xx look into the server's \
         log. What was answered is saved: give the same command once more and it goes on from there"
    ))]
    Failing { url: String, status: u16, attempts: u32, message: String },

    /// The server refuses; asking again would change nothing.
    #[error("{url} refused the request with {status}: {message}")]
    #[diagnostic(help("{}", advice(*status)))]
    Refused { url: String, status: u16, message: String },

    /// The server wants more patience than anybody has.
    #[error("{url} is over its limit and asks to come back in {seconds} s: {message}")]
    #[diagnostic(help("give the same command again then; what was answered is saved and it goes on from there"))]
    ComeBackLater { url: String, seconds: u64, message: String },

    /// What came back is no answer, at every attempt.
    #[error("what {url} answers is not understood after {}: {reason}", times(*attempts))]
    #[diagnostic(help(
        "is that an OpenAI-compatible server? `judge.base_url` is what stands before /chat/completions, mostly with /v1 at its end"
    ))]
    NotUnderstood { url: String, attempts: u32, reason: String },

    /// The server does not say how likely marks are.
    #[error("{model} at {base_url} gives no log-probabilities, from which `expectation` reads the score")]
    #[diagnostic(help(
        "choose `judge.readout = \"greedy\"` or `\"sample\"`, which read the answer's text, or a server that has `logprobs` and \
         `top_logprobs` for chats"
    ))]
    NoLogProbabilities { base_url: String, model: String },

    /// An answer is drawn, and the question has no stream to draw from.
    #[error("a question without a seed cannot be answered by drawing")]
    #[diagnostic(help("give every question a seed, or use `judge.readout = \"expectation\"` or `\"greedy\"`"))]
    NoSeed,

    /// A picture could not be encoded.
    #[error("a picture cannot be sent: {message}")]
    #[diagnostic(help("this is a defect of latentlink: please report it with the scenario"))]
    Picture { message: String },

    /// Somebody asked to stop.
    #[error("stopped on request")]
    Stopped,
}

impl EndpointError {
    /// Whether it is the user's settings or environment, not what happened on the way.
    pub fn is_of_settings(&self) -> bool {
        matches!(
            self,
            Self::NoHttps { .. }
                | Self::NoKey { .. }
                | Self::NotAKey { .. }
                | Self::Certificate { .. }
                | Self::Marks { .. }
                | Self::NoSeed
        )
    }
}

fn times(attempts: u32) -> String {
    if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") }
}

fn advice(status: u16) -> &'static str {
    match status {
        300..=399 => "the server points elsewhere: write the address that it names as `judge.base_url`",
        401 | 403 => {
            "`judge.api_key_env` names the environment variable that holds the key: is it there, and the right one?"
        }
        404 | 405 => {
            "is `judge.model` the name that the server has (`curl BASE_URL/models` lists them), and has `judge.base_url` its /v1?"
        }
        413 => "the picture is larger than the server takes: raise its limit",
        _ => {
            "the message above is the server's own: a model without eyes, a prompt that is too long, an option that it does not know?"
        }
    }
}
