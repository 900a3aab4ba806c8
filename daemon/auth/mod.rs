//! Who may do what on the admin plane: tokens, their verification, and the rules for a daemon that has none.
//!
//! Pure but for randomness and a small cache: times, peers and stored tokens are arguments. Which role a route
//! asks for is said at the route, in `http/admin`; where tokens are kept is the store's and the config's.

mod attempts;
mod door;
mod local;
mod text;

pub use door::{Asking, Denied, Door, Strangers};
pub use text::{HashError, MintError, Minted, id, mint};

use impresario_models::{Name, NameError};

use crate::store::{Role, Token};

/// Who is asking, known for certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The token's name, or [`LOCAL`] where no token is asked for. It is the actor of the audit.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// The name of everybody on this machine while there are no tokens. No token may have it.
pub const LOCAL: &str = "local";
/// The name of everybody while there are no tokens and the config opens the door to all. No token may have it.
pub const ANYBODY: &str = "anybody";

/// Why a name cannot be a token's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenNameError {
    /// It is not a name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// It would be confused with those who have no token.
    #[error("'{LOCAL}' and '{ANYBODY}' are the names of those who need no token")]
    Taken,
}

/// Checks what a token is to be called: it appears in logs and in the audit.
///
/// # Errors
/// [`TokenNameError`].
pub fn check_name(name: &str) -> Result<(), TokenNameError> {
    Name::new(name)?;
    match name {
        LOCAL | ANYBODY => Err(TokenNameError::Taken),
        _ => Ok(()),
    }
}

/// A token of the config, whose hash says which one it is.
///
/// # Errors
/// [`HashError`] where it can never be verified.
pub fn configured(name: String, role: Role, hash: String) -> Result<Token, HashError> {
    Ok(Token {
        id: id(&hash)?,
        name,
        role,
        hash,
        created_at: 0,
        expires_at: None,
    })
}

#[cfg(test)]
mod tests;
