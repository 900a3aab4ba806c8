//! One version's files: where they are, which engine they are for, and what they say of themselves.
//!
//! A package is looked at, never loaded: the engines do that. Finding the versions of a repository is
//! [`crate::repository`]'s business.

pub mod digest;
pub mod files;
pub mod manifest;
pub mod overlay;
pub mod pbtxt;
pub mod triton;
mod written;

use std::path::{Path, PathBuf};

use crate::error::LoadError;
use crate::name::{Name, VersionNumber};

pub use digest::Digest;
pub use files::Fingerprint;
pub use manifest::{
    Caching, EngineChoice, Join, Limits, Manifest, Onnx, PortRules, Residence, VersionPolicy,
    Warmup, Wishes,
};

/// A version's folder, looked at but not loaded.
#[derive(Clone, Debug)]
pub struct Package {
    /// The model it is a version of.
    pub model: Name,
    /// Its number.
    pub version: VersionNumber,
    /// The version's folder: `ROOT/MODEL/VERSION`, where ROOT is the repository's canonical path.
    pub dir: PathBuf,
    /// The file that the engine loads.
    pub artifact: Artifact,
    /// `model.toml`, the version's merged over the model's, and `config.pbtxt`; defaults where there is none.
    pub manifest: Manifest,
}

/// The file that holds the model, by the engine it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Artifact {
    /// `model.onnx`.
    Onnx(PathBuf),
    /// Weights for an architecture that `model.toml` declares.
    Burn(PathBuf),
    /// `fake.toml`: a version that misbehaves on purpose, for tests.
    #[cfg(feature = "fake")]
    Fake(PathBuf),
}

/// The kinds of artifact, as loaders are registered for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An ONNX file.
    Onnx,
    /// Weights for the Burn engine.
    Burn,
    /// A fake.
    #[cfg(feature = "fake")]
    Fake,
}

/// The names that hold weights for the Burn engine.
pub const BURN_WEIGHTS: [&str; 5] = [
    "model.safetensors",
    "model.pt",
    "state.pt",
    "model.mpk",
    "model.bpk",
];

/// The name of an ONNX artifact.
pub const ONNX_FILE: &str = "model.onnx";

/// The name of a fake's artifact.
pub const FAKE_FILE: &str = "fake.toml";

// === impl Package ===

impl Package {
    /// Looks at the version's folder: finds its one artifact and reads what it says of itself.
    ///
    /// # Errors
    /// [`LoadError`] when the folder or a file cannot be read, when no artifact or more than one is there, when
    /// `model.toml` or `config.pbtxt` is wrong (with line, key, expected and got), or when a path leaves the
    /// repository.
    pub fn open(
        repository_root: &Path,
        model: &Name,
        version: VersionNumber,
    ) -> Result<Self, LoadError> {
        Self::open_with(repository_root, model, version, &Limits::default())
    }

    /// The same, with other limits where the files say none.
    ///
    /// # Errors
    /// As for [`Package::open`].
    pub fn open_with(
        repository_root: &Path,
        model: &Name,
        version: VersionNumber,
        defaults: &Limits,
    ) -> Result<Self, LoadError> {
        let root = files::canonical(repository_root)?;
        let model_dir = root.join(model.as_str());
        let dir = model_dir.join(version.to_string());
        files::inside(&root, &dir)?;
        if !dir.is_dir() {
            return Err(files::invalid(
                &dir,
                "expected a version's folder, found a file",
            ));
        }
        let listing = files::list(&root, &dir)?;
        if let Some(note) = listing.notes.into_iter().next() {
            return Err(files::invalid(&note.path, note.what));
        }
        let names: Vec<&str> = listing
            .fingerprint
            .paths()
            .filter_map(Path::to_str)
            .collect();
        let manifest = Manifest::read(&root, &model_dir, &dir, model, defaults)?;
        let artifact = choose(&dir, &names, manifest.burn.as_ref())?;
        Ok(Self {
            model: model.clone(),
            version,
            dir,
            artifact,
            manifest,
        })
    }

