//! Sessions: what ONNX Runtime computes with, and who may use one when.
//!
//! The binding gives a session to one caller at a time. A small model gets a further session when all are taken,
//! up to one a core; a large one has as many as its manifest has instances, made at load, because each holds the
//! weights.
//!
//! Memory is bounded by what one computation needs: the arena, which keeps the memory of the largest computation
//! for as long as the session lives, is off unless the manifest asks for it. Measured, one thread: no difference
//! for a 784-512-512-10 perceptron and for a small convolutional network up to batch 8; with tensors above 32 MiB
//! (that network at batch 64), which the C library maps anew each time, the arena takes a third less time.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use ort::ep;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::SessionInputValue;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{Outlet, ValueType};

use super::super::loader::{panic_text, shorten};
use super::super::plan::{Failure, LOOKUPS};
use super::library::Runtime;
use super::values::{from_runtime, into_runtime};
use crate::contract::Contract;
use crate::package::Onnx;
use crate::tensor::Tensor;

/// The largest file, in bytes, that is kept so that further sessions can be made of it.
const KEPT: usize = 1 << 20;

/// What a session is made of.
pub(super) struct Recipe {
    pub(super) runtime: Runtime,
    pub(super) options: Onnx,
    /// The file, or what was made of it.
    pub(super) model: Vec<u8>,
    /// The contents of the files that it keeps weights in, by the location that it gives.
    pub(super) external: BTreeMap<String, Arc<[u8]>>,
    /// Whether it may loop on values.
    pub(super) loops: bool,
}

/// A model's sessions.
pub(in super::super) struct Pool {
    /// Nothing where no further session will be made.
    recipe: Option<Recipe>,
    most: usize,
    steady: bool,
    idle: Mutex<Idle>,
    returned: Condvar,
}

struct Idle {
    sessions: Vec<Session>,
    made: usize,
}

/// A session that is in use; it goes back when this is dropped.
struct Lease<'a> {
    pool: &'a Pool,
    session: Option<Session>,
}

// === impl Recipe ===

impl Recipe {
    /// Makes a session.
    ///
    /// # Errors
    /// ONNX Runtime's message, in one line.
    pub(super) fn session(&self) -> Result<Session, String> {
        let made = catch_unwind(AssertUnwindSafe(|| self.make()));
        match made {
            Ok(made) => made.map_err(|error| shorten(&error.to_string())),
            Err(panic) => Err(panic_text(&*panic)),
        }
    }

    fn make(&self) -> ort::Result<Session> {
        let threads = self.options.threads.get();
        let cpu = ep::CPU::default().with_arena_allocator(self.options.arena);
        let mut builder = Session::builder(&self.runtime.environment)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .with_intra_threads(threads)?
            .with_inter_threads(1)?
            .with_parallel_execution(false)?
            // Threads that wait for work must not take a core from another instance.
            .with_intra_op_spinning(false)?
            // It plans memory for each shape that comes, for ever.
            .with_memory_pattern(false)?
            .with_execution_providers([cpu.build()])?
            .with_log_level(LogLevel::Warning)?;
        for (location, contents) in &self.external {
            builder = builder.with_external_initializer_file_in_memory(
                Path::new(location),
                Arc::clone(contents),
            )?;
        }
        builder.commit_from_memory(&self.model)
    }
}

// === impl Pool ===

impl Pool {
    /// The sessions of a model: one, and the others as its size says.
    ///
    /// # Errors
    /// ONNX Runtime's message.
    pub(super) fn new(
        recipe: Recipe,
        first: Session,
        instances: NonZeroUsize,
    ) -> Result<Self, String> {
        let small = recipe.model.len() <= KEPT && recipe.external.is_empty();
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let mut sessions = vec![first];
        if !small {
            for _ in 1..instances.get() {
                sessions.push(recipe.session()?);
            }
        }
        Ok(Self {
            most: match small {
                true => cores.max(instances.get()),
                false => sessions.len(),
            },
            steady: small && !recipe.loops,
            recipe: small.then_some(recipe),
            idle: Mutex::new(Idle {
                made: sessions.len(),
                sessions,
            }),
            returned: Condvar::new(),
        })
    }

    /// Whether a computation depends on the size of its inputs alone: no loops on values, and no waiting for a session.
    pub(in super::super) fn is_steady(&self) -> bool {
        self.steady
    }

    /// Computes all outputs, in the contract's order.
    ///
    /// # Errors
    /// [`Failure`], with the step's name where ONNX Runtime says it.
    pub(in super::super) fn run(
        &self,
        contract: &Contract,
        inputs: Vec<Tensor>,
    ) -> Result<Vec<Tensor>, Failure> {
        let ports = contract.inputs.iter();
        let values: Vec<SessionInputValue<'static>> = ports
            .zip(inputs)
            .map(|(port, tensor)| into_runtime(port, tensor))
            .collect::<Result<_, _>>()
            .map_err(Failure::Own)?;
        let mut lease = self.take()?;
        let session = lease.session.as_mut().expect("it is there until the drop");
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let mut outputs = session.run(&values[..]).map_err(|error| failure(&error))?;
            let found = outputs.len();
            if found != contract.outputs.len() {
                let what = format!("expected {} outputs, got {found}", contract.outputs.len());
                return Err(Failure::Other(what));
            }
            let ports = contract.outputs.iter();
            ports
                .zip(outputs.values_mut())
                .map(|(port, value)| from_runtime(port, &value).map_err(Failure::Own))
                .collect()
        }));
        outcome.unwrap_or_else(|panic| Err(Failure::Other(panic_text(&*panic))))
    }

    fn take(&self) -> Result<Lease<'_>, Failure> {
        let lease = |session| Lease {
            pool: self,
            session: Some(session),
        };
        let mut idle = self.lock();
        loop {
            if let Some(session) = idle.sessions.pop() {
                return Ok(lease(session));
            }
            if let Some(recipe) = self.recipe.as_ref().filter(|_| idle.made < self.most) {
                idle.made += 1;
                // Others go on with theirs meanwhile.
                drop(idle);
                return recipe.session().map(lease).map_err(|what| {
                    self.lock().made -= 1;
                    Failure::Other(what)
                });
            }
            idle = self
                .returned
                .wait(idle)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.pool.lock().sessions.push(session);
            self.pool.returned.notify_one();
        }
    }
}

/// What ONNX Runtime says of a computation that failed: "… while running Gather node. Name:'…' Status Message: …".
fn failure(error: &ort::Error) -> Failure {
    let text = shorten(error.message());
    let step = text
        .split_once("while running ")
        .and_then(|(_, rest)| rest.split_once(' '))
        .map(|(step, _)| step);
    match step {
        Some(step) if LOOKUPS.contains(&step) => Failure::Values(text),
        _ => Failure::Other(text),
    }
}

/// The datatype and shape of an output, as far as ONNX Runtime knows them: the size of each axis, or its name.
pub(super) fn shape_of(outlet: &Outlet) -> Option<Vec<Result<usize, String>>> {
    let ValueType::Tensor {
        shape,
        dimension_symbols,
        ..
    } = outlet.dtype()
    else {
        return None;
    };
    let names = dimension_symbols.iter().map(ToString::to_string);
    let axes = shape
        .iter()
        .zip(names.chain(std::iter::repeat(String::new())));
    Some(
        axes.map(|(&size, name)| usize::try_from(size).map_err(|_| name))
            .collect(),
    )
}
