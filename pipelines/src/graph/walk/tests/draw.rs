//! Random graphs and requests, and how what is called behaves.

use std::sync::Arc;
use std::time::Duration;

use impresario_models::{Batching, Tensor};
use proptest::prelude::*;

use super::make::Make;
use crate::combine::Rule;
use crate::graph::{Call, Failed, Graph, Node, NodeId};
use crate::spec::composite::Retry;

/// How what a node calls behaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Script {
    /// So many attempts go wrong.
    failures: u32,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    /// An error that may go better another time.
    Retryable,
    /// One that may not.
    Final,
    /// An answer of too few rows.
    Unfit,
}

/// A node as it is drawn.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    kind: u8,
    picks: [u8; 6],
    when: Option<(u8, u8)>,
    on_error: u8,
    attempts: u32,
    pub(super) script: Script,
}

/// All that is drawn.
#[derive(Clone, Debug)]
pub(super) struct Drawn {
    pub(super) batched: bool,
    pub(super) nodes: Vec<Draft>,
    pub(super) outputs: Vec<u8>,
    pub(super) xs: Vec<i64>,
    pub(super) key: u8,
    /// What the order of answers is drawn from.
    pub(super) order: u64,
}

// === impl Script ===

impl Script {
    /// Whether it goes wrong for good.
    pub(super) fn fails(self, node: &Node) -> bool {
        let attempts = match self.how {
            How::Retryable => node.retry.map_or(1, |retry| retry.attempts),
            How::Final | How::Unfit => 1,
        };
        self.failures >= attempts
    }

    /// The two numbers that come of a row.
    pub(super) fn outputs(self, id: NodeId, row: &[i64]) -> Vec<i64> {
        let seed = |port: u64| u64::from(id.0) << 8 | port;
        let number = |port| row.iter().fold(seed(port), |sum, x| mixed(sum ^ *x as u64)) % 100;
        vec![number(0) as i64, number(1) as i64]
    }

    pub(super) fn answer(self, graph: &Graph, call: &Call) -> Result<Vec<Tensor>, Failed<String>> {
        let fails = call.attempt <= self.failures;
        if fails && self.how != How::Unfit {
            return Err(Failed {
                error: format!("attempt {} went wrong", call.attempt),
                retryable: self.how == How::Retryable,
            });
        }
        let columns: Vec<&[i64]> = call
            .inputs
            .iter()
            .map(|input| input.as_slice().expect("numbers"))
            .collect();
        let rows =
            (0..call.rows).map(|row| columns.iter().map(|column| column[row]).collect::<Vec<_>>());
        let outputs: Vec<_> = rows.map(|row| self.outputs(call.node, &row)).collect();
        let batched = matches!(graph.contract.batching, Batching::FirstAxis { .. });
        let short = usize::from(fails && batched);
        let port = |at: usize| column(outputs.iter().skip(short).map(|row| row[at]));
        // What has no rows lacks a port.
        let ports = if fails && !batched { 1 } else { 2 };
        Ok((0..ports).map(port).collect())
    }
}

// === impl Drawn ===

