//! `/admin/v1/tokens…`: who may come in.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Data, Json, Path};
use impresario_pipelines::fleet::By;

use super::Admin;
use super::guard::{Administrator, Caller};
use super::openapi::Refusals;
use super::parse;
use super::problem::{Code, Problem};
use super::wire::{MintedV1, NewTokenV1, ProblemV1, RemovedV1, TokenSourceV1, TokenV1, TokensV1};
use crate::auth;
use crate::clock;
use crate::store::{Role, Token};

/// The longest life of a token that ends.
const MAX_LIFE: Duration = Duration::from_secs(100 * 366 * 86_400);

/// Every token, without its text.
#[utoipa::path(
    get,
    path = "/admin/v1/tokens",
    tag = "tokens",
    operation_id = "tokens",
    responses((status = 200, description = "Those of the config first.", body = TokensV1), Refusals)
)]
pub(super) async fn list(_: Caller<Administrator>, admin: Data<Admin>) -> Json<TokensV1> {
    let wall = clock::wall_ms();
    let snapshot = admin.impresario.live().snapshot();
    let configured = admin.door.configured().iter();
    let configured = configured.map(|token| TokenV1::of(token, TokenSourceV1::Config, wall));
    let stored = snapshot.tokens.iter();
    let stored = stored.map(|token| TokenV1::of(token, TokenSourceV1::Store, wall));
    Json(TokensV1 {
        tokens: configured.chain(stored).collect(),
    })
}

/// Makes a token and shows its text this once. The first one must be an admin's: from then on every request
/// needs one.
#[utoipa::path(
    post,
    path = "/admin/v1/tokens",
    tag = "tokens",
    operation_id = "create_token",
    params(("X-Reason" = Option<String>, Header, description = "Why, for the audit")),
    request_body = NewTokenV1,
    responses(
        (status = 201, description = "Made.", body = MintedV1),
        (status = 409, description = "There is one of that name.", body = ProblemV1, content_type = "application/problem+json"),
        (status = 422, description = "It cannot be made so.", body = ProblemV1, content_type = "application/problem+json"),
        Refusals
    )
)]
pub(super) async fn create(
    caller: Caller<Administrator>,
    admin: Data<Admin>,
    body: Bytes,
) -> Result<HttpResponse, Problem> {
    let NewTokenV1 {
        name,
        role,
        expires_in,
        reason,
    } = parse::json(&body)?;
    let by = caller.by(reason)?;
    let refused = |what: String| Problem::new(Code::InvalidToken, what);
    auth::check_name(&name).map_err(|error| refused(error.to_string()))?;
    let now = clock::wall_ms();
    let expires_at = expires_in
        .as_deref()
        .map(|text| expiry(text, now))
        .transpose()?;
    let role = Role::from(role);
    let snapshot = admin.impresario.live().snapshot();
    let mut known = admin
        .door
        .configured()
        .iter()
        .chain(snapshot.tokens.iter())
        .peekable();
    if known.peek().is_none() && (role != Role::Admin || expires_at.is_some()) {
        let what = "the first token must be an admin's that does not expire: from then on every request needs a \
                    token, and nobody could make another one";
        return Err(Problem::new(Code::TokenConflict, what));
    }
    if let Some(same) = known.find(|token| token.name == name) {
        let what = format!(
            "there is a token '{name}' already, id {}: remove that first, or choose another name",
            same.id
        );
        return Err(Problem::new(Code::TokenConflict, what));
    }
    let minted = auth::mint().map_err(|error| Problem::internal(&error))?;
    let token = Token {
        id: minted.id,
        name,
        role,
        hash: minted.hash,
        created_at: now,
        expires_at,
    };
    let by = about(by, &token);
    let made = MintedV1 {
        token: minted.text,
        is: TokenV1::of(&token, TokenSourceV1::Store, now),
    };
    admin
        .impresario
        .control()
        .change_tokens(vec![token], Vec::new(), by)
        .await?;
    // A secret: no cache is to keep it.
    Ok(HttpResponse::Created()
        .insert_header(("cache-control", "no-store"))
        .json(made))
}

/// Removes a token; it admits nobody from then on.
#[utoipa::path(
    delete,
    path = "/admin/v1/tokens/{id}",
    tag = "tokens",
    operation_id = "delete_token",
    params(
        ("id" = String, Path, description = "The token's id, not its name"),
        ("X-Reason" = Option<String>, Header, description = "Why, for the audit"),
    ),
    responses(
        (status = 200, description = "Removed.", body = RemovedV1),
        (status = 409, description = "It is of the config, or the last one of an admin.", body = ProblemV1,
            content_type = "application/problem+json"),
        Refusals
    )
)]
pub(super) async fn remove(
    caller: Caller<Administrator>,
    admin: Data<Admin>,
    path: Path<String>,
) -> Result<Json<RemovedV1>, Problem> {
    let (id, now) = (path.into_inner(), clock::wall_ms());
    let configured = admin.door.configured();
    if configured.iter().any(|token| token.id == id) {
        let what = format!("token {id} is of the config: remove it there and restart the daemon");
        return Err(Problem::new(Code::TokenConflict, what));
    }
    let snapshot = admin.impresario.live().snapshot();
    let Some(token) = snapshot.tokens.iter().find(|token| token.id == id) else {
        let what = format!(
            "there is no token of id {:?}",
            id.chars().take(64).collect::<String>()
        );
        return Err(Problem::new(Code::UnknownToken, what));
    };
    let others = || {
        configured
            .iter()
            .chain(snapshot.tokens.iter())
            .filter(|other| other.id != id)
    };
    let admits =
        |other: &Token| other.role == Role::Admin && other.expires_at.is_none_or(|at| at > now);
    let open = others().next().is_none() && admin.door.opens_without_tokens();
    if !open && !others().any(admits) {
        let what = format!(
            "'{}' is the last token of an admin: make another one first",
            token.name
        );
        return Err(Problem::new(Code::TokenConflict, what));
    }
    let by = about(caller.by(None)?, token);
    let name = token.name.clone();
    admin
        .impresario
        .control()
        .change_tokens(Vec::new(), vec![id.clone()], by)
        .await?;
    admin.door.forget(&id);
    Ok(Json(RemovedV1 { id, name }))
}

/// The audit keeps a verb and a reason: which token it was goes before the reason.
fn about(by: By, token: &Token) -> By {
    let which = format!(
        "token '{}', id {}, role {}",
        token.name,
        token.id,
        token.role.as_str()
    );
    let reason = match &by.reason {
        Some(reason) => format!("{which}: {reason}"),
        None => which,
    };
    By {
        reason: Some(reason),
        ..by
    }
}

fn expiry(text: &str, now: u64) -> Result<u64, Problem> {
    let life = humantime::parse_duration(text).ok();
    let life = life.filter(|life| *life >= Duration::from_secs(1) && *life <= MAX_LIFE);
    let life = life.ok_or_else(|| {
        let got: String = text.chars().take(40).collect();
        let what =
            format!("expires_in: expected a duration such as 30d, from 1s to 100y, got {got:?}");
        Problem::new(Code::InvalidToken, what)
    })?;
    Ok(now.saturating_add(u64::try_from(life.as_millis()).unwrap_or(u64::MAX)))
}
