//! How values become keys: a tree for each kind of thing, values as JSON, cut into chunks.
//!
//! sled spills what is larger than a quarter of its segment into files of their own, which it does not fsync;
//! small chunks keep everything in the one file that we do fsync.

use std::collections::BTreeMap;

use ::sled::transaction::{ConflictableTransactionError, TransactionalTree};
use ::sled::{Db, Tree};
use impresario_models::Name;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::store::Cause;

/// Bytes of a value in one chunk. Some sixteen of them share a page, and a page stays below sled's 128 KiB.
const CHUNK: usize = 4_096;
/// Bytes of a value at most, as its chunks are counted in 16 bits.
const MAX_VALUE: usize = CHUNK * 65_535;

/// What a tree is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Of {
    /// The version mark and the head.
    Meta,
    /// Pipelines by name.
    Pipelines,
    /// Intents by model.
    Intents,
    /// Digests of applied files by pipeline.
    Applied,
    /// Records by number, in big-endian order.
    Audit,
    /// Tokens by id.
    Tokens,
    /// What is kept beside all that, by shelf and key; the head does not count it.
    Kept,
}

/// The trees, in the order of [`Of`].
#[derive(Debug)]
pub(in crate::store) struct Trees([Tree; 7]);

/// Values to put and remove, in one transaction.
#[derive(Debug, Default)]
pub(in crate::store) struct Batch(Vec<(Of, Vec<u8>, Option<Vec<u8>>)>);

/// How many values of a tree there are more, or fewer.
pub(super) type Growth = [i64; 7];

// === impl Of ===

impl Of {
    const ALL: [Self; 7] = [
        Self::Meta,
        Self::Pipelines,
        Self::Intents,
        Self::Applied,
        Self::Audit,
        Self::Tokens,
        Self::Kept,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Pipelines => "pipelines",
            Self::Intents => "intents",
            Self::Applied => "applied",
            Self::Audit => "audit",
            Self::Tokens => "tokens",
            Self::Kept => "kept",
        }
    }
}

// === impl Trees ===

impl Trees {
    pub(super) fn open(db: &Db) -> Result<Self, Cause> {
        let [a, b, c, d, e, f, g] = Of::ALL.map(|of| db.open_tree(of.as_str()));
        Ok(Self([a?, b?, c?, d?, e?, f?, g?]))
    }

    pub(super) fn tree(&self, of: Of) -> &Tree {
        &self.0[of as usize]
    }

    pub(super) fn each(&self) -> [&Tree; 7] {
        self.0.each_ref()
    }

    /// Every value of a tree with its key, in the order of keys.
    pub(super) fn all<T: DeserializeOwned>(&self, of: Of) -> Result<Vec<(Vec<u8>, T)>, Cause> {
        self.below(of, &[])
    }

    /// Every value whose key begins so, with its key, in the order of keys.
    pub(super) fn below<T: DeserializeOwned>(
        &self,
        of: Of,
        prefix: &[u8],
    ) -> Result<Vec<(Vec<u8>, T)>, Cause> {
        let mut found = Vec::new();
        let mut rest = self.tree(of).scan_prefix(prefix);
        while let Some(first) = rest.next() {
            let (first, value) = first?;
            let key = match split(&first) {
                Some((key, 0)) => key.to_vec(),
                _ => return Err(broken(of, &first, "a chunk without its first one")),
            };
            let (count, data) = head(&value).ok_or_else(|| broken(of, &first, "no count"))?;
            let mut bytes = data.to_vec();
            for index in 1..count {
                let (next, value) = rest
                    .next()
                    .ok_or_else(|| broken(of, &first, "chunks missing at the end"))??;
                if next != chunk_key(&key, index) {
                    return Err(broken(of, &first, "a chunk missing"));
                }
                bytes.extend_from_slice(&value);
            }
            let value = parse(of, &key, &bytes)?;
            found.push((key, value));
        }
        Ok(found)
    }

    /// One value.
    pub(super) fn one<T: DeserializeOwned>(&self, of: Of, key: &[u8]) -> Result<Option<T>, Cause> {
        let tree = self.tree(of);
        let Some(value) = tree.get(chunk_key(key, 0))? else {
            return Ok(None);
        };
        let (count, data) = head(&value).ok_or_else(|| broken(of, key, "no count"))?;
        let mut bytes = data.to_vec();
        for index in 1..count {
            let value = tree.get(chunk_key(key, index))?;
            let value = value.ok_or_else(|| broken(of, key, "a chunk missing"))?;
            bytes.extend_from_slice(&value);
        }
        parse(of, key, &bytes).map(Some)
    }

    /// How many values a tree has, without reading them.
    pub(super) fn count(&self, of: Of) -> Result<u64, Cause> {
        let mut count = 0;
        for key in self.tree(of).iter().keys() {
            let key = key?;
            let (_, index) = split(&key).ok_or_else(|| broken(of, &key, "not a chunk"))?;
            count += u64::from(index == 0);
        }
        Ok(count)
    }
}

