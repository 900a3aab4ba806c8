//! The first arm answers where another one failed, and the failure counts all the same.

use super::*;

fn number(answer: &Answer, output: &str) -> f32 {
    let at = answer.facts.contract.output(output).unwrap();
    match answer.outputs[at].values() {
        impresario_models::Values::Fp32(values) => values[0],
        other => panic!("{other:?}"),
    }
}

#[actix_rt::test]
async fn a_failed_canary_is_covered_by_the_stable() {
    let world = World::of(canary(true), 5_000).await;
    let asks = asks_of(&world, 1);
    for (n, x, why, class, events) in [
        (1, -1.0, "failed", Class::Errors, 1),
        (2, -4.0, "failed", Class::Violations, 1),
        (3, -2.0, "crashed", Class::Errors, 3),
    ] {
        let (entry, answer) = world.ask(&asks, x).await;
        let answer = answer.unwrap();
        let from = Variant::CANARY;
        assert_eq!(answer.rescue, Some(Rescue { from, why }));
        assert_eq!(
            (&answer.variant, answer.version.get()),
            (&Variant::STABLE, 1)
        );
        // The stable has its tensors in another order: what it got as `x` it got by that name.
        assert_eq!((number(&answer, "y"), number(&answer, "by")), (x, 1.0));
        let all = entry.wanted(&answer, vec![(0, 'a'), (1, 'b'), (2, 'c')]);
        assert_eq!(all, [(0, 'b'), (1, 'a')]);
        assert_eq!(entry.wanted(&answer, vec![(1, 'b')]), [(0, 'b')]);
        assert_eq!(world.counted(1, class), [n, n, events], "{x}");
        let kept = world.serve.decisions().get("request-1").unwrap();
        assert_eq!((kept.outcome, kept.version.get()), (Outcome::Success, 1));
        assert_eq!((kept.variant, kept.arm), (Variant::CANARY, Some(1)));
        assert_eq!(kept.rescue, answer.rescue);
    }
}

#[actix_rt::test]
async fn what_is_the_callers_fault_or_not_to_be_covered_is_not() {
    for (rescue, arm, x, outcome, ended) in [
        (true, 1, -3.0, Outcome::Refused, 0),
        (false, 1, -1.0, Outcome::Failed, 1),
    ] {
        let world = World::of(canary(rescue), 5_000).await;
        let (entry, answer) = world.ask(&asks_of(&world, arm), x).await;
        let error = answer.unwrap_err();
        assert_eq!(
            (error.code().outcome, entry.decision.arm),
            (outcome, Some(arm))
        );
        assert_eq!(world.counted(1, Class::Errors), [1, ended, ended]);
    }
    let world = World::of(canary(true), 5_000).await;
    let (entry, answer) = world.ask(&asks_of(&world, 0), -1.0).await;
    assert!(entry.spare().is_none() && answer.unwrap().rescue.is_none());
    // Nor where somebody asked for the variant, and is to see what it does.
    let forced = Asks::default().for_variant("canary");
    assert!(world.ask(&forced, -1.0).await.1.is_err());
}

#[actix_rt::test]
async fn nobody_rescues_who_asks_for_what_only_the_canary_has() {
    let world = World::of(canary(true), 5_000).await;
    let asks = asks_of(&world, 1);
    for (outputs, rescued) in [
        (&[0, 1, 2][..], true),
        (&[0, 1][..], true),
        (&[2][..], false),
    ] {
        let mut entry = world.enter(&asks).await.unwrap();
        entry.wants(outputs.iter().copied());
        let answer = world.dispatch(&entry, -1.0).await;
        assert_eq!(answer.is_ok(), rescued, "{outputs:?}");
    }
}

#[actix_rt::test]
async fn there_is_no_rescue_when_the_time_is_over() {
    let world = World::of(canary(true), 5_000).await;
    let entry = world.enter(&asks_of(&world, 1)).await.unwrap();
    let mut terms = Terms::now();
    terms.at_most(Some(Duration::from_nanos(1)));
    let inputs = vec![Tensor::of(vec![1, 1], vec![1f32]).unwrap(); 2];
    let error = world
        .serve
        .dispatch(&entry, inputs, terms)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Expired { .. }), "{error}");
    assert_eq!(world.counted(1, Class::Timeouts), [1; 3]);
}
