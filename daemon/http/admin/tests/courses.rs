//! Experiments, bandits, shadows, freezes of everything, and versions that break their callers.

use serde_json::json;

use super::*;
use crate::auth::mint;
use crate::store::Role;

const FRONT: &str = "/admin/v1/pipelines/front";

const EXPERIMENT: &str = r#"{"policy":{"type":"experiment","goals":[{"metric":"click","kind":"binary"}],
    "arms":[{"name":"old","model":"pair","version":1,"weight":50},{"name":"new","model":"pair","version":2,"weight":50}]}}"#;

const BANDIT: &str = r#"{"policy":{"type":"bandit","reward":{"metric":"click"},
    "arms":[{"name":"old","model":"pair","version":1},{"name":"new","model":"pair","version":2}]}}"#;

async fn with(body: &str) -> Plane<impl AsyncFn(TestRequest) -> ServiceResponse> {
    let plane = plane().await;
    let put = plane.ask("PUT", FRONT, &[], body).await;
    assert_eq!(put.status, 201, "{}", put.text);
    plane
        .fleet
        .live()
        .until(|snapshot| {
            let entry = snapshot.fleet.routing.pipelines.get("front").unwrap();
            entry.course.as_ref().unwrap().phase() == "running"
        })
        .await;
    plane
}

