//! Written files to compiled pipelines: all problems of all files at once.
//!
//! Reading the files is the daemon's work. Whether the models and versions exist is not known here.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use impresario_models::name::Name;
use serde_json::Value;

use super::document::{Document, Format, Path, Source};
use super::pipeline::Pipeline;
use super::problem::{Position, Problem, Severity};
use super::read::{Field, Kept, Origin, Part, Place, Reader};
use super::test::Test;
use super::v1;

/// The pipelines of a set of files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compiled {
    pipelines: BTreeMap<Name, Definition>,
    tests: Vec<Test>,
    warnings: Vec<Problem>,
}

/// A pipeline as a file defines it.
#[derive(Clone, Debug, PartialEq)]
pub struct Definition {
    pipeline: Pipeline,
    path: Path,
    text: Kept,
    digest: String,
}

/// Compiles files.
///
/// # Errors
/// Every problem of every file, in the order of the files and of their lines; warnings are among them.
pub fn compile(sources: &[Source<'_>]) -> Result<Compiled, Vec<Problem>> {
    match examine(sources) {
        (_, problems) if refused(&problems) => Err(problems),
        (compiled, warnings) => Ok(compiled.with_warnings(warnings)),
    }
}

/// Compiles what is sound of files, so that more can be told of it, and tells what is not: every problem of every file, in
/// the order of the files and of their lines, warnings among them.
#[must_use]
pub fn examine(sources: &[Source<'_>]) -> (Compiled, Vec<Problem>) {
    let mut files = Files::default();
    for source in sources {
        files.add(source);
    }
    (files.compiled, files.problems)
}

/// Parses one pipeline as JSON, the body of `PUT /admin/v1/pipelines/{name}`. Paths in problems begin with
/// `pipelines.{name}`, as in files.
///
/// # Errors
/// Every problem, with its line and column in the text.
pub fn parse_pipeline(name: &Name, text: &str) -> Result<Pipeline, Vec<Problem>> {
    let source = Source {
        file: String::new(),
        text,
        format: Format::Json,
    };
    let base = Path::default().key("pipelines").key(name.as_str());
    let document = Document::parse(&source).map_err(|mut problems| {
        for problem in &mut problems {
            problem.file = None;
        }
        problems
    })?;
    let origin = Body {
        document: &document,
        base: &base,
    };
    read(Some(name.as_str()), document.root(), base.clone(), &origin)
}

/// The pipeline that a tree holds, as it was stored or sent.
pub(super) fn value(value: &Value) -> Result<Pipeline, Vec<Problem>> {
    read(None, value, Path::default(), &Nowhere)
}

fn read(
    name: Option<&str>,
    value: &Value,
    path: Path,
    origin: &dyn Origin,
) -> Result<Pipeline, Vec<Problem>> {
    let mut reader = Reader::new(origin);
    let pipeline = v1::pipeline(name, &Field::new(value, path), &mut reader);
    let problems = reader.into_problems();
    match pipeline {
        Some(pipeline) if !refused(&problems) => Ok(pipeline),
        _ => Err(in_order(problems)),
    }
}

fn refused(problems: &[Problem]) -> bool {
    problems.iter().any(|p| p.severity == Severity::Error)
}

fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|p| (p.line, p.column));
    problems
}

/// A tree that stands in no text.
struct Nowhere;

impl Origin for Nowhere {
    fn place(&self, _: &Path, _: Part) -> Place {
        Place::default()
    }
}

/// A request's body, whose paths begin with a base that its text does not have.
struct Body<'d> {
    document: &'d Document,
    base: &'d Path,
}

impl Origin for Body<'_> {
    fn place(&self, path: &Path, part: Part) -> Place {
        let mark = self.document.mark(&path.below(self.base));
        Place {
            file: None,
            position: mark.map(|mark| mark.part(part)),
        }
    }
}

/// What was compiled so far.
#[derive(Default)]
struct Files {
    compiled: Compiled,
    /// Where each name stands first, also of pipelines that are wrong.
    seen: BTreeMap<Name, Place>,
    problems: Vec<Problem>,
}

// === impl Compiled ===

impl Compiled {
    /// The pipelines by name.
    #[must_use]
    pub fn pipelines(&self) -> &BTreeMap<Name, Definition> {
        &self.pipelines
    }

    /// The tests in the order of the files.
    #[must_use]
    pub fn tests(&self) -> &[Test] {
        &self.tests
    }

    /// What is perhaps not meant.
    #[must_use]
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// The same with more warnings, of whoever found the files.
    #[must_use]
    pub fn with_warnings(mut self, warnings: Vec<Problem>) -> Self {
        self.warnings.splice(0..0, warnings);
        self
    }
}

