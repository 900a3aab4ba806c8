//! Reading a tree: typed fields out of it, every problem at once.
//!
//! `serde` stops at the first error; a file is better told all that is wrong with it. A [`Reader`] collects
//! problems, a [`Table`] knows which of its keys were asked for, so that what is left over is unknown and gets the
//! nearest known key as a hint. Where values come from, files or variables or flags, is the [`Origin`]'s.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::document::{Document, Path};
use super::problem::{Position, Problem, Severity};
use super::suggest::nearest;

/// Where the values of a tree come from.
pub trait Origin {
    /// Who wrote the value at a path, and where.
    fn place(&self, path: &Path, part: Part) -> Place;
    /// Whether values at a path are text whatever they mean, as the environment's are.
    fn is_text(&self, _path: &Path) -> bool {
        false
    }
}

/// Which part of an entry is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Its key.
    Key,
    /// Its value.
    Value,
}

/// A file, variable or flag, and a position in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// What the user calls it.
    pub file: Option<String>,
    /// Where in it.
    pub position: Option<Position>,
}

/// One file's tree.
#[derive(Clone, Copy, Debug)]
pub struct InFile<'d> {
    /// The file.
    pub file: &'d str,
    /// Its tree.
    pub document: &'d Document,
}

/// One file's tree, kept for problems that are found only later.
#[derive(Clone, PartialEq)]
pub struct Kept {
    /// The file.
    pub file: Arc<str>,
    /// Its tree.
    pub document: Arc<Document>,
}

/// Collects problems.
pub struct Reader<'o> {
    origin: &'o dyn Origin,
    problems: Vec<Problem>,
}

/// A value and its path.
#[derive(Clone, Debug)]
pub struct Field<'v> {
    value: &'v Value,
    path: Path,
}

/// A table, and the keys that it was asked for.
#[derive(Debug)]
pub struct Table<'v> {
    entries: &'v Map<String, Value>,
    path: Path,
    asked: Vec<&'static str>,
}

// === impl InFile ===

impl Origin for InFile<'_> {
    fn place(&self, path: &Path, part: Part) -> Place {
        let mark = self.document.mark(path);
        Place {
            file: Some(self.file.to_owned()),
            position: mark.map(|mark| mark.part(part)),
        }
    }
}

// === impl Kept ===

impl Origin for Kept {
    fn place(&self, path: &Path, part: Part) -> Place {
        let (file, document) = (&*self.file, &*self.document);
        InFile { file, document }.place(path, part)
    }
}

/// The tree is the whole file's, and says nothing in a log.
impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Kept").field(&self.file).finish()
    }
}

// === impl Reader ===

impl<'o> Reader<'o> {
    /// The most problems kept of one tree; a text that is wrong in more places is of another kind altogether.
    pub const MAX_PROBLEMS: usize = 200;

    /// A reader of an origin's tree.
    #[must_use]
    pub fn new(origin: &'o dyn Origin) -> Self {
        Self {
            origin,
            problems: Vec::new(),
        }
    }

    /// A problem at a path, for [`push`](Self::push).
    #[must_use]
    pub fn problem(&self, path: &Path, part: Part, code: &'static str, message: String) -> Problem {
        let place = self.origin.place(path, part);
        let problem = Problem {
            severity: Severity::Error,
            file: place.file,
            line: None,
            column: None,
            path: path.as_str().to_owned(),
            code,
            message,
            hint: None,
        };
        problem.at(place.position)
    }

    /// Keeps a problem.
    pub fn push(&mut self, problem: Problem) {
        if self.problems.len() < Self::MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }

    /// An error about a field's value, without a hint.
    pub fn error(&mut self, field: &Field<'_>, code: &'static str, message: String) {
        let problem = self.problem(&field.path, Part::Value, code, message);
        self.push(problem);
    }

