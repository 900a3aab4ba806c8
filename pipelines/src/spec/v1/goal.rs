//! Goals: quantities that feedback or the daemon measures, and which way is better.

use serde::Serialize;

use super::scalars::{Number, name, optional};
use crate::spec::experiment::{Better, Goal, GoalKind};
use crate::spec::read::{Field, Reader, Table};

/// A quantity that is to become better, or must not become worse.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GoalSpec {
    /// The metric's name in feedback. `errors`, and `latency` in seconds, the daemon measures itself. Required.
    pub metric: String,
    /// How values are summed up: `"binary"` (the share of users with a value other than zero), `"mean"` (of the
    /// users' sums), `"ratio"` (of the sum to the sum of `per`) or `"quantile"`. `errors` is binary; `latency` is a
    /// mean or a quantile. Required.
    pub kind: &'static str,
    /// The metric that a ratio is to. Required there, and unknown elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per: Option<String>,
    /// The quantile, from 0.001 to 0.999. Required for `quantile`, and unknown elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantile: Option<Number>,
    /// Sums beyond this count as this much; above 0. For `mean` only. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cap: Option<Number>,
    /// A metric from before the exposure that explains some of it (CUPED). For `mean` only. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covariate: Option<String>,
    /// `"higher"` or `"lower"`. Default: `"lower"` for `errors` and `latency`, `"higher"` for all others.
    pub better: &'static str,
    /// The smallest relative difference that matters, from 0.0001 to 10. Default: 0.05.
    pub mde: Number,
}

#[derive(Clone, Copy)]
enum Kind {
    Binary,
    Mean,
    Ratio,
    Quantile,
}

const KINDS: [(&str, Kind); 4] = [
    ("binary", Kind::Binary),
    ("mean", Kind::Mean),
    ("ratio", Kind::Ratio),
    ("quantile", Kind::Quantile),
];

// === reading ===

/// Reads goals one by one, and tells those that are about the same number.
#[derive(Default)]
pub(super) struct Goals(Vec<(Goal, String)>);

impl Goals {
    pub(super) fn take(&mut self, field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Goal> {
        let goal = goal(field, reader)?;
        if let Some((_, first)) = self.0.iter().find(|(other, _)| goal.is_like(other)) {
            let (kind, metric) = (goal.kind.as_str(), &goal.metric);
            let message = format!("'{metric}' ({kind}) is there twice, first at {first}");
            let problem = field.problem(reader, "duplicate", message);
            reader.push(problem.hint("keep one of the two"));
            return None;
        }
        self.0.push((goal.clone(), field.path().to_string()));
        Some(goal)
    }

    /// How many are sound.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

fn goal(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Goal> {
    let mut table = field.table(reader)?;
    let metric = table.need("metric", reader);
    let kind_field = table.need("kind", reader);
    let (better, mde) = (table.get("better"), table.get("mde"));
    let kind = kind_field
        .as_ref()
        .and_then(|field| field.choice(reader, &KINDS));
    let own = Own::of(kind, &mut table, reader);
    table.finish(reader);
    let metric = metric.and_then(|field| self::metric(&field, reader));
    let words = [Better::Higher, Better::Lower].map(|better| (better.as_str(), better));
    let better = optional(better, |field| field.choice(reader, &words));
    let mde = optional(mde, |field| field.number(reader, 0.0001..=10.0));
    let kind = own.and_then(|own| own.read(metric.as_deref(), reader));
    let (metric, kind) = (metric?, kind?);
    let usual = match metric.as_str() {
        Goal::ERRORS | Goal::LATENCY => Better::Lower,
        _ => Better::Higher,
    };
    let fits = match metric.as_str() {
        Goal::ERRORS => matches!(kind, GoalKind::Binary),
        Goal::LATENCY => matches!(kind, GoalKind::Mean { .. } | GoalKind::Quantile(_)),
        _ => true,
    };
    if !fits && let Some(field) = kind_field {
        let message = match metric.as_str() {
            Goal::ERRORS => "'errors' is what happens or not: expected binary",
            _ => "'latency' is a time: expected mean or quantile",
        };
        let message = format!("{message}, got {}", kind.as_str());
        reader.error(&field, "wrong-kind", message);
        return None;
    }
    Some(Goal {
        metric,
        kind,
        better: better?.unwrap_or(usual),
        mde: mde?.unwrap_or(Goal::MDE),
    })
}

/// The name of a metric.
pub(super) fn metric(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<String> {
    name(field, reader).map(String::from)
}

/// The fields of a kind, as far as they are written.
enum Own<'v> {
    Binary,
    Mean {
        cap: Option<Field<'v>>,
        covariate: Option<Field<'v>>,
    },
    Ratio {
        per: Field<'v>,
    },
    Quantile {
        quantile: Field<'v>,
    },
}

impl<'v> Own<'v> {
    fn of(kind: Option<Kind>, table: &mut Table<'v>, reader: &mut Reader<'_>) -> Option<Self> {
        let Some(kind) = kind else {
            // Where the kind is not known, no field of any is unknown.
            for key in ["cap", "covariate", "per", "quantile"] {
                table.get(key);
            }
            return None;
        };
        Some(match kind {
            Kind::Binary => Self::Binary,
            Kind::Mean => Self::Mean {
                cap: table.get("cap"),
                covariate: table.get("covariate"),
            },
            Kind::Ratio => Self::Ratio {
                per: table.need("per", reader)?,
            },
            Kind::Quantile => Self::Quantile {
                quantile: table.need("quantile", reader)?,
            },
        })
    }

    fn read(self, of: Option<&str>, reader: &mut Reader<'_>) -> Option<GoalKind> {
        let mut other = |field: &Field<'_>| {
            let metric = metric(field, reader)?;
            if of == Some(metric.as_str()) {
                let message = format!("expected another metric than '{metric}' itself");
                reader.error(field, "same-metric", message);
                return None;
            }
            Some(metric)
        };
        match self {
            Self::Binary => Some(GoalKind::Binary),
            Self::Mean { cap, covariate } => {
                let covariate = optional(covariate, &mut other);
                let cap = optional(cap, |field| field.number(reader, 1e-9..=f64::MAX));
                let (cap, covariate) = (cap?, covariate?);
                Some(GoalKind::Mean { cap, covariate })
            }
            Self::Ratio { per } => other(&per).map(|per| GoalKind::Ratio { per }),
            Self::Quantile { quantile } => {
                let quantile = quantile.number(reader, 0.001..=0.999);
                quantile.map(GoalKind::Quantile)
            }
        }
    }
}

// === writing ===

impl From<&Goal> for GoalSpec {
    fn from(goal: &Goal) -> Self {
        let mut spec = Self {
            metric: goal.metric.clone(),
            kind: goal.kind.as_str(),
            per: None,
            quantile: None,
            cap: None,
            covariate: None,
            better: goal.better.as_str(),
            mde: goal.mde.into(),
        };
        match &goal.kind {
            GoalKind::Binary => {}
            GoalKind::Mean { cap, covariate } => {
                spec.cap = cap.map(Number);
                spec.covariate.clone_from(covariate);
            }
            GoalKind::Ratio { per } => spec.per = Some(per.clone()),
            GoalKind::Quantile(quantile) => spec.quantile = Some(Number(*quantile)),
        }
        spec
    }
}
