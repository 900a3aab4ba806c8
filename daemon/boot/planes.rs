//! The two planes of sockets around a fleet.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};

use super::banner::Addresses;
use super::{Reload, ServeError};
use crate::auth::{self, Door, Strangers};
use crate::codec::Limits;
use crate::config::{self, Settings};
use crate::embed::Impresario;
use crate::grpc;
use crate::http;
use crate::http::admin::{Admin, Reloader};
use crate::otlp::Exporter;
use crate::plane::{Access, InFlight, Operators, Plane, Watcher};
use crate::store::Token;
use crate::telemetry::Logging;
use crate::trace::Sampler;

/// Threads of the admin plane: it answers people and scripts, not applications.
const ADMIN_WORKERS: usize = 1;

/// What both planes are made of.
pub(super) struct Planes<'a> {
    pub(super) settings: &'a Settings,
    pub(super) impresario: &'a Impresario,
    pub(super) addresses: Addresses,
    pub(super) exporter: &'a Exporter,
    pub(super) logging: &'a Logging,
}

impl Planes<'_> {
    /// Where applications post.
    pub(super) fn data(
        &self,
        in_flight: &InFlight,
        listener: TcpListener,
        grpc: Option<&grpc::Server>,
    ) -> Result<Server, ServeError> {
        let server = &self.settings.server;
        let plane = web::Data::new(self.plane(self.addresses.http)?);
        let (in_flight, live) = (in_flight.clone(), self.impresario.live().clone());
        let grpc = grpc.cloned();
        let app = move || {
            // An application is made once on each thread that serves.
            if let Some(grpc) = &grpc {
                grpc.serve_here();
            }
            App::new()
                .wrap(in_flight.middleware(live.clone()))
                .configure(http::configure(plane.clone()))
        };
        let http = HttpServer::new(app)
            .keep_alive(server.keep_alive)
            .client_request_timeout(server.header_timeout)
            .max_connections(server.limits.max_connections)
            // Who closes the connection is not waiting any more: what was not begun for them is not computed.
            .h1_allow_half_closed(false)
            .disable_signals();
        let http = match server.workers {
            Some(workers) => http.workers(workers.get()),
            None => http,
        };
        Ok(http.listen(listener).map_err(ServeError::Serve)?.run())
    }

    /// Where applications call, on the threads of [`Self::data`].
    pub(super) fn grpc(
        &self,
        in_flight: &InFlight,
        bound: SocketAddr,
    ) -> Result<grpc::Server, ServeError> {
        let server = &self.settings.server;
        let settings = grpc::Settings {
            max_connections: server.limits.max_connections,
            max_concurrent: server.limits.max_concurrent,
            header_timeout: server.header_timeout,
            keep_alive: server.keep_alive,
        };
        grpc::Server::new(self.plane(bound)?, in_flight.clone(), settings)
            .map_err(ServeError::Serve)
    }

    fn plane(&self, bound: SocketAddr) -> Result<Plane, ServeError> {
        Ok(Plane {
            serve: self.impresario.serve().clone(),
            control: self.impresario.control().clone(),
            measure: self.impresario.measure().clone(),
            limits: limits(&self.settings.server.limits),
            patience: self.settings.models.load_timeout,
            watcher: self.watcher(),
            guard: Arc::new(Operators {
                door: self.door(bound)?,
                live: self.impresario.live().clone(),
                clock: self.impresario.clock(),
            }),
        })
    }

    /// Who is told of requests.
    fn watcher(&self) -> Watcher {
        let log = &self.settings.log;
        let sample = self.settings.otlp.as_ref().map(|otlp| otlp.sample);
        let sample = sample.filter(|_| self.exporter.traces());
        Watcher::new(
            Access::new(log.access, log.access_failures),
            sample.map(|share| (Sampler::new(share), self.exporter.clone())),
        )
    }

    /// Where admins look and change.
    pub(super) fn admin(
        &self,
        reload: &Reload,
        listener: TcpListener,
    ) -> Result<Server, ServeError> {
        let reload = reload.clone();
        let admin = web::Data::new(Admin {
            impresario: self.impresario.clone(),
            door: self.door(self.addresses.admin)?,
            metrics: self.settings.metrics,
            streams: http::admin::Streams::default(),
            logging: self.logging.clone(),
            exporter: self.exporter.clone(),
            reloader: Reloader::new(move |by| {
                let reload = reload.clone();
                async move { reload.reload(by).await }
            }),
        });
        actix_web::rt::spawn(http::admin::keep_decisions(admin.clone()));
        let app = move || App::new().configure(http::admin::configure(admin.clone()));
        let http = HttpServer::new(app)
            .workers(ADMIN_WORKERS)
            .disable_signals();
        Ok(http.listen(listener).map_err(ServeError::Serve)?.run())
    }

    fn door(&self, bound: SocketAddr) -> Result<Arc<Door>, ServeError> {
        let strangers = match self.settings.admin.insecure_remote {
            true => Strangers::Admitted,
            false => Strangers::Refused,
        };
        let tokens: Result<Vec<_>, _> = self.settings.admin.tokens.iter().map(token).collect();
        Ok(Arc::new(Door::new(bound, tokens?, strangers)))
    }
}

fn token(token: &config::Token) -> Result<Token, ServeError> {
    auth::configured(token.name.clone(), token.role, token.hash.clone()).map_err(|source| {
        ServeError::Token {
            name: token.name.clone(),
            source,
        }
    })
}

fn limits(limits: &config::Limits) -> Limits {
    Limits {
        max_body: limits.max_body,
        max_inflated: limits.max_inflated,
        max_inputs: limits.max_inputs,
        max_elements: limits.max_elements,
        max_string: limits.max_string,
    }
}
