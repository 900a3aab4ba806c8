//! `grpc.health.v1`: whether the daemon wants requests, as a whole (the empty name) and by service. Both follow
//! its readiness; whether one model is ready is `ModelReady`'s to say.

use std::pin::pin;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::async_trait;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health as Protocol;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::stop::Stop;
use crate::actors::Live;

/// The service.
#[derive(Clone)]
pub(super) struct Health {
    pub(super) live: Live,
    pub(super) stop: Stop,
    /// The names of all services.
    pub(super) services: &'static [&'static str],
}

impl Health {
    /// Nothing for a service that is not here.
    fn status(&self, service: &str) -> Option<ServingStatus> {
        let known = service.is_empty() || self.services.contains(&service);
        known.then(|| match self.live.accepting() {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        })
    }
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}

#[async_trait]
impl Protocol for Health {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = &request.get_ref().service;
        let status = self.status(service).ok_or_else(|| {
            let service = crate::codec::clip(service);
            Status::not_found(format!("there is no service '{service}'"))
        })?;
        Ok(Response::new(response(status)))
    }

    type WatchStream = ReceiverStream<Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let (health, service) = (self.clone(), request.into_inner().service);
        let (sender, statuses) = mpsc::channel(1);
        tokio::spawn(async move {
            let mut changes = health.live.changes();
            let mut stop = pin!(health.stop.clone().given());
            let mut last = None;
            loop {
                let status = health.status(&service);
                let status = status.unwrap_or(ServingStatus::ServiceUnknown);
                if last.replace(status) != Some(status)
                    && sender.send(Ok(response(status))).await.is_err()
                {
                    return;
                }
                tokio::select! {
                    changed = changes.changed() => if changed.is_err() {
                        return;
                    },
                    () = sender.closed() => return,
                    () = &mut stop => {
                        // The last word, whichever of the two was noticed first.
                        if last != Some(ServingStatus::NotServing) {
                            let _gone = sender.send(Ok(response(ServingStatus::NotServing))).await;
                        }
                        return;
                    }
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(statuses)))
    }
}
