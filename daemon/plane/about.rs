//! What the server and its models say of themselves.

use impresario_models::{Batching, Contract, Dim, VersionNumber};
use impresario_pipelines::fleet::Phase;

use super::Plane;
use crate::error::Error;
use crate::serve::Entry;

/// The server's name.
pub(crate) const NAME: &str = "impresario";

/// Its version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The extensions of the protocol that it has.
pub(crate) const EXTENSIONS: &[&str] = &[
    "model_repository",
    "model_configuration",
    "binary_tensor_data",
    "parameters",
    "statistics",
];

impl Plane {
    /// Why a model or pipeline, or one version, would not answer now; nothing where it would.
    ///
    /// # Errors
    /// [`Error`] where there is none of the name.
    pub(crate) fn unready(
        &self,
        name: &str,
        version: Option<&str>,
    ) -> Result<Option<String>, Error> {
        let entry = match self.serve.find(name, version) {
            Ok(entry) => entry,
            // Asked, it comes.
            Err(Error::Unavailable { .. }) if self.serve.is_parked(name, version) => {
                return Ok(None);
            }
            Err(Error::Unavailable { why, .. }) => return Ok(Some(why)),
            Err(other) => return Err(other),
        };
        let handle = entry.handle();
        let snapshot = self.serve.live().look();
        let seen = snapshot
            .fleet
            .observed
            .version(handle.model.as_str(), handle.version);
        let ready = seen.is_some_and(|seen| seen.phase == Phase::Ready);
        Ok((!ready).then(|| handle.unavailable(None).to_string()))
    }

    /// The versions of an entry's model that serve, in order.
    pub(crate) fn serving(&self, entry: &Entry) -> Vec<VersionNumber> {
        let handle = entry.handle();
        let snapshot = self.serve.live().look();
        let targets = snapshot.table.targets().iter();
        let serving = targets
            .filter(|target| target.model == handle.model)
            .map(|target| target.version);
        let mut versions: Vec<_> = serving.collect();
        versions.sort_unstable();
        versions
    }
}

/// A contract's batch axis as Triton's configuration has it: the most rows (0: no such axis), and how many axes
/// at the front of each port are it.
pub(crate) fn batching(contract: &Contract) -> (i32, usize) {
    match contract.batching {
        Batching::None => (0, 0),
        // Where the model sets no limit, the largest that the protocol's type can say.
        Batching::FirstAxis { max: None } => (i32::MAX, 1),
        Batching::FirstAxis { max: Some(max) } => (i32::try_from(max.get()).unwrap_or(i32::MAX), 1),
    }
}

/// A port's axes as the protocol has them: free ones are -1.
pub(crate) fn dims(shape: &[Dim]) -> Vec<i64> {
    let size = |dim: &Dim| match dim {
        Dim::Fixed(size) => i64::try_from(*size).unwrap_or(i64::MAX),
        Dim::Free(_) => -1,
    };
    shape.iter().map(size).collect()
}
