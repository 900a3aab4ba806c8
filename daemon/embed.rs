//! Impresario inside an application: built from a repository, registered models, or both; no sockets.
//!
//! It runs inside an actix system (`#[actix_web::main]`, `#[actix_rt::main]`) and starts its own threads.

mod builder;
mod secret;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix::Arbiter;
use impresario_models::backend::Engines;
use impresario_models::package::Limits;
use impresario_models::repository::Repository;
use impresario_models::{LoadError, Name, Tensor, VersionNumber};
use impresario_pipelines::fleet::{self, By, Command, Event, Promise, Reason, Source};
use impresario_pipelines::rollout;
use impresario_pipelines::spec::Pipeline;

use crate::actors::analyst::{Desk, Shown};
use crate::actors::library::Build;
use crate::actors::watcher::Eyes;
use crate::actors::{Control, Library, Live, Refused, Settings};
use crate::clock::Clock;
use crate::error::Error;
use crate::history::History;
use crate::measure::{Ledgers, Measure};
use crate::notify::{self, Notifier};
use crate::observatory::Observatory;
use crate::payload::{self, Failure};
use crate::serve::{Answer, Asks, Cache, Serve, Shadows, Terms};
use crate::store::{Error as StoreError, Store};

/// A running fleet. Cloning shares it.
#[derive(Clone)]
pub struct Impresario {
    serve: Serve,
    control: Control,
    measure: Measure,
    store: Arc<dyn Store>,
    observatory: Observatory,
    notifier: Notifier,
    history: Option<History>,
    clock: Clock,
    arbiters: Arc<Vec<Arbiter>>,
}

/// What a fleet is made of.
pub struct Builder {
    repository: Option<PathBuf>,
    defaults: Limits,
    max_memory: Option<u64>,
    engines: Engines,
    poll: Duration,
    settle: Duration,
    load_timeout: Duration,
    timeout: Duration,
    cache: Option<u64>,
    waiting: usize,
    measure: Measure,
    limits: fleet::Limits,
    store: Arc<dyn Store>,
    webhooks: Vec<notify::Hook>,
    payload_log: Option<payload::Settings>,
    history: Option<NonZeroUsize>,
    pipelines: Vec<(Name, Pipeline)>,
    registered: Vec<(Name, VersionNumber, Build)>,
}

