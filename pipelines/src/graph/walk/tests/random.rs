//! Random graphs, requests, failures and orders of answers, against the naive evaluator.
//!
//! `PROPTEST_RNG_SEED=17 cargo test -p impresario-pipelines --lib walk::tests::random` runs one seed again.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::Duration;

use impresario_models::Tensor;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};

use super::draw::{Drawn, Script, column, drawn, mixed};
use super::naive::{Naive, Value};
use crate::expr::{Parameters, Scalar};
use crate::graph::{Call, Cause, Feed, Graph, NodeId, Request, Step, Ticket, Walk};

const CASES: u32 = 2_500;

/// What was seen in all cases together: a test that never cancels says nothing of cancelling.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    done: usize,
    stopped: usize,
    /// A node that failed was done without.
    spared: usize,
    cancelled: usize,
    calls: usize,
    again: usize,
    retried: usize,
    late: usize,
    /// Calls with rows that are not next to each other.
    parts: usize,
}

#[test]
fn any_graph_gives_what_the_naive_evaluator_gives() {
    let mut config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => std::hash::RandomState::new().build_hasher().finish(),
    };
    config.rng_seed = RngSeed::Fixed(seed);
    let seen = Cell::default();
    match TestRunner::new(config).run(&drawn(), |drawn| agree(&drawn, &seen)) {
        Ok(()) => {}
        Err(TestError::Fail(reason, drawn)) => panic!("seed {seed}: {reason}\n{drawn:#?}"),
        Err(TestError::Abort(reason)) => panic!("seed {seed}: {reason}"),
    }
    let seen = seen.get();
    println!("seed {seed}: {seen:?}");
    let often = CASES as usize / 100;
    for count in [
        seen.done,
        seen.stopped,
        seen.cancelled,
        seen.retried,
        seen.late,
        seen.parts,
    ] {
        assert!(count > often, "seed {seed}: {seen:?}");
    }
    // Nodes that wait for each other are rare, so a node is hardly ever called twice.
    assert!(seen.again * 50 < seen.calls, "seed {seed}: {seen:?}");
}

/// Walks one graph for one request, and compares.
fn agree(drawn: &Drawn, seen: &Cell<Seen>) -> Result<(), TestCaseError> {
    let graph = drawn.graph();
    let scripts: Vec<_> = drawn.nodes.iter().map(|draft| draft.script).collect();
    let rows: Vec<_> = (1_000..).zip(&drawn.xs).map(|(id, x)| [id, *x]).collect();
    let key = format!("u{}", drawn.key);
    let parameters: Parameters = [("tier".into(), Scalar::Text("gold".into()))].into();
    let mut naive = Naive {
        graph: &graph,
        scripts: &scripts,
        rows: &rows,
        parameters: &parameters,
        key: &key,
        failures: BTreeSet::new(),
        calls: BTreeSet::new(),
        known: BTreeMap::new(),
    };
    let outputs: Vec<(Feed, Vec<Value>)> = graph
        .outputs
        .iter()
        .map(|feed| {
            (
                *feed,
                (0..rows.len()).map(|row| naive.feed(*feed, row)).collect(),
            )
        })
        .collect();

    let mut caller = Caller {
        walk: Walk::begin(
            Arc::clone(&graph),
            Request {
                inputs: (0..2)
                    .map(|at| column(rows.iter().map(|row| row[at])))
                    .collect(),
                parameters: parameters.clone(),
                key: Some(key.as_str().into()),
                draw: 0,
            },
        ),
        graph: &graph,
        scripts: &scripts,
        draws: drawn.order,
        out: Vec::new(),
        gone: Vec::new(),
        asked: BTreeSet::new(),
        first: BTreeMap::new(),
        seen,
    };
    let end = caller.run()?;
    let strange: Vec<_> = caller.asked.difference(&naive.calls).collect();
    prop_assert!(strange.is_empty(), "called for nobody: {strange:?}");

    let absent = |id: NodeId| {
        let of = outputs
            .iter()
            .filter(|(feed, _)| matches!(feed, Feed::Port(node, _) if *node == id));
        of.into_iter()
            .any(|(_, values)| values.contains(&Value::Absent))
    };
    let values = outputs.iter().flat_map(|(_, values)| values);
    let whole = values.clone().all(|value| matches!(value, Value::Is(_)));
    match end {
        Ok(done) => {
            prop_assert!(whole, "went well, expected {outputs:?}");
            count(seen, |seen| seen.done += 1);
            if !naive.failures.is_empty() {
                count(seen, |seen| seen.spared += 1);
            }
            for (got, (_, expected)) in done.outputs.iter().zip(&outputs) {
                let expected = expected.iter().map(|value| match value {
                    Value::Is(values) => values[0],
                    Value::Absent | Value::Broken => unreachable!(),
                });
                prop_assert_eq!(got, &column(expected));
            }
        }
        Err(stop) => {
            count(seen, |seen| seen.stopped += 1);
            let expected = match stop.cause {
                Cause::Absent { .. } => absent(stop.node),
                _ => naive.failures.contains(&stop.node),
            };
            prop_assert!(expected, "broke off: {stop}; expected {outputs:?}");
        }
    }
    Ok(())
}

