//! Times one station: a body's bytes to tensors.
//!
//! What is done and with what stands in `stations/decode.rs`.

#[allow(dead_code, reason = "each bench times its own station")]
mod stations;

fn main() {
    stations::bench("decode", stations::decode::cases());
}
