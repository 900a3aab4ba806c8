//! `traceparent`: the trace that a request says it belongs to (W3C Trace Context, level 2). `traceresponse` has the same
//! form and says which span answered.

use super::ids::{SpanId, TraceId, bytes};
use super::{Context, State};

/// The header, or metadata, of a request.
pub const PARENT: &str = "traceparent";

/// The header, or metadata, of its answer.
pub const RESPONSE: &str = "traceresponse";

/// Characters of version 00, and of the part that all later ones begin with.
const LENGTH: usize = 55;

/// The flag of a trace whose spans are kept.
const SAMPLED: u8 = 1;

/// The flag of a trace whose id is random in its last seven bytes.
const RANDOM: u8 = 2;

/// Where a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The caller's own place.
    pub context: Context,
    /// Whether the trace's id says that it is random.
    pub random: bool,
    /// What other systems have to say of the trace.
    pub state: Option<State>,
}

/// Why a `traceparent` is none. The request is answered all the same, as the first of a new trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParentError {
    /// It is too short, too long, or its parts are not where they must be.
    #[error("traceparent: expected 00-(32 digits)-(16 digits)-(2 digits)")]
    Form,
    /// A part has other characters than digits and a to f.
    #[error("traceparent: expected lower-case hexadecimal digits")]
    Digits,
    /// Version ff is none.
    #[error("traceparent: there is no version ff")]
    Version,
    /// An id is all zero.
    #[error("traceparent: an id that is all zero is none")]
    Zero,
}

// === impl Parent ===

impl Parent {
    /// Reads a header's value.
    ///
    /// # Errors
    /// [`ParentError`].
    pub fn parse(value: &[u8]) -> Result<Self, ParentError> {
        let (head, tail) = value.split_at_checked(LENGTH).ok_or(ParentError::Form)?;
        if [head[2], head[35], head[52]] != [b'-'; 3] {
            return Err(ParentError::Form);
        }
        let [version] = bytes(&head[..2]).ok_or(ParentError::Digits)?;
        match version {
            0xff => return Err(ParentError::Version),
            // What a later version says more is not known here, but it stands behind a dash.
            1.. if tail.first().is_some_and(|next| *next != b'-') => return Err(ParentError::Form),
            0 if !tail.is_empty() => return Err(ParentError::Form),
            _ => {}
        }
        let trace: [u8; 16] = bytes(&head[3..35]).ok_or(ParentError::Digits)?;
        let span: [u8; 8] = bytes(&head[36..52]).ok_or(ParentError::Digits)?;
        let [flags] = bytes(&head[53..]).ok_or(ParentError::Digits)?;
        let context = Context {
            trace: TraceId::new(trace).ok_or(ParentError::Zero)?,
            span: SpanId::new(span).ok_or(ParentError::Zero)?,
            sampled: flags & SAMPLED != 0,
        };
        Ok(Self {
            context,
            random: flags & RANDOM != 0,
            state: None,
        })
    }

    /// Reads what a request says: a trace that is not said, said twice or said wrongly is none, as the specification
    /// wants it, and a wrong `tracestate` loses no trace.
    pub fn of<'h>(
        parents: impl IntoIterator<Item = &'h [u8]>,
        states: impl IntoIterator<Item = &'h [u8]>,
    ) -> Option<Self> {
        let mut parents = parents.into_iter();
        let parent = parents.next()?;
        if parents.next().is_some() {
            return None;
        }
        let parent = Self::parse(parent).ok()?;
        Some(Self {
            state: State::parse(states).ok().flatten(),
            ..parent
        })
    }
}

// === impl Context ===

impl Context {
    /// The value of a `traceparent` or a `traceresponse`.
    #[must_use]
    pub fn header(&self) -> String {
        let flags = match self.sampled {
            true => SAMPLED,
            false => 0,
        };
        format!("00-{}-{}-{flags:02x}", self.trace, self.span)
    }
}
