//! gRPC against the real binary: what is refused and how, limits, rights, and going down.
//!
//! What works is seen with other people's clients, in `clients`.

pub(crate) mod client;

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use bytes::Bytes;
use impresario::grpc::proto::infer_parameter::ParameterChoice;
use impresario::grpc::proto::model_infer_request::InferInputTensor;
use impresario::grpc::proto::{
    InferParameter, InferTensorContents, ModelInferRequest, ModelStreamInferResponse,
    RepositoryModelLoadRequest, RepositoryModelLoadResponse, ServerReadyRequest,
    ServerReadyResponse,
};
use prost::Message;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_prost::ProstCodec;

use crate::daemon::{Daemon, House, PATIENCE, impresario};
use client::{Client, Raw};

const STREAM: &str = "/inference.GRPCInferenceService/ModelStreamInfer";

pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let test = async { tokio::time::timeout(PATIENCE, test).await };
    runtime.block_on(test).expect("it should have ended by now");
}

/// Ones for a fake: `x`, FP32, of that shape, typed.
fn ones(model: &str, shape: [i64; 2]) -> ModelInferRequest {
    let count = usize::try_from(shape[0] * shape[1]).unwrap();
    ModelInferRequest {
        model_name: model.to_owned(),
        inputs: vec![InferInputTensor {
            name: "x".to_owned(),
            datatype: "FP32".to_owned(),
            shape: shape.to_vec(),
            contents: Some(InferTensorContents {
                fp32_contents: vec![1.0; count],
                ..InferTensorContents::default()
            }),
            ..InferInputTensor::default()
        }],
        ..ModelInferRequest::default()
    }
}

#[track_caller]
fn says(status: &Status, code: Code, parts: &[&str]) {
    assert_eq!(status.code(), code, "{status:?}");
    for part in parts {
        assert!(status.message().contains(part), "'{part}' in {status:?}");
    }
}

/// Waits until models answer whose files were written a moment ago.
fn loaded(daemon: &Daemon, models: &[&str]) {
    for model in models {
        let ready = format!("/v2/models/{model}/ready");
        daemon.until(|daemon| daemon.get(&ready), |reply| reply.status == 200);
    }
}

async fn ready(client: &Client) -> bool {
    let answer = client
        .method("ServerReady", Request::new(ServerReadyRequest {}))
        .await;
    answer.is_ok_and(|answer: ServerReadyResponse| answer.ready)
}

