//! Refusals as problem documents (RFC 9457): one table of stable codes with their status and title.
//!
//! The detail says what, where, expected, got and the remedy; nothing of the inside leaks into it.

use std::fmt;
use std::time::Duration;

use actix_web::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, ResponseError};
use impresario_pipelines::fleet::Rejection;
use impresario_pipelines::spec;
use serde_json::{Map, Value, json};

use super::refusal;
use crate::actors::Refused;
use crate::auth::Denied;
use crate::error::causes;
use crate::store;

/// The content type of every refusal.
pub const CONTENT: &str = "application/problem+json";

/// Why a request is refused.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    detail: String,
    extra: Map<String, Value>,
    retry_after: Option<Duration>,
    allow: Option<String>,
}

macro_rules! codes {
    ($($name:ident $word:literal $status:ident $title:literal,)*) => {
        /// A stable code: its word, status and title.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "each is described by its title in the table")]
        pub enum Code { $($name,)* }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word that scripts compare.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The status of the answer.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// What all problems of this code have in common.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    BadRequest "bad-request" BAD_REQUEST "The request cannot be read",
    InvalidName "invalid-name" BAD_REQUEST "A name or number in the path is not one",
    InvalidQuery "invalid-query" BAD_REQUEST "The query cannot be read",
    InvalidHeader "invalid-header" BAD_REQUEST "A header cannot be read",
    InvalidBody "invalid-body" BAD_REQUEST "The body cannot be read",
    TokenMissing "token-missing" UNAUTHORIZED "A token is needed",
    TokenUnknown "token-unknown" UNAUTHORIZED "The token is not known",
    TokenExpired "token-expired" UNAUTHORIZED "The token has expired",
    Foreign "foreign-request" FORBIDDEN "The request may be a stranger's",
    RoleTooLow "role-too-low" FORBIDDEN "The token's role does not allow this",
    NotFound "not-found" NOT_FOUND "There is nothing at this path",
    UnknownPipeline "unknown-pipeline" NOT_FOUND "There is no such pipeline",
    UnknownModel "unknown-model" NOT_FOUND "There is no such model",
    UnknownVersion "unknown-version" NOT_FOUND "There is no such version",
    UnknownRevision "unknown-revision" NOT_FOUND "There is no such revision",
    UnknownToken "unknown-token" NOT_FOUND "There is no such token",
    UnknownDecision "unknown-decision" NOT_FOUND "No such decision is kept",
    NoHistory "no-history" NOT_FOUND "No history of metrics is kept",
    NoCourse "no-course" NOT_FOUND "The pipeline has nothing of this kind under way",
    MethodNotAllowed "method-not-allowed" METHOD_NOT_ALLOWED "The method is not allowed here",
    InUse "in-use" CONFLICT "A pipeline needs it",
    Called "called" CONFLICT "A graph calls it",
    VersionTaken "version-taken" CONFLICT "The version is another graph",
    AmbiguousName "ambiguous-name" CONFLICT "A model has the name",
    NothingToUndo "nothing-to-undo" CONFLICT "There is nothing to undo",
    BreaksContract "breaks-contract" CONFLICT "A version breaks what callers rely on",
    NotNow "not-now" CONFLICT "It cannot be done now",
    TokenConflict "token-conflict" CONFLICT "The tokens do not allow this",
    Stale "stale-revision" PRECONDITION_FAILED "It was changed meanwhile",
    BodyTooLarge "body-too-large" PAYLOAD_TOO_LARGE "The body is too large",
    InvalidPipeline "invalid-pipeline" UNPROCESSABLE_ENTITY "The pipeline has problems",
    Ring "ring" UNPROCESSABLE_ENTITY "Pipelines call each other in a ring",
    NotAModel "not-a-model" UNPROCESSABLE_ENTITY "A graph is named as a model",
    NoVersion "no-version" UNPROCESSABLE_ENTITY "A model has no version",
    InvalidConfig "invalid-config" UNPROCESSABLE_ENTITY "The files have problems",
    InvalidToken "invalid-token" UNPROCESSABLE_ENTITY "The token cannot be made so",
    InvalidLevel "invalid-level" UNPROCESSABLE_ENTITY "The level is no filter of the log",
    InvalidOrder "invalid-order" UNPROCESSABLE_ENTITY "What is asked for cannot be meant",
    ReasonMissing "reason-missing" UNPROCESSABLE_ENTITY "A reason is needed",
    LoadFailed "load-failed" UNPROCESSABLE_ENTITY "The version could not be made ready",
    Slowed "too-many-attempts" TOO_MANY_REQUESTS "Too many wrong tokens",
    Internal "internal" INTERNAL_SERVER_ERROR "The daemon failed",
    InDoubt "store-in-doubt" INTERNAL_SERVER_ERROR "It is not known whether the change was stored",
    NotStored "store-failed" SERVICE_UNAVAILABLE "The store failed and nothing was changed",
    StreamsTaken "streams-taken" SERVICE_UNAVAILABLE "As many read the events as may",
    Stopping "stopping" SERVICE_UNAVAILABLE "The daemon is going down",
}

// === impl Problem ===

impl Problem {
    /// A problem of a code.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            extra: Map::new(),
            retry_after: None,
            allow: None,
        }
    }

    /// The same with one more member.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.extra.insert(member.to_owned(), value.into());
        self
    }

    /// The same with the time to come back.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// A path that has other methods.
    #[must_use]
    pub fn method(got: &Method, allowed: &str) -> Self {
        let detail = format!("expected {allowed}, got {got}");
        Self {
            allow: Some(allowed.to_owned()),
            ..Self::new(Code::MethodNotAllowed, detail)
        }
    }

    /// A written pipeline or file with all that is wrong with it.
    #[must_use]
    pub fn spec(code: Code, problems: &[spec::Problem]) -> Self {
        // That of an expression in it has a place there.
        let of_all = |problem: &spec::Problem| problem.code == "syntax" && problem.path.is_empty();
        let code = match problems.iter().any(of_all) {
            true => Code::InvalidBody,
            false => code,
        };
        let errors = problems
            .iter()
            .filter(|problem| problem.severity == spec::Severity::Error);
        let first = errors.clone().next().or_else(|| problems.first());
        let first = first.map(ToString::to_string).unwrap_or_default();
        let detail = match errors.count() {
            0 | 1 => first,
            count => format!("{count} problems, the first: {first}"),
        };
        let list = serde_json::to_value(problems).unwrap_or_default();
        Self::new(code, detail).with("problems", list)
    }

    /// A change that was refused. What a body names and is not there makes the body wrong, not the path.
    #[must_use]
    pub fn of_body(refused: Refused) -> Self {
        let mut problem = Self::from(refused);
        if matches!(problem.code, Code::UnknownModel | Code::UnknownVersion) {
            let code = problem.code.word();
            let entry = json!({"severity": "error", "path": "policy", "code": code, "message": problem.detail});
            problem.code = Code::InvalidPipeline;
            return problem.with("problems", vec![entry]);
        }
        problem
    }

    /// The store could not be read.
    #[must_use]
    pub fn store(error: &store::Error) -> Self {
        let detail = causes(error);
        match error {
            store::Error::Aborted { .. } => Self::new(Code::NotStored, detail),
            store::Error::Unknown { .. } => Self::new(Code::InDoubt, detail),
        }
    }

    /// What happened inside is for the log only.
    #[must_use]
    pub fn internal(what: &dyn fmt::Display) -> Self {
        tracing::error!(%what, "an admin request failed");
        Self::new(Code::Internal, "the daemon failed; its log says why")
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    fn document(&self) -> Value {
        let mut document = json!({
            "type": format!("urn:impresario:problem:{}", self.code.word()),
            "title": self.code.title(),
            "status": self.code.status().as_u16(),
            "detail": self.detail,
            "code": self.code.word(),
        });
        if let Value::Object(members) = &mut document {
            members.extend(self.extra.clone());
        }
        document
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        answer.insert_header((CONTENT_TYPE, CONTENT));
        if let Some(wait) = self.retry_after {
            answer.insert_header((RETRY_AFTER, wait.as_secs().max(1).to_string()));
        }
        if let Some(allow) = &self.allow {
            answer.insert_header((ALLOW, allow.as_str()));
        }
        if self.status_code() == StatusCode::UNAUTHORIZED {
            answer.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"impresario\""));
        }
        answer.body(self.document().to_string())
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Rejected(rejection) => rejection.into(),
            Refused::Store(error) => Self::store(&error),
            Refused::Stopping => Self::new(Code::Stopping, "the daemon is going down")
                .retry_after(Duration::from_secs(5)),
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let code = match &rejection {
            Rejection::UnknownPipeline { .. } => Code::UnknownPipeline,
            Rejection::UnknownModel { .. } => Code::UnknownModel,
            Rejection::UnknownVersion { .. } => Code::UnknownVersion,
            Rejection::Stale { .. } => Code::Stale,
            Rejection::InUse { .. } => Code::InUse,
            Rejection::NothingToUndo { .. } => Code::NothingToUndo,
            Rejection::UnknownRevision { .. } => Code::UnknownRevision,
            Rejection::Breaks { .. } => Code::BreaksContract,
            Rejection::ReasonMissing { .. } => Code::ReasonMissing,
            Rejection::Graph { problems, .. } => {
                return Self::spec(Code::InvalidPipeline, problems);
            }
            Rejection::Ring { .. } => Code::Ring,
            Rejection::OtherGraph { .. } => Code::VersionTaken,
            Rejection::Ambiguous { .. } => Code::AmbiguousName,
            Rejection::NotAModel { .. } => Code::NotAModel,
            Rejection::NoVersion { .. } => Code::NoVersion,
            Rejection::Called { .. } => Code::Called,
            Rejection::NoCourse { .. } => Code::NoCourse,
            Rejection::Refused { why, .. } => refusal::code(why),
        };
        let problem = Self::new(code, rejection.to_string());
        match rejection {
            Rejection::Stale {
                expected, current, ..
            } => problem
                .with("expected", expected.0)
                .with("current", current.0),
            Rejection::Breaks { breaches, .. } => {
                let list = breaches.iter().map(|breach| {
                    json!({
                        "side": breach.side.to_string(),
                        "port": breach.port.as_deref(),
                        "kind": breach.kind.as_str(),
                        "message": breach.message,
                        "hint": breach.hint,
                    })
                });
                problem.with("breaches", list.collect::<Vec<_>>())
            }
            Rejection::Refused { why, .. } => match refusal::word(&why) {
                Some(word) => problem.with("refusal", word),
                None => problem,
            },
            Rejection::UnknownPipeline { .. }
            | Rejection::ReasonMissing { .. }
            | Rejection::NoCourse { .. }
            | Rejection::UnknownModel { .. }
            | Rejection::UnknownVersion { .. }
            | Rejection::InUse { .. }
            | Rejection::Graph { .. }
            | Rejection::Ring { .. }
            | Rejection::OtherGraph { .. }
            | Rejection::Ambiguous { .. }
            | Rejection::NotAModel { .. }
            | Rejection::NoVersion { .. }
            | Rejection::Called { .. }
            | Rejection::NothingToUndo { .. }
            | Rejection::UnknownRevision { .. } => problem,
        }
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        let code = match &denied {
            Denied::Missing => Code::TokenMissing,
            Denied::Unknown => Code::TokenUnknown,
            Denied::Expired { .. } => Code::TokenExpired,
            Denied::Slowed { .. } => Code::Slowed,
            Denied::Foreign { .. } => Code::Foreign,
        };
        let problem = Self::new(code, denied.to_string());
        match denied {
            Denied::Slowed { retry_after } => problem.retry_after(retry_after),
            Denied::Missing | Denied::Unknown | Denied::Expired { .. } | Denied::Foreign { .. } => {
                problem
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_stable_and_used_once() {
        let mut words: Vec<_> = Code::ALL.iter().map(|code| code.word()).collect();
        assert!(
            words
                .iter()
                .all(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
        );
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| code.status().as_u16() >= 400));
    }
}
