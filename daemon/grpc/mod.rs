//! gRPC: the Open Inference Protocol with Triton's extensions, health and reflection.
//!
//! Here messages become typed requests and typed answers become messages. What is answered is the same as over
//! HTTP, through the same dispatch; the two doors know nothing of each other.

mod about;
mod answer;
mod arrival;
pub mod bytes;
mod codec;
mod connection;
mod contents;
mod gate;
mod health;
mod infer;
#[rustfmt::skip]
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    reason = "written by a machine from proto/, where the comments are the documentation"
)]
#[path = "gen/inference.rs"]
pub mod proto;
mod place;
#[cfg(test)]
mod renew;
mod request;
mod server;
mod service;
mod status;
mod stop;
mod stream;

pub use codec::Codec;
pub use server::{Server, Settings};

#[cfg(test)]
mod tests;
