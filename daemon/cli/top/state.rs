//! The state of a screen: what was seen, and what whoever looks at it asked to see.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::time::Duration;

use super::ask::Polled;
use super::view::{Line, View};

/// All that a screen shows.
#[derive(Clone, Debug)]
pub(super) struct State {
    /// Where the daemon is.
    pub(super) url: String,
    /// How often it is asked.
    pub(super) interval: Duration,
    /// Whether colours are used; everything can be told without.
    pub(super) colours: bool,
    /// What was seen last.
    pub(super) view: Option<View>,
    /// Why there is nothing newer.
    pub(super) trouble: Option<String>,
    /// The name of the pipeline that is pointed at.
    pub(super) selected: Option<String>,
    pub(super) expanded: BTreeSet<String>,
    pub(super) sort: Sort,
    pub(super) filter: String,
    pub(super) mode: Mode,
    pub(super) paused: bool,
    last: Option<Polled>,
}

/// What the keys are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Look,
    /// Letters go to the filter.
    Filter,
    /// Any key puts the help away.
    Help,
}

/// The order of pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Name,
    Rate,
    Failing,
    Slow,
}

// === impl State ===

impl State {
    pub(super) fn new(url: &str, interval: Duration, colours: bool) -> Self {
        Self {
            url: url.to_owned(),
            interval,
            colours,
            view: None,
            trouble: None,
            selected: None,
            expanded: BTreeSet::new(),
            sort: Sort::Name,
            filter: String::new(),
            mode: Mode::Look,
            paused: false,
            last: None,
        }
    }

    /// Takes what a poll came to. While it is paused nothing moves.
    pub(super) fn take(&mut self, polled: Result<Polled, String>) {
        if self.paused {
            return;
        }
        match polled {
            Ok(polled) => {
                self.view = Some(View::of(&polled, self.last.as_ref()));
                self.trouble = None;
                self.last = Some(polled);
            }
            Err(trouble) => self.trouble = Some(trouble),
        }
        self.point();
    }

    /// The pipelines that the filter lets through, in their order.
    pub(super) fn lines(&self) -> Vec<&Line> {
        let lines = self.view.iter().flat_map(|view| &view.pipelines);
        let filter = self.filter.to_lowercase();
        let passes = |line: &&Line| {
            let texts = [&line.name, &line.policy, &line.phase];
            texts
                .iter()
                .any(|text| text.to_lowercase().contains(&filter))
        };
        let mut lines: Vec<&Line> = lines.filter(passes).collect();
        let by: fn(&Line) -> Option<f64> = match self.sort {
            Sort::Name => |_| None,
            Sort::Rate => |line| line.traffic.rate,
            Sort::Failing => |line| line.traffic.failing,
            Sort::Slow => |line| line.traffic.p99_ms,
        };
        lines.sort_by(|a, b| {
            let most_first = by(b).partial_cmp(&by(a)).unwrap_or(Ordering::Equal);
            most_first.then_with(|| a.name.cmp(&b.name))
        });
        lines
    }

    /// Points at so many pipelines further down, or up.
    pub(super) fn step(&mut self, by: isize) {
        let lines = self.lines();
        let at = self.at(&lines).unwrap_or(0);
        let last = lines.len().saturating_sub(1);
        let next = at.saturating_add_signed(by).min(last);
        self.selected = lines.get(next).map(|line| line.name.clone());
    }

    /// Shows the variants of the pipeline that is pointed at, or hides them.
    pub(super) fn expand(&mut self) {
        let Some(name) = self.selected.clone() else {
            return;
        };
        if !self.expanded.remove(&name) {
            self.expanded.insert(name);
        }
    }

    /// Points at a pipeline that is there, where there is one.
    pub(super) fn point(&mut self) {
        let lines = self.lines();
        if self.at(&lines).is_none() {
            self.selected = lines.first().map(|line| line.name.clone());
        }
    }

    /// The place of the pipeline that is pointed at.
    pub(super) fn at(&self, lines: &[&Line]) -> Option<usize> {
        let name = self.selected.as_ref()?;
        lines.iter().position(|line| line.name == *name)
    }
}

// === impl Sort ===

impl Sort {
    pub(super) fn next(self) -> Self {
        match self {
            Self::Name => Self::Rate,
            Self::Rate => Self::Failing,
            Self::Failing => Self::Slow,
            Self::Slow => Self::Name,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Rate => "requests",
            Self::Failing => "failures",
            Self::Slow => "p99",
        }
    }
}