#[test]
fn rubbish_is_refused_and_the_connection_survives() {
    let house = House::new();
    house.fake("echo/1", "behaviour = \"echo\"\n");
    house.write(
        "impresario.toml",
        "version = 1\n[server]\nheader_timeout = \"500ms\"\n[server.limits]\nmax_body = \"1MiB\"\nmax_inputs = 2\n",
    );
    let daemon = house.serve_config();
    loaded(&daemon, &["echo"]);
    run(async {
        let client = Client::connect(&daemon.grpc).await;
        let refused = async |request| client.infer(request).await.unwrap_err();
        let garbage = [&[0xff; 40][..], &[0x0a, 0xff, 0x01], b"{\"inputs\":[]}"];
        for bytes in garbage {
            let status = client.send("ModelInfer", Bytes::from_static(bytes)).await;
            says(&status.unwrap_err(), Code::InvalidArgument, &["message"]);
        }
        let status = client.send("Rubbish", Bytes::new()).await.unwrap_err();
        says(
            &status,
            Code::Unimplemented,
            &["GRPCInferenceService/Rubbish"],
        );

        let large = ones("echo", [1, 300_000]);
        let status = refused(large.clone()).await;
        says(
            &status,
            Code::ResourceExhausted,
            &["1048576 bytes", "got 1200", "'max_body'"],
        );
        let bomb = client.clone().compressed();
        let status = bomb.infer(large).await.unwrap_err();
        says(
            &status,
            Code::ResourceExhausted,
            &["inflated", "'max_body'"],
        );
        bomb.infer(ones("echo", [1, 3])).await.unwrap();

        let mut many = ones("echo", [1, 1]);
        many.inputs = vec![many.inputs[0].clone(); 3];
        says(
            &refused(many).await,
            Code::ResourceExhausted,
            &["got 3", "'max_inputs'"],
        );
        let mut both = ones("echo", [1, 1]);
        both.raw_input_contents = vec![Bytes::from_static(&[0; 4])];
        says(
            &refused(both).await,
            Code::InvalidArgument,
            &["'x'", "both"],
        );
        let mut few = ones("echo", [1, 2]);
        few.inputs[0].contents.as_mut().unwrap().fp32_contents.pop();
        says(
            &refused(few).await,
            Code::InvalidArgument,
            &["'x'", "2 elements", "got 1"],
        );
        let mut other = ones("echo", [1, 1]);
        other.inputs[0].contents.as_mut().unwrap().int_contents = vec![1];
        says(
            &refused(other).await,
            Code::InvalidArgument,
            &["'x'", "fp32_contents", "int_contents"],
        );
        let mut half = ones("echo", [1, 1]);
        half.inputs[0].datatype = "FP8".to_owned();
        says(
            &refused(half).await,
            Code::InvalidArgument,
            &["'x'", "'FP8'"],
        );
        says(
            &refused(ones("", [1, 1])).await,
            Code::InvalidArgument,
            &["name"],
        );
        let mut limited = Request::new(ones("echo", [1, 1]));
        limited
            .metadata_mut()
            .insert("grpc-timeout", "soon".parse().unwrap());
        let status = client.infer(limited).await.unwrap_err();
        says(&status, Code::InvalidArgument, &["grpc-timeout", "'soon'"]);

        // A message that cannot be read ends its stream, after what came before it.
        let (requests, received) = mpsc::channel(4);
        let answers = client
            .stream(STREAM, ReceiverStream::new(received), Raw)
            .await;
        let mut answers = answers.unwrap();
        requests
            .send(ones("echo", [1, 2]).encode_to_vec().into())
            .await
            .unwrap();
        requests
            .send(ones("pears", [1, 2]).encode_to_vec().into())
            .await
            .unwrap();
        requests.send(Bytes::from_static(&[0xff; 9])).await.unwrap();
        for error in ["", "Request for unknown model: 'pears' is not found"] {
            let answer = answers.message().await.unwrap().unwrap();
            let answer = ModelStreamInferResponse::decode(answer).unwrap();
            assert_eq!(answer.error_message, error);
        }
        let status = answers.message().await.unwrap_err();
        says(&status, Code::InvalidArgument, &["message"]);

        assert!(ready(&client).await, "all of it went over one connection");
    });
    // Who does not speak HTTP/2, and who does not speak at all, is let go.
    for greeting in [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], b""] {
        let mut socket = TcpStream::connect(&daemon.grpc).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        std::io::Write::write_all(&mut socket, greeting).unwrap();
        let mut said = Vec::new();
        let _reset = socket.read_to_end(&mut said);
    }
    assert_eq!(daemon.get("/v2/health/ready").status, 200);
}

#[test]
fn faults_inside_tell_nothing_and_limits_of_time_hold() {
    let house = House::new();
    house.fake("bomb/1", "behaviour = \"panicking\"\nmarker = 1\n");
    house.fake("slow/1", "behaviour = \"slow\"\ndelay = \"100s\"\n");
    for model in ["bomb", "slow"] {
        house.write(
            &format!("models/{model}/model.toml"),
            "version = 1\n[warmup]\nruns = 0\n",
        );
    }
    let config = "version = 1\n[models.defaults]\nqueue = 4\n";
    house.write("impresario.toml", config);
    let daemon = house.serve_config();
    loaded(&daemon, &["bomb", "slow"]);
    run(async {
        let client = Client::connect(&daemon.grpc).await;
        let mut request = Request::new(ones("bomb", [1, 1]));
        request
            .metadata_mut()
            .insert("x-request-id", "mine".parse().unwrap());
        let status = client.infer(request).await.unwrap_err();
        says(
            &status,
            Code::Internal,
            &["'bomb' version 1 crashed", "request id mine"],
        );
        assert!(!status.message().contains("panic"), "{status:?}");
        assert_eq!(status.metadata().get("x-request-id").unwrap(), "mine");

        let mut request = ones("slow", [1, 1]);
        let micros = ParameterChoice::Int64Param(60_000);
        let timeout = InferParameter {
            parameter_choice: Some(micros),
        };
        request.parameters.insert("timeout".to_owned(), timeout);
        let status = client.infer(request).await.unwrap_err();
        says(&status, Code::DeadlineExceeded, &["60ms"]);

        // Beyond the queue, requests are refused at once, with a time to come back.
        let calls = (0..40).map(|_| {
            let client = client.clone();
            tokio::spawn(async move {
                let mut request = Request::new(ones("slow", [1, 1]));
                request.set_timeout(Duration::from_secs(2));
                client.infer(request).await.unwrap_err()
            })
        });
        let mut refused = None;
        for call in calls.collect::<Vec<_>>() {
            let status = call.await.unwrap();
            if status.code() == Code::Unavailable {
                refused = Some(status);
            }
        }
        let refused = refused.expect("more came than wait");
        says(&refused, Code::Unavailable, &["'slow'"]);
        let header = |name| {
            refused
                .metadata()
                .get(name)
                .map(|v| v.to_str().unwrap().to_owned())
        };
        assert!(header("retry-after").is_some(), "{refused:?}");
        assert!(header("grpc-retry-pushback-ms").is_some(), "{refused:?}");
    });
}

