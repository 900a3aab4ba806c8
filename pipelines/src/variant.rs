//! Variants: what a policy picks between, as headers, metrics and evidence name them.

use std::fmt;

use impresario_models::{Name, VersionNumber};

/// The name of a variant. Those of the built-in policies cost nothing to pass on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// A name that the policy itself gives.
    Fixed(&'static str),
    /// A name that a specification gives.
    Named(Name),
}

/// A variant with its name and the version that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arm {
    /// The variant's name.
    pub name: Name,
    /// The model that answers for it.
    pub model: Name,
    /// Its version.
    pub version: VersionNumber,
}

// === impl Variant ===

impl Variant {
    /// The only one of a standalone policy.
    pub const STANDALONE: Self = Self::Fixed("standalone");
    /// A version that was asked for by its number, past every policy.
    pub const DIRECT: Self = Self::Fixed("direct");
    /// The version that a canary is held against.
    pub const STABLE: Self = Self::Fixed("stable");
    /// The version that earns its traffic.
    pub const CANARY: Self = Self::Fixed("canary");

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Fixed(name) => name,
            Self::Named(name) => name.as_str(),
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&Name> for Variant {
    fn from(name: &Name) -> Self {
        Self::Named(name.clone())
    }
}
