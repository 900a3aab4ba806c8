//! How much one request may bring. The names are those of the config's `[server.limits]`, because errors tell
//! them to the caller.

/// Bounds on one request, each checked before memory is taken for what it bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of a body as received. Default 64 MiB.
    pub max_body: usize,
    /// The most bytes of a compressed body once inflated. Default 128 MiB.
    pub max_inflated: usize,
    /// The most inputs of one request. Default 1,024.
    pub max_inputs: usize,
    /// The most elements of one tensor. Default 32 Mi.
    pub max_elements: usize,
    /// The most bytes of one string: an element of a BYTES tensor, an id, a name. Default 16 MiB.
    pub max_string: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body: 64 << 20,
            max_inflated: 128 << 20,
            max_inputs: 1024,
            max_elements: 32 << 20,
            max_string: 16 << 20,
        }
    }
}
