//! Station 2 of a request's walk: from a name to the version that answers.
//!
//! `route` is the pure look-up in the table, `enter` the whole station as the doors call it: the newest snapshot,
//! the route, the decision. Nothing is sent to a version here.

use std::hint::black_box;

use impresario::models::{FnModel, Name, VersionNumber};
use impresario::{Impresario, Serve};

use super::{Case, echo};

/// Models in the table: few enough to start at once, enough that a look-up is one.
const MODELS: usize = 100;

pub(crate) fn cases() -> Vec<Case> {
    let system = actix_rt::System::new();
    let impresario = system.block_on(fleet());
    let serve = || -> Serve { impresario.serve().clone() };
    let snapshot = impresario.live().snapshot();
    let unknown = impresario.live().snapshot();
    let (by_name, by_version) = (serve(), serve());
    let cases = vec![
        Case::each("route", 0, move || {
            let route = snapshot.table.route(black_box("model-50"));
            black_box(black_box(route.expect("it was registered").decide(None, 7)).is_ok());
        }),
        Case::each("route/unknown", 0, move || {
            black_box(unknown.table.route(black_box("model-x")).is_none());
        }),
        Case::each("enter", 0, move || {
            black_box(black_box(by_name.find(black_box("model-50"), None)).is_ok());
        }),
        Case::each("enter/version", 0, move || {
            black_box(black_box(by_version.find(black_box("model-50"), Some("1"))).is_ok());
        }),
    ];
    // What is published stays as it is: nobody has to look after the fleet while it is asked.
    drop(system);
    cases
}

async fn fleet() -> Impresario {
    let mut builder = Impresario::builder();
    for number in 0..MODELS {
        let name = Name::new(&format!("model-{number}")).expect("letters, digits and a hyphen");
        builder = builder.register(name, VersionNumber::ONE, || Ok(FnModel::new(echo(), Ok)));
    }
    builder.start().await.expect("it needs no files")
}
