//! The problem document, for the API's description; it is written in `admin::problem`.

use serde::Serialize;
use utoipa::ToSchema;

/// A refusal (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemV1 {
    /// `urn:impresario:problem:` and the code.
    #[schema(example = "urn:impresario:problem:stale-revision")]
    pub r#type: String,
    /// What all problems of this code have in common.
    pub title: String,
    /// The status of the answer.
    #[schema(example = 412)]
    pub status: u16,
    /// What, where, expected and got, and the remedy.
    pub detail: String,
    /// A stable word for scripts.
    #[schema(example = "stale-revision")]
    pub code: String,
    /// With a written pipeline or file: all that is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problems: Option<Vec<ProblemEntryV1>>,
    /// With `breaks-contract`: what callers would break on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaches: Option<Vec<BreachV1>>,
    /// With `not-now` and `invalid-order` of a rollout: why, in a stable word.
    #[schema(example = "wrong-phase")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// With `stale-revision`: the revision that the change expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<u64>,
    /// With `stale-revision`: the revision that stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<u64>,
}

/// One thing that is wrong with a written text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProblemEntry)]
pub struct ProblemEntryV1 {
    /// `error` or `warning`.
    pub severity: String,
    /// The file, environment variable or flag.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column in characters, from 1.
    pub column: Option<u32>,
    /// The place in the tree.
    #[schema(example = "pipelines.fraud.policy.version")]
    pub path: String,
    /// A stable word.
    #[schema(example = "unknown-field")]
    pub code: String,
    /// Expected and got.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What callers would break on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Breach)]
pub struct BreachV1 {
    /// `input` or `output`.
    pub side: String,
    /// The port; nothing where it is about all of them.
    pub port: Option<String>,
    /// What kind of breach it is.
    #[schema(example = "missing-output")]
    pub kind: String,
    /// What differs.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}
