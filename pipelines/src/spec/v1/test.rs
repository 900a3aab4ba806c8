//! Reading the tests that a file holds beside its pipelines. They are only read: nobody stores them.

use std::collections::BTreeMap;
use std::path::{Component, Path};
use std::sync::Arc;

use impresario_models::Name;
use serde_json::Value;

use super::scalars::{each, list, name, optional, text, word};
use crate::expr::{Parameters, Scalar};
use crate::spec::compile::Definition;
use crate::spec::composite::{Composite, Node};
use crate::spec::pipeline::{Pipeline, Policy};
use crate::spec::read::{Field, Kept, Reader, describe};
use crate::spec::suggest::nearest;
use crate::spec::test::{Data, Test};

const MAX_TESTS: usize = 1_000;
const MAX_ENTRIES: usize = 256;
const MAX_NODES: usize = 256;
const MAX_NAME: usize = 128;
const MAX_TEXT: usize = 1_024;

/// What is known of the pipelines that tests may ask.
pub(in crate::spec) struct Known<'k> {
    /// The names in the tests' file.
    pub(in crate::spec) names: &'k [&'k str],
    /// Those that are sound, of all files.
    pub(in crate::spec) sound: &'k BTreeMap<Name, Definition>,
}

/// The tests that a field holds; those that are wrong are told to the reader.
pub(in crate::spec) fn read(
    field: &Field<'_>,
    known: &Known<'_>,
    file: &Kept,
    reader: &mut Reader<'_>,
) -> Vec<Test> {
    let list = list(field, reader, 0..=MAX_TESTS).unwrap_or_default();
    list.iter()
        .filter_map(|field| test(field, known, file, reader))
        .collect()
}

fn test(
    field: &Field<'_>,
    known: &Known<'_>,
    file: &Kept,
    reader: &mut Reader<'_>,
) -> Option<Test> {
    let mut table = field.table(reader)?;
    let pipeline = table.need("pipeline", reader);
    let own = table.get("name");
    let (inputs, parameters) = (table.get("inputs"), table.get("parameters"));
    let (key, expect) = (table.get("key"), table.get("expect"));
    let tolerance = table.get("tolerance");
    let (path, skipped) = (table.get("path"), table.get("skipped"));
    table.finish(reader);

    let pipeline = pipeline.and_then(|field| self::pipeline(&field, known, reader));
    let sound = pipeline.as_ref().and_then(|name| known.sound.get(name));
    let sound = sound.map(Definition::pipeline);
    let own = optional(own, |field| word(field, reader, MAX_NAME));
    let inputs = optional(inputs, |field| values(field, reader, data));
    let parameters = optional(parameters, |field| values(field, reader, scalar));
    let key = optional(key, |field| word(field, reader, MAX_TEXT));
    let expect = optional(expect, |field| values(field, reader, data));
    let tolerance = optional(tolerance, |field| field.number(reader, 0.0..=f64::MAX));
    let path = optional(path, |field| nodes(field, sound, reader));
    let at = skipped.clone();
    let skipped = optional(skipped, |field| nodes(field, sound, reader));
    let (path, skipped) = (path?.unwrap_or_default(), skipped?.unwrap_or_default());
    if let Some(at) = at
        && let Some(both) = skipped.iter().find(|node| path.contains(node))
    {
        let message = format!("'{both}' cannot take part and be skipped");
        let problem = at.problem(reader, "contradiction", message);
        reader.push(problem.hint("leave it out of 'path' or of 'skipped'"));
        return None;
    }
    let parameters: Parameters = parameters?.unwrap_or_default().into_iter().collect();
    Some(Test {
        pipeline: pipeline?,
        name: own?,
        inputs: inputs?.unwrap_or_default(),
        parameters,
        key: key?,
        expect: expect?.unwrap_or_default(),
        tolerance: tolerance?.unwrap_or(Test::TOLERANCE),
        path,
        skipped,
        at: field.path().clone(),
        text: file.clone(),
    })
}

