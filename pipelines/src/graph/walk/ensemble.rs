//! Ensembles: who of the members is there in which rows, whether they are enough, and what they make together.

use std::sync::Arc;

use super::done::Cause;
use super::rows::Rows;
use super::state::Run;
use super::value::Part;
use super::{Feed, Graph, NodeId, Walk};
use crate::combine::{Fault, Rule};

impl<E: std::fmt::Display> Walk<E> {
    /// Makes one value of the members that are there, once it is known who is. Rows without enough members fail as soon
    /// as that is certain. Tells whether it was known.
    pub(super) fn join_members(
        &mut self,
        graph: &Graph,
        id: NodeId,
        run: &mut Run,
        (rule, of, quorum): (&Rule, &[Feed], usize),
    ) -> bool {
        let quorum = quorum.max(1);
        let lost = self.lost(of, quorum, &run.rows);
        if !lost.is_empty() {
            run.rows.remove(&lost);
            let cause = self.too_few(graph, of, quorum, &lost);
            self.note_missing(id, of, &lost);
            self.fail(graph, id, run, lost, cause);
            if run.rows.is_empty() || !self.ahead() {
                return true;
            }
        }
        // The first member's value is taken row by row, so that the others are let go of as soon as can be.
        let open = match rule {
            Rule::First => self.unsatisfied(of, quorum, &run.rows),
            _ if self.all_settled(of, &run.rows) => Rows::none(),
            _ => return false,
        };
        let rows = run.rows.minus(&open);
        run.rows = open;
        if rows.is_empty() {
            return false;
        }
        self.note_missing(id, of, &rows);
        for group in self.alike(of, rows) {
            match self.join_group(rule, of, &group) {
                Ok(value) => self.states[id.index()].give(Part {
                    held: group.clone(),
                    rows: group,
                    of: vec![Arc::new(value)],
                }),
                Err(fault) => self.fail(graph, id, run, group, Cause::Fault(fault)),
            }
        }
        run.rows.is_empty()
    }

    /// The rows that the first member is not known for, or not that there are enough others.
    fn unsatisfied(&self, of: &[Feed], quorum: usize, rows: &Rows) -> Rows {
        let mut open = rows.clone();
        // Those of which all members so far are absent.
        let mut left = rows.clone();
        for feed in of {
            let Some(state) = self.state(*feed) else {
                open.remove(&left);
                break;
            };
            open.remove(&left.both(&state.present));
            left.keep(&state.absent);
        }
        if quorum > 1 {
            let few = |row: &usize| {
                let there = |feed: &&Feed| self.is_present(**feed, *row);
                of.iter().filter(there).count() < quorum
            };
            open.add(&rows.iter().filter(few).collect());
        }
        open
    }

    /// The rows in which there can never be enough members.
    fn lost(&self, of: &[Feed], quorum: usize, rows: &Rows) -> Rows {
        let some = |feed: &Feed| self.state(*feed).is_some_and(|s| s.absent.meets(rows));
        if !of.iter().any(some) {
            return Rows::none();
        }
        let absent = |row: usize| of.iter().filter(|feed| self.is_absent(**feed, row)).count();
        rows.iter()
            .filter(|row| of.len() - absent(*row) < quorum)
            .collect()
    }

    fn too_few(&self, graph: &Graph, of: &[Feed], quorum: usize, rows: &Rows) -> Cause<E> {
        let there = |row| {
            of.iter()
                .filter(|feed| !self.is_absent(**feed, row))
                .count()
        };
        let missing = of.iter().filter_map(|feed| match feed {
            Feed::Port(node, _) if self.states[node.index()].absent.meets(rows) => Some((
                Arc::clone(&graph.node(*node).name),
                self.why(graph, *node, rows),
            )),
            Feed::Port(..) | Feed::Input(_) => None,
        });
        Cause::Quorum {
            present: rows.iter().map(there).min().unwrap_or(0),
            quorum,
            missing: missing.collect(),
        }
    }

    fn note_missing(&mut self, id: NodeId, of: &[Feed], rows: &Rows) {
        for feed in of {
            if let Feed::Port(node, _) = feed
                && self.states[node.index()].absent.meets(rows)
            {
                let missing = &mut self.states[id.index()].visit.missing;
                if !missing.contains(node) {
                    missing.push(*node);
                }
            }
        }
    }

    /// The rows in groups that the same members are there for.
    fn alike(&self, of: &[Feed], rows: Rows) -> Vec<Rows> {
        let mut groups = vec![rows];
        for state in of.iter().filter_map(|feed| self.state(*feed)) {
            for at in 0..groups.len() {
                let without = groups[at].minus(&state.present);
                if !without.is_empty() && groups[at].meets(&state.present) {
                    groups[at].keep(&state.present);
                    groups.push(without);
                }
            }
        }
        groups
    }

    fn join_group(
        &self,
        rule: &Rule,
        of: &[Feed],
        rows: &Rows,
    ) -> Result<impresario_models::Tensor, Fault> {
        let mut values = Vec::with_capacity(of.len());
        for feed in of {
            let there = self.state(*feed).is_none_or(|s| s.present.covers(rows));
            // The others behind the first one change nothing.
            let wanted = *rule != Rule::First || values.iter().all(Option::is_none);
            values.push(if there && wanted {
                Some(self.value(*feed, rows)?)
            } else {
                None
            });
        }
        let values: Vec<_> = values.iter().map(Option::as_deref).collect();
        rule.apply(&values, self.batched)
    }

    fn all_settled(&self, of: &[Feed], rows: &Rows) -> bool {
        of.iter()
            .all(|feed| self.state(*feed).is_none_or(|s| s.settled(rows)))
    }

    fn is_present(&self, feed: Feed, row: usize) -> bool {
        self.state(feed).is_none_or(|s| s.present.contains(row))
    }

    fn is_absent(&self, feed: Feed, row: usize) -> bool {
        self.state(feed).is_some_and(|s| s.absent.contains(row))
    }
}
