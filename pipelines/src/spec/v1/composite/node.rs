//! One node of a graph as it is written: what it does, and what holds for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use impresario_models::{DataType, Name, VersionNumber};
use serde::Serialize;

use super::super::scalars::{Number, name, optional, selector, word};
use super::branch::{self, CaseSpec, ShareSpec};
use super::reference::{self, OfSpec};
use super::terms::{self, TermsSpec};
use super::transform::OpSpec;
use super::{MAX_PORTS, entries, op, references, rule};
use crate::combine::Rule;
use crate::spec::composite::{Callee, Node, Reference, Task};
use crate::spec::read::{Field, Part, Reader, Table};
use crate::spec::suggest::nearest;

/// One step of a graph, which does one thing and says on which terms.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeSpec {
    /// What it does.
    #[serde(flatten)]
    pub task: TaskSpec,
    /// What holds for it.
    #[serde(flatten)]
    pub terms: TermsSpec,
}

/// What a node does, by the field that is there. Ensembles, transforms and maps have one output, `output`; switches and
/// splitters have those that all their branches share.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TaskSpec {
    /// Asks one version of a model.
    Model {
        /// The model's name.
        model: String,
        /// The version: a number, the same in quotes, or `"latest"`. Default: the newest one that there is when the
        /// revision is made, which is pinned then.
        #[serde(skip_serializing_if = "Option::is_none")]
        version: Option<u64>,
        /// What its inputs are, by name, at most 256. Default: the request's inputs of the same names.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        inputs: BTreeMap<String, String>,
    },
    /// Asks a pipeline, by whatever policy it has.
    Pipeline {
        /// The pipeline's name, or that of a model without a pipeline.
        pipeline: String,
        /// What its inputs are, by name, at most 256. Default: the request's inputs of the same names.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        inputs: BTreeMap<String, String>,
    },
    /// Makes one value of several of the same kind.
    Ensemble {
        /// How: `"mean"`, `"weighted"`, `"median"`, `"min"`, `"max"`, `"vote"`, `"first"`, `"concat"` or `"stack"`.
        ensemble: &'static str,
        /// Of what. Required.
        of: OfSpec,
        /// One weight for each, from 0 to 1,000,000,000 and not all 0. Required for `"weighted"`. Default for `"vote"`: all
        /// the same.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        weights: Vec<Number>,
        /// How many of them must be there; `"concat"` and `"stack"` need all. Default: all, but 1 for `"first"`.
        #[serde(skip_serializing_if = "Option::is_none")]
        quorum: Option<usize>,
    },
    /// Takes the outputs of the first node whose condition holds; the others are not asked.
    Switch {
        /// The cases, from 1 to 64.
        switch: Vec<CaseSpec>,
    },
    /// Takes the outputs of one node, by the pipeline's key, or by chance where a request has none.
    Splitter {
        /// The branches, from 2 to 64, each another node.
        splitter: Vec<ShareSpec>,
        /// What keys are hashed with, at most 256 characters. Default: the pipeline's name, a dot and the node's.
        seed: String,
    },
    /// Computes a value of others.
    Transform {
        /// Of what. Required.
        of: OfSpec,
        /// How.
        #[serde(flatten)]
        op: OpSpec,
    },
    /// Computes a number, a truth or a text a row.
    Map {
        /// The expression, at most 4,096 characters.
        map: String,
        /// The protocol's datatype that it is cast to, such as `"FP32"`. Default: the expression's own.
        #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
        datatype: Option<&'static str>,
    },
}

/// What a node may do.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Model,
    Pipeline,
    Ensemble,
    Switch,
    Splitter,
    Transform,
    Map,
}

/// The field that says that a node does it.
const KINDS: [(&str, Kind); 7] = [
    ("model", Kind::Model),
    ("pipeline", Kind::Pipeline),
    ("ensemble", Kind::Ensemble),
    ("switch", Kind::Switch),
    ("splitter", Kind::Splitter),
    ("transform", Kind::Transform),
    ("map", Kind::Map),
];

const MAX_SEED: usize = 256;

// === reading ===

/// Reads the node of a name in a graph that is a version of a model, where that is known.
pub(super) fn read(
    model: Option<&Name>,
    own: &str,
    field: &Field<'_>,
    reader: &mut Reader<'_>,
) -> Option<Node> {
    let mut table = field.table(reader)?;
    let there = |word| {
        field
            .value()
            .get(word)
            .is_some_and(|value| !value.is_null())
    };
    let found: Vec<_> = KINDS.iter().filter(|(word, _)| there(word)).collect();
    let &[&(word, kind)] = &found[..] else {
        let found: Vec<_> = found.iter().map(|(word, _)| *word).collect();
        not_one(&found, &table, reader);
        // What else is unknown here cannot be told before it is known what the node does.
        terms::read(&mut table, reader);
        return None;
    };
    let task = table.get(word).and_then(|head| {
        let seed = || model.map_or(String::new(), |model| format!("{model}.{own}"));
        task(kind, &head, &mut table, seed, reader)
    });
    let terms = terms::read(&mut table, reader);
    table.finish(reader);
    Some(Node {
        name: own.into(),
        task: task?,
        terms: terms?,
    })
}

