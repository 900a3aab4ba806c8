//! Times one station: a name to the version that answers.
//!
//! What is done and with what stands in `stations/decide.rs`.

#[allow(dead_code, reason = "each bench times its own station")]
mod stations;

fn main() {
    stations::bench("decide", stations::decide::cases());
}
