//! The repository extension: the index, loading and unloading, and who may.

use super::*;

fn change(path: &str) -> TestRequest {
    TestRequest::post().uri(path)
}

fn allowed(request: TestRequest) -> TestRequest {
    request.insert_header(("authorization", "Bearer t"))
}

#[actix_web::test]
async fn models_are_listed_unloaded_and_loaded() {
    let (fleet, service) = serve().await;
    let steps = [
        change("/v2/repository/index"),
        allowed(change("/v2/repository/models/half/unload")),
        TestRequest::get().uri("/v2/models/half/ready"),
        change("/v2/repository/index").set_payload(r#"{"ready":true}"#),
        allowed(change("/v2/repository/models/half/load/").set_payload(r#"{"parameters":{}}"#)),
        TestRequest::get().uri("/v2/models/half/ready"),
    ];
    let mut lines = String::new();
    for request in steps {
        lines += &ask(&service, request).await;
        lines += "\n";
    }
    expect![[r#"
        200
        content-type: application/json
        [{"name":"broken","version":"1","state":"READY","reason":""},{"name":"half","version":"1","state":"READY","reason":""},{"name":"pair","version":"1","state":"READY","reason":""},{"name":"pair","version":"2","state":"READY","reason":""}]

        200
        content-type: application/json


        503
        content-type: application/json
        {"name":"half","ready":false,"error":"model 'half' has no version loaded"}

        200
        content-type: application/json
        [{"name":"broken","version":"1","state":"READY","reason":""},{"name":"pair","version":"1","state":"READY","reason":""},{"name":"pair","version":"2","state":"READY","reason":""}]

        200
        content-type: application/json


        200
        content-type: application/json
        {"name":"half","ready":true}

    "#]].assert_eq(&lines);
    fleet.stop().await;
}

#[actix_web::test]
async fn changes_that_cannot_be_made() {
    let (fleet, service) = serve().await;
    let steps = [
        change("/v2/repository/models/half/unload"),
        allowed(change("/v2/repository/models/pears/load")),
        allowed(change("/v2/repository/models/%2e%2e/load")),
        allowed(change("/v2/repository/models//load")),
        allowed(change("/v2/repository/models/half/load").set_payload("{")),
        allowed(
            change("/v2/repository/models/half/load")
                .set_payload(r#"{"parameters":{"config":"{}"}}"#),
        ),
        change("/v2/repository/index").set_payload("[1]"),
        TestRequest::get().uri("/v2/repository/index"),
    ];
    let mut lines = String::new();
    for request in steps {
        lines += &ask(&service, request).await;
        lines += "\n";
    }
    expect![[r#"
        401
        content-type: application/json
        {"error":"expected a bearer token"}

        404
        content-type: application/json
        {"error":"Request for unknown model: 'pears' is not found"}

        404
        content-type: application/json
        {"error":"Request for unknown model: '..' is not found"}

        400
        content-type: application/json
        {"error":"path '/v2/repository/models//load': expected a model's name, got an empty one"}

        400
        content-type: application/json
        {"error":"repository request: expected a JSON object, got EOF while parsing an object at line 1 column 1"}

        400
        content-type: application/json
        {"error":"repository request: expected parameter 'unload_dependents' or none, got 'config', which is not supported"}

        400
        content-type: application/json
        {"error":"repository request: expected a JSON object, got invalid type: sequence, expected a map at line 1 column 0"}

        405
        content-type: application/json
        allow: POST
        {"error":"path '/v2/repository/index': expected method POST, got GET"}

    "#]].assert_eq(&lines);
    fleet.stop().await;
}
