//! Whether one type fits another, and what type two have in common.
//!
//! Axes whose size is a name of a contract's own are unified: each contract's names are told apart, and once one is known to
//! be of some size, or the same as another, it is so wherever it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use impresario_models::contract::{Dims, NonFinite};
use impresario_models::{Dim, Port};

use crate::combine::Misfit;

/// What is known of named axes.
#[derive(Clone, Debug, Default)]
pub(super) struct Axes {
    known: BTreeMap<Arc<str>, Dim>,
}

/// What the first axis of a contract's ports is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// The rows of a graph that batches.
    Rows,
    /// As many in all ports of a contract that batches, in a graph that does not.
    Alike,
    /// An axis as others are.
    Own,
}

/// The name of the rows of a contract that batches, in a graph that does not.
const ROWS: &str = "rows";

/// A type in a message.
pub(super) fn typed(port: &Port) -> String {
    format!("{} {}", port.datatype, Dims(&port.shape))
}

/// A type in a message, with what the places along the last axis are.
pub(super) fn described(port: &Port) -> String {
    match &*port.labels {
        [] => typed(port),
        labels => format!("{} with {}", typed(port), labelled(labels)),
    }
}

/// A name of an axis that is its owner's own.
fn own(owner: &str, name: &str) -> Dim {
    Dim::Free(Some(format!("{owner}.{name}").into()))
}

// === impl Axes ===

impl Axes {
    /// A port of a contract whose names are its owner's own.
    pub(super) fn scoped(owner: &str, port: &Port, first: First) -> Port {
        let mut port = port.clone();
        for (place, dim) in port.shape.iter_mut().enumerate() {
            let as_first = if place == 0 { first } else { First::Own };
            match (as_first, &dim) {
                (_, Dim::Fixed(_)) | (First::Own, Dim::Free(None)) => {}
                (First::Rows, Dim::Free(_)) => *dim = Dim::Free(None),
                (First::Alike, Dim::Free(_)) => *dim = own(owner, ROWS),
                (First::Own, Dim::Free(Some(name))) => *dim = own(owner, name),
            }
        }
        port
    }

    /// An axis, as far as it is known by now.
    pub(super) fn dim(&self, dim: &Dim) -> Dim {
        let mut dim = dim;
        while let Dim::Free(Some(name)) = dim {
            match self.known.get(name) {
                Some(known) => dim = known,
                None => break,
            }
        }
        dim.clone()
    }

    /// A port, as far as its axes are known by now.
    pub(super) fn port(&self, port: &Port) -> Port {
        let shape = port.shape.iter().map(|dim| self.dim(dim)).collect();
        Port {
            shape,
            ..port.clone()
        }
    }

    /// Lets two axes be one, where they can.
    fn unite(&mut self, one: &Dim, other: &Dim) -> Option<Dim> {
        match (self.dim(one), self.dim(other)) {
            (Dim::Fixed(one), Dim::Fixed(other)) => (one == other).then_some(Dim::Fixed(one)),
            (Dim::Free(None), known) | (known, Dim::Free(None)) => Some(known),
            (known, Dim::Free(Some(name))) | (Dim::Free(Some(name)), known) => {
                if known != Dim::Free(Some(Arc::clone(&name))) {
                    self.known.insert(name, known.clone());
                }
                Some(known)
            }
        }
    }

    fn unite_all(&mut self, one: &Port, other: &Port) -> Option<Vec<Dim>> {
        if one.datatype != other.datatype || one.shape.len() != other.shape.len() {
            return None;
        }
        let mut pairs = one.shape.iter().zip(&other.shape);
        pairs.try_fold(Vec::new(), |mut shape, (one, other)| {
            shape.push(self.unite(one, other)?);
            Some(shape)
        })
    }

    /// Whether what is given can be what is wanted; axes that must be one for that are from then on.
    pub(super) fn fit(&mut self, given: &Port, wanted: &Port) -> Result<(), Misfit> {
        let before = self.clone();
        if self.unite_all(given, wanted).is_none() {
            *self = before;
            return Err(misfit(typed(&self.port(wanted)), typed(&self.port(given))));
        }
        meet_values(wanted, given).map(|_| ())
    }

    /// The type that is both: that of an input that two read.
    pub(super) fn meet(&mut self, one: &Port, other: &Port) -> Result<Port, Misfit> {
        let before = self.clone();
        let Some(shape) = self.unite_all(one, other) else {
            *self = before;
            return Err(misfit(typed(&self.port(one)), typed(&self.port(other))));
        };
        Ok(Port {
            shape,
            ..meet_values(one, other)?
        })
    }

