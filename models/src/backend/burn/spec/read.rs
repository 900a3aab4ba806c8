//! Tables into types, with messages that say where, what was expected, what was got, and what may have been meant.

use serde::de::DeserializeOwned;
use toml::{Table, Value};

/// Reads a table into a type; serde's message gains the path, the value where it does not tell it, and for a
/// misspelt word the nearest known one.
pub(super) fn read<T: DeserializeOwned>(table: Table, path: &str) -> Result<T, String> {
    T::deserialize(Value::Table(table.clone())).map_err(|e| {
        let message = e.to_string();
        let message = message.trim().replace('\n', " ");
        let got = got(&message, &table);
        let hint = suggestion(&message);
        format!("{path}: {message}{got}{hint}")
    })
}

/// A key that may be written in several ways gives a message that says what is expected and where, only.
fn got(message: &str, table: &Table) -> String {
    let place = message
        .strip_prefix("expected ")
        .and_then(|rest| rest.rsplit_once(" in `"));
    let value = place.and_then(|(_, key)| table.get(key.trim_end_matches('`')));
    value.map_or_else(String::new, |value| {
        let shown: String = value.to_string().chars().take(60).collect();
        format!(", got {shown}")
    })
}

/// Serde names the unknown word first and the known ones after it, all between backticks.
fn suggestion(message: &str) -> String {
    if !message.starts_with("unknown ") {
        return String::new();
    }
    let known = message
        .rsplit_once(" in `")
        .map_or(message, |(known, _)| known);
    let mut words = known.split('`').skip(1).step_by(2);
    let got = words.next().unwrap_or_default();
    nearest(got, words).map_or_else(String::new, |word| format!("; did you mean `{word}`?"))
}

/// The candidate that is the fewest typing errors away, where that is few for its length.
pub(in crate::backend::burn) fn nearest<'a>(
    got: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let got: Vec<char> = got.chars().take(100).collect();
    let scored = candidates.into_iter().map(|word| {
        let letters: Vec<char> = word.chars().take(100).collect();
        (distance(&got, &letters), letters.len(), word)
    });
    let (distance, length, word) = scored.min_by_key(|(distance, ..)| *distance)?;
    (distance * 3 <= length.max(3)).then_some(word)
}

/// Letters added, left out, changed or swapped with their neighbour (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
