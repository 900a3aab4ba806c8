//! A decision: who answered a request, why that one, and what became of it.

use std::time::Duration;

use impresario_pipelines::graph::{Fate, Visit};
use impresario_pipelines::table::Why;
use serde::Serialize;
use utoipa::ToSchema;

use super::{ServesV1, time};
use crate::serve::Trail;
use crate::serve::decisions::Record;

/// Who answered a request, and why.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decision)]
pub struct DecisionV1 {
    /// All of it in a sentence.
    pub sentence: String,
    /// The id of the request. Callers choose ids: of several with one id, the newest is meant.
    pub request: String,
    /// When it ended (RFC 3339).
    pub at: String,
    /// The pipeline that was asked.
    pub pipeline: String,
    /// The fleet's revision that it was decided on.
    pub revision: u64,
    /// What shared the requests: `canary`, `experiment` or `bandit`; nothing where one version answers all.
    pub policy: Option<&'static str>,
    /// The revision that began the course, by which evidence is kept.
    pub course: Option<u64>,
    /// Its segment.
    pub segment: Option<u32>,
    /// The variants' shares of the traffic at that moment, in per cent.
    pub weights: Vec<ShareOfV1>,
    /// The slot of 10,000 that decided, where one did.
    pub slot: Option<u16>,
    /// Whose request it is, as a hash of the key; the key itself is not kept.
    pub unit: Option<String>,
    /// The variant that was decided on.
    pub variant: String,
    /// Why that one: `only`, `slot`, `forced`, `direct`, `fallback`, `outside` or `tripped`.
    pub why: &'static str,
    /// The chance that it had, from 0 to 1, where slots decided.
    pub propensity: Option<f64>,
    /// Who answered, or was to.
    pub answered: ServesV1,
    /// That another one answered than was decided on.
    pub rescue: Option<RescueV1>,
    /// How it ended for the caller.
    #[schema(example = "success")]
    pub outcome: &'static str,
    /// Milliseconds in the queue.
    pub queue_ms: f64,
    /// Milliseconds in the engine.
    pub compute_ms: f64,
    /// Milliseconds from the decision to the end.
    pub total_ms: f64,
    /// The nodes of a composite that had to do with it, in the order of its graph.
    pub nodes: Vec<NodeV1>,
    /// The version that saw the request beside, and answered nobody.
    pub shadow: Option<ServesV1>,
    /// The trace that it belongs to, where it belongs to one: 32 hexadecimal digits.
    pub trace: Option<String>,
    /// What was told of it since.
    pub feedback: Vec<FeedbackV1>,
}

/// A variant's share of the traffic.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ShareOf)]
pub struct ShareOfV1 {
    /// The variant.
    pub name: String,
    /// In per cent.
    pub weight: f64,
}

/// That another version answered than was decided on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rescue)]
pub struct RescueV1 {
    /// The variant that failed. It counts against it.
    pub from: String,
    /// How it failed.
    pub why: &'static str,
}

/// What a node of a composite had to do with a request. Rows are those of the request; a graph that does not batch has one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DecisionNode)]
pub struct NodeV1 {
    /// The node.
    pub name: String,
    /// What became of it: `answered`, `fell back`, `defaulted`, `skipped`, `cancelled` or `failed`.
    pub fate: &'static str,
    /// The rows that it was begun for.
    pub rows: usize,
    /// The rows that it was skipped for.
    pub skipped: usize,
    /// The nodes that a switch or splitter took, with the rows.
    pub took: Vec<TookV1>,
    /// The members that an ensemble was without.
    pub missing: Vec<String>,
    /// Why it failed, where it did.
    pub failure: Option<String>,
    /// Whom it asked, in the order in which the calls ended.
    pub calls: Vec<CallV1>,
}

/// A node that a switch or splitter took.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DecisionTook)]
pub struct TookV1 {
    /// The node.
    pub name: String,
    /// For so many rows.
    pub rows: usize,
}

/// A call of a node.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DecisionCall)]
pub struct CallV1 {
    /// Who answered, or was to.
    pub answered: Option<ServesV1>,
    /// As which variant.
    pub variant: Option<String>,
    /// Which attempt it was.
    pub attempt: u32,
    /// For so many rows.
    pub rows: usize,
    /// Milliseconds from the beginning of the composite to that of the call.
    pub began_ms: f64,
    /// Milliseconds that it took.
    pub took_ms: f64,
    /// Why it failed.
    pub failure: Option<String>,
    /// The nodes of a composite that it asked.
    #[schema(no_recursion)]
    pub nodes: Vec<NodeV1>,
}

/// A value that was told of a request after its answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FeedbackValue)]
pub struct FeedbackV1 {
    /// The metric.
    pub metric: String,
    /// The value.
    pub value: f64,
    /// When it came (RFC 3339).
    pub at: String,
}

