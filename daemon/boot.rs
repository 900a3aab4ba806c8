//! `impresario serve`: from settings to a serving daemon, and down again.
//!
//! The order matters: what can be refused is refused before anything is begun (settings, state, pipeline files,
//! addresses), then the fleet starts, then the sockets answer, and readiness comes last. Going down is the
//! reverse: readiness first.

mod banner;
mod meters;
mod planes;
mod signals;

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use impresario_models::package::{Join, Limits};
use impresario_pipelines::fleet::{self, By, Command, Source};
use impresario_pipelines::spec::{Compiled, Problem};

use crate::actors::{Control, Refused};
use crate::auth::HashError;
use crate::clock;
use crate::config::{self, Engine, Overrides, Settings};
use crate::embed::{Impresario, StartError};
use crate::grpc;
use crate::heap;
use crate::http::admin::{ReloadRefused, Reloaded};
use crate::otlp::Exporter;
use crate::plane::InFlight;
use crate::store::{Error as StoreError, Memory, Retention, Sled, Store};
use crate::telemetry::{self, FilterError, Logging};

use planes::Planes;

/// How long the last answers over gRPC have to reach their callers.
const LINGER: Duration = Duration::from_secs(2);

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
    #[error("log.level: {0}")]
    Log(FilterError),
    /// Nothing can be exported.
    #[error("begin to export to the collector (otlp.endpoint)")]
    Export(#[source] io::Error),
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
    /// A token of the settings can never be verified.
    #[error("admin.tokens '{name}': {source}")]
    Token {
        /// The token's name.
        name: String,
        /// Why.
        source: HashError,
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
struct Reload {
    settings: Arc<Settings>,
    control: Control,
}

/// Serves until a signal says otherwise.
///
/// # Errors
/// [`ServeError`]; whatever it says, nothing was done by halves.
pub fn serve(args: ServeArgs) -> Result<(), ServeError> {
    let begun = clock::instant();
    let loaded = Settings::load(
        args.config.as_deref(),
        config::environment(),
        &args.overrides,
    );
    let (settings, warnings) = loaded.map_err(ServeError::Problems)?;
    let exporter = settings.otlp.as_ref().map(Exporter::start).transpose();
    let exporter = exporter.map_err(ServeError::Export)?.unwrap_or_default();
    let logging = telemetry::start(&settings.log, exporter.layer()).map_err(ServeError::Log)?;
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    actix::System::new().block_on(run(
        Arc::new(settings),
        (exporter, logging),
        args.addresses_file,
        begun,
    ))
}

async fn run(
    settings: Arc<Settings>,
    (exporter, logging): (Exporter, Logging),
    addresses_file: Option<PathBuf>,
    begun: std::time::Instant,
) -> Result<(), ServeError> {
    let pipelines = settings.read_pipelines().map_err(ServeError::Problems)?;
    let http = bind(settings.server.http, "server.http, --http")?;
    let grpc = settings.server.grpc;
    let grpc = grpc.map(|address| bind(address, "server.grpc, --grpc"));
    let grpc = grpc.transpose()?;
    let admin = bind(settings.server.admin, "server.admin, --admin")?;
    let addresses =
        banner::Addresses::of(&http, grpc.as_ref(), &admin).map_err(ServeError::Serve)?;
    let impresario = begin(&settings).await?;
    let (measured, exports) = (impresario.clone(), exporter.clone());
    let measuring = exporter.measure(move || meters::meters(&measured, &exports));
    measuring.map_err(ServeError::Export)?;
    let reload = Reload {
        settings: Arc::clone(&settings),
        control: impresario.control().clone(),
    };
    reload
        .apply(pipelines, by("daemon"))
        .await
        .map_err(ServeError::Files)?;
    let in_flight = InFlight::default();
    let planes = Planes {
        settings: &settings,
        impresario: &impresario,
        addresses,
        exporter: &exporter,
        logging: &logging,
    };
    let calls = match addresses.grpc {
        Some(bound) => Some(planes.grpc(&in_flight, bound)?),
        None => None,
    };
    let data = planes.data(&in_flight, http, calls.as_ref())?;
    let admin = planes.admin(&reload, admin)?;
    let handles = [data.handle(), admin.handle()];
    let (data, admin) = (actix::spawn(data), actix::spawn(admin));
    if let (Some(calls), Some(grpc)) = (calls.clone(), grpc) {
        actix::spawn(async move {
            if let Err(error) = calls.accept(grpc).await {
                tracing::error!(%error, "no calls are taken over gRPC");
            }
        });
    }
    if let Some(path) = addresses_file {
        addresses
            .write(&path)
            .map_err(|source| ServeError::Addresses { path, source })?;
    }
    tracing::info!(http = %addresses.http, grpc = addresses.grpc.map(tracing::field::display), admin = %addresses.admin, "listening");
    let mut signals = signals::Signals::listen().map_err(ServeError::Serve)?;
    let early = tokio::select! {
        () = impresario.settled() => None,
        signal = signals.end() => Some(signal),
    };
    let signal = match early {
        Some(signal) => signal,
        None => {
            // Not sooner: what starting up took goes back to the system.
            heap::keep_at_hand();
            impresario.live().accept(true);
            let ready = banner::ready(&addresses, &settings, &impresario, begun.elapsed());
            // Nobody may be reading: that ends no daemon.
            let _: io::Result<()> = write!(io::stdout(), "{ready}");
            signals.until_end(|| reload.on_signal()).await
        }
    };
    tracing::info!(signal, grace = ?settings.server.grace, "going down");
    let down = go_down(
        &impresario,
        &in_flight,
        calls.as_ref(),
        &handles,
        settings.server.grace,
    );
    tokio::select! {
        result = down => result?,
        signal = signals.end() => {
            tracing::warn!(signal, "second signal: going down at once");
            for server in &handles {
                server.stop(false).await;
            }
        }
    }
    // Both ended because they were told to; what they say now is of no use to anybody.
    let _ended = (data.await, admin.await);
    tracing::info!("gone");
    exporter.stop().await;
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
        loading: settings.models.loaders.unwrap_or_else(cores).get(),
        backoff_initial: millis(restart.initial),
        backoff_max: millis(restart.max),
        crashes: restart.crashes.get(),
        crash_memory: millis(restart.within),
        history: usize::try_from(settings.store.retain_revisions).unwrap_or(usize::MAX),
        budget: settings.models.memory_budget,
        ..fleet::Limits::default()
    };
    let defaults = &settings.models.defaults;
    let defaults = Limits {
        timeout: defaults.timeout,
        queue: defaults.queue,
        instances: defaults.instances.unwrap_or_else(cores),
        max_batch: None,
        join: Join {
            rows: defaults.join,
            max_delay: defaults.max_delay,
            ..Join::default()
        },
        inline: defaults.inline,
    };
    let impresario = Impresario::builder()
        .repository(&settings.models.repository)
        .versions(defaults, settings.models.max_load_memory)
        .engines(settings.engines.clone())
        .poll(
            settings.models.poll.unwrap_or_default(),
            settings.models.settle,
        )
        .timeouts(
            settings.server.request_timeout,
            settings.models.load_timeout,
        )
        .limits(limits)
        .cache(settings.models.cache)
        .waiting(settings.models.waiting.get())
        .store(store)
        .webhooks(settings.notify.webhooks.clone())
        .payload_log(settings.payload_log.clone())
        .history(
            settings
                .metrics
                .history
                .then_some(settings.metrics.history_series),
        )
        .begin();
    Ok(impresario.await?)
}

/// Readiness first, then the requests in flight, then the versions, then the sockets.
async fn go_down(
    impresario: &Impresario,
    in_flight: &InFlight,
    grpc: Option<&grpc::Server>,
    servers: &[ServerHandle],
    grace: Duration,
) -> Result<(), ServeError> {
    impresario.live().accept(false);
    if let Some(grpc) = grpc {
        grpc.stop();
    }
    let finish = async {
        in_flight.none().await;
        impresario.end().await;
    };
    let finished = tokio::time::timeout(grace, finish).await;
    impresario.finish().await;
    if let Some(grpc) = grpc {
        // Every request is answered or given up: what is left is for answers to reach the wire. Who keeps a
        // connection open for another reason is not waited for.
        let _open = tokio::time::timeout(LINGER, grpc.closed()).await;
    }
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
            io::ErrorKind::AddrInUse => {
                "stop the program that listens there, or choose another port (0 for any)"
            }
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

// === impl Reload ===

impl Reload {
    /// Reads the pipeline files again. A refused file changes nothing.
    async fn reload(&self, by: By) -> Result<Reloaded, ReloadRefused> {
        let compiled = self
            .settings
            .read_pipelines()
            .map_err(ReloadRefused::Files)?;
        self.apply(compiled, by)
            .await
            .map_err(ReloadRefused::Change)
    }

    async fn apply(&self, compiled: Compiled, by: By) -> Result<Reloaded, Refused> {
        let warnings = compiled.warnings().to_vec();
        for warning in &warnings {
            tracing::warn!("{warning}");
        }
        let pipelines = compiled.pipelines().iter().map(|(name, definition)| {
            (
                name.clone(),
                definition.pipeline().clone(),
                definition.digest().to_owned(),
            )
        });
        let command = Command::ApplyFiles {
            pipelines: pipelines.collect(),
        };
        let outcome = self.control.change(command, by, false).await?;
        tracing::info!(revision = %outcome.revision, changed = outcome.changed, "pipeline files applied");
        Ok(Reloaded {
            revision: outcome.revision,
            changed: outcome.changed,
            warnings,
        })
    }

    async fn on_signal(&self) {
        match self.reload(by("signal")).await {
            Ok(_) => {}
            Err(ReloadRefused::Files(problems)) => {
                for problem in problems {
                    tracing::error!("{problem}");
                }
                tracing::error!("reload refused; nothing was changed");
            }
            Err(ReloadRefused::Change(refused)) => {
                tracing::error!(error = %refused, "reload refused; nothing was changed");
            }
        }
    }
}

/// Who applies files: the daemon at its start, a signal, or an admin.
fn by(actor: &str) -> By {
    By {
        actor: actor.to_owned(),
        source: Source::File,
        reason: None,
    }
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Cores that this process may use, one where that cannot be told: as many loads, and computations of a version, at a
/// time where nothing is said.
fn cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
