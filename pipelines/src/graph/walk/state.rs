//! What a walk knows of a node: which rows are wanted of it, how far it has come with them, and what it gave.

use std::sync::Arc;

use impresario_models::Tensor;

use super::done::{Absence, Fate, Visit};
use super::rows::Rows;
use super::step::Ticket;
use super::value::Part;
use crate::graph::NodeId;

/// A node of one walk.
#[derive(Debug)]
pub(super) struct State {
    /// The rows that were asked of it. They only grow.
    pub(super) need: Rows,
    /// The rows that it was begun for; each once.
    pub(super) begun: Rows,
    /// The rows that it gave something for.
    pub(super) present: Rows,
    /// The rows that it will never give something for.
    pub(super) absent: Rows,
    /// What it gave, as long as somebody may want it.
    pub(super) parts: Vec<Part>,
    /// Why it is not there for the absent rows.
    pub(super) lacks: Vec<(Rows, Absence)>,
    /// What is under way.
    pub(super) runs: Vec<Run>,
    /// What is told of it in the end.
    pub(super) visit: Visit,
}

/// A node at work on some rows.
#[derive(Debug)]
pub(super) struct Run {
    /// The rows that are in this stage.
    pub(super) rows: Rows,
    /// How far they are.
    pub(super) stage: Stage,
    /// The rows that are no more in it, because another node gives something for them.
    pub(super) taken: Vec<Taken>,
}

/// How far a run is.
///
/// ```text
/// When ─▶ Case(0) ─▶ Case(1) … ─▶ Taking        a switch
/// When ─▶ Taking                                a splitter
/// When ─▶ Gather                                what computes
/// When ─▶ Gather ─▶ Calling ⇄ Resting           a call
/// ```
/// A run without `when` begins at the second. What fails anywhere and has a fallback goes on to Taking.
#[derive(Debug)]
pub(super) enum Stage {
    /// It waits for what its `when` reads.
    When,
    /// It waits for what the condition of this case reads.
    Case(usize),
    /// It waits for what it works on.
    Gather,
    /// It is called.
    Calling(Attempt),
    /// It rests until it is called again.
    Resting(Attempt),
    /// It waits for those that it takes from.
    Taking,
}

/// One attempt of a call.
#[derive(Debug)]
pub(super) struct Attempt {
    /// By what it is known.
    pub(super) ticket: Ticket,
    /// Which one it is, from 1.
    pub(super) number: u32,
    /// What the next one will send; nothing where this is the last.
    pub(super) inputs: Vec<Arc<Tensor>>,
}

/// Rows that another node gives something for.
#[derive(Debug)]
pub(super) struct Taken {
    /// The other node.
    pub(super) node: NodeId,
    /// Why it does.
    pub(super) via: Via,
    /// The rows.
    pub(super) rows: Rows,
}

/// Why a node gives something for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Via {
    /// It is taken by this case of a switch.
    Case(usize),
    /// It is taken by this arm of a splitter.
    Arm(usize),
    /// The other one failed.
    Fallback,
}

// === impl State ===

impl State {
    pub(super) fn new(node: NodeId) -> Self {
        Self {
            need: Rows::none(),
            begun: Rows::none(),
            present: Rows::none(),
            absent: Rows::none(),
            parts: Vec::new(),
            lacks: Vec::new(),
            runs: Vec::new(),
            visit: Visit {
                node,
                fate: Fate::NotNeeded,
                rows: 0,
                answered: 0,
                skipped: 0,
                fell_back: 0,
                defaulted: 0,
                attempts: 0,
                took: Vec::new(),
                missing: Vec::new(),
                failure: None,
            },
        }
    }

    /// Whether it is known for all these rows what it gives, or that it gives nothing.
    pub(super) fn settled(&self, rows: &Rows) -> bool {
        if self.present.covers(rows) || self.absent.covers(rows) {
            return true;
        }
        let mut left = rows.minus(&self.present);
        left.remove(&self.absent);
        left.is_empty()
    }

    /// These rows have a value.
    pub(super) fn give(&mut self, part: Part) {
        self.present.add(&part.rows);
        self.parts.push(part);
    }

    /// These rows will have no value.
    pub(super) fn lack(&mut self, rows: &Rows, why: Absence) {
        if !rows.is_empty() {
            self.absent.add(rows);
            self.lacks.push((rows.clone(), why));
        }
    }

    /// What is told of it, where the walk ended so far.
    pub(super) fn visit(&self, failed: bool) -> Visit {
        let mut visit = self.visit.clone();
        visit.rows = self.begun.count();
        visit.skipped = self.absent.count();
        visit.answered = self.present.count() - visit.fell_back - visit.defaulted;
        visit.fate = match () {
            () if failed => Fate::Failed,
            () if visit.rows == 0 => Fate::NotNeeded,
            () if visit.fell_back > 0 => Fate::FellBack,
            () if visit.defaulted > 0 => Fate::Defaulted,
            () if visit.answered > 0 => Fate::Answered,
            () if visit.skipped > 0 => Fate::Skipped,
            () => Fate::Cancelled,
        };
        visit
    }
}

// === impl Run ===

impl Run {
    /// The ticket that is out for it.
    pub(super) fn ticket(&self) -> Option<Ticket> {
        match &self.stage {
            Stage::Calling(attempt) | Stage::Resting(attempt) => Some(attempt.ticket),
            Stage::When | Stage::Case(_) | Stage::Gather | Stage::Taking => None,
        }
    }
}
