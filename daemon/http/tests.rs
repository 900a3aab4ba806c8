//! The data plane as its callers see it: a fleet of registered models, requests in, answers out.

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::to_bytes;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, web};
use expect_test::{Expect, expect};
use impresario_models::loader::FnModel;
use impresario_models::{
    Batching, Contract, DataType, Dim, InferError, Name, Port, Tensor, VersionNumber,
};

use super::codec::Limits;
use super::{Denied, Guard, Plane, configure};
use crate::Impresario;
use crate::auth::Asking;
use crate::plane::Watcher;

mod feedback;
mod inference;
mod repository;
mod routing;

/// Lets in whoever says so in a header.
struct Header;

impl Guard for Header {
    fn operator(&self, asking: &Asking<'_>) -> Result<String, Denied> {
        match asking.authorization {
            Some(_) => Ok("ada".to_owned()),
            None => Err(Denied::Unknown("expected a bearer token".to_owned())),
        }
    }
}

fn contract(input: DataType, output: DataType) -> Contract {
    let shape = || vec![Dim::Free(None), Dim::Fixed(2)];
    Contract {
        inputs: vec![Port::new("x", input, shape())],
        outputs: vec![
            Port::new("y", output, shape()),
            Port::new("label", DataType::Bytes, vec![Dim::Free(None)]),
        ],
        batching: Batching::FirstAxis { max: None },
    }
}

/// `pair`: `y` is `x`, `label` says which version answers. `half`: FP16. `broken`: always fails.
async fn fleet() -> Impresario {
    let name = |text| Name::new(text).unwrap();
    let number = |n| VersionNumber::new(n).unwrap();
    let mut builder = Impresario::builder();
    for version in [1, 2] {
        builder = builder.register(name("pair"), number(version), move || {
            let contract = contract(DataType::Fp32, DataType::Fp32);
            Ok(FnModel::new(contract, move |inputs: Vec<Tensor>| {
                let rows = inputs[0].shape()[0];
                let label = Tensor::vector(vec![format!("v{version}").into_bytes(); rows]);
                Ok(inputs.into_iter().chain([label]).collect())
            }))
        });
    }
    builder = builder.register(name("half"), number(1), || {
        let contract = contract(DataType::Fp16, DataType::Fp16);
        Ok(FnModel::new(contract, |inputs: Vec<Tensor>| {
            let rows = inputs[0].shape()[0];
            let label = Tensor::vector(vec![vec![0xff]; rows]);
            Ok(inputs.into_iter().chain([label]).collect())
        }))
    });
    builder = builder.register(name("broken"), number(1), || {
        let contract = contract(DataType::Fp32, DataType::Fp32);
        Ok(FnModel::new(contract, |_: Vec<Tensor>| {
            let what = "a secret of the engine".to_owned();
            Err(InferError::Failed { what })
        }))
    });
    builder.start().await.unwrap()
}

fn plane(fleet: &Impresario) -> web::Data<Plane> {
    web::Data::new(Plane {
        serve: fleet.serve().clone(),
        control: fleet.control().clone(),
        measure: fleet.measure().clone(),
        limits: Limits {
            max_body: 1 << 20,
            max_inflated: 2 << 20,
            ..Limits::default()
        },
        patience: Duration::from_secs(20),
        guard: Arc::new(Header),
        watcher: Watcher::default(),
    })
}

/// A fleet and its data plane.
async fn serve() -> (Impresario, impl AsyncFn(TestRequest) -> ServiceResponse) {
    let fleet = fleet().await;
    let plane = plane(&fleet);
    let service = init_service(App::new().configure(configure(plane))).await;
    let call = async move |request: TestRequest| service.call(request.to_request()).await.unwrap();
    (fleet, call)
}

/// An answer as text: status, the headers that matter, body. Request ids that were made up are left out.
async fn ask(
    service: &impl AsyncFn(TestRequest) -> ServiceResponse,
    request: TestRequest,
) -> String {
    let response = service(request).await;
    let mut lines = response.status().as_u16().to_string();
    for name in [
        "content-type",
        "content-encoding",
        "inference-header-content-length",
        "x-route-variant",
        "x-route-version",
        "allow",
        "retry-after",
    ] {
        if let Some(value) = response.headers().get(name) {
            lines += &format!("\n{name}: {}", value.to_str().unwrap());
        }
    }
    let id = response.headers().get("x-request-id");
    let id = id
        .expect("each answer has an id")
        .to_str()
        .unwrap()
        .to_owned();
    let body = to_bytes(response.into_body()).await.unwrap();
    let text = match std::str::from_utf8(&body) {
        Ok(text) if !text.contains(char::is_control) => text.replace(&id, "(id)"),
        _ => format!("{body:?}"),
    };
    format!("{lines}\n{text}\n")
}

async fn check(method: Method, paths: &[&str], expected: Expect) {
    let (fleet, service) = serve().await;
    let mut lines = String::new();
    for path in paths {
        let request = TestRequest::default().method(method.clone()).uri(path);
        lines += &format!("{method} {path}\n{}\n", ask(&service, request).await);
    }
    expected.assert_eq(&lines);
    fleet.stop().await;
}