    /// Something that is perhaps not meant, about a field's value.
    pub fn warn(&mut self, field: &Field<'_>, code: &'static str, message: String) {
        let problem = self.problem(&field.path, Part::Value, code, message);
        self.push(problem.warning());
    }

    /// What was found.
    #[must_use]
    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

// === impl Field ===

impl<'v> Field<'v> {
    /// A value at a path.
    #[must_use]
    pub fn new(value: &'v Value, path: Path) -> Self {
        Self { value, path }
    }

    /// The root of a tree.
    #[must_use]
    pub fn root(value: &'v Value) -> Self {
        Self::new(value, Path::default())
    }

    /// Where it stands in the tree.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The value, whatever it is.
    #[must_use]
    pub fn value(&self) -> &'v Value {
        self.value
    }

    /// The field as a table.
    pub fn table(&self, reader: &mut Reader<'_>) -> Option<Table<'v>> {
        match self.value {
            Value::Object(entries) => Some(Table {
                entries,
                path: self.path.clone(),
                asked: Vec::new(),
            }),
            _ => self.mistyped(reader, "a table"),
        }
    }

    /// The field as a list.
    pub fn list(&self, reader: &mut Reader<'_>) -> Option<Vec<Field<'v>>> {
        match self.value {
            Value::Array(values) => {
                let field = |(i, value)| Field::new(value, self.path.index(i));
                Some(values.iter().enumerate().map(field).collect())
            }
            _ => self.mistyped(reader, "a list"),
        }
    }

    /// The field as text.
    pub fn text(&self, reader: &mut Reader<'_>) -> Option<&'v str> {
        match self.value {
            Value::String(text) => Some(text),
            _ => self.mistyped(reader, "a string"),
        }
    }

    /// The field as a boolean.
    pub fn flag(&self, reader: &mut Reader<'_>) -> Option<bool> {
        match self.value {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) if reader.origin.is_text(&self.path) => match text.as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => self.mistyped(reader, "true or false"),
            },
            _ => self.mistyped(reader, "true or false"),
        }
    }

    /// The field as a whole number within a range.
    pub fn whole(&self, reader: &mut Reader<'_>, range: RangeInclusive<u64>) -> Option<u64> {
        let number = match self.value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) if reader.origin.is_text(&self.path) => text.parse().ok(),
            _ => return self.mistyped(reader, "a whole number"),
        };
        let found = number.filter(|number| range.contains(number));
        if found.is_none() {
            let message = match range.end() {
                &u64::MAX => format!("expected a whole number from {}", range.start()),
                end => format!("expected a whole number from {} to {end}", range.start()),
            };
            reader.error(
                self,
                "out-of-range",
                format!("{message}, got {}", describe(self.value)),
            );
        }
        found
    }

    /// The field as a number within a range.
    pub fn number(&self, reader: &mut Reader<'_>, range: RangeInclusive<f64>) -> Option<f64> {
        let Value::Number(number) = self.value else {
            return self.mistyped(reader, "a number");
        };
        let found = number.as_f64().filter(|number| range.contains(number));
        if found.is_none() {
            let (start, end) = (range.start(), range.end());
            let got = describe(self.value);
            let message = match end {
                &f64::MAX => format!("expected a number from {start}, got {got}"),
                end => format!("expected a number from {start} to {end}, got {got}"),
            };
            reader.error(self, "out-of-range", message);
        }
        found
    }

    /// The field as a duration such as `"1m 30s"`, within a range.
    pub fn duration(
        &self,
        reader: &mut Reader<'_>,
        range: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let text = match self.value {
            Value::String(text) => text,
            Value::Number(number) => {
                let message = format!("expected a duration with its unit, got {number}");
                let problem = self.problem(reader, "wrong-type", message);
                reader.push(problem.hint(format!(
                    "write \"{number}s\" for seconds or \"{number}ms\" for milliseconds"
                )));
                return None;
            }
            _ => return self.mistyped(reader, "a duration such as \"30s\""),
        };
        let Ok(duration) = humantime::parse_duration(text) else {
            let message = format!(
                "expected a duration such as \"250ms\" or \"1m 30s\", got {}",
                describe(self.value)
            );
            reader.error(self, "invalid-duration", message);
            return None;
        };
        if !range.contains(&duration) {
            let (start, end) = (range.start(), range.end());
            let message = format!(
                "expected a duration from {} to {}, got {}",
                humantime::format_duration(*start),
                humantime::format_duration(*end),
                describe(self.value),
            );
            reader.error(self, "out-of-range", message);
            return None;
        }
        Some(duration)
    }

    /// The field as one of some words.
    pub fn choice<T: Copy>(
        &self,
        reader: &mut Reader<'_>,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.text(reader)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let message = format!(
                "expected {}, got {}",
                known.join(", "),
                describe(self.value)
            );
            let problem = self.problem(reader, "unknown-value", message);
            reader.push(match nearest(text, known) {
                Some(meant) => problem.hint(format!("did you mean '{meant}'?")),
                None => problem,
            });
        }
        found.map(|(_, value)| *value)
    }

    /// A problem of this field's value, for [`Reader::push`].
    #[must_use]
    pub fn problem(&self, reader: &Reader<'_>, code: &'static str, message: String) -> Problem {
        reader.problem(&self.path, Part::Value, code, message)
    }

    /// Tells that the value is of another kind than the one expected.
    pub(super) fn mistyped<T>(&self, reader: &mut Reader<'_>, expected: &str) -> Option<T> {
        let message = format!("expected {expected}, got {}", describe(self.value));
        reader.error(self, "wrong-type", message);
        None
    }
}

