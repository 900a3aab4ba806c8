//! `impresario check` and `impresario graph`: what a daemon would say of its configuration, without a running daemon.
//!
//! Settings and pipeline files are compiled as at start, and the models and versions that policies name are looked up in
//! the repository's folders. Only the versions that graphs call are loaded, for their contracts; whether the files of the
//! others are sound is told when they are. The files' own tests are run where that is asked for.

mod draw;
mod graphs;
mod members;
mod rehearse;
mod shelf;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::Path;

use impresario_models::name::{Name, VersionNumber};
use impresario_pipelines::spec::{Problem, Severity};
use serde::Serialize;

use crate::config::{Overrides, Settings};
use graphs::Graphs;
use shelf::{Depth, Progress, Shelf};

pub use draw::{Drawn, Nothing, draw};
pub use rehearse::{Deviation, Element, Finding, Outcome};

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Whether a daemon would start with this, and all tests that were run came out as expected.
    pub ok: bool,
    /// All problems: of the settings, then of the pipelines, then of what they name and of their graphs.
    pub problems: Vec<Problem>,
    /// The pipelines that files define.
    pub pipelines: Vec<Name>,
    /// The models of the repository and their versions.
    pub models: Models,
    /// What came of the tests, where they were run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tests: Option<Vec<Outcome>>,
}

/// Versions by model, as the repository's folders are named.
pub type Models = BTreeMap<Name, BTreeSet<VersionNumber>>;

/// Checks settings, pipeline files and what they name.
pub fn check(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    overrides: &Overrides,
) -> Report {
    let (mut report, graphs) = look(file, environment, overrides, Depth::Contract, &|_| ());
    report.judge(graphs.as_ref());
    report
}

/// Checks, and where all is well, runs the tests of the files with the models themselves. What is done is told as it is
/// done, line by line.
pub fn rehearse(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    overrides: &Overrides,
    progress: &dyn Fn(&str),
) -> Report {
    let (mut report, graphs) = look(file, environment, overrides, Depth::Ready, progress);
    report.judge(graphs.as_ref());
    if report.ok {
        let tests = graphs.as_ref().map(rehearse::rehearse).unwrap_or_default();
        report.ok = tests.iter().all(|test| test.ok);
        report.tests = Some(tests);
    }
    report
}

/// Reads settings, files and the names in the repository.
fn look<'p>(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    overrides: &Overrides,
    depth: Depth,
    progress: Progress<'p>,
) -> (Report, Option<Graphs<'p>>) {
    let mut report = Report::default();
    let settings = match Settings::load(file, environment, overrides) {
        Ok((settings, warnings)) => {
            report.problems = warnings;
            settings
        }
        Err(problems) => {
            report.problems = problems;
            return (report, None);
        }
    };
    let models = report.repository(&settings);
    let (compiled, problems) = settings.examine_pipelines();
    let broken = problems.iter().filter_map(pipeline_of).collect();
    report.problems.extend(problems);
    report.pipelines = compiled.pipelines().keys().cloned().collect();
    let shelf = Shelf::new(&settings, depth, progress);
    let graphs = Graphs::new(compiled, models, broken, shelf);
    (report, Some(graphs))
}

/// The pipeline that a problem of a file is in.
fn pipeline_of(problem: &Problem) -> Option<Name> {
    let rest = problem.path.strip_prefix("pipelines.")?;
    let name = match rest.strip_prefix('"') {
        // A name has no quotes in it.
        Some(quoted) => quoted.split('"').next(),
        None => rest.split('.').next(),
    };
    name?.parse().ok()
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

    fn repository(&mut self, settings: &Settings) -> Option<Models> {
        let folder = &settings.models.repository;
        match list(folder) {
            Ok(models) => {
                self.models = models;
                Some(self.models.clone())
            }
            Err(error) => {
                let name = folder.display().to_string();
                let problem = Problem {
                    path: "models.repository".to_owned(),
                    ..Problem::of_file(&name, "unreadable", format!("list the repository: {error}"))
                };
                self.problems
                    .push(problem.hint("make the folder, or set models.repository"));
                None
            }
        }
    }

    /// Looks up all that the files name, and compiles their graphs.
    fn judge(&mut self, graphs: Option<&Graphs<'_>>) {
        if let Some(graphs) = graphs {
            for (name, definition) in graphs.compiled.pipelines() {
                let missing = members::missing(name, definition, &self.models);
                self.problems.extend(missing);
                let found = graphs.problems(name, definition).into_iter();
                // What was found while the file was read is told.
                let told = |new: &Problem| self.problems.iter().any(|old| old.path == new.path);
                let found: Vec<Problem> = found.filter(|new| !told(new)).collect();
                self.problems.extend(found);
            }
        }
        self.ok = graphs.is_some() && self.count(Severity::Error) == 0;
    }
}

/// A line a problem, what came of the tests, and a line that sums up.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.problems {
            writeln!(f, "{problem}")?;
        }
        for test in self.tests.iter().flatten() {
            writeln!(f, "{test}")?;
        }
        let (errors, warnings) = (self.count(Severity::Error), self.count(Severity::Warning));
        if errors > 0 {
            return write!(f, "refused: errors: {errors}, warnings: {warnings}");
        }
        let (pipelines, models) = (self.pipelines.len(), self.models.len());
        let word = if self.ok { "ok" } else { "failed" };
        write!(
            f,
            "{word}: pipelines: {pipelines}, models: {models}, warnings: {warnings}"
        )?;
        let Some(tests) = &self.tests else {
            return Ok(());
        };
        let failed = tests.iter().filter(|test| !test.ok).count();
        match failed {
            0 => write!(f, ", tests: {}", tests.len()),
            failed => write!(f, ", tests: {}, of them failed: {failed}", tests.len()),
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
