//! A graph over gRPC: the same answer, parameters and metadata as over HTTP.

use impresario::grpc::proto::infer_parameter::ParameterChoice;
use impresario::grpc::proto::model_infer_request::InferInputTensor;
use impresario::grpc::proto::{InferParameter, InferTensorContents, ModelInferRequest};
use serde_json::json;
use tonic::Code;

use super::{ECHO, FAILING, composite, house, put};
use crate::grpc::client::Client;
use crate::grpc::run;

#[test]
fn a_graph_answers_over_grpc_and_says_who_took_part() {
    let house = house(&[("echo/1", ECHO), ("gold/1", ECHO), ("failing/1", FAILING)]);
    let daemon = house.serve();
    let nodes = json!({
        "a": { "model": "echo" },
        "gold": { "model": "gold" },
        "lost": { "model": "failing", "on_error": "skip" },
        "route": { "switch": [
            { "when": "request.parameters.tier == 'gold'", "call": "gold" },
            { "else": "a" },
        ] },
        "mean": { "ensemble": "mean", "of": ["route", "lost"], "quorum": 1 },
    });
    put(&daemon, "p", &composite(&nodes, "mean"));
    let request = |parameters: Vec<(&str, &str)>| ModelInferRequest {
        model_name: "p".to_owned(),
        parameters: parameters
            .into_iter()
            .map(|(name, value)| {
                let choice = ParameterChoice::StringParam(value.to_owned());
                let value = InferParameter {
                    parameter_choice: Some(choice),
                };
                (name.to_owned(), value)
            })
            .collect(),
        inputs: vec![InferInputTensor {
            name: "x".to_owned(),
            datatype: "FP32".to_owned(),
            shape: vec![2, 1],
            contents: Some(InferTensorContents {
                fp32_contents: vec![1.5, -2.0],
                ..InferTensorContents::default()
            }),
            ..InferInputTensor::default()
        }],
        ..ModelInferRequest::default()
    };
    run(async {
        let client = Client::connect(&daemon.grpc).await;
        let answer = client.infer(request(vec![("tier", "gold")])).await.unwrap();
        let version = answer.metadata().get("x-route-version").cloned().unwrap();
        let answer = answer.into_inner();
        assert_eq!(answer.model_version, version.to_str().unwrap());
        let said = |name: &str| match &answer.parameters[name].parameter_choice {
            Some(ParameterChoice::StringParam(text)) => text.clone(),
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(said("nodes"), "gold=gold/1, route, mean");
        assert_eq!(
            (said("skipped"), said("missing")),
            ("lost".to_owned(), "mean: lost".to_owned())
        );
        let output = &answer.outputs[0];
        assert_eq!((&*output.name, &*output.shape), ("x", &[2, 1][..]));
        let values = output
            .contents
            .as_ref()
            .map(|contents| contents.fp32_contents.clone());
        assert_eq!(values.unwrap_or_default(), [1.5, -2.0]);
        let none = client.infer(request(vec![])).await.unwrap_err();
        assert_eq!(none.code(), Code::InvalidArgument, "{none:?}");
        assert!(
            none.message().contains("node 'route'") && none.message().contains("'tier'"),
            "{none:?}"
        );
    });
}
