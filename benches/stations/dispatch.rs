//! Stations 2 to 5 of a request's walk: decide, send, compute, answer, count.
//!
//! The model gives back what it gets, so what is measured is the way there and back: one request at a time pays
//! for waking a thread that sleeps, where there is one on the way; many in flight do not. The same without counters, in
//! the same run, says what counting costs.

use std::rc::Rc;

use impresario::models::{FnModel, Name, Tensor, VersionNumber};
use impresario::serve::{Asks, Terms};
use impresario::{Builder, Impresario, Serve};

use super::{Case, echo};

/// What is changed of a fleet before it starts.
type Change = fn(Builder) -> Builder;

/// A fleet that is stopped when nobody asks it any more.
struct Fleet {
    system: Rc<actix_rt::SystemRunner>,
    impresario: Impresario,
}

pub(crate) fn cases() -> Vec<Case> {
    let system = Rc::new(actix_rt::System::new());
    let kinds: [(&str, Change); 2] = [
        ("in-flight", |builder| builder),
        ("uncounted", Builder::uncounted),
    ];
    let of_kind = |(kind, change): (&str, Change)| {
        let impresario = system.block_on(fleet(change));
        let fleet = Rc::new(Fleet {
            system: Rc::clone(&system),
            impresario,
        });
        [1u64, 64].map(|callers| {
            let fleet = Rc::clone(&fleet);
            Case {
                name: format!("{kind}/{callers}"),
                bytes: 0,
                run: Box::new(move |times| {
                    let serve = fleet.impresario.serve();
                    fleet.system.block_on(round(serve, callers, times));
                }),
            }
        })
    };
    kinds.into_iter().flat_map(of_kind).collect()
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.system.block_on(self.impresario.clone().stop());
    }
}

/// So many callers share so many requests; each asks for the next when it has its answer.
async fn round(serve: &Serve, callers: u64, times: u64) {
    let callers: Vec<_> = (0..callers)
        .map(|caller| (times + caller) / callers)
        .map(|share| actix_rt::spawn(ask(serve.clone(), share)))
        .collect();
    for caller in callers {
        caller.await.expect("no caller panics");
    }
}

async fn ask(serve: Serve, times: u64) {
    for _ in 0..times {
        let x = Tensor::of(vec![1, 4], vec![5.1f32, 3.5, 1.4, 0.2]).expect("four numbers");
        let terms = Terms::now();
        let entry = serve.enter("echo", None, &Asks::default(), terms).await;
        let entry = entry.expect("it is ready");
        let answer = serve.dispatch(&entry, vec![x], terms).await;
        let answer = answer.expect("fewer requests are in flight than its queue takes");
        assert_eq!(answer.outputs.len(), 1);
    }
}

async fn fleet(change: Change) -> Impresario {
    let name = Name::new("echo").expect("letters");
    let echo = || Ok(FnModel::new(echo(), Ok));
    let builder = Impresario::builder().register(name, VersionNumber::ONE, echo);
    change(builder).start().await.expect("it needs no files")
}
