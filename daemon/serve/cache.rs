//! The response cache: answers that were given before, for versions whose files ask for it.
//!
//! What an answer depends on is its key, and nothing else is: the version's identity (model, engine, digest of its
//! files, contract) and the exact inputs, datatype, shape and bits, each after its length. A key is a whole SHA-256,
//! so that two requests share an answer only when they are the same request; a pipeline's name is no part of it. A
//! version whose files are not known (an embedded one) has no identity and is never cached. When to look and what
//! to count is the business of dispatch.

use std::sync::Arc;
use std::time::{Duration, Instant};

use impresario_models::loader::Cached;
use impresario_models::tensor::Values;
use impresario_models::{DataType, Tensor};
use moka::Expiry;
use sha2::{Digest, Sha256};

/// Bytes that an entry takes beside its elements: key, counts, the table's own share.
const ENTRY: usize = 256;

/// Bytes that a tensor or a text takes beside its elements.
const PIECE: usize = 48;

/// Answers that were given before. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Cache(Option<Answers>);

type Key = [u8; 32];
type Answers = moka::sync::Cache<Key, Kept>;

/// What came of a look.
#[derive(Debug)]
pub enum Look {
    /// The version's answers are not kept.
    Off,
    /// The answer, all outputs in the contract's order.
    Hit(Vec<Tensor>),
    /// Not here; the answer may be kept under this.
    Miss(Place),
}

/// Where an answer that was missed belongs.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    key: Key,
    ttl: Option<Duration>,
}

/// Whether an answer came out of the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// It was computed; the version's answers are not kept.
    #[default]
    Computed,
    /// It was computed because the cache did not have it.
    Missed,
    /// It was given before.
    Cache,
    /// Nothing was computed in time: it is what the pipeline says is answered then.
    Substitute,
}

/// An answer and how long it may be given again.
#[derive(Clone, Debug)]
struct Kept {
    outputs: Arc<[Tensor]>,
    bytes: u32,
    ttl: Option<Duration>,
}

/// Entries end when their own version says.
struct Ttl;

// === impl Cache ===

impl Cache {
    /// A cache of at most so many bytes for all versions together; one that keeps nothing where none are said.
    #[must_use]
    pub fn new(max_bytes: Option<u64>) -> Self {
        Self(max_bytes.map(|max| {
            moka::sync::Cache::builder()
                .max_capacity(max)
                .weigher(|_, kept: &Kept| kept.bytes)
                .expire_after(Ttl)
                .build()
        }))
    }

    /// Looks for the answer to these inputs, in the contract's order, of a version whose answers are kept so.
    #[must_use]
    pub fn look(&self, version: Option<&Cached>, inputs: &[Tensor]) -> Look {
        let (Some(answers), Some(version)) = (&self.0, version) else {
            return Look::Off;
        };
        let key = key(version, inputs);
        match answers.get(&key) {
            Some(kept) => Look::Hit(kept.outputs.to_vec()),
            None => Look::Miss(Place {
                key,
                ttl: version.rules.ttl,
            }),
        }
    }

    /// Keeps an answer in its place. One that is larger than the whole cache is not kept.
    pub fn keep(&self, place: Place, outputs: &[Tensor]) {
        let Some(answers) = &self.0 else { return };
        let bytes = ENTRY + outputs.iter().map(size).sum::<usize>();
        let max = answers.policy().max_capacity().unwrap_or(u64::MAX);
        let Some(bytes) = u32::try_from(bytes).ok().filter(|b| u64::from(*b) <= max) else {
            return;
        };
        let kept = Kept {
            outputs: outputs.into(),
            bytes,
            ttl: place.ttl,
        };
        answers.insert(place.key, kept);
    }

    /// Answers and bytes in it now, roughly: entries on their way in or out may not be counted yet.
    #[must_use]
    pub fn usage(&self) -> (u64, u64) {
        let usage = |answers: &Answers| (answers.entry_count(), answers.weighted_size());
        self.0.as_ref().map_or((0, 0), usage)
    }

    /// The most bytes that it may hold; none where it keeps nothing.
    #[must_use]
    pub fn max_bytes(&self) -> Option<u64> {
        self.0.as_ref()?.policy().max_capacity()
    }
}

