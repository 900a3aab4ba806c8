//! Route tokens: signed notes for the caller of which arm answered, so that feedback finds its arm without a look into
//! any memory: on another replica, after a restart, long after the decision was forgotten.
//!
//! A token is base64 for URLs, without padding, of the bytes below and the first half of their HMAC-SHA256 (RFC 2104,
//! truncated as RFC 4868 does); numbers are big-endian.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the form, 1 |
//! | 8 | the course |
//! | 4 | the segment |
//! | 1 | the arm |
//! | 2 | the slot |
//! | 16 | the unit |
//! | 8 | the request, by the hash of its id |
//! | 8 | its value in each declared segment |
//! | 8 | when it was decided, in milliseconds since 1970 |
//! | 1 to 128 | the pipeline's name |

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use impresario_models::Name;
use impresario_pipelines::bucket::Slot;
use impresario_pipelines::trial::record::DIMENSIONS;
use sha2::Sha256;

use super::Unit;
use crate::feedback::Request;

/// The form that is written.
const FORM: u8 = 1;

/// Bytes of the signature.
const SIGNED: usize = 16;

/// Bytes before the name.
const HEAD: usize = 1 + 8 + 4 + 1 + 2 + 16 + 8 + DIMENSIONS + 8;

/// The longest text that can be a token.
const MAX_TEXT: usize = (HEAD + Name::MAX_BYTES + SIGNED).div_ceil(3) * 4;

/// How far another replica's clock may be ahead.
const AHEAD: Duration = Duration::from_secs(60);

/// What tokens are signed with.
#[derive(Clone)]
pub struct Secret([u8; 32]);

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The pipeline that was asked.
    pub pipeline: Name,
    /// The course that decided.
    pub course: u64,
    /// The part of it.
    pub segment: u32,
    /// The arm that answered.
    pub arm: u8,
    /// The slot that decided.
    pub slot: Slot,
    /// Whose request it was.
    pub unit: Unit,
    /// What feedback finds the request by.
    pub request: Request,
    /// Its value in each declared segment.
    pub dimensions: [u8; DIMENSIONS],
    /// When it was decided, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Why a token is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token.
    #[error("expected a route token, as the header x-route-token gives it")]
    Malformed,
    /// Nobody here has signed it, or it was changed.
    #[error("the route token was not signed by this fleet")]
    Forged,
    /// It is too old.
    #[error("the route token is {age:?} old, feedback is taken for {limit:?}")]
    Expired {
        /// How old it is.
        age: Duration,
        /// How old it may be.
        limit: Duration,
    },
    /// It says that it was made in the future.
    #[error("the route token is of a later time than now")]
    Early,
    /// It belongs to another course.
    #[error("the route token is of course {got} of pipeline '{from}', expected {expected}")]
    Foreign {
        /// The pipeline that it is of.
        from: Name,
        /// The course that it is of.
        got: u64,
        /// What it was to be of.
        expected: String,
    },
}

// === impl Secret ===

