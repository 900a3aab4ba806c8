//! One try: a POST, and what its answer means. No proxy and no redirect is followed, so that what is told goes nowhere
//! but where it was meant to.

use std::time::{Duration, SystemTime};

use ureq::Agent;
use ureq::http::{HeaderMap, StatusCode};

use super::delivery::{Delivery, signature};
use super::hook::Hook;
use crate::clock;
use crate::outbound::{agent, retry_after, words};

/// What a try came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was taken.
    Taken,
    /// It will never be taken.
    Refused(String),
    /// It may be taken later.
    Later {
        /// What went wrong.
        why: String,
        /// How long the receiver wants to be left alone.
        after: Option<Duration>,
    },
}

/// Posts to one webhook.
pub(super) struct Post {
    agent: Agent,
}

// === impl Post ===

impl Post {
    pub(super) fn new(hook: &Hook) -> Self {
        let config = agent().timeout_global(Some(hook.timeout)).build();
        Self {
            agent: config.new_agent(),
        }
    }

    pub(super) fn try_once(&self, hook: &Hook, delivery: &Delivery) -> Outcome {
        let mut request = self
            .agent
            .post(hook.address.url())
            .header("content-type", "application/json")
            .header("x-impresario-event", &delivery.action)
            .header("x-impresario-delivery", &delivery.id);
        if let Some(secret) = &hook.secret {
            let signature = signature(secret, clock::wall_ms() / 1_000, &delivery.body);
            request = request.header("x-impresario-signature", signature);
        }
        match request.send(&delivery.body[..]) {
            Ok(response) => meaning(response.status(), response.headers(), clock::wall()),
            Err(error) => Outcome::Later {
                why: words(&error),
                after: None,
            },
        }
    }
}

/// What an answer means.
pub(super) fn meaning(status: StatusCode, headers: &HeaderMap, now: SystemTime) -> Outcome {
    let why = format!("it answered {status}");
    let again = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    match status {
        _ if status.is_success() => Outcome::Taken,
        _ if status.is_server_error() || again.contains(&status) => Outcome::Later {
            why,
            after: retry_after(headers, now),
        },
        _ if status.is_redirection() => {
            Outcome::Refused(format!("{why}; redirects are not followed"))
        }
        _ => Outcome::Refused(why),
    }
}
