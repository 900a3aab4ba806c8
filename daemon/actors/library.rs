//! Where versions come from: the repository of files, and what an embedding application registered.
//!
//! Synchronous; who calls it from which thread is the supervisor's and the watcher's business.

use std::collections::BTreeMap;
use std::sync::Arc;

use impresario_models::backend::{self, Engines};
use impresario_models::loader::{self, Loaded, Loaders, Stage};
use impresario_models::package;
use impresario_models::repository::Repository;
use impresario_models::{LoadError, Model, Name, VersionNumber};
use impresario_pipelines::fleet::{Residence, VersionPolicy};

/// A function that builds a registered version, again after each crash.
pub type Build = Arc<dyn Fn() -> Result<Box<dyn Model>, LoadError> + Send + Sync>;

/// All versions that can be loaded.
#[derive(Default)]
pub struct Library {
    repository: Option<Repository>,
    loaders: Loaders,
    registered: BTreeMap<(Name, VersionNumber), Build>,
}

impl Library {
    /// A library of a repository, with the engines of this build and those found beside it; a version estimated
    /// above `max_memory` bytes is refused.
    ///
    /// # Errors
    /// [`LoadError`] where an engine is required that is not there.
    pub fn new(
        repository: Option<Repository>,
        engines: &Engines,
        max_memory: Option<u64>,
    ) -> Result<Self, LoadError> {
        Ok(Self {
            repository,
            loaders: backend::loaders(engines)?.with_max_memory(max_memory),
            registered: BTreeMap::new(),
        })
    }

    /// Adds a version that the application builds itself.
    pub fn register(&mut self, model: Name, version: VersionNumber, build: Build) {
        self.registered.insert((model, version), build);
    }

    /// The repository.
    #[must_use]
    pub fn repository(&self) -> Option<&Repository> {
        self.repository.as_ref()
    }

    /// The versions that the application registered.
    pub fn registered(&self) -> impl Iterator<Item = &(Name, VersionNumber)> {
        self.registered.keys()
    }

    /// Which versions of a model its files ask to be loaded; every one for a model that was registered, the
    /// newest where the files cannot be read (the load then says what is wrong with them).
    #[must_use]
    pub fn policy(&self, model: &Name) -> VersionPolicy {
        if self
            .registered
            .keys()
            .any(|(registered, _)| registered == model)
        {
            return VersionPolicy::All;
        }
        match self
            .repository
            .as_ref()
            .map(|repository| repository.wishes(model).map(|wishes| wishes.versions))
        {
            Some(Ok(package::VersionPolicy::Latest(n))) => VersionPolicy::Latest(n.get()),
            Some(Ok(package::VersionPolicy::All)) => VersionPolicy::All,
            Some(Ok(package::VersionPolicy::List(list))) => {
                VersionPolicy::Listed(list.into_iter().collect())
            }
            Some(Err(_)) | None => VersionPolicy::default(),
        }
    }

    /// Whether a model's files ask that its versions are never parked; what an application registered never is, as
    /// it is not known what it takes.
    #[must_use]
    pub fn residence(&self, model: &Name) -> Residence {
        let repository = self.repository.as_ref();
        let wishes = repository.and_then(|repository| repository.wishes(model).ok());
        match wishes.map(|wishes| wishes.residence) {
            Some(package::Residence::Pinned) => Residence::Pinned,
            Some(package::Residence::Parkable) | None => Residence::Parkable,
        }
    }

    /// Bytes that a version's files let expect; nothing where they cannot be read, which its load will tell.
    #[must_use]
    pub fn weigh(&self, model: &Name, version: VersionNumber) -> Option<u64> {
        let package = self.repository.as_ref()?.package(model, version).ok()?;
        self.loaders
            .estimate(&package)
            .map(|estimate| estimate.memory)
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
        let repository = self
            .repository
            .as_ref()
            .ok_or_else(|| LoadError::Unsupported {
                what: format!("model '{model}' version {version} was not registered"),
                remedy: "register it or name a model repository".into(),
            })?;
        loader::load(&repository.package(model, version)?, &self.loaders, observe)
    }
}
