//! The gate before every route: who asks, whether their role allows it, and that every refusal is a problem
//! document.

use std::future::{Ready, ready};
use std::net::SocketAddr;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, ORIGIN};
use actix_web::http::uri::Authority;
use actix_web::http::{StatusCode, Uri};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, ResponseError, web};
use impresario_pipelines::fleet::{By, Source};

use super::Admin;
use super::problem::{CONTENT, Code, Problem};
use crate::auth::{Asking, Identity};
use crate::plane::too_low;
use crate::store::Role;

/// The longest reason, in characters.
const MAX_REASON: usize = 1_000;

/// The header that says why something is done, in the actor's words.
pub const REASON: &str = "x-reason";

/// Where a browser says how the page that asks is related to what it asks for. No page can write it.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who asks, with the role that the route needs: `Caller<Viewer>`.
pub(super) struct Caller<Needed> {
    identity: Identity,
    reason: Option<String>,
    needed: std::marker::PhantomData<Needed>,
}

/// A role as a type, so that a handler's signature says what it asks for.
pub(super) trait Needs {
    /// The least role.
    const ROLE: Role;
}

/// May read.
pub(super) struct Viewer;
/// May change routing, load and unload.
pub(super) struct Operator;
/// May do all.
pub(super) struct Administrator;

impl Needs for Viewer {
    const ROLE: Role = Role::Viewer;
}

impl Needs for Operator {
    const ROLE: Role = Role::Operator;
}

impl Needs for Administrator {
    const ROLE: Role = Role::Admin;
}

// === impl Caller ===

impl<N> Caller<N> {
    /// Who asks.
    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// For the audit; a reason in the body goes before one in the header.
    pub(super) fn by(&self, reason: Option<String>) -> Result<By, Problem> {
        let reason = reason.or_else(|| self.reason.clone());
        Ok(By {
            actor: self.identity.name.clone(),
            source: Source::Api,
            reason: reason
                .map(checked)
                .transpose()?
                .filter(|text| !text.is_empty()),
        })
    }
}

impl<N: Needs> FromRequest for Caller<N> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(caller(request))
    }
}

fn caller<N: Needs>(request: &HttpRequest) -> Result<Caller<N>, Problem> {
    let identity = request.extensions().get::<Identity>().cloned();
    let identity = identity.ok_or_else(|| Problem::internal(&"a route lies outside the gate"))?;
    if identity.role < N::ROLE {
        return Err(Problem::new(Code::RoleTooLow, too_low(&identity, N::ROLE)));
    }
    let header = request
        .headers()
        .get(REASON)
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    Ok(Caller {
        identity,
        reason: header.map(|text| text.trim().to_owned()),
        needed: std::marker::PhantomData,
    })
}

fn checked(reason: String) -> Result<String, Problem> {
    let refused = |what: &str| Err(Problem::new(Code::BadRequest, format!("the reason {what}")));
    match reason.chars().count() {
        count if count > MAX_REASON => {
            refused(&format!("has at most {MAX_REASON} characters, got {count}"))
        }
        _ if reason
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\t')) =>
        {
            refused("holds control characters")
        }
        _ => Ok(reason),
    }
}

/// Lets a request in, or not; afterwards makes sure that a refusal is a problem document, whoever wrote it.
pub(super) async fn gate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    match admit(&request) {
        Ok(identity) => request.extensions_mut().insert(identity),
        Err(problem) => return Ok(request.into_response(problem.error_response())),
    };
    let answer = next.call(request).await?;
    let status = answer.status();
    let ours = answer
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value == CONTENT);
    if ours || !(status.is_client_error() || status.is_server_error()) {
        return Ok(answer.map_into_boxed_body());
    }
    let said = answer.response().error().map(ToString::to_string);
    let problem = problem(status, said);
    Ok(answer.into_response(problem.error_response()))
}

/// A refusal of the framework's, in our words.
fn problem(status: StatusCode, said: Option<String>) -> Problem {
    let code = match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => Code::BodyTooLarge,
        status if status.is_client_error() => Code::BadRequest,
        _ => return Problem::internal(&said.unwrap_or_default()),
    };
    Problem::new(code, said.unwrap_or_else(|| code.title().to_owned()))
}

fn admit(request: &ServiceRequest) -> Result<Identity, Problem> {
    let admin = request.app_data::<web::Data<Admin>>();
    let admin = admin.ok_or_else(|| Problem::internal(&"the admin plane has no state"))?;
    let asking = asking(request.headers(), request.uri(), request.peer_addr())?;
    let now = admin.impresario.clock().now();
    let snapshot = admin.impresario.live().snapshot();
    let admitted = admin.door.admit(&asking, &snapshot.tokens, now);
    admitted.map_err(|denied| {
        tracing::info!(
            peer = ?asking.peer,
            path = request.path(),
            %denied,
            "an admin request was not admitted"
        );
        denied.into()
    })
}

/// What a request says of its sender.
pub(in crate::http) fn asking<'a>(
    headers: &'a HeaderMap,
    uri: &'a Uri,
    peer: Option<SocketAddr>,
) -> Result<Asking<'a>, Problem> {
    Ok(Asking {
        authorization: text(headers, &AUTHORIZATION)?,
        peer: peer.map(|peer| peer.ip()),
        hosts: [
            text(headers, &HOST)?,
            uri.authority().map(Authority::as_str),
        ],
        origin: text(headers, &ORIGIN)?,
        site: text(headers, &FETCH_SITE)?,
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let unreadable = |_| {
        Problem::new(
            Code::InvalidHeader,
            format!("the header {name} is not text"),
        )
    };
    let mut values = headers.get_all(name);
    let value = values
        .next()
        .map(|value| value.to_str().map_err(unreadable))
        .transpose()?;
    match values.next() {
        None => Ok(value),
        Some(_) => Err(Problem::new(
            Code::InvalidHeader,
            format!("the header {name} is given twice"),
        )),
    }
}
