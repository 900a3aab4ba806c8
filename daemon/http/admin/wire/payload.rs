//! The payload log, in the status.

use serde::Serialize;
use utoipa::ToSchema;

use super::time;
use crate::payload::Shown;

/// The payload log.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayloadLog)]
pub struct PayloadLogV1 {
    /// The folder of its files.
    pub path: String,
    /// Records that wait to be written.
    pub waiting: usize,
    /// Records that were written since the start.
    pub written: u64,
    /// Bytes that they took.
    pub bytes: u64,
    /// Those among them that are without the data of their tensors, as they were too large.
    pub shed: u64,
    /// Records that found no room in the queue.
    pub dropped: u64,
    /// Records that could not be written.
    pub failed: u64,
    /// What went wrong at the last try; nothing where it went well.
    pub trouble: Option<String>,
    /// When that was (RFC 3339).
    pub trouble_at: Option<String>,
}

impl From<&Shown> for PayloadLogV1 {
    fn from(shown: &Shown) -> Self {
        let trouble = shown.trouble.as_ref();
        Self {
            path: shown.folder.display().to_string(),
            waiting: shown.waiting,
            written: shown.written,
            bytes: shown.bytes,
            shed: shown.shed,
            dropped: shown.dropped,
            failed: shown.failed,
            trouble: trouble.map(|trouble| trouble.what.clone()),
            trouble_at: trouble.map(|trouble| time(trouble.at)),
        }
    }
}
