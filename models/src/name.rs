//! Names of models and pipelines (one namespace) and version numbers.
//!
//! A `Name` is safe to use as a folder's name, a metric's label and a path segment of a URL: that is why it is
//! checked once, here, and passed as a type from then on. What a name refers to is not known here.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of a model or a pipeline: 1 to 128 of `A-Z a-z 0-9 . _ -`, not starting with a dot or a dash.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Arc<str>);

/// A map that requests look into by a name. Its keys are the operator's, so that its hash need not withstand keys that
/// were chosen to collide, and is a quick one.
pub type ByName<V> = HashMap<Name, V, foldhash::fast::RandomState>;

/// The number of a model's version: a positive integer, as in the repository's folder names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct VersionNumber(NonZeroU64);

/// Why a text is not a name or a version number.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("a name must not be empty")]
    Empty,
    /// The text is too long.
    #[error("a name has at most {max} bytes, got {got}", max = Name::MAX_BYTES)]
    TooLong {
        /// Bytes in the text.
        got: usize,
    },
    /// The text holds a character that names do not have.
    #[error(
        "a name has only letters, digits, '.', '_' and '-', and starts with a letter, a digit or '_': got {text:?}"
    )]
    Character {
        /// The offending text, cut where it is long.
        text: String,
    },
    /// The text is not a positive whole number.
    #[error("a version is a positive whole number without leading zeros, got {text:?}")]
    Version {
        /// The offending text, cut where it is long.
        text: String,
    },
}

// === impl Name ===

impl Name {
    /// The longest name, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// Checks a text and keeps it as a name.
    ///
    /// # Errors
    /// [`NameError`] naming the rule that the text breaks.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(NameError::TooLong { got: text.len() });
        }
        let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        let first = text.as_bytes()[0];
        if !text.bytes().all(inner) || matches!(first, b'.' | b'-') {
            return Err(NameError::Character {
                text: text.chars().take(40).collect(),
            });
        }
        Ok(Self(text.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.as_ref().to_owned()
    }
}

/// A `str` finds a `Name` in a map, because both compare as text.
impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

// === impl VersionNumber ===

impl VersionNumber {
    /// The first version.
    pub const ONE: Self = Self(NonZeroU64::MIN);

    /// A version number, or nothing for zero.
    #[must_use]
    pub fn new(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u64 {
        self.0.get()
    }
}

impl FromStr for VersionNumber {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let bad = || NameError::Version {
            text: text.chars().take(40).collect(),
        };
        if text.starts_with('0') || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(bad());
        }
        text.parse().ok().and_then(Self::new).ok_or_else(bad)
    }
}

impl TryFrom<u64> for VersionNumber {
    type Error = NameError;
    fn try_from(number: u64) -> Result<Self, NameError> {
        Self::new(number).ok_or_else(|| NameError::Version {
            text: number.to_string(),
        })
    }
}

impl From<VersionNumber> for u64 {
    fn from(version: VersionNumber) -> Self {
        version.get()
    }
}

impl fmt::Display for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for VersionNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_path_segments() {
        for good in ["iris", "Iris-2.1_b", "_x", "9", &"a".repeat(128)] {
            assert_eq!(Name::new(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a b",
            "é",
            "-x",
            "a\0",
            "%2e",
            &"a".repeat(129),
        ] {
            assert!(Name::new(bad).is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn versions_are_positive_and_canonical() {
        assert_eq!("12".parse::<VersionNumber>().unwrap().get(), 12);
        for bad in [
            "0",
            "01",
            "-1",
            "+1",
            "1.0",
            "",
            "x",
            "18446744073709551616",
        ] {
            assert!(
                bad.parse::<VersionNumber>().is_err(),
                "{bad:?} must be refused"
            );
        }
    }
}
