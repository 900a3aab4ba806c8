//! ONNX files through the built-in engine, tract, or through ONNX Runtime where its library is found.
//!
//! A file becomes a model in one walk: read and checked (`file`, `check`, `external`), made loadable (`rewrite`),
//! planned (`plan`), described (`ports`, `labels`) and tried (`probe`). What an operator computes is tract's
//! business, or that of `ops` where tract lacks it; ONNX Runtime's way is in `runtime`, the choice in `loader`.

mod check;
mod distances;
mod external;
mod file;
mod labels;
mod loader;
mod model;
pub mod ops;
mod plan;
mod ports;
mod probe;
mod rewrite;
#[cfg(feature = "onnxruntime")]
mod runtime;
mod simplify;
mod values;

pub use loader::{OnnxLoader, from_bytes};

#[cfg(test)]
mod tests;
