//! Backups: one file of JSON lines, a header before them and a checksum after them. What is written is the stored
//! form, so that a backup does not depend on the engine.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;

use impresario_models::Name;
use impresario_pipelines::Revision;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::schema::{self, EntryV1, FreezeV1, IntentV1, RecordV1, TokenV1};
use super::{Cause, Contents};

/// The value of the header's `format`.
const FORMAT: &str = "impresario-backup";
/// The newest version of the file's layout.
const VERSION: u32 = 1;
/// The longest line that is read, in bytes: longer than any that is written, short enough to hold.
const MAX_LINE: u64 = 512 << 20;

/// The first line.
#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    /// The stored form of the lines.
    schema: u32,
    /// The routing's revision.
    revision: u64,
    /// Wall time, in milliseconds since 1970.
    at: u64,
    /// Lines between this one and the trailer.
    count: u64,
}

/// A line between.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
enum Line {
    Pipeline(Named<EntryV1>),
    Intent(Named<IntentV1>),
    Applied(Named<String>),
    Record(RecordV1),
    Token(TokenV1),
    Freeze(FreezeV1),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Named<T> {
    name: Name,
    is: T,
}

/// The last line: over every byte before it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Trailer {
    sha256: String,
}

/// Writes a backup.
pub(super) fn write(contents: &Contents, at: u64, out: &mut dyn Write) -> Result<(), Cause> {
    let mut out = Summed::new(out);
    let routing = &contents.routing;
    let parts = [
        routing.pipelines.len(),
        routing.intents.len(),
        routing.applied.len(),
        contents.records.len(),
        contents.tokens.len(),
        usize::from(routing.freeze.is_some()),
    ];
    out.line(&Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        schema: schema::VERSION,
        revision: routing.revision.0,
        at,
        count: parts.iter().map(|n| *n as u64).sum(),
    })?;
    for (name, entry) in &routing.pipelines {
        let (name, is) = (name.clone(), entry.into());
        out.line(&Line::Pipeline(Named { name, is }))?;
    }
    for (name, intent) in &routing.intents {
        let (name, is) = (name.clone(), intent.into());
        out.line(&Line::Intent(Named { name, is }))?;
    }
    for (name, digest) in &routing.applied {
        let (name, is) = (name.clone(), digest.clone());
        out.line(&Line::Applied(Named { name, is }))?;
    }
    for record in &contents.records {
        out.line(&Line::Record(record.as_ref().into()))?;
    }
    for token in &contents.tokens {
        out.line(&Line::Token(token.into()))?;
    }
    if let Some(freeze) = &routing.freeze {
        out.line(&Line::Freeze(freeze.into()))?;
    }
    let sha256 = hex(out.sum.clone());
    out.line(&Trailer { sha256 })?;
    out.out.flush().map_err(Cause::BackupIo)
}

/// Reads a whole backup and checks it, before anything is done with it.
pub(super) fn read(file: &mut dyn Read) -> Result<Contents, Cause> {
    let mut lines = Lines {
        file: BufReader::new(file),
        sum: Sha256::new(),
        number: 0,
    };
    let first = lines.next()?.ok_or_else(|| bad("the file is empty"))?;
    let header = serde_json::from_slice::<Header>(&first)
        .ok()
        .filter(|header| header.format == FORMAT)
        .ok_or_else(|| bad("it does not begin with a backup's header"))?;
    if header.version > VERSION || header.schema > schema::VERSION {
        return Err(bad(format!(
            "it is of version {}, schema {}; this program reads up to version {VERSION}, schema {}",
            header.version,
            header.schema,
            schema::VERSION
        )));
    }
    if header.version != VERSION || header.schema != schema::VERSION {
        return Err(bad("there is no version or schema 0"));
    }
    let mut contents = Contents::default();
    contents.routing.revision = Revision(header.revision);
    for _ in 0..header.count {
        let line = lines.next()?.ok_or_else(|| lines.cut(header.count))?;
        let line = serde_json::from_slice(&line)
            .map_err(|error| bad(format!("line {}: {error}", lines.number)))?;
        contents
            .take(line)
            .map_err(|what| bad(format!("line {}: {what}", lines.number)))?;
    }
    let expected = hex(lines.sum.clone());
    let last = lines.next()?.ok_or_else(|| lines.cut(header.count))?;
    let trailer: Trailer = serde_json::from_slice(&last)
        .map_err(|_| bad(format!("line {} is not the checksum", lines.number)))?;
    if trailer.sha256 != expected {
        return Err(bad(
            "its checksum is wrong: the file was changed or damaged",
        ));
    }
    if lines.next()?.is_some() {
        return Err(bad("something follows its checksum"));
    }
    Ok(contents)
}

// === impl Contents ===

impl Contents {
    fn take(&mut self, line: Line) -> Result<(), String> {
        let routing = &mut self.routing;
        let twice = match line {
            Line::Pipeline(Named { name, is }) => {
                routing.pipelines.insert(name, is.into()).is_some()
            }
            Line::Intent(Named { name, is }) => routing.intents.insert(name, is.into()).is_some(),
            Line::Applied(Named { name, is }) => routing.applied.insert(name, is).is_some(),
            Line::Record(record) => {
                let last = self.records.last().map(|last| last.seq);
                if last.is_some_and(|last| last.checked_add(1) != Some(record.seq)) {
                    return Err(format!("record {} is out of order", record.seq));
                }
                self.records.push(Arc::new(record.into()));
                false
            }
            Line::Token(token) => {
                let twice = self.tokens.iter().any(|other| other.id == token.id);
                self.tokens.push(token.into());
                twice
            }
            Line::Freeze(freeze) => self.routing.freeze.replace(freeze.into()).is_some(),
        };
        match twice {
            true => Err("it is there twice".to_owned()),
            false => Ok(()),
        }
    }
}

/// Writes lines and sums their bytes.
struct Summed<'a> {
    out: &'a mut dyn Write,
    sum: Sha256,
}

// === impl Summed ===

impl<'a> Summed<'a> {
    fn new(out: &'a mut dyn Write) -> Self {
        let sum = Sha256::new();
        Self { out, sum }
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), Cause> {
        let mut bytes =
            serde_json::to_vec(value).map_err(|error| Cause::BackupIo(io::Error::other(error)))?;
        bytes.push(b'\n');
        self.sum.update(&bytes);
        self.out.write_all(&bytes).map_err(Cause::BackupIo)
    }
}

/// Reads lines and sums the bytes of those read.
struct Lines<R> {
    file: R,
    sum: Sha256,
    number: u64,
}

// === impl Lines ===

impl<R: BufRead> Lines<R> {
    /// The next line, its end included: a last line without one was cut.
    fn next(&mut self) -> Result<Option<Vec<u8>>, Cause> {
        let mut line = Vec::new();
        let mut some = (&mut self.file).take(MAX_LINE);
        some.read_until(b'\n', &mut line).map_err(Cause::BackupIo)?;
        if line.is_empty() {
            return Ok(None);
        }
        self.number += 1;
        if line.last() != Some(&b'\n') {
            return Err(bad(format!("line {} has no end", self.number)));
        }
        self.sum.update(&line);
        Ok(Some(line))
    }

    fn cut(&self, count: u64) -> Cause {
        bad(format!(
            "it ends after line {}, {} were written",
            self.number,
            count + 2
        ))
    }
}

fn hex(sum: Sha256) -> String {
    let bytes = sum.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bad(what: impl Into<String>) -> Cause {
    Cause::Backup { what: what.into() }
}