/// Why a fleet could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The repository cannot be read.
    #[error("open the model repository")]
    Repository(#[source] LoadError),
    /// An engine is required that is not there.
    #[error("find the engines: {0}")]
    Engines(LoadError),
    /// The payload log cannot be kept.
    #[error(transparent)]
    Payload(#[from] payload::Error),
    /// The state cannot be read.
    #[error("open the state")]
    Store(#[source] StoreError),
    /// A pipeline was refused.
    #[error("apply pipeline '{name}'")]
    Pipeline {
        /// Its name.
        name: Name,
        /// Why.
        source: Refused,
    },
    /// The supervisor went away while starting.
    #[error("start the supervisor")]
    Supervisor(#[source] Refused),
}

// === impl Builder: from settings to a fleet ===

impl Builder {
    /// Starts the fleet and returns when every version that is wanted is ready or has failed; what failed is in
    /// the snapshot's report.
    ///
    /// # Errors
    /// [`StartError`] when the repository or the state cannot be read, or a pipeline is refused.
    pub async fn start(self) -> Result<Impresario, StartError> {
        let started = self.begin().await?;
        started.settled().await;
        started.live().accept(true);
        Ok(started)
    }

    /// Starts the fleet and returns when the repository has been looked at once; versions load meanwhile.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub async fn begin(self) -> Result<Impresario, StartError> {
        let clock = Clock::start();
        let live = Live::new();
        live.bound_recalls(self.waiting);
        let (measure, ledgers) = (self.measure, Ledgers::default());
        let repository = self.repository.as_deref().map(Repository::open).transpose();
        let repository = repository.map_err(StartError::Repository)?;
        let repository = repository.map(|repository| repository.with_defaults(self.defaults));
        let library = Library::new(repository, &self.engines, self.max_memory);
        let mut library = library.map_err(StartError::Engines)?;
        for (model, version, build) in self.registered {
            library.register(model, version, build);
        }
        let library = Arc::new(library);
        let payload = self.payload_log.map(payload::Log::start).transpose()?;
        let mut eyes =
            Eyes::new(Arc::clone(&library), self.settle, clock).weighing(self.limits.budget);
        let settings = Settings {
            limits: self.limits,
            load_timeout: self.load_timeout,
            store: Arc::clone(&self.store),
            library: Arc::clone(&library),
            live: live.clone(),
            measure: measure.clone(),
            ledgers: ledgers.clone(),
            clock,
        };
        // Before anything can be changed, so that no record is missed.
        let notifier = Notifier::start(
            self.webhooks,
            live.records(),
            Arc::clone(&self.store),
            notify::Pace::default(),
        );
        let notifier = notifier.map_err(StartError::Store)?;
        let (control, arbiter) = Control::start(settings).map_err(StartError::Store)?;
        let history = self.history.map(|most| {
            let store = Arc::clone(&self.store);
            History::start(store, measure.clone(), most.get(), clock)
        });
        let history = history.transpose().map_err(StartError::Store)?;
        let registered = library
            .registered()
            .map(|(model, version)| Event::Appeared {
                policy: library.policy(model),
                model: model.clone(),
                version: *version,
            });
        let mut events: Vec<_> = registered.collect();
        events.extend(eyes.look_until_settled().await);
        control.seen(events).await.map_err(StartError::Supervisor)?;
        let serve = Serve::new(live, self.timeout)
            .with_cache(Cache::new(self.cache))
            .with_secret(secret::of(self.store.as_ref()))
            .with_payload_log(payload.unwrap_or_default());
        let observatory = Observatory::new(serve.clone(), measure.clone(), clock);
        let desk = Desk {
            control: control.clone(),
            ledgers,
            store: Arc::clone(&self.store),
            clock,
            feedback: serve.feedback().clone(),
            shown: shown(serve.shadows().clone()),
            board: observatory.board().clone(),
        };
        let mut arbiters = vec![arbiter, desk.occupy()];
        if library.repository().is_some() && !self.poll.is_zero() {
            arbiters.push(eyes.keep_looking(control.clone(), self.poll));
        }
        let impresario = Impresario {
            serve,
            control,
            measure,
            store: self.store,
            observatory,
            notifier,
            history,
            clock,
            arbiters: Arc::new(arbiters),
        };
        for (name, pipeline) in self.pipelines {
            if let Err(error) = impresario.embed(name, pipeline).await {
                impresario.stop().await;
                return Err(error);
            }
        }
        Ok(impresario)
    }
}

// === impl Impresario ===

impl Impresario {
    /// Begins to build a fleet.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Asks a pipeline or model, with named inputs in any order.
    ///
    /// # Errors
    /// [`Error`], as over the wire.
    pub async fn infer<'a>(
        &self,
        name: &str,
        inputs: impl IntoIterator<Item = (&'a str, Tensor)>,
    ) -> Result<Answer, Error> {
        self.infer_as(name, &Asks::default(), inputs).await
    }

    /// As [`Self::infer`], for somebody: who has the same key is answered by the same variant.
    ///
    /// # Errors
    /// [`Error`], as over the wire.
    pub async fn infer_as<'a>(
        &self,
        name: &str,
        asks: &Asks,
        inputs: impl IntoIterator<Item = (&'a str, Tensor)>,
    ) -> Result<Answer, Error> {
        let terms = Terms::now();
        let entry = self.serve.enter(name, None, asks, terms).await?;
        let inputs = entry.contract().arrange(inputs).inspect_err(|mismatch| {
            entry.refused(terms.arrived, terms.trace, || {
                Failure::of(&mismatch.clone().into())
            })
        })?;
        self.serve.dispatch(&entry, inputs, terms).await
    }

    /// Waits until no wanted version is being loaded for the first time.
    pub async fn settled(&self) {
        let loads = |reason: &Reason| matches!(reason, Reason::Queued | Reason::Loading(_));
        let live = self.serve.live();
        live.until(|snapshot| !snapshot.report.waits.iter().any(|wait| loads(&wait.reason)))
            .await;
    }

    /// The request path, for a door of one's own.
    #[must_use]
    pub fn serve(&self) -> &Serve {
        &self.serve
    }

    /// The control plane.
    #[must_use]
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The published state.
    #[must_use]
    pub fn live(&self) -> &Live {
        self.serve.live()
    }

    /// The counters.
    #[must_use]
    pub fn measure(&self) -> &Measure {
        &self.measure
    }

    /// The store, for reading.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// What is seen of rollouts, experiments and bandits now.
    #[must_use]
    pub fn observatory(&self) -> &Observatory {
        &self.observatory
    }

    /// The webhooks.
    #[must_use]
    pub fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    /// What was counted over time, where that is kept.
    #[must_use]
    pub fn history(&self) -> Option<&History> {
        self.history.as_ref()
    }

    /// The clock that began with the fleet.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The payload log.
    #[must_use]
    pub fn payload_log(&self) -> &payload::Log {
        self.serve.payload_log()
    }

    /// Stops taking requests, lets every version finish what it has, and ends the threads.
    pub async fn stop(&self) {
        self.end().await;
        self.finish().await;
    }

    /// Ends what is told and kept of all that happened: webhooks and history. Both have a short time of their own.
    pub(crate) async fn finish(&self) {
        if let Some(history) = &self.history {
            history.stop().await;
        }
        self.notifier.stop().await;
        self.payload_log().stop().await;
    }

    /// Ends all but [`Self::finish`]: who bounds the one does not mean the other.
    pub(crate) async fn end(&self) {
        self.live().accept(false);
        self.control.stop().await;
        for arbiter in self.arbiters.iter() {
            arbiter.stop();
        }
    }

    async fn embed(&self, name: Name, pipeline: Pipeline) -> Result<(), StartError> {
        if self
            .live()
            .look()
            .fleet
            .routing
            .pipelines
            .contains_key(&name)
        {
            return Ok(());
        }
        let by = By {
            actor: "application".to_owned(),
            source: Source::Embedded,
            reason: None,
        };
        let command = Command::PutPipeline {
            promise: Promise::Kept,
            name: name.clone(),
            pipeline,
            expected: None,
        };
        let put = self.control.change(command, by, false).await;
        put.map(drop)
            .map_err(|source| StartError::Pipeline { name, source })
    }
}

/// What the analyst asks the shadows.
fn shown(shadows: Shadows) -> Shown {
    Box::new(move |pipeline| {
        let reading = shadows.reading(pipeline.as_str())?;
        Some(rollout::Shadowing {
            pairs: reading.pairs,
            agreement: reading.agreement,
        })
    })
}
