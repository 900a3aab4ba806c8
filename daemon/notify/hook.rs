//! Webhooks as they are configured: where, what for, in which form, and what they are signed with.
//!
//! An address is a secret too: whoever knows the path of many services' webhooks may post to them. Only its host is shown.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use impresario_pipelines::fleet::{Change, Course, Record};
use sha2::{Digest, Sha256};
use ureq::http::Uri;

/// The longest address, in bytes.
const LONGEST: usize = 2_048;
/// The shortest secret, in bytes: a shorter one can be found by trying.
const SHORTEST: usize = 16;
/// What actions begin with, up to their first dot.
const FAMILIES: [&str; 9] = [
    "rollout",
    "experiment",
    "bandit",
    "pipeline",
    "pipelines",
    "fleet",
    "model",
    "token",
    "store",
];

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Where it is posted to.
    pub address: Address,
    /// What it is signed with; none said: not at all.
    pub secret: Option<Secret>,
    /// What it is posted for.
    pub events: Vec<Pattern>,
    /// How long one try may take.
    pub timeout: Duration,
    /// The form of what is posted.
    pub format: Format,
}

/// The form of what is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// All of it, for programs.
    Json,
    /// A text for people, as Slack and those that imitate it take it.
    Slack,
}

/// An `http` or `https` URL. It is printed without its path.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: String,
    /// Bytes of the scheme and the authority.
    shown: usize,
}

/// Why a text is no address. What was given is not repeated: it may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not of the form of a URL.
    #[error("expected a URL such as \"https://alerts.example.com/impresario\"")]
    Form,
    /// Another protocol.
    #[error("expected a URL that begins with http:// or https://")]
    Scheme,
    /// A user or a password within it.
    #[error("expected a URL without user and password")]
    Credentials,
    /// A part that is not sent.
    #[error("expected a URL without a fragment (#)")]
    Fragment,
    /// More than any server takes.
    #[error("expected a URL of at most {LONGEST} bytes")]
    Long,
}

/// What deliveries are signed with. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Why a text is no secret. What was given is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It can be found by trying.
    #[error("expected a secret of at least {SHORTEST} bytes")]
    Short,
}

/// Which actions are meant: one, as `rollout.abort`, or all that begin alike, as `rollout.*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Characters that no action has, or a star that is not at its end.
    #[error(
        "expected an action such as \"rollout.abort\" or all that begin alike such as \"rollout.*\""
    )]
    Form,
    /// No action can be meant.
    #[error("no action begins like this")]
    Nothing {
        /// What actions begin with.
        known: &'static [&'static str],
    },
}

// === impl Hook ===

impl Hook {
    /// Whether it is posted for a record.
    #[must_use]
    pub fn wants(&self, record: &Record) -> bool {
        self.events.iter().any(|pattern| pattern.takes(record))
    }
}

// === impl Format ===

impl Format {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Slack => "slack",
        }
    }
}

// === impl Address ===

impl Address {
    /// All of it, for the request.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// What may be printed: scheme, host and port.
    #[must_use]
    pub fn shown(&self) -> &str {
        &self.url[..self.shown]
    }

    /// What it is kept under: the same for the same address, wherever it stands in the configuration.
    pub(super) fn key(&self) -> String {
        hex(&Sha256::digest(&self.url)[..16])
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > LONGEST {
            return Err(AddressError::Long);
        }
        let uri: Uri = text.parse().map_err(|_| AddressError::Form)?;
        let scheme = match uri.scheme_str() {
            Some(scheme @ ("http" | "https")) => scheme,
            Some(_) => return Err(AddressError::Scheme),
            None => return Err(AddressError::Form),
        };
        let authority = uri.authority().ok_or(AddressError::Form)?;
        if authority.as_str().contains('@') {
            return Err(AddressError::Credentials);
        }
        if text.contains('#') {
            return Err(AddressError::Fragment);
        }
        let rest = authority.as_str().strip_prefix(authority.host());
        let port = rest.and_then(|rest| match rest.strip_prefix(':') {
            Some(port) => port.parse::<u16>().ok().filter(|port| *port > 0),
            None => rest.is_empty().then_some(0),
        });
        if authority.host().is_empty() || port.is_none() {
            return Err(AddressError::Form);
        }
        let shown = scheme.len() + "://".len() + authority.as_str().len();
        if !text.is_char_boundary(shown) {
            return Err(AddressError::Form);
        }
        Ok(Self {
            url: text.to_owned(),
            shown,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shown())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({}/…)", self.shown())
    }
}

// === impl Secret ===

impl Secret {
    /// The key of the signature.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.len() {
            ..SHORTEST => Err(SecretError::Short),
            _ => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

// === impl Pattern ===

impl Pattern {
    /// Whether a record is meant: by its action, or by the kind of a course that it began, moved or ended. A pipeline
    /// that is put begins a rollout, and is news for those who follow rollouts.
    #[must_use]
    pub fn takes(&self, record: &Record) -> bool {
        let Some(begins) = self.text.strip_suffix('*') else {
            return record.action == self.text;
        };
        let moved = |course: &Option<std::sync::Arc<Course>>| {
            let kind = course.as_deref().map(Course::kind);
            kind.is_some_and(|kind| format!("{kind}.").starts_with(begins))
        };
        record.action.starts_with(begins)
            || record.diffs.iter().any(|diff| match &diff.change {
                Change::Course { before, after } => moved(before) || moved(after),
                Change::Pipeline { .. } | Change::Intent { .. } => false,
            })
    }
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let begins = text.strip_suffix('*').unwrap_or(text);
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        if text.is_empty() || text.len() > 64 || !begins.bytes().all(letter) {
            return Err(PatternError::Form);
        }
        let all = begins.len() < text.len();
        let known = FAMILIES.iter().any(|family| {
            let family = format!("{family}.");
            let within = begins.len() > family.len() || (all && begins.len() == family.len());
            (within && begins.starts_with(&family)) || (all && family.starts_with(begins))
        });
        match known {
            true => Ok(Self {
                text: text.to_owned(),
            }),
            false => Err(PatternError::Nothing { known: &FAMILIES }),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}
