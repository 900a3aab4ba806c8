//! A delivery: what is posted of a record to one webhook, the same at each try but for the time in its signature.

use hmac::{Hmac, Mac};
use impresario_pipelines::fleet::Record;
use sha2::{Digest, Sha256};

use super::hook::{Hook, Secret, hex};
use super::letter;

/// What is posted.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    /// Its number in the audit.
    pub(super) seq: u64,
    /// The same at each try, and after a restart.
    pub(super) id: String,
    /// The record's action.
    pub(super) action: String,
    /// What stands in the body.
    pub(super) body: Vec<u8>,
}

// === impl Delivery ===

impl Delivery {
    pub(super) fn of(record: &Record, hook: &Hook) -> Self {
        let mut hash = Sha256::new();
        // The time is in it because a store that begins anew counts anew.
        for part in [
            &hook.address.key(),
            &record.seq.to_string(),
            &record.at.to_string(),
        ] {
            hash.update(part);
            hash.update([0]);
        }
        Self {
            seq: record.seq,
            id: hex(&hash.finalize()[..16]),
            action: record.action.clone(),
            body: letter::write(record, hook.format),
        }
    }
}

/// What a body is signed with at a time, in seconds since 1970: `t=TIME,v1=HMAC`, where the HMAC is HMAC-SHA-256 of
/// `TIME.BODY`, in hexadecimal digits.
pub(super) fn signature(secret: &Secret, at: u64, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.bytes());
    let mut mac = mac.expect("a key of HMAC may have any length");
    mac.update(format!("{at}.").as_bytes());
    mac.update(body);
    format!("t={at},v1={}", hex(&mac.finalize().into_bytes()))
}
