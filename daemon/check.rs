//! `impresario check`: what a daemon would say of its configuration, without a running daemon.
//!
//! Settings and pipeline files are compiled as at start, and the models and versions that pipelines name are looked
//! up in the repository's folders. No model is loaded: whether its files are sound is told when they are.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::Path;

use impresario_models::name::{Name, VersionNumber};
use impresario_pipelines::spec::{
    Compiled, Definition, Problem, Severity, VersionSelector, document, nearest,
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
            for (model, version) in definition.pipeline().policy().members() {
                let version = version.map_or(VersionSelector::Latest, VersionSelector::Number);
                let problem = missing(&self.models, model, version)
                    .map(|missing| missing.problem(name, definition));
                self.problems.extend(problem);
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

/// What a pipeline names and the repository has not.
struct Missing {
    field: &'static str,
    message: String,
    hint: Option<String>,
}

fn missing(models: &Models, model: &Name, version: VersionSelector) -> Option<Missing> {
    let Some(versions) = models.get(model) else {
        let meant = nearest(model.as_str(), models.keys().map(Name::as_str));
        return Some(Missing {
            field: "model",
            message: format!("the repository has no model '{model}'"),
            hint: meant.map(|meant| format!("did you mean '{meant}'?")),
        });
    };
    let newest = versions.last();
    match version {
        VersionSelector::Latest if newest.is_none() => Some(Missing {
            field: "model",
            message: format!("the model '{model}' has no version"),
            hint: Some(format!("a version is a folder {model}/NUMBER")),
        }),
        VersionSelector::Number(number) if !versions.contains(&number) => Some(Missing {
            field: "version",
            message: format!("the model '{model}' has no version {number}"),
            hint: newest.map(|newest| format!("its newest version is {newest}")),
        }),
        VersionSelector::Latest | VersionSelector::Number(_) => None,
    }
}

impl Missing {
    fn problem(self, name: &Name, definition: &Definition) -> Problem {
        let path = ["pipelines", name.as_str(), "policy", self.field]
            .into_iter()
            .fold(document::Path::default(), |path, key| path.key(key));
        Problem {
            path: path.to_string(),
            hint: self.hint,
            ..Problem::of_file(definition.file(), "not-found", self.message)
                .at(definition.position())
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
