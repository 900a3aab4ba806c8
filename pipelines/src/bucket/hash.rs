//! The hash of GrowthBook's SDKs, bit for bit: FNV-1a of 32 bits over UTF-16 code units.
//!
//! Code units, not bytes of UTF-8: every SDK does what JavaScript's `charCodeAt` gives, and only so a key with an umlaut
//! falls to the same arm everywhere. Nothing is allocated.

use std::fmt;

/// The offset basis of FNV-1a with 32 bits.
const BASIS: u32 = 0x811c_9dc5;

/// Its prime.
const PRIME: u32 = 0x0100_0193;

/// One of the 10,000 places that keys are hashed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u16);

/// Where a key falls, by version 2 of the hash. The seed keeps splits apart: what two of them do with a key is
/// independent.
#[must_use]
pub fn slot(seed: &str, key: &str) -> Slot {
    let inner = fnv(units(seed).chain(units(key)));
    let hash = fnv(Digits::of(inner).iter());
    Slot((hash % u32::from(Slot::COUNT)) as u16)
}

/// Thousandths of version 1 of the hash, which places keys in namespaces; the key comes first there.
pub(super) fn thousandths(seed: impl IntoIterator<Item = u16>, key: &str) -> u32 {
    fnv(units(key).chain(seed)) % 1_000
}

/// The code units of a text.
pub(super) fn units(text: &str) -> impl Iterator<Item = u16> {
    text.encode_utf16()
}

fn fnv(units: impl Iterator<Item = u16>) -> u32 {
    units.fold(BASIS, |hash, unit| {
        (hash ^ u32::from(unit)).wrapping_mul(PRIME)
    })
}

/// A number's decimal digits, the last one at the end of the array.
struct Digits {
    digits: [u8; 10],
    from: usize,
}

// === impl Slot ===

impl Slot {
    /// How many there are.
    pub const COUNT: u16 = 10_000;

    /// The slot of a number, where there is one.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        (number < Self::COUNT).then_some(Self(number))
    }

    /// The slot of a uniform draw, for requests without a key. No slot is more likely than another by more than one
    /// part in 10¹⁵.
    #[must_use]
    pub fn from_draw(draw: u64) -> Self {
        Self(((u128::from(draw) * u128::from(Self::COUNT)) >> 64) as u16)
    }

    /// The number, from 0.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }

    /// The number as a place in a table.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// As GrowthBook shows it: a part of one, such as 0.0505.
impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0.{:04}", self.0)
    }
}

// === impl Digits ===

impl Digits {
    fn of(mut number: u32) -> Self {
        let (mut digits, mut from) = ([b'0'; 10], 10);
        loop {
            from -= 1;
            digits[from] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return Self { digits, from };
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = u16> {
        self.digits[self.from..]
            .iter()
            .map(|digit| u16::from(*digit))
    }
}
