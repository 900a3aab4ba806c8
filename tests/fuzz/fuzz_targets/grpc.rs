//! Fuzzes the decoder of messages over gRPC. What is done with the bytes stands in `bodies`.
#![no_main]

#[path = "../bodies.rs"]
#[allow(dead_code, reason = "each target runs one of them")]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::grpc(data));
