//! One connection to an endpoint, shared by all that ask: patience, the key, and how many requests are under way.
//!
//! ```text
//!  attempt ─┬─ 200, an answer ────────────────────────────────────────────► done
//!           ├─ 429, 408, 5xx, reset, time-out, garbage ─► wait, next attempt ─► … ─► an error after the last one
//!           └─ any other status ──────────────────────────────────────────► an error at once, in the server's words
//! ```

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::http::Response;

use super::back_off::{retry_after_s, wait_s};
use super::base_url::BaseUrl;
use super::crew::Crew;
use super::error::EndpointError;
use super::reply::{Reply, message_of};
use crate::random::StreamKey;

/// Largest body that is read.
const LONGEST_BODY: u64 = 8 << 20;
/// A `Retry-After` beyond this ends the run: nobody should wait unawares.
const LONGEST_PATIENCE_S: u64 = 600;
/// A greeting needs no thought: it is waited for less long [s].
const GREETING_S: f64 = 10.0;
/// Servers close what is idle for some seconds; a connection that they may have closed is not used.
const IDLE: Duration = Duration::from_secs(3);
/// How often somebody who waits looks whether he should still wait.
const LOOK: Duration = Duration::from_millis(25);

/// How an endpoint is reached. Nothing of it changes an answer, but for the address.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectionOptions {
    pub base_url: BaseUrl,
    /// Environment variable that holds the key; `None`: no key is sent.
    pub api_key_env: Option<String>,
    /// For one attempt, connection and body included; > 0.
    pub timeout_s: f64,
    /// How often a request is sent again that failed on the way.
    pub request_retries: u32,
    /// Requests under way at once; at least 1.
    pub concurrency: u32,
}

/// A client of one endpoint.
pub struct EndpointClient {
    options: ConnectionOptions,
    agent: Agent,
    pub(super) crew: Crew,
    /// Read when it is first needed: what the score store answers needs no key.
    key: OnceLock<Result<Option<String>, EndpointError>>,
    was_reached: AtomicBool,
}

/// The key stays out of it.
impl std::fmt::Debug for EndpointClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndpointClient").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Set by whoever gives up: no attempt begins after that.
pub(super) type Cancelled = Arc<AtomicBool>;

/// Why one attempt failed.
enum Trouble {
    /// The connection: refused, reset, too slow, cut off.
    Connection(String),
    /// TLS: whoever answers is not who was asked for.
    Certificate(String),
    Status {
        status: u16,
        message: String,
        retry_after_s: Option<u64>,
    },
    /// A whole answer that makes no sense.
    Nonsense(String),
}

impl EndpointClient {
    /// A client that has not connected yet.
    ///
    /// # Errors
    /// [`EndpointError::NoHttps`].
    pub fn new(options: ConnectionOptions) -> Result<Self, EndpointError> {
        if options.base_url.is_https() && !cfg!(feature = "https") {
            return Err(EndpointError::NoHttps { base_url: options.base_url.to_string() });
        }
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            // A redirected POST would lose its body or its key.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs_f64(options.timeout_s)))
            .max_idle_connections_per_host(options.concurrency as usize)
            .max_idle_age(IDLE)
            .user_agent(concat!("latentlink/", env!("CARGO_PKG_VERSION")));
        if options.base_url.is_loopback() {
            config = config.proxy(None);
        }
        // The machine's own certificates: a proxy's, or those of a server in the laboratory, are among them.
        #[cfg(feature = "https")]
        {
            let roots = ureq::tls::RootCerts::PlatformVerifier;
            config = config.tls_config(ureq::tls::TlsConfig::builder().root_certs(roots).build());
        }
        let agent = Agent::new_with_config(config.build());
        let crew = Crew::new(options.concurrency as usize);
        Ok(Self { options, agent, crew, key: OnceLock::new(), was_reached: AtomicBool::new(false) })
    }

    pub fn options(&self) -> &ConnectionOptions {
        &self.options
    }

    pub fn base_url(&self) -> &BaseUrl {
        &self.options.base_url
    }

