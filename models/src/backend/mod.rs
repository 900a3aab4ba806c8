//! The engines, one folder each, each behind its feature.

#[cfg(feature = "burn")]
pub mod burn;
#[cfg(feature = "fake")]
pub mod fake;
#[cfg(feature = "onnx")]
pub mod onnx;

use std::path::PathBuf;

use crate::error::LoadError;
use crate::loader::Loaders;
#[allow(unused_imports, reason = "a build may have no engine at all")]
use crate::package::Kind;

/// The engines that are not built in: which are wanted, and where they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Engines {
    /// Whether ONNX Runtime is used.
    pub onnxruntime: Use,
    /// Its shared library, where it is not left to be found. The variable `ORT_DYLIB_PATH` comes before this.
    pub library: Option<PathBuf>,
}

/// Whether an engine that may not be there is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Use {
    /// Where it is found.
    #[default]
    Auto,
    /// Never.
    Off,
    /// Always: it is an error when it is not found.
    Require,
}

impl Engines {
    /// What is built in, and no more.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            onnxruntime: Use::Off,
            library: None,
        }
    }
}

/// The engines of this build, and those that are wanted and found beside it, by the files they load.
///
/// # Errors
/// [`LoadError::Unsupported`] where an engine is required that is not there.
pub fn loaders(engines: &Engines) -> Result<Loaders, LoadError> {
    let loaders = Loaders::new();
    #[cfg(not(feature = "onnx"))]
    let _none_of_them = engines;
    #[cfg(feature = "onnx")]
    let loaders = loaders.with(Kind::Onnx, Box::new(onnx::OnnxLoader::find(engines)?));
    #[cfg(feature = "burn")]
    let loaders = loaders.with(Kind::Burn, Box::new(burn::BurnLoader));
    #[cfg(feature = "fake")]
    let loaders = loaders.with(Kind::Fake, Box::new(fake::FakeLoader::default()));
    Ok(loaders)
}
