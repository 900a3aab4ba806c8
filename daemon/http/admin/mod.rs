//! The admin plane over HTTP: `/admin/v1/…` and `/metrics`, on an address of its own.
//!
//! Handlers parse and encode; the supervisor behind [`Control`](crate::actors::Control) decides. What is read is
//! read from the published snapshot. Errors are problem documents, see [`problem`].

mod audit;
mod backup;
mod etag;
mod guard;
mod load;
mod models;
mod openapi;
mod parse;
mod pipelines;
pub mod problem;
mod reload;
mod revisions;
mod routes;
mod status;
mod tokens;
pub mod wire;

pub use guard::REASON;
pub(super) use guard::asking;
pub use openapi::document;
pub use reload::{ReloadRefused, Reloaded, Reloader};
pub use routes::configure;

use std::sync::Arc;

use crate::auth::Door;
use crate::embed::Impresario;

/// What the admin plane works with. Shared by its threads.
pub struct Admin {
    /// The fleet.
    pub impresario: Impresario,
    /// Who may come in.
    pub door: Arc<Door>,
    /// How the files are read again.
    pub reloader: Reloader,
}

#[cfg(test)]
mod tests;
