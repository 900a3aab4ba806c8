//! What the daemon is asked, all of it what a viewer may see.

use serde_json::Value;

use super::metrics::Metrics;
use crate::cli::course::path;
use crate::cli::output::list;
use crate::client::{Ask, Client, Error};

/// Events that are shown at most.
const EVENTS: usize = 30;
/// Rollouts that are asked for more than the status tells.
const ROLLOUTS: usize = 16;

/// What was answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Polled {
    pub(super) status: Value,
    /// Nothing where the daemon has none to give.
    pub(super) metrics: Option<Metrics>,
    /// Records of the audit, newest first.
    pub(super) events: Vec<Value>,
    /// Those of pipelines whose rollout moves by itself.
    pub(super) rollouts: Vec<Value>,
}

/// Asks once.
pub(super) fn poll(client: &Client) -> Result<Polled, Error> {
    let metrics = match client.ask(Ask::get("/admin/v1/metrics")) {
        Ok(reply) => serde_json::from_value(reply.body).ok(),
        // An older daemon.
        Err(Error::Refused(refusal)) if refusal.status == 404 => None,
        Err(error) => return Err(error),
    };
    let status = client.ask(Ask::get("/admin/v1/status"))?.body;
    let events = Ask::get("/admin/v1/audit").query("limit", Some(EVENTS));
    let events = client.ask(events)?.body;
    let mut rollouts = Vec::new();
    let moving = list(&status["pipelines"]).iter().filter(|pipeline| {
        let course = &pipeline["course"];
        course["kind"] == "rollout" && course["active"] == true
    });
    for pipeline in moving.take(ROLLOUTS) {
        let name = pipeline["name"].as_str().unwrap_or_default();
        match client.ask(Ask::get(path(name, "/rollout"))) {
            Ok(reply) => rollouts.push(reply.body),
            // It has ended meanwhile.
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Polled {
        events: list(&events["records"]).to_vec(),
        status,
        metrics,
        rollouts,
    })
}