impl Expiry<Key, Kept> for Ttl {
    fn expire_after_create(&self, _: &Key, kept: &Kept, _: Instant) -> Option<Duration> {
        kept.ttl
    }

    fn expire_after_update(
        &self,
        _: &Key,
        kept: &Kept,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        kept.ttl
    }
}

// === impl Origin ===

impl Origin {
    /// The word of the response header, where the version's answers are kept.
    #[must_use]
    pub fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Computed | Self::Substitute => None,
            Self::Missed => Some("miss"),
            Self::Cache => Some("hit"),
        }
    }
}

/// Bytes of a tensor in memory.
pub(super) fn size(tensor: &Tensor) -> usize {
    let elements = match tensor.values() {
        Values::Bytes(texts) => texts.iter().map(|text| PIECE + text.len()).sum(),
        values => values.len() * values.datatype().size().unwrap_or(1),
    };
    PIECE + size_of_val(tensor.shape()) + elements
}

// === the key ===

/// SHA-256 over the version's identity (32 bytes), the number of inputs, and for each its datatype, rank, axes and
/// elements; numbers as u64, elements in little-endian bits, a text after its length. Each part's length is known
/// from what stands before it, so no two different requests give the same sequence.
fn key(version: &Cached, inputs: &[Tensor]) -> Key {
    let mut hash = Sha256::new();
    hash.update(version.identity.as_bytes());
    count(&mut hash, inputs.len());
    for tensor in inputs {
        hash.update([datatype(tensor.datatype())]);
        count(&mut hash, tensor.shape().len());
        for axis in tensor.shape() {
            count(&mut hash, *axis);
        }
        elements(&mut hash, tensor.values());
    }
    hash.finalize().into()
}

fn count(hash: &mut Sha256, count: usize) {
    hash.update((count as u64).to_le_bytes());
}

/// A datatype's place in the protocol's order.
fn datatype(datatype: DataType) -> u8 {
    let at = DataType::ALL.iter().position(|known| *known == datatype);
    at.and_then(|at| u8::try_from(at).ok())
        .expect("every datatype is among the fourteen of the protocol")
}

/// The elements; how many there are is said by the shape.
fn elements(hash: &mut Sha256, values: &Values) {
    match values {
        Values::Bool(v) => bits(hash, v, |v| [u8::from(*v)]),
        Values::Uint8(v) => hash.update(v),
        Values::Uint16(v) => bits(hash, v, |v| v.to_le_bytes()),
        Values::Uint32(v) => bits(hash, v, |v| v.to_le_bytes()),
        Values::Uint64(v) => bits(hash, v, |v| v.to_le_bytes()),
        Values::Int8(v) => bits(hash, v, |v| v.to_le_bytes()),
        Values::Int16(v) => bits(hash, v, |v| v.to_le_bytes()),
        Values::Int32(v) => bits(hash, v, |v| v.to_le_bytes()),
        Values::Int64(v) => bits(hash, v, |v| v.to_le_bytes()),
        Values::Fp16(v) => bits(hash, v, |v| v.to_le_bytes()),
        Values::Bf16(v) => bits(hash, v, |v| v.to_le_bytes()),
        Values::Fp32(v) => bits(hash, v, |v| v.to_le_bytes()),
        Values::Fp64(v) => bits(hash, v, |v| v.to_le_bytes()),
        Values::Bytes(texts) => {
            for text in texts {
                count(hash, text.len());
                hash.update(text);
            }
        }
    }
}

/// Hashes numbers by their bits, a block at a time: a call of the hash for each would cost more than the hash.
fn bits<T, const N: usize>(hash: &mut Sha256, values: &[T], of: impl Fn(&T) -> [u8; N]) {
    const BLOCK: usize = 2_048;
    let mut block = [0; BLOCK];
    for values in values.chunks(BLOCK / N) {
        for (value, bytes) in values.iter().zip(block.chunks_exact_mut(N)) {
            bytes.copy_from_slice(&of(value));
        }
        hash.update(&block[..values.len() * N]);
    }
}

#[cfg(test)]
mod tests;
