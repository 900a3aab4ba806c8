//! What graphs read: references, names of nodes, and the texts of expressions.

use std::sync::Arc;

use serde::Serialize;

use super::super::scalars::{each, list, word};
use crate::spec::composite::Reference;
use crate::spec::read::{Field, Part, Reader, describe};

/// What a node reads.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum OfSpec {
    /// `"NODE.PORT"`, `"NODE"` where that has one output, or `"request.NAME"`
    One(String),
    /// `["a.probability", "b.probability"]`, at most 64.
    Several(Vec<String>),
}

/// The most values that a node joins.
const MAX_OF: usize = 64;
/// The longest name of a node.
const MAX_NODE: usize = 64;
/// The longest reference: a node, a dot and a port.
const MAX_REFERENCE: usize = 321;
/// The longest expression.
const MAX_EXPRESSION: usize = 4_096;

/// The word that a request's inputs are read by.
const REQUEST: &str = "request";
/// What begins a parameter's name in a reference to the request.
const PARAMETERS: &str = "parameters.";

/// Words that expressions keep for themselves.
const WORDS: [&str; 22] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
    REQUEST,
];

// === reading ===

/// The name of a node that a key is.
pub(super) fn node_name(key: &str, field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Arc<str>> {
    let got = key.chars().count();
    let (code, message, hint) = if WORDS.contains(&key) {
        let what = match key {
            REQUEST => "what was asked",
            _ => "a word of the expressions' language",
        };
        let hint = format!("call it '{key}_node', or what it does");
        (
            "reserved-name",
            format!("'{key}' is {what}, and no name of a node"),
            Some(hint),
        )
    } else if !identifier(key) {
        let message = format!(
            "a node's name has only letters, digits and '_', and does not begin with a digit: got {}",
            describe(&key.into())
        );
        let plain: String = key
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let says = plain.contains(|c: char| c != '_') && identifier(&plain);
        let hint = says.then(|| format!("write {plain}"));
        ("invalid-name", message, hint)
    } else if got > MAX_NODE {
        let message = format!("expected a name of at most {MAX_NODE} characters, got {got}");
        ("too-long", message, None)
    } else {
        return Some(key.into());
    };
    let problem = reader.problem(field.path(), Part::Key, code, message);
    reader.push(match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    });
    None
}

/// Whether a text can be the name of a node, as far as its letters go.
fn identifier(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    !text.is_empty() && text.bytes().all(inner) && !text.as_bytes()[0].is_ascii_digit()
}

/// A node that a field names.
pub(super) fn node(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Arc<str>> {
    let text = field.text(reader)?;
    if identifier(text) {
        return Some(text.into());
    }
    let message = format!("expected a node's name, got {}", describe(field.value()));
    let problem = field.problem(reader, "invalid-reference", message);
    let node = text.split('.').next().filter(|node| identifier(node));
    reader.push(match node {
        Some(node) => problem.hint(format!("name the node without its output: {node}")),
        None => problem,
    });
    None
}

/// What a field reads.
pub(super) fn reference(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Reference> {
    let text = word(field, reader, MAX_REFERENCE)?;
    let (head, rest) = match text.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (text.as_str(), None),
    };
    let hint = match (head, rest) {
        (REQUEST, None | Some("")) => "name the input: \"request.NAME\"".to_owned(),
        (REQUEST, Some(rest)) if rest.starts_with(PARAMETERS) => {
            "parameters are read by expressions: make it a node with map = \"request.parameters.NAME\"".to_owned()
        }
        (REQUEST, Some(name)) => return Some(Reference::Request(name.into())),
        (node, Some("")) => format!("name the output, or leave the dot out: {node}"),
        (node, port) if identifier(node) => {
            return Some(Reference::Node {
                node: node.into(),
                port: port.map(Arc::from),
            });
        }
        _ => "a node's name has only letters, digits and '_'".to_owned(),
    };
    let got = describe(field.value());
    let message = format!("expected \"NODE.PORT\", \"NODE\" or \"request.NAME\", got {got}");
    let problem = field.problem(reader, "invalid-reference", message);
    reader.push(problem.hint(hint));
    None
}

/// What a field reads: one value, or a list of them.
pub(super) fn several(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Vec<Reference>> {
    if field.value().is_string() {
        return reference(field, reader).map(|reference| vec![reference]);
    }
    if !field.value().is_array() {
        return field.mistyped(
            reader,
            "what is read, such as \"request.x\", or a list of such",
        );
    }
    let list = list(field, reader, 1..=MAX_OF)?;
    each(&list, |field| reference(field, reader))
}

/// The text of an expression. Whether it is one is told where the graph is compiled, with the types of what it reads.
pub(super) fn expression(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Arc<str>> {
    word(field, reader, MAX_EXPRESSION).map(Arc::from)
}

// === writing ===

impl From<&Vec<Reference>> for OfSpec {
    fn from(of: &Vec<Reference>) -> Self {
        match &of[..] {
            [one] => Self::One(one.to_string()),
            several => Self::Several(several.iter().map(Reference::to_string).collect()),
        }
    }
}