/// Somebody who does what a walk says, in a random order, and keeps book.
struct Caller<'a> {
    walk: Walk<String>,
    graph: &'a Graph,
    scripts: &'a [Script],
    draws: u64,
    /// Calls and pauses that nothing was told of.
    out: Vec<(Ticket, Option<Call>)>,
    /// Tickets that were cancelled.
    gone: Vec<Ticket>,
    asked: BTreeSet<(NodeId, usize)>,
    /// The inputs of the first attempt, by node and first row.
    first: BTreeMap<(NodeId, usize), Vec<Tensor>>,
    seen: &'a Cell<Seen>,
}

impl Caller<'_> {
    fn run(
        &mut self,
    ) -> Result<Result<crate::graph::Done, crate::graph::Stop<String>>, TestCaseError> {
        loop {
            while let Some(step) = self.walk.next_step() {
                self.hear(step)?;
                // Sometimes an answer comes before all was asked.
                if !self.out.is_empty() && self.draw(8) == 0 {
                    break;
                }
            }
            if let Some(end) = self.walk.finished() {
                while let Some(step) = self.walk.next_step() {
                    prop_assert!(matches!(step, Step::Cancel(_)), "after the end: {step:?}");
                    self.hear(step)?;
                }
                prop_assert!(self.out.is_empty(), "left behind: {:?}", self.out);
                prop_assert_eq!(self.walk.waiting().count(), 0);
                for ticket in std::mem::take(&mut self.gone) {
                    self.late(ticket);
                }
                prop_assert_eq!(self.walk.next_step(), None);
                return Ok(end);
            }
            if self.out.is_empty() {
                match self.walk.next_step() {
                    Some(step) => self.hear(step)?,
                    None => return Err(TestCaseError::fail("stands still")),
                }
                continue;
            }
            if !self.gone.is_empty() && self.draw(4) == 0 {
                let at = self.draw(self.gone.len());
                self.late(self.gone[at]);
            }
            let at = self.draw(self.out.len());
            match self.out.swap_remove(at) {
                (ticket, None) => self.walk.rested(ticket),
                (ticket, Some(call)) => {
                    let answer = self.scripts[call.node.index()].answer(self.graph, &call);
                    self.walk.answered(ticket, answer);
                }
            }
        }
    }

    /// Tells something of a ticket that was cancelled.
    fn late(&mut self, ticket: Ticket) {
        count(self.seen, |seen| seen.late += 1);
        self.walk.answered(ticket, Ok(Vec::new()));
        self.walk.rested(ticket);
    }

    fn hear(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Cancel(ticket) => {
                let at = self.out.iter().position(|(other, _)| *other == ticket);
                let at = at.ok_or_else(|| TestCaseError::fail("cancels what is not out"))?;
                self.out.swap_remove(at);
                self.gone.push(ticket);
                count(self.seen, |seen| seen.cancelled += 1);
            }
            Step::Pause { ticket, length } => {
                prop_assert!(length >= Duration::from_millis(1));
                self.out.push((ticket, None));
            }
            Step::Call(call) => {
                self.look(&call)?;
                self.out.push((call.ticket, Some(call)));
            }
        }
        let mut tickets: Vec<_> = self.out.iter().map(|(ticket, _)| *ticket).collect();
        tickets.sort();
        tickets.dedup();
        prop_assert_eq!(tickets.len(), self.out.len(), "a ticket is given out twice");
        Ok(())
    }

    /// Looks whether a call has rows of this request, each once, and in the request's order.
    fn look(&mut self, call: &Call) -> Result<(), TestCaseError> {
        let ids = call.inputs[0].as_slice::<i64>().expect("the ids").iter();
        let rows: Vec<_> = ids.map(|id| (id - 1_000) as usize).collect();
        prop_assert!(!rows.is_empty() && rows.len() == call.rows && rows.is_sorted());
        count(self.seen, |seen| seen.calls += 1);
        if call.attempt > 1 {
            count(self.seen, |seen| seen.retried += 1);
            let first = &self.first[&(call.node, rows[0])];
            prop_assert_eq!(first, &call.inputs, "asks something else the second time");
            return Ok(());
        }
        if self.asked.iter().any(|(node, _)| *node == call.node) {
            count(self.seen, |seen| seen.again += 1);
        }
        if rows.windows(2).any(|two| two[0] + 1 != two[1]) {
            count(self.seen, |seen| seen.parts += 1);
        }
        self.first.insert((call.node, rows[0]), call.inputs.clone());
        for row in rows {
            prop_assert!(
                self.asked.insert((call.node, row)),
                "called twice for a row"
            );
        }
        Ok(())
    }

    fn draw(&mut self, below: usize) -> usize {
        self.draws = self.draws.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (mixed(self.draws) % below as u64) as usize
    }
}

fn count(seen: &Cell<Seen>, add: impl FnOnce(&mut Seen)) {
    let mut counts = seen.get();
    add(&mut counts);
    seen.set(counts);
}
