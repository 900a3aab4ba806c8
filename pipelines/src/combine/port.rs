//! What is known of a value besides datatype and shape: labels, range, categories and whether NaN may occur.

use std::sync::Arc;

use impresario_models::contract::NonFinite;
use impresario_models::{Dim, Port};

use super::kind::Kind;

/// The name of what comes out.
const NAME: &str = "output";

/// A port of which nothing but datatype and shape is known.
pub(super) fn bare(kind: Kind) -> Port {
    Port::new(NAME, kind.datatype, kind.shape)
}

/// A port of new values along the same last axis: the labels stay.
pub(super) fn labelled(kind: Kind, of: &[&Port]) -> Port {
    let mut port = bare(kind);
    let labels = shared_labels(of);
    if port.shape.last() == Some(&Dim::Fixed(labels.len())) {
        port.labels = labels;
    }
    port
}

/// A port of the same values: what holds for all holds for what comes out.
pub(super) fn same(kind: Kind, of: &[&Port]) -> Port {
    let mut port = labelled(kind, of);
    port.non_finite = non_finite(of);
    port.range = hull(of);
    port.categories = union(of);
    port
}

pub(super) fn non_finite(of: &[&Port]) -> NonFinite {
    match of.iter().all(|p| p.non_finite == NonFinite::Forbidden) {
        true => NonFinite::Forbidden,
        false => NonFinite::Allowed,
    }
}

/// The labels of those that have some, where they are the same.
fn shared_labels(of: &[&Port]) -> Arc<[String]> {
    let mut labels = of.iter().map(|p| &p.labels).filter(|l| !l.is_empty());
    match labels.next() {
        Some(first) if labels.all(|others| others == first) => first.clone(),
        _ => Arc::default(),
    }
}

/// The labels of several behind one another, where all have as many as places.
pub(super) fn joint_labels(of: &[&Port]) -> Arc<[String]> {
    let complete = |p: &&Port| p.shape.last() == Some(&Dim::Fixed(p.labels.len()));
    match of.iter().all(complete) {
        true => of.iter().flat_map(|p| p.labels.iter().cloned()).collect(),
        false => Arc::default(),
    }
}

fn hull(of: &[&Port]) -> Option<(f64, f64)> {
    let mut ranges = of.iter().map(|p| p.range);
    let first = ranges.next()??;
    ranges.try_fold(first, |(low, high), range| {
        range.map(|(l, h)| (low.min(l), high.max(h)))
    })
}

fn union(of: &[&Port]) -> Option<Arc<[String]>> {
    let (first, others) = of.split_first()?;
    let first = first.categories.as_ref()?;
    if others.iter().all(|p| p.categories.as_ref() == Some(first)) {
        return Some(first.clone());
    }
    let mut all = first.to_vec();
    for port in others {
        for category in port.categories.as_ref()?.iter() {
            if !all.contains(category) {
                all.push(category.clone());
            }
        }
    }
    Some(all.into())
}

/// The places along an axis as a range of whole numbers, where it is known how many there are.
pub(super) fn places(dim: Option<&Dim>) -> Option<(f64, f64)> {
    match dim {
        Some(Dim::Fixed(size @ 1..)) => Some((0.0, (size - 1) as f64)),
        _ => None,
    }
}
