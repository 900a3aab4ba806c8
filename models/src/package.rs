//! One version's files: where they are, which engine they are for, and what they say of themselves.

use std::path::{Path, PathBuf};

use crate::name::{Name, VersionNumber};

/// A version's folder, looked at but not loaded.
#[derive(Clone, Debug)]
pub struct Package {
    /// The model it is a version of.
    pub model: Name,
    /// Its number.
    pub version: VersionNumber,
    /// The version's folder.
    pub dir: PathBuf,
    /// The file that the engine loads.
    pub artifact: Artifact,
    /// `model.toml`, the version's merged over the model's; default where there is none.
    pub manifest: Manifest,
}

/// The file that holds the model, by the engine it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Artifact {
    /// `model.onnx`.
    Onnx(PathBuf),
    /// Weights for an architecture that `model.toml` declares.
    Burn(PathBuf),
}

/// What `model.toml` says.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// The `[burn]` table: backend and architecture; read by the Burn engine.
    pub burn: Option<toml::Table>,
}

impl Artifact {
    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Onnx(path) | Self::Burn(path) => path,
        }
    }
}
