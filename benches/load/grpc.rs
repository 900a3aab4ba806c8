//! The tiny model over gRPC: the same closed loop by tonic's client, one HTTP/2 connection for each caller.
//!
//! The client does far more for a call than the generator for HTTP does: compare the server's processor time.

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use impresario::clock;
use impresario::grpc::proto::model_infer_request::InferInputTensor;
use impresario::grpc::proto::{ModelInferRequest, ModelInferResponse};
use tokio::task::JoinSet;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

use super::client::{Point, nanos};
use super::process::{self, Server};
use super::report::Row;
use super::tiny::{EXPECTED, WARM_UP};

const PATH: &str = "/inference.GRPCInferenceService/ModelInfer";

/// One round.
pub(crate) async fn point(
    server: &Server,
    address: SocketAddr,
    connections: usize,
    seconds: Duration,
) -> Result<Row, Box<dyn Error>> {
    drive(address, connections, WARM_UP).await?;
    let before = (server.cpu()?, process::cpu(std::process::id())?);
    let point = drive(address, connections, seconds).await?;
    let server_cpu = server.cpu()?.saturating_sub(before.0);
    let own_cpu = process::cpu(std::process::id())?.saturating_sub(before.1);
    Ok(Row::of(point, server_cpu, own_cpu))
}

async fn drive(
    address: SocketAddr,
    connections: usize,
    seconds: Duration,
) -> Result<Point, Box<dyn Error>> {
    let begun = clock::instant();
    let mut callers = JoinSet::new();
    for _ in 0..connections {
        let channel = Endpoint::from_shared(format!("http://{address}"))?;
        let mut caller = Grpc::new(channel.tcp_nodelay(true).connect().await?);
        callers.spawn(async move {
            let mut latencies = Vec::new();
            let mut at = begun.elapsed();
            while at < seconds {
                let first = call(&mut caller).await.map_err(std::io::Error::other)?;
                if (f64::from(first) - EXPECTED).abs() > 1e-4 {
                    let wrong = format!("expected a first probability of {EXPECTED}, got {first}");
                    return Err(std::io::Error::other(wrong));
                }
                let after = begun.elapsed();
                latencies.push(nanos(after - at));
                at = after;
            }
            std::io::Result::Ok(latencies)
        });
    }
    Ok(Point::of(callers, begun).await?)
}

/// One flower, its numbers raw as Triton's client sends them; the first probability.
async fn call(caller: &mut Grpc<Channel>) -> Result<f32, tonic::Status> {
    let numbers = [5.1f32, 3.5, 1.4, 0.2];
    let raw: Vec<u8> = numbers.iter().flat_map(|f| f.to_le_bytes()).collect();
    let request = ModelInferRequest {
        model_name: "iris-linear".to_owned(),
        inputs: vec![InferInputTensor {
            name: "X".to_owned(),
            datatype: "FP32".to_owned(),
            shape: vec![1, 4],
            ..InferInputTensor::default()
        }],
        raw_input_contents: vec![raw.into()],
        ..ModelInferRequest::default()
    };
    let gone = |error: tonic::transport::Error| tonic::Status::unavailable(error.to_string());
    caller.ready().await.map_err(gone)?;
    let codec = ProstCodec::<ModelInferRequest, ModelInferResponse>::default();
    let request = tonic::Request::new(request);
    let answer = caller.unary(request, PathAndQuery::from_static(PATH), codec);
    let answer = answer.await?.into_inner();
    let first = answer
        .raw_output_contents
        .get(1)
        .and_then(|raw| raw.first_chunk());
    let first = first.ok_or_else(|| tonic::Status::internal("expected two raw outputs"))?;
    Ok(f32::from_le_bytes(*first))
}
