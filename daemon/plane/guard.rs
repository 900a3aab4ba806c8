//! Who may load and unload through the data plane.

use std::sync::Arc;

use crate::actors::Live;
use crate::auth::{self, Asking, Door, Identity};
use crate::clock::Clock;
use crate::store::Role;

/// Says who may change things through the repository extension. [`Operators`] asks tokens for it.
pub trait Guard: Send + Sync {
    /// The name of the caller, for the audit, where they may load and unload models.
    ///
    /// # Errors
    /// [`Denied`], with what the caller can do about it.
    fn operator(&self, asking: &Asking<'_>) -> Result<String, Denied>;
}

/// Why a caller may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Nothing says who the caller is.
    #[error("{0}")]
    Unknown(String),
    /// The caller is known and may not.
    #[error("{0}")]
    Forbidden(String),
}

impl Denied {
    /// The same, said of the part of a request that not everybody may use.
    pub(crate) fn of(self, what: &str) -> Self {
        let said =
            |why: String| format!("{what} is for those who may load and unload models: {why}");
        match self {
            Self::Unknown(why) => Self::Unknown(said(why)),
            Self::Forbidden(why) => Self::Forbidden(said(why)),
        }
    }
}

/// The question answered by the same tokens and roles as on the admin plane.
#[derive(Clone, Debug)]
pub struct Operators {
    /// The door of the address that the requests come to.
    pub door: Arc<Door>,
    /// Where the store's tokens are published.
    pub live: Live,
    /// Time.
    pub clock: Clock,
}

impl Guard for Operators {
    fn operator(&self, asking: &Asking<'_>) -> Result<String, Denied> {
        let admitted = self
            .door
            .admit(asking, &self.live.snapshot().tokens, self.clock.now());
        let identity = admitted.map_err(|denied| match denied {
            auth::Denied::Foreign { .. } => Denied::Forbidden(denied.to_string()),
            denied => Denied::Unknown(denied.to_string()),
        })?;
        match identity.role >= Role::Operator {
            true => Ok(identity.name),
            false => Err(Denied::Forbidden(too_low(&identity, Role::Operator))),
        }
    }
}

/// What somebody is told whose role is not enough.
pub(crate) fn too_low(identity: &Identity, needed: Role) -> String {
    let (needed, got) = (needed.as_str(), identity.role.as_str());
    format!(
        "expected a token of role {needed} or above, '{}' has {got}",
        identity.name
    )
}