// === impl Definition ===

impl Definition {
    /// The pipeline.
    #[must_use]
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The file that defines it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.text.file
    }

    /// Where in the file's tree it stands, such as `pipelines.fraud`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where in the file its name stands.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.place(&self.path, Part::Key).position
    }

    /// [`Pipeline::digest`], which tells whether the definition changed since it was last applied.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// Problems that are found only later still have their places.
impl Origin for Definition {
    fn place(&self, path: &Path, part: Part) -> Place {
        self.text.place(path, part)
    }
}

// === impl Files ===

impl Files {
    fn add(&mut self, source: &Source<'_>) {
        let document = match Document::parse(source) {
            Ok(document) => document,
            Err(problems) => return self.problems.extend(problems),
        };
        let text = Kept {
            file: source.file.as_str().into(),
            document: Arc::new(document),
        };
        let mut reader = Reader::new(&text);
        self.file(&text, &mut reader);
        self.problems.extend(in_order(reader.into_problems()));
    }

    fn file(&mut self, text: &Kept, reader: &mut Reader<'_>) -> Option<()> {
        let mut table = Field::root(text.document.root()).table(reader)?;
        let version = table.get("version");
        let (pipelines, tests) = (table.get("pipelines"), table.get("tests"));
        if !version_is_ours(version.as_ref(), reader) {
            // Another version's fields may mean anything.
            return None;
        }
        table.finish(reader);
        // Those of the file, also where they are wrong or another file's.
        let mut names = Vec::new();
        match pipelines {
            Some(pipelines) => {
                for (key, field) in pipelines.table(reader)?.entries() {
                    names.push(key);
                    self.pipeline(key, &field, text, reader);
                }
            }
            None => {
                let message = "the file defines no pipeline".to_owned();
                let at = Path::default();
                let problem = reader.problem(&at, Part::Value, "no-pipelines", message);
                reader.push(problem.warning());
            }
        }
        if let Some(tests) = tests {
            let known = v1::test::Known {
                names: &names,
                sound: &self.compiled.pipelines,
            };
            let found = v1::test::read(&tests, &known, text, reader);
            self.compiled.tests.extend(found);
        }
        Some(())
    }

    fn pipeline(&mut self, key: &str, field: &Field<'_>, text: &Kept, reader: &mut Reader<'_>) {
        let pipeline = v1::pipeline(Some(key), field, reader);
        let name = self.name(key, field, text, reader);
        if let (Some(name), Some(pipeline)) = (name, pipeline) {
            let definition = Definition {
                digest: pipeline.digest(),
                pipeline,
                path: field.path().clone(),
                text: text.clone(),
            };
            self.compiled.pipelines.insert(name, definition);
        }
    }

    /// The name that a key is, unless it is none or another pipeline's.
    fn name(
        &mut self,
        key: &str,
        field: &Field<'_>,
        text: &Kept,
        reader: &mut Reader<'_>,
    ) -> Option<Name> {
        let refuse = |code, message| reader.problem(field.path(), Part::Key, code, message);
        let name = match Name::new(key) {
            Ok(name) => name,
            Err(error) => {
                let problem = refuse("invalid-name", error.to_string());
                reader.push(problem);
                return None;
            }
        };
        match self.seen.entry(name.clone()) {
            Entry::Vacant(vacant) => {
                vacant.insert(text.place(field.path(), Part::Key));
                Some(name)
            }
            Entry::Occupied(first) => {
                let place = first.get();
                let file = place.file.as_deref().unwrap_or_default();
                let first = match place.position {
                    Some(position) => format!("{file}:{position}"),
                    None => file.to_owned(),
                };
                let message = format!("the pipeline '{name}' is defined twice, first at {first}");
                let problem = refuse("duplicate-pipeline", message);
                reader.push(problem.hint("keep one of the two"));
                None
            }
        }
    }
}

/// Whether a file says the version that this release reads; if not, the reader is told. Daemon settings have the
/// same rule.
pub fn version_is_ours(version: Option<&Field<'_>>, reader: &mut Reader<'_>) -> bool {
    let Some(field) = version else {
        let message = "the field 'version' is missing".to_owned();
        let problem = reader.problem(&Path::default(), Part::Key, "missing-field", message);
        reader.push(problem.hint(format!(
            "begin the file with version = {0} (YAML: version: {0})",
            v1::VERSION
        )));
        return false;
    };
    let Some(version) = field.whole(reader, 0..=u64::MAX) else {
        return false;
    };
    if version != v1::VERSION {
        let message = format!(
            "version {version} is not known to this release, which reads version {}",
            v1::VERSION
        );
        reader.error(field, "unknown-version", message);
        return false;
    }
    true
}
