//! Times one station: decide, send, compute nothing, answer, count.
//!
//! What is done and with what stands in `stations/dispatch.rs`.

#[allow(dead_code, reason = "each bench times its own station")]
mod stations;

fn main() {
    stations::bench("dispatch", stations::dispatch::cases());
}
