//! The versions that policies and shadows name, looked up in the repository's folders. What graphs name is looked up
//! where they are compiled.

use std::collections::BTreeMap;

use impresario_models::name::{Name, VersionNumber};
use impresario_pipelines::Arm;
use impresario_pipelines::spec::read::{Origin, Part};
use impresario_pipelines::spec::{
    Composite, Definition, Policy, Problem, VersionSelector, document, nearest,
};

use super::Models;

/// All that a definition names and that there is not.
pub(super) fn missing(name: &Name, definition: &Definition, models: &Models) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(ambiguous(name, definition, models));
    for member in members(definition) {
        let problem = match member.own_graphs(name, definition) {
            Some(graphs) => member.no_graph(graphs, definition),
            None => member.missing(models, definition),
        };
        // Two versions of a model that there is not are one problem.
        problems.extend(problem.filter(|problem| !problems.contains(problem)));
    }
    problems
}

/// Whether versions of a pipeline's own name are graphs.
pub(super) fn has_graphs(definition: &Definition) -> bool {
    let pipeline = definition.pipeline();
    matches!(pipeline.policy(), Policy::Composite(_)) || !pipeline.graphs().is_empty()
}

fn ambiguous(name: &Name, definition: &Definition, models: &Models) -> Option<Problem> {
    if !has_graphs(definition) || !models.contains_key(name) {
        return None;
    }
    let message = format!(
        "the pipeline's graphs would be versions of '{name}', and the repository has a model of that name"
    );
    let path = definition.path();
    let problem = Problem {
        path: path.to_string(),
        ..Problem::of_file(definition.file(), "ambiguous-name", message)
    };
    let problem = problem.at(definition.place(path, Part::Key).position);
    Some(problem.hint("give the pipeline another name"))
}

/// A version that a pipeline names, and where it does.
struct Member<'p> {
    model: &'p Name,
    version: VersionSelector,
    /// The table that names the model as `model`.
    table: document::Path,
    /// The key that names the version there.
    key: &'static str,
}

/// All versions that a pipeline's policy and shadow name, those included that answer nobody.
fn members<'d>(definition: &'d Definition) -> Vec<Member<'d>> {
    let own = definition.path();
    let policy = own.key("policy");
    let pinned = |model, number, table: &document::Path, key| Member {
        model,
        version: VersionSelector::Number(number),
        table: table.clone(),
        key,
    };
    let arm = |(at, arm): (usize, &'d Arm)| {
        let table = policy.key("arms").index(at);
        pinned(&arm.model, arm.version, &table, "version")
    };
    let mut members = match definition.pipeline().policy() {
        Policy::Standalone { model, version } => vec![Member {
            model,
            version: *version,
            table: policy,
            key: "version",
        }],
        Policy::Canary(canary) => vec![
            pinned(&canary.model, canary.stable, &policy, "stable"),
            pinned(&canary.model, canary.canary, &policy, "canary"),
        ],
        Policy::Experiment(experiment) => {
            let arms = experiment.arms.iter().map(|(arm, _)| arm);
            arms.enumerate().map(arm).collect()
        }
        Policy::Bandit(bandit) => bandit.arms.iter().enumerate().map(arm).collect(),
        Policy::Composite(_) => Vec::new(),
    };
    let shadow = definition.pipeline().shadow();
    members.extend(shadow.map(|s| pinned(&s.model, s.version, &own.key("shadow"), "version")));
    members
}

// === impl Member ===

impl Member<'_> {
    /// The graphs that it names one of, where it names a graph of its own pipeline.
    fn own_graphs<'d>(
        &self,
        name: &Name,
        definition: &'d Definition,
    ) -> Option<BTreeMap<VersionNumber, &'d Composite>> {
        let pipeline = definition.pipeline();
        let graphs = pipeline.graphs().iter();
        let mut graphs: BTreeMap<_, _> =
            graphs.map(|(number, graph)| (*number, &**graph)).collect();
        if let Policy::Composite(graph) = pipeline.policy()
            && let Some(number) = graph.version
        {
            graphs.insert(number, graph);
        }
        (self.model == name && has_graphs(definition)).then_some(graphs)
    }

    fn no_graph(
        &self,
        graphs: BTreeMap<VersionNumber, &Composite>,
        definition: &Definition,
    ) -> Option<Problem> {
        let VersionSelector::Number(number) = self.version else {
            return None;
        };
        if graphs.contains_key(&number) {
            return None;
        }
        let message = format!("the pipeline '{}' has no graph {number}", self.model);
        let known: Vec<String> = graphs.keys().map(ToString::to_string).collect();
        let hint = (!known.is_empty()).then(|| format!("its graphs are {}", known.join(", ")));
        Some(self.problem(self.key, message, hint, definition))
    }

    /// What the repository has not of it.
    fn missing(&self, models: &Models, definition: &Definition) -> Option<Problem> {
        let Self { model, version, .. } = self;
        let Some(versions) = models.get(*model) else {
            let meant = nearest(model.as_str(), models.keys().map(Name::as_str));
            let message = format!("the repository has no model '{model}'");
            let hint = meant.map(|meant| format!("did you mean '{meant}'?"));
            return Some(self.problem("model", message, hint, definition));
        };
        let newest = versions.last();
        match version {
            VersionSelector::Latest if newest.is_none() => {
                let message = format!("the model '{model}' has no version");
                let hint = format!("a version is a folder {model}/NUMBER");
                Some(self.problem("model", message, Some(hint), definition))
            }
            VersionSelector::Number(number) if !versions.contains(number) => {
                let message = format!("the model '{model}' has no version {number}");
                let hint = newest.map(|newest| format!("its newest version is {newest}"));
                Some(self.problem(self.key, message, hint, definition))
            }
            VersionSelector::Latest | VersionSelector::Number(_) => None,
        }
    }

    fn problem(
        &self,
        key: &str,
        message: String,
        hint: Option<String>,
        definition: &Definition,
    ) -> Problem {
        Problem {
            path: self.table.key(key).to_string(),
            hint,
            ..Problem::of_file(definition.file(), "not-found", message).at(definition.position())
        }
    }
}
