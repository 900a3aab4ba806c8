//! The text of a token, `imp_<id>_<secret>`, and the hash that is kept of it.
//!
//! The id is public and finds the token; it is the beginning of the hash's salt, so that a hash alone, as a
//! config has it, tells which token it is of. The secret is 256 random bits. A password's hash is made slow because
//! people choose passwords; nobody can go through 2^256 secrets however fast the hash is, so argon2id runs with
//! little memory and one pass: what is kept in the config or the store is worthless to who reads it, and a
//! request with a wrong secret costs the daemon well under a millisecond.

use std::fmt::Write as _;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

/// How a token begins, so that scanners for leaked secrets can find it.
const PREFIX: &str = "imp_";
/// Bytes of the salt that are the id.
const ID_BYTES: usize = 6;
/// Random bytes in a secret.
const SECRET_BYTES: usize = 32;
/// Random bytes in a salt.
const SALT_BYTES: usize = 16;
/// Memory of a hash made here, in KiB.
const MEMORY: u32 = 256;
/// The most memory that a hash from elsewhere may ask for, in KiB: a request must not be able to use it up.
const MAX_MEMORY: u32 = 64 * 1024;
/// The most passes that a hash from elsewhere may ask for.
const MAX_PASSES: u32 = 10;

/// A token that was just made. The text is shown once and kept nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Minted {
    /// What it is found by.
    pub id: String,
    /// What its bearer sends.
    pub text: String,
    /// What is kept.
    pub hash: String,
}

/// No token could be made.
#[derive(Debug, thiserror::Error)]
#[error("make a token: the system gave no randomness: {0}")]
pub struct MintError(getrandom::Error);

/// Why a hash cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Not of the form that `impresario token hash` prints.
    #[error("expected an argon2id hash such as `impresario token hash` prints ($argon2id$v=19$…)")]
    Form,
    /// Verifying it would cost too much.
    #[error(
        "expected at most m={MAX_MEMORY} (KiB) and t={MAX_PASSES}, got m={memory}, t={passes}; the secret is \
         random, so that more protects nothing"
    )]
    Costly {
        /// KiB.
        memory: u32,
        /// Passes over it.
        passes: u32,
    },
}

/// A token as it was sent, split.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) id: &'a str,
    secret: &'a str,
}

/// Makes a token.
///
/// # Errors
/// [`MintError`] where the system has no randomness.
pub fn mint() -> Result<Minted, MintError> {
    let secret = hex(&random::<SECRET_BYTES>()?);
    let salt = random::<SALT_BYTES>()?;
    let id = hex(&salt[..ID_BYTES]);
    let params =
        Params::new(MEMORY, 1, 1, None).expect("the parameters are within argon2's bounds");
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = argon2.hash_password_with_salt(secret.as_bytes(), &salt);
    let hash = hash.expect("the salt is within argon2's bounds");
    Ok(Minted {
        text: format!("{PREFIX}{id}_{secret}"),
        hash: hash.to_string(),
        id,
    })
}

/// The id of the token that a hash is of, if it can be verified against at a bearable price.
///
/// # Errors
/// [`HashError`].
pub fn id(hash: &str) -> Result<String, HashError> {
    let parsed = parse(hash)?;
    let salt = parsed.salt.as_ref().and_then(|salt| salt.get(..ID_BYTES));
    salt.map(hex).ok_or(HashError::Form)
}

// === impl Minted ===

/// The text is a secret and is not printed.
impl std::fmt::Debug for Minted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Minted")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

// === impl Given ===

impl<'a> Given<'a> {
    /// Splits a text; nothing where it is not of a token's form.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let word = |text: &str, most: usize| {
            (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        (word(id, 64) && word(secret, 128)).then_some(Self { id, secret })
    }

    /// Whether a hash is this secret's, in the same time whatever differs.
    pub(super) fn matches(self, hash: &str) -> bool {
        let Ok(hash) = parse(hash) else { return false };
        Argon2::default()
            .verify_password(self.secret.as_bytes(), &hash)
            .is_ok()
    }
}

fn parse(hash: &str) -> Result<PasswordHash, HashError> {
    let parsed = PasswordHash::new(hash).map_err(|_| HashError::Form)?;
    let params = Params::try_from(&parsed).map_err(|_| HashError::Form)?;
    if parsed.algorithm.as_str() != "argon2id" || parsed.salt.is_none() || parsed.hash.is_none() {
        return Err(HashError::Form);
    }
    let (memory, passes) = (params.m_cost(), params.t_cost());
    if memory > MAX_MEMORY || passes > MAX_PASSES {
        return Err(HashError::Costly { memory, passes });
    }
    Ok(parsed)
}

fn random<const N: usize>() -> Result<[u8; N], MintError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(MintError)?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}
