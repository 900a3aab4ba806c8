//! Who asks.

use serde::Serialize;
use utoipa::ToSchema;

use super::RoleV1;

/// Who the daemon takes the caller for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Me)]
pub struct MeV1 {
    /// The token's name, as the audit will have it; `local` or `anybody` where there are no tokens.
    #[schema(example = "ops")]
    pub name: String,
    /// What they may do.
    pub role: RoleV1,
    /// Whether a token said so. Without any, the place that the request came from did.
    pub by_token: bool,
}
