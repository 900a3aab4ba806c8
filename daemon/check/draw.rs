//! One graph for people: as it compiles, or where it does not, as it is written.

use std::path::Path;

use impresario_models::{Name, VersionNumber};
use impresario_pipelines::graph::{Drawing, outline};
use impresario_pipelines::spec::{Definition, Problem, Severity, nearest};

use super::graphs::{Graphs, Place, composites};
use super::look;
use super::members::has_graphs;
use super::shelf::Depth;
use crate::config::Overrides;

/// A graph that was found.
#[derive(Clone, Debug)]
pub struct Drawn {
    /// Its pipeline.
    pub pipeline: Name,
    /// Its number, where it is not the policy's own.
    pub version: Option<VersionNumber>,
    /// With all types where it compiles, else as far as it is known; nothing where not even that makes sense.
    pub drawing: Option<Drawing>,
    /// What is wrong with it, or with the files as a whole.
    pub problems: Vec<Problem>,
}

/// Why there is no graph to be drawn.
#[derive(Clone, Debug)]
pub enum Nothing {
    /// The files have none of this name.
    Unknown(String),
    /// The settings or the files cannot be read that far.
    Problems(Vec<Problem>),
}

/// Draws the graph of a pipeline in the files: `NAME`, or `NAME@VERSION` for one of several.
///
/// # Errors
/// [`Nothing`], with what there is instead.
pub fn draw(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    overrides: &Overrides,
    name: &str,
) -> Result<Drawn, Nothing> {
    let (report, graphs) = look(file, environment, overrides, Depth::Contract, &|_| ());
    let errors = report
        .problems
        .into_iter()
        .filter(|problem| problem.severity == Severity::Error);
    let errors: Vec<Problem> = errors.collect();
    let Some(graphs) = graphs else {
        return Err(Nothing::Problems(errors));
    };
    let (name, number) = match name.split_once('@') {
        Some((name, number)) => (name, Some(number)),
        None => (name, None),
    };
    let found = graphs
        .compiled
        .pipelines()
        .iter()
        .find(|(key, _)| key.as_str() == name);
    let Some((name, definition)) = found else {
        let broken = graphs.broken.iter().any(|broken| broken.as_str() == name);
        return Err(match broken {
            true => Nothing::Problems(errors),
            false => Nothing::Unknown(unknown(name, &graphs)),
        });
    };
    let place = place(name, number, definition).map_err(Nothing::Unknown)?;
    let mut problems = graphs.problems_of(&place, definition);
    let title = match place.number {
        Some(number) => format!("{name} version {number}"),
        None => name.to_string(),
    };
    let drawing = match &graphs.made(&place).graph {
        Some(graph) => Some(Drawing::compiled(&title, graph)),
        None => {
            if problems.is_empty() {
                // It waits for something that is wrong elsewhere.
                problems = errors;
                for (name, definition) in graphs.compiled.pipelines() {
                    problems.extend(super::members::missing(name, definition, &report.models));
                    problems.extend(graphs.problems(name, definition));
                }
            }
            let composite = graphs.composite(&place);
            composite.and_then(|composite| {
                let outline = outline(composite).ok()?;
                Some(Drawing::outlined(&title, composite, &outline))
            })
        }
    };
    Ok(Drawn {
        pipeline: place.pipeline,
        version: place.number,
        drawing,
        problems,
    })
}

fn unknown(name: &str, graphs: &Graphs<'_>) -> String {
    let pipelines = graphs.compiled.pipelines().iter();
    let names = pipelines.filter(|(_, definition)| has_graphs(definition));
    let names: Vec<&str> = names.map(|(name, _)| name.as_str()).collect();
    let message = format!("the files define no pipeline '{name}'");
    match nearest(name, names.iter().copied()) {
        Some(meant) => format!("{message}; did you mean '{meant}'?"),
        None if names.is_empty() => format!("{message}, and none that is a graph"),
        None => format!("{message}; those that are graphs are {}", names.join(", ")),
    }
}

/// The graph that is meant by a number, or by none.
fn place(name: &Name, number: Option<&str>, definition: &Definition) -> Result<Place, String> {
    let mut numbers = Vec::new();
    let mut places = Vec::new();
    for (own, composite) in composites(definition.pipeline()) {
        numbers.extend(own.or(composite.version).map(|number| number.to_string()));
        places.push((own, composite.version));
    }
    let known = match numbers.len() {
        0 => String::new(),
        _ => format!("; its graphs are {}", numbers.join(", ")),
    };
    let found = match number {
        _ if places.is_empty() => {
            let kind = definition.pipeline().policy().kind();
            return Err(format!(
                "pipeline '{name}' has no graph: its policy is {kind}"
            ));
        }
        None => match &places[..] {
            [one] => Some(one),
            several => several.iter().find(|(own, _)| own.is_none()),
        },
        Some(number) => places
            .iter()
            .find(|(own, stated)| own.or(*stated).is_some_and(|n| n.to_string() == number)),
    };
    match (found, number) {
        (Some((own, _)), _) => Ok(Place {
            pipeline: name.clone(),
            number: *own,
        }),
        (None, Some(number)) => Err(format!("pipeline '{name}' has no graph {number}{known}")),
        (None, None) => Err(format!(
            "pipeline '{name}' has several graphs{known}: write {name}@NUMBER"
        )),
    }
}
