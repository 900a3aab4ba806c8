//! JSON to nodes. `serde_json` judges the syntax; a scan of the judged text then finds the positions that it
//! does not tell.

use serde::de::IgnoredAny;
use serde_json::{Number, Value};

use super::{Budget, Document, Kind, Lines, Node, Position, Refusal};

pub(super) fn parse(text: &str) -> Result<Node, Refusal> {
    if text.trim_ascii().is_empty() {
        return Ok(Node::empty());
    }
    let lines = Lines::new(text);
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| syntax(&error))?;
    let mut scan = Scan {
        text,
        lines,
        byte: 0,
        budget: Budget::default(),
    };
    scan.node(0)
}

fn syntax(error: &serde_json::Error) -> Refusal {
    let at = Position {
        line: u32::try_from(error.line()).unwrap_or(u32::MAX),
        column: u32::try_from(error.column().max(1)).unwrap_or(u32::MAX),
    };
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    Refusal::new("syntax", Some(at), format!("not JSON: {what}"))
}

/// A walk over text that is known to be JSON.
struct Scan<'t> {
    text: &'t str,
    lines: Lines<'t>,
    byte: usize,
    budget: Budget,
}

impl Scan<'_> {
    fn node(&mut self, depth: usize) -> Result<Node, Refusal> {
        self.blank();
        let at = self.lines.position(self.byte);
        self.budget.take(1, at)?;
        let kind = match self.peek() {
            b'{' | b'[' if depth >= Document::MAX_DEPTH => return Err(Refusal::too_deep(at)),
            b'{' => {
                let mut entries = Vec::new();
                self.each(b'}', |scan| {
                    let at = scan.lines.position(scan.byte);
                    let key = scan.string(at)?;
                    scan.blank();
                    scan.byte += 1; // the colon
                    entries.push((key, at, scan.node(depth + 1)?));
                    Ok(())
                })?;
                Kind::Table(entries)
            }
            b'[' => {
                let mut nodes = Vec::new();
                self.each(b']', |scan| {
                    nodes.push(scan.node(depth + 1)?);
                    Ok(())
                })?;
                Kind::List(nodes)
            }
            b'"' => Kind::Scalar(Value::String(self.string(at)?)),
            _ => Kind::Scalar(self.word(at)?),
        };
        Ok(Node::new(kind, at))
    }

    /// The elements between the bracket here and `close`.
    fn each(
        &mut self,
        close: u8,
        mut element: impl FnMut(&mut Self) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        self.byte += 1;
        loop {
            self.blank();
            match self.peek() {
                b',' => self.byte += 1,
                found if found == close => {
                    self.byte += 1;
                    return Ok(());
                }
                // The text is known to be JSON; were it not, this ends the walk.
                0 => return Err(self.end()),
                _ => element(self)?,
            }
        }
    }

    fn string(&mut self, at: Position) -> Result<String, Refusal> {
        let start = self.byte;
        self.byte += 1;
        loop {
            match self.peek() {
                b'\\' => self.byte += 2,
                b'"' => break,
                0 => return Err(self.end()),
                _ => self.byte += 1,
            }
        }
        self.byte += 1;
        self.read(start, at)
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self, at: Position) -> Result<Value, Refusal> {
        let start = self.byte;
        while !matches!(
            self.peek(),
            0 | b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n'
        ) {
            self.byte += 1;
        }
        match &self.text[start..self.byte] {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" => Ok(Value::Null),
            _ => self.read::<Number>(start, at).map(Value::Number),
        }
    }

    /// The token from `start` to here: its escapes and its range are judged only now.
    fn read<T: serde::de::DeserializeOwned>(
        &self,
        start: usize,
        at: Position,
    ) -> Result<T, Refusal> {
        let token = self.text.get(start..self.byte).ok_or_else(|| self.end())?;
        serde_json::from_str(token).map_err(|error| Refusal {
            at: Some(at),
            ..syntax(&error)
        })
    }

    fn blank(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n') {
            self.byte += 1;
        }
    }

    /// The byte here; 0 at the end, which JSON does not hold.
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.byte).copied().unwrap_or(0)
    }

    fn end(&self) -> Refusal {
        let at = self.lines.position(self.byte);
        Refusal::new("syntax", Some(at), "not JSON: the text ends too early")
    }
}
