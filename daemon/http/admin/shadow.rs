//! `GET /admin/v1/pipelines/{p}/shadow`: what a shadow showed.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use impresario_pipelines::fleet::Rejection;

use super::guard::{Caller, Viewer};
use super::openapi::Refusals;
use super::problem::{Code, Problem};
use super::wire::{BesideV1, ShadowV1};
use super::{Admin, parse, sights, steer};

/// A shadow: how far its answers are from those that callers got, and whether that is more than noise.
#[utoipa::path(
    get,
    path = "/admin/v1/pipelines/{pipeline}/shadow",
    tag = "pipelines",
    operation_id = "shadow",
    params(("pipeline" = String, Path, description = "The pipeline's name")),
    responses(
        (status = 200, description = "The shadow: the pipeline's own, or a canary before its first callers.", body = ShadowV1,
            headers(("ETag" = String, description = "The pipeline's revision"))),
        Refusals
    )
)]
pub(super) async fn show(
    _: Caller<Viewer>,
    admin: Data<Admin>,
    path: Path<String>,
) -> Result<HttpResponse, Problem> {
    let name = parse::name(&path)?;
    let snapshot = admin.impresario.live().snapshot();
    let fleet = &snapshot.fleet;
    let entry = fleet.routing.pipelines.get(&name);
    if entry.is_none() && !fleet.observed.models.contains_key(&name) {
        return Err(Rejection::UnknownPipeline { name }.into());
    }
    let shadow = entry.and_then(|entry| Some((entry, entry.shadow()?)));
    let (entry, shadow) = shadow.ok_or_else(|| {
        let detail = format!("pipeline '{name}' has no shadow: give its definition a `shadow`");
        Problem::new(Code::NoCourse, detail)
    })?;
    let seen = sights::shadow(&admin, &name).filter(|seen| seen.spec == shadow);
    let shown = ShadowV1 {
        name: name.to_string(),
        revision: entry.revision.0,
        model: shadow.model.to_string(),
        version: shadow.version.get(),
        sample: shadow.sample,
        beside: seen
            .iter()
            .flat_map(|seen| &seen.beside)
            .map(BesideV1::from)
            .collect(),
    };
    Ok(steer::tagged(shown.revision, shown))
}
