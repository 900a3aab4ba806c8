//! Who may do what, and what everybody else is told.

use super::*;
use crate::auth::mint;
use crate::store::Role;

fn token(name: &str, role: Role) -> (Token, String) {
    let minted = mint().unwrap();
    let token = Token {
        id: minted.id,
        name: name.to_owned(),
        role,
        hash: minted.hash,
        created_at: 0,
        expires_at: None,
    };
    (token, format!("Bearer {}", minted.text))
}

#[actix_web::test]
async fn each_role_may_do_what_it_may() {
    let (viewer, viewer_text) = token("board", Role::Viewer);
    let (operator, operator_text) = token("ops", Role::Operator);
    let (admin, admin_text) = token("root", Role::Admin);
    let plane = guarded("127.0.0.1:8082", vec![viewer, operator, admin]).await;
    let put = r#"{"policy":{"type":"standalone","model":"pair"}}"#;
    for (method, path, body, viewer, operator, admin) in [
        ("GET", "/admin/v1/status", "", 200, 200, 200),
        ("GET", "/admin/v1/audit", "", 200, 200, 200),
        ("GET", "/metrics", "", 200, 200, 200),
        ("PUT", "/admin/v1/pipelines/front", put, 403, 201, 200),
        (
            "POST",
            "/admin/v1/models/pair/versions/1/load",
            "",
            403,
            200,
            200,
        ),
        ("POST", "/admin/v1/reload", "", 403, 200, 200),
        (
            "POST",
            "/admin/v1/pipelines/front/undo",
            r#"{"to":1}"#,
            403,
            200,
            200,
        ),
        ("DELETE", "/admin/v1/pipelines/front", "", 403, 200, 404),
        ("GET", "/admin/v1/tokens", "", 403, 403, 200),
        (
            "POST",
            "/admin/v1/tokens",
            r#"{"name":"x","role":"viewer"}"#,
            403,
            403,
            201,
        ),
        ("GET", "/admin/v1/backup", "", 403, 403, 200),
    ] {
        for (text, expected) in [
            (&viewer_text, viewer),
            (&operator_text, operator),
            (&admin_text, admin),
        ] {
            let answer = plane
                .ask(method, path, &[("authorization", text)], body)
                .await;
            assert_eq!(answer.status, expected, "{method} {path}: {}", answer.text);
            if expected == 403 {
                assert_eq!(answer.code(), "403 role-too-low");
            }
        }
        let nobody = plane.ask(method, path, &[], body).await;
        assert_eq!(nobody.code(), "401 token-missing");
        assert!(
            nobody
                .header("www-authenticate")
                .is_some_and(|value| value.starts_with("Bearer"))
        );
    }
    let nowhere = plane.ask("GET", "/admin/v1/secret", &[], "").await;
    assert_eq!(
        nowhere.code(),
        "401 token-missing",
        "strangers are not told what there is"
    );
    let audit = plane
        .ask(
            "GET",
            "/admin/v1/audit?action=pipeline.put",
            &[("authorization", &viewer_text)],
            "",
        )
        .await;
    let actors: Vec<_> = audit.json()["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["actor"].clone())
        .collect();
    assert!(
        actors.contains(&"ops".into()) && !actors.contains(&"board".into()),
        "{actors:?}"
    );
}

#[actix_web::test]
async fn everybody_can_ask_who_they_are() {
    let (viewer, text) = token("board", Role::Viewer);
    let plane = guarded("127.0.0.1:8082", vec![viewer]).await;
    let me = "/admin/v1/me";
    let answer = plane.ask("GET", me, &[("authorization", &text)], "").await;
    let expected = serde_json::json!({ "name": "board", "role": "viewer", "by_token": true });
    assert_eq!(answer.json(), expected);
    assert_eq!(plane.get(me).await.status, 401);
    let local = self::plane().await.get(me).await.json();
    let expected = serde_json::json!({ "name": "local", "role": "admin", "by_token": false });
    assert_eq!(local, expected);
}

#[actix_web::test]
async fn the_console_needs_no_token_and_shows_nothing() {
    let (viewer, _) = token("board", Role::Viewer);
    let plane = guarded("127.0.0.1:8082", vec![viewer]).await;
    let page = plane.get("/console/").await;
    assert_eq!(page.status, 200);
    assert!(!page.text.contains("pair"), "{}", page.text);
    assert_eq!(plane.get("/console/nothing").await.status, 404);
    assert_eq!(plane.get("/admin/v1/status").await.status, 401);
}

/// A form of any page can post to any address, with one of these types and without a token.
#[actix_web::test]
async fn a_form_of_a_page_from_elsewhere_changes_nothing() {
    let plane = plane().await;
    let unload = "/admin/v1/models/pair/unload";
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        for sign in [
            ("origin", "http://evil.example"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
        ] {
            let headers = [("host", "127.0.0.1:8082"), ("content-type", kind), sign];
            let answer = plane.ask("POST", unload, &headers, "{}").await;
            assert_eq!(answer.code(), "403 foreign-request", "{kind} {sign:?}");
        }
    }
    let own = [
        ("host", "127.0.0.1:8082"),
        ("origin", "http://127.0.0.1:8082"),
    ];
    assert_eq!(plane.ask("POST", unload, &own, "{}").await.status, 200);
}

#[actix_web::test]
async fn pages_from_elsewhere_are_refused_where_there_are_no_tokens() {
    let plane = plane().await;
    let status = "/admin/v1/status";
    for (header, expected) in [
        (("host", "127.0.0.1:8082"), 200),
        (("host", "localhost:8082"), 200),
        (("host", "evil.example"), 403),
        (("origin", "http://evil.example"), 403),
        (("origin", "null"), 403),
        (("sec-fetch-site", "same-origin"), 200),
        (("sec-fetch-site", "none"), 200),
        (("sec-fetch-site", "cross-site"), 403),
    ] {
        let answer = plane.ask("GET", status, &[header], "").await;
        assert_eq!(answer.status, expected, "{header:?}");
        if expected == 403 {
            assert_eq!(answer.code(), "403 foreign-request");
        }
    }
    let rebound = plane
        .ask(
            "GET",
            "http://evil.example/admin/v1/status",
            &[("host", "localhost")],
            "",
        )
        .await;
    assert_eq!(rebound.code(), "403 foreign-request");
    let twice = (plane.call)(
        TestRequest::get()
            .uri(status)
            .peer_addr("127.0.0.1:5".parse().unwrap())
            .append_header(("host", "localhost"))
            .append_header(("host", "evil.example")),
    );
    assert_eq!(twice.await.status().as_u16(), 400);
    let remote = TestRequest::get()
        .uri(status)
        .peer_addr("192.0.2.1:5".parse().unwrap());
    assert_eq!((plane.call)(remote).await.status().as_u16(), 403);
}

#[actix_web::test]
async fn tokens_are_made_shown_once_used_and_removed() {
    let plane = plane().await;
    let tokens = "/admin/v1/tokens";
    let create =
        async |headers: &[(&str, &str)], body: &str| plane.ask("POST", tokens, headers, body).await;
    for (body, code) in [
        (r#"{"name":"a","role":"viewer"}"#, "409 token-conflict"),
        (
            r#"{"name":"a","role":"admin","expires_in":"1d"}"#,
            "409 token-conflict",
        ),
        (r#"{"name":"a b","role":"admin"}"#, "422 invalid-token"),
        (r#"{"name":"local","role":"admin"}"#, "422 invalid-token"),
        (
            r#"{"name":"a","role":"admin","expires_in":"soon"}"#,
            "422 invalid-token",
        ),
        (r#"{"name":"a","role":"god"}"#, "400 invalid-body"),
        (r#"{"name":"a"}"#, "400 invalid-body"),
        (
            r#"{"name":"a","role":"admin","colour":1}"#,
            "400 invalid-body",
        ),
        ("", "400 invalid-body"),
    ] {
        assert_eq!(create(&[], body).await.code(), code, "{body}");
    }
    let made = create(&[], r#"{"name":"root","role":"admin"}"#).await;
    assert_eq!(
        (made.status, made.header("cache-control")),
        (201, Some("no-store"))
    );
    let (root, id) = (made.at("/token"), made.at("/id"));
    let bearer = format!("Bearer {}", root.as_str().unwrap());
    let root = [("authorization", bearer.as_str())];
    assert_eq!(
        plane.get("/admin/v1/status").await.code(),
        "401 token-missing",
        "the door is closed at once"
    );
    assert_eq!(
        create(&root, r#"{"name":"root","role":"viewer"}"#)
            .await
            .code(),
        "409 token-conflict"
    );
    let second = create(
        &root,
        r#"{"name":"ci","role":"operator","expires_in":"30d","reason":"builds"}"#,
    )
    .await;
    assert_eq!(second.status, 201, "{}", second.text);
    let listed = plane.ask("GET", tokens, &root, "").await;
    let names: Vec<_> = listed.json()["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t["name"].clone())
        .collect();
    assert_eq!(names.len(), 2);
    assert!(names.contains(&"ci".into()) && names.contains(&"root".into()));
    assert!(
        !listed.text.contains("argon2") && !listed.text.contains(root[0].1),
        "{}",
        listed.text
    );
    let remove = async |id: &Value| {
        let path = format!("{tokens}/{}", id.as_str().unwrap());
        plane.ask("DELETE", &path, &root, "").await
    };
    assert_eq!(remove(&"nobody".into()).await.code(), "404 unknown-token");
    assert_eq!(
        remove(&id).await.code(),
        "409 token-conflict",
        "the last admin, while others are left"
    );
    assert_eq!(remove(&second.at("/id")).await.status, 200);
    let audit = plane.ask("GET", "/admin/v1/audit", &root, "").await;
    assert!(
        audit.text.contains("token 'ci'") && audit.text.contains(": builds"),
        "{}",
        audit.text
    );
    assert!(
        !audit.text.contains("imp_") && !audit.text.contains("argon2"),
        "{}",
        audit.text
    );
    assert_eq!(
        remove(&id).await.status,
        200,
        "then this machine is admitted again"
    );
    assert_eq!(plane.get("/admin/v1/status").await.status, 200);
}
