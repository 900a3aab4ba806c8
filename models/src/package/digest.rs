//! A version's digest: SHA-256 over its files, so that two folders have the same one only when they hold the same.
//!
//! When to compute and compare it is decided elsewhere.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::files::{self, Fingerprint};
use crate::error::LoadError;

/// SHA-256 over a version's files, shown as 64 hexadecimal digits.
///
/// Hashed are, for each file in the order of relative paths (bytes): the path's length in bytes (u64,
/// little-endian), the path, and the SHA-256 of the contents. Each part has a known length, so no two different
/// folders give the same sequence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// A text is not a digest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest has 64 hexadecimal digits, got {got:?}")]
pub struct DigestError {
    got: String,
}

impl Digest {
    /// Reads the files that a fingerprint lists, a piece at a time.
    ///
    /// # Errors
    /// [`LoadError::Read`] when a file cannot be read.
    pub fn of(dir: &Path, files: &Fingerprint) -> Result<Self, LoadError> {
        let mut paths: Vec<&Path> = files.paths().collect();
        paths.sort_unstable_by_key(|path| path.as_os_str().as_encoded_bytes());
        let mut whole = Sha256::new();
        for relative in paths {
            let name = relative.as_os_str().as_encoded_bytes();
            whole.update((name.len() as u64).to_le_bytes());
            whole.update(name);
            whole.update(contents(&dir.join(relative))?);
        }
        Ok(Self(whole.finalize().into()))
    }

    /// SHA-256 over parts, each after its length in bytes (u64, little-endian), so that no two different lists of
    /// parts give the same sequence.
    #[must_use]
    pub fn of_parts(parts: &[&[u8]]) -> Self {
        let mut whole = Sha256::new();
        for part in parts {
            whole.update((part.len() as u64).to_le_bytes());
            whole.update(part);
        }
        Self(whole.finalize().into())
    }

    /// The digest's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn contents(path: &Path) -> Result<[u8; 32], LoadError> {
    let mut file = File::open(path).map_err(files::read(path))?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match file.read(&mut piece).map_err(files::read(path))? {
            0 => return Ok(hash.finalize().into()),
            n => hash.update(&piece[..n]),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = DigestError;
    fn try_from(text: String) -> Result<Self, DigestError> {
        let digit = |b: u8| {
            char::from(b)
                .to_digit(16)
                .filter(|_| !b.is_ascii_uppercase())
        };
        let mut bytes = [0; 32];
        let pairs = text.as_bytes().chunks_exact(2);
        let mut whole = text.len() == 64;
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => *byte = (high * 16 + low) as u8,
                _ => whole = false,
            }
        }
        whole.then_some(Self(bytes)).ok_or_else(|| DigestError {
            got: text.chars().take(80).collect(),
        })
    }
}