#[test]
fn loading_asks_for_rights() {
    let house = House::new();
    house.fake("echo/1", "behaviour = \"echo\"\n");
    let daemon = house.serve();
    loaded(&daemon, &["echo"]);
    let token = |role: &str| {
        let made = daemon.admin_post("/tokens", &json!({ "name": role, "role": role }));
        made.body["token"].as_str().map(str::to_owned)
    };
    let request = |token: Option<&str>| {
        let mut request = Request::new(RepositoryModelLoadRequest {
            model_name: "echo".to_owned(),
            ..RepositoryModelLoadRequest::default()
        });
        if let Some(token) = token {
            let value = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", value);
        }
        request
    };
    run(async {
        let client = Client::connect(&daemon.grpc).await;
        let load = async |token: Option<&str>| -> Result<RepositoryModelLoadResponse, Status> {
            client.method("RepositoryModelLoad", request(token)).await
        };
        load(None)
            .await
            .expect("without tokens, this machine is trusted");
        let admin = token("admin").expect("the first token needs none");
        says(
            &load(None).await.unwrap_err(),
            Code::Unauthenticated,
            &["token"],
        );
        says(
            &load(Some("imp_wrong")).await.unwrap_err(),
            Code::Unauthenticated,
            &["token"],
        );
        load(Some(&admin)).await.unwrap();
    });
}

#[test]
fn going_down_answers_what_is_in_flight() {
    let house = House::new();
    house.fake("slow/1", "behaviour = \"slow\"\ndelay = \"1500ms\"\n");
    let daemon = house.serve();
    loaded(&daemon, &["slow"]);
    run(async {
        let client = Client::connect(&daemon.grpc).await;
        let (health, received) = mpsc::channel(1);
        health.send(HealthCheckRequest::default()).await.unwrap();
        // There is one request to watch with.
        drop(health);
        let codec = ProstCodec::<HealthCheckRequest, HealthCheckResponse>::default();
        let watch = "/grpc.health.v1.Health/Watch";
        let watched = client
            .stream(watch, ReceiverStream::new(received), codec)
            .await;
        let mut watched = watched.unwrap();
        let serving = |status| HealthCheckResponse { status };
        assert_eq!(watched.message().await.unwrap(), Some(serving(1)));

        let (requests, received) = mpsc::channel(1);
        let codec = ProstCodec::<ModelInferRequest, ModelStreamInferResponse>::default();
        let answers = client
            .stream(STREAM, ReceiverStream::new(received), codec)
            .await;
        let mut answers = answers.unwrap();
        requests.send(ones("slow", [1, 2])).await.unwrap();
        // What is sent later on the same connection is answered: by then the daemon has both.
        let mut call = std::pin::pin!(client.infer(ones("slow", [1, 1])));
        tokio::select! {
            biased;
            answer = &mut call => panic!("it takes longer than that: {answer:?}"),
            ready = ready(&client) => assert!(ready),
        }
        daemon.signal("TERM");
        assert_eq!(watched.message().await.unwrap(), Some(serving(2)));
        call.await.expect("it was in flight");
        let answer = answers.message().await.unwrap().unwrap();
        assert_eq!(answer.error_message, "");
        says(
            &answers.message().await.unwrap_err(),
            Code::Unavailable,
            &["going down"],
        );
        assert!(watched.message().await.unwrap().is_none());
    });
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn it_can_be_switched_off() {
    let house = House::new();
    let mut command = impresario();
    command.args(["serve", "--http", "127.0.0.1:0", "--grpc", "none"]);
    command.args(["--admin", "127.0.0.1:0"]);
    let paths = [
        ("--models", "models"),
        ("--state", "state"),
        ("--addresses-file", "addresses.json"),
    ];
    for (flag, path) in paths {
        command.arg(flag).arg(house.path().join(path));
    }
    let daemon = house.start(&mut command);
    assert_eq!(daemon.grpc, "");
    assert!(!daemon.banner.contains("gRPC"), "{}", daemon.banner);
    let mut command = impresario();
    command.args(["serve", "--http", &daemon.http, "--grpc", &daemon.http]);
    let (_, text) = house.refused(&mut command);
    assert!(
        text.contains("server.grpc") && text.contains("another port"),
        "{text}"
    );
}
