//! The API's description, made from the handlers themselves; a test compares it with the routes.

use std::collections::BTreeMap;

use actix_web::web::Json;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, Modify, OpenApi};

use super::guard::{Caller, Viewer};
use super::problem::CONTENT;
use super::{
    audit, backup, bandit, decisions, events, experiment, freeze, history, journal, load, logging,
    me, metrics, models, pipelines, reload, revisions, rollout, shadow, status, tokens, wire,
};

/// The refusals that every route has.
pub(super) struct Refusals;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Impresario admin API",
        description = "Models, pipelines and the routing between them. Every change is recorded, durable when it \
                       is answered, and can be undone. Refusals are problem documents (RFC 9457) whose `code` is \
                       stable. Without any token everybody on the daemon's own machine is its admin; with one, \
                       every request bears one: viewers read, operators change, admins also make tokens.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        status::status,
        me::me,
        logging::show,
        logging::set,
        models::list,
        models::show,
        load::load,
        load::unload,
        models::show_version,
        load::load_version,
        load::unload_version,
        pipelines::list,
        pipelines::show,
        pipelines::put,
        pipelines::delete,
        revisions::list,
        revisions::show,
        revisions::undo,
        journal::list,
        rollout::show,
        rollout::start,
        rollout::plan,
        rollout::plan_ahead,
        rollout::steer,
        experiment::show,
        experiment::steer,
        bandit::show,
        bandit::steer,
        shadow::show,
        freeze::freeze,
        freeze::unfreeze,
        decisions::show,
        events::events,
        audit::audit,
        history::history,
        reload::reload,
        tokens::list,
        tokens::create,
        tokens::remove,
        backup::backup,
        openapi,
        metrics::counters,
        metrics::metrics,
    ),
    components(schemas(wire::ProblemV1, wire::MissedV1)),
    tags(
        (name = "daemon", description = "The daemon itself."),
        (name = "models", description = "Models and their versions."),
        (name = "pipelines", description = "What applications post to."),
        (name = "rollouts", description = "Versions that earn their traffic step by step."),
        (name = "experiments", description = "Versions side by side, compared by what they achieve."),
        (name = "bandits", description = "Versions whose shares follow what they achieve."),
        (name = "tokens", description = "Who may come in."),
    ),
    security((), ("token" = [])),
    modifiers(&Bearer)
)]
struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("imp_<id>_<secret>")
            .description(Some("Made by `impresario token create`."));
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("token", SecurityScheme::Http(scheme.build()));
    }
}

impl IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let refusal = |(status, description): (&str, &str)| {
            let schema = Ref::from_schema_name("Problem");
            let response = ResponseBuilder::new()
                .description(description)
                .content(CONTENT, Content::new(Some(schema)));
            (status.to_owned(), RefOr::T(response.build()))
        };
        [
            ("400", "The request cannot be read."),
            ("401", "A token is needed, not known or expired."),
            (
                "403",
                "The token's role does not allow this, or the request may be a stranger's.",
            ),
            ("404", "There is no such thing."),
            ("429", "Too many wrong tokens came from this address."),
            ("500", "The daemon failed."),
            ("503", "The daemon is going down, or its store failed."),
        ]
        .map(refusal)
        .into()
    }
}

/// The description of the API.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// This description.
#[utoipa::path(
    get,
    path = "/admin/v1/openapi.json",
    tag = "daemon",
    operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object), Refusals)
)]
pub(super) async fn openapi(_: Caller<Viewer>) -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}
