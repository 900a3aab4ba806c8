//! Times one station: outputs to an answer's bytes.
//!
//! What is done and with what stands in `stations/encode.rs`.

#[allow(dead_code, reason = "each bench times its own station")]
mod stations;

fn main() {
    stations::bench("encode", stations::encode::cases());
}
