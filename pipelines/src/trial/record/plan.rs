//! What is gathered: which metrics, and how a request's values become the two numbers that a goal sums up.

use super::{DIMENSIONS, Unit};
use crate::spec::experiment::{Dimension, Experiment, Goal, GoalKind};

/// What is gathered, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    metrics: Vec<String>,
    dimensions: Vec<Dimension>,
    pub(in crate::trial) takes: Vec<Take>,
    pub(super) arms: usize,
    unit: Unit,
}

/// What a goal takes of a request's values, by the metrics' indexes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Take {
    /// Whether there is one other than zero.
    Binary(usize),
    /// The value, up to the cap, and what was known before.
    Mean {
        value: usize,
        cap: Option<f64>,
        covariate: Option<usize>,
    },
    /// The value and what it is divided by.
    Ratio { value: usize, per: usize },
    /// The value.
    Quantile { value: usize, q: f64 },
}

/// What one request gives to one goal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Pair {
    pub(crate) y: Option<f64>,
    pub(crate) x: Option<f64>,
}

// === impl Plan ===

impl Plan {
    pub(super) fn new(spec: &Experiment, unit: Unit) -> Self {
        let (metrics, takes) = Take::all(spec.goals.iter().chain(&spec.guardrails));
        Self {
            metrics,
            dimensions: spec.segments.iter().take(DIMENSIONS).cloned().collect(),
            takes,
            arms: spec.arms.len(),
            unit,
        }
    }

    /// The metrics whose feedback is wanted; their order is that of the values.
    #[must_use]
    pub fn metrics(&self) -> &[String] {
        &self.metrics
    }

    /// The declared segments. A request's value in one is its index in `values`, and for all others their number.
    #[must_use]
    pub fn dimensions(&self) -> &[Dimension] {
        &self.dimensions
    }

    /// What the statistics count.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// The index of a request's value in a declared segment.
    #[must_use]
    pub fn place(dimension: &Dimension, value: Option<&str>) -> u8 {
        let mut values = dimension.values.iter();
        let index = values.position(|known| Some(known.as_str()) == value);
        index
            .unwrap_or(dimension.values.len())
            .try_into()
            .unwrap_or(u8::MAX)
    }
}

// === impl Take ===

impl Take {
    /// What goals take, and the metrics that their indexes mean.
    pub(crate) fn all<'a>(goals: impl IntoIterator<Item = &'a Goal>) -> (Vec<String>, Vec<Self>) {
        let mut metrics: Vec<String> = Vec::new();
        let mut index = |name: &str| {
            let known = metrics.iter().position(|metric| metric == name);
            known.unwrap_or_else(|| {
                metrics.push(name.to_owned());
                metrics.len() - 1
            })
        };
        let takes = goals.into_iter().map(|goal| Take::of(goal, &mut index));
        let takes = takes.collect();
        (metrics, takes)
    }

    fn of(goal: &Goal, index: &mut impl FnMut(&str) -> usize) -> Self {
        let value = index(&goal.metric);
        match &goal.kind {
            GoalKind::Binary => Self::Binary(value),
            GoalKind::Mean { cap, covariate } => Self::Mean {
                value,
                cap: *cap,
                covariate: covariate.as_deref().map(index),
            },
            GoalKind::Ratio { per } => Self::Ratio {
                value,
                per: index(per),
            },
            GoalKind::Quantile(q) => Self::Quantile { value, q: *q },
        }
    }

    pub(crate) fn pair(&self, values: &[Option<f64>]) -> Pair {
        let get = |index: usize| {
            let value = values.get(index).copied().flatten();
            value.filter(|value| value.is_finite())
        };
        match *self {
            Self::Binary(value) => Pair {
                y: get(value).map(|value| f64::from(u8::from(value != 0.0))),
                x: None,
            },
            Self::Mean {
                value,
                cap,
                covariate,
            } => Pair {
                y: get(value).map(|value| value.min(cap.unwrap_or(f64::INFINITY))),
                x: covariate.and_then(get),
            },
            Self::Ratio { value, per } => Pair {
                y: get(value),
                x: get(per),
            },
            Self::Quantile { value, .. } => Pair {
                y: get(value),
                x: None,
            },
        }
    }
}
