//! The tests of pipeline files, run with the models themselves: what is asked, what came of it and what was expected.

use std::fmt;

use impresario_models::{Contract, Name, Tensor};
use impresario_pipelines::graph::Visit;
use impresario_pipelines::spec::read::{Origin, Part};
use impresario_pipelines::spec::test::{Data, Test};
use impresario_pipelines::spec::{Problem, document};
use serde::Serialize;
use serde_json::Value;

use super::graphs::Graphs;
use data::{Null, Side};
use perform::{Performance, Performed};

mod compare;
mod data;
mod perform;

/// What came of a test.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The pipeline that was asked.
    pub pipeline: Name,
    /// What the test is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The file that it stands in.
    pub file: String,
    /// The line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Its place there, such as `tests[2]`.
    pub path: String,
    /// Whether all is as expected.
    pub ok: bool,
    /// What is not.
    pub findings: Vec<Finding>,
}

/// Something that is not as expected.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Finding {
    /// The test says something that cannot be.
    Problem(Problem),
    /// There was no answer.
    Failure {
        /// Why.
        what: String,
    },
    /// An output is another one.
    Output(Deviation),
    /// A node took part that must not have, or did not that must.
    Node {
        /// The node.
        node: String,
        /// Expected and got.
        what: String,
    },
}

/// How an output deviates.
#[derive(Clone, Debug, Serialize)]
pub struct Deviation {
    /// The output.
    pub output: String,
    /// How much of it.
    pub what: String,
    /// The first elements that are not as expected, at most [`Deviation::SHOWN`].
    pub elements: Vec<Element>,
}

/// An element that is not as expected.
#[derive(Clone, Debug, Serialize)]
pub struct Element {
    /// Where, along each axis from 0.
    pub at: Vec<usize>,
    /// What was expected; a number that JSON does not have is a text.
    pub expected: Value,
    /// What it is.
    pub got: Value,
    /// The difference of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub off: Option<f64>,
}

/// Runs all tests, in the order of the files.
pub(super) fn rehearse(graphs: &Graphs<'_>) -> Vec<Outcome> {
    let tests = graphs.compiled.tests().iter();
    tests.map(|test| Outcome::of(graphs, test)).collect()
}

fn findings(graphs: &Graphs<'_>, test: &Test) -> Result<Vec<Finding>, Vec<Finding>> {
    let failure = |what: String| vec![Finding::Failure { what }];
    let performance = Performance { graphs, test };
    let who = graphs.who(&test.pipeline);
    let who = who.ok_or_else(|| {
        failure("nobody answers: its policy names no version that there is".into())
    })?;
    let contract = performance.contract(&who).map_err(failure)?;
    let inputs = tensors(test, Side::Input, &contract)?;
    let named = inputs.iter().map(|(name, tensor)| (*name, tensor.clone()));
    let inputs = contract.arrange(named).map_err(|mismatch| {
        let at = test.at().key("inputs");
        vec![problem(test, &at, "misfit", mismatch.to_string())]
    })?;
    let expected = tensors(test, Side::Output, &contract)?;
    let named = contract.inputs.iter().map(|port| &*port.name).zip(inputs);
    let performed = performance
        .of(&who, named)
        .map_err(|failed| failure(failed.error))?;
    let mut findings = Vec::new();
    for (name, expected) in &expected {
        let got = contract.output(name).map(|place| &performed.outputs[place]);
        let deviation = got.and_then(|got| compare::compare(name, expected, got, test.tolerance));
        findings.extend(deviation.map(Finding::Output));
    }
    findings.extend(nodes(test, &performed));
    Ok(findings)
}