#[actix_web::test]
async fn health_and_metadata() {
    check(
        Method::GET,
        &[
            "/v2",
            "/v2/health/live",
            "/v2/health/ready/",
            "/v2/models",
            "/v2/models/pair",
            "/v2/models/half/versions/1",
            "/v2/models/pair/ready",
            "/v2/models/pair/versions/1/ready",
            "/v2/models/pair/config",
        ],
        expect![[r#"
            GET /v2
            200
            content-type: application/json
            {"name":"impresario","version":"0.1.0","extensions":["model_repository","model_configuration","binary_tensor_data","parameters","statistics"]}

            GET /v2/health/live
            200
            content-type: application/json
            {"live":true}

            GET /v2/health/ready/
            200
            content-type: application/json
            {"live":true,"ready":true}

            GET /v2/models
            200
            content-type: application/json
            {"models":["broken","half","pair"]}

            GET /v2/models/pair
            200
            content-type: application/json
            {"name":"pair","versions":["1","2"],"platform":"embedded","inputs":[{"name":"x","datatype":"FP32","shape":[-1,2]}],"outputs":[{"name":"y","datatype":"FP32","shape":[-1,2]},{"name":"label","datatype":"BYTES","shape":[-1]}]}

            GET /v2/models/half/versions/1
            200
            content-type: application/json
            {"name":"half","versions":["1"],"platform":"embedded","inputs":[{"name":"x","datatype":"FP16","shape":[-1,2]}],"outputs":[{"name":"y","datatype":"FP16","shape":[-1,2]},{"name":"label","datatype":"BYTES","shape":[-1]}]}

            GET /v2/models/pair/ready
            200
            content-type: application/json
            {"name":"pair","ready":true}

            GET /v2/models/pair/versions/1/ready
            200
            content-type: application/json
            {"name":"pair","ready":true}

            GET /v2/models/pair/config
            200
            content-type: application/json
            {"name":"pair","platform":"embedded","backend":"embedded","max_batch_size":2147483647,"input":[{"name":"x","data_type":"TYPE_FP32","dims":[2]}],"output":[{"name":"y","data_type":"TYPE_FP32","dims":[2]},{"name":"label","data_type":"TYPE_STRING","dims":[]}]}

        "#]],
    )
    .await;
}

#[actix_web::test]
async fn what_is_not_there() {
    check(
        Method::GET,
        &[
            "/",
            "/v2/nothing",
            "/v2/models/pears",
            "/v2/models/pears/ready",
            "/v2/models/pair/versions/3",
            "/v2/models/pair/versions/x/ready",
            "/v2/models//ready",
            "/v2/models/%2e%2e%2f",
            "/v2/models/%C3%A9/stats",
            "/v2/models/pair/infer",
        ],
        expect![[r#"
            GET /
            404
            content-type: application/json
            {"error":"nothing at path '/'; the inference protocol begins at /v2"}

            GET /v2/nothing
            404
            content-type: application/json
            {"error":"nothing at path '/v2/nothing'; the inference protocol begins at /v2"}

            GET /v2/models/pears
            404
            content-type: application/json
            {"error":"Request for unknown model: 'pears' is not found"}

            GET /v2/models/pears/ready
            404
            content-type: application/json
            {"error":"Request for unknown model: 'pears' is not found"}

            GET /v2/models/pair/versions/3
            404
            content-type: application/json
            {"error":"Request for unknown model: 'pair' version 3 is not found"}

            GET /v2/models/pair/versions/x/ready
            404
            content-type: application/json
            {"error":"Request for unknown model: 'pair' version x is not found"}

            GET /v2/models//ready
            400
            content-type: application/json
            {"error":"path '/v2/models//ready': expected a model's name, got an empty one"}

            GET /v2/models/%2e%2e%2f
            404
            content-type: application/json
            {"error":"Request for unknown model: '../' is not found"}

            GET /v2/models/%C3%A9/stats
            404
            content-type: application/json
            {"error":"Request for unknown model: 'é' is not found"}

            GET /v2/models/pair/infer
            405
            content-type: application/json
            allow: POST
            {"error":"path '/v2/models/pair/infer': expected method POST, got GET"}

        "#]],
    )
    .await;
}

#[actix_web::test]
async fn a_daemon_that_goes_down_is_live_but_not_ready() {
    let (fleet, service) = serve().await;
    fleet.live().accept(false);
    let live = ask(&service, TestRequest::get().uri("/v2/health/live")).await;
    let ready = ask(&service, TestRequest::get().uri("/v2/health/ready")).await;
    expect![[r#"
        200
        content-type: application/json
        {"live":true}
        503
        content-type: application/json
        {"live":true,"ready":false}
    "#]]
    .assert_eq(&(live + &ready));
    fleet.stop().await;
}

#[actix_web::test]
async fn an_id_of_the_callers_own_is_kept() {
    let (fleet, service) = serve().await;
    for (own, kept) in [("abc-1", true), ("a b", false), (&*"x".repeat(129), false)] {
        let request = TestRequest::get()
            .uri("/v2")
            .insert_header(("x-request-id", own));
        let response = service(request).await;
        let id = response.headers().get("x-request-id").unwrap();
        assert_eq!(id == own, kept, "{own}");
    }
    fleet.stop().await;
}