/// Tells that a node does nothing, or several things.
fn not_one(found: &[&str], table: &Table<'_>, reader: &mut Reader<'_>) {
    let kinds = KINDS.map(|(word, _)| word);
    let (code, got, hint) = match found {
        [] => {
            let meant = table
                .entries()
                .find_map(|(key, _)| Some((key, nearest(key, kinds)?)));
            let hint = meant.map(|(key, meant)| format!("did you mean '{meant}' by '{key}'?"));
            ("missing-field", "none".to_owned(), hint)
        }
        several => {
            let hint = "write them as nodes of their own".to_owned();
            ("ambiguous", several.join(" and "), Some(hint))
        }
    };
    let message = format!("expected one of {}, got {got}", kinds.join(", "));
    let problem = reader.problem(table.path(), Part::Key, code, message);
    reader.push(match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    });
}

fn task(
    kind: Kind,
    head: &Field<'_>,
    table: &mut Table<'_>,
    seed: impl FnOnce() -> String,
    reader: &mut Reader<'_>,
) -> Option<Task> {
    match kind {
        Kind::Model => {
            let version = table.get("version");
            let inputs = inputs(table, reader);
            let model = name(head, reader);
            let version = optional(version, |field| selector(field, reader));
            let callee = Callee::Model {
                model: model?,
                version: version?.and_then(|version| version.number()),
            };
            let inputs = inputs?;
            Some(Task::Call { callee, inputs })
        }
        Kind::Pipeline => {
            let inputs = inputs(table, reader);
            let callee = Callee::Pipeline(name(head, reader)?);
            let inputs = inputs?;
            Some(Task::Call { callee, inputs })
        }
        Kind::Ensemble => rule::read(head, table, reader),
        Kind::Switch => branch::cases(head, reader).map(Task::Switch),
        Kind::Splitter => {
            let written = table.get("seed");
            let written = optional(written, |field| word(field, reader, MAX_SEED));
            let arms = branch::shares(head, reader);
            Some(Task::Splitter {
                arms: arms?,
                seed: written?.unwrap_or_else(seed).into(),
            })
        }
        Kind::Transform => op::read(head, table, reader),
        Kind::Map => {
            let datatype = table.get("as");
            let datatype = optional(datatype, |field| self::datatype(field, reader));
            let expression = reference::expression(head, reader);
            Some(Task::Map {
                expression: expression?,
                datatype: datatype?,
            })
        }
    }
}

fn inputs(table: &mut Table<'_>, reader: &mut Reader<'_>) -> Option<Vec<(Arc<str>, Reference)>> {
    let Some(field) = table.get("inputs") else {
        return Some(Vec::new());
    };
    let entries = entries(&field, "inputs", 0..=MAX_PORTS, reader)?;
    references(entries, reader)
}

/// A datatype of the protocol.
pub(super) fn datatype(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<DataType> {
    let words = DataType::ALL.map(|datatype| (datatype.as_str(), datatype));
    field.choice(reader, &words)
}

// === writing ===

impl From<&Node> for NodeSpec {
    fn from(node: &Node) -> Self {
        Self {
            task: (&node.task).into(),
            terms: node.into(),
        }
    }
}

impl From<&Task> for TaskSpec {
    fn from(task: &Task) -> Self {
        match task {
            Task::Call { callee, inputs } => {
                let inputs = inputs
                    .iter()
                    .map(|(name, reference)| (name.to_string(), reference.to_string()))
                    .collect();
                match callee {
                    Callee::Model { model, version } => Self::Model {
                        model: model.to_string(),
                        version: version.map(VersionNumber::get),
                        inputs,
                    },
                    Callee::Pipeline(name) => Self::Pipeline {
                        pipeline: name.to_string(),
                        inputs,
                    },
                }
            }
            Task::Ensemble { rule, of, quorum } => Self::Ensemble {
                ensemble: rule.name(),
                of: of.into(),
                weights: match rule {
                    Rule::Weighted { weights }
                    | Rule::Vote {
                        weights: Some(weights),
                    } => weights.iter().copied().map(Number).collect(),
                    Rule::Vote { weights: None }
                    | Rule::Mean
                    | Rule::Median
                    | Rule::Min
                    | Rule::Max
                    | Rule::First
                    | Rule::Concat
                    | Rule::Stack => Vec::new(),
                },
                quorum: *quorum,
            },
            Task::Switch(cases) => Self::Switch {
                switch: cases.iter().map(CaseSpec::from).collect(),
            },
            Task::Splitter { arms, seed } => Self::Splitter {
                splitter: arms.iter().map(ShareSpec::from).collect(),
                seed: seed.to_string(),
            },
            Task::Transform { op, of } => Self::Transform {
                of: of.into(),
                op: op.into(),
            },
            Task::Map {
                expression,
                datatype,
            } => Self::Map {
                map: expression.to_string(),
                datatype: datatype.map(DataType::as_str),
            },
        }
    }
}