// === impl Batch ===

impl Batch {
    /// A value to put.
    pub(super) fn put(&mut self, of: Of, key: &[u8], value: &impl Serialize) -> Result<(), Cause> {
        let what = || format!("{} of {}", show(of, key), of.as_str());
        let bytes = serde_json::to_vec(value).map_err(|error| Cause::Engine {
            what: format!("{} cannot be written: {error}", what()),
        })?;
        if bytes.len() > MAX_VALUE {
            return Err(Cause::TooLarge {
                what: what(),
                max: MAX_VALUE,
                got: bytes.len(),
            });
        }
        self.0.push((of, key.to_vec(), Some(bytes)));
        Ok(())
    }

    /// A value to remove, where there is one.
    pub(super) fn remove(&mut self, of: Of, key: &[u8]) {
        self.0.push((of, key.to_vec(), None));
    }

    /// What takes one map to another.
    pub(super) fn differing<S, V>(
        &mut self,
        of: Of,
        before: &BTreeMap<Name, V>,
        after: &BTreeMap<Name, V>,
    ) -> Result<(), Cause>
    where
        V: PartialEq,
        S: Serialize + for<'v> From<&'v V>,
    {
        for name in before.keys().filter(|name| !after.contains_key(*name)) {
            self.remove(of, name.as_str().as_bytes());
        }
        for (name, value) in after {
            if before.get(name) != Some(value) {
                self.put(of, name.as_str().as_bytes(), &S::from(value))?;
            }
        }
        Ok(())
    }

    pub(super) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The numbers of the oldest and the newest record to put.
    pub(super) fn records(&self) -> Option<(u64, u64)> {
        let puts = self.0.iter();
        let puts = puts.filter(|(of, _, value)| *of == Of::Audit && value.is_some());
        let numbers = puts.filter_map(|(_, key, _)| number(key));
        numbers.fold(None, |range, n| match range {
            None => Some((n, n)),
            Some((first, last)) => Some((n.min(first), n.max(last))),
        })
    }

    /// Writes everything into a transaction's view of the trees.
    pub(super) fn apply(
        &self,
        views: &[TransactionalTree],
    ) -> Result<Growth, ConflictableTransactionError<Cause>> {
        let mut growth = Growth::default();
        for (of, key, value) in &self.0 {
            let view = &views[*of as usize];
            let old = match view.get(chunk_key(key, 0))? {
                Some(value) => head(&value).map_or(1, |(count, _)| count),
                None => 0,
            };
            let chunks: Vec<_> = value.iter().flat_map(|v| v.chunks(CHUNK)).collect();
            let count = u16::try_from(chunks.len()).expect("values are bounded when they are put");
            for (index, chunk) in (0..count).zip(chunks) {
                let mut bytes = Vec::with_capacity(chunk.len() + 2);
                if index == 0 {
                    bytes.extend_from_slice(&count.to_be_bytes());
                }
                bytes.extend_from_slice(chunk);
                view.insert(chunk_key(key, index), bytes)?;
            }
            for index in count..old {
                view.remove(chunk_key(key, index))?;
            }
            growth[*of as usize] += i64::from(count > 0) - i64::from(old > 0);
        }
        Ok(growth)
    }
}

/// The key of a chunk: no name has a zero byte, so that chunks of one value stay together.
fn chunk_key(key: &[u8], index: u16) -> Vec<u8> {
    [key, &[0], &index.to_be_bytes()].concat()
}

fn split(chunk_key: &[u8]) -> Option<(&[u8], u16)> {
    let (rest, index) = chunk_key.split_last_chunk::<2>()?;
    let (zero, key) = rest.split_last()?;
    (*zero == 0).then(|| (key, u16::from_be_bytes(*index)))
}

/// The count of chunks and the first one's bytes.
fn head(value: &[u8]) -> Option<(u16, &[u8])> {
    let (count, data) = value.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*count), data))
}

fn number(key: &[u8]) -> Option<u64> {
    key.try_into().ok().map(u64::from_be_bytes)
}

fn parse<T: DeserializeOwned>(of: Of, key: &[u8], bytes: &[u8]) -> Result<T, Cause> {
    serde_json::from_slice(bytes).map_err(|error| broken(of, key, &error.to_string()))
}

fn broken(of: Of, key: &[u8], what: &str) -> Cause {
    Cause::damaged(format!("{} of {}: {what}", show(of, key), of.as_str()))
}

fn show(of: Of, key: &[u8]) -> String {
    match (of, number(key)) {
        (Of::Audit, Some(number)) => format!("number {number}"),
        _ => format!("'{}'", key.escape_ascii()),
    }
}

/// A key as a name.
pub(super) fn name(key: &[u8]) -> Result<Name, Cause> {
    let text = std::str::from_utf8(key).ok();
    text.and_then(|text| Name::new(text).ok())
        .ok_or_else(|| Cause::damaged(format!("'{}' is not a name", key.escape_ascii())))
}
