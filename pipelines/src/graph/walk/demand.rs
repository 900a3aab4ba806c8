//! What is wanted, backwards through the graph: who still waits for what, who may still want what, what is begun for it
//! and what is dropped.

use super::rows::Rows;
use super::state::{Run, Stage, Taken, Via};
use super::{Feed, Graph, NodeId, OnError, State, Walk, Work};
use crate::graph::shape::{Branch, Node};

impl<E: std::fmt::Display> Walk<E> {
    /// Looks who still wants what. Begins each node that is wanted for rows that nobody can add to any more, and drops
    /// what nobody wants. Tells whether a node has new cause to go on.
    pub(super) fn look_back(&mut self, graph: &Graph) -> bool {
        self.live.iter_mut().for_each(Rows::clear);
        self.read.fill(false);
        let all = std::mem::take(&mut self.all);
        self.want_each(&graph.outputs, &all);
        self.all = all;
        let mut moved = false;
        for (at, node) in graph.nodes.iter().enumerate().rev() {
            let live = std::mem::take(&mut self.live[at]);
            let mut runs = std::mem::take(&mut self.states[at].runs);
            runs.retain_mut(|run| self.still_wanted(run, &live, &mut moved));
            let state = &mut self.states[at];
            state.parts.retain(|part| part.rows.meets(&live));
            if !state.begun.covers(&live) {
                let fresh = live.minus(&state.begun);
                if state.need.covers(&fresh) {
                    runs.push(self.begin_run(graph, state_id(at), fresh));
                    moved = true;
                } else {
                    self.want_whatever(node, &fresh);
                }
            }
            for run in &runs {
                self.want_for(node, run);
            }
            self.states[at].runs = runs;
            self.live[at] = live;
        }
        for (input, read) in self.inputs.iter_mut().zip(&self.read) {
            if !read {
                *input = None;
            }
        }
        moved
    }

    /// Where nothing is under way, nodes wait for each other to want more: the first of them that is wanted for some rows
    /// goes ahead with those. Tells whether there was one.
    pub(super) fn go_ahead(&mut self, graph: &Graph) -> bool {
        for at in 0..self.states.len() {
            let State { need, begun, .. } = &self.states[at];
            let mut sure = need.both(&self.live[at]);
            sure.remove(begun);
            if !sure.is_empty() {
                let run = self.begin_run(graph, state_id(at), sure);
                self.states[at].runs.push(run);
                return true;
            }
        }
        false
    }

    fn begin_run(&mut self, graph: &Graph, id: NodeId, rows: Rows) -> Run {
        self.states[id.index()].begun.add(&rows);
        let mut run = Run {
            rows,
            stage: Stage::When,
            taken: Vec::new(),
        };
        match &graph.node(id).when {
            Some(when) => self.need_each(&when.of, &run.rows),
            None => self.enter(graph, id, &mut run),
        }
        run
    }

    /// Sets a run to what its node does.
    pub(super) fn enter(&mut self, graph: &Graph, id: NodeId, run: &mut Run) {
        run.stage = Stage::Gather;
        match &graph.node(id).work {
            Work::Call { inputs: of, .. }
            | Work::Ensemble { of, .. }
            | Work::Transform { of, .. } => self.need_each(of, &run.rows),
            Work::Map { expression, .. } => self.need_each(&expression.of, &run.rows),
            Work::Switch(_) => self.enter_case(graph, id, run, 0),
            Work::Splitter { slots, seed, arms } => {
                let arm = self.arm(slots, seed);
                let rows = std::mem::take(&mut run.rows);
                self.take(id, run, Via::Arm(arm), &arms[arm], rows);
            }
        }
    }

    /// Sets a run to a case of its switch.
    pub(super) fn enter_case(&mut self, graph: &Graph, id: NodeId, run: &mut Run, case: usize) {
        run.stage = Stage::Case(case);
        if let Work::Switch(cases) = &graph.node(id).work
            && let Some((Some(condition), _)) = cases.get(case)
        {
            self.need_each(&condition.of, &run.rows);
        }
    }