/// What each node had to do with a request; those that nobody wanted are left out.
fn nodes(trail: &Trail) -> Vec<NodeV1> {
    let name = |node| trail.graph.node(node).name.to_string();
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    let calls = |visit: &Visit| {
        let calls = trail.calls.iter().filter(|call| call.node == visit.node);
        let calls = calls.map(|call| CallV1 {
            answered: call.by.as_ref().map(|(model, version, _)| ServesV1 {
                model: model.to_string(),
                version: version.get(),
            }),
            variant: call.by.as_ref().map(|(_, _, variant)| variant.to_string()),
            attempt: call.attempt,
            rows: call.rows,
            began_ms: ms(call.began),
            took_ms: ms(call.took),
            failure: call.failure.clone(),
            nodes: call.within.as_deref().map_or_else(Vec::new, nodes),
        });
        calls.collect()
    };
    let visits = trail.visits.iter();
    let visits = visits.filter(|visit| visit.fate != Fate::NotNeeded);
    visits
        .map(|visit| NodeV1 {
            name: name(visit.node),
            fate: visit.fate.as_str(),
            rows: visit.rows,
            skipped: visit.skipped,
            took: visit
                .took
                .iter()
                .map(|(node, rows)| TookV1 {
                    name: name(*node),
                    rows: *rows,
                })
                .collect(),
            missing: visit.missing.iter().map(|node| name(*node)).collect(),
            failure: visit.failure.as_deref().map(str::to_owned),
            calls: calls(visit),
        })
        .collect()
}

// === impl DecisionV1 ===

impl From<&Record> for DecisionV1 {
    fn from(record: &Record) -> Self {
        let split = record.split.as_deref();
        let legs = split.map_or(&[][..], |split| &split.legs);
        let shares = legs.iter().zip(record.weights());
        let shares: Vec<_> = shares
            .map(|(leg, weight)| ShareOfV1 {
                name: leg.variant.to_string(),
                weight: weight.percent(),
            })
            .collect();
        let propensity = match (record.why, record.arm) {
            (Why::Slot, Some(arm)) => record.weights().get(arm).map(|weight| weight.share()),
            _ => None,
        };
        let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
        Self {
            sentence: sentence(record, &shares),
            request: record.id.to_string(),
            at: time(record.at_ms),
            pipeline: record.pipeline.to_string(),
            revision: record.revision.0,
            policy: split.map(|split| split.kind),
            course: split.map(|split| split.course),
            segment: split.map(|split| split.segment),
            weights: shares,
            slot: record.slot.map(|slot| slot.get()),
            unit: record.unit.map(|unit| unit.to_string()),
            variant: record.variant.to_string(),
            why: word(record.why),
            propensity,
            answered: ServesV1 {
                model: record.model.to_string(),
                version: record.version.get(),
            },
            rescue: record.rescue.as_ref().map(|rescue| RescueV1 {
                from: rescue.from.to_string(),
                why: rescue.why,
            }),
            outcome: record.outcome.as_str(),
            queue_ms: ms(record.queue),
            compute_ms: ms(record.compute),
            total_ms: ms(record.total),
            nodes: record.trail.as_deref().map_or_else(Vec::new, nodes),
            shadow: record.shadow.as_ref().map(|(model, version)| ServesV1 {
                model: model.to_string(),
                version: version.get(),
            }),
            trace: record.trace.map(|trace| trace.to_string()),
            feedback: record
                .feedback
                .iter()
                .map(|told| FeedbackV1 {
                    metric: told.metric.to_string(),
                    value: told.value,
                    at: time(told.at_ms),
                })
                .collect(),
        }
    }
}

fn word(why: Why) -> &'static str {
    match why {
        Why::Only => "only",
        Why::Slot => "slot",
        Why::Forced => "forced",
        Why::Direct => "direct",
        Why::Fallback => "fallback",
        Why::Outside => "outside",
        Why::Tripped => "tripped",
    }
}

/// Who answered, because of what, and how it ended.
fn sentence(record: &Record, shares: &[ShareOfV1]) -> String {
    let Record {
        variant,
        model,
        version,
        ..
    } = record;
    let share = record.arm.and_then(|arm| shares.get(arm));
    let share = share.map(|share| format!(", which has {} % of the traffic", share.weight));
    let share = share.unwrap_or_default();
    let because = match (record.why, record.slot) {
        (Why::Only, _) => "it is the only one".to_owned(),
        (Why::Slot, Some(slot)) => {
            let drawn = match record.unit {
                Some(_) => "the slot of its key",
                None => "the slot that was drawn",
            };
            format!("{drawn}, {}, belongs to it{share}", slot.get())
        }
        (Why::Slot, None) => format!("its slot belongs to it{share}"),
        (Why::Forced, _) => "the request asked for the variant".to_owned(),
        (Why::Direct, _) => "the request asked for the version".to_owned(),
        (Why::Fallback, _) => "the variant of its slot could not answer".to_owned(),
        (Why::Outside, _) => "its key takes no part".to_owned(),
        (Why::Tripped, _) => "the variant of its slot failed in a row and was cut off".to_owned(),
    };
    let ended = match &record.rescue {
        Some(rescue) => format!(
            "'{}' failed ({}), and model '{model}' version {version} answered in its place",
            rescue.from, rescue.why
        ),
        None if record.outcome.as_str() == "success" => {
            format!("model '{model}' version {version} answered")
        }
        None => format!(
            "model '{model}' version {version} was to answer; it ended as {}",
            record.outcome.as_str()
        ),
    };
    format!("variant '{variant}', because {because}: {ended}")
}