#[actix_web::test]
async fn an_experiment_is_shown_weighed_and_shipped() {
    let plane = with(EXPERIMENT).await;
    let path = format!("{FRONT}/experiment");
    let tell = async |verb: &str, body: &str| plane.post(&format!("{path}/{verb}"), body).await;
    let shown = plane.get(&path).await;
    assert_eq!(shown.at("/course/phase"), "running");
    assert_eq!(shown.at("/course/variants/1/name"), "new");
    let verbs = shown.at("/verbs");
    assert_eq!(verbs, json!(["stop", "ship", "set-weights", "pause"]));
    for (verb, body, code) in [
        ("dance", "", "404 not-found"),
        ("stop", "", "422 reason-missing"),
        ("stop", r#"{"reason":"x","arm":"new"}"#, "422 invalid-order"),
        ("ship", "", "422 invalid-order"),
        ("ship", r#"{"arm":"newest"}"#, "422 invalid-order"),
        ("resume", "", "409 not-now"),
        ("set-weights", "", "422 invalid-order"),
        (
            "set-weights",
            r#"{"weights":{"old":50}}"#,
            "422 invalid-order",
        ),
        (
            "set-weights",
            r#"{"weights":{"old":50,"new":60}}"#,
            "422 invalid-order",
        ),
        (
            "set-weights",
            r#"{"weights":{"old":50,"new":50,"x":0}}"#,
            "422 invalid-order",
        ),
        (
            "set-weights",
            r#"{"weights":{"old":0.001,"new":99.999}}"#,
            "422 invalid-order",
        ),
        ("pause", r#"{"force":true}"#, "400 invalid-body"),
    ] {
        assert_eq!(tell(verb, body).await.code(), code, "{verb} {body}");
    }
    let order = r#"{"weights":{"new":20,"old":80},"reason":"less of it"}"#;
    let weighed = tell("set-weights", order).await;
    assert_eq!(
        weighed.at("/course/variants/1/weight"),
        20.0,
        "{}",
        weighed.text
    );
    let journal = plane.get(&format!("{FRONT}/journal?limit=1")).await;
    let sentence = journal.at("/entries/0/sentence").to_string();
    assert!(sentence.contains("(less of it)"), "{sentence}");
    assert_eq!(sentence.matches("weights are now").count(), 1, "{sentence}");
    let paused = tell("pause", "").await;
    assert_eq!(paused.at("/course/phase"), "paused");
    assert_eq!(paused.at("/course/variants/0/weight"), 100.0);
    assert_eq!(
        plane.get(&format!("{FRONT}/bandit")).await.code(),
        "404 no-course"
    );
    let shipped = tell("ship", r#"{"arm":"new","reason":"it wins"}"#).await;
    assert_eq!(
        (shipped.status, shipped.at("/policy"), shipped.at("/course")),
        (200, "standalone".into(), Value::Null),
        "{}",
        shipped.text
    );
    assert_eq!(plane.get(FRONT).await.at("/spec/policy/version"), 2);
    assert_eq!(plane.get(&path).await.code(), "404 no-course");
    let journal = plane.get(&format!("{FRONT}/journal?limit=1")).await;
    let sentence = journal.at("/entries/0/sentence");
    assert!(sentence.as_str().unwrap().contains("it wins"), "{sentence}");
}

#[actix_web::test]
async fn a_bandit_is_shown_limited_and_frozen() {
    let plane = with(BANDIT).await;
    let path = format!("{FRONT}/bandit");
    let tell = async |verb: &str, body: &str| plane.post(&format!("{path}/{verb}"), body).await;
    let shown = plane.get(&path).await;
    assert_eq!(shown.at("/course/kind"), "bandit");
    assert_eq!(shown.at("/verbs"), json!(["freeze", "pause", "remove-arm"]));
    for (verb, body, code) in [
        ("dance", "", "404 not-found"),
        ("remove-arm", r#"{"arm":"new"}"#, "422 reason-missing"),
        ("remove-arm", r#"{"reason":"x"}"#, "422 invalid-order"),
        (
            "remove-arm",
            r#"{"arm":"old","reason":"x"}"#,
            "422 invalid-order",
        ),
        ("restore-arm", r#"{"arm":"new"}"#, "409 not-now"),
        ("freeze", r#"{"as":"ice"}"#, "400 invalid-body"),
        ("freeze", r#"{"as":"best"}"#, "409 not-now"),
        ("freeze", r#"{"arm":"new"}"#, "422 invalid-order"),
        ("resume", "", "409 not-now"),
    ] {
        assert_eq!(tell(verb, body).await.code(), code, "{verb} {body}");
    }
    let removed = tell("remove-arm", r#"{"arm":"new","reason":"wrong labels"}"#).await;
    assert_eq!(
        removed.at("/course/variants/1/weight"),
        0.0,
        "{}",
        removed.text
    );
    assert_eq!(tell("restore-arm", r#"{"arm":"new"}"#).await.status, 200);
    let frozen = tell("freeze", "").await;
    assert_eq!(
        (frozen.at("/policy"), frozen.at("/course/kind")),
        ("experiment".into(), "experiment".into()),
        "{}",
        frozen.text
    );
}

#[actix_web::test]
async fn a_shadow_is_shown_where_there_is_one() {
    let plane = plane().await;
    let path = format!("{FRONT}/shadow");
    assert_eq!(plane.get(&path).await.code(), "404 unknown-pipeline");
    assert_eq!(plane.pin(1, &[]).await.status, 201);
    assert_eq!(plane.get(&path).await.code(), "404 no-course");
    assert_eq!(
        plane.get("/admin/v1/pipelines/pair/shadow").await.code(),
        "404 no-course"
    );
    let body = r#"{"shadow":{"model":"pair","version":2,"sample":0.5},"policy":{"type":"standalone","model":"pair","version":1}}"#;
    assert_eq!(plane.ask("PUT", FRONT, &[], body).await.status, 200);
    let shown = plane.get(&path).await;
    assert_eq!(
        (shown.at("/version"), shown.at("/sample")),
        (2.into(), 0.5.into())
    );
    assert_eq!(shown.at("/beside"), json!([]));
}

#[actix_web::test]
async fn all_rollouts_are_frozen_and_let_go() {
    let plane = plane().await;
    let status = async || plane.get("/admin/v1/status").await.at("/freeze");
    assert_eq!(status().await, Value::Null);
    let past = plane
        .post("/admin/v1/freeze", r#"{"until":"2001-01-01T00:00:00Z"}"#)
        .await;
    assert_eq!(past.code(), "422 invalid-order");
    let tried = plane.post("/admin/v1/freeze?dry_run=true", "").await;
    assert_eq!(
        (tried.status, tried.at("/changed")),
        (200, true.into()),
        "{}",
        tried.text
    );
    assert_eq!(status().await, Value::Null);
    let frozen = plane
        .post("/admin/v1/freeze", r#"{"until":"2h","reason":"a holiday"}"#)
        .await;
    assert_eq!(frozen.at("/freeze/reason"), "a holiday");
    assert_eq!(status().await["actor"], "local");
    let thawed = plane
        .post("/admin/v1/unfreeze", r#"{"reason":"over"}"#)
        .await;
    assert_eq!(
        (thawed.at("/changed"), thawed.at("/freeze")),
        (true.into(), Value::Null)
    );
    let again = plane.post("/admin/v1/unfreeze", "").await;
    assert_eq!(again.at("/changed"), false);
}

/// `odd`: version 2 lacks the output of version 1.
async fn odd() -> Plane<impl AsyncFn(TestRequest) -> ServiceResponse> {
    let name = |text| Name::new(text).unwrap();
    let mut builder = Impresario::builder();
    for (version, output) in [(1, "y"), (2, "z")] {
        let number = VersionNumber::new(version).unwrap();
        builder = builder.register(name("odd"), number, move || {
            let shape = || vec![Dim::Free(None), Dim::Fixed(2)];
            let contract = Contract {
                inputs: vec![Port::new("x", DataType::Fp32, shape())],
                outputs: vec![Port::new(output, DataType::Fp32, shape())],
                batching: Batching::FirstAxis { max: None },
            };
            Ok(FnModel::new(contract, |inputs: Vec<Tensor>| {
                Ok::<_, InferError>(inputs)
            }))
        });
    }
    of(builder.start().await.unwrap(), "127.0.0.1:8082", Vec::new()).await
}

#[actix_web::test]
async fn a_version_that_breaks_its_callers_is_let_in_for_a_reason_only() {
    let plane = odd().await;
    let pinned = |version: u64| {
        format!(r#"{{"policy":{{"type":"standalone","model":"odd","version":{version}}}}}"#)
    };
    assert_eq!(plane.ask("PUT", FRONT, &[], &pinned(1)).await.status, 201);
    let refused = plane.ask("PUT", FRONT, &[], &pinned(2)).await;
    assert_eq!(refused.code(), "409 breaks-contract");
    assert_eq!(refused.at("/breaches/0/port"), "y");
    let forced = format!("{FRONT}?force=true");
    let silent = plane.ask("PUT", &forced, &[], &pinned(2)).await;
    assert_eq!(silent.code(), "422 reason-missing");
    let rollout = format!("{FRONT}/rollout");
    let refused = plane.post(&rollout, r#"{"canary":2}"#).await;
    assert_eq!(refused.code(), "409 breaks-contract");
    let silent = plane
        .post(&format!("{rollout}?force=true"), r#"{"canary":2}"#)
        .await;
    assert_eq!(silent.code(), "422 reason-missing");
    let told = r#"{"canary":2,"reason":"nobody reads y"}"#;
    let begun = plane.post(&format!("{rollout}?force=true"), told).await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    let why = [("x-reason", "nobody reads y")];
    let put = plane.ask("PUT", &forced, &why, &pinned(2)).await;
    assert_eq!(put.status, 200, "{}", put.text);
}

#[actix_web::test]
async fn viewers_look_and_operators_act() {
    let token = |role| {
        let minted = mint().unwrap();
        let token = Token {
            id: minted.id,
            name: format!("{role:?}"),
            role,
            hash: minted.hash,
            created_at: 0,
            expires_at: None,
        };
        (token, format!("Bearer {}", minted.text))
    };
    let (viewer, viewing) = token(Role::Viewer);
    let (operator, acting) = token(Role::Operator);
    let plane = guarded("127.0.0.1:8082", vec![viewer, operator]).await;
    let start = format!("{FRONT}/rollout");
    let pin = plane.pin(1, &[("authorization", &acting)]).await;
    assert_eq!(pin.status, 201);
    for (method, path, body) in [
        ("POST", start.clone(), r#"{"canary":2}"#),
        ("POST", format!("{start}/abort"), r#"{"reason":"x"}"#),
        ("POST", format!("{FRONT}/experiment/stop"), "{}"),
        ("POST", format!("{FRONT}/bandit/freeze"), "{}"),
        ("POST", "/admin/v1/freeze".to_owned(), ""),
        ("POST", "/admin/v1/unfreeze".to_owned(), ""),
    ] {
        let headers = [("authorization", viewing.as_str())];
        let refused = plane.ask(method, &path, &headers, body).await;
        assert_eq!(refused.code(), "403 role-too-low", "{path}");
        let stranger = plane.ask(method, &path, &[], body).await;
        assert_eq!(stranger.code(), "401 token-missing", "{path}");
    }
    let by = [("authorization", acting.as_str())];
    assert_eq!(
        plane
            .ask("POST", &start, &by, r#"{"canary":2}"#)
            .await
            .status,
        201
    );
    for path in [
        start.clone(),
        format!("{start}/plan"),
        format!("{FRONT}/journal"),
    ] {
        let headers = [("authorization", viewing.as_str())];
        assert_eq!(
            plane.ask("GET", &path, &headers, "").await.status,
            200,
            "{path}"
        );
        assert_eq!(plane.get(&path).await.code(), "401 token-missing", "{path}");
    }
}
