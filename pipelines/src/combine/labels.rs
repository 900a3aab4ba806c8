//! Labels in the order of their numbers, found by text as quickly as by number.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// The labels of 0, 1, 2 and so on.
#[derive(Clone)]
pub struct Labels {
    texts: Arc<[String]>,
    /// The numbers in the order of their texts; of equal texts the first first.
    sorted: Arc<[u32]>,
}

// === impl Labels ===

impl Labels {
    /// The number of a text: the first, where it is there more than once.
    #[must_use]
    pub fn find(&self, text: &[u8]) -> Option<usize> {
        let label = |number: u32| self.texts[number as usize].as_bytes();
        let at = self.sorted.partition_point(|&number| label(number) < text);
        let number = *self.sorted.get(at)?;
        (label(number) == text).then_some(number as usize)
    }

    /// A label that is there more than once.
    #[must_use]
    pub fn twice(&self) -> Option<&str> {
        let pairs = self.sorted.windows(2);
        let texts = pairs.map(|pair| [0, 1].map(|i| self.texts[pair[i] as usize].as_str()));
        texts.into_iter().find_map(|[a, b]| (a == b).then_some(a))
    }
}

impl<T: Into<Arc<[String]>>> From<T> for Labels {
    /// # Panics
    /// With more labels than a `u32` counts, which no file holds.
    fn from(texts: T) -> Self {
        let texts = texts.into();
        let count = u32::try_from(texts.len()).expect("a file holds fewer labels than 2^32");
        let mut sorted: Vec<u32> = (0..count).collect();
        sorted.sort_by(|&a, &b| texts[a as usize].cmp(&texts[b as usize]));
        Self {
            texts,
            sorted: sorted.into(),
        }
    }
}

impl Deref for Labels {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.texts
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        self.texts == other.texts
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.texts.fmt(f)
    }
}
