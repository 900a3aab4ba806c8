//! YAML 1.2 to nodes, by the events of `saphyr-parser`, with an own stack: depth and aliases are bounded here.
//!
//! Scalars follow the core schema (`yes` is text). Tags other than the core schema's, several documents and keys
//! that are not scalars have no meaning in a configuration and are refused.

use std::borrow::Cow;
use std::collections::BTreeMap;

use saphyr::Scalar;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use serde_json::{Number, Value};

use super::{Budget, Document, Kind, Node, Position, Refusal};

pub(super) fn parse(text: &str) -> Result<Node, Refusal> {
    let mut parser = Parser::new_from_str(text);
    let mut build = Build::default();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| syntax(&error))?;
        build.event(event, position(span.start))?;
    }
    Ok(build.root.unwrap_or_else(Node::empty))
}

fn position(marker: Marker) -> Position {
    Position {
        line: u32::try_from(marker.line().max(1)).unwrap_or(u32::MAX),
        column: u32::try_from(marker.col().saturating_add(1)).unwrap_or(u32::MAX),
    }
}

fn syntax(error: &ScanError) -> Refusal {
    let what = format!("not YAML: {}", error.info());
    Refusal::new("syntax", Some(position(*error.marker())), what)
}

/// A tree under construction.
#[derive(Default)]
struct Build {
    open: Vec<Open>,
    anchors: BTreeMap<usize, (Node, Size)>,
    root: Option<Node>,
    budget: Budget,
}

/// A list or table that has not ended, and its anchor (0 for none).
struct Open {
    anchor: usize,
    at: Position,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Table {
        entries: Vec<(String, Position, Node)>,
        /// The key whose value is to come.
        key: Option<(String, Position)>,
    },
}

/// What an alias of a node costs.
#[derive(Clone, Copy)]
struct Size {
    nodes: usize,
    depth: usize,
}

// === impl Build ===

impl Build {
    fn event(&mut self, event: Event<'_>, at: Position) -> Result<(), Refusal> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_some() => {
                let what = "expected one YAML document, got a second one";
                Err(Refusal::new("syntax", Some(at), what))
            }
            Event::DocumentStart(_) => Ok(()),
            Event::Scalar(text, style, anchor, tag) => {
                self.budget.take(1, at)?;
                if let Some(key) = self.awaited_key() {
                    *key = Some((text.into_owned(), at));
                    return Ok(());
                }
                let value = scalar(text, style, tag.as_ref(), at)?;
                self.place(Node::new(Kind::Scalar(value), at), anchor)
            }
            Event::Alias(id) => {
                // An alias within its own anchor, or of an anchor that was a key.
                let Some((node, size)) = self.anchors.get(&id).cloned() else {
                    let what = "the alias names no list, table or value that has ended before it";
                    return Err(Refusal::new("alias", Some(at), what));
                };
                self.budget.take(size.nodes, at)?;
                if self.open.len() + size.depth > Document::MAX_DEPTH {
                    return Err(Refusal::too_deep(at));
                }
                self.place(node, 0)
            }
            Event::SequenceStart(anchor, tag) => {
                self.start(anchor, tag.as_ref(), at, Content::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                let content = Content::Table {
                    entries: Vec::new(),
                    key: None,
                };
                self.start(anchor, tag.as_ref(), at, content)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Err(Refusal::new(
                        "syntax",
                        Some(at),
                        "not YAML: an end without a start",
                    ));
                };
                let kind = match open.content {
                    Content::List(nodes) => Kind::List(nodes),
                    Content::Table { entries, .. } => Kind::Table(entries),
                };
                self.place(Node::new(kind, open.at), open.anchor)
            }
        }
    }

    fn start(
        &mut self,
        anchor: usize,
        tag: Option<&Cow<'_, Tag>>,
        at: Position,
        content: Content,
    ) -> Result<(), Refusal> {
        self.budget.take(1, at)?;
        if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
            return Err(unknown_tag(tag, at));
        }
        if self.awaited_key().is_some() {
            return Err(Refusal::new(
                "syntax",
                Some(at),
                "a key must be text, got a list or a table",
            ));
        }
        if self.open.len() >= Document::MAX_DEPTH {
            return Err(Refusal::too_deep(at));
        }
        self.open.push(Open {
            anchor,
            at,
            content,
        });
        Ok(())
    }

    /// Where the next scalar goes if it is the key of a table.
    fn awaited_key(&mut self) -> Option<&mut Option<(String, Position)>> {
        match &mut self.open.last_mut()?.content {
            Content::Table { key, .. } if key.is_none() => Some(key),
            _ => None,
        }
    }

    /// Puts a whole node where it belongs.
    fn place(&mut self, node: Node, anchor: usize) -> Result<(), Refusal> {
        if anchor != 0 {
            let size = Size {
                nodes: node.count(),
                depth: node.depth(),
            };
            // The copy is paid for, so that many anchors around each other stay bounded too.
            self.budget.take(size.nodes, node.at)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.content {
            Content::List(nodes) => nodes.push(node),
            Content::Table { entries, key } => match key.take() {
                Some((name, at)) => entries.push((name, at, node)),
                None => {
                    let what = "a key must be text, got an alias";
                    return Err(Refusal::new("syntax", Some(node.at), what));
                }
            },
        }
        Ok(())
    }
}

fn scalar(
    text: Cow<'_, str>,
    style: ScalarStyle,
    tag: Option<&Cow<'_, Tag>>,
    at: Position,
) -> Result<Value, Refusal> {
    if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
        return Err(unknown_tag(tag, at));
    }
    let written: String = text.chars().take(40).collect();
    match Scalar::parse_from_cow_and_metadata(text, style, tag) {
        Some(Scalar::Null) => Ok(Value::Null),
        Some(Scalar::Boolean(flag)) => Ok(Value::Bool(flag)),
        Some(Scalar::Integer(number)) => Ok(Value::Number(number.into())),
        Some(Scalar::FloatingPoint(number)) => Number::from_f64(number.into_inner())
            .map(Value::Number)
            .ok_or_else(|| {
                let what = format!("expected a finite number of at most 64 bits, got {written}");
                Refusal::new("out-of-range", Some(at), what)
            }),
        Some(Scalar::String(text)) => Ok(Value::String(text.into_owned())),
        None => {
            let what = format!("the value {written:?} is not what its tag says");
            Err(Refusal::new("wrong-type", Some(at), what))
        }
    }
}

fn unknown_tag(tag: &Tag, at: Position) -> Refusal {
    let name: String = format!("{}{}", tag.handle, tag.suffix)
        .chars()
        .take(60)
        .collect();
    Refusal::new(
        "tag",
        Some(at),
        format!("the tag {name} has no meaning here"),
    )
}
