//! Triton's statistics extension over HTTP.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use impresario_models::{Name, VersionNumber};

use super::respond::{Fault, json};
use super::wire::{Stats, VersionStats};
use crate::measure::Totals;
use crate::plane::Plane;

/// The counters of every version of every model.
pub(super) fn all(plane: &Plane) -> HttpResponse {
    answer(plane.all_statistics())
}

/// The counters of a model or pipeline, of all versions or one.
pub(super) fn model(
    plane: &Plane,
    name: &str,
    version: Option<&str>,
) -> Result<HttpResponse, Fault> {
    Ok(answer(plane.statistics(name, version)?))
}

fn answer(rows: Vec<(Name, VersionNumber, Totals)>) -> HttpResponse {
    let row = |(name, version, totals): (Name, VersionNumber, Totals)| {
        VersionStats::of(name.as_str(), version.to_string(), &totals)
    };
    let model_stats = rows.into_iter().map(row).collect();
    json(StatusCode::OK, &Stats { model_stats })
}
