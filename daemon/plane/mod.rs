//! The data plane behind its doors: what HTTP and gRPC both answer, in the form of neither.
//!
//! What is specific to inference is in `serve`, bytes of tensors are in `codec`. Here is the rest: readiness,
//! metadata, statistics, the model repository, who may change it, and why a request is refused.

mod about;
mod fault;
mod guard;
mod id;
mod in_flight;
mod repository;
mod statistics;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use crate::actors::Control;
use crate::codec::Limits;
use crate::measure::Measure;
use crate::serve::Serve;

pub(crate) use about::{EXTENSIONS, NAME, VERSION, batching, dims};
pub(crate) use fault::Fault;
pub(crate) use guard::too_low;
pub use guard::{Denied, Guard, Operators};
pub(crate) use id::{acceptable, fresh};
pub use in_flight::{InFlight, Token};
pub(crate) use repository::{READY, check_parameters};
pub use watch::{Access, Watcher};
pub(crate) use watch::{Door, Ended, Watch};

/// What the data plane needs, whichever door a request comes through.
pub struct Plane {
    /// Who answers.
    pub serve: Serve,
    /// Who loads and unloads.
    pub control: Control,
    /// Where the counters are.
    pub measure: Measure,
    /// What one request may bring.
    pub limits: Limits,
    /// How long `load` and `unload` wait for what they asked for.
    pub patience: Duration,
    /// Who may load and unload.
    pub guard: Arc<dyn Guard>,
    /// Who is told of requests.
    pub watcher: Watcher,
}
