//! The daemon as a library: the only room with actors, sockets, storage and time.
//!
//! `Impresario` is what an application embeds and what `impresario serve` runs: a fleet of versions behind one
//! call, `infer`. The sockets around it are in [`http`]; an embedded one has none.

pub mod actors;
pub mod auth;
pub mod boot;
pub mod check;
pub mod cli;
pub mod client;
pub mod clock;
pub mod codec;
pub mod config;
mod draw;
mod embed;
pub mod error;
pub mod feedback;
pub mod grpc;
pub mod heap;
pub mod history;
pub mod http;
pub mod measure;
pub mod notify;
mod observatory;
pub mod otlp;
mod outbound;
pub mod payload;
pub mod plane;
pub mod serve;
pub mod store;
pub mod telemetry;
pub mod trace;

pub use embed::{Builder, Impresario, StartError};
pub use error::Error;
pub use impresario_models as models;
pub use impresario_pipelines as pipelines;
pub use observatory::Observatory;
pub use serve::{Answer, Serve};
