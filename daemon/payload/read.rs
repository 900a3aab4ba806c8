//! Reading the files: records one after the other, and what cannot be read counted. The last line of a file may be torn.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use serde_json::Value;

/// The longest line that is read, in bytes.
const MAX_LINE: u64 = 1 << 30;

/// The lines of one file.
pub struct Reader {
    lines: BufReader<File>,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// A record, as it is written and as it is read.
    Record(String, Value),
    /// The last line, without its end: its process was killed, or is about to write the rest.
    Torn,
    /// Something else.
    Other,
}

impl Reader {
    /// Opens a file.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            lines: BufReader::new(File::open(path)?),
        })
    }

    fn line(&mut self) -> io::Result<Option<Line>> {
        let mut text = Vec::new();
        let mut lines = (&mut self.lines).take(MAX_LINE);
        if lines.read_until(b'\n', &mut text)? == 0 {
            return Ok(None);
        }
        if text.pop() != Some(b'\n') {
            return Ok(Some(Line::Torn));
        }
        let record = String::from_utf8(text).ok().and_then(|text| {
            let record: Value = serde_json::from_str(&text).ok()?;
            (record["v"] == 1).then_some(Line::Record(text, record))
        });
        Ok(Some(record.unwrap_or(Line::Other)))
    }
}

impl Iterator for Reader {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<Self::Item> {
        self.line().transpose()
    }
}
