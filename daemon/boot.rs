//! `impresario serve`: from settings to a serving daemon, and down again.
//!
//! The order matters: what can be refused is refused before anything is begun (settings, state, pipeline files,
//! addresses), then the fleet starts, then the sockets answer, and readiness comes last. Going down is the
//! reverse: readiness first.

mod banner;
mod signals;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::{App, HttpServer, web};
use impresario_pipelines::fleet::{self, By, Command, Source};
use impresario_pipelines::spec::{Compiled, Problem};

use crate::actors::messages::Outcome;
use crate::actors::{Control, Refused};
use crate::clock;
use crate::config::{self, Engine, Overrides, Settings};
use crate::embed::{Impresario, StartError};
use crate::http;
use crate::http::in_flight::InFlight;
use crate::store::{Error as StoreError, Memory, Retention, Sled, Store};
use crate::telemetry;

/// What `impresario serve` was told.
#[derive(Clone, Debug, Default)]
pub struct ServeArgs {
    /// The settings' file.
    pub config: Option<PathBuf>,
    /// What the flags say over file and environment.
    pub overrides: Overrides,
    /// Where to write the bound addresses, as JSON.
    pub addresses_file: Option<PathBuf>,
}

/// Why the daemon did not serve, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The settings or the pipeline files are wrong; nothing was begun.
    #[error("{}", lines(.0))]
    Problems(Vec<Problem>),
    /// The filter of the log is none.
    #[error("{0}")]
    Log(String),
    /// The state could not be opened.
    #[error("open the state")]
    Store(#[source] StoreError),
    /// An address could not be bound.
    #[error("listen on {address} ({setting}): {source}; {remedy}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The setting that names it.
        setting: &'static str,
        /// Why.
        source: io::Error,
        /// What to do about it.
        remedy: &'static str,
    },
    /// The fleet could not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The pipeline files were refused by the fleet.
    #[error("apply the pipeline files: {0}")]
    Files(Refused),
    /// The addresses could not be written.
    #[error("write the bound addresses to {}: {source}", path.display())]
    Addresses {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The sockets failed.
    #[error("serve: {0}")]
    Serve(#[source] io::Error),
    /// Requests were still in flight when the grace period was over.
    #[error("the grace period of {grace:?} ended with requests in flight; they were cut off")]
    Grace {
        /// The grace period.
        grace: Duration,
    },
}

/// Reads the pipeline files again and applies what changed.
#[derive(Clone)]
pub struct Reload {
    settings: Arc<Settings>,
    control: Control,
}

/// Why a reload changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The files are wrong.
    #[error("{}", lines(.0))]
    Problems(Vec<Problem>),
    /// The fleet refused them.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Serves until a signal says otherwise.
///
/// # Errors
/// [`ServeError`]; whatever it says, nothing was done by halves.
pub fn serve(args: ServeArgs) -> Result<(), ServeError> {
    let begun = clock::instant();
    let loaded = Settings::load(args.config.as_deref(), config::environment(), &args.overrides);
    let (settings, warnings) = loaded.map_err(ServeError::Problems)?;
    telemetry::start(&settings.log).map_err(ServeError::Log)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    actix::System::new().block_on(run(Arc::new(settings), args.addresses_file, begun))
}

async fn run(
    settings: Arc<Settings>,
    addresses_file: Option<PathBuf>,
    begun: std::time::Instant,
) -> Result<(), ServeError> {
    let pipelines = settings.read_pipelines().map_err(ServeError::Problems)?;
    let http = bind(settings.server.http, "server.http, --http")?;
    let admin = bind(settings.server.admin, "server.admin, --admin")?;
    let addresses = banner::Addresses::of(&http, &admin).map_err(ServeError::Serve)?;
    let impresario = begin(&settings).await?;
    let reload = Reload {
        settings: Arc::clone(&settings),
        control: impresario.control().clone(),
    };
    let files = apply_files(&reload.control, pipelines, "daemon").await.map_err(ServeError::Files)?;
    tracing::debug!(revision = %files.revision, changed = files.changed, "pipeline files applied");
    let in_flight = InFlight::default();
    let data = data_plane(&settings, &impresario, &in_flight, http)?;
    let admin = admin_plane(&settings, &impresario, &reload, admin)?;
    let handles = [data.handle(), admin.handle()];
    let (data, admin) = (actix::spawn(data), actix::spawn(admin));
    if let Some(path) = addresses_file {
        addresses.write(&path).map_err(|source| ServeError::Addresses { path, source })?;
    }
    tracing::info!(http = %addresses.http, admin = %addresses.admin, "listening");
    let mut signals = signals::Signals::listen().map_err(ServeError::Serve)?;
    let early = tokio::select! {
        () = impresario.settled() => None,
        signal = signals.end() => Some(signal),
    };
    let signal = match early {
        Some(signal) => signal,
        None => {
            impresario.live().accept(true);
            print!("{}", banner::ready(&addresses, &settings, &impresario, begun.elapsed()));
            signals.until_end(|| reload.on_signal()).await
        }
    };
    tracing::info!(signal, grace = ?settings.server.grace, "going down");
    let down = go_down(&impresario, &in_flight, &handles, settings.server.grace);
    tokio::select! {
        result = down => result?,
        signal = signals.end() => tracing::warn!(signal, "second signal: going down at once"),
    }
    // Both ended because they were told to; what they say now is of no use to anybody.
    let _ended = (data.await, admin.await);
    tracing::info!("gone");
    Ok(())
}

async fn begin(settings: &Settings) -> Result<Impresario, ServeError> {
    let retention = Retention {
        audit: settings.store.retain_audit,
        history: settings.store.retain_revisions,
    };
    let store: Arc<dyn Store> = match &settings.store.engine {
        Engine::Memory => Arc::new(Memory::new(retention)),
        Engine::Sled(path) => Arc::new(Sled::open(path, retention).map_err(ServeError::Store)?),
    };
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let restart = &settings.models.restart;
    let limits = fleet::Limits {
        loading: settings.models.loaders.get(),
        backoff_initial: millis(restart.initial),
        backoff_max: millis(restart.max),
        crashes: restart.crashes.get(),
        crash_memory: millis(restart.within),
        history: usize::try_from(settings.store.retain_revisions).unwrap_or(usize::MAX),
    };
    let impresario = Impresario::builder()
        .repository(&settings.models.repository)
        .poll(settings.models.poll.unwrap_or_default(), settings.models.settle)
        .timeouts(settings.server.request_timeout, settings.models.load_timeout)
        .limits(limits)
        .store(store)
        .begin();
    Ok(impresario.await?)
}

fn data_plane(
    settings: &Settings,
    impresario: &Impresario,
    in_flight: &InFlight,
    listener: TcpListener,
) -> Result<Server, ServeError> {
    let plane = web::Data::new(http::Plane {
        serve: impresario.serve().clone(),
        control: impresario.control().clone(),
        measure: impresario.measure().clone(),
        limits: http::limits(&settings.server.limits),
        patience: settings.models.load_timeout,
        guard: Arc::new(http::Loopback),
    });
    let (in_flight, live) = (in_flight.clone(), impresario.live().clone());
    let app = move || {
        App::new()
            .wrap(in_flight.middleware(live.clone()))
            .configure(http::configure(plane.clone()))
    };
    let server = HttpServer::new(app)
        .keep_alive(settings.server.keep_alive)
        .client_request_timeout(settings.server.header_timeout)
        .max_connections(settings.server.limits.max_connections)
        .shutdown_timeout(settings.server.grace.as_secs().max(1))
        .disable_signals();
    let server = match settings.server.workers {
        Some(workers) => server.workers(workers.get()),
        None => server,
    };
    Ok(server.listen(listener).map_err(ServeError::Serve)?.run())
}

/// Readiness first, then the requests in flight, then the versions, then the sockets.
async fn go_down(
    impresario: &Impresario,
    in_flight: &InFlight,
    servers: &[ServerHandle],
    grace: Duration,
) -> Result<(), ServeError> {
    impresario.live().accept(false);
    let finish = async {
        in_flight.none().await;
        impresario.stop().await;
    };
    let finished = tokio::time::timeout(grace, finish).await;
    for server in servers {
        // Nothing is in flight, or nobody waits any longer: idle connections need no patience.
        server.stop(false).await;
    }
    finished.map_err(|_| ServeError::Grace { grace })
}

fn bind(address: SocketAddr, setting: &'static str) -> Result<TcpListener, ServeError> {
    let bound = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    bound.map_err(|source| {
        let remedy = match source.kind() {
            io::ErrorKind::AddrInUse => "stop the program that listens there, or choose another port (0 for any)",
            io::ErrorKind::PermissionDenied => "choose a port above 1023",
            _ => "choose an address of this machine",
        };
        ServeError::Bind {
            address,
            setting,
            source,
            remedy,
        }
    })
}

async fn apply_files(control: &Control, compiled: Compiled, actor: &str) -> Result<Outcome, Refused> {
    for warning in compiled.warnings() {
        tracing::warn!("{warning}");
    }
    let pipelines = compiled.pipelines().map(|(name, definition)| {
        (name.clone(), definition.pipeline().clone(), definition.digest().to_owned())
    });
    let command = Command::ApplyFiles {
        pipelines: pipelines.collect(),
    };
    let by = By {
        actor: actor.to_owned(),
        source: Source::File,
        reason: None,
    };
    control.change(command, by, false).await
}

// === impl Reload ===

impl Reload {
    /// Reads the pipeline files again. A refused file changes nothing.
    ///
    /// # Errors
    /// [`ReloadError`] with every problem.
    pub async fn reload(&self, actor: &str) -> Result<Outcome, ReloadError> {
        let compiled = self.settings.read_pipelines().map_err(ReloadError::Problems)?;
        Ok(apply_files(&self.control, compiled, actor).await?)
    }

    async fn on_signal(&self) {
        match self.reload("signal").await {
            Ok(outcome) => tracing::info!(revision = %outcome.revision, changed = outcome.changed, "reloaded"),
            Err(error) => tracing::error!(%error, "reload refused; nothing was changed"),
        }
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
