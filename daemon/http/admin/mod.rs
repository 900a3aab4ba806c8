//! The admin plane over HTTP: `/admin/v1/…` and `/metrics`, on an address of its own, with the console beside them.
//!
//! Handlers parse and encode; the supervisor behind [`Control`](crate::actors::Control) decides. What is read is
//! read from the published snapshot. Errors are problem documents, see [`problem`].

mod audit;
mod backup;
mod bandit;
mod decisions;
mod etag;
mod events;
mod experiment;
mod freeze;
mod guard;
mod history;
mod journal;
mod load;
mod logging;
mod me;
mod metrics;
mod models;
mod openapi;
mod parse;
mod pipelines;
pub mod problem;
mod refusal;
mod reload;
mod revisions;
mod rollout;
mod routes;
mod shadow;
mod sights;
mod status;
mod steer;
mod tokens;
pub mod wire;

pub use decisions::keep_decisions;
pub use events::Streams;
pub use guard::REASON;
pub(super) use guard::asking;
pub use openapi::document;
pub use reload::{ReloadRefused, Reloaded, Reloader};
pub use routes::configure;

use std::sync::Arc;

use crate::auth::Door;
use crate::embed::Impresario;
use crate::otlp::Exporter;
use crate::telemetry::Logging;

/// What the admin plane works with. Shared by its threads.
pub struct Admin {
    /// The fleet.
    pub impresario: Impresario,
    /// Who may come in.
    pub door: Arc<Door>,
    /// How the files are read again.
    pub reloader: Reloader,
    /// How what is counted is shown.
    pub metrics: crate::config::Metrics,
    /// The places of those who read events.
    pub streams: Streams,
    /// What is logged.
    pub logging: Logging,
    /// Where what is seen of requests is exported to.
    pub exporter: Exporter,
}

#[cfg(test)]
mod tests;
