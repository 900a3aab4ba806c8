//! The actors: few kinds, a file each. Others hold a cheap handle and never see an address.
//!
//! | actor | job | thread |
//! |---|---|---|
//! | [`supervisor`] | the only writer of fleet state; performs what `fleet::plan` says | an arbiter of its own, since a commit blocks |
//! | [`version`] | looks after one loaded version's workers: as many as needed, heartbeat, rebuild, drain | an arbiter shared by all versions |
//! | [`worker`] | not an actor but a thread: takes jobs from its version's [`queue`], in batches, and computes | its own |
//! | [`analyst`] | looks at rollouts, experiments and bandits once a second and tells the supervisor what it saw | an arbiter of its own, since the store blocks |
//! | [`watcher`] | looks at the repository and tells what changed | an arbiter of its own, since looking blocks |
//!
//! A request meets none of them: it puts a job into a version's queue and awaits the answer, or computes by itself
//! what is measured ([`cost`]) to be cheaper than that.

pub(crate) mod analyst;
mod cost;
pub mod handle;
mod job;
pub mod library;
pub mod live;
pub mod messages;
mod queue;
mod recall;
mod supervisor;
mod version;
pub(crate) mod watcher;
mod worker;

pub use analyst::{Board, Notice};
pub use handle::Handle;
pub use job::Computed;
pub use library::Library;
pub use live::{Live, Snapshot};
pub use supervisor::{Control, Refused, Settings};
