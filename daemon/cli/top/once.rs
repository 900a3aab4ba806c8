//! A view as plain text, or as JSON.

use super::rows;
use super::view::View;
use crate::cli::Failure;
use crate::cli::output::{Output, cut, table};

/// Events that are told.
const EVENTS: usize = 10;
/// The most characters of a reason.
const REASON: usize = 100;

pub(super) fn show(view: &View, out: &mut Output) -> Result<(), Failure> {
    let tree = serde_json::to_value(view).expect("a view is a tree of texts and numbers");
    out.show(&tree, |_| text(view))
}

pub(super) fn text(view: &View) -> String {
    let mut text = headline(view);
    let mut part = |part: String| {
        text.push_str("\n\n");
        text.push_str(&part);
    };
    if let Some(freeze) = &view.freeze {
        part(format!("no rollout advances, {freeze}"));
    }
    part(pipelines(view));
    if !view.courses.is_empty() {
        let row = |course: &super::view::Course| {
            [
                course.pipeline.clone(),
                course.kind.clone(),
                course.phase.clone(),
                course.weight.map_or_else(String::new, rows::share),
                course.progress.clone().unwrap_or_default(),
                cut(course.waits.as_ref().unwrap_or(&course.why), REASON),
            ]
        };
        part(table(
            ["COURSE", "KIND", "PHASE", "WEIGHT", "STEP", "WHY"],
            view.courses.iter().map(row),
        ));
    }
    if !view.waits.is_empty() {
        let row = |wait: &super::view::Wait| {
            let version = format!("{} v{}", wait.model, wait.version);
            let why = wait.why.as_deref().unwrap_or_default();
            [version, wait.phase.clone(), cut(why, REASON)]
        };
        part(table(
            ["NOT READY", "PHASE", "WHY"],
            view.waits.iter().map(row),
        ));
    }
    if !view.events.is_empty() {
        let row = |event: &super::view::Event| {
            let [at, action, actor] = [&event.at, &event.action, &event.actor].map(String::clone);
            [at, action, actor, cut(&event.what, REASON)]
        };
        let newest = view.events.iter().take(EVENTS);
        part(table(["EVENT", "ACTION", "BY", "WHAT"], newest.map(row)));
    }
    text
}

/// The whole in two lines.
fn headline(view: &View) -> String {
    let ready = match view.ready {
        true => "ready",
        false => "not ready",
    };
    let [rate, failing, p50, p99] = rows::numbers(&view.traffic);
    let traffic = match (&view.note, view.over) {
        (Some(note), _) => note.clone(),
        (None, Some(over)) => {
            format!("{rate} requests/s, {failing} failing, p50 {p50}, p99 {p99}, over {over:.1}s")
        }
        (None, None) => "the daemon began anew meanwhile: traffic is not known yet".to_owned(),
    };
    format!(
        "impresario {}, {ready}, up {}, revision {}, models {}\n{traffic}",
        view.version,
        rows::span(view.uptime),
        view.revision,
        rows::size(view.memory)
    )
}

/// Every pipeline, with its variants below it where it has more than one.
fn pipelines(view: &View) -> String {
    let mut lines = Vec::new();
    for line in &view.pipelines {
        let [rate, failing, p50, p99] = rows::numbers(&line.traffic);
        let (name, policy, phase) = (line.name.clone(), line.policy.clone(), line.phase.clone());
        let why = cut(line.why.as_deref().unwrap_or_default(), REASON);
        let split = rows::split(line);
        lines.push([name, policy, phase, split, rate, failing, p50, p99, why]);
        if line.variants.len() < 2 {
            continue;
        }
        for variant in &line.variants {
            let [rate, failing, p50, p99] = rows::numbers(&variant.traffic);
            let name = format!("  {}", variant.name);
            let version = rows::version(line, variant);
            let (policy, phase) = (String::new(), variant.phase.clone());
            lines.push([
                name,
                policy,
                phase,
                version,
                rate,
                failing,
                p50,
                p99,
                String::new(),
            ]);
        }
    }
    table(
        [
            "PIPELINE", "POLICY", "PHASE", "SPLIT", "REQ/S", "FAIL", "P50", "P99", "WHY",
        ],
        lines,
    )
}
