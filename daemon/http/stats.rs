//! Triton's statistics extension: counters by model and version since the daemon's start.
//!
//! A model's counters are those of its versions whoever asked for them; a pipeline's only those of requests to
//! it.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use impresario_models::{Name, VersionNumber};

use super::plane::Plane;
use super::respond::{Fault, json};
use super::wire::{Stats, VersionStats};
use crate::error::Error;
use crate::measure::Totals;

/// The counters of every version of every model.
pub(super) fn all(plane: &Plane) -> HttpResponse {
    let snapshot = plane.serve.live().look();
    let loaded = snapshot.table.targets().iter();
    let loaded = loaded.map(|target| (target.model.clone(), target.version));
    let mut rows: BTreeMap<(Name, VersionNumber), Totals> =
        loaded.map(|key| (key, Totals::default())).collect();
    for (key, totals) in plane.measure.read() {
        rows.entry((key.model, key.version))
            .or_default()
            .add(&totals);
    }
    let row = |((name, version), totals): ((Name, VersionNumber), Totals)| {
        VersionStats::of(name.as_str(), version.to_string(), &totals)
    };
    let model_stats = rows.into_iter().map(row).collect();
    json(StatusCode::OK, &Stats { model_stats })
}

/// The counters of a model or pipeline, of all versions or one.
pub(super) fn model(
    plane: &Plane,
    name: &str,
    version: Option<&str>,
) -> Result<HttpResponse, Fault> {
    let snapshot = plane.serve.live().look();
    let unknown = || Error::UnknownModel {
        name: name.chars().take(Name::MAX_BYTES).collect(),
    };
    let route = snapshot.table.route(name).ok_or_else(unknown)?;
    let is_model = snapshot.fleet.observed.models.contains_key(name);
    let mut rows: BTreeMap<VersionNumber, Totals> = BTreeMap::new();
    for target in snapshot.table.targets() {
        if is_model && target.model.as_str() == name {
            rows.entry(target.version).or_default();
        }
    }
    for (key, totals) in plane.measure.read() {
        let counts = if is_model {
            key.model.as_str() == name
        } else {
            key.pipeline.as_str() == name
        };
        if counts {
            rows.entry(key.version).or_default().add(&totals);
        }
    }
    if let Some(text) = version {
        let number = text.parse::<VersionNumber>().ok();
        let known = number
            .filter(|n| rows.contains_key(n) || snapshot.table.versions(name).any(|v| v == *n));
        let Some(number) = known else {
            return Err(Fault::Error(Error::UnknownVersion {
                name: route.name.clone(),
                version: super::codec::clip(text),
            }));
        };
        rows.entry(number).or_default();
        rows.retain(|version, _| *version == number);
    }
    let row = |(version, totals): (VersionNumber, Totals)| {
        VersionStats::of(name, version.to_string(), &totals)
    };
    let model_stats = rows.into_iter().map(row).collect();
    Ok(json(StatusCode::OK, &Stats { model_stats }))
}
