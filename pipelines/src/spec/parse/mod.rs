//! Text to tree: one parser a format, each giving the same nodes with their positions.
//!
//! Parsers bound the depth and the count of nodes and never panic. Duplicate keys are left in, for
//! [`Document`](super::document::Document) to find.

use serde_json::Value;

use super::document::{Document, Format, Path};
use super::problem::Position;

mod json;
mod toml;
mod yaml;

/// A value of the tree and where it begins.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) at: Position,
}

/// What a node holds.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Null, a boolean, a finite number or a string.
    Scalar(Value),
    /// A list.
    List(Vec<Node>),
    /// Keys in order of the text, with where each begins.
    Table(Vec<(String, Position, Node)>),
}

/// Why a text has no tree.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) at: Option<Position>,
    pub(super) path: Path,
    pub(super) what: String,
    pub(super) hint: Option<&'static str>,
}

/// Parses a text without a byte order mark.
pub(super) fn parse(text: &str, format: Format) -> Result<Node, Vec<Refusal>> {
    match format {
        Format::Toml => toml::parse(text).map_err(|mut refusals| {
            refusals.sort_by_key(|refusal| refusal.at);
            refusals
        }),
        Format::Yaml => yaml::parse(text).map_err(|refusal| vec![refusal]),
        Format::Json => json::parse(text).map_err(|refusal| vec![refusal]),
    }
}

/// The beginnings of a text's lines, to find a byte's position.
struct Lines<'t> {
    text: &'t [u8],
    starts: Vec<usize>,
    /// Characters before each block of bytes, so that a line of megabytes is not counted through for every value.
    blocks: Vec<usize>,
}

/// Counts nodes, so that a tree stays bounded.
#[derive(Default)]
struct Budget {
    nodes: usize,
}

// === impl Node ===

impl Node {
    fn new(kind: Kind, at: Position) -> Self {
        Self { kind, at }
    }

    /// An empty table at the start of a text.
    fn empty() -> Self {
        Self::new(Kind::Table(Vec::new()), Position::START)
    }

    /// This node and all below it.
    fn count(&self) -> usize {
        1 + match &self.kind {
            Kind::Scalar(_) => 0,
            Kind::List(nodes) => nodes.iter().map(Self::count).sum(),
            Kind::Table(entries) => entries.iter().map(|(_, _, node)| node.count()).sum(),
        }
    }

    /// The levels of lists and tables in this node, itself included.
    fn depth(&self) -> usize {
        match &self.kind {
            Kind::Scalar(_) => 0,
            Kind::List(nodes) => 1 + nodes.iter().map(Self::depth).max().unwrap_or(0),
            Kind::Table(entries) => {
                1 + entries
                    .iter()
                    .map(|(_, _, node)| node.depth())
                    .max()
                    .unwrap_or(0)
            }
        }
    }
}

// === impl Refusal ===

impl Refusal {
    pub(super) fn new(code: &'static str, at: Option<Position>, what: impl Into<String>) -> Self {
        Self {
            code,
            at,
            path: Path::default(),
            what: what.into(),
            hint: None,
        }
    }

    pub(super) fn path(mut self, path: Path) -> Self {
        self.path = path;
        self
    }

    fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    fn too_deep(at: Position) -> Self {
        let what = format!("nested deeper than {} levels", Document::MAX_DEPTH);
        Self::new("too-deep", Some(at), what)
    }
}

// === impl Lines ===

impl<'t> Lines<'t> {
    const BLOCK: usize = 1_024;

    fn new(text: &'t str) -> Self {
        let after = text.match_indices('\n').map(|(i, _)| i + 1);
        let mut characters = 0;
        let before = |block: &[u8]| {
            let before = characters;
            characters += count(block);
            before
        };
        Self {
            text: text.as_bytes(),
            starts: std::iter::once(0).chain(after).collect(),
            blocks: text.as_bytes().chunks(Self::BLOCK).map(before).collect(),
        }
    }

    /// The position of a byte; beyond the end, the end's.
    fn position(&self, byte: usize) -> Position {
        let byte = byte.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= byte);
        let column = self.characters(byte) - self.characters(self.starts[line - 1]) + 1;
        Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }

    /// The characters that begin before a byte.
    fn characters(&self, byte: usize) -> usize {
        // At the end of the last block there is none that begins.
        let block = (byte / Self::BLOCK).min(self.blocks.len().saturating_sub(1));
        let before = self.blocks.get(block).copied().unwrap_or(0);
        before + count(&self.text[block * Self::BLOCK..byte])
    }
}

/// The characters that begin in a piece of UTF-8.
fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

// === impl Budget ===

impl Budget {
    /// Takes nodes from the budget.
    fn take(&mut self, nodes: usize, at: Position) -> Result<(), Refusal> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > Document::MAX_NODES {
            let what = format!("more than {} values", Document::MAX_NODES);
            return Err(Refusal::new("too-large", Some(at), what));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters() {
        let text = format!("aé\n{}\nx", "é€".repeat(2_000));
        let lines = Lines::new(&text);
        for (byte, c) in text
            .char_indices()
            .chain([(text.len(), 'x'), (text.len() + 9, 'x')])
        {
            let before = &text[..byte.min(text.len())];
            let line = before.split('\n').count();
            let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
            let got = lines.position(byte);
            assert_eq!(
                (got.line as usize, got.column as usize),
                (line, column),
                "{byte} {c:?}"
            );
        }
    }
}