    /// The type of what is one or the other.
    pub(super) fn join(&self, one: &Port, other: &Port) -> Result<Port, Misfit> {
        let (one, other) = (self.port(one), self.port(other));
        let none = || misfit(typed(&one), typed(&other));
        if one.datatype != other.datatype || one.shape.len() != other.shape.len() {
            return Err(none());
        }
        let mut shape = Vec::with_capacity(one.shape.len());
        for pair in one.shape.iter().zip(&other.shape) {
            shape.push(match pair {
                (one, other) if one == other => one.clone(),
                (Dim::Fixed(_), Dim::Fixed(_)) => return Err(none()),
                (Dim::Free(_), _) | (_, Dim::Free(_)) => Dim::Free(None),
            });
        }
        let labels = match (&*one.labels, &*other.labels) {
            (own, theirs) if own == theirs || theirs.is_empty() => Arc::clone(&one.labels),
            ([], _) => Arc::clone(&other.labels),
            // The same place would mean one thing in one row and another in the next.
            (own, theirs) => return Err(misfit(labelled(own), labelled(theirs))),
        };
        let range = one.range.zip(other.range);
        let categories = one.categories.as_ref().zip(other.categories.as_ref());
        Ok(Port {
            name: Arc::clone(&one.name),
            datatype: one.datatype,
            shape,
            range: range.map(|(one, other)| (one.0.min(other.0), one.1.max(other.1))),
            categories: categories.map(|(one, other)| {
                let new = other.iter().filter(|word| !one.contains(word));
                one.iter().chain(new).cloned().collect()
            }),
            non_finite: match (one.non_finite, other.non_finite) {
                (NonFinite::Forbidden, NonFinite::Forbidden) => NonFinite::Forbidden,
                (NonFinite::Allowed, _) | (_, NonFinite::Allowed) => NonFinite::Allowed,
            },
            labels,
        })
    }

    /// Gives the axes that are still free the shortest names that tell them apart, in some ports that go out together.
    pub(super) fn rename<'p>(ports: impl Iterator<Item = &'p mut Port>) {
        let ports: Vec<&mut Port> = ports.collect();
        let mut owners: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
        for dim in ports.iter().flat_map(|port| &port.shape) {
            if let Dim::Free(Some(name)) = dim {
                let short = short(name).into();
                owners.entry(short).or_default().insert(Arc::clone(name));
            }
        }
        for dim in ports.into_iter().flat_map(|port| &mut port.shape) {
            if let Dim::Free(Some(name)) = dim {
                *name = match short(name) {
                    short if owners.get(short).is_some_and(|all| all.len() == 1) => short.into(),
                    _ => name.replacen('.', "_", 1).into(),
                };
            }
        }
    }
}

/// The name of an axis without that of its owner.
fn short(name: &str) -> &str {
    name.split_once('.').map_or(name, |(_, short)| short)
}

fn misfit(expected: String, got: String) -> Misfit {
    Misfit {
        at: None,
        expected,
        got,
        hint: None,
    }
}

fn labelled(labels: &[String]) -> String {
    let shown: Vec<String> = labels.iter().take(8).map(|l| format!("'{l}'")).collect();
    let more = if labels.len() > 8 { ", …" } else { "" };
    format!("the labels {}{more}", shown.join(", "))
}

/// What the elements of both ports may be; the first gives the rest.
fn meet_values(one: &Port, other: &Port) -> Result<Port, Misfit> {
    let range = match (one.range, other.range) {
        (Some(a), Some(b)) => {
            let both = (a.0.max(b.0), a.1.min(b.1));
            if both.0 > both.1 {
                let show = |(low, high): (f64, f64)| format!("numbers from {low} to {high}");
                return Err(misfit(show(a), show(b)));
            }
            Some(both)
        }
        (range, None) | (None, range) => range,
    };
    let categories = match (&one.categories, &other.categories) {
        (Some(a), Some(b)) => {
            let both: Arc<[String]> = a.iter().filter(|word| b.contains(word)).cloned().collect();
            if both.is_empty() {
                let show = |words: &[String]| format!("one of '{}'", words.join("', '"));
                return Err(misfit(show(a), show(b)));
            }
            Some(both)
        }
        (categories, None) | (None, categories) => categories.clone(),
    };
    let forbidden = [one.non_finite, other.non_finite].contains(&NonFinite::Forbidden);
    Ok(Port {
        range,
        categories,
        non_finite: match forbidden {
            true => NonFinite::Forbidden,
            false => NonFinite::Allowed,
        },
        labels: match one.labels.is_empty() {
            true => Arc::clone(&other.labels),
            false => Arc::clone(&one.labels),
        },
        ..one.clone()
    })
}