/// The values of one side of a test by name, read as the contract's ports want them.
fn tensors<'t>(
    test: &'t Test,
    side: Side,
    contract: &Contract,
) -> Result<Vec<(&'t str, Tensor)>, Vec<Finding>> {
    let (key, values, ports, null) = match side {
        Side::Input => ("inputs", &test.inputs, &contract.inputs, Null::Refused),
        // Answers in JSON have nothing else for it.
        Side::Output => ("expect", &test.expect, &contract.outputs, Null::NotANumber),
    };
    let mut tensors = Vec::new();
    let mut findings = Vec::new();
    for (name, data) in values {
        let at = test.at().key(key).key(name);
        let mut tell = |code, message| findings.push(problem(test, &at, code, message));
        let Some(port) = ports.iter().find(|port| port.name == *name) else {
            let message = contract.unknown(side, name).to_string();
            tell("unknown-port", message);
            continue;
        };
        let read;
        let value = match data {
            Data::Inline(value) => value,
            Data::File(file) => match data::read(test.file(), file) {
                Ok(value) => {
                    read = value;
                    &read
                }
                Err((code, message)) => {
                    tell(code, message);
                    continue;
                }
            },
        };
        match data::tensor(value, port, null) {
            Ok(tensor) => tensors.push((&**name, tensor)),
            Err(message) => tell("misfit", message),
        }
    }
    match findings.is_empty() {
        true => Ok(tensors),
        false => Err(findings),
    }
}

fn problem(test: &Test, at: &document::Path, code: &'static str, message: String) -> Finding {
    let problem = Problem {
        path: at.to_string(),
        ..Problem::of_file(test.file(), code, message)
    };
    Finding::Problem(problem.at(test.place(at, Part::Value).position))
}

/// Whether the nodes took part that must, and not those that must not.
fn nodes(test: &Test, performed: &Performed) -> Vec<Finding> {
    let Some((graph, visits)) = &performed.way else {
        return Vec::new();
    };
    let visit = |node: &str| {
        let mut all = visits.iter();
        all.find(|visit| &*graph.node(visit.node).name == node)
    };
    let took_part = |visit: &Visit| visit.answered + visit.fell_back + visit.defaulted > 0;
    let mut findings = Vec::new();
    let mut tell = |node: &str, what: String| {
        findings.push(Finding::Node {
            node: node.to_owned(),
            what,
        });
    };
    for node in &test.path {
        match visit(node) {
            Some(visit) if took_part(visit) => {}
            Some(visit) => {
                let why = visit.failure.as_ref();
                let why = why.map(|why| format!(": {why}")).unwrap_or_default();
                tell(
                    node,
                    format!("expected to take part, got: {}{why}", visit.fate),
                );
            }
            None => tell(
                node,
                "expected to take part, and another graph answered".to_owned(),
            ),
        }
    }
    for node in &test.skipped {
        if let Some(visit) = visit(node).filter(|visit| took_part(visit)) {
            tell(
                node,
                format!("expected to take no part, got: {}", visit.fate),
            );
        }
    }
    findings
}

// === impl Outcome ===

impl Outcome {
    fn of(graphs: &Graphs<'_>, test: &Test) -> Self {
        let findings = findings(graphs, test).unwrap_or_else(|findings| findings);
        let position = test.place(test.at(), Part::Key).position;
        Self {
            pipeline: test.pipeline.clone(),
            name: test.name.clone(),
            file: test.file().to_owned(),
            line: position.map(|position| position.line),
            path: test.at().to_string(),
            ok: findings.is_empty(),
            findings,
        }
    }
}

/// A line that says whether, and lines that say what not.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.ok { "ok    " } else { "FAILED" };
        write!(f, "{word} {}", self.pipeline)?;
        if let Some(name) = &self.name {
            write!(f, ": {name}")?;
        }
        write!(f, " ({}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {})", self.path)?;
        self.findings
            .iter()
            .try_for_each(|finding| write!(f, "\n    {finding}"))
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problem(problem) => problem.fmt(f),
            Self::Failure { what } => write!(f, "no answer: {what}"),
            Self::Output(deviation) => deviation.fmt(f),
            Self::Node { node, what } => write!(f, "node '{node}': {what}"),
        }
    }
}

// === impl Deviation ===

impl Deviation {
    /// The most elements that are kept of an output.
    pub const SHOWN: usize = 10;
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "output '{}': {}", self.output, self.what)?;
        self.elements
            .iter()
            .try_for_each(|element| write!(f, "\n        {element}"))
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at,
            expected,
            got,
            off,
        } = self;
        write!(f, "{at:?}: expected {expected}, got {got}")?;
        match off {
            Some(off) => write!(f, ", off by {off:.3e}"),
            None => Ok(()),
        }
    }
}
