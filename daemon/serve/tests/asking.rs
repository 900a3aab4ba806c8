//! Whose a request is, and which variant that makes.

use super::*;

#[actix_rt::test]
async fn a_key_always_meets_the_arm_of_its_slot() {
    let world = World::of(canary(true), 3_000).await;
    let entry = world.enter(&Asks::default()).await.unwrap();
    let split = Arc::clone(entry.part.as_ref().unwrap().split.as_ref().unwrap());
    let mut arms = [0; 2];
    for n in 0..400 {
        let key = format!("müller-{n}");
        let (asks, at) = (Asks::of(&key).unwrap(), slot("p", &key));
        for _ in 0..3 {
            let entry = world.enter(&asks).await.unwrap();
            let decision = &entry.decision;
            assert_eq!((decision.slot, decision.why), (Some(at), Why::Slot));
            assert_eq!(decision.arm, Some(split.slots.owner(at)));
            let word = ["stable", "canary"][split.slots.owner(at)];
            assert_eq!(decision.variant.as_str(), word);
        }
        arms[split.slots.owner(at)] += 1;
    }
    assert!(arms[0] > arms[1] && arms[1] > 60, "{arms:?}");
}

#[actix_rt::test]
async fn requests_without_a_key_are_drawn_by_weight() {
    let world = World::of(canary(true), 5_000).await;
    let mut second = 0;
    for _ in 0..4_000 {
        let entry = world.enter(&Asks::default()).await.unwrap();
        second += entry.decision.arm.unwrap();
        assert_eq!(entry.part.unwrap().unit, None);
    }
    // Eight standard deviations from the middle.
    assert!((1_747..=2_253).contains(&second), "{second}");
}

#[actix_rt::test]
async fn the_first_source_that_has_something_is_the_key() {
    let mut spec = canary(true);
    spec["key"] = json!([
        {"header": "x-user"},
        {"cookie": "uid"},
        {"parameter": "user"},
        {"pointer": "/inputs/0/data/1"},
    ]);
    let world = World::of(spec, 5_000).await;
    let key = |request: &Request| world.serve.admit("p", None, request).map(|asks| asks.key);
    let mut request = Request {
        headers: [("x-route-key", "a"), ("x-user", "b")]
            .map(|(name, value)| (name, value.to_owned()))
            .into(),
        cookies: Some("x=1; uid=c"),
        body: json!({"inputs": [{"data": [0, "e"]}], "parameters": {"user": "d"}}),
    };
    assert_eq!(key(&request).unwrap().as_deref(), Some("a"));
    request.headers.insert("x-route-key", String::new());
    assert_eq!(key(&request).unwrap().as_deref(), Some("b"));
    request.headers.clear();
    assert_eq!(key(&request).unwrap().as_deref(), Some("c"));
    request.cookies = None;
    assert_eq!(key(&request).unwrap().as_deref(), Some("d"));
    request.body["parameters"] = json!({});
    assert_eq!(key(&request).unwrap().as_deref(), Some("e"));
    request.body = json!({});
    assert_eq!(key(&request).unwrap(), None);
    // A model of its own has one version for all: nobody looks for keys.
    request.headers.insert("x-route-key", "a".to_owned());
    let other = world.serve.admit("m", None, &request).unwrap();
    assert_eq!((other.key, other.id), (None, None));
}

#[actix_rt::test]
async fn a_key_that_is_too_long_is_refused_by_its_place() {
    let mut spec = canary(true);
    spec["key"] = json!([{"header": "x-user"}, {"cookie": "uid"}, {"parameter": "user"}, {"pointer": "/a/b"}]);
    let world = World::of(spec, 5_000).await;
    let long = "é".repeat(129);
    let leaked: &'static str = format!("uid={long}").leak();
    let header = |name| Request {
        headers: BTreeMap::from([(name, long.clone())]),
        ..Request::default()
    };
    let body = |body| Request {
        body,
        ..Request::default()
    };
    let cookie = Request {
        cookies: Some(leaked),
        ..Request::default()
    };
    for (request, place) in [
        (header("x-route-key"), "header x-route-key"),
        (header("x-user"), "header x-user"),
        (cookie, "cookie uid"),
        (
            body(json!({"parameters": {"user": long}})),
            "parameter 'user'",
        ),
        (body(json!({"a": {"b": long}})), "what stands at /a/b"),
    ] {
        let error = world.serve.admit("p", None, &request).unwrap_err();
        let told = format!("{place}: expected a key of at most 256 bytes, got 258 bytes");
        assert_eq!(error.to_string(), told);
        assert_eq!(error.code().http, 400);
    }
    assert!(Asks::of(&long).is_err() && Asks::of(&"k".repeat(256)).is_ok());
}

#[actix_rt::test]
async fn a_variant_that_is_asked_for_answers_and_is_no_evidence() {
    let world = World::of(canary(true), 0).await;
    let (_, answer) = world.ask(&Asks::default().for_variant("canary"), 7.0).await;
    let answer = answer.unwrap();
    assert_eq!((answer.variant, answer.version.get()), (Variant::CANARY, 2));
    assert_eq!(world.counted(1, Class::Errors), [0; 3]);
    let refused = |name: &'static str, version: Option<&'static str>, variant: &'static str| {
        let (world, asks) = (&world, Asks::default().for_variant(variant));
        async move {
            let entry = world.serve.enter(name, version, &asks, Terms::now());
            let error = entry.await.unwrap_err();
            assert_eq!(error.code().http, 400);
            error.to_string()
        }
    };
    assert_eq!(
        refused("p", None, "beta").await,
        "pipeline 'p' has no variant 'beta'; it has stable, canary"
    );
    assert_eq!(
        refused("m", None, "canary").await,
        "pipeline 'm' has no variant 'canary'; it has standalone"
    );
    assert_eq!(
        refused("m", Some("1"), "canary").await,
        "expected a version of 'm' or one of its variants, got both"
    );
    let only = Asks::default().for_variant("standalone");
    assert!(
        world
            .serve
            .enter("m", None, &only, Terms::now())
            .await
            .is_ok()
    );
}

#[actix_rt::test]
async fn a_tripped_arm_is_cut_off_at_once() {
    let world = World::of(canary(true), 5_000).await;
    let asks = asks_of(&world, 1);
    for x in [-1.0; 5] {
        let (entry, answer) = world.ask(&asks, x).await;
        assert_eq!((entry.decision.arm, answer.is_ok()), (Some(1), true));
    }
    let (entry, answer) = world.ask(&asks, 7.0).await;
    let answer = answer.unwrap();
    assert_eq!((answer.variant, answer.version.get()), (Variant::STABLE, 1));
    assert_eq!(
        (entry.decision.why, entry.decision.arm, answer.rescue),
        (Why::Tripped, None, None)
    );
    assert_eq!(world.counted(1, Class::Errors), [5; 3]);
}

#[actix_rt::test]
async fn who_asks_what_a_pipeline_is_like_sees_the_version_of_most() {
    for (second, version) in [(4_999, 1), (5_001, 2)] {
        let world = World::of(canary(true), second).await;
        for _ in 0..50 {
            let entry = world.serve.find("p", None).unwrap();
            assert_eq!(entry.handle().version.get(), version);
        }
    }
}
