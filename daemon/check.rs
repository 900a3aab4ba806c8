//! `impresario check`: what a daemon would say of its configuration, without a running daemon.
//!
//! Settings and pipeline files are compiled as at start, and the models and versions that pipelines name are looked
//! up in the repository's folders. No model is loaded: whether its files are sound is told when they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::Path;

use impresario_models::name::{Name, VersionNumber};
use impresario_pipelines::Arm;
use impresario_pipelines::spec::{
    Compiled, Definition, Pipeline, Policy, Problem, Severity, VersionSelector, document, nearest,
};
use serde::Serialize;

use crate::config::{Overrides, Settings};

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Whether a daemon would start with this.
    pub ok: bool,
    /// All problems: of the settings, then of the pipelines, then of what they name.
    pub problems: Vec<Problem>,
    /// The pipelines that files define.
    pub pipelines: Vec<Name>,
    /// The models of the repository and their versions.
    pub models: Models,
}

/// Versions by model, as the repository's folders are named.
pub type Models = BTreeMap<Name, BTreeSet<VersionNumber>>;

/// Checks settings, pipeline files and what they name.
pub fn check(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    overrides: &Overrides,
) -> Report {
    let mut report = Report::default();
    match Settings::load(file, environment, overrides) {
        Ok((settings, warnings)) => {
            report.problems = warnings;
            report.repository(&settings);
            match settings.read_pipelines() {
                Ok(compiled) => report.compiled(&compiled),
                Err(problems) => report.problems.extend(problems),
            }
        }
        Err(problems) => report.problems = problems,
    }
    report.ok = report.count(Severity::Error) == 0;
    report
}

// === impl Report ===

impl Report {
    /// The process's exit code: 0 where a daemon would start.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        u8::from(!self.ok)
    }

    fn count(&self, severity: Severity) -> usize {
        self.problems
            .iter()
            .filter(|p| p.severity == severity)
            .count()
    }

    fn repository(&mut self, settings: &Settings) {
        let folder = &settings.models.repository;
        match list(folder) {
            Ok(models) => self.models = models,
            Err(error) => {
                let name = folder.display().to_string();
                let problem = Problem {
                    path: "models.repository".to_owned(),
                    ..Problem::of_file(&name, "unreadable", format!("list the repository: {error}"))
                };
                self.problems
                    .push(problem.hint("make the folder, or set models.repository"));
            }
        }
    }

    fn compiled(&mut self, compiled: &Compiled) {
        self.problems.extend_from_slice(compiled.warnings());
        for (name, definition) in compiled.pipelines() {
            self.pipelines.push(name.clone());
            for member in members(name, definition.pipeline()) {
                let problem = member.missing(&self.models, definition);
                // Two versions of a model that there is not are one problem.
                let new = problem.filter(|problem| !self.problems.contains(problem));
                self.problems.extend(new);
            }
        }
    }
}

/// A line a problem, and one that sums up.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        if self.ok {
            let (pipelines, models) = (self.pipelines.len(), self.models.len());
            write!(
                f,
                "ok: pipelines: {pipelines}, models: {models}, warnings: {warnings}"
            )
        } else {
            write!(f, "refused: errors: {errors}, warnings: {warnings}")
        }
    }
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

/// All versions that a pipeline names, those included that answer nobody.
fn members<'p>(name: &Name, pipeline: &'p Pipeline) -> Vec<Member<'p>> {
    let pipelines = document::Path::default().key("pipelines");
    let own = pipelines.key(name.as_str());
    let policy = own.key("policy");
    let pinned = |model, number, table: &document::Path, key| Member {
        model,
        version: VersionSelector::Number(number),
        table: table.clone(),
        key,
    };
    let arm = |(at, arm): (usize, &'p Arm)| {
        let table = policy.key("arms").index(at);
        pinned(&arm.model, arm.version, &table, "version")
    };
    let mut members = match pipeline.policy() {
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
    };
    let shadow = pipeline.shadow();
    members.extend(shadow.map(|s| pinned(&s.model, s.version, &own.key("shadow"), "version")));
    members
}

impl Member<'_> {
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

/// The repository's folders; what is named otherwise than a model or a version is none.
fn list(folder: &Path) -> io::Result<Models> {
    let mut models = Models::new();
    for name in folders::<Name>(folder)? {
        let versions = folders(&folder.join(name.as_str()))?;
        models.insert(name, versions.into_iter().collect());
    }
    Ok(models)
}

/// The folders in a folder whose names are of a kind.
fn folders<T: std::str::FromStr>(folder: &Path) -> io::Result<Vec<T>> {
    let mut found = Vec::new();
    for entry in folder.read_dir()? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if entry.path().is_dir() {
            found.push(name);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
