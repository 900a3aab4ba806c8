//! Composites for people: as text, for Graphviz (DOT) and for Mermaid, compiled or only outlined.
//!
//! The same composite is always drawn the same. Whatever stands in a name or an expression is shown as it is: each language
//! quotes it in its own way.

use std::fmt::Write as _;

mod compiled;
mod diagram;
mod outlined;
mod terms;

/// A composite, ready to be drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    title: String,
    /// Whether requests are joined, where that is known.
    rows: Option<String>,
    /// Inputs of the request.
    inputs: Vec<Value>,
    /// The nodes, each after those that it names.
    nodes: Vec<Step>,
    outputs: Vec<(Value, Read)>,
}

/// A name, and a type where it is known.
#[derive(Clone, Debug, PartialEq)]
struct Value {
    name: String,
    of: Option<String>,
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
struct Step {
    name: String,
    form: Form,
    what: String,
    /// What must hold for it to be asked.
    when: Option<String>,
    reads: Vec<Read>,
    gives: Vec<Value>,
    terms: Vec<String>,
}

/// What a node looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Call,
    Ensemble,
    Choice,
    Formula,
}

/// One thing that a node names.
#[derive(Clone, Debug, PartialEq)]
struct Read {
    /// As it is written: `NODE.PORT`, `NODE` or `request.NAME`.
    of: String,
    from: From,
    /// What for.
    how: How,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    /// An input, by its place.
    Input(usize),
    /// A node, by its place.
    Node(usize),
}

/// What something is named for.
#[derive(Clone, Debug, PartialEq)]
enum How {
    /// As this input, or as one of several.
    Value(Option<String>),
    /// By a condition.
    Condition,
    /// In this case.
    Branch(String),
    /// Where the node fails.
    Fallback,
}

// === impl Drawing ===

impl Drawing {
    /// Lists of inputs, nodes and outputs.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{}\n", self.title);
        let mut line = |indent: usize, what: &str| {
            writeln!(text, "{:indent$}{what}", "").expect("a string takes what is written");
        };
        if let Some(rows) = &self.rows {
            line(2, rows);
        }
        line(0, "inputs");
        for input in &self.inputs {
            line(2, &input.typed());
        }
        line(0, "nodes");
        for node in &self.nodes {
            line(2, &format!("{}: {}", node.name, node.what));
            if let Some(when) = &node.when {
                line(4, &format!("when {when}"));
            }
            for read in &node.reads {
                match &read.how {
                    How::Value(Some(input)) => line(4, &format!("{input} = {}", read.of)),
                    How::Value(None) => line(4, &format!("of {}", read.of)),
                    How::Branch(case) => line(4, &format!("{} {case}", read.of)),
                    How::Fallback => line(4, &format!("falls back to {}", read.of)),
                    // The condition itself says what it reads.
                    How::Condition => {}
                }
            }
            for term in &node.terms {
                line(4, term);
            }
            for port in &node.gives {
                line(4, &format!("gives {}", port.typed()));
            }
        }
        line(0, "outputs");
        for (output, read) in &self.outputs {
            line(2, &format!("{} = {}", output.typed(), read.of));
        }
        text
    }

    /// A graph in the DOT language of Graphviz.
    #[must_use]
    pub fn dot(&self) -> String {
        diagram::write(self, &diagram::Dot)
    }

    /// A flowchart in Mermaid's language.
    #[must_use]
    pub fn mermaid(&self) -> String {
        diagram::write(self, &diagram::Mermaid)
    }
}

// === impl Value ===

impl Value {
    fn typed(&self) -> String {
        match &self.of {
            Some(of) => format!("{}: {of}", self.name),
            None => self.name.clone(),
        }
    }
}