/// A pipeline of the same file.
fn pipeline(field: &Field<'_>, known: &Known<'_>, reader: &mut Reader<'_>) -> Option<Name> {
    let name = name(field, reader)?;
    if known.names.contains(&name.as_str()) {
        return Some(name);
    }
    let message = format!("the file defines no pipeline '{name}'");
    let problem = field.problem(reader, "unknown-pipeline", message);
    reader.push(match nearest(name.as_str(), known.names.iter().copied()) {
        Some(meant) => problem.hint(format!("did you mean '{meant}'?")),
        None => problem.hint("a test stands in the file of its pipeline"),
    });
    None
}

/// The entries of a table by name, each read.
fn values<T>(
    field: &Field<'_>,
    reader: &mut Reader<'_>,
    read: impl Fn(&Field<'_>, &mut Reader<'_>) -> Option<T>,
) -> Option<Vec<(Arc<str>, T)>> {
    let table = field.table(reader)?;
    let mut entries: Vec<_> = table.entries().collect();
    if entries.len() > MAX_ENTRIES {
        let got = entries.len();
        let message = format!("expected at most {MAX_ENTRIES} entries, got {got}");
        reader.error(field, "too-many", message);
        return None;
    }
    entries.sort_by_key(|(key, _)| *key);
    let read: Vec<_> = entries
        .into_iter()
        .map(|(key, field)| Some((Arc::from(key), read(&field, reader)?)))
        .collect();
    read.into_iter().collect()
}

/// The elements of a value, or the file that holds them.
fn data(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Data> {
    match field.value() {
        Value::Object(_) => {
            let mut table = field.table(reader)?;
            let file = table.need("file", reader);
            table.finish(reader);
            file.and_then(|field| self::file(&field, reader))
                .map(Data::File)
        }
        Value::Null => field.mistyped(reader, "a list of elements, one element, or a file"),
        value => Some(Data::Inline(value.clone())),
    }
}

/// A file below the test's own folder.
fn file(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<String> {
    let file = word(field, reader, MAX_TEXT)?;
    let inside = |component| matches!(component, Component::Normal(_) | Component::CurDir);
    // What means another place on another system is refused on all of them.
    if Path::new(&file).components().all(inside) && !file.contains(['\\', ':', '\0']) {
        return Some(file);
    }
    let got = describe(field.value());
    let message = format!("expected a file in the folder of this one, or below, got {got}");
    let problem = field.problem(reader, "outside", message);
    reader.push(problem.hint("write it with '/', without '..' and not from the root"));
    None
}

fn scalar(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Scalar> {
    match field.value() {
        Value::Bool(flag) => Some(Scalar::Bool(*flag)),
        Value::String(_) => text(field, reader, MAX_TEXT).map(|text| Scalar::Text(text.into())),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Some(Scalar::Int(whole)),
            None => number.as_f64().map(Scalar::Float),
        },
        _ => field.mistyped(reader, "a truth, a number or a text"),
    }
}

/// Nodes of a pipeline's graphs, as far as those are known.
fn nodes(
    field: &Field<'_>,
    pipeline: Option<&Pipeline>,
    reader: &mut Reader<'_>,
) -> Option<Vec<Arc<str>>> {
    let list = list(field, reader, 0..=MAX_NODES)?;
    let Some(pipeline) = pipeline else {
        return each(&list, |field| field.text(reader).map(Arc::from));
    };
    let policy = match pipeline.policy() {
        Policy::Composite(composite) => Some(composite),
        Policy::Standalone { .. }
        | Policy::Canary(_)
        | Policy::Experiment(_)
        | Policy::Bandit(_) => None,
    };
    let graphs: Vec<&Arc<Composite>> = policy
        .into_iter()
        .chain(pipeline.graphs().values())
        .collect();
    if graphs.is_empty() && !list.is_empty() {
        let message = "the pipeline has no graph that has nodes".to_owned();
        reader.error(field, "contradiction", message);
        return None;
    }
    let nodes = || graphs.iter().flat_map(|graph| &graph.nodes);
    each(&list, |field| {
        let text = field.text(reader)?;
        let found = nodes().find(|node: &&Node| &*node.name == text);
        if found.is_none() {
            let message = format!("the pipeline has no node {}", describe(field.value()));
            let problem = field.problem(reader, "unknown-node", message);
            reader.push(match nearest(text, nodes().map(|node| &*node.name)) {
                Some(meant) => problem.hint(format!("did you mean '{meant}'?")),
                None => problem,
            });
        }
        found.map(|node| Arc::clone(&node.name))
    })
}
