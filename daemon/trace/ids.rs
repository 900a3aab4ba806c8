//! The ids of traces and spans: random bytes, never all zero, written as lower-case hexadecimal digits.

use std::fmt;

use crate::draw::draw;

/// The id of a trace: 16 bytes, not all of them zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId([u8; 16]);

/// The id of a span: 8 bytes, not all of them zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId([u8; 8]);

// === impl TraceId ===

impl TraceId {
    /// The id of these bytes; none where all are zero.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Option<Self> {
        (bytes != [0; 16]).then_some(Self(bytes))
    }

    /// The id whose last eight bytes were drawn before.
    pub(super) fn ending(low: u64) -> Self {
        // Of 2^64 ids one would begin with nothing, which some programs take for a short id.
        let high = draw().max(1);
        Self((u128::from(high) << 64 | u128::from(low)).to_be_bytes())
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// The id of 32 lower-case digits, which are not all zero.
    #[must_use]
    pub fn parse(digits: &[u8]) -> Option<Self> {
        Self::new(bytes(digits)?)
    }
}

/// 32 digits.
impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({self})")
    }
}

// === impl SpanId ===

impl SpanId {
    /// The id of these bytes; none where all are zero.
    #[must_use]
    pub fn new(bytes: [u8; 8]) -> Option<Self> {
        (bytes != [0; 8]).then_some(Self(bytes))
    }

    /// A new one.
    #[must_use]
    pub fn fresh() -> Self {
        Self(draw().max(1).to_be_bytes())
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; 8] {
        self.0
    }

    /// The id of 16 lower-case digits, which are not all zero.
    #[must_use]
    pub fn parse(digits: &[u8]) -> Option<Self> {
        Self::new(bytes(digits)?)
    }
}

/// 16 digits.
impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanId({self})")
    }
}

/// The bytes of twice as many digits.
pub(super) fn bytes<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let (pairs, rest) = digits.as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

/// A digit. Upper-case ones are none: the specification says so.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}
