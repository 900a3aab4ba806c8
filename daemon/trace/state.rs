//! `tracestate`: what tracing systems tell each other of a trace, each under its own key. It is passed on as it is.

/// The header, or metadata.
pub const STATE: &str = "tracestate";

/// The most members of a list.
const MEMBERS: usize = 32;

/// Characters that are passed on at least, and here at most.
const LONGEST: usize = 512;

/// Members of more characters are the first to go where the list is too long.
const LARGE: usize = 128;

/// The longest key and the longest value.
const PART: usize = 256;

/// A list of members, in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State(Box<str>);

/// Why a list is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A member is no `key=value`, or has other characters than they may have.
    #[error("tracestate: expected members key=value")]
    Member,
    /// There are too many.
    #[error("tracestate: expected at most {MEMBERS} members")]
    Many,
    /// Two members have the same key.
    #[error("tracestate: a key is given twice")]
    Twice,
}

// === impl State ===

impl State {
    /// Reads the values of all headers of the name, in their order: one list. Nothing where it is empty.
    ///
    /// # Errors
    /// [`StateError`]
    pub fn parse<'h>(
        values: impl IntoIterator<Item = &'h [u8]>,
    ) -> Result<Option<Self>, StateError> {
        let mut members: Vec<(&str, &str)> = Vec::new();
        for value in values {
            let text = std::str::from_utf8(value).map_err(|_| StateError::Member)?;
            for member in text.split(',') {
                let member = member.trim_matches([' ', '\t']);
                if member.is_empty() {
                    continue;
                }
                let (key, value) = member.split_once('=').ok_or(StateError::Member)?;
                if !is_key(key) || !is_value(value) {
                    return Err(StateError::Member);
                }
                if members.iter().any(|(known, _)| *known == key) {
                    return Err(StateError::Twice);
                }
                if members.len() == MEMBERS {
                    return Err(StateError::Many);
                }
                members.push((key, value));
            }
        }
        let length = |(key, value): &(&str, &str)| key.len() + 1 + value.len();
        let total = |members: &[(&str, &str)]| {
            members.iter().map(length).sum::<usize>() + members.len().saturating_sub(1)
        };
        while total(&members) > LONGEST {
            let large = members.iter().rposition(|member| length(member) > LARGE);
            members.remove(large.unwrap_or(members.len() - 1));
        }
        let members: Vec<String> = members
            .into_iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let text = members.join(",");
        Ok((!text.is_empty()).then(|| Self(text.into())))
    }

    /// The header's value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A key begins with a lower-case letter or a digit.
fn is_key(key: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let rest = |byte: u8| first(byte) || b"_-*/@".contains(&byte);
    let bytes = key.as_bytes();
    bytes.len() <= PART
        && bytes.first().is_some_and(|byte| first(*byte))
        && bytes.iter().all(|byte| rest(*byte))
}

/// A value is printable, has neither comma nor equals sign, and does not end with a space.
fn is_value(value: &str) -> bool {
    let bytes = value.as_bytes();
    (1..=PART).contains(&bytes.len())
        && bytes
            .iter()
            .all(|byte| matches!(byte, b' '..=b'~') && !b",=".contains(byte))
        && !value.ends_with(' ')
}
