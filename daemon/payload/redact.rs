//! What of a request is not written down: by the settings, and whatever a pipeline tells its callers apart by.

use std::fmt;
use std::str::FromStr;

/// A part of a request or an answer that is not written down; `*` stands for all of its kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    /// An input's data.
    Input(Box<str>),
    /// An output's data.
    Output(Box<str>),
    /// A parameter of the request.
    Parameter(Box<str>),
    /// The request's id, where it is what callers are told apart by.
    Id,
}

/// Why a text names no field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected input:NAME, output:NAME or parameter:NAME, where * stands for all names")]
pub struct FieldError;

/// What is not written down of one request.
#[derive(Clone, Copy, Debug)]
pub struct Hidden<'a> {
    /// By the settings.
    pub always: &'a [Field],
    /// Of this request.
    pub here: &'a [Field],
}

// === impl Field ===

impl FromStr for Field {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let (kind, name) = text.split_once(':').ok_or(FieldError)?;
        if name.is_empty() {
            return Err(FieldError);
        }
        match kind {
            "input" => Ok(Self::Input(name.into())),
            "output" => Ok(Self::Output(name.into())),
            "parameter" => Ok(Self::Parameter(name.into())),
            _ => Err(FieldError),
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(name) => write!(f, "input:{name}"),
            Self::Output(name) => write!(f, "output:{name}"),
            Self::Parameter(name) => write!(f, "parameter:{name}"),
            Self::Id => f.write_str("id"),
        }
    }
}

// === impl Hidden ===

impl Hidden<'_> {
    /// Whether an input's data is not written down.
    #[must_use]
    pub fn input(&self, name: &str) -> bool {
        self.any(|field| matches!(field, Field::Input(known) if is(known, name)))
    }

    /// Whether an output's data is not written down.
    #[must_use]
    pub fn output(&self, name: &str) -> bool {
        self.any(|field| matches!(field, Field::Output(known) if is(known, name)))
    }

    /// Whether a parameter is not written down.
    #[must_use]
    pub fn parameter(&self, name: &str) -> bool {
        self.any(|field| matches!(field, Field::Parameter(known) if is(known, name)))
    }

    /// Whether the request's id is not written down.
    #[must_use]
    pub fn id(&self) -> bool {
        self.any(|field| *field == Field::Id)
    }

    /// Whether the sentence why a request was refused, which may repeat what it holds, could tell what is not written down.
    #[must_use]
    pub fn words(&self) -> bool {
        self.any(|field| matches!(field, Field::Input(_) | Field::Parameter(_)))
    }

    fn any(&self, is: impl Fn(&Field) -> bool) -> bool {
        self.always.iter().chain(self.here).any(is)
    }
}

fn is(known: &str, name: &str) -> bool {
    known == "*" || known == name
}
