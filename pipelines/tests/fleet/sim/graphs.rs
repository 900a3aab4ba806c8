//! Graphs in the simulation: pipelines that are made of them, what they need, and what must hold of them.

use impresario_models::Name;
use impresario_pipelines::fleet::{Course, Entry, Fleet, Phase};
use impresario_pipelines::rollout::{self, Place};
use impresario_pipelines::spec::composite::{Callee, Task};
use impresario_pipelines::spec::{Composite, Pipeline, Policy};
use impresario_pipelines::table;
use impresario_pipelines::trial;

use super::courses::PLANS;
use super::{Key, MODELS, PIPELINES, Sim, answer};
use crate::courses::{definition, pipeline};
use crate::graphs::{beside, composite};

/// Graphs that have a number: with it goes one of these, always the same.
const NUMBERED: [&str; 7] = [
    "a=iris",
    "a=rose,b=iris?",
    "a=|garden,b=fern",
    "a=fern,b=|rose",
    "a=|iris",
    "a=fern:1?,b=rose",
    "a=|flowers?,b=iris:2",
];

impl Sim {
    /// A definition with graphs: as its policy, or as the arms of one.
    pub(super) fn graphs(&mut self, name: &Name) -> Pipeline {
        let nodes = 1 + self.below(3);
        let nodes: Vec<String> = (0..nodes).map(|at| self.node(at)).collect();
        let text = nodes.join(",");
        let (a, b) = (1 + self.below(3), 4 + self.below(3));
        let policy = match self.below(8) {
            0..4 => return composite(name, &text),
            4 => {
                // Another one than the number stands for, now and then.
                let own = self.below(2) == 0;
                let numbered = self.numbered(name, a);
                let text = if own { numbered } else { format!("{a}/{text}") };
                return composite(name, &text);
            }
            5 | 6 => {
                let plan = self.pick(PLANS).unwrap();
                format!("canary {name} {a} {b}: {plan}")
            }
            _ => format!("experiment {name} {a} {b}"),
        };
        let graphs = [a, b].map(|number| self.numbered(name, number));
        let graphs = graphs.each_ref().map(String::as_str);
        beside(pipeline(&definition(&policy)), name, &graphs)
    }

    fn numbered(&self, name: &Name, number: u64) -> String {
        let at = self.seed + number + name.as_str().len() as u64;
        let graph = NUMBERED[at as usize % NUMBERED.len()];
        format!("{number}/{graph}")
    }

    fn node(&mut self, at: u64) -> String {
        let model = self.pick(MODELS).unwrap();
        let callee = match self.below(6) {
            0..3 => model.to_owned(),
            3 => format!("{model}:{}", 1 + self.below(4)),
            4 => format!("|{}", self.pick(PIPELINES).unwrap()),
            _ => format!("|{model}"),
        };
        let node = char::from(b'a' + at as u8);
        let mark = if self.below(4) == 0 { "?" } else { "" };
        format!("{node}={callee}{mark}")
    }

    /// Whether what a pipeline calls may be of other types from one moment to the next, so that its graphs may not fit any
    /// more: versions differ in this world, and who answers for a pipeline changes.
    pub(super) fn is_fickle(&self, name: &Name) -> bool {
        let entry = self.fleet.routing.pipelines.get(name);
        let graphs = entry.map(Entry::graphs).unwrap_or_default();
        let mut callees = graphs.into_values().flat_map(|graph| callees(graph));
        self.seed.is_multiple_of(3)
            && callees.any(|(callee, _)| matches!(callee, Callee::Pipeline(_)))
    }

    /// Where all is quiet, a graph answers whose members do.
    pub(super) fn graphs_stand(&self) {
        let budget = self.fleet.limits.budget.is_some();
        for (name, entry) in &self.fleet.routing.pipelines {
            for (version, graph) in entry.graphs() {
                let ready = callees(graph)
                    .into_iter()
                    .all(|(callee, _)| self.calls(callee));
                let seen = self.fleet.observed.version(name.as_str(), version).unwrap();
                let fits = !self.seed.is_multiple_of(3);
                let asked = needs_of(entry, (name.clone(), version)).is_some();
                if ready && fits && !budget && asked {
                    assert_eq!(
                        seen.phase,
                        Phase::Ready,
                        "{name} {version}: {:?}",
                        seen.waits
                    );
                }
            }
        }
    }

