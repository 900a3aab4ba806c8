//! Where calls come in: one listener, whose connections go round the threads that serve HTTP too.
//!
//! Those threads are there anyway, a cheap model is computed on them, and a call is answered where its connection
//! lives, without a hop. One acceptor gives each connection to the next thread: a client's few connections stay
//! open for long, so that the chance of the kernel's own distribution would leave threads idle.

use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic::transport;
use tonic_health::pb::health_server::{HealthServer, SERVICE_NAME as HEALTH};

use super::connection::{Accepted, Connection};
use super::gate::Gate;
use super::health::Health;
use super::proto::grpc_inference_service_server::{GrpcInferenceServiceServer, SERVICE_NAME};
use super::service::Service;
use super::stop::Stop;
use crate::plane::{InFlight, Plane};

/// What the services are, in the form that reflection serves.
const SCHEMA: &[u8] = include_bytes!("gen/inference.bin");

/// What flows on one stream, and on one connection, before its reader has taken it. The protocol's 64 KiB would
/// make a tensor of megabytes wait for a round trip each time.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// How long a peer may leave a ping without an answer.
const PING_PATIENCE: Duration = Duration::from_secs(20);

/// How long no connection is taken after one could not be: there are no file descriptors left, most likely.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Connections that one thread has not yet begun to serve.
const ARRIVALS: usize = 64;

/// How connections are served.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Open connections.
    pub max_connections: usize,
    /// Requests under way of one connection, and of one stream of them.
    pub max_concurrent: u32,
    /// How long a client may take to begin.
    pub header_timeout: Duration,
    /// How often an idle client is asked whether it is there; zero for never.
    pub keep_alive: Duration,
}

/// A server without an address yet. Cloning shares it.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    gate: Gate,
    settings: Settings,
    threads: Mutex<Vec<mpsc::Sender<Accepted>>>,
    next: AtomicUsize,
    /// Threads whose connections are not all closed.
    serving: InFlight,
    stop: watch::Sender<bool>,
    stopped: Stop,
}

impl Server {
    /// A server of a plane. Its requests count as in flight there.
    ///
    /// # Errors
    /// Where reflection cannot read the schema, which is part of this program.
    pub fn new(plane: Plane, in_flight: InFlight, settings: Settings) -> io::Result<Self> {
        let (stop, stopped) = Stop::new();
        let limits = plane.limits;
        let live = plane.serve.live().clone();
        let service = Service {
            plane: Arc::new(plane),
            max_concurrent: settings.max_concurrent as usize,
            in_flight: in_flight.clone(),
            stop: stopped.clone(),
        };
        let health = Health {
            live,
            stop: stopped.clone(),
            services: &[SERVICE_NAME, HEALTH],
        };
        let inference = GrpcInferenceServiceServer::new(service)
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(limits.max_body);
        let gate = Gate {
            inference,
            others: others(health)?,
            in_flight,
            limits,
        };
        Ok(Self(Arc::new(Inner {
            gate,
            settings,
            threads: Mutex::default(),
            next: AtomicUsize::new(0),
            serving: InFlight::default(),
            stop,
            stopped,
        })))
    }

    /// Makes this thread serve its share of the connections, until [`Self::stop`]. To be called within the
    /// thread's runtime.
    pub fn serve_here(&self) {
        let (sender, arrivals) = mpsc::channel(ARRIVALS);
        self.threads().push(sender);
        let inner = &self.0;
        let (gate, settings) = (inner.gate.clone(), inner.settings);
        let (token, stop) = (inner.serving.enter(), inner.stopped.clone());
        let keep_alive = (!settings.keep_alive.is_zero()).then_some(settings.keep_alive);
        tokio::spawn(async move {
            let arrivals = ReceiverStream::new(arrivals);
            let connections =
                arrivals.map(move |it| Connection::begin(it, settings.header_timeout));
            let served = transport::Server::builder()
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .max_concurrent_streams(settings.max_concurrent)
                .http2_keepalive_interval(keep_alive)
                .http2_keepalive_timeout(Some(PING_PATIENCE))
                .serve_with_incoming_shutdown(gate, connections, stop.given());
            if let Err(error) = served.await {
                tracing::error!(error = %crate::error::causes(&error), "a thread serves gRPC no more");
            }
            drop(token);
        });
    }

    /// Takes connections, until [`Self::stop`].
    ///
    /// # Errors
    /// Where the listener is none.
    pub async fn accept(&self, listener: TcpListener) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let places = Arc::new(Semaphore::new(self.0.settings.max_connections));
        let accept = async {
            loop {
                let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                    return;
                };
                match listener
                    .accept()
                    .await
                    .and_then(|(socket, _)| socket.into_std())
                {
                    Ok(socket) => self.hand_on(Accepted { socket, place }).await,
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be taken");
                        tokio::time::sleep(ACCEPT_AGAIN).await;
                    }
                }
            }
        };
        tokio::select! {
            () = accept => {}
            () = self.0.stopped.clone().given() => {}
        }
        Ok(())
    }

    /// Gives a connection to the next thread that takes it; without one it is closed.
    async fn hand_on(&self, mut accepted: Accepted) {
        loop {
            let thread = {
                let threads = self.threads();
                let next = self.0.next.fetch_add(1, Ordering::Relaxed);
                next.checked_rem(threads.len())
                    .map(|at| threads[at].clone())
            };
            let Some(thread) = thread else { return };
            match thread.send(accepted).await {
                Ok(()) => return,
                // The thread has ended; another may have taken its place.
                Err(back) => {
                    accepted = back.0;
                    self.threads().retain(|other| !other.is_closed());
                }
            }
        }
    }

    /// Takes no more connections and no more requests; what is under way goes on.
    pub fn stop(&self) {
        self.0.stop.send_replace(true);
    }

    /// Waits until every connection is closed, after [`Self::stop`].
    pub async fn closed(&self) {
        self.0.serving.none().await;
    }

    fn threads(&self) -> std::sync::MutexGuard<'_, Vec<mpsc::Sender<Accepted>>> {
        self.0
            .threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Health, and reflection of it and of the inference service in both of its versions.
fn others(health: Health) -> io::Result<Routes> {
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(SCHEMA)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let mut routes = Routes::builder();
    routes
        .add_service(HealthServer::new(health))
        .add_service(reflection().build_v1().map_err(io::Error::other)?)
        .add_service(reflection().build_v1alpha().map_err(io::Error::other)?);
    Ok(routes.routes().prepare())
}
