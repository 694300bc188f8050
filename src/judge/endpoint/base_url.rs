//! The address of an endpoint: what stands before `/chat/completions`.

use std::fmt;

/// A checked address such as `http://localhost:8000/v1`, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl(String);

/// Why a text is no such address, and what was expected instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error("{problem}")]
#[diagnostic(help("expected {expected}"))]
pub struct BaseUrlError {
    pub problem: String,
    pub expected: &'static str,
}

const WHAT: &str = "the address before /chat/completions, say \"http://localhost:8000/v1\"";

impl BaseUrl {
    /// Checks the address. Secrets must not stand in it: it is written into results.
    ///
    /// # Errors
    /// [`BaseUrlError`]; what is wrong with a secret is said without it.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let wrong = |problem: &str, expected| Err(BaseUrlError { problem: problem.to_owned(), expected });
        let Some((scheme, rest)) = text.trim().split_once("://") else {
            return wrong("it does not begin with http:// or https://", WHAT);
        };
        if !matches!(scheme, "http" | "https") {
            return Err(BaseUrlError { problem: format!("{scheme}:// is not spoken here"), expected: WHAT });
        }
        let text = text.trim().trim_end_matches('/');
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            return wrong(
                "it holds a user name or password",
                "the address alone: `api_key_env` names the environment variable that holds the key",
            );
        }
        if text.contains(['?', '#']) {
            return wrong(
                "it holds a query (`?`) or a fragment (`#`)",
                "the address alone: `api_key_env` names the environment variable that holds the key",
            );
        }
        if let Some(before) = text.strip_suffix("/chat/completions") {
            return Err(BaseUrlError {
                problem: format!("/chat/completions is put behind it by latentlink: write \"{before}\""),
                expected: WHAT,
            });
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (authority, None),
        };
        if host.is_empty() || !text.chars().all(|one| one.is_ascii_graphic()) {
            return wrong("it names no host", WHAT);
        }
        if port.is_some_and(|port| !matches!(port.parse::<u16>(), Ok(1..))) {
            return wrong("its port is no number from 1 to 65535", WHAT);
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Whether it is this machine: no proxy lies between.
    pub(super) fn is_loopback(&self) -> bool {
        let authority = self.0.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => authority,
        };
        host == "localhost" || host == "[::1]" || host.starts_with("127.")
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
