//! Asking other programs over HTTP: webhooks, collectors, and for the command line the daemon itself. How they are asked, and
//! what is made of what they say.
//!
//! No address is ever in these words: it may hold a secret, and who is told knows it.

use std::time::{Duration, SystemTime};

use ureq::Agent;
use ureq::config::ConfigBuilder;
use ureq::http::{HeaderMap, header};
use ureq::typestate::AgentScope;

/// How others are asked, without a limit of time yet. No proxy and no redirect is followed, so that what is told, and with
/// which headers, goes nowhere but where it was meant to; an answer of any status is an answer.
pub(crate) fn agent() -> ConfigBuilder<AgentScope> {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .user_agent(concat!("impresario/", env!("CARGO_PKG_VERSION")))
}

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
