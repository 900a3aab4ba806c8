//! Graphs as scripts and the simulation write them: `a=iris,b=rose:2?,c=|flowers` calls the newest iris, goes on without
//! version 2 of rose where that fails, and calls the pipeline flowers; `7/a=iris` has a number.

use std::collections::BTreeMap;
use std::sync::Arc;

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::fleet::{Fleet, Now};
use impresario_pipelines::graph::Graph;
use impresario_pipelines::spec::composite::{Callee, Node, OnError, Reference, Task, Terms};
use impresario_pipelines::spec::{Composite, Pipeline, Policy};

use crate::words::parse;
use crate::world::{name, step, version};

/// A graph of a pipeline: every node takes what the request gives; the label of the first one goes out as it is, those of
/// the others under the names of the nodes.
pub(crate) fn graph(pipeline: &Name, text: &str) -> Composite {
    let (number, nodes) = match text.split_once('/') {
        Some((number, nodes)) => (Some(version(number.parse().unwrap())), nodes),
        None => (None, text),
    };
    let mut nodes: Vec<Node> = nodes.split(',').map(node).collect();
    nodes.sort_by(|a, b| a.name.cmp(&b.name));
    let output = |(at, node): (usize, &Node)| {
        let port: Option<Arc<str>> = Some("label".into());
        let node = Arc::clone(&node.name);
        let name = match at {
            0 => "label".into(),
            _ => Arc::clone(&node),
        };
        (name, Reference::Node { node, port })
    };
    let mut outputs: Vec<_> = nodes.iter().enumerate().map(output).collect();
    outputs.sort_by(|a, b| a.0.cmp(&b.0));
    Composite {
        model: pipeline.clone(),
        version: number,
        inputs: Vec::new(),
        outputs,
        nodes,
    }
}

/// A pipeline with a graph as its policy.
pub(crate) fn composite(pipeline: &Name, text: &str) -> Pipeline {
    Pipeline::new(Policy::Composite(Arc::new(graph(pipeline, text))))
}

/// The same pipeline with numbered graphs beside its policy.
pub(crate) fn beside(pipeline: Pipeline, name: &Name, texts: &[&str]) -> Pipeline {
    let graphs = texts.iter().map(|text| {
        let graph = graph(name, text);
        (graph.version.unwrap(), Arc::new(graph))
    });
    let graphs: BTreeMap<VersionNumber, Arc<Composite>> = graphs.collect();
    pipeline.with_graphs(graphs)
}

fn node(text: &str) -> Node {
    let (called, callee) = text.split_once('=').unwrap();
    let (callee, skipped) = match callee.strip_suffix('?') {
        Some(callee) => (callee, true),
        None => (callee, false),
    };
    let callee = match (callee.strip_prefix('|'), callee.split_once(':')) {
        (Some(pipeline), _) => Callee::Pipeline(name(pipeline)),
        (None, Some((model, number))) => Callee::Model {
            model: name(model),
            version: Some(version(number.parse().unwrap())),
        },
        (None, None) => Callee::Model {
            model: name(callee),
            version: None,
        },
    };
    Node {
        name: called.into(),
        task: Task::Call {
            callee,
            inputs: Vec::new(),
        },
        terms: Terms {
            on_error: if skipped {
                OnError::Skip
            } else {
                OnError::Fail
            },
            ..Terms::default()
        },
    }
}

/// A graph as it was written.
pub(crate) fn written(graph: &Composite) -> String {
    let nodes = graph.nodes.iter().map(|node| {
        let Task::Call { callee, .. } = &node.task else {
            panic!("scripts have no such node: {node:?}");
        };
        let callee = match callee {
            Callee::Pipeline(name) => format!("|{name}"),
            Callee::Model { model, version } => {
                let version = version.map_or(String::new(), |version| format!(":{version}"));
                format!("{model}{version}")
            }
        };
        let mark = if node.terms.on_error == OnError::Skip {
            "?"
        } else {
            ""
        };
        format!("{}={callee}{mark}", node.name)
    });
    let number = graph
        .version
        .map_or(String::new(), |version| format!("{version}/"));
    format!("{number}{}", nodes.collect::<Vec<_>>().join(","))
}

/// The graph of a pipeline as it is compiled now.
fn compiled(fleet: &Fleet, pipeline: &str, number: u64) -> Option<Arc<Graph>> {
    let seen = fleet.observed.version(pipeline, version(number))?;
    seen.facts.as_ref()?.graph.clone()
}

#[test]
fn a_graph_is_compiled_again_only_where_its_members_are_of_other_types() {
    let said = |fleet: &Fleet, line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        step(fleet, parse(&words), Now::default()).unwrap()
    };
    let mut fleet = Fleet::default();
    for line in [
        "appear iris 1",
        "appear rose 1",
        "started iris 1",
        "loaded iris 1 as both",
        "put p graph a=iris",
    ] {
        fleet = said(&fleet, line);
    }
    let first = compiled(&fleet, "p", 1).unwrap();
    for line in [
        "started rose 1",
        "loaded rose 1 as labels",
        "put other rose 1",
        "delete other",
        "crash iris 1 boom",
        "started iris 1",
        "loaded iris 1 as both",
        "unloading iris 1",
        "drained iris 1",
        "started iris 1",
        "loaded iris 1 as both",
    ] {
        fleet = said(&fleet, line);
        let now = compiled(&fleet, "p", 1).unwrap();
        assert!(Arc::ptr_eq(&first, &now), "{line}");
    }
    for line in [
        "change iris 1",
        "load iris 1",
        "started iris 1",
        "loaded iris 1 as labels",
    ] {
        fleet = said(&fleet, line);
    }
    let now = compiled(&fleet, "p", 1).unwrap();
    assert!(!Arc::ptr_eq(&first, &now));
}
