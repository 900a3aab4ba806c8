//! The id that a request is found by in the log: the caller's own, or a new one.

use uuid::Uuid;

/// Longer ids of callers are replaced.
const MAX_BYTES: usize = 128;

/// Whether a caller's own id is taken: short and printable.
pub(crate) fn acceptable(own: &[u8]) -> bool {
    !own.is_empty() && own.len() <= MAX_BYTES && own.iter().all(u8::is_ascii_graphic)
}

/// A new id (UUID version 7).
pub(crate) fn fresh() -> String {
    let mut buffer = Uuid::encode_buffer();
    let id = Uuid::now_v7().as_hyphenated().encode_lower(&mut buffer);
    id.to_owned()
}
