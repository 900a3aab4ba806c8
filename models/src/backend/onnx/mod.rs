//! ONNX files through the built-in engine, tract.

pub mod ops;