    /// Whether anything was asked.
    pub fn has_asked(&self) -> bool {
        self.crew.has_started()
    }

    /// Finds out, once, whether somebody is there and takes the key, before anything is made that should be judged. What the
    /// server says of its models is not needed: some have none, or other names for them.
    ///
    /// # Errors
    /// [`EndpointError::Unreachable`], [`EndpointError::Certificate`], [`EndpointError::Refused`] with 401 or 403, the key's.
    pub fn greet(&self, is_stopped: &dyn Fn() -> bool) -> Result<(), EndpointError> {
        if self.was_reached.load(Ordering::Relaxed) {
            return Ok(());
        }
        let url = format!("{}/models", self.options.base_url);
        let request = StreamKey::new(0, 0, "endpoint greeting", &url);
        self.with_retries(&url, &request, is_stopped, || match self.attempt(&url, None) {
            Err(Trouble::Status { status, .. }) if !matches!(status, 401 | 403) => Ok(()),
            Err(trouble) => Err(trouble),
            Ok(_) => Ok(()),
        })?;
        self.was_reached.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Sends one request, as often as it takes, and reads the answer.
    ///
    /// # Errors
    /// [`EndpointError`], [`EndpointError::Stopped`] if it is cancelled between two attempts.
    pub fn complete(&self, body: &[u8], is_stopped: &dyn Fn() -> bool) -> Result<Reply, EndpointError> {
        let url = format!("{}/chat/completions", self.options.base_url);
        let digest: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
        let request = StreamKey::new(0, 0, "endpoint request", &digest);
        self.with_retries(&url, &request, is_stopped, || {
            let answer = self.attempt(&url, Some(body))?;
            Reply::parse(&answer).map_err(|error| Trouble::Nonsense(error.to_string()))
        })
    }

    fn with_retries<T>(
        &self,
        url: &str,
        request: &StreamKey,
        is_stopped: &dyn Fn() -> bool,
        attempt: impl Fn() -> Result<T, Trouble>,
    ) -> Result<T, EndpointError> {
        // The key is looked at before the first attempt, which then has it.
        self.key()?;
        let mut attempts = 0;
        loop {
            if is_stopped() {
                return Err(EndpointError::Stopped);
            }
            let trouble = match attempt() {
                Ok(value) => return Ok(value),
                Err(trouble) => trouble,
            };
            attempts += 1;
            if matches!(trouble, Trouble::Certificate(_)) {
                return Err(self.last_word(url, trouble, attempts));
            }
            let asked_s = self.patience_for(url, &trouble)?;
            if attempts > self.options.request_retries {
                return Err(self.last_word(url, trouble, attempts));
            }
            // Who is asked to wait waits that long, and a little more, so that not all come back at once.
            let pause_s = match asked_s {
                Some(seconds) => seconds as f64 + wait_s(0, request),
                None => wait_s(attempts - 1, request),
            };
            let until = Instant::now() + Duration::from_secs_f64(pause_s);
            while Instant::now() < until {
                if is_stopped() {
                    return Err(EndpointError::Stopped);
                }
                std::thread::sleep(LOOK.min(until.saturating_duration_since(Instant::now())));
            }
        }
    }

    /// The pause that the server asks for, if it does; an error for what no patience mends.
    fn patience_for(&self, url: &str, trouble: &Trouble) -> Result<Option<u64>, EndpointError> {
        let Trouble::Status { status, message, retry_after_s } = trouble else { return Ok(None) };
        let (url, status, message) = (url.to_owned(), *status, message.clone());
        if !matches!(status, 408 | 425 | 429 | 500..=599) {
            return Err(EndpointError::Refused { url, status, message });
        }
        match *retry_after_s {
            Some(seconds) if seconds > LONGEST_PATIENCE_S => {
                Err(EndpointError::ComeBackLater { url, seconds, message })
            }
            asked_s => Ok(asked_s.filter(|seconds| *seconds > 0)),
        }
    }

    fn last_word(&self, url: &str, trouble: Trouble, attempts: u32) -> EndpointError {
        let url = url.to_owned();
        match trouble {
            Trouble::Connection(reason) => EndpointError::Unreachable { url, attempts, reason },
            Trouble::Certificate(reason) => EndpointError::Certificate { url, reason },
            Trouble::Status { status, message, .. } => EndpointError::Failing { url, status, attempts, message },
            Trouble::Nonsense(reason) => {
                EndpointError::NotUnderstood { url, attempts, reason: self.without_key(reason) }
            }
        }
    }

    /// One request; the body of a good answer.
    fn attempt(&self, url: &str, body: Option<&[u8]>) -> Result<String, Trouble> {
        let within_s = if body.is_some() { self.options.timeout_s } else { self.options.timeout_s.min(GREETING_S) };
        let connection = |error: ureq::Error| match rejected_certificate(&error) {
            Some(reason) => Trouble::Certificate(reason),
            None => Trouble::Connection(in_words(&error, within_s)),
        };
        let key = self.key().ok().flatten().map(|key| format!("Bearer {key}"));
        let sent = match body {
            Some(body) => {
                let mut request = self.agent.post(url).header("content-type", "application/json");
                if let Some(key) = key {
                    request = request.header("authorization", key);
                }
                request.send(body)
            }
            None => {
                let within = Some(Duration::from_secs_f64(within_s));
                let mut request = self.agent.get(url).config().timeout_global(within).build();
                if let Some(key) = key {
                    request = request.header("authorization", key);
                }
                request.call()
            }
        };
        let mut response = sent.map_err(connection)?;
        let status = response.status().as_u16();
        let (retry_after_s, moved_to) = (retry_after(&response), header(&response, "location"));
        let text = response.body_mut().with_config().limit(LONGEST_BODY).lossy_utf8(true).read_to_string();
        match (status, text) {
            (200..=299, text) => text.map_err(connection),
            (300..=399, _) => {
                let message = format!("it points to {}", moved_to.unwrap_or_else(|| "nowhere".to_owned()));
                Err(Trouble::Status { status, message, retry_after_s })
            }
            // The status says enough where the rest of an error is cut off.
            (_, text) => {
                let message = self.without_key(message_of(&text.unwrap_or_default()));
                Err(Trouble::Status { status, message, retry_after_s })
            }
        }
    }

    fn key(&self) -> Result<Option<&str>, EndpointError> {
        let read = || {
            let Some(variable) = &self.options.api_key_env else { return Ok(None) };
            match std::env::var(variable) {
                Ok(key) if !key.is_empty() && key.chars().all(|one| one.is_ascii_graphic()) => Ok(Some(key)),
                Ok(_) | Err(std::env::VarError::NotUnicode(_)) => {
                    Err(EndpointError::NotAKey { variable: variable.clone() })
                }
                Err(std::env::VarError::NotPresent) => Err(EndpointError::NoKey { variable: variable.clone() }),
            }
        };
        self.key.get_or_init(read).as_ref().map(Option::as_deref).map_err(Clone::clone)
    }

    /// Servers like to repeat a key that they do not know.
    fn without_key(&self, text: String) -> String {
        match self.key() {
            Ok(Some(key)) => text.replace(key, "[the key]"),
            _ => text,
        }
    }
}

fn in_words(error: &ureq::Error, within_s: f64) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("no whole answer within {within_s} s"),
        ureq::Error::HostNotFound => "there is no host of that name".to_owned(),
        ureq::Error::BodyExceedsLimit(bytes) => format!("the answer has more than {bytes} bytes"),
        error => error.to_string(),
    }
}

/// What rustls has against the certificate of the other side, or against this machine's, if that is the error.
fn rejected_certificate(error: &ureq::Error) -> Option<String> {
    #[cfg(feature = "https")]
    if let ureq::Error::Rustls(error) = error {
        return Some(error.to_string());
    }
    let ureq::Error::Io(error) = error else { return None };
    Some(error.to_string().strip_prefix("invalid peer certificate: ")?.to_owned())
}

fn header<T>(response: &Response<T>, name: &str) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.to_owned())
}

fn retry_after<T>(response: &Response<T>) -> Option<u64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    retry_after_s(&header(response, "retry-after")?, now)
}
