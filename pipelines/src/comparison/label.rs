//! Labels: what a row of an output names.

use std::fmt;

/// Longer texts are told apart by their beginnings only.
const MAX_BYTES: usize = 64;

/// What a row names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// The place of the row's largest number.
    Class(u32),
    /// A whole number.
    Number(i128),
    /// A text.
    Text(String),
    /// No place is the largest: the row holds a NaN.
    Undefined,
    /// One of those that are not told apart.
    Other,
}

// === impl Label ===

impl Label {
    /// The label of a string of bytes.
    #[must_use]
    pub fn text(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * MAX_BYTES)]);
        let end = text.floor_char_boundary(MAX_BYTES);
        Self::Text(text[..end].to_owned())
    }

    /// As it is shown, where the classes have these names.
    #[must_use]
    pub fn named(&self, classes: &[String]) -> String {
        match self {
            Self::Class(at) => match usize::try_from(*at).ok().and_then(|at| classes.get(at)) {
                Some(name) => name.clone(),
                None => self.to_string(),
            },
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(at) => write!(f, "#{at}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::Undefined => f.write_str("NaN"),
            Self::Other => f.write_str("other"),
        }
    }
}
