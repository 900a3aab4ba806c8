//! TOML to nodes, by the spans of crate `toml`'s tables, with the depth bounded beforehand.

use serde_json::{Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml_parser::parser::{EventReceiver, parse_document};
use toml_parser::{ErrorSink, Source, Span};

use super::{Budget, Document, Kind, Lines, Node, Position, Refusal};

/// Syntax errors told at most: what follows the first few is mostly their echo.
const MAX_ERRORS: usize = 5;

pub(super) fn parse(text: &str) -> Result<Node, Vec<Refusal>> {
    let lines = Lines::new(text);
    guard(text, &lines).map_err(|refusal| vec![refusal])?;
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let refusal = |error: &toml::de::Error| {
            let at = error.span().map(|span| lines.position(span.start));
            Refusal::new(
                "syntax",
                at,
                format!("not TOML: {}", error.message().replace('\n', "; ")),
            )
        };
        return Err(errors.iter().take(MAX_ERRORS).map(refusal).collect());
    }
    let mut build = Build {
        lines,
        budget: Budget::default(),
        refusals: Vec::new(),
    };
    let kind = build.table(table.get_ref(), 0);
    if build.refusals.is_empty() {
        Ok(Node::new(kind, Position::START))
    } else {
        Err(build.refusals)
    }
}

/// Refuses text that nests far too deep before it becomes a tree: crate `toml` bounds brackets and dotted keys,
/// but not their product, and a tree of thousands of levels overflows the stack when it is dropped.
fn guard(text: &str, lines: &Lines<'_>) -> Result<(), Refusal> {
    let tokens = Source::new(text).lex().into_vec();
    let mut nesting = Nesting {
        frames: vec![0],
        deepest: None,
    };
    parse_document(&tokens, &mut nesting, &mut ());
    match nesting.deepest {
        Some(byte) => Err(Refusal::too_deep(lines.position(byte))),
        None => Ok(()),
    }
}

/// Counts levels while crate `toml`'s own parser walks: the open brackets, and the dots of the key in each.
struct Nesting {
    frames: Vec<usize>,
    deepest: Option<usize>,
}

struct Build<'t> {
    lines: Lines<'t>,
    budget: Budget,
    refusals: Vec<Refusal>,
}

// === impl Nesting ===

impl Nesting {
    /// Headers and bodies are counted apart, so this is twice what a tree may have at most.
    const MAX: usize = 2 * Document::MAX_DEPTH;

    fn open(&mut self, span: Span) -> bool {
        let depth = self.frames.len() + self.frames.iter().sum::<usize>();
        if depth > Self::MAX {
            self.deepest.get_or_insert(span.start());
            return false;
        }
        self.frames.push(0);
        true
    }

    fn close(&mut self) {
        if self.frames.len() > 1 {
            self.frames.pop();
        }
    }

    fn dots(&mut self) -> &mut usize {
        self.frames
            .last_mut()
            .expect("close leaves the first frame")
    }
}

impl EventReceiver for Nesting {
    fn inline_table_open(&mut self, span: Span, _: &mut dyn ErrorSink) -> bool {
        self.open(span)
    }
    fn inline_table_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.close();
    }
    fn array_open(&mut self, span: Span, _: &mut dyn ErrorSink) -> bool {
        self.open(span)
    }
    fn array_close(&mut self, _: Span, _: &mut dyn ErrorSink) {
        self.close();
    }
    fn key_sep(&mut self, span: Span, _: &mut dyn ErrorSink) {
        *self.dots() += 1;
        if *self.dots() > Self::MAX {
            self.deepest.get_or_insert(span.start());
        }
    }
    fn value_sep(&mut self, _: Span, _: &mut dyn ErrorSink) {
        *self.dots() = 0;
    }
    fn newline(&mut self, _: Span, _: &mut dyn ErrorSink) {
        if self.frames.len() == 1 {
            *self.dots() = 0;
        }
    }
}

// === impl Build ===

impl Build<'_> {
    fn table(&mut self, table: &DeTable<'_>, depth: usize) -> Kind {
        let mut entries = Vec::with_capacity(table.len());
        for (key, value) in table {
            let at = self.lines.position(key.span().start);
            if let Some(node) = self.node(value, depth + 1) {
                entries.push((key.get_ref().clone().into_owned(), at, node));
            }
        }
        Kind::Table(entries)
    }

    fn node(&mut self, value: &Spanned<DeValue<'_>>, depth: usize) -> Option<Node> {
        let at = self.lines.position(value.span().start);
        if depth > Document::MAX_DEPTH {
            return self.refuse(Refusal::too_deep(at));
        }
        if let Err(refusal) = self.budget.take(1, at) {
            return self.refuse(refusal);
        }
        let kind = match value.get_ref() {
            DeValue::String(text) => Kind::Scalar(Value::String(text.clone().into_owned())),
            DeValue::Boolean(flag) => Kind::Scalar(Value::Bool(*flag)),
            DeValue::Integer(number) => {
                let (text, radix) = (number.as_str(), number.radix());
                let number = u64::from_str_radix(text, radix).map(Number::from);
                match number.or_else(|_| i64::from_str_radix(text, radix).map(Number::from)) {
                    Ok(number) => Kind::Scalar(Value::Number(number)),
                    Err(_) => return self.refuse(number_refusal(at, text)),
                }
            }
            DeValue::Float(number) => {
                let text = number.as_str();
                match text.parse().ok().and_then(Number::from_f64) {
                    Some(number) => Kind::Scalar(Value::Number(number)),
                    None => return self.refuse(number_refusal(at, text)),
                }
            }
            DeValue::Datetime(date) => {
                let what = format!("no setting is a date or a time, got {date}");
                let refusal = Refusal::new("wrong-type", Some(at), what);
                return self.refuse(refusal.hint("put text in quotes"));
            }
            DeValue::Array(values) => Kind::List(
                values
                    .iter()
                    .filter_map(|v| self.node(v, depth + 1))
                    .collect(),
            ),
            DeValue::Table(table) => self.table(table, depth),
        };
        Some(Node::new(kind, at))
    }

    fn refuse<T>(&mut self, refusal: Refusal) -> Option<T> {
        if self.refusals.len() < MAX_ERRORS {
            self.refusals.push(refusal);
        }
        None
    }
}

fn number_refusal(at: Position, text: &str) -> Refusal {
    let text: String = text.chars().take(40).collect();
    let what = format!("expected a finite number of at most 64 bits, got {text}");
    Refusal::new("out-of-range", Some(at), what)
}
