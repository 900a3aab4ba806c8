//! What a browser is given, and what it is kept from.

use std::fs;
use std::path::Path;

use actix_web::App;
use actix_web::body::to_bytes;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::test::{TestRequest, init_service};

use super::*;

/// What came back.
struct Got {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

async fn ask(request: TestRequest) -> Got {
    let app = init_service(App::new().configure(configure)).await;
    let answer: ServiceResponse = app.call(request.to_request()).await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let Ok(body) = to_bytes(answer.into_body()).await else {
        panic!("the body broke off")
    };
    Got {
        status,
        headers,
        body: body.to_vec(),
    }
}

async fn get(path: &str) -> Got {
    ask(TestRequest::get().uri(path)).await
}

#[actix_web::test]
async fn every_file_has_its_type_and_may_do_no_more_than_it_needs() {
    for file in &FILES {
        let got = get(&format!("/console/{}", file.path)).await;
        assert_eq!(got.status, 200, "{}", file.path);
        assert_eq!(got.body, file.bytes, "{}", file.path);
        let kind = match file.path.rsplit_once('.').map(|(_, end)| end) {
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("html") => "text/html; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/plain; charset=utf-8",
        };
        assert_eq!(got.header("content-type"), kind, "{}", file.path);
        assert_eq!(got.header("content-security-policy"), POLICY);
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        assert_eq!(got.header("referrer-policy"), "no-referrer");
        assert_eq!(got.header("cache-control"), "no-cache");
    }
    assert!(!POLICY.contains("unsafe"));
}

#[actix_web::test]
async fn the_page_is_at_the_folder() {
    let got = get("/console").await;
    assert_eq!((got.status, got.header("location")), (308, "console/"));
    let (folder, page) = (get("/console/").await, get("/console/index.html").await);
    assert_eq!((folder.status, &folder.body), (200, &page.body));
    let got = ask(TestRequest::with_uri("/console/").method(Method::HEAD)).await;
    assert_eq!(got.status, 200);
}

#[actix_web::test]
async fn what_a_browser_has_is_not_sent_again() {
    let first = get("/console/app.js").await;
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() > 10, "{tag}");
    for (list, status) in [
        (tag.clone(), 304),
        (format!("W/{tag}"), 304),
        (format!("\"x\", {tag}"), 304),
        ("*".to_owned(), 304),
        ("\"x\"".to_owned(), 200),
    ] {
        let request = TestRequest::get().uri("/console/app.js");
        let got = ask(request.insert_header(("if-none-match", &*list))).await;
        assert_eq!(got.status, status, "{list}");
        assert_eq!(got.header("etag"), tag, "{list}");
        assert_eq!(got.body.is_empty(), status == 304, "{list}");
    }
    let other = get("/console/api.js").await;
    assert_ne!(other.header("etag"), tag);
}

#[actix_web::test]
async fn there_is_nothing_else() {
    for path in [
        "/console/nothing.js",
        "/console/../Cargo.toml",
        "/console/..%2f..%2fCargo.toml",
        "/console/%2e%2e/http/console.rs",
        "/console/pages/../../http/console.rs",
        "/console//etc/passwd",
        "/console/pages",
        "/console/pages/",
        "/console/README.md",
        "/console/app.js%00",
        "/console/APP.JS",
    ] {
        let got = get(path).await;
        assert_eq!(got.status, 404, "{path}");
        assert_eq!(got.header("x-content-type-options"), "nosniff", "{path}");
        assert!(got.body.len() < 100, "{path}");
    }
    let got = ask(TestRequest::post().uri("/console/")).await;
    assert_eq!((got.status, got.header("allow")), (405, "GET, HEAD"));
}

#[test]
fn the_table_is_the_folder() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("daemon/console");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let path = path.strip_prefix(&root).unwrap();
                found.push(path.to_str().unwrap().replace('\\', "/"));
            }
        }
    }
    found.retain(|path| path != "README.md");
    found.sort_unstable();
    let mut table: Vec<_> = FILES.iter().map(|file| file.path).collect();
    table.sort_unstable();
    assert_eq!(found, table);
}
