//! The walk of a composite: what a graph costs beside what it calls.
//!
//! The model gives back what it gets, so what is measured is the way through the graph: ten calls one after another, and
//! sixteen side by side with their mean. `direct` is the call of the same model past all graphs: a step of the chain is to
//! be held against it.

use std::rc::Rc;

use impresario::models::{FnModel, Name, Tensor, VersionNumber};
use impresario::pipelines::spec::Pipeline;
use impresario::serve::{Asks, Terms};
use impresario::{Impresario, Serve};
use serde_json::{Map, Value, json};

use super::{Case, echo};

/// A fleet that is stopped when nobody asks it any more.
struct Fleet {
    system: actix_rt::SystemRunner,
    impresario: Impresario,
}

pub(crate) fn cases() -> Vec<Case> {
    let system = actix_rt::System::new();
    let impresario = system.block_on(fleet());
    let fleet = Rc::new(Fleet { system, impresario });
    [
        ("direct", "echo"),
        ("chain/10", "chain"),
        ("fan-out/16", "fan"),
    ]
    .map(|(case, pipeline)| {
        let fleet = Rc::clone(&fleet);
        Case {
            name: case.to_owned(),
            bytes: 0,
            run: Box::new(move |times| {
                let serve = fleet.impresario.serve();
                fleet.system.block_on(ask(serve, pipeline, times));
            }),
        }
    })
    .into()
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.system.block_on(self.impresario.clone().stop());
    }
}

async fn ask(serve: &Serve, pipeline: &str, times: u64) {
    for _ in 0..times {
        let x = Tensor::of(vec![1, 4], vec![5.1f32, 3.5, 1.4, 0.2]).expect("four numbers");
        let terms = Terms::now();
        let entry = serve.enter(pipeline, None, &Asks::default(), terms).await;
        let entry = entry.expect("it is ready");
        let answer = serve.dispatch(&entry, vec![x], terms).await;
        let answer = answer.expect("nothing else is in flight");
        assert_eq!(
            answer.outputs[0].as_slice::<f32>(),
            Some(&[5.1f32, 3.5, 1.4, 0.2][..])
        );
    }
}

async fn fleet() -> Impresario {
    let name = |name: &str| Name::new(name).expect("letters");
    let call = |of: String| json!({ "model": "echo", "version": 1, "inputs": { "x": of } });
    let step = |at: u32| match at {
        1 => (format!("n{at}"), call("request.x".to_owned())),
        _ => (format!("n{at}"), call(format!("n{}.y", at - 1))),
    };
    let chain: Map<String, Value> = (1..=10).map(step).collect();
    let arm = |at: u32| (format!("n{at}"), call("request.x".to_owned()));
    let mut fan: Map<String, Value> = (1..=16).map(arm).collect();
    let of: Vec<String> = (1..=16).map(|at| format!("n{at}.y")).collect();
    fan.insert("mean".to_owned(), json!({ "ensemble": "mean", "of": of }));
    let composite = |model: &str, nodes: Map<String, Value>, y: &str| {
        let policy = json!({
            "type": "composite", "model": model, "nodes": nodes, "outputs": { "y": y },
        });
        let pipeline = json!({ "policy": policy });
        serde_json::from_value::<Pipeline>(pipeline).expect("it is a pipeline")
    };
    let model = || Ok(FnModel::new(echo(), Ok));
    let builder = Impresario::builder()
        .register(name("echo"), VersionNumber::ONE, model)
        .pipeline(name("chain"), composite("chain", chain, "n10.y"))
        .pipeline(name("fan"), composite("fan", fan, "mean"));
    builder.start().await.expect("it needs no files")
}
