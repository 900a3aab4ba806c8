//! The engines, one folder each, each behind its feature.

#[cfg(feature = "burn")]
pub mod burn;
#[cfg(feature = "fake")]
pub mod fake;
#[cfg(feature = "onnx")]
pub mod onnx;

use crate::loader::Loaders;
#[allow(unused_imports, reason = "a build may have no engine at all")]
use crate::package::Kind;

/// The engines of this build, by the files they load.
#[must_use]
pub fn loaders() -> Loaders {
    let loaders = Loaders::new();
    #[cfg(feature = "onnx")]
    let loaders = loaders.with(Kind::Onnx, Box::new(onnx::OnnxLoader));
    #[cfg(feature = "burn")]
    let loaders = loaders.with(Kind::Burn, Box::new(burn::BurnLoader));
    #[cfg(feature = "fake")]
    let loaders = loaders.with(Kind::Fake, Box::new(fake::FakeLoader::default()));
    loaders
}
