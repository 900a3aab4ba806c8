//! What a fleet looks like as text: its routes, versions, effects and waits, as a reader of a script needs them.

use std::fmt::Write;
use std::sync::Arc;

use impresario_pipelines::bucket::{Slot, Weight};
use impresario_pipelines::fleet::{
    Change, Course, Effect, Fleet, Intent, Now, Phase, Record, Reload, VersionPolicy, plan,
};
use impresario_pipelines::policy::Split;
use impresario_pipelines::spec::{Pipeline, Policy};
use impresario_pipelines::table::{self, Resolved, TargetId, Unavailable, Why};

use crate::graphs;

/// The whole state, a few lines.
pub(crate) fn state(fleet: &Fleet, now: Now) -> String {
    let mut text = String::new();
    routes(&mut text, fleet);
    for (name, model) in &fleet.observed.models {
        let policy = match &model.policy {
            VersionPolicy::Latest(1) => String::new(),
            VersionPolicy::Latest(n) => format!(" (latest {n})"),
            VersionPolicy::All => " (all)".to_owned(),
            VersionPolicy::Listed(list) => format!(" (listed {list:?})"),
        };
        let _ = write!(text, "  model {name}{policy}:");
        for (version, seen) in &model.versions {
            let _ = write!(text, " {version} {}", seen.phase.as_str());
            if let Phase::Restarting { until, building } = seen.phase {
                let what = if building { "building" } else { "at" };
                let _ = write!(text, " {what} {until}");
            }
            for (holds, word) in [
                (!seen.present, "gone"),
                (seen.changed, "changed"),
                (seen.reload == Reload::Wanted, "reload wanted"),
                (seen.reload == Reload::Loading, "reloading"),
            ] {
                if holds {
                    let _ = write!(text, " [{word}]");
                }
            }
            text.push(',');
        }
        text.pop();
        text.push('\n');
    }
    for name in fleet.observed.graphs.names() {
        let model = fleet.observed.graphs.model(name.as_str()).unwrap();
        let versions = model.versions.iter().map(|(version, seen)| {
            let waits = seen.waits.as_ref();
            let waits = waits.map_or(String::new(), |waits| format!(" ({waits})"));
            format!(" {version} {}{waits}", seen.phase.as_str())
        });
        let versions: Vec<String> = versions.collect();
        let _ = writeln!(text, "  graphs {name}:{}", versions.join(","));
    }
    for (name, intent) in &fleet.routing.intents {
        let _ = writeln!(text, "  intent {name}: {}", intent_text(intent));
    }
    let (effects, report) = plan(fleet, now);
    if !effects.is_empty() {
        let effects: Vec<_> = effects.iter().map(effect).collect();
        let _ = writeln!(text, "  do: {}", effects.join(", "));
    }
    for wait in &report.waits {
        let _ = writeln!(text, "  {} {}", wait.subject, wait.reason);
    }
    text
}

fn routes(text: &mut String, fleet: &Fleet) {
    let table = table::compile(fleet);
    let mut routes: Vec<_> = table.routes().collect();
    routes.sort_by(|a, b| a.name.cmp(&b.name));
    for route in routes {
        let entry = fleet.routing.pipelines.get(&route.name);
        let kind = entry.map_or("implicit".to_owned(), |entry| {
            let keep = entry.keep.as_ref();
            let keep = keep.map_or(String::new(), |k| {
                format!(", keeps {} {}", k.model, k.version)
            });
            format!("revision {}{keep}", entry.revision)
        });
        let told = |to: Result<TargetId, &Unavailable>| match to {
            Ok(target) => {
                let target = table.target(target);
                format!("{} {}", target.model, target.version)
            }
            Err(why) if why.on_demand => format!("on demand: {why}"),
            Err(why) if why.passing => format!("nobody for now: {why}"),
            Err(why) => format!("nobody: {why}"),
        };
        let to = match &route.policy {
            Resolved::Standalone(_) => told(route.main()),
            Resolved::Split(split) => {
                let course = entry.and_then(|entry| entry.course.as_deref());
                let phase = course.map_or("", Course::phase);
                format!(
                    "{} {}, {phase}: {}",
                    split.kind,
                    split.course,
                    shares(split, told)
                )
            }
        };
        let shadow = route.shadow.as_ref();
        let shadow = shadow.map(|shadow| format!(", shadow {}", told(shadow.to.as_ref().copied())));
        let _ = writeln!(
            text,
            "  {} ({kind}) → {to}{}",
            route.name,
            shadow.unwrap_or_default()
        );
    }
}

