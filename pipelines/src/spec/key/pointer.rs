//! Pointers into JSON (RFC 6901). Finding what they point at is the daemon's work.

use std::fmt;

/// A place in a JSON text, such as `/parameters/user` or `/inputs/0/data/0`. It is not the whole of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pointer {
    text: String,
    tokens: Vec<String>,
}

/// What is no pointer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// It does not begin with a slash, or is empty.
    #[error("a pointer begins with '/'")]
    Slash,
    /// A `~` that stands for nothing.
    #[error("in a pointer '~' is written '~0' and '/' within a name '~1'")]
    Escape,
    /// It is too long.
    #[error("a pointer has at most {} characters", Pointer::MAX_LENGTH)]
    Long,
}

// === impl Pointer ===

impl Pointer {
    /// The most characters.
    pub const MAX_LENGTH: usize = 256;

    /// A pointer as it is written.
    ///
    /// # Errors
    /// [`PointerError`] where the text is none.
    pub fn new(text: &str) -> Result<Self, PointerError> {
        let steps = text.strip_prefix('/').ok_or(PointerError::Slash)?;
        if text.chars().count() > Self::MAX_LENGTH {
            return Err(PointerError::Long);
        }
        let tokens = steps.split('/').map(token).collect::<Option<_>>();
        Ok(Self {
            text: text.to_owned(),
            tokens: tokens.ok_or(PointerError::Escape)?,
        })
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The steps from the whole to the place.
    #[must_use]
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pointer({:?})", self.text)
    }
}

/// One step, unescaped.
fn token(written: &str) -> Option<String> {
    let mut token = String::with_capacity(written.len());
    let mut chars = written.chars();
    while let Some(c) = chars.next() {
        token.push(match c {
            '~' => match chars.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            c => c,
        });
    }
    Some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pointer_is_refused() {
        for (text, error) in [
            ("", PointerError::Slash),
            ("id", PointerError::Slash),
            ("#/id", PointerError::Slash),
            ("/a~b", PointerError::Escape),
            ("/a~", PointerError::Escape),
            (&"/é".repeat(129), PointerError::Long),
        ] {
            assert_eq!(Pointer::new(text), Err(error), "{text}");
        }
        assert!(Pointer::new(&"/é".repeat(128)).is_ok());
        assert_eq!(Pointer::new("/a~01/b~1c").unwrap().tokens(), ["a~1", "b/c"]);
    }
}
