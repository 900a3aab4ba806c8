//! Versions that misbehave on purpose, for tests and load benches: what a version's `fake.toml` says they do.
//!
//! | behaviour | what it is for |
//! |---|---|
//! | `echo` | outputs are the inputs: values that arrive can be compared with those sent |
//! | `slow` | sleeps `delay` before it echoes: queues, deadlines, draining |
//! | `flaky` | every `every`-th inference fails: errors that are not crashes |
//! | `panicking` | panics where an input holds `marker`: crashes of an instance beside healthy requests |
//! | `hanging` | blocks where an input holds `marker`, until the [`Gate`] is released: timeouts |
//!
//! `[load]` makes loading itself slow, failing or panicking. No fake is built into a daemon without the feature.

mod model;
mod spec;

use std::fs;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::error::LoadError;
use crate::loader::{Estimate, Loader, Model};
use crate::package::{Artifact, Package};

use model::Fake;
use spec::{Outcome, Spec};

/// Makes the versions that `fake.toml` describes.
#[derive(Debug, Default)]
pub struct FakeLoader {
    gate: Gate,
}

/// Holds every hanging inference of one loader back until it is released, for good.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

// === impl FakeLoader ===

impl FakeLoader {
    /// The gate of all hanging versions that this loader makes.
    #[must_use]
    pub fn gate(&self) -> Gate {
        self.gate.clone()
    }

    fn spec(package: &Package) -> Result<Spec, LoadError> {
        let Artifact::Fake(path) = &package.artifact else {
            let path = package.artifact.path().to_owned();
            let what = "expected fake.toml".to_owned();
            return Err(LoadError::Invalid { path, what });
        };
        let text = fs::read_to_string(path).map_err(|source| LoadError::Read {
            path: path.clone(),
            source,
        })?;
        Spec::parse(&text).map_err(|what| LoadError::Invalid {
            path: path.clone(),
            what,
        })
    }
}

impl Loader for FakeLoader {
    fn engine(&self) -> &'static str {
        "fake"
    }

    fn estimate(&self, package: &Package) -> Result<Estimate, LoadError> {
        Ok(Estimate {
            memory: Self::spec(package)?.memory,
        })
    }

    fn load(&self, package: &Package) -> Result<Box<dyn Model>, LoadError> {
        let spec = Self::spec(package)?;
        std::thread::sleep(spec.load_delay);
        match spec.outcome {
            Outcome::Ok => Ok(Box::new(Fake::new(spec, self.gate()))),
            Outcome::Fail => Err(LoadError::Engine {
                engine: self.engine(),
                what: "fails to load, as fake.toml says".into(),
            }),
            Outcome::Panic => panic!("panics while it loads, as fake.toml says"),
        }
    }
}

// === impl Gate ===

impl Gate {
    /// Lets every inference go on that hangs, and all that would hang later.
    pub fn release(&self) {
        let (open, bell) = &*self.0;
        *open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        bell.notify_all();
    }

    /// Blocks until the gate is released.
    fn pass(&self) {
        let (open, bell) = &*self.0;
        let open = open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(bell.wait_while(open, |open| !*open));
    }
}

#[cfg(test)]
mod tests;
