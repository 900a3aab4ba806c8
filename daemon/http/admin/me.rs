//! `GET /admin/v1/me`: who the daemon takes the caller for, so that a page offers nobody what they may not do.

use actix_web::web::{Data, Json};

use super::Admin;
use super::guard::{Caller, Viewer};
use super::openapi::Refusals;
use super::wire::MeV1;

/// Who asks, and what they may do.
#[utoipa::path(
    get,
    path = "/admin/v1/me",
    tag = "daemon",
    operation_id = "me",
    responses((status = 200, description = "The token's name and role, or `local` where there are no tokens.", body = MeV1), Refusals)
)]
pub(super) async fn me(caller: Caller<Viewer>, admin: Data<Admin>) -> Json<MeV1> {
    let snapshot = admin.impresario.live().snapshot();
    let identity = caller.identity();
    Json(MeV1 {
        name: identity.name.clone(),
        role: identity.role.into(),
        by_token: !(admin.door.configured().is_empty() && snapshot.tokens.is_empty()),
    })
}
