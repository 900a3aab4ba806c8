//! Pointers into JSON (RFC 6901), and what they point at, read without making a tree of the text.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

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

    /// What stands at the place, as a key: a string as it is, a number in its shortest decimal form, `true` or `false`.
    /// Nothing where the place is not there, holds null, a list or a table, or the text is not JSON.
    #[must_use]
    pub fn find(&self, json: &[u8]) -> Option<String> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let found = At(&self.tokens).deserialize(&mut reader).ok()?;
        reader.end().ok()?;
        found
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

/// Reads a value and keeps what stands at the steps below it.
struct At<'t>(&'t [String]);

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = Option<String>;
    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl At<'_> {
    /// A value that has nothing below it.
    fn leaf(&self, text: impl FnOnce() -> String) -> Option<String> {
        self.0.is_empty().then(text)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(self.leaf(|| value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(self.leaf(|| value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(self.leaf(|| value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(self.leaf(|| value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(self.leaf(|| value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        // No leading zeros (RFC 6901, §4), and so no second way to write a place.
        let place = self.0.split_first().and_then(|(first, rest)| {
            let place: usize = first.parse().ok()?;
            (place.to_string() == *first).then_some((place, rest))
        });
        let (mut at, mut found) = (0, None);
        loop {
            match place {
                Some((place, rest)) if place == at => match items.next_element_seed(At(rest))? {
                    Some(value) => found = value,
                    None => return Ok(found),
                },
                _ if items.next_element::<IgnoredAny>()?.is_none() => return Ok(found),
                _ => {}
            }
            at += 1;
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = entries.next_key::<String>()? {
            match self.0.split_first() {
                Some((first, rest)) if *first == key => {
                    found = entries.next_value_seed(At(rest))?
                }
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_as_rfc_6901_has_them() {
        // The document of §5, and more.
        let json = br#"{"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "e^f": 3, "g|h": 4, "i\\j": 5,
            "k\"l": 6, " ": 7, "m~n": 8, "x": {"y": [[true, null], {"z": 1.50, "w": 17.0}], "n": -3, "u": "m\u00fcller"},
            "big": 18446744073709551615, "twice": 1, "twice": 2}"#;
        for (pointer, found) in [
            ("/foo/0", Some("bar")),
            ("/foo/1", Some("baz")),
            ("/foo", None),
            ("/foo/2", None),
            ("/foo/00", None),
            ("/foo/+1", None),
            ("/foo/-", None),
            ("/foo/0/x", None),
            ("/", Some("0")),
            ("/a~1b", Some("1")),
            ("/c%d", Some("2")),
            ("/e^f", Some("3")),
            ("/g|h", Some("4")),
            ("/i\\j", Some("5")),
            ("/k\"l", Some("6")),
            ("/ ", Some("7")),
            ("/m~0n", Some("8")),
            ("/x/y/0/0", Some("true")),
            ("/x/y/0/1", None),
            ("/x/y/1/z", Some("1.5")),
            ("/x/y/1/w", Some("17")),
            ("/x/y/0", None),
            ("/x/n", Some("-3")),
            ("/x/u", Some("müller")),
            ("/big", Some("18446744073709551615")),
            ("/twice", Some("2")),
            ("/none/0", None),
        ] {
            let pointer = Pointer::new(pointer).unwrap();
            assert_eq!(pointer.find(json).as_deref(), found, "{pointer}");
        }
    }

    #[test]
    fn what_is_not_json_holds_nothing() {
        let pointer = Pointer::new("/id").unwrap();
        for text in [
            "",
            "{\"id\": \"a\"",
            "{\"id\": \"a\"} x",
            "[1]",
            "\"id\"",
            "{\"id\": \"a\", b}",
        ] {
            assert_eq!(pointer.find(text.as_bytes()), None, "{text}");
        }
        let deep = format!("{{\"id\": \"a\", \"x\": {}", "[".repeat(100_000));
        assert_eq!(pointer.find(deep.as_bytes()), None);
    }

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
