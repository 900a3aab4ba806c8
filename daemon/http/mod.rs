//! HTTP: the data plane of the Open Inference Protocol.
//!
//! Here bytes become typed requests and typed answers become bytes. Which version answers is decided in
//! `pipelines` and performed in `serve`; nothing here routes, loads or counts.

#[allow(dead_code, reason = "the handlers that read bodies come with serve")]
pub(crate) mod body;
pub mod codec;
