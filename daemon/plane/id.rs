//! The id that a request is found by in the log: the caller's own, or a new one.

use uuid::{Builder, Uuid};

use crate::clock;

/// Longer ids of callers are replaced.
const MAX_BYTES: usize = 128;

/// Whether a caller's own id is taken: short and printable.
pub(crate) fn acceptable(own: &[u8]) -> bool {
    !own.is_empty() && own.len() <= MAX_BYTES && own.iter().all(u8::is_ascii_graphic)
}

/// A new id (UUID version 7; RFC 9562, §5.7): the time, and 74 bits that nobody can guess, as feedback finds its request by
/// it. No counter that all threads share orders those of one millisecond.
pub(crate) fn fresh() -> String {
    let random = Uuid::new_v4().into_bytes();
    let (_, random) = random.split_last_chunk().expect("ten of 16 bytes");
    let id = Builder::from_unix_timestamp_millis(clock::wall_ms(), random).into_uuid();
    let mut buffer = Uuid::encode_buffer();
    id.as_hyphenated().encode_lower(&mut buffer).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_tells_its_time_and_differs_from_others() {
        let before = clock::wall_ms();
        let mut ids: Vec<String> = (0..10_000).map(|_| fresh()).collect();
        let after = clock::wall_ms();
        for id in &ids {
            let id = Uuid::parse_str(id).unwrap();
            assert_eq!(
                (id.get_version_num(), id.get_variant()),
                (7, uuid::Variant::RFC4122)
            );
            let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
            let millis = seconds * 1_000 + u64::from(nanos) / 1_000_000;
            assert!((before..=after).contains(&millis), "{id} at {millis}");
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 10_000);
    }
}
