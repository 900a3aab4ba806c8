//! The id that a request is found by in the log: the caller's own, or a new one.

use uuid::Uuid;

/// Longer ids of callers are replaced.
const MAX_BYTES: usize = 128;

/// Whether a caller's own id is taken: short and printable.
pub(crate) fn acceptable(own: &[u8]) -> bool {
    !own.is_empty() && own.len() <= MAX_BYTES && own.iter().all(u8::is_ascii_graphic)
}

/// A new id (UUID version 7), as what takes a text makes of it.
pub(crate) fn fresh<T>(take: impl FnOnce(&str) -> T) -> T {
    let mut buffer = Uuid::encode_buffer();
    take(Uuid::now_v7().as_hyphenated().encode_lower(&mut buffer))
}
