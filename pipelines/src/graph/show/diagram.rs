//! Boxes and arrows: one walk over a drawing, two languages. Arrows go the way that values go.

use std::fmt::Write as _;

use super::{Drawing, Form, From, How, Read};

/// A language of diagrams.
pub(super) trait Language {
    /// What stands before everything.
    fn begin(&self, title: &str) -> String;
    /// A box; its lines are plain text.
    fn shape(&self, id: &str, shape: Shape, lines: &[String]) -> String;
    /// An arrow; its label is plain text.
    fn arrow(&self, from: &str, to: &str, line: Line, label: &str) -> String;
    /// What stands after everything.
    fn end(&self) -> &'static str;
}

/// What a box looks like.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// An input or an output.
    End,
    /// A node.
    Node(Form),
}

/// What an arrow looks like.
#[derive(Clone, Copy)]
pub(super) enum Line {
    /// A value that is needed.
    Solid,
    /// A value that a condition reads.
    Dashed,
    /// A node that is asked only where it is taken.
    Dotted,
}

/// Graphviz, <https://graphviz.org/doc/info/lang.html>.
pub(super) struct Dot;

/// Mermaid's flowcharts, <https://mermaid.js.org/syntax/flowchart.html>.
pub(super) struct Mermaid;

/// Writes a drawing in a language.
pub(super) fn write(drawing: &Drawing, language: &dyn Language) -> String {
    let mut text = language.begin(&drawing.title);
    let mut line =
        |what: String| writeln!(text, "  {what}").expect("a string takes what is written");
    for (place, input) in drawing.inputs.iter().enumerate() {
        line(language.shape(&format!("i{place}"), Shape::End, &[input.typed()]));
    }
    for (place, node) in drawing.nodes.iter().enumerate() {
        let mut lines = vec![node.name.clone(), node.what.clone()];
        lines.extend(node.when.iter().map(|when| format!("when {when}")));
        lines.extend(node.terms.iter().cloned());
        lines.extend(node.gives.iter().map(super::Value::typed));
        line(language.shape(&format!("n{place}"), Shape::Node(node.form), &lines));
    }
    for (place, (output, _)) in drawing.outputs.iter().enumerate() {
        line(language.shape(&format!("o{place}"), Shape::End, &[output.typed()]));
    }
    for (place, node) in drawing.nodes.iter().enumerate() {
        let mut drawn = Vec::new();
        for read in &node.reads {
            let arrow = arrow(read, &format!("n{place}"), language);
            if !drawn.contains(&arrow) {
                line(arrow.clone());
                drawn.push(arrow);
            }
        }
    }
    for (place, (_, read)) in drawing.outputs.iter().enumerate() {
        line(arrow(read, &format!("o{place}"), language));
    }
    text + language.end()
}

fn arrow(read: &Read, to: &str, language: &dyn Language) -> String {
    let from = match read.from {
        From::Input(place) => format!("i{place}"),
        From::Node(place) => format!("n{place}"),
    };
    let port = match read.from {
        From::Input(_) => None,
        From::Node(_) => read.of.split_once('.').map(|(_, port)| port),
    };
    let (line, label) = match (&read.how, port) {
        (How::Value(Some(input)), Some(port)) if input != port => {
            (Line::Solid, format!("{port} as {input}"))
        }
        (How::Value(Some(input)), None) => (Line::Solid, format!("as {input}")),
        (How::Value(_), port) => (Line::Solid, port.unwrap_or_default().to_owned()),
        (How::Condition, port) => (Line::Dashed, port.unwrap_or_default().to_owned()),
        (How::Branch(case), _) => (Line::Dotted, case.clone()),
        (How::Fallback, _) => (Line::Dotted, "where it fails".to_owned()),
    };
    language.arrow(&from, to, line, &label)
}

// === impl Dot ===

impl Language for Dot {
    fn begin(&self, title: &str) -> String {
        format!("digraph {} {{\n  rankdir=LR;\n", Self::quote(title))
    }

    fn shape(&self, id: &str, shape: Shape, lines: &[String]) -> String {
        let shape = match shape {
            Shape::End => "ellipse",
            Shape::Node(Form::Call) => "box",
            Shape::Node(Form::Ensemble) => "hexagon",
            Shape::Node(Form::Choice) => "diamond",
            Shape::Node(Form::Formula) => "box, style=rounded",
        };
        format!(
            "{id} [label={}, shape={shape}];",
            Self::quote(&lines.join("\n"))
        )
    }

    fn arrow(&self, from: &str, to: &str, line: Line, label: &str) -> String {
        let style = match line {
            Line::Solid => "solid",
            Line::Dashed => "dashed",
            Line::Dotted => "dotted",
        };
        format!(
            "{from} -> {to} [label={}, style={style}];",
            Self::quote(label)
        )
    }

    fn end(&self) -> &'static str {
        "}\n"
    }
}

impl Dot {
    /// In a quoted string only `"` ends it, and labels read `\` as the beginning of an escape.
    fn quote(text: &str) -> String {
        let mut quoted = String::from("\"");
        for c in text.chars() {
            match c {
                '"' => quoted.push_str("\\\""),
                '\\' => quoted.push_str("\\\\"),
                '\n' => quoted.push_str("\\n"),
                c if c.is_control() => quoted.push(' '),
                c => quoted.push(c),
            }
        }
        quoted + "\""
    }
}

// === impl Mermaid ===

impl Language for Mermaid {
    fn begin(&self, title: &str) -> String {
        let title = serde_json::Value::from(title);
        format!("---\ntitle: {title}\n---\nflowchart LR\n")
    }

    fn shape(&self, id: &str, shape: Shape, lines: &[String]) -> String {
        let lines: Vec<String> = lines.iter().map(|line| Self::escape(line)).collect();
        let text = lines.join("<br/>");
        match shape {
            Shape::End => format!("{id}([\"{text}\"])"),
            Shape::Node(Form::Call) => format!("{id}[\"{text}\"]"),
            Shape::Node(Form::Ensemble) => format!("{id}{{{{\"{text}\"}}}}"),
            Shape::Node(Form::Choice) => format!("{id}{{\"{text}\"}}"),
            Shape::Node(Form::Formula) => format!("{id}(\"{text}\")"),
        }
    }

    fn arrow(&self, from: &str, to: &str, line: Line, label: &str) -> String {
        let arrow = match line {
            Line::Solid => "-->",
            Line::Dashed | Line::Dotted => "-.->",
        };
        match Self::escape(label) {
            label if label.is_empty() => format!("{from} {arrow} {to}"),
            label => format!("{from} {arrow}|\"{label}\"| {to}"),
        }
    }

    fn end(&self) -> &'static str {
        ""
    }
}

impl Mermaid {
    /// What quotes, tags, entities and Markdown begin with is written by its code.
    fn escape(text: &str) -> String {
        let mut escaped = String::new();
        for c in text.chars() {
            match c {
                '"' | '#' | '&' | '<' | '>' | '`' | '*' | '\\' | ';' => {
                    write!(escaped, "#{};", u32::from(c)).expect("a string takes what is written");
                }
                c if c.is_control() => escaped.push(' '),
                c => escaped.push(c),
            }
        }
        escaped
    }
}
