//! The observatory: what is seen of courses now, for those who look from outside. None of it is on a request's path.
//!
//! The analyst, dispatch and feedback gather; here it is found in one place, and told to the analyst in its words.

use std::sync::Arc;

use impresario_models::Name;
use impresario_pipelines::analysis::{Readings, Traffic};
use impresario_pipelines::fleet::{Course, Entry, Record};
use impresario_pipelines::spec::Policy;
use impresario_pipelines::{learning, trial};
use tokio::sync::broadcast;

use crate::actors::Board;
use crate::clock::Clock;
use crate::measure::{Measure, Outcome};
use crate::serve::{Serve, Shadowed, decisions};

/// What is seen of courses. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Observatory {
    board: Board,
    serve: Serve,
    measure: Measure,
    clock: Clock,
}

// === impl Observatory ===

impl Observatory {
    pub(crate) fn new(serve: Serve, measure: Measure, clock: Clock) -> Self {
        Self {
            board: Board::default(),
            serve,
            measure,
            clock,
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

    /// Up to when evidence and feedback are in the store, in milliseconds since 1970.
    #[must_use]
    pub fn stored_until(&self) -> Option<u64> {
        self.board.stored_until()
    }

    /// The traffic of a pipeline: that of its rollout, as the analyst sees it, else the average since the daemon began.
    /// Nothing for one that nobody has asked.
    #[must_use]
    pub fn traffic(&self, pipeline: &Name) -> Option<Traffic> {
        let watched = self.board.of(pipeline).map(|notice| notice.traffic);
        watched
            .filter(|traffic| traffic.per_second > 0.0)
            .or_else(|| self.average(pipeline))
    }

    /// What the shadow of a pipeline came to.
    #[must_use]
    pub fn shadowed(&self, pipeline: &Name) -> Option<Shadowed> {
        self.serve.shadows().shadowed(pipeline.as_str())
    }

    /// What an experiment comes to.
    #[must_use]
    pub fn trial_report(&self, pipeline: &Name) -> Option<trial::Report> {
        let snapshot = self.serve.live().snapshot();
        let entry = snapshot.fleet.routing.pipelines.get(pipeline)?;
        let Course::Trial(trial) = entry.course.as_deref()? else {
            return None;
        };
        let feedback = self.serve.feedback();
        feedback.report(pipeline, trial, self.clock.now())
    }

    /// What a bandit has come to.
    #[must_use]
    pub fn learning_report(&self, pipeline: &Name) -> Option<learning::Report> {
        let snapshot = self.serve.live().snapshot();
        let entry: &Entry = snapshot.fleet.routing.pipelines.get(pipeline)?;
        let (Course::Learning(learning), Policy::Bandit(spec)) =
            (entry.course.as_deref()?, entry.pipeline.policy())
        else {
            return None;
        };
        let now = self.clock.now();
        let rewards = self.serve.feedback().rewards(pipeline, learning.id, now)?;
        Some(learning::report(&rewards, spec, learning, now))
    }

    /// The decision on a request, while it is kept.
    #[must_use]
    pub fn decision(&self, request: &str) -> Option<decisions::Record> {
        self.serve.decisions().get(request)
    }

    /// The newest decisions, of one pipeline or all.
    #[must_use]
    pub fn decisions(&self, pipeline: Option<&Name>, most: usize) -> Vec<decisions::Record> {
        self.serve.decisions().newest(pipeline, most)
    }

    /// Tells of each record once it is stored. Who reads too slowly misses the oldest.
    #[must_use]
    pub fn records(&self) -> broadcast::Receiver<Arc<Record>> {
        self.serve.live().records()
    }

    fn average(&self, pipeline: &Name) -> Option<Traffic> {
        let (mut requests, mut errors, mut timeouts) = (0, 0, 0);
        for (_, totals) in self.measure.read_of(pipeline) {
            requests += totals.requests();
            errors += totals.of(Outcome::Failed) + totals.of(Outcome::Crashed);
            timeouts += totals.of(Outcome::Expired);
        }
        let seconds = self.clock.now().monotonic as f64 / 1_000.0;
        let share = |count: u64| count as f64 / requests as f64;
        (requests > 0).then(|| Traffic {
            per_second: requests as f64 / seconds.max(1e-3),
            errors: share(errors),
            timeouts: share(timeouts),
            ..Traffic::default()
        })
    }
}
