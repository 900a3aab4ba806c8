//! A span: what took place in a trace, from when to when, and what is known of it. Names of attributes are constants of
//! who makes spans; values are what they are.

use std::sync::Arc;

use super::{Context, SpanId, TraceId};

/// What took place.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The trace.
    pub trace: TraceId,
    /// Its id.
    pub id: SpanId,
    /// The span that it is a part of.
    pub parent: Option<SpanId>,
    /// The list that the caller's `tracestate` brought, for the span of a request.
    pub state: Option<super::State>,
    /// What it is called.
    pub name: String,
    /// Which side of a call it is.
    pub kind: Kind,
    /// Wall time, in nanoseconds since 1970.
    pub began: u64,
    /// The same of its end.
    pub ended: u64,
    /// What is known of it.
    pub attributes: Vec<(&'static str, Value)>,
    /// Spans of other traces that it has to do with.
    pub links: Vec<Link>,
    /// How it ended.
    pub status: Status,
}

/// Which side of a call a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A request that was answered.
    Server,
    /// What took place inside.
    Internal,
}

/// Another span that one has to do with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link(pub Context);

/// How a span ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing is said, as is the custom for what went well.
    Unset,
    /// It failed; the words are those that the caller got.
    Error(String),
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A word.
    Word(&'static str),
    /// A text.
    Text(String),
    /// A text that others hold too.
    Shared(Arc<str>),
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

// === impl Value ===

impl Value {
    /// Bytes that it takes, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        match self {
            Self::Word(text) => text.len(),
            Self::Text(text) => text.len(),
            Self::Shared(text) => text.len(),
            Self::Whole(_) | Self::Number(_) | Self::Flag(_) => 8,
        }
    }
}

impl From<&'static str> for Value {
    fn from(word: &'static str) -> Self {
        Self::Word(word)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Whole(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Whole(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

// === impl Span ===

impl Span {
    /// Bytes that it takes, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        let attributes = self.attributes.iter();
        let attributes: usize = attributes
            .map(|(name, value)| name.len() + value.weight() + 16)
            .sum();
        96 + self.name.len() + attributes + 48 * self.links.len()
    }
}
