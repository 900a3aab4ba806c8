//! Feedback as callers send it: by id and by token, one event or a list, and what is wrong with it.

use impresario_pipelines::bucket::{Slot, Slots, Weight};
use impresario_pipelines::spec::experiment::{Better, Experiment, Goal, GoalKind};
use impresario_pipelines::trial::Unit;

use super::super::respond::{self, Fault, RequestId};
use super::*;
use crate::feedback::{Declared, Exposure, Request, Wants};
use crate::serve::{self, Secret, Token};

const COURSE: u64 = 7;

fn slots() -> Slots {
    let half = Weight::from_percent(50.0).unwrap();
    Slots::new(&[half, half]).unwrap()
}

fn experiment() -> Experiment {
    let goal = |metric: &str, kind| Goal {
        metric: metric.to_owned(),
        kind,
        better: Better::Higher,
        mde: 0.05,
    };
    let arm = |name, version| impresario_pipelines::Arm {
        name: Name::new(name).unwrap(),
        model: Name::new("pair").unwrap(),
        version: VersionNumber::new(version).unwrap(),
    };
    let half = Weight::from_percent(50.0).unwrap();
    Experiment {
        arms: vec![(arm("a", 1), half), (arm("b", 2), half)],
        seed: "seed".to_owned(),
        namespace: None,
        goals: vec![
            goal("sale", GoalKind::Binary),
            goal(
                "spent",
                GoalKind::Mean {
                    cap: None,
                    covariate: None,
                },
            ),
        ],
        guardrails: Vec::new(),
        segments: Vec::new(),
        alpha: 0.05,
        min_units: 100,
        feedback_within: Duration::from_secs(60),
    }
}

/// `pair` is an experiment's pipeline, as far as feedback knows; a request with the id `r` was answered.
fn learn(fleet: &Impresario) {
    let (feedback, name) = (fleet.serve().feedback(), Name::new("pair").unwrap());
    let declared = Declared {
        pipeline: name.clone(),
        course: COURSE,
        segment: 1,
        slots: slots(),
        wants: Wants::Experiment {
            spec: Arc::new(experiment()),
            unit: Unit::Request,
        },
    };
    feedback.courses(&[declared], feedback.now());
    feedback.exposed(&Exposure {
        pipeline: &name,
        course: COURSE,
        segment: 1,
        slots: &slots(),
        arm: 0,
        slot: Slot::new(10).unwrap(),
        unit: 1,
        request: Request::of("r"),
        at: feedback.now().wall,
        dimensions: [0; 8],
        latency: None,
        error: Some(false),
    });
}

/// A token of a request, made so long ago.
fn token(secret: &Secret, pipeline: &str, course: u64, id: &str, ago: Duration) -> String {
    let ago = u64::try_from(ago.as_millis()).unwrap();
    secret.sign(&Token {
        pipeline: Name::new(pipeline).unwrap(),
        course,
        segment: 1,
        arm: 0,
        slot: Slot::new(10).unwrap(),
        unit: serve::Unit::from_bits(1 << 64),
        request: Request::of(id),
        dimensions: [0; 8],
        at_ms: crate::clock::wall_ms() - ago,
    })
}

async fn post(bodies: &[(&str, String)], path: &str, expected: Expect) -> Impresario {
    let (fleet, service) = serve().await;
    learn(&fleet);
    let mut lines = String::new();
    for (what, body) in bodies {
        let request = TestRequest::post().uri(path).set_payload(body.clone());
        lines += &format!("{what}\n{}\n", ask(&service, request).await);
    }
    expected.assert_eq(&lines);
    fleet
}

