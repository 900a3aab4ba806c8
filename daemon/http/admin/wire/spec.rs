//! A pipeline as it is written: what holds whatever the policy is. It is read and written by `pipelines::spec`, whose
//! documentation is the manual; this describes it for the API's clients.

use serde::Serialize;
use utoipa::ToSchema;

use super::PolicySpecV1;

/// A pipeline as it is written.
#[derive(Debug, ToSchema)]
#[schema(as = PipelineSpec)]
pub struct PipelineSpecV1 {
    /// What the pipeline is for, for people; at most 1,024 characters.
    pub description: Option<String>,
    /// How long a request may take, such as `50ms`; from 1 ms to 1 h.
    #[schema(example = "50ms")]
    pub deadline: Option<String>,
    /// The class of requests that state none: `high`, `normal` or `low`.
    #[schema(example = "normal")]
    pub priority: Option<String>,
    /// What tells one client from another: `address`, which is the default, or places in a request.
    pub key: Option<KeySpecV1>,
    /// How many requests a client may send.
    pub rate_limit: Option<RateLimitSpecV1>,
    /// Outputs, a row of each by name, that are answered when the deadline passes.
    #[schema(value_type = Option<Object>)]
    pub on_deadline: Option<serde_json::Value>,
    /// What the pipeline promises its callers by itself; what the version that answers promises where absent.
    pub contract: Option<ContractSpecV1>,
    /// A version that sees requests and answers nobody.
    pub shadow: Option<ShadowSpecV1>,
    /// Which version answers.
    pub policy: PolicySpecV1,
}

/// What tells one client from another.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeySpec)]
#[serde(untagged)]
pub enum KeySpecV1 {
    /// `address`.
    Word(String),
    /// One place; the address where a request has nothing at it.
    One(SourceSpecV1),
    /// Several, at most 8; the first that a request has something at counts.
    Several(Vec<SourceSpecV1>),
}

/// A place in a request. With a rate limit, only a header or a cookie.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SourceSpec)]
#[serde(rename_all = "lowercase")]
pub enum SourceSpecV1 {
    /// A header's name.
    Header(String),
    /// A cookie's name.
    Cookie(String),
    /// The name of a parameter of the request.
    Parameter(String),
    /// A place in the request's JSON, as RFC 6901 writes it, such as `/inputs/0/data/0`.
    Pointer(String),
}

/// How many requests a client may send.
#[derive(Debug, ToSchema)]
#[schema(as = RateLimitSpec)]
pub struct RateLimitSpecV1 {
    /// Requests, from 1 to 1,000,000.
    pub requests: u32,
    /// In so much time, from 1 ms to 1 h; `1s` where absent.
    pub per: Option<String>,
    /// Requests that may come at once; `requests` where absent.
    pub burst: Option<u32>,
}

/// What a pipeline promises; a version that breaks it does not answer.
#[derive(Debug, ToSchema)]
#[schema(as = ContractSpec)]
pub struct ContractSpecV1 {
    /// The inputs, from 1 to 256.
    pub inputs: Vec<PortSpecV1>,
    /// The outputs, from 1 to 256.
    pub outputs: Vec<PortSpecV1>,
    /// The most rows of one request, where the first axis of every port is free; any number where absent.
    pub max_batch: Option<u64>,
}

/// One typed input or output.
#[derive(Debug, ToSchema)]
#[schema(as = PortSpec)]
pub struct PortSpecV1 {
    /// Its name in the protocol.
    pub name: String,
    /// The protocol's datatype.
    #[schema(example = "FP32")]
    pub datatype: String,
    /// The sizes of its axes, the batch axis included.
    pub shape: Vec<DimSpecV1>,
    /// The lowest and the highest number allowed.
    pub range: Option<Vec<f64>>,
    /// The only texts or whole numbers allowed.
    pub categories: Option<Vec<CategoryV1>>,
    /// Whether NaN and infinities may pass: `allow` or `forbid`; `allow` where absent.
    pub non_finite: Option<String>,
    /// Names of the places of the last axis.
    pub labels: Option<Vec<String>>,
}

/// The size of an axis.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DimSpec)]
#[serde(untagged)]
pub enum DimSpecV1 {
    /// So many; any number where it is -1.
    Size(i64),
    /// Any number that is the same wherever this name stands.
    Symbol(String),
}

/// A value that a port allows.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Category)]
#[serde(untagged)]
pub enum CategoryV1 {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
}

/// A version whose answers are compared with those that callers get.
#[derive(Debug, ToSchema)]
#[schema(as = ShadowSpec)]
pub struct ShadowSpecV1 {
    /// The model's name.
    pub model: String,
    /// Its version's number.
    pub version: VersionSpecV1,
    /// The share of requests that it sees; 0.1 where absent.
    pub sample: Option<ShareV1>,
    /// The share of those that the answering version computes twice; 0.05 where absent.
    pub noise: Option<ShareV1>,
    /// How close numbers count as the same.
    pub tolerance: Option<ToleranceSpecV1>,
    /// Computations at a time, from 1 to 64; 1 where absent.
    pub concurrency: Option<u32>,
    /// Requests that may wait for it; 64 where absent.
    pub queue: Option<u32>,
    /// The worst examples that are kept, with their inputs, at most 100; none where absent.
    pub examples: Option<u32>,
}

/// How close numbers count as the same: `|a - b| <= absolute + relative * |b|`.
#[derive(Debug, ToSchema)]
#[schema(as = ToleranceSpec)]
pub struct ToleranceSpecV1 {
    /// The absolute part; 0.00001 where absent.
    pub absolute: Option<f64>,
    /// The part relative to the answer that the caller got; 0.00001 where absent.
    pub relative: Option<f64>,
}

/// A share: a part of one, such as 0.1, or text in per cent, such as `10%`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Share)]
#[serde(untagged)]
pub enum ShareV1 {
    /// From 0 to 1.
    Part(f64),
    /// In per cent.
    Percent(String),
}

/// A version as it is written: its number, or `latest`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VersionSpec)]
#[serde(untagged)]
pub enum VersionSpecV1 {
    /// This one.
    Number(u64),
    /// `latest`, or a number in quotes.
    Text(String),
}
