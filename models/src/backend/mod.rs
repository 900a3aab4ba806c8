//! The engines, one folder each, each behind its feature.

#[cfg(feature = "burn")]
pub mod burn;
#[cfg(feature = "fake")]
pub mod fake;
#[cfg(feature = "onnx")]
pub mod onnx;