impl Secret {
    /// The secret of 32 random bytes, the same on all replicas of a fleet.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A secret that nobody else has: its tokens are of no use after a restart. None where the system gives no random
    /// bytes.
    #[must_use]
    pub fn random() -> Option<Self> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The text of a token.
    #[must_use]
    pub fn sign(&self, token: &Token) -> String {
        let mut bytes = token.bytes();
        let signature = self.mac(&bytes).finalize().into_bytes();
        bytes.extend_from_slice(&signature[..SIGNED]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token, and checks in constant time that it was signed here and not changed. `limit` is how old it may be.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn verify(&self, text: &str, now_ms: u64, limit: Duration) -> Result<Token, TokenError> {
        if text.len() > MAX_TEXT {
            return Err(TokenError::Malformed);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text);
        let bytes = bytes.map_err(|_| TokenError::Malformed)?;
        let said = bytes.len().checked_sub(SIGNED);
        let (said, signature) = said
            .and_then(|said| bytes.split_at_checked(said))
            .filter(|(said, _)| said.len() > HEAD)
            .ok_or(TokenError::Malformed)?;
        let verified = self.mac(said).verify_truncated_left(signature);
        verified.map_err(|_| TokenError::Forged)?;
        let token = Token::read(said).ok_or(TokenError::Malformed)?;
        let age = Duration::from_millis(now_ms.saturating_sub(token.at_ms));
        if age > limit {
            return Err(TokenError::Expired { age, limit });
        }
        if Duration::from_millis(token.at_ms.saturating_sub(now_ms)) > AHEAD {
            return Err(TokenError::Early);
        }
        Ok(token)
    }

    fn mac(&self, bytes: &[u8]) -> Hmac<Sha256> {
        let mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(&self.0);
        let mut mac = mac.expect("an HMAC takes a key of any length");
        mac.update(bytes);
        mac
    }
}

/// The bytes are nobody's business.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

// === impl Token ===

impl Token {
    /// Checks that feedback for a course belongs to it.
    ///
    /// # Errors
    /// [`TokenError::Foreign`].
    pub fn is_of(&self, pipeline: &Name, course: u64) -> Result<(), TokenError> {
        match self.pipeline == *pipeline && self.course == course {
            true => Ok(()),
            false => Err(TokenError::Foreign {
                from: self.pipeline.clone(),
                got: self.course,
                expected: format!("course {course} of pipeline '{pipeline}'"),
            }),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let name = self.pipeline.as_str().as_bytes();
        let mut bytes = Vec::with_capacity(HEAD + name.len() + SIGNED);
        bytes.push(FORM);
        bytes.extend(self.course.to_be_bytes());
        bytes.extend(self.segment.to_be_bytes());
        bytes.push(self.arm);
        bytes.extend(self.slot.get().to_be_bytes());
        bytes.extend(self.unit.bits().to_be_bytes());
        bytes.extend(self.request.bits().to_be_bytes());
        bytes.extend(self.dimensions);
        bytes.extend(self.at_ms.to_be_bytes());
        bytes.extend(name);
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (form, rest) = bytes.split_first_chunk::<1>()?;
        let (course, rest) = rest.split_first_chunk()?;
        let (segment, rest) = rest.split_first_chunk()?;
        let (arm, rest) = rest.split_first_chunk::<1>()?;
        let (slot, rest) = rest.split_first_chunk()?;
        let (unit, rest) = rest.split_first_chunk()?;
        let (request, rest) = rest.split_first_chunk()?;
        let (dimensions, rest) = rest.split_first_chunk()?;
        let (at_ms, name) = rest.split_first_chunk()?;
        if *form != [FORM] {
            return None;
        }
        Some(Self {
            pipeline: Name::new(std::str::from_utf8(name).ok()?).ok()?,
            course: u64::from_be_bytes(*course),
            segment: u32::from_be_bytes(*segment),
            arm: arm[0],
            slot: Slot::new(u16::from_be_bytes(*slot))?,
            unit: Unit::from_bits(u128::from_be_bytes(*unit)),
            request: Request::from_bits(u64::from_be_bytes(*request)),
            dimensions: *dimensions,
            at_ms: u64::from_be_bytes(*at_ms),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn token(name: &str) -> Token {
        Token {
            pipeline: Name::new(name).unwrap(),
            course: 7,
            segment: 2,
            arm: 1,
            slot: Slot::new(9_999).unwrap(),
            unit: Unit::of("ann"),
            request: Request::of("r"),
            dimensions: [1; DIMENSIONS],
            at_ms: 1_700_000_000_000,
        }
    }

    #[test]
    fn a_token_says_what_was_signed_until_it_is_old() {
        let secret = Secret::new([7; 32]);
        for name in ["p", &"n".repeat(Name::MAX_BYTES)] {
            let token = token(name);
            let text = secret.sign(&token);
            assert!(
                text.bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
            );
            let hour = 3_600_000;
            let verify = |now| secret.verify(&text, now, HOUR);
            assert_eq!(verify(token.at_ms), Ok(token.clone()));
            assert_eq!(verify(token.at_ms + hour), Ok(token.clone()));
            assert_eq!(verify(token.at_ms - 60_000), Ok(token.clone()));
            assert_eq!(verify(token.at_ms - 60_001), Err(TokenError::Early));
            let (age, limit) = (HOUR + Duration::from_millis(1), HOUR);
            let expired = TokenError::Expired { age, limit };
            assert_eq!(verify(token.at_ms + hour + 1), Err(expired));
        }
    }

    #[test]
    fn whatever_is_changed_in_a_token_is_found() {
        let secret = Secret::new([7; 32]);
        let token = token("prices");
        let text = secret.sign(&token);
        let verify = |secret: &Secret, text: &str| secret.verify(text, token.at_ms, HOUR);
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let changed = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(
                verify(&secret, &changed),
                Err(TokenError::Forged),
                "bit {bit}"
            );
        }
        for length in 0..text.len() {
            assert!(verify(&secret, &text[..length]).is_err(), "{length}");
        }
        assert_eq!(
            verify(&Secret::new([8; 32]), &text),
            Err(TokenError::Forged)
        );
        let long = "A".repeat(MAX_TEXT + 1);
        for text in [
            "",
            "a",
            "AAAA",
            "ä",
            &format!("{text}="),
            &format!(" {text}"),
            &long,
        ] {
            assert_eq!(verify(&secret, text), Err(TokenError::Malformed), "{text}");
        }
    }

    #[test]
    fn a_token_of_another_course_is_foreign() {
        let token = token("prices");
        let name = |text| Name::new(text).unwrap();
        assert_eq!(token.is_of(&name("prices"), 7), Ok(()));
        for (pipeline, course) in [("prices", 8), ("other", 7)] {
            let foreign = token.is_of(&name(pipeline), course).unwrap_err();
            assert_eq!(
                foreign.to_string(),
                format!(
                    "the route token is of course 7 of pipeline 'prices', expected course {course} of pipeline \
                     '{pipeline}'"
                )
            );
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(format!("{:?}", Secret::new([7; 32])), "Secret(…)");
    }
}
