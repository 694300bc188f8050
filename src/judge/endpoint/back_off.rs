//! How long to wait before a request is sent again.

use rand::RngExt;

use crate::random::StreamKey;

/// Before the first repetition, at most [s].
const FIRST_S: f64 = 0.5;
/// Before any, at most [s].
const LONGEST_S: f64 = 60.0;

/// Seconds before repetition `attempt` (0 for the first): 0.5 · 2^attempt, 60 at most, of which the second half is drawn, so
/// that requests that failed together do not come back together. Drawn from the request's own stream: a rerun waits alike.
pub fn wait_s(attempt: u32, request: &StreamKey) -> f64 {
    let longest = (FIRST_S * 2_f64.powi(attempt.min(16) as i32)).min(LONGEST_S);
    longest * (0.5 + 0.5 * request.child(u64::from(attempt)).rng().random::<f64>())
}

/// Seconds that a `Retry-After` asks for (RFC 9110, 10.2.3): a number, or a date, of which the distance to `now_unix_s` is taken.
/// `None` for anything else.
pub fn retry_after_s(value: &str, now_unix_s: u64) -> Option<u64> {
    let value = value.trim();
    match value.parse::<f64>() {
        // some servers send fractions
        Ok(seconds) if seconds.is_finite() && seconds >= 0.0 => Some(seconds.ceil() as u64),
        Ok(_) => None,
        Err(_) => unix_time_of(value).map(|then| then.saturating_sub(now_unix_s)),
    }
}

/// A date as `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that servers may send (RFC 9110, 5.6.7).
fn unix_time_of(date: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let words: Vec<&str> = date.split_ascii_whitespace().collect();
    let [_, day, month, year, time, "GMT"] = words[..] else { return None };
    let month = MONTHS.iter().position(|known| *known == month)? as i64 + 1;
    let (day, year): (i64, i64) = (day.parse().ok()?, year.parse().ok()?);
    let clock: Vec<u64> = time.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hour, minute, second] = clock[..] else { return None };
    if !(1..=31).contains(&day) || !(1970..=9999).contains(&year) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Years from March on, so that the leap day is the last of its year.
    let (year, month_from_march) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month_from_march + 2) / 5 + day - 1 - 719_468;
    Some(u64::try_from(days).ok()? * 86_400 + hour * 3600 + minute * 60 + second)
}
