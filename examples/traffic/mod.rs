//! What the examples of progressive delivery share: a daemon started as an operator would, callers that post digits and
//! tell later how it went, and a story told line by line.
//!
//! No example's own course of events lives here, and no statistics: what a version is worth, the daemon says.

#![allow(dead_code, unused_imports, reason = "every example uses a part of it")]

pub(crate) mod caller;
pub(crate) mod crowd;
pub(crate) mod daemon;
pub(crate) mod digits;
pub(crate) mod story;
pub(crate) mod table;

pub(crate) use caller::{Answer, Caller};
pub(crate) use crowd::{Crowd, Habits};
pub(crate) use daemon::Daemon;
pub(crate) use story::Story;

/// What can go wrong in an example: anything, told to whoever runs it.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
