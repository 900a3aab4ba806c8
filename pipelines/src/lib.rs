//! Pipelines: what applications post to, and which version answers.
//!
//! This room decides and performs nothing: no file, no socket, no clock, no randomness. Time and draws are
//! arguments.

pub mod spec;
