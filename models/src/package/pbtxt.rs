//! A parser of the protocol buffers' text format: fields, messages, lists, numbers, strings and words.
//!
//! It knows no schema: what the fields mean is [`super::triton`]'s business. Grammar:
//! <https://protobuf.dev/reference/protobuf/textformat-spec/>; extensions and `Any` are read as plain names.

/// A field: `name: value` or `name { … }`. A list is as many fields of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// The line it starts on, from 1.
    pub line: usize,
    /// What it holds.
    pub value: Value,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A quoted text, escapes resolved.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// An unquoted word: `true`, `false`, or the name of an enum's value.
    Word(String),
    /// A message's fields.
    Message(Vec<Field>),
}

/// Where and why a text is not in the format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {expected}, got {got}")]
pub struct SyntaxError {
    /// The line, from 1.
    pub line: usize,
    /// What the grammar wants there.
    pub expected: &'static str,
    /// What stands there.
    pub got: String,
}

/// How deep messages may be nested.
const MAX_DEPTH: usize = 32;

/// Reads a text as the fields of one message.
///
/// # Errors
/// [`SyntaxError`] at the first place that does not fit.
pub fn parse(text: &str) -> Result<Vec<Field>, SyntaxError> {
    let mut parser = Parser {
        rest: text,
        line: 1,
    };
    let mut fields = Vec::new();
    parser.message(&mut fields, None, 0)?;
    Ok(fields)
}

struct Parser<'a> {
    rest: &'a str,
    line: usize,
}

// === impl Parser ===

impl<'a> Parser<'a> {
    /// Reads fields until the closing bracket, or to the end where there is none.
    fn message(
        &mut self,
        fields: &mut Vec<Field>,
        close: Option<char>,
        depth: usize,
    ) -> Result<(), SyntaxError> {
        if depth > MAX_DEPTH {
            return Err(self.error("messages nested at most 32 deep"));
        }
        loop {
            self.blank();
            match (self.rest.chars().next(), close) {
                (None, None) => return Ok(()),
                (Some(c), Some(close)) if c == close => {
                    self.take(c.len_utf8());
                    return Ok(());
                }
                _ => self.field(fields, depth)?,
            }
            self.blank();
            if self.rest.starts_with([',', ';']) {
                self.take(1);
            }
        }
    }

    fn field(&mut self, fields: &mut Vec<Field>, depth: usize) -> Result<(), SyntaxError> {
        let line = self.line;
        let name = match self.rest.starts_with('[') {
            false => self.word().ok_or_else(|| self.error("a field's name"))?,
            true => {
                let end = self.rest.find([']', '\n']);
                match end.filter(|&end| self.rest[end..].starts_with(']')) {
                    Some(end) => self.take(end + 1),
                    None => return Err(self.error("an extension's name in brackets")),
                }
            }
        };
        self.blank();
        let colon = self.rest.starts_with(':');
        if colon {
            self.take(1);
            self.blank();
        }
        let mut push = |value| {
            fields.push(Field {
                name: name.to_owned(),
                line,
                value,
            });
        };
        if !self.rest.starts_with('[') {
            push(self.value(colon, depth)?);
            return Ok(());
        }
        self.take(1);
        loop {
            self.blank();
            if self.rest.starts_with(']') {
                self.take(1);
                return Ok(());
            }
            push(self.value(colon, depth)?);
            self.blank();
            match self.rest.chars().next() {
                Some(',') => _ = self.take(1),
                Some(']') => {}
                _ => return Err(self.error("',' or ']'")),
            }
        }
    }

    /// Reads one value; a scalar needs a colon before it.
    fn value(&mut self, colon: bool, depth: usize) -> Result<Value, SyntaxError> {
        let first = self.rest.chars().next();
        if let Some(open @ ('{' | '<')) = first {
            self.take(1);
            let close = if open == '{' { '}' } else { '>' };
            let mut fields = Vec::new();
            self.message(&mut fields, Some(close), depth + 1)?;
            return Ok(Value::Message(fields));
        }
        match first {
            _ if !colon => Err(self.error("':' or '{'")),
            Some('"' | '\'') => {
                let mut bytes = Vec::new();
                while self.rest.starts_with(['"', '\'']) {
                    self.text(&mut bytes)?;
                    self.blank();
                }
                let text = String::from_utf8(bytes);
                Ok(Value::Text(text.map_err(|_| self.error("UTF-8 text"))?))
            }
            Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.number(),
            _ => {
                let word = self.word().ok_or_else(|| self.error("a value"))?;
                Ok(Value::Word(word.to_owned()))
            }
        }
    }

