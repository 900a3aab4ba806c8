//! A composite as it is compiled from what was written: nodes, what each reads, and what goes out. Whether the nodes fit
//! each other and the contracts of what they call is told by [`crate::graph`].

use std::sync::Arc;
use std::time::Duration;

use impresario_models::{DataType, Name, Port, VersionNumber};

use super::Substitute;
use crate::bucket::Weight;
use crate::combine::{Op, Rule};

/// A graph of models, pipelines and what joins them.
#[derive(Clone, Debug, PartialEq)]
pub struct Composite {
    /// The name that its versions go by: that of the pipeline that it is written in.
    pub model: Name,
    /// Its number among the versions of that name; where none was written, that of the revision that makes it.
    pub version: Option<VersionNumber>,
    /// Inputs that are stated; the others have the type that those who read them want.
    pub inputs: Vec<Port>,
    /// The nodes, by name, in the order of their names.
    pub nodes: Vec<Node>,
    /// What goes out, by the name of the output, in the order of the names.
    pub outputs: Vec<(Arc<str>, Reference)>,
}

/// One step of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name: letters, digits and `_`, not beginning with a digit, so that expressions can name it.
    pub name: Arc<str>,
    /// What it does.
    pub task: Task,
    /// What holds for it.
    pub terms: Terms,
}

/// What a node does.
#[derive(Clone, Debug, PartialEq)]
pub enum Task {
    /// Asks a model or a pipeline.
    Call {
        /// Whom.
        callee: Callee,
        /// Its inputs by name; those that are not named have the request's input of the same name.
        inputs: Vec<(Arc<str>, Reference)>,
    },
    /// Makes one output of several of the same kind.
    Ensemble {
        /// How.
        rule: Rule,
        /// Of what.
        of: Vec<Reference>,
        /// How many of them must be there; as many as [`Rule::quorum`] says where nothing is said.
        quorum: Option<usize>,
    },
    /// Takes the outputs of the first node whose condition holds. The others are not asked.
    Switch(Vec<Case>),
    /// Takes the outputs of one node, by the request's key, or by chance where it has none.
    Splitter {
        /// The nodes with their shares, which come to the whole.
        arms: Vec<(Arc<str>, Weight)>,
        /// What keys are hashed with.
        seed: Arc<str>,
    },
    /// Computes a value of others.
    Transform {
        /// How.
        op: Op,
        /// Of what: as many as it takes.
        of: Vec<Reference>,
    },
    /// Computes a number, a truth or a text a row.
    Map {
        /// By this expression.
        expression: Arc<str>,
        /// The datatype that it is cast to; the expression's own where nothing is said.
        datatype: Option<DataType>,
    },
}

/// Whom a node asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callee {
    /// One version of a model.
    Model {
        /// The model.
        model: Name,
        /// The version; where none was written, the newest one that there is when the revision is made.
        version: Option<VersionNumber>,
    },
    /// A pipeline, by whatever policy it has; a model of that name where there is no pipeline.
    Pipeline(Name),
}

/// One case of a switch.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// When it is taken; always, where nothing is said, which is the last case's right alone.
    pub when: Option<Arc<str>>,
    /// The node.
    pub call: Arc<str>,
}

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `request.NAME`
    Request(Arc<str>),
    /// `NODE.PORT`, or `NODE` where it has one output.
    Node {
        /// The node.
        node: Arc<str>,
        /// Its output.
        port: Option<Arc<str>>,
    },
}

/// What holds for a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// The expression that must hold for it to be asked at all; it is skipped where it does not.
    pub when: Option<Arc<str>>,
    /// How long one attempt may take; never longer than what is left of the request's time.
    pub timeout: Option<Duration>,
    /// Whether it is asked again where it fails.
    pub retry: Option<Retry>,
    /// What happens where it fails for good.
    pub on_error: OnError<Arc<str>>,
}

/// Asking again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often it is asked in all, from 2 to 10.
    pub attempts: u32,
    /// How long it is waited before the second time; twice as long before each one after.
    pub backoff: Duration,
}

/// What happens where a node fails.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum OnError<N> {
    /// The request fails.
    #[default]
    Fail,
    /// It counts as not there: an ensemble goes on without it, and whoever else reads it is skipped too.
    Skip,
    /// These outputs are used, a row of each.
    Default(Substitute),
    /// The outputs of this node are used; it is asked only then.
    Fallback(N),
}

// === impl Reference ===

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Request(name) => write!(f, "request.{name}"),
            Self::Node { node, port: None } => f.write_str(node),
            Self::Node {
                node,
                port: Some(port),
            } => write!(f, "{node}.{port}"),
        }
    }
}

impl std::fmt::Display for Callee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Model {
                model,
                version: Some(version),
            } => write!(f, "model '{model}' version {version}"),
            Self::Model {
                model,
                version: None,
            } => write!(f, "model '{model}'"),
            Self::Pipeline(name) => write!(f, "pipeline '{name}'"),
        }
    }
}
