//! The observatory: what is seen of courses now, for those who look from outside. None of it is on a request's path.
//!
//! The analyst, dispatch and feedback gather; here it is found in one place, and told to the analyst in its words.

use std::sync::Arc;

use impresario_models::Name;
use impresario_pipelines::analysis::{Readings, Traffic};
use impresario_pipelines::fleet::Record;
use impresario_pipelines::learning::{self, Learning};
use impresario_pipelines::rollout;
use impresario_pipelines::spec::Bandit;
use tokio::sync::broadcast;

use crate::actors::analyst::Gathered;
use crate::actors::{Board, Live};
use crate::store::Keep;

/// What is seen of courses. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Observatory {
    board: Board,
    live: Live,
}

// === impl Observatory ===

impl Observatory {
    pub(crate) fn new(live: Live) -> Self {
        Self {
            board: Board::default(),
            live,
        }
    }

    pub(crate) fn board(&self) -> &Board {
        &self.board
    }

    /// What the evidence of a pipeline's rollout says.
    #[must_use]
    pub fn readings(&self, pipeline: &Name) -> Option<Arc<Readings>> {
        self.board.of(pipeline)?.readings
    }

    /// The traffic of a pipeline whose rollout is watched.
    #[must_use]
    pub fn traffic(&self, pipeline: &Name) -> Option<Traffic> {
        Some(self.board.of(pipeline)?.traffic)
    }

    /// Tells of each record once it is stored. Who reads too slowly misses the oldest.
    #[must_use]
    pub fn records(&self) -> broadcast::Receiver<Arc<Record>> {
        self.live.records()
    }
}

impl Gathered for Observatory {
    fn shown(&self, _: &Name) -> Option<rollout::Shadowing> {
        None
    }

    fn rewards(&self, _: &Name, _: &Learning, _: &Bandit) -> learning::Sight {
        learning::Sight::default()
    }

    fn changes(&self) -> Vec<Keep> {
        Vec::new()
    }
}
