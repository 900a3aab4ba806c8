//! Reading `[payload_log]`.

use glob::Pattern;
use impresario_pipelines::spec::read::{Field, Reader, describe};
use serde_json::Value;

use super::field::{fits, path, size};
use super::layers::Layers;
use crate::payload::{self, Settings};

/// The most patterns, and the most fields, of a list.
const MOST: usize = 256;
const TEBIBYTE: u64 = 1 << 40;
const KIBIBYTE: u64 = 1 << 10;

/// Nothing where the log is off. What is wrong is told all the same.
pub(super) fn payload_log(
    field: &Field<'_>,
    r: &mut Reader<'_>,
    layers: &Layers,
) -> Option<Option<Settings>> {
    let mut t = field.table(r)?;
    let folder = t.need("path", r).and_then(|f| match f.value() {
        Value::String(text) if text == "none" => Some(None),
        _ => path(&f, r, layers).map(Some),
    });
    let sample = t.need("sample", r).and_then(|f| f.number(r, 0.0..=1.0));
    let failures = t.need("failures", r).and_then(|f| f.number(r, 0.0..=1.0));
    let pipelines = t.need("pipelines", r).and_then(|f| each(&f, r, pattern));
    let max_record = t
        .need("max_record", r)
        .and_then(|f| size(&f, r, 4 * KIBIBYTE..=TEBIBYTE));
    let least = max_record.unwrap_or(4 * KIBIBYTE);
    let max_file = t
        .need("max_file", r)
        .and_then(|f| size(&f, r, least..=TEBIBYTE));
    let max_files = t
        .need("max_files", r)
        .and_then(|f| f.whole(r, 1..=1_000_000));
    let least = max_file.unwrap_or(least);
    let max_total = t
        .need("max_total", r)
        .and_then(|f| size(&f, r, least..=u64::MAX));
    let queue = t.need("queue", r).and_then(|f| f.whole(r, 1..=1 << 20));
    let least = max_record.unwrap_or(1);
    let queue_bytes = t
        .need("queue_bytes", r)
        .and_then(|f| size(&f, r, least..=TEBIBYTE));
    let redact = t.need("redact", r).and_then(|f| each(&f, r, redacted));
    t.finish(r);
    let settings = Settings {
        sample: sample?,
        failures: failures?,
        pipelines: pipelines?,
        max_file: max_file?,
        max_files: fits(max_files?),
        max_total: max_total?,
        queue: fits(queue?),
        queue_bytes: fits(queue_bytes?),
        max_record: fits(max_record?),
        redact: redact?,
        folder: match folder? {
            Some(folder) => folder,
            None => return Some(None),
        },
    };
    Some(Some(settings))
}

fn each<T>(
    field: &Field<'_>,
    r: &mut Reader<'_>,
    one: fn(&Field<'_>, &mut Reader<'_>) -> Option<T>,
) -> Option<Vec<T>> {
    let fields = field.list(r)?;
    if fields.len() > MOST {
        let message = format!("expected at most {MOST} of them, got {}", fields.len());
        r.error(field, "out-of-range", message);
        return None;
    }
    let read: Vec<Option<T>> = fields.iter().map(|field| one(field, r)).collect();
    read.into_iter().collect()
}

fn pattern(field: &Field<'_>, r: &mut Reader<'_>) -> Option<Pattern> {
    let text = field.text(r)?;
    Pattern::new(text)
        .map_err(|error| {
            let got = describe(field.value());
            let message = format!(
                "expected a name or a glob of names, got {got}: {}",
                error.msg
            );
            r.error(field, "invalid-glob", message);
        })
        .ok()
}

fn redacted(field: &Field<'_>, r: &mut Reader<'_>) -> Option<payload::Field> {
    let text = field.text(r)?;
    text.parse()
        .map_err(|error: payload::FieldError| {
            let message = format!("{error}, got {}", describe(field.value()));
            let problem = field.problem(r, "unknown-field", message);
            r.push(problem.hint("headers are never kept, and no key"));
        })
        .ok()
}
