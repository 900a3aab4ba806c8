//! Times one station: joining requests and splitting answers.
//!
//! What is done and with what stands in `stations/batch.rs`.

#[allow(dead_code, reason = "each bench times its own station")]
mod stations;

fn main() {
    stations::bench("batch", stations::batch::cases());
}
