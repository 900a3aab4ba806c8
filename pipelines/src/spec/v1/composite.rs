//! Composites as they are written: the table of a policy, and of a graph beside it.
//!
//! What is told here is local to a field. Whether nodes exist, fit and are used is told where the graph is compiled.

use std::collections::BTreeMap;
use std::sync::Arc;

use impresario_models::{Name, VersionNumber};
use serde::Serialize;

use super::contract::{self, PortSpec};
use super::scalars::{name, optional, version};
use crate::spec::composite::{Composite, Node, Reference};
use crate::spec::read::{Field, Part, Reader, Table};
use reference::reference;

mod branch;
mod node;
mod op;
mod reference;
mod rule;
mod terms;
mod transform;

pub use branch::{CaseSpec, ShareSpec};
pub use node::{NodeSpec, TaskSpec};
pub use reference::OfSpec;
pub use terms::{OnErrorSpec, RetrySpec, TermsSpec};
pub use transform::{ConstantsSpec, OpSpec};

/// A graph of models, pipelines and what joins them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CompositeSpec {
    /// The model that the graph is a version of, which has the pipeline's name. Default: that.
    pub model: String,
    /// The graph's number among the versions of that model; one of `graphs` has the number that it stands under.
    /// Default: that of the revision that makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Inputs of a request that are stated, at most 256. Default: they have the types that those who read them want.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<PortSpec>,
    /// The nodes by name, from 1 to 256. A name has at most 64 letters, digits and `_`, does not begin with a digit, and is
    /// not `request` or a word of the expressions' language. Required.
    pub nodes: BTreeMap<String, NodeSpec>,
    /// What is answered, by the name of the output, from 1 to 256: `"NODE.PORT"`, `"NODE"` where that has one output, or
    /// `"request.NAME"`. Required.
    pub outputs: BTreeMap<String, String>,
}

/// Where a graph is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Seat {
    /// It is the policy.
    Policy,
    /// It stands under its number in `graphs`.
    Graph(VersionNumber),
}

/// The most graphs of a pipeline.
const MAX_GRAPHS: usize = 64;
const MAX_NODES: usize = 256;
const MAX_PORTS: usize = 256;
/// The longest name of an input or an output.
const MAX_NAME: usize = 256;

// === reading ===

/// The graphs that are versions of a model of the pipeline's name.
pub(super) fn graphs(
    pipeline: Option<&str>,
    field: &Field<'_>,
    reader: &mut Reader<'_>,
) -> Option<BTreeMap<VersionNumber, Arc<Composite>>> {
    let entries = entries(field, "graphs", 1..=MAX_GRAPHS, reader)?;
    let graphs: Vec<_> = entries
        .into_iter()
        .map(|(key, field)| {
            let number = match key.parse() {
                Ok(number) => Some(number),
                Err(_) => {
                    let message = format!("expected a positive whole number, got {key:?}");
                    let at = Part::Key;
                    let problem = reader.problem(field.path(), at, "invalid-version", message);
                    reader.push(problem.hint("a graph stands under its version: graphs.2"));
                    None
                }
            };
            let table = field.table(reader)?;
            let seat = number.map_or(Seat::Policy, Seat::Graph);
            let graph = read(pipeline, seat, table, reader);
            Some((number?, Arc::new(graph?)))
        })
        .collect();
    graphs.into_iter().collect()
}

/// Reads a graph of the pipeline of a name, where that is known.
pub(super) fn read(
    pipeline: Option<&str>,
    seat: Seat,
    mut table: Table<'_>,
    reader: &mut Reader<'_>,
) -> Option<Composite> {
    let (model, number) = (table.get("model"), table.get("version"));
    let inputs = table.get("inputs");
    let nodes = table.need("nodes", reader);
    let outputs = table.need("outputs", reader);
    let model = self::model(pipeline, model, &table, reader);
    table.finish(reader);
    let number = self::number(seat, number, reader);
    let inputs = optional(inputs, |field| contract::ports(field, reader));
    let nodes = nodes.and_then(|field| self::nodes(model.as_ref(), &field, reader));
    let outputs = outputs.and_then(|field| {
        let entries = entries(&field, "outputs", 1..=MAX_PORTS, reader)?;
        references(entries, reader)
    });
    Some(Composite {
        model: model?,
        version: number?,
        inputs: inputs?.unwrap_or_default(),
        nodes: nodes?,
        outputs: outputs?,
    })
}