/// Each arm that has a share, with who answers for it; and who answers where the arm cannot.
fn shares(split: &Split, told: impl Fn(Result<TargetId, &Unavailable>) -> String) -> String {
    let arms = split.legs.iter().zip(split.slots.weights());
    let shared = arms.filter(|(_, weight)| **weight > Weight::ZERO);
    let mut missing = false;
    let mut all: Vec<String> = shared
        .map(|(leg, weight)| {
            missing |= leg.to.is_err();
            let to = told(leg.to.as_ref().copied());
            format!("{} {weight} {to}", leg.variant)
        })
        .collect();
    let first = split.first(Slot::from_draw(0), Why::Fallback);
    if let (true, Ok(first)) = (missing, first) {
        all.push(format!("in its place {}", told(Ok(first.target))));
    }
    all.join(", ")
}

/// A record as one line.
pub(crate) fn record(record: &Record) -> String {
    let diffs = record.diffs.iter().map(|diff| match &diff.change {
        Change::Pipeline { before, after } => {
            format!("{} {} → {}", diff.name, pipeline(before), pipeline(after))
        }
        Change::Intent { before, after } => {
            let told =
                |intent: &Option<Intent>| intent.as_ref().map_or("nothing".to_owned(), intent_text);
            format!("intent {} {} → {}", diff.name, told(before), told(after))
        }
        Change::Course { before, after } => {
            let told = |course: &Option<Arc<Course>>| {
                let course = course.as_ref();
                course.map_or("none".to_owned(), |course| {
                    let weights = course.slots().weights().iter();
                    let weights: Vec<_> = weights.map(ToString::to_string).collect();
                    format!(
                        "{} {} {}",
                        course.kind(),
                        course.phase(),
                        weights.join(" / ")
                    )
                })
            };
            format!("course {} {} → {}", diff.name, told(before), told(after))
        }
    });
    let diffs: Vec<_> = diffs.collect();
    let why = record.reason.as_ref();
    let why = why.map_or(String::new(), |why| format!(" — {why}"));
    format!(
        "record {} of revision {}: {} by {} through {}: {}{why}",
        record.seq,
        record.revision,
        record.action,
        record.actor,
        record.source.as_str(),
        diffs.join("; ")
    )
}

fn pipeline(pipeline: &Option<Pipeline>) -> String {
    match pipeline.as_ref().map(Pipeline::policy) {
        None => "none".to_owned(),
        Some(Policy::Standalone { model, version }) => format!("{model} {version}"),
        Some(Policy::Composite(graph)) => graphs::written(graph),
        Some(policy) => {
            let graphs = pipeline
                .iter()
                .flat_map(|pipeline| pipeline.graphs().values());
            let graphs: String = graphs
                .map(|graph| format!(" {}", graphs::written(graph)))
                .collect();
            format!("{}{graphs}", policy.kind())
        }
    }
}

fn intent_text(intent: &Intent) -> String {
    let single = intent.versions.iter();
    let single = single.map(|(v, load)| format!("{}{v}", if *load { "+" } else { "-" }));
    let all = intent.unloaded.then(|| "-all".to_owned());
    all.into_iter().chain(single).collect::<Vec<_>>().join(" ")
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Load { model, version } => format!("load {model} {version}"),
        Effect::Unload { model, version } => format!("unload {model} {version}"),
        Effect::Park { model, version } => format!("park {model} {version}"),
        Effect::Remind { at } => format!("remind at {at}"),
    }
}
