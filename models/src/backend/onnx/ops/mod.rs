//! Operators that tract lacks: `ai.onnx.ml`, strings and text.
