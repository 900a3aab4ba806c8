//! Families of series as all formats show them. How they are written is the formats' business; what they say, that of the
//! files beside.

use std::fmt::Display;

use crate::measure::{Counts, Exemplar};

/// Names and values of labels, in the order that they are shown in.
pub(super) type Labels = Vec<(&'static str, String)>;

/// Series of one name.
#[derive(Clone, Debug)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
    pub(super) series: Vec<Series>,
}

/// What the values of a family are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    /// A counter whose name is another program's choice, and does not end as Prometheus has it.
    Foreign,
    Gauge,
    Histogram,
}

/// One series.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) labels: Labels,
    pub(super) value: Value,
}

/// What a series is at.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Whole(u64),
    Number(f64),
    Spread(Spread),
}

/// Durations, and some of the requests that took so long.
#[derive(Clone, Debug, Default)]
pub(super) struct Spread {
    pub(super) counts: Counts,
    /// By coarse bucket, the one that has no end last; empty where there are none at all.
    pub(super) exemplars: Vec<Option<Exemplar>>,
}

/// Labels of anything that can be written.
pub(super) fn labels<const N: usize>(pairs: [(&'static str, &dyn Display); N]) -> Labels {
    pairs
        .into_iter()
        .map(|(name, value)| (name, value.to_string()))
        .collect()
}

/// The labels, and one more.
pub(super) fn with(labels: &Labels, name: &'static str, value: impl Display) -> Labels {
    let mut all = Vec::with_capacity(labels.len() + 1);
    all.extend_from_slice(labels);
    all.push((name, value.to_string()));
    all
}

// === impl Family ===

impl Family {
    pub(super) fn counter(name: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::Counter, help)
    }

    pub(super) fn gauge(name: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::Gauge, help)
    }

    pub(super) fn histogram(name: &'static str, help: &'static str) -> Self {
        Self::new(name, Kind::Histogram, help)
    }

    pub(super) fn new(name: &'static str, kind: Kind, help: &'static str) -> Self {
        Self {
            name,
            kind,
            help,
            series: Vec::new(),
        }
    }

    pub(super) fn put(&mut self, labels: Labels, value: impl Into<Value>) {
        let value = value.into();
        self.series.push(Series { labels, value });
    }

    /// The family with a series that has no labels.
    pub(super) fn at(mut self, value: impl Into<Value>) -> Self {
        self.put(Labels::new(), value);
        self
    }

    /// The name without what a counter's ends with.
    pub(super) fn stem(&self) -> &'static str {
        match self.kind {
            Kind::Counter => self.name.strip_suffix("_total").unwrap_or(self.name),
            Kind::Foreign | Kind::Gauge | Kind::Histogram => self.name,
        }
    }

    /// The unit, which the name ends with.
    pub(super) fn unit(&self) -> Option<&'static str> {
        let stem = self.stem();
        ["seconds", "bytes"].into_iter().find(|unit| {
            let rest = stem.strip_suffix(unit);
            rest.is_some_and(|rest| rest.ends_with('_'))
        })
    }
}

// === impl Value ===

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Whole(u64::from(value))
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<&Counts> for Value {
    fn from(counts: &Counts) -> Self {
        Self::Spread(Spread {
            counts: counts.clone(),
            exemplars: Vec::new(),
        })
    }
}
