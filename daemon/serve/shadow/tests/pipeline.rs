//! Shadows of pipelines, by way of dispatch.

use impresario_pipelines::fleet::{By, Command, Promise, Source};
use impresario_pipelines::spec::{Pipeline, parse_pipeline};

use super::*;
use crate::serve::{Asks, Terms};

/// The pipeline `p`: `answering` answers; more is written after its policy.
fn pipeline(more: &str) -> Pipeline {
    let policy = r#""policy": { "type": "standalone", "model": "answering", "version": 1 }"#;
    parse_pipeline(&name("p"), &format!("{{ {policy} {more} }}")).unwrap()
}

const SHADOW: &str =
    r#", "shadow": { "model": "shadow", "version": 1, "sample": 1, "noise": 1, "queue": 4 }"#;

#[actix_rt::test]
async fn requests_to_a_pipeline_are_seen_and_nobody_waits_for_it() {
    let (gate, mut entered) = Gate::new();
    let hanging = {
        let gate = gate.clone();
        move |x| {
            if x == MARK {
                gate.pass();
            }
            Ok(x + 1.0)
        }
    };
    let mut fleet = Fleet::of(same, ("x", hanging)).await;
    fleet.shadows = fleet.impresario.serve().shadows().clone();
    fleet.ended = fleet.shadows.changes();
    fleet.put(pipeline(SHADOW)).await;
    let ask = async |value: f32| {
        let [input] = <[Tensor; 1]>::try_from(x(value)).unwrap();
        let answer = fleet.impresario.infer("p", [("x", input)]).await.unwrap();
        assert_eq!(answer.outputs, x(value));
        assert_eq!(answer.model, name("answering"));
    };
    ask(MARK).await;
    entered.recv().await.unwrap();
    for _ in 0..20 {
        ask(1.0).await;
    }
    // Past the policy there is no shadow.
    let direct = fleet
        .impresario
        .serve()
        .find("answering", Some("1"))
        .unwrap();
    let terms = Terms::now();
    let answer = fleet.impresario.serve().dispatch(&direct, x(1.0), terms);
    assert_eq!(answer.await.unwrap().outputs, x(1.0));
    gate.open();
    let comparison = fleet.until(21).await;
    let expected = Coverage {
        eligible: 21,
        sampled: 21,
        compared: 5,
        dropped: 16,
        ..Coverage::default()
    };
    assert_eq!(comparison.coverage, expected);
    assert_eq!(comparison.shadow.disagree(), 5);
}

#[actix_rt::test]
async fn a_decision_and_an_example_know_each_other_by_the_id() {
    let off: Behaviour = |x| Ok(x + 1.0);
    let mut fleet = Fleet::of(same, ("x", off)).await;
    let serve = fleet.impresario.serve().clone();
    fleet.shadows = serve.shadows().clone();
    fleet.ended = fleet.shadows.changes();
    fleet.put(pipeline(SHADOW)).await;
    let asks = Asks::default().with_id("r1");
    let entry = serve.enter("p", None, &asks, Terms::now()).await;
    let answer = serve.dispatch(&entry.unwrap(), x(1.0), Terms::now()).await;
    assert_eq!(answer.unwrap().outputs, x(1.0));
    let decision = serve.decisions().get("r1").unwrap();
    assert_eq!(decision.shadow, Some((name("shadow"), VersionNumber::ONE)));
    let comparison = fleet.until(1).await;
    assert_eq!(comparison.shadow.examples.kept()[0].request, "r1");
}

#[actix_rt::test]
async fn what_a_table_has_no_shadow_for_is_forgotten() {
    let mut fleet = Fleet::of(same, ("x", same as Behaviour)).await;
    fleet.put(pipeline(SHADOW)).await;
    let snapshot = fleet.impresario.live().snapshot();
    let route = snapshot.table.route("p").unwrap();
    let spec = Arc::clone(&route.shadow.as_ref().unwrap().spec);
    fleet.ask(&spec, 1.0, "r").await;
    fleet.until(1).await;
    fleet.put(pipeline("")).await;
    fleet
        .when(|shadows| shadows.shadowed("p").is_none().then_some(()))
        .await;
}

impl Fleet {
    async fn put(&self, pipeline: Pipeline) {
        let command = Command::PutPipeline {
            name: name("p"),
            pipeline,
            promise: Promise::Kept,
            expected: None,
        };
        let by = By {
            actor: "test".to_owned(),
            source: Source::Embedded,
            reason: None,
        };
        self.impresario
            .control()
            .change(command, by, false)
            .await
            .unwrap();
    }
}
