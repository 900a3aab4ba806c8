//! Where versions come from: the repository of files, and what an embedding application registered.
//!
//! Synchronous; who calls it from which thread is the supervisor's and the watcher's business.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use impresario_models::loader::{self, Loaded, Loaders, Stage};
use impresario_models::package::{self, Package};
use impresario_models::{LoadError, Model, Name, VersionNumber};
use impresario_pipelines::fleet::VersionPolicy;

/// A function that builds a registered version, again after each crash.
pub type Build = Arc<dyn Fn() -> Result<Box<dyn Model>, LoadError> + Send + Sync>;

/// All versions that can be loaded.
#[derive(Default)]
pub struct Library {
    repository: Option<PathBuf>,
    loaders: Loaders,
    registered: BTreeMap<(Name, VersionNumber), Build>,
}

impl Library {
    /// A library of a repository's folder, with the engines of this build.
    #[must_use]
    pub fn new(repository: Option<PathBuf>) -> Self {
        Self {
            repository,
            loaders: engines(),
            registered: BTreeMap::new(),
        }
    }

    /// Adds a version that the application builds itself.
    pub fn register(&mut self, model: Name, version: VersionNumber, build: Build) {
        self.registered.insert((model, version), build);
    }

    /// The repository's folder.
    #[must_use]
    pub fn repository(&self) -> Option<&Path> {
        self.repository.as_deref()
    }

    /// The versions that the application registered.
    pub fn registered(&self) -> impl Iterator<Item = &(Name, VersionNumber)> {
        self.registered.keys()
    }

    /// Which versions of a model its files ask to be loaded; every one for a model that was registered, the
    /// newest where the files say nothing or cannot be read (the load then says what is wrong with them).
    #[must_use]
    pub fn policy(&self, model: &Name, version: VersionNumber) -> VersionPolicy {
        if self.registered.contains_key(&(model.clone(), version)) {
            return VersionPolicy::All;
        }
        let package = self.repository().map(|root| Package::open(root, model, version));
        match package {
            Some(Ok(package)) => match package.manifest.versions {
                package::VersionPolicy::Latest(n) => VersionPolicy::Latest(n.get()),
                package::VersionPolicy::All => VersionPolicy::All,
                package::VersionPolicy::List(list) => VersionPolicy::Listed(list.into_iter().collect()),
            },
            Some(Err(_)) | None => VersionPolicy::default(),
        }
    }

    /// Loads a version, telling each stage as it begins.
    ///
    /// # Errors
    /// As [`loader::load`]; for a registered version whatever its builder says.
    pub fn load(
        &self,
        model: &Name,
        version: VersionNumber,
        observe: &mut dyn FnMut(Stage),
    ) -> Result<Loaded, LoadError> {
        if let Some(build) = self.registered.get(&(model.clone(), version)) {
            observe(Stage::Loading);
            return Ok(Loaded::from_model(build()?));
        }
        let root = self.repository().ok_or_else(|| LoadError::Unsupported {
            what: format!("model '{model}' version {version} was not registered"),
            remedy: "register it or name a model repository".into(),
        })?;
        loader::load(&Package::open(root, model, version)?, &self.loaders, observe)
    }
}

/// The engines of this build.
fn engines() -> Loaders {
    let loaders = Loaders::new();
    #[cfg(feature = "onnx")]
    let loaders = loaders.with(
        package::Kind::Onnx,
        Box::new(impresario_models::backend::onnx::OnnxLoader::default()),
    );
    #[cfg(feature = "burn")]
    let loaders = loaders.with(
        package::Kind::Burn,
        Box::new(impresario_models::backend::burn::BurnLoader::default()),
    );
    #[cfg(feature = "fake")]
    let loaders = loaders.with(
        package::Kind::Fake,
        Box::new(impresario_models::backend::fake::FakeLoader::default()),
    );
    loaders
}
