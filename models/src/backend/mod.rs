//! The engines, one folder each, each behind its feature.

#[cfg(feature = "burn")]
pub mod burn;
#[cfg(feature = "onnx")]
pub mod onnx;
