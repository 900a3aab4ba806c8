//! Rollouts from begin to end: stories in a script with golden output, tables, and a random walk.

mod world;

mod evidence;
mod life;
mod waiting;

mod promises;
mod verbs;
mod walk;
