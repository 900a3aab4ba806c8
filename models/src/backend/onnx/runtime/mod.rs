//! ONNX files through ONNX Runtime, whose shared library is found when the daemon starts.
//!
//! Nothing of it is linked or downloaded at build. What a file may be and may read is decided by the same checks
//! as for the built-in engine (`check`, `external`), before the library sees a byte; contract and trial are the
//! same too (`ports`, `probe`).

mod build;
mod library;
mod places;
mod session;
mod values;

pub(super) use build::build;
pub(super) use library::{Runtime, find};
pub(super) use session::Pool;

/// The engine's name, as `status` shows it.
pub(super) const ENGINE: &str = "onnxruntime";

#[cfg(test)]
mod tests;
