//! Station 2 of a request's walk: from a name to the version that answers.
//!
//! `route` is the pure look-up in the table, `enter` the whole station as the doors call it: the newest snapshot,
//! the route, the decision. Nothing is sent to a version here.

use std::hint::black_box;

use impresario::models::{FnModel, Name, VersionNumber};
use impresario::pipelines::Variant;
use impresario::pipelines::bucket::{Slots, Weight};
use impresario::pipelines::policy::{Leg, Split};
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
    let (by_key, by_draw) = (split(&impresario), split(&impresario));
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
        Case::each("split/key", 0, move || {
            let key = black_box(Some("user-0123456789"));
            let decision = by_key.decide(by_key.slot(key, 7), key);
            black_box(decision.is_ok());
        }),
        Case::each("split/draw", 0, move || {
            let draw = black_box(0x9e37_79b9_7f4a_7c15);
            black_box(by_draw.decide(by_draw.slot(None, draw), None).is_ok());
        }),
    ];
    // What is published stays as it is: nobody has to look after the fleet while it is asked.
    drop(system);
    cases
}

/// Two versions that share the requests of a pipeline.
fn split(impresario: &Impresario) -> Split {
    let table = &impresario.live().snapshot().table;
    let target = |name: &str| {
        let target = table.version(name, VersionNumber::ONE);
        target.expect("it was registered").expect("it is ready")
    };
    let leg = |variant, name| Leg {
        variant,
        to: Ok(target(name)),
    };
    let weights = [9_500, 500].map(|points| Weight::new(points).expect("at most 10,000"));
    Split {
        course: 1,
        segment: 0,
        kind: "canary",
        slots: Slots::new(&weights).expect("the weights are all of it"),
        seed: "prices".into(),
        namespace: None,
        legs: vec![
            leg(Variant::STABLE, "model-1"),
            leg(Variant::CANARY, "model-2"),
        ],
        rescue: true,
        stand_in: None,
    }
}

async fn fleet() -> Impresario {
    let mut builder = Impresario::builder();
    for number in 0..MODELS {
        let name = Name::new(&format!("model-{number}")).expect("letters, digits and a hyphen");
        builder = builder.register(name, VersionNumber::ONE, || Ok(FnModel::new(echo(), Ok)));
    }
    builder.start().await.expect("it needs no files")
}
