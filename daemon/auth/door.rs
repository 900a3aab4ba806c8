//! The door: who is this, as far as the request proves it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use impresario_pipelines::fleet::Now;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::attempts::Attempts;
use super::text::Given;
use super::{ANYBODY, Identity, LOCAL, local};
use crate::store::{Role, Token};

/// Tells who asks. One per admin address, shared by its threads.
#[derive(Debug)]
pub struct Door {
    bound: SocketAddr,
    strangers: Strangers,
    configured: Vec<Token>,
    // Held for less than a microsecond; hashing is done outside.
    state: Mutex<State>,
}

/// What becomes of requests from other machines while there are no tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strangers {
    /// They are refused.
    #[default]
    Refused,
    /// They are admitted as admins, because the config says so in as many words.
    Admitted,
}

/// What a request says of its sender.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asking<'a> {
    /// The `Authorization` header.
    pub authorization: Option<&'a str>,
    /// The other end of the socket.
    pub peer: Option<IpAddr>,
    /// The `Host` header, and the host of the request's target where it has one.
    pub hosts: [Option<&'a str>; 2],
    /// The `Origin` header.
    pub origin: Option<&'a str>,
    /// The `Sec-Fetch-Site` header.
    pub site: Option<&'a str>,
}

/// Why a request is not admitted. No message holds what was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// There are tokens, and none was sent.
    #[error("a token is needed: send it as `Authorization: Bearer imp_…`")]
    Missing,
    /// What was sent is not a token of this daemon.
    #[error("the token is not known here, or it was removed")]
    Unknown,
    /// It was one.
    #[error("the token '{name}' has expired: ask an admin for a new one")]
    Expired {
        /// What it is called.
        name: String,
    },
    /// Too many wrong ones came from there.
    #[error("too many wrong tokens from this address: try again in {} s", .retry_after.as_secs().max(1))]
    Slowed {
        /// When it is worth to come back.
        retry_after: Duration,
    },
    /// There are no tokens, and the request may be a stranger's.
    #[error(
        "{why}; there are no tokens yet: make one with `impresario token create` to use it from elsewhere"
    )]
    Foreign {
        /// Which sign it bears.
        why: &'static str,
    },
}

#[derive(Debug, Default)]
struct State {
    /// By id, what was verified. Only tokens that are there come in, so that there are no more than tokens.
    verified: HashMap<String, Verified>,
    attempts: Attempts,
}

/// A text that was found to match a hash.
#[derive(Debug)]
struct Verified {
    /// SHA-256 of the text.
    text: [u8; 32],
    /// The hash: once the token is replaced, this is worth nothing.
    hash: String,
}

// === impl Door ===

impl Door {
    /// A door at an address, with the tokens of the config.
    #[must_use]
    pub fn new(bound: SocketAddr, configured: Vec<Token>, strangers: Strangers) -> Self {
        Self {
            bound,
            strangers,
            configured,
            state: Mutex::default(),
        }
    }

    /// The tokens of the config.
    #[must_use]
    pub fn configured(&self) -> &[Token] {
        &self.configured
    }

    /// Whether anybody would come in if there were no tokens.
    #[must_use]
    pub fn opens_without_tokens(&self) -> bool {
        self.strangers == Strangers::Admitted || self.bound.ip().to_canonical().is_loopback()
    }

    /// Tells who asks. `stored` are the tokens of the store.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn admit(
        &self,
        asking: &Asking<'_>,
        stored: &[Token],
        now: Now,
    ) -> Result<Identity, Denied> {
        if self.configured.is_empty() && stored.is_empty() {
            let (why, name) = match self.strangers {
                Strangers::Refused => (local::foreign(asking, self.bound.ip()), LOCAL),
                Strangers::Admitted => (local::other_origin(asking), ANYBODY),
            };
            return match why {
                Some(why) => Err(Denied::Foreign { why }),
                None => Ok(Identity {
                    name: name.to_owned(),
                    role: Role::Admin,
                }),
            };
        }
        let text = bearer(asking.authorization.ok_or(Denied::Missing)?).ok_or(Denied::Missing)?;
        let find = |id: &str| {
            self.configured
                .iter()
                .chain(stored)
                .find(|token| token.id == id)
        };
        let given = Given::parse(text);
        let token = given.and_then(|given| find(given.id));
        let verified = match (given, token) {
            (Some(given), Some(token)) => self.verified(given, text, token, asking.peer, now)?,
            _ => false,
        };
        let Some(token) = token.filter(|_| verified) else {
            return Err(self.wrong(asking.peer, now));
        };
        if token.expires_at.is_some_and(|at| at <= now.wall) {
            let name = token.name.clone();
            return Err(Denied::Expired { name });
        }
        Ok(Identity {
            name: token.name.clone(),
            role: token.role,
        })
    }

    /// Whether the text is the token's: a look where it was verified before, a hash where not.
    fn verified(
        &self,
        given: Given<'_>,
        text: &str,
        token: &Token,
        peer: Option<IpAddr>,
        now: Now,
    ) -> Result<bool, Denied> {
        let digest: [u8; 32] = Sha256::digest(text).into();
        {
            let state = self.state();
            let known = state
                .verified
                .get(&token.id)
                .filter(|known| known.hash == token.hash);
            if known.is_some_and(|known| known.text.ct_eq(&digest).into()) {
                return Ok(true);
            }
            slowed(&state, peer, now)?;
        }
        if !given.matches(&token.hash) {
            return Ok(false);
        }
        let hash = token.hash.clone();
        let verified = Verified { text: digest, hash };
        self.state().verified.insert(token.id.clone(), verified);
        Ok(true)
    }

    /// Counts a wrong token.
    fn wrong(&self, peer: Option<IpAddr>, now: Now) -> Denied {
        let mut state = self.state();
        if let Err(slowed) = slowed(&state, peer, now) {
            return slowed;
        }
        if let Some(peer) = peer {
            state.attempts.failed(peer, now.monotonic);
        }
        Denied::Unknown
    }

    /// Forgets what was verified of tokens that are gone.
    pub fn forget(&self, id: &str) {
        self.state().verified.remove(id);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is in it is right whenever it is there.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn slowed(state: &State, peer: Option<IpAddr>, now: Now) -> Result<(), Denied> {
    let wait = peer.and_then(|peer| state.attempts.wait(peer, now.monotonic));
    wait.map_or(Ok(()), |retry_after| Err(Denied::Slowed { retry_after }))
}

/// The token of an `Authorization` header of the scheme `Bearer`.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
