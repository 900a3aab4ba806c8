//! How answers are shown: tables for people, JSON for programs. A pipe that is closed early is no failure.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, TableStyle};
use serde_json::Value;

use super::Failure;
use super::args::Form;

/// Where answers go.
pub(super) struct Output {
    pub(super) form: Form,
}

impl Output {
    pub(super) fn new(form: Form) -> Self {
        Self { form }
    }

    /// The answer as it is, or what a function makes of it for people.
    pub(super) fn show(
        &mut self,
        answer: &Value,
        people: impl FnOnce(&Value) -> String,
    ) -> Result<(), Failure> {
        match self.form {
            Form::Json => self.json(answer),
            Form::Table => self.text(&people(answer)),
        }
    }

    pub(super) fn text(&mut self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(text.trim_end().as_bytes())?;
        out.write_all(b"\n")?;
        Ok(out.flush()?)
    }

    fn json(&mut self, answer: &Value) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(answer).expect("a tree is JSON");
        self.text(&text)
    }
}

/// Rows under headings, as wide as they are, without lines.
pub(super) fn table<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings);
    for row in rows {
        table.add_row(row.map(|cell| {
            if cell.is_empty() {
                "-".to_owned()
            } else {
                cell
            }
        }));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// A value in a cell: texts without quotes, nothing for null.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => printable(text),
        other => other.to_string(),
    }
}

/// A text whose control characters cannot move the cursor or colour the terminal: callers may have chosen it.
fn printable(text: &str) -> String {
    let shown = |character: char| match character {
        '\n' | '\t' => character,
        other if other.is_control() => '\u{fffd}',
        other => other,
    };
    text.chars().map(shown).collect()
}

/// The elements of a list; none where it is not one.
pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Bytes for people.
pub(super) fn bytes(value: &Value) -> String {
    let Some(bytes) = value.as_u64() else {
        return String::new();
    };
    let (mut size, mut unit) = (bytes as f64, "B");
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if size < 1_024.0 {
            break;
        }
        (size, unit) = (size / 1_024.0, next);
    }
    match unit {
        "B" => format!("{bytes} B"),
        unit => format!("{size:.1} {unit}"),
    }
}

/// At most so many characters of a text, on one line.
pub(super) fn cut(text: &str, most: usize) -> String {
    let text = printable(text).replace(['\n', '\t'], " ");
    match text.chars().count() > most {
        true => text
            .chars()
            .take(most.saturating_sub(1))
            .chain(['…'])
            .collect(),
        false => text,
    }
}
