//! The codec of the Open Inference Protocol (KServe V2) with Triton's binary tensor data extension.
//!
//! Bytes in, checked tensors in the contract's order out, and back. It knows contracts and limits; it knows no
//! sockets, no headers but the two lengths, no status codes and no routes.
//!
//! Rules of decoding, where the protocol leaves a choice:
//! - JSON has one kind of number, so `1.0` and `1e3` are whole numbers and fit an integer datatype; `1.5`, and
//!   whatever lies outside the datatype's range, is refused. Decimals are rounded once, to the nearest FP32 or
//!   FP64; what would become infinite is refused.
//! - `NaN`, `Infinity` and `-Infinity` are read for FP32 and FP64, bare (as Python and Triton write them) or as
//!   strings (as proto3's JSON mapping writes them), and written as strings, so that an answer is always valid
//!   JSON. No other string is a number.
//! - BOOL is `true` or `false`, never 0 or 1, and on the binary side exactly one byte of 0 or 1.
//! - `data` is flat, or nested exactly as `shape` says.
//! - FP16 and BF16 travel as binary only, as with Triton.

mod answer;
pub(crate) mod binary;
mod cursor;
mod elements;
mod input;
mod limits;
mod number;
mod parameters;
mod raw;
mod refusal;
mod request;
mod scan;

pub(crate) use answer::elements as write_elements;
pub use answer::{Answer, Encoded, encode};
pub(crate) use elements::{MAX_DEPTH, too_many};
pub(crate) use input::twice;
pub use limits::Limits;
pub use parameters::{Parameter, Parameters};
pub use refusal::Refusal;
pub(crate) use refusal::{Label, clip};
pub use request::{Decoded, Form, Framing, Wanted, decode};
pub(crate) use scan::{index, scan};

#[cfg(test)]
pub(crate) mod properties;
#[cfg(test)]
mod tests;
