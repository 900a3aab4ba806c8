//! Keys: where in a request it stands who it comes from.
//!
//! What is found there is looked up by the doors, which see requests; the rules of looking, for pointers and cookies,
//! are here.

mod pointer;

use std::sync::Arc;

pub use pointer::{Pointer, PointerError};

/// What tells one client from another: the first source that a request has something at, and its address where none has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Key(Arc<[Source]>);

/// One place in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A header, in lower case.
    Header(String),
    /// A cookie.
    Cookie(String),
    /// A parameter of the request, as the protocol has them in JSON and in gRPC.
    Parameter(String),
    /// A place in the request's JSON.
    Pointer(Pointer),
}

// === impl Key ===

impl Key {
    /// The most sources.
    pub const MAX_SOURCES: usize = 8;

    /// A key of sources, the more important first; the address alone where there are none.
    #[must_use]
    pub fn new(sources: Vec<Source>) -> Self {
        Self(sources.into())
    }

    /// The sources, the more important first.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.0
    }

    /// Whether there is no source, so that clients are told apart by address only.
    #[must_use]
    pub fn is_address(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether some source is known only when the request's body was read.
    #[must_use]
    pub fn needs_body(&self) -> bool {
        self.0.iter().any(Source::needs_body)
    }
}

// === impl Source ===

impl Source {
    /// Whether it is known only when the request's body was read.
    #[must_use]
    pub fn needs_body(&self) -> bool {
        match self {
            Self::Header(_) | Self::Cookie(_) => false,
            Self::Parameter(_) | Self::Pointer(_) => true,
        }
    }
}

/// The value of a cookie in a header of them (RFC 6265, §4.2.1), without the quotes that it may stand in. The first one
/// counts where there are several, which a user agent sends for the more specific path.
#[must_use]
pub fn cookie<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    let pairs = header.split(';').filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter_map(|(key, value)| (key.trim() == name).then_some(value.trim()));
    let value = values.next()?;
    let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
    Some(inner.unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_by_their_exact_names() {
        let header = "theme=dark; uid=ann; UID=bob;uid=eve; q=\"a b\"; half=\"; empty=; a=b=c";
        for (name, value) in [
            ("uid", Some("ann")),
            ("UID", Some("bob")),
            ("q", Some("a b")),
            ("half", Some("\"")),
            ("empty", Some("")),
            ("a", Some("b=c")),
            ("id", None),
            ("dark", None),
            ("", None),
        ] {
            assert_eq!(cookie(header, name), value, "{name}");
        }
    }

    #[test]
    fn a_key_needs_the_body_where_one_of_its_sources_does() {
        let header = Source::Header("x-user".into());
        let cookie = Source::Cookie("uid".into());
        let pointer = Source::Pointer(Pointer::new("/id").unwrap());
        let key = |sources: &[&Source]| Key::new(sources.iter().copied().cloned().collect());
        assert!(Key::default().is_address() && !Key::default().needs_body());
        assert!(!key(&[&header, &cookie]).needs_body());
        assert!(key(&[&header, &pointer]).needs_body());
        assert!(key(&[&Source::Parameter("user".into())]).needs_body());
    }
}
