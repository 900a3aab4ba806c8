//! Evidence from outside: rollouts that are simulated request by request, and read often.
//!
//! `SEEDS=1000 cargo test -p impresario-pipelines --test analysis` runs more of each than CI does.

#![allow(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect ends"
)]

mod random;
mod rollouts;
mod world;