    fn calls(&self, callee: &Callee) -> bool {
        match callee {
            Callee::Model { model, version } => {
                let seen = self
                    .fleet
                    .observed
                    .version(model.as_str(), version.unwrap());
                seen.is_some_and(|seen| seen.phase == Phase::Ready)
            }
            Callee::Pipeline(name) => answer(&self.fleet, name).is_ok(),
        }
    }

    /// Whether some graph goes on without one that it has known, which it will not know after a restart.
    pub(super) fn graphs_remember(&self) -> bool {
        let entries = self.fleet.routing.pipelines.values();
        let graphs = entries.flat_map(|entry| entry.graphs().into_values());
        let mut callees = graphs.flat_map(|graph| callees(graph));
        callees.any(|(callee, spared)| spared && !self.calls(callee))
    }

    /// Whoever calls what was deleted is answered still.
    pub(super) fn callers_are_answered(&self, before: &Fleet) {
        let parked = table::on_demand(before);
        for (name, entry) in &self.fleet.routing.pipelines {
            let was = table::answering(before, name, &parked);
            let is = answer(&self.fleet, name);
            let graphs = !entry.graphs().is_empty();
            assert!(!graphs || was.is_none() || is.is_ok(), "{name}: {is:?}");
        }
    }
}

/// Whom a graph calls, and whether it goes on without.
fn callees(graph: &Composite) -> Vec<(&Callee, bool)> {
    use impresario_pipelines::spec::composite::OnError;
    let nodes = graph.nodes.iter().map(|node| match &node.task {
        Task::Call { callee, .. } => (callee, node.terms.on_error != OnError::Fail),
        other => panic!("no such node here: {other:?}"),
    });
    nodes.collect()
}

/// The versions that must be in memory for one that a pipeline needs: of a graph, those that it pins. Nothing where it does
/// not need that graph.
fn needs_of(entry: &Entry, (model, version): Key) -> Option<Vec<Key>> {
    let own = entry.pipeline.graphs().get(&version);
    let policy = match entry.pipeline.policy() {
        Policy::Composite(graph) => Some(graph),
        _ => None,
    };
    let kept = entry.keep.as_ref().and_then(|keep| keep.graph.as_ref());
    let all = own.into_iter().chain(policy).chain(kept);
    let mut named = all.filter(|graph| graph.model == model && graph.version == Some(version));
    let graph = named.next()?;
    let pins = callees(graph)
        .into_iter()
        .filter_map(|(callee, _)| match callee {
            Callee::Model { model, version } => Some((model.clone(), version.unwrap())),
            Callee::Pipeline(_) => None,
        });
    Some(pins.collect())
}

/// The same for any version.
pub(super) fn in_memory(entry: &Entry, key: Key) -> Vec<Key> {
    needs_of(entry, key.clone()).unwrap_or_else(|| vec![key])
}

/// The versions that must be in memory for a pipeline, reckoned from the phases and not from the code.
pub(super) fn needs(entry: &Entry) -> Vec<Key> {
    let needs = arms(entry).into_iter();
    needs.flat_map(|key| in_memory(entry, key)).collect()
}

/// The versions that must be able to answer.
fn arms(entry: &Entry) -> Vec<Key> {
    use rollout::Phase;
    let of = |model: &Name, version| (model.clone(), version);
    match (entry.pipeline.policy(), entry.course.as_deref()) {
        (Policy::Canary(spec), Some(Course::Rollout(rollout))) => {
            let (stable, canary) = match &rollout.phase {
                Phase::Succeeded => (false, true),
                Phase::Pending
                | Phase::FailedPrepare(_)
                | Phase::RolledBack(_)
                | Phase::Paused {
                    from: Place::Pending,
                    ..
                } => (true, false),
                _ => (true, true),
            };
            let both = [(stable, spec.stable), (canary, spec.canary)];
            let needed = both.into_iter().filter(|(needed, _)| *needed);
            needed.map(|(_, v)| of(&spec.model, v)).collect()
        }
        (Policy::Experiment(spec), Some(Course::Trial(trial))) => {
            let over = matches!(trial.phase, trial::Phase::Stopped { .. });
            let arms = spec.arms.iter().take(if over { 1 } else { 99 });
            arms.map(|(arm, _)| of(&arm.model, arm.version)).collect()
        }
        (policy, _) => {
            let members = policy.members().into_iter();
            members
                .filter_map(|(model, version)| Some(of(model, version?)))
                .collect()
        }
    }
}