#[actix_web::test]
async fn events_are_taken_once() {
    let one = |event: &str| {
        format!(r#"{{"request_id":"r","metric":"spent","value":2.5,"event_id":"{event}"}}"#)
    };
    let bodies = [
        ("one", one("e1")),
        ("the same", one("e1")),
        (
            "no event id",
            r#"{"request_id":"r","metric":"sale","value":1}"#.to_owned(),
        ),
        (
            "a list",
            format!(
                r#"{{"events":[{},{},{}]}}"#,
                one("e1"),
                one("e2"),
                one("e2")
            ),
        ),
        (
            "nobody",
            r#"{"request_id":"q","metric":"sale","value":1}"#.to_owned(),
        ),
    ];
    let fleet = post(
        &bodies,
        "/pipelines/pair/feedback/",
        expect![[r#"
            one
            202
            content-type: application/json
            {"accepted":1,"duplicate":0,"late":0,"unknown":0}

            the same
            202
            content-type: application/json
            {"accepted":0,"duplicate":1,"late":0,"unknown":0}

            no event id
            202
            content-type: application/json
            {"accepted":1,"duplicate":0,"late":0,"unknown":0}

            a list
            202
            content-type: application/json
            {"accepted":1,"duplicate":2,"late":0,"unknown":0}

            nobody
            202
            content-type: application/json
            {"accepted":0,"duplicate":0,"late":0,"unknown":1}

        "#]],
    )
    .await;
    fleet.stop().await;
}

#[actix_web::test]
async fn what_is_wrong_is_told() {
    let body = |text: &str| (text.to_owned(), text.to_owned());
    let bodies: Vec<(String, String)> = [
        "",
        "[]",
        r#"{"request_id":"r","metric":"spent"}"#,
        r#"{"request_id":"r","metric":"spent","value":"2"}"#,
        r#"{"request_id":"r","metric":"spent","value":1e999}"#,
        r#"{"request_id":"r","metric":"spent","value":1,"at":3}"#,
        r#"{"metric":"spent","value":1}"#,
        r#"{"request_id":"r","route_token":"t","metric":"spent","value":1}"#,
        r#"{"request_id":"r","metric":"sales","value":1}"#,
        r#"{"events":[{"request_id":"r","metric":"spent","value":1},{"request_id":"r","metric":"sale","value":3}]}"#,
        r#"{"events":[["r",null,"spent",1]]}"#,
        r#"{"events":{}}"#,
        r#"{"events":[]}"#,
        r#"{"events":[],"metric":"sale"}"#,
        r#"{"route_token":"AAAA","metric":"sale","value":1}"#,
    ]
    .map(body)
    .into();
    let bodies: Vec<(&str, String)> = bodies
        .iter()
        .map(|(what, body)| (&**what, body.clone()))
        .collect();
    let fleet = post(
        &bodies,
        "/pipelines/pair/feedback",
        expect![[r##"

            400
            content-type: application/json
            {"error":"feedback: expected an object of request_id or route_token, metric, value and event_id, got EOF while parsing a value at line 1 column 0"}

            []
            400
            content-type: application/json
            {"error":"feedback: expected an object of request_id or route_token, metric, value and event_id, got invalid type: sequence, expected a map at line 1 column 0"}

            {"request_id":"r","metric":"spent"}
            400
            content-type: application/json
            {"error":"feedback: expected an object of request_id or route_token, metric, value and event_id, got missing field `value`"}

            {"request_id":"r","metric":"spent","value":"2"}
            400
            content-type: application/json
            {"error":"feedback: expected an object of request_id or route_token, metric, value and event_id, got invalid type: string \"2\", expected f64"}

            {"request_id":"r","metric":"spent","value":1e999}
            400
            content-type: application/json
            {"error":"feedback: expected an object of request_id or route_token, metric, value and event_id, got number out of range at line 1 column 48"}

            {"request_id":"r","metric":"spent","value":1,"at":3}
            400
            content-type: application/json
            {"error":"feedback: expected an object of request_id or route_token, metric, value and event_id, got unknown field `at`, expected one of `request_id`, `route_token`, `metric`, `value`, `event_id`"}

            {"metric":"spent","value":1}
            400
            content-type: application/json
            {"error":"request_id: expected either request_id or route_token, got neither"}

            {"request_id":"r","route_token":"t","metric":"spent","value":1}
            400
            content-type: application/json
            {"error":"request_id: expected either request_id or route_token, got both"}

            {"request_id":"r","metric":"sales","value":1}
            400
            content-type: application/json
            {"error":"metric: expected one of the metrics 'sale', 'spent', got 'sales'"}

            {"events":[{"request_id":"r","metric":"spent","value":1},{"request_id":"r","metric":"sale","value":3}]}
            400
            content-type: application/json
            {"error":"events[1].value: expected 0 or 1, as 'sale' happens or not, got 3"}

            {"events":[["r",null,"spent",1]]}
            400
            content-type: application/json
            {"error":"events[0]: expected an object, got a list"}

            {"events":{}}
            400
            content-type: application/json
            {"error":"events: expected a list of events, got an object"}

            {"events":[]}
            400
            content-type: application/json
            {"error":"expected 1 to 1000 events, got 0"}

            {"events":[],"metric":"sale"}
            400
            content-type: application/json
            {"error":"feedback: expected nothing but events, got 'metric' beside them"}

            {"route_token":"AAAA","metric":"sale","value":1}
            400
            content-type: application/json
            {"error":"route_token: expected a route token, as the header x-route-token gives it"}

        "##]],
    )
    .await;
    let counts = fleet.serve().feedback().counts();
    assert_eq!(counts[0].2.accepted, 0);
    fleet.stop().await;
}

#[actix_web::test]
async fn tokens_are_verified() {
    let (fleet, service) = serve().await;
    learn(&fleet);
    let secret = fleet.serve().secret().unwrap();
    let day = Duration::from_secs(24 * 60 * 60);
    let (now, forger) = (Duration::ZERO, Secret::new([9; 32]));
    let cases = [
        (
            "own",
            token(secret, "pair", COURSE, "r", now),
            202,
            r#""accepted":1"#,
        ),
        (
            "again",
            token(secret, "pair", COURSE, "r", now),
            202,
            r#""duplicate":1"#,
        ),
        (
            "of another replica",
            token(secret, "pair", COURSE, "s", now),
            202,
            r#""accepted":1"#,
        ),
        (
            "of an earlier course",
            token(secret, "pair", 6, "r", now),
            202,
            r#""unknown":1"#,
        ),
        (
            "late",
            token(secret, "pair", COURSE, "t", day),
            202,
            r#""late":1"#,
        ),
        (
            "overdue",
            token(secret, "pair", COURSE, "t", day * 31),
            400,
            "old, feedback is taken for",
        ),
        (
            "of another pipeline",
            token(secret, "half", COURSE, "r", now),
            400,
            "of pipeline 'half'",
        ),
        (
            "forged",
            token(&forger, "pair", COURSE, "r", now),
            401,
            "was not signed by this fleet",
        ),
    ];
    for (what, token, status, says) in cases {
        let body =
            format!(r#"{{"route_token":"{token}","metric":"sale","value":1,"event_id":"e"}}"#);
        let request = TestRequest::post().uri("/pipelines/pair/feedback");
        let answer = ask(&service, request.set_payload(body)).await;
        assert!(answer.starts_with(&status.to_string()), "{what}: {answer}");
        assert!(answer.contains(says), "{what}: {answer}");
    }
    fleet.stop().await;
}

#[actix_web::test]
async fn only_pipelines_that_learn_take_feedback_and_only_so_much() {
    let (fleet, service) = serve().await;
    learn(&fleet);
    let body = r#"{"request_id":"r","metric":"sale","value":1}"#;
    for (path, status, says) in [
        (
            "/pipelines/half/feedback",
            400,
            "it runs no experiment and no bandit",
        ),
        (
            "/pipelines/pears/feedback",
            404,
            "Request for unknown model: 'pears' is not found",
        ),
    ] {
        let request = TestRequest::post().uri(path).set_payload(body);
        let answer = ask(&service, request).await;
        assert!(
            answer.starts_with(&status.to_string()) && answer.contains(says),
            "{answer}"
        );
    }
    let more = format!(r#"{{"events":[{}]}}"#, vec![body; 1_001].join(","));
    let request = TestRequest::post().uri("/pipelines/pair/feedback");
    let answer = ask(&service, request.set_payload(more)).await;
    assert!(
        answer.contains("events: expected at most 1000 events, got 1001"),
        "{answer}"
    );
    fleet.stop().await;
}

#[test]
fn a_flood_is_told_when_to_come_again() {
    let flood = Fault::Feedback(crate::feedback::Refused::Flood {
        pipeline: Name::new("pair").unwrap(),
        per_second: 20_000,
        retry_after: Duration::from_millis(1_200),
    });
    let id = RequestId::of(&TestRequest::default().to_http_request());
    let response = respond::fault(&flood, &id, None);
    assert_eq!(response.status().as_u16(), 429);
    assert_eq!(response.headers().get("retry-after").unwrap(), "2");
}
