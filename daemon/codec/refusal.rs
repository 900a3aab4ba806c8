//! Why the codec refuses a request. Status codes are given in the daemon's one table, not here.

use std::fmt;

use impresario_models::Mismatch;

/// Why a request's bytes were not taken, or an answer could not be written as asked: the caller's fault.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The JSON is broken.
    #[error("request is not valid JSON: expected {expected}, got {got} at byte {at}")]
    Syntax {
        /// What could have stood there.
        expected: &'static str,
        /// What stood there.
        got: String,
        /// Where, counted in bytes from 0.
        at: usize,
    },
    /// A part of the request is not what the protocol or the port asks for.
    #[error("{what}: expected {expected}, got {got}")]
    Invalid {
        /// Which part.
        what: String,
        /// What it should be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// The tensors do not fit the contract.
    #[error(transparent)]
    Contract(#[from] Mismatch),
    /// Something is larger than this server takes.
    #[error(
        "{what}: expected at most {limit} {unit}, got {got}; the limit is '{key}' under [server.limits]"
    )]
    TooLarge {
        /// What is too large.
        what: String,
        /// What the limit counts.
        unit: &'static str,
        /// The most that is taken.
        limit: usize,
        /// What came, as far as it was read.
        got: String,
        /// The limit's key in the config.
        key: &'static str,
    },
    /// The body is compressed in a way that is not known here.
    #[error("header Content-Encoding: expected gzip, deflate or identity, got '{got}'")]
    Encoding {
        /// The header's value.
        got: String,
    },
}

// === impl Refusal ===

impl Refusal {
    /// A part of the request, what was expected of it, and what came.
    pub(crate) fn invalid(
        what: impl fmt::Display,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Self::Invalid {
            what: what.to_string(),
            expected: expected.into(),
            got: got.into(),
        }
    }

    pub(crate) fn long_string(what: impl fmt::Display, limit: usize, got: usize) -> Self {
        Self::TooLarge {
            what: what.to_string(),
            unit: "bytes in one string",
            limit,
            got: got.to_string(),
            key: "max_string",
        }
    }
}

/// How errors name a tensor. Only an error makes a text of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Label<'a> {
    /// An input by its name.
    Input(&'a str),
    /// An output by its name.
    Output(&'a str),
    /// An entry of `inputs` whose name is not known yet.
    At(usize),
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input(name) => write!(f, "input '{name}'"),
            Self::Output(name) => write!(f, "output '{name}'"),
            Self::At(at) => write!(f, "inputs[{at}]"),
        }
    }
}

/// A text as an error shows it: at most 40 characters.
pub(crate) fn clip(text: &str) -> String {
    let mut shown: String = text.chars().take(40).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
