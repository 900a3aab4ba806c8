//! Evidence against the design's numbers, and what holds for all of it. Whole rollouts are simulated in
//! `tests/analysis`.

mod counts;
mod glances;
mod plans;
mod readings;
mod wires;
