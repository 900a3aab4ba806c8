//! A place in a JSON text that moves forward: structure by hand, small values by `serde_json`.
//!
//! The numbers of tensors are read elsewhere, straight into their vectors; no tree is built here.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::refusal::{Refusal, clip};

/// Reads one JSON text from the front. After a [`Refusal`] the place is of no use any more.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

// === impl Cursor ===

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// A cursor over one value that was skipped before; places in errors stay those of the whole text.
    pub(super) fn within(&self, span: Range<usize>) -> Self {
        Self {
            bytes: &self.bytes[..span.end],
            at: span.start,
        }
    }

    /// The bytes that are not read yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Moves over bytes that the caller has read from [`Self::rest`].
    pub(super) fn advance(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// The next byte that is not white space.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Moves over a byte, where it is the next one.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Moves over `null`, where it is the next value.
    pub(super) fn take_null(&mut self) -> bool {
        let found = self.peek() == Some(b'n') && self.rest().starts_with(b"null");
        self.at += if found { 4 } else { 0 };
        found
    }

    /// Calls `member` at each value of an object, with its key.
    pub(super) fn object(
        &mut self,
        mut member: impl FnMut(&mut Self, &str) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if !self.take(b'{') {
            return Err(self.unexpected("an object"));
        }
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key"));
            }
            let key = self.string()?;
            if !self.take(b':') {
                return Err(self.unexpected("':'"));
            }
            member(self, &key)?;
            if self.take(b'}') {
                return Ok(());
            }
            if !self.take(b',') {
                return Err(self.unexpected("',' or '}'"));
            }
        }
    }

    /// Calls `item` at each value of an array, with its index.
    pub(super) fn array(
        &mut self,
        mut item: impl FnMut(&mut Self, usize) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        if !self.take(b'[') {
            return Err(self.unexpected("an array"));
        }
        if self.take(b']') {
            return Ok(());
        }
        for index in 0.. {
            item(self, index)?;
            if self.take(b']') {
                break;
            }
            if !self.take(b',') {
                return Err(self.unexpected("',' or ']'"));
            }
        }
        Ok(())
    }

    /// A string; borrowed where it has no escapes.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>, Refusal> {
        if self.peek() != Some(b'"') {
            return Err(self.unexpected("a string"));
        }
        let inner = &self.bytes[self.at + 1..];
        let end = inner
            .iter()
            .position(|&b| b == b'"' || b == b'\\' || b < b' ');
        if let Some(end) = end.filter(|&end| inner[end] == b'"')
            && let Ok(text) = std::str::from_utf8(&inner[..end])
        {
            self.at += end + 2;
            return Ok(Cow::Borrowed(text));
        }
        self.value("a string").map(Cow::Owned)
    }

    /// One value as `serde_json` reads it.
    pub(super) fn value<T: Deserialize<'a>>(
        &mut self,
        expected: &'static str,
    ) -> Result<T, Refusal> {
        let mut values = serde_json::Deserializer::from_slice(self.rest()).into_iter::<T>();
        match values.next() {
            Some(Ok(value)) => {
                let read = values.byte_offset();
                self.at += read;
                Ok(value)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    /// Moves over one value; its place in the text.
    pub(super) fn skip(&mut self) -> Result<Range<usize>, Refusal> {
        self.peek();
        let start = self.at;
        self.value::<IgnoredAny>("a value")?;
        Ok(start..self.at)
    }

    /// Moves over a tensor's data by its brackets alone: whatever else is wrong with it is found when it is read.
    pub(super) fn skip_data(&mut self) -> Result<Range<usize>, Refusal> {
        if self.peek() != Some(b'[') {
            return self.skip();
        }
        let start = self.at;
        let mut depth = 0usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'[' => depth += 1,
                b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(start..self.at);
            }
        }
        Err(self.unexpected("',' or ']'"))
    }

    /// Moves over one value, deep ones by their brackets alone, so that what stands in it need not be JSON in every
    /// letter: bare NaNs are read elsewhere too.
    pub(super) fn pass(&mut self) -> Result<(), Refusal> {
        if !matches!(self.peek(), Some(b'[' | b'{')) {
            return self.skip().map(drop);
        }
        let mut depth = 0usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.string()?;
                    continue;
                }
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
        Err(self.unexpected("']' or '}'"))
    }

    /// The text must end here.
    pub(super) fn end(&mut self) -> Result<(), Refusal> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected("the end of the request")),
        }
    }

    /// The value at this place as an error shows it; a refusal when it is no JSON at all.
    pub(super) fn show(&mut self) -> Result<String, Refusal> {
        let span = self.clone().skip()?;
        Ok(clip(&String::from_utf8_lossy(&self.bytes[span])))
    }

    /// The refusal for whatever stands at this place.
    pub(super) fn unexpected(&mut self, expected: &'static str) -> Refusal {
        let got = match self.peek() {
            None => "the end of the text".to_owned(),
            Some(_) => {
                let rest = self.rest();
                let text = String::from_utf8_lossy(&rest[..rest.len().min(20)]).into_owned();
                format!("{text:?}")
            }
        };
        Refusal::Syntax {
            expected,
            got,
            at: self.at,
        }
    }
}
