//! `GET` and `PUT /admin/v1/log`: what is logged, changed until the next start.

use actix_web::web::{Bytes, Data, Json};
use impresario_pipelines::fleet::By;

use super::Admin;
use super::guard::{Caller, Operator, Viewer};
use super::openapi::Refusals;
use super::parse;
use super::problem::{Code, Problem};
use super::wire::{LogOrderV1, LogV1, ProblemV1};
use crate::error::causes;
use crate::telemetry::{Logging, NotSet};

/// What is logged now.
#[utoipa::path(
    get,
    path = "/admin/v1/log",
    tag = "daemon",
    operation_id = "log",
    responses((status = 200, description = "The filter that holds now, and that of the settings.", body = LogV1), Refusals)
)]
pub(super) async fn show(_: Caller<Viewer>, admin: Data<Admin>) -> Json<LogV1> {
    Json(shown(&admin.logging, None))
}

/// Changes what is logged, until the next start. The log says who did it, whatever it lets through.
#[utoipa::path(
    put,
    path = "/admin/v1/log",
    tag = "daemon",
    operation_id = "set_log",
    params(("X-Reason" = Option<String>, Header, description = "Why, for the log")),
    request_body = LogOrderV1,
    responses(
        (status = 200, description = "Changed.", body = LogV1),
        (status = 409, description = "What is logged is decided elsewhere.", body = ProblemV1, content_type = "application/problem+json"),
        (status = 422, description = "The level is no filter; `column` says where, `hint` what may be meant.", body = ProblemV1, content_type = "application/problem+json"),
        Refusals
    )
)]
pub(super) async fn set(
    caller: Caller<Operator>,
    admin: Data<Admin>,
    body: Bytes,
) -> Result<Json<LogV1>, Problem> {
    let order: LogOrderV1 = parse::json(&body)?;
    let by = caller.by(order.reason)?;
    let set = admin
        .logging
        .set(&order.level, &by.actor, by.reason.as_deref());
    match set {
        Ok(before) => {
            note(&admin, by, &before, &order.level).await;
            Ok(Json(shown(&admin.logging, Some(before))))
        }
        Err(NotSet::Filter(error)) => {
            let detail = format!("level, column {}: {error}", error.column());
            let problem = Problem::new(Code::InvalidLevel, detail);
            Err(problem
                .with("column", error.column())
                .with("hint", error.hint()))
        }
        Err(foreign @ NotSet::Foreign) => Err(Problem::new(Code::NotNow, foreign.to_string())),
    }
}

/// Notes a change in the audit, with both filters before the reason. The change holds without it: who looks for why
/// nothing can be stored needs the log most, and the log has the line.
async fn note(admin: &Admin, by: By, before: &str, after: &str) {
    let which = format!(
        "from '{}' to '{}'",
        before.escape_debug(),
        after.escape_debug()
    );
    let reason = match &by.reason {
        Some(reason) => format!("{which}: {reason}"),
        None => which,
    };
    let by = By {
        reason: Some(reason),
        ..by
    };
    let control = admin.impresario.control();
    if let Err(error) = control.note("log.level".to_owned(), by).await {
        tracing::warn!(error = %causes(&error), "the audit does not hold that what is logged was changed");
    }
}

fn shown(logging: &Logging, before: Option<String>) -> LogV1 {
    LogV1 {
        level: logging.level(),
        configured: logging.configured().to_owned(),
        changeable: logging.changes(),
        before,
    }
}
