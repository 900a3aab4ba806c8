//! Before and behind every call: its arrival is noted, it counts as in flight, its time is kept, and what the
//! framework refuses by itself is told in our words.

use std::convert::Infallible;
use std::task::{Context, Poll};

use tonic::Status;
use tonic::body::Body;
use tonic::codegen::http::{HeaderValue, Request, Response, header::HeaderMap};
use tonic::codegen::{BoxFuture, Service};
use tonic::service::Routes;

use super::arrival::Arrival;
use super::proto::grpc_inference_service_server::{GrpcInferenceServiceServer, SERVICE_NAME};
use super::service;
use super::status::{self, REQUEST_ID};
use crate::codec::Limits;
use crate::error::Error;
use crate::plane::{Fault, InFlight};

/// All services of the address.
#[derive(Clone)]
pub(super) struct Gate {
    pub(super) inference: GrpcInferenceServiceServer<service::Service>,
    /// Health and reflection.
    pub(super) others: Routes,
    pub(super) in_flight: InFlight,
    pub(super) limits: Limits,
}

/// The one call whose requests are counted one by one.
const STREAM: &str = "ModelStreamInfer";

impl Service<Request<Body>> for Gate {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Response<Body>, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let (arrival, read) = Arrival::of(&request);
        if let Err(refusal) = read {
            let response = status::of(&refusal.into(), &arrival.id, None).into_http();
            return Box::pin(std::future::ready(Ok(response)));
        }
        plain_unless_asked(request.headers_mut());
        let limits = self.limits;
        let uri = request.uri().clone();
        let (id, limit, deadline) = (arrival.id.clone(), arrival.limit, arrival.deadline());
        request.extensions_mut().insert(arrival);
        let Some(method) = method(uri.path()) else {
            let answer = self.others.call(request);
            return Box::pin(async move {
                let mut response = answer.await?;
                finish(&mut response, uri.path(), &id, &limits);
                Ok(response)
            });
        };
        let token = (method != STREAM).then(|| self.in_flight.enter());
        let answer = self.inference.call(request);
        Box::pin(async move {
            let mut response = match deadline {
                None => answer.await?,
                Some(deadline) => match tokio::time::timeout_at(deadline.into(), answer).await {
                    Ok(answered) => answered?,
                    // Its message took too long to come, or it was no inference.
                    Err(_) => {
                        let limit = limit.unwrap_or_default();
                        let fault = Fault::Error(Error::Expired { limit });
                        status::of(&fault, &id, None).into_http()
                    }
                },
            };
            finish(&mut response, uri.path(), &id, &limits);
            drop(token);
            Ok(response)
        })
    }
}

/// The method, for a path of the inference service.
fn method(path: &str) -> Option<&str> {
    path.strip_prefix('/')?
        .strip_prefix(SERVICE_NAME)?
        .strip_prefix('/')
}

/// Answers are compressed for those whose requests are. Most clients say that they could read gzip, and only these
/// want it: on one machine it takes longer than what it saves.
fn plain_unless_asked(headers: &mut HeaderMap) {
    if headers.get("grpc-encoding").is_none_or(|v| v != "gzip") {
        headers.remove("grpc-accept-encoding");
    }
}

fn finish(response: &mut Response<Body>, path: &str, id: &str, limits: &Limits) {
    let refused = status::in_headers(response.headers());
    if let Some(refused) = refused
        && let Some(better) = status::restated(&refused, path, limits)
    {
        tracing::debug!(
            request = id,
            grpc_status = i32::from(refused.code()),
            error = refused.message(),
            "request refused"
        );
        replace(response, &better);
    }
    if !response.headers().contains_key(REQUEST_ID)
        && let Ok(id) = HeaderValue::from_str(id)
    {
        response.headers_mut().insert(REQUEST_ID, id);
    }
}

/// Puts a status into an answer that is nothing but one.
fn replace(response: &mut Response<Body>, status: &Status) {
    // Our texts are metadata whatever is in them: what is not ASCII is written in per cent.
    let _whole = status.add_header(response.headers_mut());
}
