//! Events as their readers see them.

use std::future::poll_fn;
use std::pin::Pin;

use actix_web::body::{BoxBody, MessageBody};

use super::*;

/// Reads the events of a stream.
struct Reader {
    body: BoxBody,
    text: String,
}

impl Reader {
    /// Reads until an event is there whole, and gives its lines.
    async fn next(&mut self) -> String {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                // Comments are no events.
                if !event.starts_with(':') {
                    return event;
                }
            }
            let chunk = poll_fn(|cx| Pin::new(&mut self.body).poll_next(cx)).await;
            let Some(Ok(chunk)) = chunk else {
                panic!("the stream ended")
            };
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }
}

impl<Call: AsyncFn(TestRequest) -> ServiceResponse> Plane<Call> {
    async fn open(&self, path: &str, last: Option<&str>) -> ServiceResponse {
        let mut request = TestRequest::get()
            .uri(path)
            .peer_addr("127.0.0.1:50000".parse().unwrap());
        if let Some(last) = last {
            request = request.insert_header(("last-event-id", last));
        }
        (self.call)(request).await
    }

    async fn read(&self, path: &str, last: Option<&str>) -> Reader {
        let response = self.open(path, last).await;
        assert_eq!(response.status(), 200);
        assert_eq!(
            response.headers().get("content-type").unwrap(),
            "text/event-stream"
        );
        Reader {
            body: response.into_body(),
            text: String::new(),
        }
    }
}

fn data(event: &str) -> Value {
    let line = event.lines().find_map(|line| line.strip_prefix("data: "));
    serde_json::from_str(line.unwrap()).unwrap()
}

#[actix_web::test]
async fn readers_are_told_of_changes_as_they_happen_and_resume_where_they_left() {
    let plane = plane().await;
    let mut all = plane.read("/admin/v1/events", None).await;
    let mut other = plane.read("/admin/v1/events?pipeline=other", None).await;
    assert_eq!(plane.pin(1, &[("x-reason", "first")]).await.status, 201);
    let event = all.next().await;
    assert!(event.contains("event: pipeline.put\n"), "{event}");
    let told = data(&event);
    assert_eq!(told["pipeline"], "front");
    assert_eq!(told["sentence"], "pipeline.put by local: first");
    assert!(
        event.starts_with(&format!("id: {}\n", told["seq"])),
        "{event}"
    );
    let begun = plane
        .post("/admin/v1/pipelines/front/rollout", r#"{"canary":2}"#)
        .await;
    assert_eq!(begun.status, 201, "{}", begun.text);
    let event = data(&all.next().await);
    assert_eq!(event["phase"]["kind"], "rollout");
    assert_eq!(event["phase"]["before"], Value::Null);
    // Of what is not its pipeline, only what holds for all.
    assert_eq!(
        plane
            .post("/admin/v1/freeze", r#"{"reason":"x"}"#)
            .await
            .status,
        200
    );
    let event = other.next().await;
    assert!(event.contains("event: fleet.freeze\n"), "{event}");
    drop(all);
    let seq = told["seq"].to_string();
    let mut resumed = plane
        .read("/admin/v1/events?pipeline=front", Some(&seq))
        .await;
    assert_eq!(data(&resumed.next().await)["phase"]["kind"], "rollout");
}

#[actix_web::test]
async fn a_stream_that_cannot_be_is_refused() {
    let plane = plane().await;
    let refused = plane
        .ask(
            "GET",
            "/admin/v1/events",
            &[("last-event-id", "newest")],
            "",
        )
        .await;
    assert_eq!(refused.code(), "400 invalid-header");
    let refused = plane.get("/admin/v1/events?pipeline=a%20b").await;
    assert_eq!(refused.code(), "400 invalid-name");
    let mut readers = Vec::new();
    for _ in 0..64 {
        readers.push(plane.read("/admin/v1/events", None).await);
    }
    let refused = plane.get("/admin/v1/events").await;
    assert_eq!(refused.code(), "503 streams-taken");
    assert!(refused.header("retry-after").is_some());
}
