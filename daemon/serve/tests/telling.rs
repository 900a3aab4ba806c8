//! What is told of a request when it is over: evidence, decisions, tokens.

use super::*;

fn experiment() -> Value {
    let arm = |name, version| json!({"name": name, "model": "m", "version": version, "weight": 50});
    json!({"key": {"header": "x-user"}, "policy": {
        "type": "experiment",
        "arms": [arm("control", 1), arm("new", 2)],
        "seed": "seed",
        "goals": [{"metric": "click", "kind": "binary"}],
    }})
}

#[actix_rt::test]
async fn a_decision_is_kept_with_all_that_it_rested_on() {
    let world = World::of(canary(true), 5_000).await;
    let asks = asks_of(&world, 1);
    let (entry, answer) = world.ask(&asks, 3.0).await;
    assert_eq!(answer.unwrap().token, None);
    let kept = world.serve.decisions().get("request-1").unwrap();
    let split = kept.split.as_ref().unwrap();
    assert_eq!((split.course, split.kind), (5, "canary"));
    assert_eq!((kept.why, kept.arm), (Why::Slot, Some(1)));
    assert_eq!((kept.slot, kept.unit), (entry.decision.slot, asks.unit()));
    assert_eq!(
        (kept.outcome, kept.rescue.as_ref()),
        (Outcome::Success, None)
    );
    assert!(kept.total >= kept.compute && kept.at_ms > 0);
    let weights: Vec<u16> = kept.weights().iter().map(|w| w.basis_points()).collect();
    assert_eq!(weights, [5_000, 5_000]);
    assert_eq!(world.counted(1, Class::Errors), [1, 1, 0]);
    assert_eq!(world.counted(0, Class::Errors), [0; 3]);
}

#[actix_rt::test]
async fn whoever_is_refused_or_leaves_was_assigned_all_the_same() {
    let world = World::of(canary(true), 5_000).await;
    let asks = asks_of(&world, 1);
    let outcome = || {
        let kept = world.serve.decisions().get("request-1").unwrap();
        (kept.outcome, world.counted(1, Class::Errors))
    };
    let entry = world.enter(&asks).await.unwrap();
    entry.refused(clock::instant(), None, || unreachable!("nobody keeps it"));
    assert_eq!(outcome(), (Outcome::Refused, [1, 0, 0]));
    let counting = entry::Counting {
        leg: &entry.leg,
        entry: Some(&entry),
        begun: clock::instant(),
        rows: 1,
        trace: None,
        sample: None,
    };
    drop((counting, note::Note::new(&entry, clock::instant(), None)));
    assert_eq!(outcome(), (Outcome::Abandoned, [1, 0, 0]));
}

#[actix_rt::test]
async fn a_model_of_one_version_leaves_no_trace() {
    let world = World::of(canary(true), 5_000).await;
    let asks = Asks::default();
    let entry = world.serve.enter("m", None, &asks, Terms::now());
    let entry = entry.await.unwrap();
    assert!(world.dispatch(&entry, 1.0).await.is_ok());
    assert!(entry.part.is_none() && world.serve.decisions().is_empty());
}

#[actix_rt::test]
async fn an_experiments_answer_brings_a_token_of_its_arm() {
    let world = World::of(experiment(), 5_000).await;
    let asks = asks_of(&world, 1);
    let before = clock::wall_ms();
    let (entry, answer) = world.ask(&asks, 3.0).await;
    let text = answer.unwrap().token.unwrap();
    let secret = world.serve.secret().unwrap();
    let hour = Duration::from_secs(3_600);
    let token = secret.verify(&text, clock::wall_ms(), hour).unwrap();
    assert_eq!((token.pipeline.as_str(), token.course), ("p", 5));
    assert_eq!((token.arm, Some(token.slot)), (1, entry.decision.slot));
    assert_eq!(Some(token.unit), asks.unit());
    assert!(token.at_ms >= before);
    let other = Secret::new([8; 32]).verify(&text, clock::wall_ms(), hour);
    assert_eq!(other, Err(TokenError::Forged));
    // Without a key the unit is the request.
    let (_, answer) = world.ask(&Asks::default().with_id("r-9"), 3.0).await;
    let token = secret.verify(&answer.unwrap().token.unwrap(), clock::wall_ms(), hour);
    assert_eq!(token.unwrap().unit, Unit::of("r-9"));
    // What was forced is nobody's evidence, and nothing is to be learned from it.
    let (_, answer) = world.ask(&asks.clone().for_variant("new"), 3.0).await;
    assert_eq!(answer.unwrap().token, None);
}
