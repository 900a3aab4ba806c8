//! Shadows as they are written: a table beside the policy, whatever that is.

use impresario_models::name::VersionNumber;
use serde::Serialize;

use super::scalars::{Number, ONE_SLOT, name, optional, share, version};
use crate::spec::read::{Field, Reader};
use crate::spec::shadow::{Shadow, Tolerance};

/// A version that sees requests and answers nobody; its answers are compared with those that callers get.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShadowSpec {
    /// The model's name. Required.
    pub model: String,
    /// The number of its version. Required.
    pub version: u64,
    /// The share of requests that it sees, from 0.0001 to 1: a number, or text such as `"10%"`. Default: 0.1.
    pub sample: Number,
    /// The share of those that the answering version computes twice, so that its own noise is known, from 0 to 1.
    /// Default: 0.05.
    pub noise: Number,
    /// How close numbers count as the same. Default: as the table's fields say.
    pub tolerance: ToleranceSpec,
    /// Computations at a time, from 1 to 64. Default: 1.
    pub concurrency: usize,
    /// Requests that may wait for it, from 1 to 100,000; more are dropped and counted. Default: 64.
    pub queue: usize,
    /// The worst examples that are kept, with their inputs, from 0 to 100. Default: 0, no inputs are kept.
    pub examples: usize,
}

/// How close numbers count as the same: `|a − b| ≤ absolute + relative · |b|`, where b is what the caller got.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ToleranceSpec {
    /// From 0. Default: 0.00001.
    pub absolute: Number,
    /// From 0 to 1. Default: 0.00001.
    pub relative: Number,
}

const MAX_CONCURRENCY: usize = 64;
const MAX_QUEUE: usize = 100_000;

// === reading ===

pub(super) fn read(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Shadow> {
    let mut table = field.table(reader)?;
    let (model, number) = (table.need("model", reader), table.need("version", reader));
    let (sample, noise) = (table.get("sample"), table.get("noise"));
    let tolerance = table.get("tolerance");
    let (concurrency, queue) = (table.get("concurrency"), table.get("queue"));
    let examples = table.get("examples");
    table.finish(reader);
    let model = model.and_then(|field| name(&field, reader));
    let number: Option<VersionNumber> = number.and_then(|field| version(&field, reader));
    let sample = optional(sample, |field| share(field, reader, ONE_SLOT..=1.0));
    let noise = optional(noise, |field| share(field, reader, 0.0..=1.0));
    let tolerance = optional(tolerance, |field| self::tolerance(field, reader));
    let concurrency = optional(concurrency, |f| count(f, reader, 1, MAX_CONCURRENCY));
    let queue = optional(queue, |f| count(f, reader, 1, MAX_QUEUE));
    let examples = optional(examples, |f| count(f, reader, 0, Shadow::MAX_EXAMPLES));
    Some(Shadow {
        model: model?,
        version: number?,
        sample: sample?.unwrap_or(Shadow::SAMPLE),
        noise: noise?.unwrap_or(Shadow::NOISE),
        tolerance: tolerance?.unwrap_or_default(),
        concurrency: concurrency?.unwrap_or(Shadow::CONCURRENCY),
        queue: queue?.unwrap_or(Shadow::QUEUE),
        examples: examples?.unwrap_or(0),
    })
}

fn count(field: &Field<'_>, reader: &mut Reader<'_>, least: u64, most: usize) -> Option<usize> {
    let count = field.whole(reader, least..=most as u64)?;
    usize::try_from(count).ok()
}

fn tolerance(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Tolerance> {
    let mut table = field.table(reader)?;
    let (absolute, relative) = (table.get("absolute"), table.get("relative"));
    table.finish(reader);
    let usual = Tolerance::default();
    let absolute = optional(absolute, |field| field.number(reader, 0.0..=f64::MAX));
    let relative = optional(relative, |field| field.number(reader, 0.0..=1.0));
    Some(Tolerance {
        absolute: absolute?.unwrap_or(usual.absolute),
        relative: relative?.unwrap_or(usual.relative),
    })
}

// === writing ===

impl From<&Shadow> for ShadowSpec {
    fn from(shadow: &Shadow) -> Self {
        Self {
            model: shadow.model.to_string(),
            version: shadow.version.get(),
            sample: shadow.sample.into(),
            noise: shadow.noise.into(),
            tolerance: ToleranceSpec {
                absolute: shadow.tolerance.absolute.into(),
                relative: shadow.tolerance.relative.into(),
            },
            concurrency: shadow.concurrency,
            queue: shadow.queue,
            examples: shadow.examples,
        }
    }
}
