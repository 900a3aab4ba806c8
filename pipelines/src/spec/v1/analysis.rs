//! What a canary must show before a step is left. What it is guarded by is in [`guardrail`](super::guardrail).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::guardrail::{self, GuardrailSpec};
use super::scalars::{Number, duration, optional, share, time};
use crate::spec::canary::{Analysis, Canary, Inconclusive, Step};
use crate::spec::read::{Field, Part, Reader, describe};
use crate::spec::suggest::nearest;

/// What must be shown before a step is left. Whatever is not written is as in the built-in analysis, whose name is
/// `default`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnalysisSpec {
    /// The chance of aborting a canary that is no worse, from 0.000001 to 0.5: a number, or text such as `"1%"`.
    /// Default: 0.01.
    pub alpha: Number,
    /// The chance of passing a canary that is worse than the margin, from 0.000001 to 0.5. Default: 0.05.
    pub beta: Number,
    /// The shortest time, up to 30 days; it stands still while the daemon is down. Default: `"1m"`.
    pub min_time: String,
    /// Users, or requests where no key tells users apart, that each version must have met, from 1 to 1,000,000,000.
    /// Default: 100.
    pub min_units: u64,
    /// How long the evidence may take, from 1 s to 30 days, longer than `min_time`. Default: `"1d"`.
    pub deadline: String,
    /// What happens then: `"hold"` waits for somebody, `"advance"` goes on, `"abort"` ends the rollout.
    /// Default: `"hold"`.
    pub on_inconclusive: &'static str,
    /// What is guarded, from 1 to 20 metrics. Default: `errors` with the weight 0.4, and `timeouts`, `slow-p90` and
    /// `non-finite`.
    pub guardrails: Vec<GuardrailSpec>,
}

const SECOND: Duration = Duration::from_secs(1);
const LEVELS: std::ops::RangeInclusive<f64> = 1e-6..=0.5;
const MAX_ANALYSES: usize = 64;

/// The most units that a specification may ask for.
pub(super) const MAX_UNITS: u64 = 1_000_000_000;

const ON_INCONCLUSIVE: [(&str, Inconclusive); 3] = [
    ("hold", Inconclusive::Hold),
    ("advance", Inconclusive::Advance),
    ("abort", Inconclusive::Abort),
];

/// The analyses that steps may name.
pub(super) struct Analyses<'v> {
    written: BTreeMap<&'v str, Written<'v>>,
    built_in: Arc<Analysis>,
}

struct Written<'v> {
    field: Field<'v>,
    /// Nothing where it is wrong, which was told.
    analysis: Option<Arc<Analysis>>,
    used: bool,
}

// === impl Analyses ===

impl<'v> Analyses<'v> {
    /// Reads the table of analyses.
    pub(super) fn read(field: Option<&Field<'v>>, reader: &mut Reader<'_>) -> Option<Self> {
        let mut analyses = Self {
            written: BTreeMap::new(),
            built_in: Arc::default(),
        };
        let Some(field) = field else {
            return Some(analyses);
        };
        let table = field.table(reader)?;
        let entries: Vec<_> = table.entries().collect();
        if entries.len() > MAX_ANALYSES {
            let message = format!(
                "expected at most {MAX_ANALYSES} analyses, got {}",
                entries.len()
            );
            reader.error(field, "too-many", message);
            return None;
        }
        for (key, field) in entries {
            if let Err(error) = impresario_models::Name::new(key) {
                let text = error.to_string();
                let problem = reader.problem(field.path(), Part::Key, "invalid-name", text);
                reader.push(problem);
            }
            let analysis = analysis(key, &field, reader).map(Arc::new);
            let used = false;
            let written = Written {
                field,
                analysis,
                used,
            };
            analyses.written.insert(key, written);
        }
        Some(analyses)
    }

    /// The analysis that a step names.
    pub(super) fn named(
        &mut self,
        field: &Field<'_>,
        reader: &mut Reader<'_>,
    ) -> Option<Arc<Analysis>> {
        let name = field.text(reader)?;
        if name == Analysis::DEFAULT || self.written.contains_key(name) {
            return self.usual(name);
        }
        let mut known: Vec<&str> = self.written.keys().copied().collect();
        if !known.contains(&Analysis::DEFAULT) {
            known.push(Analysis::DEFAULT);
        }
        let message = format!("there is no analysis {}", describe(field.value()));
        let problem = field.problem(reader, "unknown-analysis", message);
        reader.push(match nearest(name, known.iter().copied()) {
            Some(meant) => problem.hint(format!("did you mean '{meant}'?")),
            None => problem.hint(format!("known here: {}", known.join(", "))),
        });
        None
    }

