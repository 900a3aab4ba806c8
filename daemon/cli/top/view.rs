//! A view: what is shown of a daemon, made of one or two answers, in no form yet.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::ask::Polled;
use super::metrics::Happened;
use crate::cli::output::{cell, list};

/// Phases of versions that nothing has to be done about.
const AT_REST: [&str; 4] = ["ready", "unloaded", "discovered", "parked"];

/// The variant of a pipeline that one version answers.
const ALONE: &str = "standalone";

/// A daemon.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct View {
    pub(super) version: String,
    /// Seconds.
    pub(super) uptime: u64,
    pub(super) ready: bool,
    pub(super) revision: u64,
    /// Bytes that the loaded versions are estimated to take.
    pub(super) memory: u64,
    /// Seconds that rates are taken over; none where they are not known.
    pub(super) over: Option<f64>,
    /// Why no rollout advances.
    pub(super) freeze: Option<String>,
    #[serde(flatten)]
    pub(super) traffic: Traffic,
    pub(super) pipelines: Vec<Line>,
    pub(super) courses: Vec<Course>,
    pub(super) waits: Vec<Wait>,
    /// Newest first.
    pub(super) events: Vec<Event>,
    /// What the daemon does not tell.
    pub(super) note: Option<String>,
}

/// What was asked over the time, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Traffic {
    /// Requests a second.
    pub(super) rate: Option<f64>,
    /// The share that failed, from 0 to 1.
    pub(super) failing: Option<f64>,
    /// Milliseconds.
    pub(super) p50_ms: Option<f64>,
    /// Milliseconds.
    pub(super) p99_ms: Option<f64>,
}

/// A pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) policy: String,
    pub(super) phase: String,
    /// What it waits for, or why it is where it is.
    pub(super) why: Option<String>,
    #[serde(flatten)]
    pub(super) traffic: Traffic,
    pub(super) variants: Vec<Variant>,
}

/// A version that answers for a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Variant {
    pub(super) name: String,
    pub(super) model: String,
    pub(super) version: u64,
    /// Its share, in per cent; none for who only answers those that ask for it.
    pub(super) weight: Option<f64>,
    /// The phase of the version.
    pub(super) phase: String,
    #[serde(flatten)]
    pub(super) traffic: Traffic,
}

/// A rollout, experiment or bandit that moves by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Course {
    pub(super) pipeline: String,
    pub(super) kind: String,
    pub(super) phase: String,
    /// Where it is among its steps.
    pub(super) progress: Option<String>,
    /// The share of what is on trial, in per cent.
    pub(super) weight: Option<f64>,
    pub(super) why: String,
    pub(super) waits: Option<String>,
}

/// A version that is not ready.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Wait {
    pub(super) model: String,
    pub(super) version: u64,
    pub(super) phase: String,
    pub(super) why: Option<String>,
}

/// Something that was done.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Event {
    pub(super) at: String,
    pub(super) action: String,
    pub(super) actor: String,
    /// Where, and why.
    pub(super) what: String,
}

/// What happened, by pipeline, and by variant, model and version in it.
type Counts<'a> = BTreeMap<&'a str, BTreeMap<(Option<&'a str>, &'a str, u64), Happened>>;

// === impl View ===

impl View {
    /// What an answer shows; with an earlier one, also what happened in between.
    pub(super) fn of(now: &Polled, before: Option<&Polled>) -> Self {
        let status = &now.status;
        let metrics = now.metrics.as_ref();
        let earlier = before.and_then(|before| before.metrics.as_ref());
        let both = metrics.zip(earlier);
        let over = both.and_then(|(now, before)| now.since(before));
        let mut counts = Counts::new();
        let mut all = Happened::default();
        if let (Some((now, before)), Some(_)) = (both, over) {
            for (cell, happened) in now.happened(before) {
                all.add(&happened);
                let key = (cell.variant.as_deref(), cell.model.as_str(), cell.version);
                let of_pipeline = counts.entry(&cell.pipeline).or_default();
                of_pipeline.entry(key).or_default().add(&happened);
            }
        }
        let phases = phases(status);
        let pipelines = list(&status["pipelines"]).iter();
        let pipelines = pipelines.map(|pipeline| Line::of(pipeline, &counts, &phases, over));
        let memory = versions(status).filter_map(|(_, version)| version["memory"].as_u64());
        let freeze = &status["freeze"];
        Self {
            version: cell(&status["version"]),
            uptime: status["uptime"].as_f64().unwrap_or_default() as u64,
            ready: status["ready"] == true,
            revision: status["revision"].as_u64().unwrap_or_default(),
            memory: memory.sum(),
            over,
            freeze: (!freeze.is_null()).then(|| match &freeze["reason"] {
                Value::Null => format!("by {}", cell(&freeze["actor"])),
                reason => format!("by {}: {}", cell(&freeze["actor"]), cell(reason)),
            }),
            traffic: Traffic::of(&all, over),
            pipelines: pipelines.collect(),
            courses: courses(now),
            waits: waits(status),
            events: now.events.iter().map(Event::of).collect(),
            note: metrics
                .is_none()
                .then(|| "this daemon gives no /admin/v1/metrics: traffic is not known".to_owned()),
        }
    }
}

/// All versions with their models.
fn versions(status: &Value) -> impl Iterator<Item = (&str, &Value)> {
    list(&status["models"]).iter().flat_map(|model| {
        let name = model["name"].as_str().unwrap_or_default();
        let versions = list(&model["versions"]).iter();
        versions.map(move |version| (name, version))
    })
}

