//! Files of settings and of pipelines: found by glob, read whole, bounded.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use impresario_pipelines::spec::read::{Field, Reader, describe};
use impresario_pipelines::spec::{Compiled, Document, Format, Problem, Severity, Source, examine};

use super::Settings;
use super::layers::Layers;

/// The most files that all globs together may name.
const MAX_FILES: usize = 10_000;

/// A pattern of files.
#[derive(Clone, Debug, PartialEq)]
pub struct Glob {
    pattern: String,
    /// What to say if it matches nothing; nothing is said of the default.
    unmatched: Option<Problem>,
}

// === impl Glob ===

impl Glob {
    pub(super) fn read(
        field: &Field<'_>,
        reader: &mut Reader<'_>,
        layers: &Layers,
    ) -> Option<Self> {
        let text = field.text(reader)?;
        if let Err(error) = glob::Pattern::new(text) {
            let message = format!("expected a glob, got {}: {error}", describe(field.value()));
            reader.error(field, "invalid-glob", message);
            return None;
        }
        let folder = layers.folder(field.path());
        let Some(folder) = folder.to_str() else {
            let message = format!("the folder {} is not Unicode", folder.display());
            reader.error(field, "invalid-path", message);
            return None;
        };
        let pattern = Path::new(&glob::Pattern::escape(folder)).join(text);
        let pattern = pattern.to_string_lossy().into_owned();
        let unmatched = (!layers.is_default(field.path())).then(|| {
            let message = format!("no file matches {pattern}");
            field.problem(reader, "no-match", message).warning()
        });
        Some(Self { pattern, unmatched })
    }

    /// The pattern, with the folder it is relative to.
    #[must_use]
    pub fn pattern(&self) -> &str {
        &self.pattern
    }
}

// === impl Settings ===

impl Settings {
    /// Finds, reads and compiles the pipeline files. A glob that matches nothing is a warning.
    ///
    /// # Errors
    /// Every problem of every file, warnings among them.
    pub fn read_pipelines(&self) -> Result<Compiled, Vec<Problem>> {
        let (compiled, problems) = self.examine_pipelines();
        match problems.iter().any(|p| p.severity == Severity::Error) {
            true => Err(problems),
            false => Ok(compiled.with_warnings(problems)),
        }
    }

    /// What is sound of the pipeline files, so that more can be told of it, and all that is not.
    #[must_use]
    pub fn examine_pipelines(&self) -> (Compiled, Vec<Problem>) {
        let (paths, mut problems) = find(&self.pipelines);
        let mut texts = Vec::new();
        for path in paths {
            let file = path.display().to_string();
            match read(&path, &file) {
                Ok((text, format)) => texts.push((file, text, format)),
                Err(found) => problems.extend(found),
            }
        }
        let sources: Vec<Source<'_>> = texts
            .iter()
            .map(|(file, text, format)| Source {
                file: file.clone(),
                text,
                format: *format,
            })
            .collect();
        let (compiled, found) = examine(&sources);
        problems.extend(found);
        (compiled, problems)
    }
}

/// The files that globs name, each once, in order of their paths.
fn find(globs: &[Glob]) -> (BTreeSet<PathBuf>, Vec<Problem>) {
    let mut paths = BTreeSet::new();
    let mut problems = Vec::new();
    for Glob { pattern, unmatched } in globs {
        let matches = match glob::glob(pattern) {
            Ok(matches) => matches,
            Err(error) => {
                problems.push(Problem::of_file(pattern, "invalid-glob", error.to_string()));
                continue;
            }
        };
        let mut any = false;
        for path in matches {
            match path {
                Ok(path) if path.is_dir() => {}
                Ok(path) => {
                    any = true;
                    paths.insert(path);
                }
                Err(error) => {
                    let file = error.path().display().to_string();
                    let message = format!("list the folder: {}", error.error());
                    problems.push(Problem::of_file(&file, "unreadable", message));
                }
            }
            if paths.len() > MAX_FILES {
                let message = format!("more than {MAX_FILES} files match");
                problems.push(Problem::of_file(pattern, "too-many", message));
                return (paths, problems);
            }
        }
        if !any {
            problems.extend(unmatched.clone());
        }
    }
    (paths, problems)
}

/// Reads a file whole; its name says the format.
pub(super) fn read(path: &Path, file: &str) -> Result<(String, Format), Vec<Problem>> {
    let Some(format) = Format::of(file) else {
        let message = "expected a file named .toml, .yaml, .yml or .json".to_owned();
        return Err(vec![Problem::of_file(file, "unknown-format", message)]);
    };
    let unreadable = |error: std::io::Error| {
        vec![Problem::of_file(
            file,
            "unreadable",
            format!("read the file: {error}"),
        )]
    };
    let mut bytes = Vec::new();
    // One byte more than a document may have, so that the document refuses it by its own rule.
    let limit = Document::MAX_BYTES as u64 + 1;
    let opened = File::open(path).map_err(unreadable)?;
    opened
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok((text, format)),
        // The limit may have cut a character in two.
        Err(error) if error.as_bytes().len() > Document::MAX_BYTES => {
            let message = format!("expected at most {} bytes", Document::MAX_BYTES);
            Err(vec![Problem::of_file(file, "too-large", message)])
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let message = format!("expected UTF-8, got another byte at offset {at}");
            Err(vec![Problem::of_file(file, "not-utf8", message)])
        }
    }
}
