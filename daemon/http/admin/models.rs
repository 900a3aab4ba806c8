//! `/admin/v1/models…`: what there is. Loading and unloading is in `load`.

use actix_web::web::{Data, Json, Path};
use impresario_models::Name;
use impresario_pipelines::fleet::Fleet;

use super::Admin;
use super::guard::{Caller, Viewer};
use super::openapi::Refusals;
use super::parse;
use super::problem::{Code, Problem};
use super::wire::{ModelV1, ModelsV1, VersionDetailV1};

/// Every model and its versions.
#[utoipa::path(
    get,
    path = "/admin/v1/models",
    tag = "models",
    operation_id = "models",
    responses((status = 200, description = "In the order of names.", body = ModelsV1), Refusals)
)]
pub(super) async fn list(_: Caller<Viewer>, admin: Data<Admin>) -> Json<ModelsV1> {
    let snapshot = admin.impresario.live().snapshot();
    let models = ModelV1::all(&snapshot, admin.impresario.clock().now());
    Json(ModelsV1 { models })
}

/// A model and its versions.
#[utoipa::path(
    get,
    path = "/admin/v1/models/{model}",
    tag = "models",
    operation_id = "model",
    params(("model" = String, Path, description = "The model's name")),
    responses((status = 200, description = "The model.", body = ModelV1), Refusals)
)]
pub(super) async fn show(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<String>,
) -> Result<Json<ModelV1>, Problem> {
    let model = parse::name(&path)?;
    let snapshot = admin.impresario.live().snapshot();
    let shown = ModelV1::of(&snapshot, &model, admin.impresario.clock().now());
    shown
        .map(Json)
        .ok_or_else(|| unknown(&snapshot.fleet, &model))
}

/// A version: what is observed, its contract and limits.
#[utoipa::path(
    get,
    path = "/admin/v1/models/{model}/versions/{version}",
    tag = "models",
    operation_id = "version",
    params(
        ("model" = String, Path, description = "The model's name"),
        ("version" = u64, Path, description = "The version's number"),
    ),
    responses((status = 200, description = "The version.", body = VersionDetailV1), Refusals)
)]
pub(super) async fn show_version(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<(String, String)>,
) -> Result<Json<VersionDetailV1>, Problem> {
    let (model, version) = (parse::name(&path.0)?, parse::version(&path.1)?);
    let snapshot = admin.impresario.live().snapshot();
    let shown = VersionDetailV1::of(&snapshot, &model, version, admin.impresario.clock().now());
    shown
        .map(Json)
        .ok_or_else(|| match snapshot.fleet.observed.models.get(&model) {
            None => unknown(&snapshot.fleet, &model),
            Some(seen) => {
                let detail = format!(
                    "model '{model}' has no version {version}: it has {}",
                    seen.known()
                );
                Problem::new(Code::UnknownVersion, detail)
            }
        })
}

fn unknown(fleet: &Fleet, model: &Name) -> Problem {
    let known: Vec<_> = fleet
        .observed
        .models
        .keys()
        .take(10)
        .map(Name::as_str)
        .collect();
    let detail = format!(
        "unknown model '{model}': the repository has {}",
        known.join(", ")
    );
    Problem::new(Code::UnknownModel, detail)
}
