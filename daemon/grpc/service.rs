//! `inference.GRPCInferenceService`: each call to what the plane answers, and its answer to a message.

use std::sync::Arc;

use tonic::codegen::async_trait;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use super::arrival::Arrival;
use super::infer::Client;
use super::proto::grpc_inference_service_server::GrpcInferenceService;
use super::proto::repository_index_response::ModelIndex;
use super::proto::{self as proto, ModelInferRequest, ModelInferResponse};
use super::stop::Stop;
use super::{about, infer, status, stream};
use crate::codec::Refusal;
use crate::plane::{self, Fault, InFlight, Plane, READY, check_parameters};
use crate::serve::{Entry, Origin};
use crate::trace::RESPONSE;

/// Answers of fewer bytes are not compressed: the time costs more than the network.
const COMPRESS_FROM_BYTES: usize = 64 << 10;

/// The service.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) plane: Arc<Plane>,
    /// The most requests under way of one stream.
    pub(super) max_concurrent: usize,
    pub(super) in_flight: InFlight,
    pub(super) stop: Stop,
}

/// A model's or pipeline's name, and its version where one is said.
///
/// # Errors
/// [`Refusal::Invalid`] for an empty name.
pub(super) fn named<'a>(
    name: &'a str,
    version: &'a str,
) -> Result<(&'a str, Option<&'a str>), Refusal> {
    if name.is_empty() {
        return Err(Refusal::invalid("model", "a name", "an empty one"));
    }
    Ok((name, (!version.is_empty()).then_some(version)))
}

impl Service {
    /// Runs a call, and says what went wrong as a status.
    async fn answer<Q, A>(
        request: Request<Q>,
        call: impl AsyncFnOnce(Q, &MetadataMap, &Arrival) -> Result<Response<A>, Fault>,
    ) -> Result<Response<A>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let arrival = arrival(&extensions)?;
        let called = call(message, &metadata, arrival).await;
        called.map_err(|fault| status::of(&fault, &arrival.id, None))
    }

    /// Who answers most requests of a name, loaded where it is parked.
    async fn fetch(&self, name: &str, version: &str, arrival: &Arrival) -> Result<Entry, Fault> {
        let (name, version) = named(name, version)?;
        let fetched = self.plane.serve.fetch(name, version, arrival.terms());
        Ok(fetched.await?)
    }

    /// Runs a call that is answered from what is published.
    fn look<Q, A>(
        request: Request<Q>,
        call: impl FnOnce(Q) -> Result<A, Fault>,
    ) -> Result<Response<A>, Status> {
        let (_, extensions, message) = request.into_parts();
        let arrival = arrival(&extensions)?;
        let called = call(message).map(Response::new);
        called.map_err(|fault| status::of(&fault, &arrival.id, None))
    }
}

/// What the gate has put beside each call.
pub(super) fn arrival(extensions: &tonic::Extensions) -> Result<&Arrival, Status> {
    let arrival = extensions.get::<Arrival>();
    arrival.ok_or_else(|| Status::internal("the call did not come through the gate"))
}

#[async_trait]
impl GrpcInferenceService for Service {
    async fn server_live(
        &self,
        _: Request<proto::ServerLiveRequest>,
    ) -> Result<Response<proto::ServerLiveResponse>, Status> {
        Ok(Response::new(proto::ServerLiveResponse { live: true }))
    }

    async fn server_ready(
        &self,
        _: Request<proto::ServerReadyRequest>,
    ) -> Result<Response<proto::ServerReadyResponse>, Status> {
        let ready = self.plane.serve.live().accepting();
        Ok(Response::new(proto::ServerReadyResponse { ready }))
    }

    async fn model_ready(
        &self,
        request: Request<proto::ModelReadyRequest>,
    ) -> Result<Response<proto::ModelReadyResponse>, Status> {
        Self::look(request, |asked| {
            let (name, version) = named(&asked.name, &asked.version)?;
            let ready = self.plane.unready(name, version)?.is_none();
            Ok(proto::ModelReadyResponse { ready })
        })
    }

    async fn server_metadata(
        &self,
        _: Request<proto::ServerMetadataRequest>,
    ) -> Result<Response<proto::ServerMetadataResponse>, Status> {
        Ok(Response::new(proto::ServerMetadataResponse {
            name: plane::NAME.to_owned(),
            version: plane::VERSION.to_owned(),
            extensions: plane::EXTENSIONS.iter().map(ToString::to_string).collect(),
        }))
    }

    async fn model_metadata(
        &self,
        request: Request<proto::ModelMetadataRequest>,
    ) -> Result<Response<proto::ModelMetadataResponse>, Status> {
        Self::answer(
            request,
            async |asked: proto::ModelMetadataRequest, _, arrival| {
                let entry = self.fetch(&asked.name, &asked.version, arrival).await?;
                let serving = self.plane.serving(&entry);
                let metadata = about::metadata(&asked.name, &entry, &serving);
                Ok(Response::new(metadata))
            },
        )
        .await
    }

