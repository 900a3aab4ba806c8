//! Tokens as they are shown; a hash never is, and a token's text only once.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::time;
use crate::store::{Role, Token};

/// All tokens.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tokens)]
pub struct TokensV1 {
    /// Those of the config first.
    pub tokens: Vec<TokenV1>,
}

/// A token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenV1 {
    /// What it is found and removed by.
    pub id: String,
    /// What it is called; the actor of the audit.
    pub name: String,
    /// What its bearer may do.
    pub role: RoleV1,
    /// Where it is kept.
    pub source: TokenSourceV1,
    /// When it was made (RFC 3339); not known of those of the config.
    pub created_at: Option<String>,
    /// When it ends (RFC 3339).
    pub expires_at: Option<String>,
    /// Whether it has ended.
    pub expired: bool,
}

/// Where a token is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = TokenSource)]
#[serde(rename_all = "lowercase")]
pub enum TokenSourceV1 {
    /// In the config.
    Config,
    /// In the store.
    Store,
}

/// What a caller may do; each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, clap::ValueEnum)]
#[schema(as = Role)]
#[serde(rename_all = "lowercase")]
pub enum RoleV1 {
    /// Read.
    Viewer,
    /// Change routing, load and unload.
    Operator,
    /// Also make and remove tokens, and back up.
    Admin,
}

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewToken)]
#[serde(deny_unknown_fields)]
pub struct NewTokenV1 {
    /// What it is to be called.
    #[schema(example = "ci")]
    pub name: String,
    /// What its bearer may do.
    pub role: RoleV1,
    /// How long it is to last, such as `30d`; for ever where absent.
    #[serde(default)]
    #[schema(example = "30d")]
    pub expires_in: Option<String>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Minted)]
pub struct MintedV1 {
    /// What its bearer sends. It is shown this once and kept nowhere.
    #[schema(example = "imp_0123456789ab_…")]
    pub token: String,
    /// The rest.
    #[serde(flatten)]
    pub is: TokenV1,
}

/// A token that was removed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Removed)]
pub struct RemovedV1 {
    /// Its id.
    pub id: String,
    /// What it was called.
    pub name: String,
}

// === impl TokenV1 ===

impl TokenV1 {
    /// A token of the config or the store, at a wall time.
    #[must_use]
    pub fn of(token: &Token, source: TokenSourceV1, wall: u64) -> Self {
        Self {
            id: token.id.clone(),
            name: token.name.clone(),
            role: token.role.into(),
            source,
            created_at: (source == TokenSourceV1::Store).then(|| time(token.created_at)),
            expires_at: token.expires_at.map(time),
            expired: token.expires_at.is_some_and(|at| at <= wall),
        }
    }
}

// === impl RoleV1 ===

impl From<Role> for RoleV1 {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Operator => Self::Operator,
            Role::Admin => Self::Admin,
        }
    }
}

impl From<RoleV1> for Role {
    fn from(role: RoleV1) -> Self {
        match role {
            RoleV1::Viewer => Self::Viewer,
            RoleV1::Operator => Self::Operator,
            RoleV1::Admin => Self::Admin,
        }
    }
}
