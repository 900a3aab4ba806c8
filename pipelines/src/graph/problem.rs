//! What is wrong with a composite, and where in it. The text that it is written in, if any, is the reader's: places are
//! turned into lines where it is at hand.

use std::fmt;
use std::sync::Arc;

use crate::spec;
use crate::spec::document::Path;
use crate::spec::read::{Origin, Part, Place};

/// Something wrong with a composite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where in it.
    pub at: At,
    /// A stable word for this kind of problem, such as `unknown-port`.
    pub code: &'static str,
    /// What is wrong: expected and got.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A place in a composite as it is written, such as `nodes.vote.of[1]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Key(Arc<str>),
    Index(usize),
}

// === impl Problem ===

impl Problem {
    /// A problem without a remedy.
    #[must_use]
    pub fn new(at: At, code: &'static str, message: String) -> Self {
        Self {
            at,
            code,
            message,
            hint: None,
        }
    }

    /// The same problem with a remedy, where there is one.
    #[must_use]
    pub fn hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }

    /// The problem of a composite that stands at `base` in a specification, such as `pipelines.credit.policy`, without a
    /// place in a text.
    #[must_use]
    pub fn within(&self, base: &Path) -> spec::Problem {
        self.placed(base, &Nowhere)
    }

    /// The problem of a composite that stands at `base`, with its place in the text that `origin` knows. What is not
    /// written there, such as an input that is left out, is placed where the nearest thing around it begins.
    #[must_use]
    pub fn placed(&self, base: &Path, origin: &dyn Origin) -> spec::Problem {
        let mut place = Place::default();
        for length in (0..=self.at.0.len()).rev() {
            let whole = length == self.at.0.len() && length > 2;
            let part = if whole { Part::Value } else { Part::Key };
            place = origin.place(&self.at.first(length, base), part);
            if place.position.is_some() {
                break;
            }
        }
        let problem = spec::Problem {
            severity: spec::Severity::Error,
            file: place.file,
            line: None,
            column: None,
            path: self.at.path(base).as_str().to_owned(),
            code: self.code,
            message: self.message.clone(),
            hint: self.hint.clone(),
        };
        problem.at(place.position)
    }
}

/// `error[unknown-port] nodes.vote.of[1]: … (hint: …)`
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.within(&Path::default()).fmt(f)
    }
}

/// A composite that stands in no text.
struct Nowhere;

impl Origin for Nowhere {
    fn place(&self, _: &Path, _: Part) -> Place {
        Place::default()
    }
}

// === impl At ===

impl At {
    /// A node as a whole.
    #[must_use]
    pub fn node(name: &str) -> Self {
        Self::default().key("nodes").key(name)
    }

    /// An output of the composite.
    #[must_use]
    pub fn output(name: &str) -> Self {
        Self::default().key("outputs").key(name)
    }

    /// The entry of a table at this place.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.0.push(Step::Key(key.into()));
        self
    }

    /// The element of a list at this place, from 0.
    #[must_use]
    pub fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }

    /// The place of a composite that stands at `base`.
    #[must_use]
    pub fn path(&self, base: &Path) -> Path {
        self.first(self.0.len(), base)
    }

    fn first(&self, length: usize, base: &Path) -> Path {
        let steps = self.0[..length].iter();
        steps.fold(base.clone(), |path, step| match step {
            Step::Key(key) => path.key(key),
            Step::Index(index) => path.index(*index),
        })
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path(&Path::default()).fmt(f)
    }
}
