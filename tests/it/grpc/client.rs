//! A gRPC client made of tonic's parts: any method with any message, and bytes that are no message.

use bytes::Bytes;
use impresario::grpc::proto::{ModelInferRequest, ModelInferResponse};
use prost::Message;
use tokio_stream::Stream;
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{IntoRequest, Request, Response, Status, Streaming};

const SERVICE: &str = "/inference.GRPCInferenceService/";

/// A client of one connection.
#[derive(Clone)]
pub(crate) struct Client {
    grpc: Grpc<Channel>,
}

/// Sends bytes as they are, as if they were a message.
#[derive(Default)]
pub(crate) struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put(buffer, item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = bytes::Buf::remaining(buffer);
        Ok(Some(bytes::Buf::copy_to_bytes(buffer, length)))
    }
}

impl Client {
    /// Connects to `HOST:PORT`.
    pub(crate) async fn connect(address: &str) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let channel = endpoint.connect().await.unwrap();
        Self {
            grpc: Grpc::new(channel),
        }
    }

    /// The same connection, with requests compressed.
    pub(crate) fn compressed(self) -> Self {
        let grpc = self.grpc.send_compressed(CompressionEncoding::Gzip);
        Self {
            grpc: grpc.accept_compressed(CompressionEncoding::Gzip),
        }
    }

    /// Calls any method of any service.
    pub(crate) async fn call<Q, A>(
        &self,
        path: &str,
        request: Request<Q>,
    ) -> Result<Response<A>, Status>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        let codec = tonic_prost::ProstCodec::<Q, A>::default();
        self.with(path, request, codec).await
    }

    /// Calls a method of the inference service.
    pub(crate) async fn method<Q, A>(&self, method: &str, request: Request<Q>) -> Result<A, Status>
    where
        Q: Message + Send + Sync + 'static,
        A: Message + Default + Send + Sync + 'static,
    {
        let answer = self.call(&format!("{SERVICE}{method}"), request).await;
        answer.map(Response::into_inner)
    }

    /// Asks for an inference.
    pub(crate) async fn infer(
        &self,
        request: impl IntoRequest<ModelInferRequest>,
    ) -> Result<Response<ModelInferResponse>, Status> {
        let request = request.into_request();
        self.call(&format!("{SERVICE}ModelInfer"), request).await
    }

    /// Sends bytes that need not be a message.
    pub(crate) async fn send(&self, method: &str, bytes: Bytes) -> Result<Bytes, Status> {
        let path = format!("{SERVICE}{method}");
        let answer = self.with(&path, Request::new(bytes), Raw).await;
        answer.map(Response::into_inner)
    }

    /// Opens a stream of a method.
    pub(crate) async fn stream<C>(
        &self,
        path: &str,
        requests: impl Stream<Item = C::Encode> + Send + 'static,
        codec: C,
    ) -> Result<Streaming<C::Decode>, Status>
    where
        C: Codec,
        C::Encode: Send + Sync + 'static,
        C::Decode: Send + Sync + 'static,
    {
        let mut grpc = self.grpc.clone();
        grpc.ready().await.unwrap();
        let path = path.parse::<PathAndQuery>().unwrap();
        let answers = grpc.streaming(Request::new(requests), path, codec).await;
        answers.map(Response::into_inner)
    }

    async fn with<C>(
        &self,
        path: &str,
        request: Request<C::Encode>,
        codec: C,
    ) -> Result<Response<C::Decode>, Status>
    where
        C: Codec,
        C::Encode: Send + Sync + 'static,
        C::Decode: Send + Sync + 'static,
    {
        let mut grpc = self.grpc.clone();
        grpc.ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        grpc.unary(request, path.parse().unwrap(), codec).await
    }
}
