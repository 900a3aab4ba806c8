//! What is kept of feedback, as texts of version 1. What was written otherwise is not read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version that is written.
const VERSION: u32 = 1;

/// A text that is not what was written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Damaged {
    /// It is no such document.
    #[error("expected a document of feedback")]
    Document(#[from] serde_json::Error),
    /// Another version has written it.
    #[error("expected version {VERSION}, got {0}")]
    Version(u32),
    /// Its bytes are no base64.
    #[error("expected base64")]
    Bytes(#[from] base64::DecodeError),
}

/// Bytes: of a part of a record, or of requests.
#[derive(Serialize, Deserialize)]
struct Bytes {
    v: u32,
    bytes: String,
}

/// What is known of a course beside its requests and its record.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    v: u32,
    /// Before when tokens are of no use, by part of the requests.
    pub(super) horizons: Vec<u64>,
    /// The arms' weights by segment, in slots.
    pub(super) weights: BTreeMap<u32, Vec<u16>>,
}

pub(super) fn bytes(bytes: &[u8]) -> String {
    write(&Bytes {
        v: VERSION,
        bytes: STANDARD_NO_PAD.encode(bytes),
    })
}

pub(super) fn read_bytes(text: &str) -> Result<Vec<u8>, Damaged> {
    let Bytes { v, bytes } = serde_json::from_str(text)?;
    current(v)?;
    Ok(STANDARD_NO_PAD.decode(bytes)?)
}

fn current(version: u32) -> Result<(), Damaged> {
    match version {
        VERSION => Ok(()),
        other => Err(Damaged::Version(other)),
    }
}

fn write(document: &impl Serialize) -> String {
    serde_json::to_string(document).expect("numbers and texts are always JSON")
}

// === impl Head ===

impl Head {
    pub(super) fn new(horizons: Vec<u64>, weights: BTreeMap<u32, Vec<u16>>) -> Self {
        Self {
            v: VERSION,
            horizons,
            weights,
        }
    }

    pub(super) fn to_text(&self) -> String {
        write(self)
    }

    pub(super) fn read(text: &str) -> Result<Self, Damaged> {
        let head: Self = serde_json::from_str(text)?;
        current(head.v)?;
        Ok(head)
    }
}
