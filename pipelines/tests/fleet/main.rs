//! The fleet from outside: scripts with golden output beside them, and a seeded simulation.

#![allow(
    clippy::unwrap_used,
    reason = "a test that meets what it does not expect ends"
)]

mod courses;
mod graphs;
mod render;
mod script;
mod sim;
mod turns;
mod words;
mod world;
