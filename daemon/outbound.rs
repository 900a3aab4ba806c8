//! What the daemon makes of the answers of programs that it posts to: webhooks and collectors.
//!
//! No address is ever in these words: it may hold a secret, and who is told knows it.

use std::time::{Duration, SystemTime};

use ureq::http::{HeaderMap, header};

/// How long to stay away, as `Retry-After` says: seconds, or a time (RFC 9110, section 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    match text.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => {
            let at = httpdate::parse_http_date(text).ok()?;
            Some(at.duration_since(now).unwrap_or_default())
        }
    }
}

/// What went wrong before there was an answer.
pub(crate) fn words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) => match error.get_ref() {
            // Its own words say less than what it stands for.
            None => format!("connect or send: {}", error.kind()),
            Some(_) => format!("connect or send: {error}"),
        },
        ureq::Error::Timeout(_) => "it took too long".to_owned(),
        ureq::Error::HostNotFound => "its host is not known".to_owned(),
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => "its address cannot be used".to_owned(),
        ureq::Error::Rustls(error) => format!("TLS: {error}"),
        ureq::Error::Protocol(_) => "its answer is no HTTP".to_owned(),
        _ => "the connection failed".to_owned(),
    }
}