    /// Has a node take some rows of a branch.
    pub(super) fn take(
        &mut self,
        id: NodeId,
        run: &mut Run,
        via: Via,
        branch: &Branch,
        rows: Rows,
    ) {
        let node = branch.node;
        self.states[node.index()].need.add(&rows);
        let took = &mut self.states[id.index()].visit.took;
        match took.iter_mut().find(|(other, _)| *other == node) {
            Some((_, count)) => *count += rows.count(),
            None => took.push((node, rows.count())),
        }
        run.taken.push(Taken { node, via, rows });
    }

    /// The arm of a splitter that this request falls to.
    pub(super) fn arm(&self, slots: &crate::bucket::Slots, seed: &str) -> usize {
        slots.owner(match &self.key {
            Some(key) => crate::bucket::slot(seed, key),
            // Hashed as a key is, so that what two splitters do with one draw is independent.
            None => crate::bucket::slot(seed, &self.draw.to_string()),
        })
    }

    fn need_each(&mut self, of: &[Feed], rows: &Rows) {
        for feed in of {
            if let Feed::Port(node, _) = feed {
                self.states[node.index()].need.add(rows);
            }
        }
    }

    /// Leaves a run the rows that are wanted. Tells whether it is left any.
    fn still_wanted(&mut self, run: &mut Run, live: &Rows, moved: &mut bool) -> bool {
        if run.ticket().is_some() {
            // A call gives all its rows or none.
            let wanted = run.rows.meets(live);
            if !wanted {
                self.cancel(run);
            }
            return wanted;
        }
        *moved |= !live.covers(&run.rows);
        run.rows.keep(live);
        run.taken.retain_mut(|taken| {
            *moved |= !live.covers(&taken.rows);
            taken.rows.keep(live);
            !taken.rows.is_empty()
        });
        !(run.rows.is_empty() && run.taken.is_empty())
    }

    /// What a run waits for, and what it may still want.
    fn want_for(&mut self, node: &Node, run: &Run) {
        for taken in &run.taken {
            self.live[taken.node.index()].add(&taken.rows);
        }
        let rows = &run.rows;
        match (&run.stage, &node.work) {
            (Stage::When, _) => return self.want_whatever(node, rows),
            (Stage::Case(case), Work::Switch(cases)) => self.want_cases(&cases[*case..], rows),
            (Stage::Gather, work) => self.want_work(work, rows),
            (Stage::Case(_) | Stage::Calling(_) | Stage::Resting(_) | Stage::Taking, _) => {}
        }
        self.want_fallback(node, rows);
    }

    /// All that a node may want for these rows.
    fn want_whatever(&mut self, node: &Node, rows: &Rows) {
        if let Some(when) = &node.when {
            self.want_each(&when.of, rows);
        }
        self.want_work(&node.work, rows);
        self.want_fallback(node, rows);
    }

    fn want_work(&mut self, work: &Work, rows: &Rows) {
        match work {
            Work::Call { inputs: of, .. }
            | Work::Ensemble { of, .. }
            | Work::Transform { of, .. } => self.want_each(of, rows),
            Work::Map { expression, .. } => self.want_each(&expression.of, rows),
            Work::Switch(cases) => self.want_cases(cases, rows),
            Work::Splitter { slots, seed, arms } => {
                let arm = &arms[self.arm(slots, seed)];
                self.live[arm.node.index()].add(rows);
            }
        }
    }

    fn want_cases(&mut self, cases: &[(Option<crate::graph::Condition>, Branch)], rows: &Rows) {
        for (condition, branch) in cases {
            if let Some(condition) = condition {
                self.want_each(&condition.of, rows);
            }
            self.live[branch.node.index()].add(rows);
        }
    }

    fn want_fallback(&mut self, node: &Node, rows: &Rows) {
        if let OnError::Fallback(branch) = &node.on_error {
            self.live[branch.node.index()].add(rows);
        }
    }

    fn want_each(&mut self, of: &[Feed], rows: &Rows) {
        for feed in of {
            match *feed {
                Feed::Input(input) => self.read[input] |= !rows.is_empty(),
                Feed::Port(node, _) => self.live[node.index()].add(rows),
            }
        }
    }
}

fn state_id(at: usize) -> NodeId {
    NodeId(u32::try_from(at).expect("nodes are counted in 32 bits"))
}