impl Drawn {
    pub(super) fn graph(&self) -> Arc<Graph> {
        let mut make = Make::new(self.batched);
        for (at, draft) in self.nodes.iter().enumerate() {
            let name = format!("n{at}");
            draft.add(&mut make, &name, at);
            let node = make.node(&name);
            node.retry = (draft.attempts > 1).then_some(Retry {
                attempts: draft.attempts,
                backoff: Duration::from_millis(1),
            });
            if let Some((of, above)) = draft.when {
                make.when(&name, &condition(of, above, at));
            }
            match draft.on_error % 8 {
                0 => {}
                1..4 => make.skip(&name),
                4 => make.default(&name),
                _ if at == 0 => {}
                _ => make.fallback(&name, &branch(draft.picks[5], at)),
            }
        }
        let last = self.nodes.len() - 1;
        let mut outputs = vec![format!("n{last}")];
        outputs.extend(self.outputs.iter().map(|pick| branch(*pick, last + 1)));
        make.graph(&outputs.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

impl Draft {
    fn add(&self, make: &mut Make, name: &str, at: usize) {
        let reads: Vec<_> = self.picks.iter().map(|pick| read(*pick, at)).collect();
        let reads: Vec<_> = reads.iter().map(String::as_str).collect();
        let branches: Vec<_> = self
            .picks
            .iter()
            .map(|pick| branch(*pick, at.max(1)))
            .collect();
        let members = 2 + usize::from(self.picks[4] % 2);
        match self.kind % 20 {
            0..4 | 15.. => make.call(name, &reads[..members - 1]),
            4 | 5 => {
                let quorum = 1 + usize::from(self.picks[5] > 160);
                let rule = if self.picks[3].is_multiple_of(2) {
                    Rule::Max
                } else {
                    Rule::Min
                };
                make.ensemble(name, rule, &reads[..members], quorum)
            }
            6 | 7 => make.ensemble(
                name,
                Rule::First,
                &reads[..members],
                1 + usize::from(self.picks[5] > 200),
            ),
            8 => make.clip(name, reads[0]),
            9 => match self.picks[1] {
                // A parameter that is not there.
                0..16 => make.map(name, "request.parameters.age + 1"),
                _ => make.map(name, &format!("{} + 1", named(reads[0]))),
            },
            // The others take from a node before them.
            _ if at == 0 => make.call(name, &reads[..1]),
            10 => make.splitter(
                name,
                &[(branches[0].as_str(), 50.0), (branches[1].as_str(), 50.0)],
            ),
            _ => {
                let cases = [
                    format!(
                        "{}: {}",
                        condition(self.picks[2], self.picks[5], at),
                        branches[0]
                    ),
                    match self.picks[4] % 3 {
                        0 => branches[1].clone(),
                        _ => format!(
                            "{}: {}",
                            condition(self.picks[3], self.picks[5] / 2, at),
                            branches[1]
                        ),
                    },
                    branches[2].clone(),
                ];
                let cases: Vec<_> = cases.iter().map(String::as_str).collect();
                let last = cases
                    .iter()
                    .position(|case| !case.contains(": "))
                    .unwrap_or(0);
                let length = if self.picks[1].is_multiple_of(4) {
                    1
                } else {
                    last + 1
                };
                make.switch(name, &cases[..length])
            }
        };
    }
}

/// Something for the node at `at` to read; rather one of those just before it.
fn read(pick: u8, at: usize) -> String {
    if at == 0 || pick.is_multiple_of(16) {
        return "x".to_owned();
    }
    branch(pick, at)
}

/// A port of a node before `at`.
fn branch(pick: u8, at: usize) -> String {
    let pick = usize::from(pick);
    let node = if pick.is_multiple_of(4) {
        pick / 8 % at
    } else {
        at - 1 - pick / 8 % at.min(4)
    };
    format!("n{node}.{}", if pick % 8 < 4 { "a" } else { "b" })
}

/// What is read, as expressions name it.
fn named(read: &str) -> String {
    if read == "x" {
        "request.x".to_owned()
    } else {
        read.to_owned()
    }
}

fn condition(of: u8, above: u8, at: usize) -> String {
    match above {
        0..12 => "request.parameters.tier == 'gold'".to_owned(),
        12..24 => "request.parameters.tier == 'tin'".to_owned(),
        // Only some requests have it: this one does not.
        24..28 => "request.parameters.age == 3".to_owned(),
        _ => format!("{} > {}", named(&read(of, at)), 10 + above % 70),
    }
}

pub(super) fn column(values: impl Iterator<Item = i64>) -> Tensor {
    Tensor::vector(values.collect())
}

/// The finaliser of `SplitMix64`.
pub(super) fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

pub(super) fn drawn() -> impl Strategy<Value = Drawn> {
    let rows = prop_oneof![20 => 1..9_usize, 1 => 64..70_usize];
    let xs = rows.prop_flat_map(|rows| prop::collection::vec(0..100_i64, rows));
    let nodes = prop::collection::vec(draft(), 4..16);
    let outputs = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(any::<u8>(), 1..3)];
    (
        prop::bool::weighted(0.85),
        nodes,
        outputs,
        xs,
        any::<u8>(),
        any::<u64>(),
    )
        .prop_map(|(batched, mut nodes, outputs, mut xs, key, order)| {
            // Rather something that goes on without what is skipped, so that not most walks break off.
            if let Some(last) = nodes.last_mut().filter(|_| order % 4 > 0) {
                last.kind = 4 + (order / 4 % 4) as u8;
                last.when = None;
            }
            xs.truncate(if batched { xs.len() } else { 1 });
            Drawn {
                batched,
                nodes,
                outputs,
                xs,
                key,
                order,
            }
        })
}

fn draft() -> impl Strategy<Value = Draft> {
    let failures = prop_oneof![3 => Just(0_u32), 1 => 1..4_u32];
    let how = prop_oneof![4 => Just(How::Retryable), 1 => Just(How::Final), 1 => Just(How::Unfit)];
    (
        any::<u8>(),
        any::<[u8; 6]>(),
        prop::option::weighted(0.15, any::<(u8, u8)>()),
        any::<u8>(),
        1..4_u32,
        (failures, how).prop_map(|(failures, how)| Script { failures, how }),
    )
        .prop_map(|(kind, picks, when, on_error, attempts, script)| Draft {
            kind,
            picks,
            when,
            on_error,
            attempts,
            script,
        })
}
