//! What is logged.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is logged.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Log)]
pub struct LogV1 {
    /// The filter that holds now.
    #[schema(example = "info,impresario::actors=debug")]
    pub level: String,
    /// The filter of the settings, which holds again after a restart.
    pub configured: String,
    /// Whether it can be changed here; not where the daemon is part of a program that logs by itself.
    pub changeable: bool,
    /// The filter that held until now, where it was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

/// What is to be logged.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = LogOrder)]
#[serde(deny_unknown_fields)]
pub struct LogOrderV1 {
    /// A level (off, error, warn, info, debug, trace), or a list of target=level.
    #[schema(example = "info,impresario::actors=debug")]
    pub level: String,
    /// Why, for the log.
    pub reason: Option<String>,
}
