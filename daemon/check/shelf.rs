//! The versions that graphs and tests ask for, each made once, when it is first asked for.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use impresario_models::backend::{self, Engines};
use impresario_models::loader::{self, Loaded, Loaders};
use impresario_models::{Contract, LoadError, Name, Package, Repository, VersionNumber};

use crate::config::Settings;
use crate::error::causes;

/// What is done with a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Depth {
    /// Its contract is read, and no more: it is dropped again.
    Contract,
    /// It is made ready as a daemon would, golden examples included, and kept.
    Ready,
}

/// Who hears what is being done.
pub(super) type Progress<'p> = &'p dyn Fn(&str);

/// Versions on demand.
pub(super) struct Shelf<'p> {
    repository: PathBuf,
    engines: Engines,
    max_memory: Option<u64>,
    depth: Depth,
    progress: Progress<'p>,
    made: OnceCell<Result<(Repository, Loaders), Arc<str>>>,
    held: RefCell<BTreeMap<(Name, VersionNumber), Outcome>>,
}

/// A version that was made, or why it could not be.
type Outcome = Result<Held, Arc<str>>;

/// A version that was made.
#[derive(Clone)]
enum Held {
    Contract(Arc<Contract>),
    Ready(Box<Loaded>),
}

// === impl Shelf ===

impl<'p> Shelf<'p> {
    pub(super) fn new(settings: &Settings, depth: Depth, progress: Progress<'p>) -> Self {
        Self {
            repository: settings.models.repository.clone(),
            engines: settings.engines.clone(),
            max_memory: settings.models.max_load_memory,
            depth,
            progress,
            made: OnceCell::new(),
            held: RefCell::default(),
        }
    }

    /// What a version takes and gives.
    ///
    /// # Errors
    /// Why it cannot be loaded.
    pub(super) fn contract(
        &self,
        model: &Name,
        version: VersionNumber,
    ) -> Result<Arc<Contract>, Arc<str>> {
        Ok(match self.held(model, version)? {
            Held::Contract(contract) => contract,
            Held::Ready(loaded) => Arc::clone(&loaded.contract),
        })
    }

    /// A version that can be asked, on a shelf of [`Depth::Ready`].
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn ready(&self, model: &Name, version: VersionNumber) -> Result<Loaded, Arc<str>> {
        match self.held(model, version)? {
            Held::Ready(loaded) => Ok(*loaded),
            Held::Contract(_) => Err("it was looked at only".into()),
        }
    }

    fn held(&self, model: &Name, version: VersionNumber) -> Outcome {
        let key = (model.clone(), version);
        let known = self.held.borrow().get(&key).cloned();
        if let Some(held) = known {
            return held;
        }
        let held = self.make(model, version);
        self.held.borrow_mut().insert(key, held.clone());
        held
    }

    fn make(&self, model: &Name, version: VersionNumber) -> Outcome {
        let made = self.made.get_or_init(|| {
            let opened = Repository::open(&self.repository).map_err(why)?;
            let loaders = backend::loaders(&self.engines).map_err(why)?;
            Ok((opened, loaders.with_max_memory(self.max_memory)))
        });
        let (repository, loaders) = made.as_ref().map_err(Arc::clone)?;
        let mut package = repository.package(model, version).map_err(why)?;
        match self.depth {
            Depth::Contract => {
                let contract = loader::contract(&package, loaders).map_err(why)?;
                Ok(Held::Contract(Arc::new(contract)))
            }
            Depth::Ready => {
                let loaded = self.load(&mut package, loaders)?;
                Ok(Held::Ready(Box::new(loaded)))
            }
        }
    }

    fn load(&self, package: &mut Package, loaders: &Loaders) -> Result<Loaded, Arc<str>> {
        // Nobody waits for the first answer.
        package.manifest.warmup.runs = 0;
        let loaded = loader::load(package, loaders, &mut |_| ()).map_err(why)?;
        let (model, version, engine) = (&package.model, package.version, loaded.engine);
        let millis = (loaded.timings.load + loaded.timings.golden).as_millis();
        (self.progress)(&format!(
            "loaded {model} version {version} with {engine} in {millis} ms"
        ));
        Ok(loaded)
    }
}

fn why(error: LoadError) -> Arc<str> {
    causes(&error).into()
}
