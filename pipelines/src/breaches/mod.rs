//! Breaches: what a consumer of one contract trips over when another one takes its place.
//!
//! Inputs and outputs are judged the opposite way round: the new version must take all that the old one took, and
//! answer nothing that the old one could not have answered. What is done about a breach, others decide.

mod ports;
mod rows;
mod ties;

use std::fmt;
use std::sync::Arc;

use impresario_models::contract::Side;
use impresario_models::{Contract, Port};

use crate::spec::nearest;

/// One difference between two contracts that a consumer may notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The side that it is on.
    pub side: Side,
    /// The port; none where it concerns the whole side.
    pub port: Option<Arc<str>>,
    /// What differs.
    pub kind: Kind,
    /// Whether it breaks a consumer.
    pub severity: Severity,
    /// Expected, by the old contract, and got, by the new one.
    pub message: String,
    /// What may be behind it, where that can be guessed.
    pub hint: Option<String>,
}

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A port is gone.
    Missing,
    /// A port is new.
    Added,
    /// A port stands at another place.
    Order,
    /// The datatype. Tensors state theirs and it is compared exactly, so that every change of it breaks.
    Datatype,
    /// The number of axes, or their sizes.
    Shape,
    /// Which axes have the same size.
    Ties,
    /// The range of numbers.
    Range,
    /// The allowed categories.
    Categories,
    /// Whether NaN and infinities may pass.
    NonFinite,
    /// The labels of the last axis, or their order.
    Labels,
    /// Whether the first axis counts rows, and how many there may be.
    Batching,
}

/// How much a difference matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// What worked works on: more is taken, or less is answered.
    Widening,
    /// Something that worked may not work any more.
    Breaking,
}

/// What two contracts come to: the worst of their differences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// There is none.
    #[default]
    Same,
    /// The new contract can do all that the old one could.
    Widening,
    /// A consumer of the old contract may break.
    Breaking,
}

/// Which way a set of allowed things changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Narrower,
    Wider,
    /// Some came and some went.
    Other,
}

/// All differences between two contracts that a consumer of the old one may notice, in the order of its ports.
#[must_use]
pub fn breaches(old: &Contract, new: &Contract) -> Vec<Breach> {
    let mut found = Vec::new();
    side(Side::Input, (&old.inputs, &new.inputs), &mut found);
    ties::compare(Side::Input, old, new, &mut found);
    rows::compare(old, new, &mut found);
    side(
        Side::Output,
        (&old.outputs, &rows::answered(old, new)),
        &mut found,
    );
    ties::compare(Side::Output, old, new, &mut found);
    found
}

/// Whether nothing that a consumer of the old contract relies on is broken by the new one.
#[must_use]
pub fn compatible(old: &Contract, new: &Contract) -> bool {
    Verdict::of(&breaches(old, new)) < Verdict::Breaking
}

/// The ports of one side, old and new.
fn side(side: Side, (old, new): (&[Port], &[Port]), found: &mut Vec<Breach>) {
    let at = |ports: &[Port], name: &str| ports.iter().position(|port| *port.name == *name);
    let added: Vec<&Port> = new.iter().filter(|p| at(old, &p.name).is_none()).collect();
    for (place, port) in old.iter().enumerate() {
        let Some(now) = at(new, &port.name) else {
            let (message, hint) = (missing(port), renamed(port, &added));
            let breach = Breach::of(side, port, Kind::Missing, Severity::Breaking, message);
            found.push(Breach { hint, ..breach });
            continue;
        };
        if side == Side::Output && now != place {
            let message = format!("expected at place {place}, got place {now}");
            let breach = Breach::of(side, port, Kind::Order, Severity::Widening, message);
            let hint = Some("whoever reads outputs by name does not notice".to_owned());
            found.push(Breach { hint, ..breach });
        }
        ports::compare(side, port, &new[now], found);
    }
    for port in added {
        let (severity, message) = match side {
            Side::Input => (
                Severity::Breaking,
                "expected no such input, got a required one",
            ),
            Side::Output => (Severity::Widening, "expected no such output, got one more"),
        };
        found.push(Breach::of(
            side,
            port,
            Kind::Added,
            severity,
            message.into(),
        ));
    }
}

fn missing(port: &Port) -> String {
    format!("expected {}, got none", ports::typed(port))
}

/// The new port that an old one has perhaps become: of the same type, and of a similar name or the only one.
fn renamed(port: &Port, added: &[&Port]) -> Option<String> {
    let alike = |new: &&Port| new.datatype == port.datatype && new.shape.len() == port.shape.len();
    let names: Vec<&str> = added
        .iter()
        .copied()
        .filter(alike)
        .map(|new| &*new.name)
        .collect();
    let meant = match (nearest(&port.name, names.iter().copied()), &names[..]) {
        (Some(name), _) | (None, &[name]) => name,
        _ => return None,
    };
    Some(format!(
        "perhaps it is now called '{meant}', which has the same datatype"
    ))
}

// === impl Breach ===

impl Breach {
    fn of(side: Side, port: &Port, kind: Kind, severity: Severity, message: String) -> Self {
        Self {
            side,
            port: Some(Arc::clone(&port.name)),
            kind,
            severity,
            message,
            hint: None,
        }
    }
}

/// A line such as `input 'age': expected datatype FP32, got FP64`.
impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.port {
            Some(port) => write!(f, "{} '{port}': {}", self.side, self.message)?,
            None => write!(f, "{}s: {}", self.side, self.message)?,
        }
        match &self.hint {
            Some(hint) => write!(f, " (hint: {hint})"),
            None => Ok(()),
        }
    }
}

// === impl Kind ===

impl Kind {
    /// The stable word for it, in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Added => "added",
            Self::Order => "order",
            Self::Datatype => "datatype",
            Self::Shape => "shape",
            Self::Ties => "ties",
            Self::Range => "range",
            Self::Categories => "categories",
            Self::NonFinite => "non-finite",
            Self::Labels => "labels",
            Self::Batching => "batching",
        }
    }
}

// === impl Severity ===

impl Severity {
    /// The stable word for it, in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Widening => "widening",
            Self::Breaking => "breaking",
        }
    }
}

// === impl Verdict ===

impl Verdict {
    /// The worst of some breaches.
    #[must_use]
    pub fn of(breaches: &[Breach]) -> Self {
        let worst = breaches.iter().map(|breach| breach.severity).max();
        match worst {
            None => Self::Same,
            Some(Severity::Widening) => Self::Widening,
            Some(Severity::Breaking) => Self::Breaking,
        }
    }

    /// The stable word for it, in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Widening => "widening",
            Self::Breaking => "breaking",
        }
    }
}

// === impl Change ===

impl Change {
    /// What changed of what is allowed; nothing where neither did.
    fn of(narrower: bool, wider: bool) -> Option<Self> {
        match (narrower, wider) {
            (false, false) => None,
            (true, false) => Some(Self::Narrower),
            (false, true) => Some(Self::Wider),
            (true, true) => Some(Self::Other),
        }
    }

    /// Taking more and answering less break nobody.
    fn severity(self, side: Side) -> Severity {
        match (side, self) {
            (Side::Input, Self::Wider) | (Side::Output, Self::Narrower) => Severity::Widening,
            _ => Severity::Breaking,
        }
    }
}

#[cfg(test)]
mod tests;
