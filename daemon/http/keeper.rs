//! Who may load and unload over the inference protocol: those whom the admin plane would let.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HOST, HeaderName, ORIGIN};

use super::plane::{Denied, Guard};
use crate::actors::Live;
use crate::auth::{Asking, Door};
use crate::clock::Clock;
use crate::store::Role;

/// A [`Guard`] that asks the admin plane's door.
pub struct Keeper {
    door: Arc<Door>,
    live: Live,
    clock: Clock,
}

impl Keeper {
    /// Asks this door, which stands at the data plane's address, with the tokens that are published.
    #[must_use]
    pub fn new(door: Arc<Door>, live: Live, clock: Clock) -> Self {
        Self { door, live, clock }
    }
}

impl Guard for Keeper {
    fn operator(&self, request: &HttpRequest) -> Result<String, Denied> {
        let text = |name: HeaderName| {
            request
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let asking = Asking {
            authorization: text(AUTHORIZATION),
            peer: request.peer_addr().map(|peer| peer.ip()),
            hosts: [
                text(HOST),
                request
                    .uri()
                    .authority()
                    .map(|authority| authority.as_str()),
            ],
            origin: text(ORIGIN),
        };
        let snapshot = self.live.snapshot();
        let admitted = self.door.admit(&asking, &snapshot.tokens, self.clock.now());
        let identity = admitted.map_err(|denied| Denied::Unknown(denied.to_string()))?;
        if identity.role < Role::Operator {
            return Err(Denied::Forbidden(format!(
                "models are loaded and unloaded by a token of role operator or above, '{}' has {}",
                identity.name,
                identity.role.as_str()
            )));
        }
        Ok(identity.name)
    }
}