    /// The repository's canonical path, two folders above the version's.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.dir.ancestors().nth(2).unwrap_or(&self.dir)
    }

    /// A file of the version by its path relative to the version's folder, such as a model's external data.
    ///
    /// # Errors
    /// [`LoadError`] when the path is absolute, has a `..`, is hidden or temporary (such files are no part of a
    /// version and not in its digest), does not exist, or leads out of the repository.
    pub fn resolve(&self, relative: &str) -> Result<PathBuf, LoadError> {
        files::resolve(self.root(), &self.dir, relative)
    }

    /// The version's files as they are now: relative paths, sizes and times of change.
    ///
    /// # Errors
    /// [`LoadError::Read`] when the folder cannot be read.
    pub fn fingerprint(&self) -> Result<Fingerprint, LoadError> {
        Ok(files::list(self.root(), &self.dir)?.fingerprint)
    }

    /// SHA-256 over the version's files; see [`Digest`].
    ///
    /// # Errors
    /// [`LoadError::Read`] when a file cannot be read.
    pub fn digest(&self) -> Result<Digest, LoadError> {
        Digest::of(&self.dir, &self.fingerprint()?)
    }
}

// === impl Artifact ===

impl Artifact {
    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Onnx(path) | Self::Burn(path) => path,
            #[cfg(feature = "fake")]
            Self::Fake(path) => path,
        }
    }

    /// The kind of loader it takes.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Onnx(_) => Kind::Onnx,
            Self::Burn(_) => Kind::Burn,
            #[cfg(feature = "fake")]
            Self::Fake(_) => Kind::Fake,
        }
    }
}

/// Whether a file of this name, directly in a version's folder, is a model's artifact.
#[must_use]
pub fn is_artifact(name: &str) -> bool {
    name == ONNX_FILE || name == FAKE_FILE || BURN_WEIGHTS.contains(&name)
}

/// The one artifact among the files of a version's folder. Where `[burn]` names its weights, those are meant, and
/// other weights beside them are not.
fn choose(
    dir: &Path,
    names: &[&str],
    declared: Option<&toml::Table>,
) -> Result<Artifact, LoadError> {
    let named = declared.and_then(|burn| burn.get("weights")?.as_str());
    let named = named.map(|name| name.trim_start_matches("./"));
    let meant = |name: &str| match named {
        Some(named) => name == named || name == ONNX_FILE || name == FAKE_FILE,
        None => is_artifact(name),
    };
    let mut candidates: Vec<&str> = names.iter().copied().filter(|n| meant(n)).collect();
    candidates.sort_unstable();
    match candidates[..] {
        [ONNX_FILE] => Ok(Artifact::Onnx(dir.join(ONNX_FILE))),
        #[cfg(feature = "fake")]
        [FAKE_FILE] => Ok(Artifact::Fake(dir.join(FAKE_FILE))),
        #[cfg(not(feature = "fake"))]
        [FAKE_FILE] => Err(LoadError::Unsupported {
            what: format!("{}: a fake version", dir.join(FAKE_FILE).display()),
            remedy: "build with the feature 'fake', which is for tests".into(),
        }),
        [weights] if declared.is_some() => Ok(Artifact::Burn(dir.join(weights))),
        [weights] => Err(files::invalid(
            dir,
            format!(
                "found the weights {weights}, but neither this folder nor the model's has a model.toml with a \
                 [burn] table, which declares the architecture they belong to"
            ),
        )),
        [] => Err(files::invalid(dir, nothing(names, named))),
        _ => Err(files::invalid(
            dir,
            format!(
                "expected one model file, found {}: a version is one model, so move the others to versions of \
                 their own",
                candidates.join(" and ")
            ),
        )),
    }
}

/// What to say of a folder without an artifact.
fn nothing(names: &[&str], named: Option<&str>) -> String {
    const SHOWN: usize = 10;
    let found = match names.len() {
        0 => "no files".to_owned(),
        n if n > SHOWN => format!("{} and {} more", names[..SHOWN].join(", "), n - SHOWN),
        _ => names.join(", "),
    };
    let near = names.iter().find(|n| n.ends_with(".onnx"));
    let hint = near.map_or(String::new(), |n| {
        format!("; is {n} the model? rename it to {ONNX_FILE}")
    });
    let weights = match named {
        Some(named) => format!("{named}, the weights that model.toml names"),
        None => format!(
            "weights ({}) with a [burn] table in model.toml",
            BURN_WEIGHTS.join(", ")
        ),
    };
    format!("expected {ONNX_FILE}, or {weights}; found {found}{hint}")
}

#[cfg(test)]
mod tests;
