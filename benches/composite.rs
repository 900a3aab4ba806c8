//! Times the walk of a composite beside a call of the model that it calls.
//!
//! What is done and with what stands in `stations/composite.rs`.

#[allow(dead_code, reason = "each bench times its own station")]
mod stations;

fn main() {
    stations::bench("composite", stations::composite::cases());
}
