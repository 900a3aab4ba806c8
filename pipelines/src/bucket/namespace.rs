//! Namespaces: splits that shall not see the same keys share one, each with a part of it.

use std::sync::Arc;

use super::hash::{thousandths, units};

/// A part of a namespace: GrowthBook's `inNamespace`, whose keys are told apart to a thousandth.
#[derive(Clone, Debug, PartialEq)]
pub struct Namespace {
    name: Arc<str>,
    from: f64,
    to: f64,
}

/// What is no part of a namespace.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum NamespaceError {
    /// It has no name.
    #[error("a namespace needs a name")]
    Nameless,
    /// Its ends are not in order, or not within the whole.
    #[error("expected a range within 0 and 1 whose start is below its end, got {from} to {to}")]
    Range {
        /// The start.
        from: f64,
        /// The end.
        to: f64,
    },
}

// === impl Namespace ===

impl Namespace {
    /// The part from one place, included, to another, excluded.
    ///
    /// # Errors
    /// [`NamespaceError`] where the name is empty or the ends are not 0 ≤ from < to ≤ 1.
    pub fn new(name: &str, from: f64, to: f64) -> Result<Self, NamespaceError> {
        if name.is_empty() {
            return Err(NamespaceError::Nameless);
        }
        // NaN is in no order, so it is refused too.
        if !(from >= 0.0 && from < to && to <= 1.0) {
            return Err(NamespaceError::Range { from, to });
        }
        let name = name.into();
        Ok(Self { name, from, to })
    }

    /// Whether a key is in it.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        // The SDKs write the seed so.
        let seed = units("__").chain(units(&self.name));
        let place = f64::from(thousandths(seed, key)) / 1_000.0;
        self.from <= place && place < self.to
    }

    /// Whether no key is in both. Namespaces of different names know nothing of each other.
    #[must_use]
    pub fn excludes(&self, other: &Self) -> bool {
        self.name == other.name && (self.to <= other.from || other.to <= self.from)
    }

    /// The name that splits share.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it begins; the place itself is in it.
    #[must_use]
    pub fn from(&self) -> f64 {
        self.from
    }

    /// Where it ends; the place itself is not in it.
    #[must_use]
    pub fn to(&self) -> f64 {
        self.to
    }
}
