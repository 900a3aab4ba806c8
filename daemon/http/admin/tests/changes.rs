//! Changes: what they answer, what they leave behind, and that they can be undone.

use serde_json::json;

use super::*;

const FRONT: &str = "/admin/v1/pipelines/front";

#[actix_web::test]
async fn a_pipeline_is_made_replaced_compared_and_undone() {
    let plane = plane().await;
    let made = plane.pin(1, &[("x-reason", "first")]).await;
    assert_eq!(
        (made.status, made.header("etag")),
        (201, Some("\"1\"")),
        "{}",
        made.text
    );
    assert_eq!(
        made.json()["report"]["serves"],
        json!({"model": "pair", "version": 1})
    );
    let same = plane.pin(1, &[]).await;
    assert_eq!(
        (
            same.status,
            same.at("/revision"),
            same.at("/report/changed")
        ),
        (200, 1.into(), false.into())
    );
    let tried = plane
        .ask(
            "PUT",
            &format!("{FRONT}?dry_run=true"),
            &[],
            r#"{"policy":{"type":"standalone","model":"pair","version":2}}"#,
        )
        .await;
    assert_eq!(
        (
            tried.status,
            tried.at("/report/dry_run"),
            tried.at("/revision")
        ),
        (200, true.into(), 2.into())
    );
    assert_eq!(tried.header("etag"), None);
    assert_eq!(plane.get(FRONT).await.at("/revision"), 1);
    assert_eq!(plane.pin(2, &[]).await.status, 200);
    let shown = plane.get(FRONT).await;
    assert_eq!(shown.header("etag"), Some("\"2\""));
    assert_eq!(
        shown.at("/spec"),
        json!({"policy": {"type": "standalone", "model": "pair", "version": 2}})
    );
    assert_eq!(shown.at("/status/serves/version"), 2);
    assert_eq!(shown.at("/status/source"), "api");
    let revisions = plane.get(&format!("{FRONT}/revisions")).await;
    assert_eq!(revisions.at("/revisions/0/current"), true);
    assert_eq!(
        revisions.at("/revisions/0/changes"),
        json!([{"path": "policy.version", "before": 1, "after": 2}])
    );
    assert_eq!(revisions.at("/revisions/1/reason"), "first");
    assert_eq!(
        plane
            .get(&format!("{FRONT}/revisions/1"))
            .await
            .at("/spec/policy/version"),
        1
    );
    let undone = plane
        .ask(
            "POST",
            &format!("{FRONT}/undo"),
            &[],
            r#"{"reason":"worse"}"#,
        )
        .await;
    assert_eq!(
        (
            undone.status,
            undone.at("/revision"),
            undone.at("/report/serves/version")
        ),
        (200, 3.into(), 1.into())
    );
    let to = plane
        .ask(
            "POST",
            &format!("{FRONT}/undo"),
            &[("if-match", "\"3\"")],
            r#"{"to":2}"#,
        )
        .await;
    assert_eq!(
        (to.status, to.at("/report/serves/version")),
        (200, 2.into()),
        "{}",
        to.text
    );
    let unknown = plane
        .ask("POST", &format!("{FRONT}/undo"), &[], r#"{"to":99}"#)
        .await;
    assert_eq!(unknown.code(), "404 unknown-revision");
    let deleted = plane.ask("DELETE", FRONT, &[], "").await;
    assert_eq!((deleted.status, deleted.header("etag")), (200, None));
    assert_eq!(
        deleted.at("/report/waits"),
        json!([]),
        "nobody wants what is gone"
    );
    assert_eq!(plane.get(FRONT).await.code(), "404 unknown-pipeline");
    assert_eq!(
        plane.ask("DELETE", FRONT, &[], "").await.code(),
        "404 unknown-pipeline"
    );
    let back = plane.ask("POST", &format!("{FRONT}/undo"), &[], "").await;
    assert_eq!(
        (back.status, back.at("/report/serves/version")),
        (200, 2.into()),
        "a removal is undone too"
    );
    let audit = plane.get("/admin/v1/audit?name=front&limit=2").await;
    assert_eq!(audit.at("/records/0/actor"), "local");
    assert_eq!(audit.at("/records/0/source"), "api");
    let next = audit.at("/next");
    let older = plane
        .get(&format!("/admin/v1/audit?name=front&before={next}"))
        .await;
    assert_eq!(older.json()["records"].as_array().unwrap().len(), 4);
    assert!(
        older.text.contains("\"reason\":\"worse\""),
        "{}",
        older.text
    );
    assert_eq!(older.at("/next"), Value::Null);
}

#[actix_web::test]
async fn conditions_keep_writers_from_running_each_other_over() {
    let plane = plane().await;
    assert_eq!(
        plane.pin(1, &[("if-match", "*")]).await.code(),
        "412 stale-revision"
    );
    assert_eq!(
        plane.pin(1, &[("if-match", "\"1\"")]).await.code(),
        "412 stale-revision"
    );
    assert_eq!(plane.pin(1, &[("if-none-match", "*")]).await.status, 201);
    assert_eq!(
        plane.pin(2, &[("if-none-match", "*")]).await.code(),
        "412 stale-revision"
    );
    assert_eq!(plane.pin(2, &[("if-match", "*")]).await.status, 200);
    let stale = plane.pin(1, &[("if-match", "\"1\"")]).await;
    assert_eq!(stale.code(), "412 stale-revision");
    assert_eq!(
        (stale.at("/expected"), stale.at("/current")),
        (1.into(), 2.into())
    );
    assert_eq!(
        plane.pin(1, &[("if-match", "W/\"2\"")]).await.code(),
        "412 stale-revision"
    );
    assert_eq!(
        plane.pin(1, &[("if-match", "2")]).await.code(),
        "400 invalid-header"
    );
    assert_eq!(
        plane.pin(1, &[("if-match", "\"9\", \"2\"")]).await.status,
        200
    );
    let gone = plane
        .ask("DELETE", FRONT, &[("if-match", "\"2\"")], "")
        .await;
    assert_eq!(gone.code(), "412 stale-revision");
}

#[actix_web::test]
async fn a_pipeline_with_problems_is_told_all_of_them() {
    let plane = plane().await;
    let put = async |body: &str| plane.ask("PUT", FRONT, &[], body).await;
    let wrong =
        put(r#"{"deadlin":"1s","policy":{"type":"standalone","model":"pair","version":0}}"#).await;
    assert_eq!(wrong.code(), "422 invalid-pipeline");
    let paths: Vec<_> = wrong.json()["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["path"].clone())
        .collect();
    assert_eq!(
        paths,
        ["pipelines.front.deadlin", "pipelines.front.policy.version"]
    );
    assert!(
        wrong.json()["problems"][0]["hint"]
            .as_str()
            .unwrap()
            .contains("deadline")
    );
    for (body, code) in [
        ("", "422 invalid-pipeline"),
        ("{", "400 invalid-body"),
        ("[1,", "400 invalid-body"),
        ("null", "422 invalid-pipeline"),
        (r#"{"policy":{"type":"canary"}}"#, "422 invalid-pipeline"),
        (
            r#"{"policy":{"type":"standalone","model":"nobody"}}"#,
            "422 invalid-pipeline",
        ),
        (
            r#"{"policy":{"type":"standalone","model":"pair","version":9}}"#,
            "422 invalid-pipeline",
        ),
    ] {
        let answer = put(body).await;
        assert_eq!(answer.code(), code, "{body}: {}", answer.text);
        assert!(
            !answer.at("/problems").as_array().unwrap().is_empty(),
            "{body}"
        );
    }
    let request = TestRequest::put()
        .uri(FRONT)
        .peer_addr("127.0.0.1:5".parse().unwrap());
    let binary = (plane.call)(request.set_payload(vec![0xff_u8, 0xfe])).await;
    assert_eq!(binary.status().as_u16(), 400);
    assert_eq!(
        plane.get("/admin/v1/status").await.at("/revision"),
        0,
        "nothing was changed"
    );
}

#[actix_web::test]
async fn versions_are_unloaded_and_loaded() {
    let plane = plane().await;
    let post = async |path: &str| {
        plane
            .ask("POST", &format!("/admin/v1/models/{path}"), &[], "")
            .await
    };
    let unloaded = post("pair/versions/2/unload").await;
    assert_eq!(
        (unloaded.status, unloaded.at("/versions/0/phase")),
        (200, "unloaded".into()),
        "{}",
        unloaded.text
    );
    assert_eq!(
        plane
            .get("/admin/v1/pipelines/pair")
            .await
            .at("/status/serves/version"),
        1
    );
    let loaded = post("pair/versions/2/load?wait=20s").await;
    assert_eq!(
        (loaded.status, loaded.at("/done")),
        (200, true.into()),
        "{}",
        loaded.text
    );
    assert_eq!(loaded.at("/versions/0/phase"), "ready");
    assert_eq!(post("pair/load?wait=0s").await.status, 202);
    let broken = post("broken/versions/1/load").await;
    assert_eq!(broken.code(), "422 load-failed");
    assert!(
        broken
            .at("/detail")
            .as_str()
            .unwrap()
            .contains("a hole in it"),
        "{}",
        broken.text
    );
    assert_eq!(post("broken/load").await.code(), "422 load-failed");
    plane.pin(1, &[]).await;
    assert_eq!(post("pair/versions/1/unload").await.code(), "409 in-use");
    assert_eq!(
        post("pair/versions/7/load").await.code(),
        "404 unknown-version"
    );
    assert_eq!(plane.ask("DELETE", FRONT, &[], "").await.status, 200);
    let all = post("pair/unload").await;
    assert_eq!(
        (all.status, all.at("/versions/1/phase")),
        (200, "unloaded".into()),
        "{}",
        all.text
    );
    assert_eq!(
        plane
            .get("/admin/v1/models/pair")
            .await
            .at("/intent/unloaded"),
        true
    );
    assert_eq!(post("pair/load").await.at("/versions/1/phase"), "ready");
    let audit = plane.get("/admin/v1/audit?name=pair").await;
    assert_eq!(audit.at("/records/0/changes/0/path"), "intents.pair");
}

#[actix_web::test]
async fn a_backup_is_whole_and_noted() {
    let plane = plane().await;
    plane.pin(1, &[]).await;
    let backup = plane
        .ask("GET", "/admin/v1/backup", &[("x-reason", "nightly")], "")
        .await;
    assert_eq!(
        (backup.status, backup.header("content-type")),
        (200, Some("application/x-ndjson"))
    );
    let mut expected = Vec::new();
    plane.fleet.store().backup(0, &mut expected).unwrap();
    let lines = |text: &str| text.lines().count();
    assert_eq!(
        lines(&backup.text),
        lines(std::str::from_utf8(&expected).unwrap())
    );
    assert!(backup.text.lines().last().unwrap().contains("sha256"));
    let audit = plane.get("/admin/v1/audit?action=store.backup").await;
    assert_eq!(audit.at("/records/0/reason"), "nightly");
}

#[actix_web::test]
async fn a_daemon_that_goes_down_says_so() {
    let plane = plane().await;
    plane.fleet.stop().await;
    let answer = plane.pin(1, &[]).await;
    assert_eq!(answer.code(), "503 stopping");
    assert!(answer.header("retry-after").is_some());
    assert_eq!(plane.get("/admin/v1/status").await.at("/ready"), false);
}