/// A value in a message: what it is and, where it is short, itself.
#[must_use]
pub fn describe(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) => {
            let cut: String = text.chars().take(60).collect();
            let dots = if cut.len() < text.len() { "…" } else { "" };
            format!("{cut:?}{dots}")
        }
        Value::Array(values) => format!("a list of {}", values.len()),
        Value::Object(_) => "a table".to_owned(),
    }
}

// === impl Table ===

impl<'v> Table<'v> {
    /// The field of a key, if it is there; null counts as absent.
    pub fn get(&mut self, key: &'static str) -> Option<Field<'v>> {
        self.asked.push(key);
        let value = self.entries.get(key).filter(|value| !value.is_null())?;
        Some(Field::new(value, self.path.key(key)))
    }

    /// The field of a key that must be there.
    pub fn need(&mut self, key: &'static str, reader: &mut Reader<'_>) -> Option<Field<'v>> {
        let field = self.get(key);
        if field.is_none() {
            let message = format!("the field '{key}' is missing");
            let problem = reader.problem(&self.path, Part::Key, "missing-field", message);
            reader.push(problem);
        }
        field
    }

    /// Where the table stands in the tree.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All entries, for tables whose keys are names.
    pub fn entries(&self) -> impl Iterator<Item = (&'v str, Field<'v>)> {
        let field = |(key, value): (&'v String, &'v Value)| {
            (key.as_str(), Field::new(value, self.path.key(key)))
        };
        self.entries.iter().map(field)
    }

    /// Tells the keys that were not asked for. To be called after all that are known were.
    pub fn finish(self, reader: &mut Reader<'_>) {
        for key in self.entries.keys() {
            if self.asked.contains(&key.as_str()) {
                continue;
            }
            let message = format!("unknown field {}", quote(key));
            let problem = reader.problem(&self.path.key(key), Part::Key, "unknown-field", message);
            reader.push(match nearest(key, self.asked.iter().copied()) {
                Some(meant) => problem.hint(format!("did you mean '{meant}'?")),
                None => problem.hint(format!("known here: {}", self.asked.join(", "))),
            });
        }
    }
}

fn quote(key: &str) -> String {
    let cut: String = key.chars().take(60).collect();
    format!("'{}'", cut.escape_debug())
}