    /// The analysis of a name that is known: the written one, or the built-in one.
    pub(super) fn usual(&mut self, name: &str) -> Option<Arc<Analysis>> {
        match self.written.get_mut(name) {
            Some(written) => {
                written.used = true;
                written.analysis.clone()
            }
            None => Some(Arc::clone(&self.built_in)),
        }
    }

    /// Warns of those that no step names.
    pub(super) fn finish(self, reader: &mut Reader<'_>) {
        for (name, written) in &self.written {
            // One that is wrong was told already.
            if !written.used && written.analysis.is_some() {
                let message = format!("no step names the analysis '{name}'");
                let path = written.field.path();
                let problem = reader.problem(path, Part::Key, "unused", message).warning();
                reader.push(problem.hint(format!("add {{ analyze = \"{name}\" }} to the steps")));
            }
        }
    }
}

// === reading ===

fn analysis(key: &str, field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Analysis> {
    let mut table = field.table(reader)?;
    let (alpha, beta) = (table.get("alpha"), table.get("beta"));
    let (min_time, min_units) = (table.get("min_time"), table.get("min_units"));
    let deadline = table.get("deadline");
    let on_inconclusive = table.get("on_inconclusive");
    let guardrails = table.get("guardrails");
    table.finish(reader);
    let usual = Analysis::default();
    let alpha = optional(alpha, |f| share(f, reader, LEVELS));
    let beta = optional(beta, |f| share(f, reader, LEVELS));
    let min_time = optional(min_time, |f| time(f, reader, Duration::ZERO));
    let min_units = optional(min_units, |f| f.whole(reader, 1..=MAX_UNITS));
    let at = deadline.clone().unwrap_or_else(|| field.clone());
    let deadline = optional(deadline, |f| time(f, reader, SECOND));
    let on_inconclusive = optional(on_inconclusive, |f| f.choice(reader, &ON_INCONCLUSIVE));
    let guardrails = optional(guardrails, |f| guardrail::read(f, reader));
    let min_time = min_time?.unwrap_or(usual.min_time);
    let deadline = deadline?.unwrap_or(usual.deadline);
    if deadline <= min_time {
        let (deadline, min_time) = (duration(deadline), duration(min_time));
        let message = format!("the deadline of {deadline} is not after min_time, {min_time}");
        reader.error(&at, "never-concludes", message);
        return None;
    }
    Some(Analysis {
        name: key.to_owned(),
        alpha: alpha?.unwrap_or(usual.alpha),
        beta: beta?.unwrap_or(usual.beta),
        guardrails: guardrails?.unwrap_or(usual.guardrails),
        min_time,
        min_units: min_units?.unwrap_or(usual.min_units),
        deadline,
        on_inconclusive: on_inconclusive?.unwrap_or(usual.on_inconclusive),
    })
}

// === writing ===

/// The analyses of a canary's steps, by name.
pub(super) fn written(canary: &Canary) -> BTreeMap<String, AnalysisSpec> {
    let analyses = canary.steps.iter().filter_map(|step| match step {
        Step::Analyze(analysis) => Some((analysis.name.clone(), AnalysisSpec::from(&**analysis))),
        Step::Shadow(_) | Step::SetWeight { .. } | Step::Pause(_) | Step::Approval => None,
    });
    analyses.collect()
}

impl From<&Analysis> for AnalysisSpec {
    fn from(analysis: &Analysis) -> Self {
        let word = |(_, what): &&(&str, _)| *what == analysis.on_inconclusive;
        let word = ON_INCONCLUSIVE.iter().find(word);
        Self {
            alpha: analysis.alpha.into(),
            beta: analysis.beta.into(),
            min_time: duration(analysis.min_time),
            min_units: analysis.min_units,
            deadline: duration(analysis.deadline),
            on_inconclusive: word.map_or("hold", |(word, _)| word),
            guardrails: analysis
                .guardrails
                .iter()
                .map(GuardrailSpec::from)
                .collect(),
        }
    }
}