/// The phases of all versions.
fn phases(status: &Value) -> BTreeMap<(&str, u64), &str> {
    let versions = versions(status).map(|(model, version)| {
        let number = version["version"].as_u64().unwrap_or_default();
        let phase = version["phase"].as_str().unwrap_or_default();
        ((model, number), phase)
    });
    versions.collect()
}

fn waits(status: &Value) -> Vec<Wait> {
    let waiting = versions(status).filter(|(_, version)| {
        let phase = version["phase"].as_str().unwrap_or_default();
        !AT_REST.contains(&phase)
    });
    let wait = waiting.map(|(model, version)| Wait {
        model: model.to_owned(),
        version: version["version"].as_u64().unwrap_or_default(),
        phase: cell(&version["phase"]),
        why: said(&version["reason"]),
    });
    wait.collect()
}

fn courses(now: &Polled) -> Vec<Course> {
    let pipelines = list(&now.status["pipelines"]).iter();
    let moving = pipelines.filter(|pipeline| pipeline["course"]["active"] == true);
    let course = moving.map(|pipeline| {
        let (name, course) = (&pipeline["name"], &pipeline["course"]);
        let more = now.rollouts.iter().find(|rollout| rollout["name"] == *name);
        let variants = list(&course["variants"]);
        // The first is what the others are held against.
        let tried = variants.iter().skip(1);
        let tried: f64 = tried.filter_map(|variant| variant["weight"].as_f64()).sum();
        Course {
            pipeline: cell(name),
            kind: cell(&course["kind"]),
            phase: cell(&course["phase"]),
            progress: more.and_then(|more| said(&more["progress"])),
            weight: Some(tried),
            why: cell(&course["why"]),
            waits: said(&course["waits"]),
        }
    });
    course.collect()
}

/// A text, where there is one.
fn said(value: &Value) -> Option<String> {
    value.as_str().map(ToOwned::to_owned)
}

// === impl Line ===

impl Line {
    fn of(
        pipeline: &Value,
        counts: &Counts<'_>,
        phases: &BTreeMap<(&str, u64), &str>,
        over: Option<f64>,
    ) -> Self {
        let name = cell(&pipeline["name"]);
        let none = BTreeMap::new();
        let counted = counts.get(name.as_str()).unwrap_or(&none);
        let mut all = Happened::default();
        counted.values().for_each(|happened| all.add(happened));
        let course = &pipeline["course"];
        let wait = list(&pipeline["waits"]).first();
        let serves = &pipeline["serves"];
        let phase = match (course["phase"].as_str(), wait) {
            (Some(phase), _) => phase.to_owned(),
            (None, Some(wait)) => cell(&wait["code"]),
            (None, None) if serves.is_null() => "nobody".to_owned(),
            (None, None) => "serving".to_owned(),
        };
        let why = said(&course["waits"])
            .or_else(|| wait.and_then(|wait| said(&wait["why"])))
            .or_else(|| said(&course["why"]));
        let mut variants = Vec::new();
        let shares = list(&course["variants"]);
        if shares.is_empty() && !serves.is_null() {
            variants.push(Variant::of(ALONE, serves, Some(100.0)));
        }
        for share in shares {
            let weight = share["weight"].as_f64();
            variants.push(Variant::of(&cell(&share["name"]), share, weight));
        }
        for ((variant, model, version), happened) in counted {
            let known = variants.iter_mut().find(|known| {
                let same = known.model == *model && known.version == *version;
                same && variant.is_none_or(|name| known.name == name)
            });
            match known {
                Some(known) => known.traffic = Traffic::of(happened, over),
                // Whoever has neither a share nor requests is history.
                None if happened.requests() == 0 => {}
                None => variants.push(Variant {
                    name: variant.unwrap_or(ALONE).to_owned(),
                    model: (*model).to_owned(),
                    version: *version,
                    traffic: Traffic::of(happened, over),
                    ..Variant::default()
                }),
            }
        }
        for variant in &mut variants {
            let phase = phases.get(&(variant.model.as_str(), variant.version));
            phase
                .copied()
                .unwrap_or("gone")
                .clone_into(&mut variant.phase);
            if over.is_some() && variant.traffic.rate.is_none() {
                variant.traffic.rate = Some(0.0);
            }
        }
        Self {
            policy: cell(&pipeline["policy"]),
            phase,
            why,
            traffic: Traffic::of(&all, over),
            variants,
            name,
        }
    }
}

// === impl Variant ===

impl Variant {
    fn of(name: &str, who: &Value, weight: Option<f64>) -> Self {
        Self {
            name: name.to_owned(),
            model: cell(&who["model"]),
            version: who["version"].as_u64().unwrap_or_default(),
            weight,
            ..Self::default()
        }
    }
}

// === impl Traffic ===

impl Traffic {
    fn of(happened: &Happened, over: Option<f64>) -> Self {
        let Some(over) = over else {
            return Self::default();
        };
        Self {
            rate: Some(happened.requests() as f64 / over),
            failing: happened.failing(),
            p50_ms: happened.quantile_ms(0.5),
            p99_ms: happened.quantile_ms(0.99),
        }
    }
}

// === impl Event ===

impl Event {
    fn of(record: &Value) -> Self {
        let changes = list(&record["changes"]);
        let place = changes.first().and_then(|change| change["path"].as_str());
        // `pipelines.front.policy` is about front.
        let about = place.and_then(|place| place.split('.').nth(1));
        let reason = record["reason"].as_str();
        let what: Vec<&str> = about.into_iter().chain(reason).collect();
        Self {
            at: cell(&record["at"]),
            action: cell(&record["action"]),
            actor: cell(&record["actor"]),
            what: what.join(": "),
        }
    }
}