    fn number(&mut self) -> Result<Value, SyntaxError> {
        let signs = usize::from(self.rest.starts_with(['-', '+']));
        let mut end = signs;
        let bytes = self.rest.as_bytes();
        while let Some(&b) = bytes.get(end) {
            let exponent = matches!(b, b'-' | b'+') && matches!(bytes[end - 1], b'e' | b'E');
            if !(b.is_ascii_alphanumeric() || b == b'.' || (exponent && end > signs)) {
                break;
            }
            end += 1;
        }
        if end == signs {
            return Err(self.error("a number"));
        }
        Ok(Value::Number(self.take(end).to_owned()))
    }

    /// Reads one quoted piece, its escapes resolved.
    fn text(&mut self, bytes: &mut Vec<u8>) -> Result<(), SyntaxError> {
        const OPEN: &str = "a closing quote on the same line";
        let quote = self.next().ok_or_else(|| self.error(OPEN))?;
        loop {
            if self.rest.starts_with('\n') {
                return Err(self.error(OPEN));
            }
            match self.next().ok_or_else(|| self.error(OPEN))? {
                c if c == quote => return Ok(()),
                '\\' => {
                    let escape = self.next().ok_or_else(|| self.error(OPEN))?;
                    self.escape(escape, bytes)?;
                }
                c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }

    fn escape(&mut self, escape: char, bytes: &mut Vec<u8>) -> Result<(), SyntaxError> {
        match escape {
            'a' => bytes.push(0x07),
            'b' => bytes.push(0x08),
            'f' => bytes.push(0x0c),
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            'v' => bytes.push(0x0b),
            '\\' | '\'' | '"' | '?' => bytes.push(escape as u8),
            '0'..='7' => {
                let mut code = escape.to_digit(8).unwrap_or_default();
                code = self.digits(8, 2, code);
                bytes.push(u8::try_from(code).map_err(|_| self.error("an octal escape to \\377"))?);
            }
            'x' | 'X' if self.rest.starts_with(|c: char| c.is_ascii_hexdigit()) => {
                let code = self.digits(16, 2, 0);
                bytes.push(u8::try_from(code).map_err(|_| self.error("a hex escape"))?);
            }
            'u' | 'U' => {
                let code = self.digits(16, if escape == 'u' { 4 } else { 8 }, 0);
                let c = char::from_u32(code).ok_or_else(|| self.error("a unicode escape"))?;
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => return Err(self.error("a known escape after the backslash")),
        }
        Ok(())
    }

    /// Reads at most so many more digits of a number.
    fn digits(&mut self, radix: u32, most: usize, mut code: u32) -> u32 {
        for _ in 0..most {
            match self.rest.chars().next().and_then(|c| c.to_digit(radix)) {
                Some(digit) => code = code.wrapping_mul(radix).wrapping_add(digit),
                None => break,
            }
            self.take(1);
        }
        code
    }

    fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest;
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return None;
        }
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !inner(c)).unwrap_or(rest.len());
        Some(self.take(end))
    }

    /// Skips white space and comments.
    fn blank(&mut self) {
        loop {
            let rest = self.rest;
            let end = match rest.chars().next() {
                Some(c) if c.is_whitespace() => rest.find(|c: char| !c.is_whitespace()),
                Some('#') => rest.find('\n'),
                _ => return,
            };
            self.take(end.unwrap_or(rest.len()));
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.take(c.len_utf8());
        Some(c)
    }

    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.bytes().filter(|&b| b == b'\n').count();
        self.rest = rest;
        taken
    }

    fn error(&self, expected: &'static str) -> SyntaxError {
        let got = match self.rest.chars().next() {
            None => "the end of the file".to_owned(),
            Some(_) => {
                let line = self.rest.lines().next().unwrap_or_default();
                format!("'{}'", line.chars().take(30).collect::<String>())
            }
        };
        SyntaxError {
            line: self.line,
            expected,
            got,
        }
    }
}

#[cfg(test)]
mod tests;
