//! The engines, one folder each, each behind its feature.

#[cfg(feature = "burn")]
pub mod burn;
#[cfg(feature = "fake")]
pub mod fake;
#[cfg(feature = "onnx")]
pub mod onnx;

use crate::loader::Loaders;

/// The engines of this build, by the files they load.
#[must_use]
pub fn loaders() -> Loaders {
    let loaders = Loaders::new();
    #[cfg(feature = "burn")]
    let loaders = loaders.with(crate::package::Kind::Burn, Box::new(burn::BurnLoader));
    #[cfg(feature = "fake")]
    let loaders = loaders.with(
        crate::package::Kind::Fake,
        Box::new(fake::FakeLoader::default()),
    );
    loaders
}
