//! How much one request may bring; the values come from `[server.limits]` in the config.
//!
//! The number of inputs needs no limit of its own: an input that the contract does not name, or names once
//! already, is refused when its name is read.

/// Bounds on one request, each checked before memory is taken for what it bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of a body as received. Default 64 MiB.
    pub max_body_bytes: usize,
    /// The most bytes of a compressed body once inflated. Default 128 MiB.
    pub max_inflated_bytes: usize,
    /// The most elements of one tensor. Default 32 Mi.
    pub max_elements: usize,
    /// The most bytes of one string: an element of a BYTES tensor, an id, a name. Default 16 MiB.
    pub max_string_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 64 << 20,
            max_inflated_bytes: 128 << 20,
            max_elements: 32 << 20,
            max_string_bytes: 16 << 20,
        }
    }
}
