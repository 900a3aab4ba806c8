//! End-to-end tests: the real binary, real sockets, real files.
//!
//! Every test starts its own daemon on ports of its own choosing, in a folder of its own, and waits for what the
//! daemon says, never for time to pass. Models that misbehave are fakes (`fake.toml`), which only the binary
//! that tests build can load.

#![allow(
    clippy::unwrap_used,
    reason = "in a test a panic is the answer; helpers of tests are not recognised as tests"
)]

mod bad_input;
mod bad_start;
mod browser;
mod cache;
mod cli;
mod clients;
mod composite;
mod console;
mod contained;
mod daemon;
mod delivery;
mod drain;
mod engines;
mod fuzz;
mod grpc;
mod history;
mod memory;
mod otlp;
mod payload;
mod prometheus;
mod python;
mod quickstart;
mod repository;
mod restart;
mod service;
mod top;
mod webhooks;
