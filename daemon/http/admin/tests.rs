//! The admin plane as its callers see it: a fleet of registered models, requests in, answers out.

mod access;
mod changes;
mod courses;
mod decisions;
mod events;
mod metrics;
mod reads;
mod rollouts;

use std::sync::Arc;

use actix_web::body::to_bytes;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, web};
use impresario_models::loader::FnModel;
use impresario_models::{
    Batching, Contract, DataType, Dim, InferError, LoadError, Name, Port, Tensor, VersionNumber,
};
use serde_json::Value;

use super::{Admin, Reloaded, Reloader, Streams, configure, document, routes};
use crate::Impresario;
use crate::auth::{Door, Strangers};
use crate::otlp::Exporter;
use crate::store::Token;
use crate::telemetry::Logging;

/// An admin plane and how to ask it.
struct Plane<Call> {
    fleet: Impresario,
    call: Call,
}

/// What came back.
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    text: String,
}

/// `pair`: versions 1 and 2, all versions loaded. `broken`: cannot be loaded.
async fn fleet() -> Impresario {
    let name = |text| Name::new(text).unwrap();
    let number = |n| VersionNumber::new(n).unwrap();
    let shape = || vec![Dim::Free(None), Dim::Fixed(2)];
    let mut builder = Impresario::builder();
    for version in [1, 2] {
        builder = builder.register(name("pair"), number(version), move || {
            let contract = Contract {
                inputs: vec![Port::new("x", DataType::Fp32, shape())],
                outputs: vec![Port::new("y", DataType::Fp32, shape())],
                batching: Batching::FirstAxis { max: None },
            };
            Ok(FnModel::new(contract, |inputs: Vec<Tensor>| {
                Ok::<_, InferError>(inputs)
            }))
        });
    }
    type Never = FnModel<fn(Vec<Tensor>) -> Result<Vec<Tensor>, InferError>>;
    builder = builder.register(name("broken"), number(1), || {
        Err::<Never, _>(LoadError::Unsupported {
            what: "there is a hole in it".to_owned(),
            remedy: "mend it".to_owned(),
        })
    });
    builder.start().await.unwrap()
}

/// A plane on this machine without tokens.
async fn plane() -> Plane<impl AsyncFn(TestRequest) -> ServiceResponse> {
    guarded("127.0.0.1:8082", Vec::new()).await
}

async fn guarded(
    bound: &str,
    tokens: Vec<Token>,
) -> Plane<impl AsyncFn(TestRequest) -> ServiceResponse> {
    of(fleet().await, bound, tokens).await
}

/// The plane of a fleet.
async fn of(
    fleet: Impresario,
    bound: &str,
    tokens: Vec<Token>,
) -> Plane<impl AsyncFn(TestRequest) -> ServiceResponse> {
    let admin = web::Data::new(Admin {
        impresario: fleet.clone(),
        door: Arc::new(Door::new(
            bound.parse().unwrap(),
            tokens,
            Strangers::Refused,
        )),
        reloader: Reloader::new(async |_| Ok(Reloaded::default())),
        metrics: Default::default(),
        streams: Streams::default(),
        logging: Logging::foreign("info"),
        exporter: Exporter::default(),
    });
    let service = init_service(App::new().configure(configure(admin))).await;
    let call = async move |request: TestRequest| service.call(request.to_request()).await.unwrap();
    Plane { fleet, call }
}

impl<Call: AsyncFn(TestRequest) -> ServiceResponse> Plane<Call> {
    /// Asks from this machine.
    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = TestRequest::default()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(path)
            .peer_addr("127.0.0.1:50000".parse().unwrap())
            .set_payload(body.to_owned());
        for header in headers {
            request = request.insert_header(*header);
        }
        let response = (self.call)(request).await;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        let headers = headers.collect();
        let Ok(bytes) = to_bytes(response.into_body()).await else {
            panic!("the body broke off")
        };
        Answer {
            status,
            headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// Posts from this machine.
    async fn post(&self, path: &str, body: &str) -> Answer {
        self.ask("POST", path, &[], body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "").await
    }

    /// Pins `front` to a version of `pair`.
    async fn pin(&self, version: u64, headers: &[(&str, &str)]) -> Answer {
        let body =
            format!(r#"{{"policy":{{"type":"standalone","model":"pair","version":{version}}}}}"#);
        self.ask("PUT", "/admin/v1/pipelines/front", headers, &body)
            .await
    }
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A field by its path, such as `/report/changed`.
    fn at(&self, pointer: &str) -> Value {
        let json = self.json();
        json.pointer(pointer)
            .unwrap_or_else(|| panic!("no {pointer} in {json}"))
            .clone()
    }

    /// The code of a problem document, after checking that it is one.
    fn code(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{}",
            self.text
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{problem}");
        let code = problem["code"].as_str().unwrap();
        assert_eq!(problem["type"], format!("urn:impresario:problem:{code}"));
        for member in ["title", "detail"] {
            assert!(!problem[member].as_str().unwrap().is_empty(), "{problem}");
        }
        format!("{} {code}", self.status)
    }
}

#[test]
fn every_route_is_described_and_every_description_is_a_route() {
    let description = serde_json::to_value(document()).unwrap();
    let mut described: Vec<_> = description["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods
                .as_object()
                .unwrap()
                .keys()
                .map(|method| method.to_uppercase());
            methods.map(move |method| format!("{method} {path}"))
        })
        .collect();
    let endpoints = routes::endpoints();
    let mut routed: Vec<_> = endpoints
        .iter()
        .flat_map(|endpoint| {
            endpoint
                .methods
                .iter()
                .map(move |(method, _)| format!("{method} {}", endpoint.path))
        })
        .collect();
    described.sort_unstable();
    routed.sort_unstable();
    assert_eq!(described, routed);
}

#[test]
fn the_description_is_whole() {
    let description = serde_json::to_value(document()).unwrap();
    let text = description.to_string();
    let schemas = description["components"]["schemas"].as_object().unwrap();
    for (at, _) in text.match_indices("#/components/schemas/") {
        let rest = &text[at + "#/components/schemas/".len()..];
        let name = rest.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is not described");
    }
    let schemes = description["components"]["securitySchemes"]
        .as_object()
        .unwrap();
    assert_eq!(schemes["token"]["scheme"], "bearer");
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            for status in ["400", "401", "403", "404", "500", "503"] {
                let schema = &responses[status]["content"]["application/problem+json"]["schema"];
                assert_eq!(
                    schema["$ref"], "#/components/schemas/Problem",
                    "{method} {path} {status}"
                );
            }
            assert!(
                responses.keys().any(|status| status.starts_with('2')),
                "{method} {path}"
            );
            let summary = operation["summary"]
                .as_str()
                .or(operation["description"].as_str());
            assert!(
                summary.is_some_and(|text| !text.is_empty()),
                "{method} {path}"
            );
        }
    }
}
