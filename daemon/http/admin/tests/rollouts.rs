//! Rollouts: begun, looked at, planned and told something; and how each of it is refused.

use serde_json::json;

use super::*;

const FRONT: &str = "/admin/v1/pipelines/front";
const ROLLOUT: &str = "/admin/v1/pipelines/front/rollout";
/// It goes nowhere by itself.
const SLOW: &str =
    r#"{"canary":2,"steps":[{"set_weight":10},{"pause":"approval"},{"analyze":"default"}]}"#;

/// `front` pinned to version 1, and no rollout advances.
async fn frozen() -> Plane<impl AsyncFn(TestRequest) -> ServiceResponse> {
    let plane = plane().await;
    assert_eq!(plane.pin(1, &[]).await.status, 201);
    let frozen = plane
        .post("/admin/v1/freeze", r#"{"reason":"a test"}"#)
        .await;
    assert_eq!(frozen.status, 200, "{}", frozen.text);
    plane
}

#[actix_web::test]
async fn a_rollout_is_begun_of_what_serves_and_shown() {
    let plane = frozen().await;
    let tried = plane.post(&format!("{ROLLOUT}?dry_run=true"), SLOW).await;
    assert_eq!((tried.status, tried.at("/dry_run")), (200, true.into()));
    assert_eq!(plane.get(ROLLOUT).await.code(), "404 no-course");
    let begun = plane
        .ask("POST", ROLLOUT, &[("x-reason", "it is better")], SLOW)
        .await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    assert_eq!(begun.at("/course/kind"), "rollout");
    assert_eq!(begun.at("/policy"), "canary");
    assert_eq!(
        begun.at("/course/variants/1"),
        json!({"name": "canary", "model": "pair", "version": 2, "weight": 0.0})
    );
    let shown = plane.get(ROLLOUT).await;
    assert_eq!(shown.header("etag"), begun.header("etag"));
    assert_eq!(
        (
            shown.at("/stable"),
            shown.at("/canary"),
            shown.at("/active")
        ),
        (1.into(), 2.into(), true.into())
    );
    assert_eq!(shown.at("/steps/0/what"), "10 % of the traffic");
    assert_eq!(shown.at("/steps/1/kind"), "approval");
    assert_eq!(shown.at("/steps/2/mark"), "ahead");
    assert_eq!(shown.at("/frozen"), "local froze all rollouts: a test");
    let verbs = shown.at("/verbs");
    for (verb, possible) in [
        ("pause", true),
        ("abort", true),
        ("retry", false),
        ("approve", false),
    ] {
        let listed = verbs.as_array().unwrap().contains(&json!(verb));
        assert_eq!(listed, possible, "{verb} in {verbs}");
    }
    let pipeline = plane.get(FRONT).await;
    assert_eq!(pipeline.at("/status/course/kind"), "rollout");
    assert_eq!(pipeline.at("/spec/policy/stable"), 1);
    let again = plane.post(ROLLOUT, r#"{"canary":2}"#).await;
    assert_eq!(again.code(), "409 not-now", "something is under way");
}

#[actix_web::test]
async fn a_model_s_own_pipeline_becomes_one_with_a_rollout() {
    let plane = plane().await;
    let path = "/admin/v1/pipelines/pair/rollout";
    assert_eq!(plane.get(path).await.code(), "404 no-course");
    let same = plane.post(path, r#"{"canary":2}"#).await;
    assert_eq!(
        same.code(),
        "422 invalid-pipeline",
        "version 2 serves already"
    );
    let begun = plane.post(path, r#"{"canary":1}"#).await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    assert_eq!(plane.get(path).await.at("/stable"), 2);
}

#[actix_web::test]
async fn a_rollout_that_cannot_be_meant_is_not_begun() {
    let plane = frozen().await;
    for (body, code) in [
        ("", "400 invalid-body"),
        ("[2]", "400 invalid-body"),
        ("{}", "422 invalid-pipeline"),
        (r#"{"canary":1}"#, "422 invalid-pipeline"),
        (r#"{"canary":9}"#, "422 invalid-pipeline"),
        (r#"{"canary":2,"stable":9}"#, "422 invalid-pipeline"),
        (r#"{"canary":2,"type":"canary"}"#, "422 invalid-pipeline"),
        (r#"{"canary":2,"model":"pair"}"#, "422 invalid-pipeline"),
        (r#"{"canary":2,"step":[]}"#, "422 invalid-pipeline"),
        (r#"{"canary":2,"steps":[]}"#, "422 invalid-pipeline"),
        (
            r#"{"canary":2,"steps":[{"set_weight":20},{"set_weight":10}]}"#,
            "422 invalid-pipeline",
        ),
        (r#"{"canary":2,"reason":7}"#, "400 invalid-body"),
    ] {
        let refused = plane.post(ROLLOUT, body).await;
        assert_eq!(refused.code(), code, "{body}");
        if code.ends_with("invalid-pipeline") {
            let first = refused.at("/problems/0");
            assert!(
                first["path"].as_str().is_some_and(|path| !path.is_empty()),
                "{first}"
            );
        }
    }
    let stale = plane
        .ask("POST", ROLLOUT, &[("if-match", "\"9\"")], r#"{"canary":2}"#)
        .await;
    assert_eq!(stale.code(), "412 stale-revision");
    let unknown = plane
        .post("/admin/v1/pipelines/nobody/rollout", r#"{"canary":2}"#)
        .await;
    assert_eq!(unknown.code(), "404 unknown-pipeline");
    assert_eq!(
        plane.get(FRONT).await.at("/revision"),
        1,
        "nothing was changed"
    );
}

#[actix_web::test]
async fn verbs_are_refused_where_they_make_no_sense() {
    let plane = frozen().await;
    let tell = async |verb: &str, body: &str| plane.post(&format!("{ROLLOUT}/{verb}"), body).await;
    assert_eq!(tell("pause", "").await.code(), "404 no-course");
    let unknown = "/admin/v1/pipelines/nobody/rollout/pause";
    assert_eq!(plane.post(unknown, "").await.code(), "404 unknown-pipeline");
    assert_eq!(plane.post(ROLLOUT, SLOW).await.status, 201);
    for (verb, body, code) in [
        ("dance", "", "404 not-found"),
        ("pause", r#"{"weight":5}"#, "422 invalid-order"),
        ("promote", r#"{"until":"2h"}"#, "422 invalid-order"),
        (
            "promote",
            r#"{"full":true,"to_step":2}"#,
            "422 invalid-order",
        ),
        (
            "promote",
            r#"{"full":true,"force":true}"#,
            "422 reason-missing",
        ),
        ("pause", r#"{"resaon":"typo"}"#, "400 invalid-body"),
        ("abort", "", "422 reason-missing"),
        ("reject", "{}", "422 reason-missing"),
        ("approve", "", "409 not-now"),
        ("retry", "", "409 not-now"),
        ("set-weight", "", "422 invalid-order"),
        ("set-weight", r#"{"weight":33.333}"#, "422 invalid-order"),
        ("set-weight", r#"{"weight":-1}"#, "422 invalid-order"),
        ("freeze", r#"{"until":"yesterday"}"#, "422 invalid-order"),
        (
            "freeze",
            r#"{"until":"2001-01-01T00:00:00Z"}"#,
            "422 invalid-order",
        ),
    ] {
        assert_eq!(tell(verb, body).await.code(), code, "{verb} {body}");
    }
    assert_eq!(tell("approve", "").await.at("/refusal"), "wrong-phase");
    let stale = [("if-match", "\"1\"")];
    let path = format!("{ROLLOUT}/pause");
    assert_eq!(
        plane.ask("POST", &path, &stale, "").await.code(),
        "412 stale-revision"
    );
    assert_eq!(
        plane.ask("GET", &path, &[], "").await.code(),
        "405 method-not-allowed"
    );
}

#[actix_web::test]
async fn a_rollout_is_paused_resumed_aborted_and_tried_again() {
    let plane = frozen().await;
    let tell = async |verb: &str, body: &str| plane.post(&format!("{ROLLOUT}/{verb}"), body).await;
    assert_eq!(plane.post(ROLLOUT, SLOW).await.status, 201);
    let paused = tell("pause", r#"{"reason":"lunch"}"#).await;
    assert_eq!(
        (
            paused.status,
            paused.at("/course/phase"),
            paused.at("/changed")
        ),
        (200, "paused".into(), true.into()),
        "{}",
        paused.text
    );
    assert_eq!(
        tell("pause", "").await.at("/changed"),
        false,
        "it is paused already"
    );
    assert_eq!(plane.get(ROLLOUT).await.at("/detail"), "by local");
    let tried = plane
        .post(
            &format!("{ROLLOUT}/abort?dry_run=true"),
            r#"{"reason":"x"}"#,
        )
        .await;
    assert_eq!((tried.status, tried.header("etag")), (200, None));
    assert_eq!(plane.get(ROLLOUT).await.at("/phase"), "paused");
    assert_eq!(tell("resume", "").await.status, 200);
    let held = tell("freeze", r#"{"until":"2h"}"#).await;
    assert_eq!(held.at("/changed"), true, "{}", held.text);
    let frozen = plane.get(ROLLOUT).await.at("/frozen");
    assert!(
        frozen
            .as_str()
            .unwrap()
            .starts_with("frozen by local for another"),
        "{frozen}"
    );
    assert_eq!(tell("unfreeze", "").await.at("/changed"), true);
    let etag = plane.get(ROLLOUT).await.header("etag").unwrap().to_owned();
    let aborted = plane
        .ask(
            "POST",
            &format!("{ROLLOUT}/abort"),
            &[("if-match", &etag), ("x-reason", "labels are wrong")],
            "",
        )
        .await;
    assert_eq!(aborted.status, 200, "{}", aborted.text);
    assert_eq!(aborted.at("/course/variants/1/weight"), 0.0);
    assert!(
        aborted.text.contains("labels are wrong"),
        "{}",
        aborted.text
    );
    let over = |phase: &'static str| {
        plane.fleet.live().until(move |snapshot| {
            let entry = snapshot.fleet.routing.pipelines.get("front").unwrap();
            entry.course.as_ref().unwrap().phase() == phase
        })
    };
    over("rolled-back").await;
    let again = plane.post(ROLLOUT, SLOW).await;
    assert_eq!(again.code(), "409 not-now");
    assert!(again.text.contains("retry"), "{}", again.text);
    let retried = tell("retry", r#"{"reason":"it was the data"}"#).await;
    assert_eq!(
        (retried.status, retried.at("/course/active")),
        (200, true.into()),
        "{}",
        retried.text
    );
    let journal = plane.get(&format!("{FRONT}/journal?limit=2")).await;
    assert_eq!(journal.at("/entries/0/action"), "rollout.retry");
    assert_eq!(journal.at("/entries/0/phase/before"), "rolled-back");
    let older = journal.at("/next");
    let older = plane.get(&format!("{FRONT}/journal?before={older}")).await;
    assert!(older.text.contains("labels are wrong"), "{}", older.text);
    assert!(older.text.contains("paused by local"), "{}", older.text);
    assert_eq!(
        plane.get(&format!("{FRONT}/journal?limit=0")).await.code(),
        "400 invalid-query"
    );
    let nobody = plane.get("/admin/v1/pipelines/nobody/journal").await;
    assert_eq!(nobody.code(), "404 unknown-pipeline");
}

#[actix_web::test]
async fn a_rollout_goes_to_its_end_and_back() {
    let plane = plane().await;
    assert_eq!(plane.pin(1, &[]).await.status, 201);
    assert_eq!(plane.post(ROLLOUT, SLOW).await.status, 201);
    let reaches = async |phase: &str| {
        let phase = phase.to_owned();
        let reached = plane.fleet.live().until(move |snapshot| {
            let entry = snapshot.fleet.routing.pipelines.get("front").unwrap();
            entry.course.as_ref().unwrap().phase() == phase
        });
        reached.await;
    };
    reaches("awaiting-approval").await;
    let waiting = plane.get(ROLLOUT).await;
    assert_eq!(
        (waiting.at("/step"), waiting.at("/weight")),
        (2.into(), 10.0.into())
    );
    assert_eq!(waiting.at("/steps/0/mark"), "done");
    assert_eq!(waiting.at("/steps/1/mark"), "current");
    assert_eq!(waiting.at("/verbs/0"), "approve");
    let weighed = plane
        .post(&format!("{ROLLOUT}/set-weight"), r#"{"weight":12.5}"#)
        .await;
    assert_eq!(
        weighed.at("/course/variants/1/weight"),
        12.5,
        "{}",
        weighed.text
    );
    let promoted = plane
        .post(
            &format!("{ROLLOUT}/promote"),
            r#"{"full":true,"reason":"seen enough"}"#,
        )
        .await;
    assert_eq!(
        promoted.at("/course/variants/1/weight"),
        100.0,
        "{}",
        promoted.text
    );
    reaches("soaking").await;
    let serves = plane.get(FRONT).await.at("/status/serves/version");
    assert_eq!(serves, 2);
    let undone = plane.post(&format!("{ROLLOUT}/undo"), "").await;
    assert_eq!(
        undone.at("/course/variants/1/weight"),
        0.0,
        "{}",
        undone.text
    );
    reaches("rolled-back").await;
}

#[actix_web::test]
async fn plans_say_what_each_step_takes() {
    let plane = plane().await;
    assert_eq!(plane.pin(1, &[]).await.status, 201);
    let path = format!("{ROLLOUT}/plan");
    assert_eq!(plane.get(&path).await.code(), "404 no-course");
    let ahead = plane
        .post(
            &format!("{path}?per_second=200&errors=0.01"),
            r#"{"canary":2}"#,
        )
        .await;
    assert_eq!(ahead.status, 200, "{}", ahead.text);
    assert_eq!(ahead.at("/traffic/source"), "stated");
    assert_eq!(ahead.json()["steps"].as_array().unwrap().len(), 8);
    let (requests, seconds) = (ahead.at("/steps/1/requests"), ahead.at("/steps/1/seconds"));
    let (requests, seconds) = (requests.as_f64().unwrap(), seconds.as_f64().unwrap());
    assert!(requests > 0.0 && (seconds - (requests / 200.0).max(60.0)).abs() < 1.0);
    let silent = plane.post(&path, r#"{"canary":2}"#).await;
    assert_eq!(silent.at("/traffic/source"), "unknown");
    assert!(
        silent.text.contains("there is no traffic"),
        "{}",
        silent.text
    );
    assert_eq!(silent.at("/seconds"), Value::Null);
    for (query, body, code) in [
        ("?errors=2", r#"{"canary":2}"#, "400 invalid-query"),
        ("?per_second=-1", r#"{"canary":2}"#, "400 invalid-query"),
        ("?rate=1", r#"{"canary":2}"#, "400 invalid-query"),
        ("", r#"{"canary":1}"#, "422 invalid-pipeline"),
    ] {
        assert_eq!(
            plane.post(&format!("{path}{query}"), body).await.code(),
            code,
            "{query}"
        );
    }
    assert_eq!(
        plane.get(ROLLOUT).await.code(),
        "404 no-course",
        "nothing was begun"
    );
    assert_eq!(plane.post(ROLLOUT, SLOW).await.status, 201);
    let begun = plane.get(&format!("{path}?per_second=5")).await;
    assert_eq!(begun.at("/steps/1/what"), "approval");
    assert_eq!(begun.at("/steps/1/seconds"), Value::Null);
}