fn model(
    pipeline: Option<&str>,
    model: Option<Field<'_>>,
    table: &Table<'_>,
    reader: &mut Reader<'_>,
) -> Option<Name> {
    let Some(field) = model else {
        if pipeline.is_none() {
            // Only what was stored or sent has no name, and it is written with its model.
            let message = "the field 'model' is missing".to_owned();
            let problem = reader.problem(table.path(), Part::Key, "missing-field", message);
            reader.push(problem);
        }
        // A pipeline whose name is none is told as such.
        return pipeline.and_then(|name| Name::new(name).ok());
    };
    let model = name(&field, reader)?;
    match pipeline {
        Some(pipeline) if pipeline != model.as_str() => {
            let message = format!(
                "a graph is a version of its pipeline's name: expected '{pipeline}', got '{model}'"
            );
            let problem = field.problem(reader, "contradiction", message);
            reader.push(problem.hint("leave 'model' out"));
            None
        }
        _ => Some(model),
    }
}

fn number(
    seat: Seat,
    field: Option<Field<'_>>,
    reader: &mut Reader<'_>,
) -> Option<Option<VersionNumber>> {
    let at = field.clone();
    let written = optional(field, |field| version(field, reader))?;
    match (seat, written, at) {
        (Seat::Policy, written, _) => Some(written),
        (Seat::Graph(number), Some(written), Some(at)) if written != number => {
            let message = format!("the graph stands under {number}, got version {written}");
            let problem = at.problem(reader, "contradiction", message);
            reader.push(problem.hint("leave 'version' out"));
            None
        }
        (Seat::Graph(number), ..) => Some(Some(number)),
    }
}

fn nodes(model: Option<&Name>, field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Vec<Node>> {
    let entries = entries(field, "nodes", 1..=MAX_NODES, reader)?;
    let nodes: Vec<_> = entries
        .into_iter()
        .map(|(key, field)| {
            let name = reference::node_name(key, &field, reader);
            let node = node::read(model, key, &field, reader);
            Some(Node {
                // One that was told to be none is looked at on, so that all else that is wrong is told with it.
                name: name.unwrap_or_else(|| key.into()),
                ..node?
            })
        })
        .collect();
    nodes.into_iter().collect()
}

/// The entries of a table whose keys are names, in their order; so many of them.
fn entries<'v>(
    field: &Field<'v>,
    what: &str,
    range: std::ops::RangeInclusive<usize>,
    reader: &mut Reader<'_>,
) -> Option<Vec<(&'v str, Field<'v>)>> {
    let table = field.table(reader)?;
    let mut entries: Vec<_> = table.entries().collect();
    if !range.contains(&entries.len()) {
        let (start, end, got) = (range.start(), range.end(), entries.len());
        let code = if got < *start { "empty" } else { "too-many" };
        let message = format!("expected {start} to {end} {what}, got {got}");
        reader.error(field, code, message);
        return None;
    }
    entries.sort_by_key(|(key, _)| *key);
    Some(entries)
}

/// What the entries of a table of ports read.
fn references(
    entries: Vec<(&str, Field<'_>)>,
    reader: &mut Reader<'_>,
) -> Option<Vec<(Arc<str>, Reference)>> {
    let read: Vec<_> = entries
        .into_iter()
        .map(|(key, field)| {
            let name = port_name(key, &field, reader);
            let reference = reference(&field, reader);
            Some((name?, reference?))
        })
        .collect();
    read.into_iter().collect()
}

fn port_name(key: &str, field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Arc<str>> {
    let got = key.chars().count();
    let (code, message) = match key.trim() {
        "" => ("empty", format!("expected a name, got {key:?}")),
        _ if got > MAX_NAME => (
            "too-long",
            format!("expected a name of at most {MAX_NAME} characters, got {got}"),
        ),
        _ => return Some(key.into()),
    };
    let problem = reader.problem(field.path(), Part::Key, code, message);
    reader.push(problem);
    None
}

// === writing ===

impl From<&Composite> for CompositeSpec {
    fn from(composite: &Composite) -> Self {
        let nodes = composite.nodes.iter();
        let outputs = composite.outputs.iter();
        Self {
            model: composite.model.to_string(),
            version: composite.version.map(VersionNumber::get),
            inputs: composite.inputs.iter().map(PortSpec::from).collect(),
            nodes: nodes
                .map(|node| (node.name.to_string(), node.into()))
                .collect(),
            outputs: outputs
                .map(|(name, reference)| (name.to_string(), reference.to_string()))
                .collect(),
        }
    }
}