    async fn model_config(
        &self,
        request: Request<proto::ModelConfigRequest>,
    ) -> Result<Response<proto::ModelConfigResponse>, Status> {
        Self::answer(
            request,
            async |asked: proto::ModelConfigRequest, _, arrival| {
                let entry = self.fetch(&asked.name, &asked.version, arrival).await?;
                let serving = self.plane.serving(&entry);
                let config = about::config(&asked.name, &entry, &serving);
                Ok(Response::new(proto::ModelConfigResponse {
                    config: Some(config),
                }))
            },
        )
        .await
    }

    async fn model_statistics(
        &self,
        request: Request<proto::ModelStatisticsRequest>,
    ) -> Result<Response<proto::ModelStatisticsResponse>, Status> {
        Self::look(request, |asked| {
            let rows = match asked.name.as_str() {
                "" => self.plane.all_statistics(),
                name => {
                    let (name, version) = named(name, &asked.version)?;
                    self.plane.statistics(name, version)?
                }
            };
            let model_stats = rows.iter().map(about::statistics).collect();
            Ok(proto::ModelStatisticsResponse { model_stats })
        })
    }

    async fn model_infer(
        &self,
        request: Request<ModelInferRequest>,
    ) -> Result<Response<ModelInferResponse>, Status> {
        let (metadata, extensions, message) = request.into_parts();
        let arrival = arrival(&extensions)?;
        let client = Client {
            metadata: &metadata,
            arrival,
            id: &arrival.id,
            method: "ModelInfer",
        };
        let (trace, answered) =
            infer::watched(&self.plane, message, arrival.terms(), &client).await;
        // What went wrong is told with the trace that it belongs to.
        let answered = answered.map_err(|fault| status::of(&fault, &arrival.id, trace))?;
        let large = prost::Message::encoded_len(&answered.message) >= COMPRESS_FROM_BYTES;
        let mut response = Response::new(answered.message);
        if !large {
            response.disable_compression();
        }
        let metadata = response.metadata_mut();
        status::put(metadata, "x-route-variant", answered.variant.as_str());
        status::put(metadata, "x-route-version", &answered.version.to_string());
        if let Some(word) = answered.origin.as_str() {
            status::put(metadata, "x-route-cache", word);
        }
        if answered.origin == Origin::Substitute {
            status::put(metadata, "x-route-substitute", infer::DEADLINE);
        }
        if let Some(rescue) = answered.rescue {
            status::put(metadata, "x-route-rescue", rescue.why);
        }
        if let Some(token) = answered.token {
            status::put(metadata, "x-route-token", &token);
        }
        if let Some(context) = trace {
            status::put(metadata, RESPONSE, &context.header());
        }
        Ok(response)
    }

    type ModelStreamInferStream = stream::Answers;

    async fn model_stream_infer(
        &self,
        request: Request<Streaming<ModelInferRequest>>,
    ) -> Result<Response<stream::Answers>, Status> {
        let (metadata, extensions, requests) = request.into_parts();
        let arrival = arrival(&extensions)?.clone();
        let service = self.clone();
        let answers = stream::answer(service, requests, arrival, metadata);
        Ok(Response::new(answers))
    }

    async fn repository_index(
        &self,
        request: Request<proto::RepositoryIndexRequest>,
    ) -> Result<Response<proto::RepositoryIndexResponse>, Status> {
        Self::look(request, |asked| {
            let indexed = self.plane.index().into_iter();
            let wanted = indexed.filter(|entry| !asked.ready || entry.state == READY);
            let models = wanted.map(|entry| ModelIndex {
                name: entry.name.to_string(),
                version: entry.version.to_string(),
                state: entry.state.to_owned(),
                reason: entry.reason,
            });
            Ok(proto::RepositoryIndexResponse {
                models: models.collect(),
            })
        })
    }

    async fn repository_model_load(
        &self,
        request: Request<proto::RepositoryModelLoadRequest>,
    ) -> Result<Response<proto::RepositoryModelLoadResponse>, Status> {
        Self::answer(request, async |asked, metadata, arrival| {
            let actor = self.plane.guard.operator(&arrival.asking(metadata)?)?;
            check_parameters(asked.parameters.keys())?;
            let (name, _) = named(&asked.model_name, "")?;
            self.plane.load(actor, name).await?;
            Ok(Response::new(proto::RepositoryModelLoadResponse {}))
        })
        .await
    }

    async fn repository_model_unload(
        &self,
        request: Request<proto::RepositoryModelUnloadRequest>,
    ) -> Result<Response<proto::RepositoryModelUnloadResponse>, Status> {
        Self::answer(request, async |asked, metadata, arrival| {
            let actor = self.plane.guard.operator(&arrival.asking(metadata)?)?;
            check_parameters(asked.parameters.keys())?;
            let (name, _) = named(&asked.model_name, "")?;
            self.plane.unload(actor, name).await?;
            Ok(Response::new(proto::RepositoryModelUnloadResponse {}))
        })
        .await
    }
}
