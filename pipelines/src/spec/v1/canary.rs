//! Canaries as they are written. Their steps, analyses and windows have files of their own.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::analysis::{self, Analyses, AnalysisSpec};
use super::freeze::{self, WindowSpec};
use super::scalars::{duration, each, list, name, optional, time, version};
use super::steps::{self, StepSpec};
use crate::spec::canary::Canary;
use crate::spec::read::{Reader, Table};

/// A version earns the traffic of another, step by step.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CanarySpec {
    /// The model's name. Required.
    pub model: String,
    /// The number of the version that answers now. Required.
    pub stable: u64,
    /// The number of the version that is to answer. Required.
    pub canary: u64,
    /// What it goes through, in order, from 1 to 64 steps; after the last one it is promoted. Default: the weights
    /// 1, 5, 25 and 50, each followed by `{ analyze = "default" }`.
    pub steps: Vec<StepSpec>,
    /// Analyses by name, for the steps that analyze. Default: `default` alone, which is built in.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub analyses: BTreeMap<String, AnalysisSpec>,
    /// Whether the stable answers where the canary failed, within the caller's time. Default: true.
    pub rescue: bool,
    /// How long the old version stays in memory after the promotion, up to 30 days. Default: `"10m"`.
    pub soak: String,
    /// How long the canary may take to be ready, from 1 s to 30 days. Default: `"10m"`.
    pub prepare: String,
    /// How long the canary may be unavailable before the rollout is aborted, from 1 s to 30 days. Default: `"5m"`.
    pub unavailable: String,
    /// When the rollout does not advance, at most 64 windows. Default: never.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub freeze: Vec<WindowSpec>,
}

const SECOND: Duration = Duration::from_secs(1);
const MAX_WINDOWS: usize = 64;

// === reading ===

pub(super) fn read(mut table: Table<'_>, reader: &mut Reader<'_>) -> Option<Canary> {
    let model = table.need("model", reader);
    let (stable, canary) = (table.need("stable", reader), table.need("canary", reader));
    let (steps, analyses) = (table.get("steps"), table.get("analyses"));
    let (rescue, soak) = (table.get("rescue"), table.get("soak"));
    let (prepare, unavailable) = (table.get("prepare"), table.get("unavailable"));
    let freeze = table.get("freeze");
    table.finish(reader);

    let model = model.and_then(|field| name(&field, reader));
    let stable = stable.and_then(|field| version(&field, reader));
    let canary = canary.and_then(|field| {
        let canary = version(&field, reader)?;
        if stable == Some(canary) {
            let message = format!("version {canary} is the stable too");
            let problem = field.problem(reader, "same-version", message);
            reader.push(problem.hint("name the version that is to answer"));
            return None;
        }
        Some(canary)
    });
    let steps = Analyses::read(analyses.as_ref(), reader).and_then(|mut analyses| {
        let steps = match steps {
            Some(field) => steps::read(&field, &mut analyses, reader),
            None => steps::usual(&mut analyses),
        };
        analyses.finish(reader);
        steps
    });
    let rescue = optional(rescue, |field| field.flag(reader));
    let soak = optional(soak, |field| time(field, reader, Duration::ZERO));
    let prepare = optional(prepare, |field| time(field, reader, SECOND));
    let unavailable = optional(unavailable, |field| time(field, reader, SECOND));
    let freeze = optional(freeze, |field| {
        let windows = list(field, reader, 0..=MAX_WINDOWS)?;
        each(&windows, |window| freeze::read(window, reader))
    });
    Some(Canary {
        model: model?,
        stable: stable?,
        canary: canary?,
        steps: steps?,
        rescue: rescue?.unwrap_or(true),
        soak: soak?.unwrap_or(Canary::SOAK),
        prepare: prepare?.unwrap_or(Canary::PREPARE),
        unavailable: unavailable?.unwrap_or(Canary::UNAVAILABLE),
        freeze: freeze?.unwrap_or_default(),
    })
}

// === writing ===

impl From<&Canary> for CanarySpec {
    fn from(canary: &Canary) -> Self {
        Self {
            model: canary.model.to_string(),
            stable: canary.stable.get(),
            canary: canary.canary.get(),
            steps: canary.steps.iter().map(StepSpec::from).collect(),
            analyses: analysis::written(canary),
            rescue: canary.rescue,
            soak: duration(canary.soak),
            prepare: duration(canary.prepare),
            unavailable: duration(canary.unavailable),
            freeze: canary
                .freeze
                .iter()
                .copied()
                .map(WindowSpec::from)
                .collect(),
        }
    }
}
