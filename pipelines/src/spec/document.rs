//! A document: the tree of a written text, and where in the text each of its places lies.
//!
//! One shape for TOML, YAML and JSON. Sizes, depth and duplicate keys are bounded here, before anything is read
//! from the tree; what the tree means is not known here.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::parse::{self, Kind, Node};
use super::problem::{Position, Problem};
use super::read::Part;

/// A written text and the name it is reported under.
#[derive(Clone, Debug)]
pub struct Source<'t> {
    /// The file, as the user would name it.
    pub file: String,
    /// Its content.
    pub text: &'t str,
    /// How it is written.
    pub format: Format,
}

/// How a text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// TOML 1.
    Toml,
    /// YAML 1.2, one document, core schema.
    Yaml,
    /// JSON, RFC 8259.
    Json,
}

/// The tree of a text, with places.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    root: Value,
    marks: BTreeMap<String, Mark>,
}

/// Where a place of the tree lies in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where its key begins; for the element of a list, where its value does.
    pub key: Position,
    /// Where its value begins.
    pub value: Position,
}

/// A place in a tree, written `pipelines.fraud.policy.steps[2]`; a key that is not of letters, digits, `_` and
/// `-` stands in quotes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path(String);

// === impl Format ===

impl Format {
    /// The format that a file's name says, if its extension is `toml`, `yaml`, `yml` or `json`.
    #[must_use]
    pub fn of(file: &str) -> Option<Self> {
        let (_, extension) = file.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "toml" => Some(Self::Toml),
            "yaml" | "yml" => Some(Self::Yaml),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

// === impl Document ===

impl Document {
    /// The longest text, in bytes.
    pub const MAX_BYTES: usize = 4 << 20;
    /// The deepest nesting.
    pub const MAX_DEPTH: usize = 32;
    /// The most values in one tree, YAML's aliases written out.
    pub const MAX_NODES: usize = 100_000;

    /// Parses a text. An empty one is an empty table.
    ///
    /// # Errors
    /// Every problem of syntax that was found: not of the format, too long, too deep, a key twice.
    pub fn parse(source: &Source<'_>) -> Result<Self, Vec<Problem>> {
        let text = source.text.strip_prefix('\u{feff}').unwrap_or(source.text);
        if text.len() > Self::MAX_BYTES {
            let message = format!(
                "expected at most {} bytes, got {}",
                Self::MAX_BYTES,
                text.len()
            );
            return Err(vec![Problem::of_file(&source.file, "too-large", message)]);
        }
        let refusals = match parse::parse(text, source.format) {
            Ok(node) => {
                let mut tree = Tree::default();
                let root = tree.plant(node, &Path::default(), None);
                if tree.refusals.is_empty() {
                    return Ok(Self {
                        root,
                        marks: tree.marks,
                    });
                }
                tree.refusals
            }
            Err(refusals) => refusals,
        };
        let problem = |refusal: parse::Refusal| Problem {
            path: refusal.path.0,
            hint: refusal.hint.map(str::to_owned),
            ..Problem::of_file(&source.file, refusal.code, refusal.what).at(refusal.at)
        };
        Err(refusals.into_iter().map(problem).collect())
    }

    /// The tree.
    #[must_use]
    pub fn root(&self) -> &Value {
        &self.root
    }

    /// Where a place of the tree lies in the text.
    #[must_use]
    pub fn mark(&self, path: &Path) -> Option<Mark> {
        self.marks.get(path.as_str()).copied()
    }
}

/// A tree under construction.
#[derive(Default)]
struct Tree {
    marks: BTreeMap<String, Mark>,
    /// Bytes of all paths: a long key is part of the path of everything below it.
    bytes: usize,
    refusals: Vec<parse::Refusal>,
}

impl Tree {
    const MAX_PATH_BYTES: usize = 16 << 20;
    const MAX_REFUSALS: usize = 20;

    /// Parsers bound the depth, so that this recursion is bounded too.
    fn plant(&mut self, node: Node, path: &Path, key: Option<Position>) -> Value {
        let mark = Mark {
            key: key.unwrap_or(node.at),
            value: node.at,
        };
        let within = self.bytes <= Self::MAX_PATH_BYTES;
        self.bytes = self.bytes.saturating_add(path.0.len());
        if self.bytes > Self::MAX_PATH_BYTES {
            if !within {
                return Value::Null; // told already
            }
            let what = "the keys are too long for what lies below them";
            self.refuse(parse::Refusal::new("too-large", Some(node.at), what));
            return Value::Null;
        }
        self.marks.insert(path.0.clone(), mark);
        match node.kind {
            Kind::Scalar(value) => value,
            Kind::List(nodes) => {
                let plant = |(i, node)| self.plant(node, &path.index(i), None);
                Value::Array(nodes.into_iter().enumerate().map(plant).collect())
            }
            Kind::Table(entries) => {
                let mut map = Map::new();
                for (name, at, node) in entries {
                    let path = path.key(&name);
                    if let Some(first) = self.marks.get(path.as_str()) {
                        let what =
                            format!("the key '{name}' stands here twice, first at {}", first.key);
                        self.refuse(
                            parse::Refusal::new("duplicate-key", Some(at), what).path(path),
                        );
                        continue;
                    }
                    let value = self.plant(node, &path, Some(at));
                    map.insert(name, value);
                }
                Value::Object(map)
            }
        }
    }

    fn refuse(&mut self, refusal: parse::Refusal) {
        if self.refusals.len() < Self::MAX_REFUSALS {
            self.refusals.push(refusal);
        }
    }
}

// === impl Mark ===

impl Mark {
    /// The position of one part.
    #[must_use]
    pub fn part(self, part: Part) -> Position {
        match part {
            Part::Key => self.key,
            Part::Value => self.value,
        }
    }
}

// === impl Path ===

impl Path {
    /// The entry of a table at this place.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let bare = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
        let dot = if self.0.is_empty() { "" } else { "." };
        Self(if !key.is_empty() && key.bytes().all(bare) {
            format!("{}{dot}{key}", self.0)
        } else {
            format!("{}{dot}{key:?}", self.0)
        })
    }

    /// The element of a list at this place, from 0.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}[{index}]", self.0))
    }

    /// Whether this place is `other` or lies within it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        match self.0.strip_prefix(&other.0) {
            Some(rest) => other.0.is_empty() || rest.is_empty() || rest.starts_with(['.', '[']),
            None => false,
        }
    }

    /// This place as seen from `base`, if it lies within it.
    #[must_use]
    pub fn below(&self, base: &Self) -> Self {
        match self.0.strip_prefix(&base.0) {
            Some(rest) => Self(rest.strip_prefix('.').unwrap_or(rest).to_owned()),
            None => self.clone(),
        }
    }

    /// The place as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
