//! The payload log: what requests asked and what they got, in files of JSON lines, where somebody switches it on.
//!
//! A request is picked before its inputs are moved, its record is put into a bounded queue when it has ended, and one
//! thread writes it down: serving never waits, and what finds no room is dropped and counted. Disk is bounded too, the
//! oldest file goes first. Who picks and what is known of a request is `serve`'s business; `cli/payload` reads the files.

mod encode;
mod files;
mod log;
mod pages;
mod read;
mod record;
mod redact;
mod settings;
mod tally;

pub use files::list;
pub use log::{Error, Log};
pub use read::{Line, Reader};
pub use record::{Covered, Decided, Failure, Part, Record, Tensors};
pub use redact::{Field, FieldError, Hidden};
pub use settings::{Pick, Settings};
pub use tally::{Shown, Trouble};

#[cfg(test)]
mod tests;
