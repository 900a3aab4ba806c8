//! What is known of what comes out of a transform besides datatype and shape.

use std::sync::Arc;

use impresario_models::{Dim, Port};

use super::numbers::clip;
use super::typing::{order, slice};
use super::{Op, Which};
use crate::combine::kind::{Kind, axis, place};
use crate::combine::number::rounded;
use crate::combine::port::{bare, joint_labels, labelled, non_finite, places, same};

/// The port of what comes out, whose kind is known; there is at least one value, and the settings fit.
pub(super) fn port(op: &Op, of: &[&Port], kind: Kind, batched: bool) -> Port {
    let one = of[0];
    match op {
        Op::Cast(to) if *to == one.datatype => same(kind, of),
        Op::Cast(_)
        | Op::Normalise { .. }
        | Op::Lookup { .. }
        | Op::Lower
        | Op::Upper
        | Op::Trim
        | Op::Replace { .. }
        | Op::ConcatText { .. }
        | Op::Length
        | Op::IndexOf { .. } => labelled(kind, of),
        Op::Reshape(_) => same(kind, of),
        Op::Transpose(axes) => {
            let last = one.shape.len().checked_sub(1);
            let order = order(&Kind::of_port(one), axes.as_deref(), batched);
            let stays = order.is_ok_and(|order| order.last().copied() == last);
            unless(stays, same(kind, of))
        }
        Op::Clip { low, high } => {
            let mut port = same(kind, of);
            port.range = clipped(&port, *low, *high);
            port
        }
        Op::Softmax | Op::Sigmoid => {
            let mut port = labelled(kind, of);
            port.non_finite = non_finite(of);
            port.range = Some((0.0, 1.0));
            port
        }
        Op::Argmax | Op::TopKIndices { .. } => {
            let mut port = bare(kind);
            port.range = places(one.shape.last());
            port
        }
        Op::TopK { .. } => unless(false, same(kind, of)),
        Op::Concat { axis: at } => {
            let last = of_last(one, *at, batched);
            let mut port = same(kind, of);
            if last {
                port.labels = joint_labels(of);
            }
            port
        }
        Op::Stack { axis: at } => {
            let last = of_last_of(&kind, *at, batched);
            unless(!last, same(kind, of))
        }
        Op::Select { axis: at, which } => {
            let last = of_last(one, *at, batched);
            let mut port = same(kind, of);
            if last {
                port.labels = selected(&one.labels, which, one.shape.last());
            }
            port
        }
        Op::OneHot { .. } => {
            let mut port = bare(kind);
            port.range = Some((0.0, 1.0));
            port
        }
    }
}

fn of_last(of: &Port, at: Option<i64>, batched: bool) -> bool {
    of_last_of(&Kind::of_port(of), at, batched)
}

fn of_last_of(of: &Kind, at: Option<i64>, batched: bool) -> bool {
    axis(of, at, batched).is_ok_and(|axis| axis + 1 == of.shape.len())
}

/// The port, without labels unless they stay.
fn unless(stays: bool, mut port: Port) -> Port {
    if !stays {
        port.labels = Arc::default();
    }
    port
}

/// Where clipped numbers lie, where both ends are known.
fn clipped(port: &Port, low: Option<f64>, high: Option<f64>) -> Option<(f64, f64)> {
    let (least, greatest) = port.range.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    // The bounds as the datatype has them, so that what was clipped to a bound is within.
    let low = low.map(|low| rounded(port.datatype, low));
    let high = high.map(|high| rounded(port.datatype, high));
    let clip = |end: f64| clip(end, low, high);
    let ends = (clip(least), clip(greatest));
    (ends.0.is_finite() && ends.1.is_finite()).then_some(ends)
}

fn selected(labels: &[String], which: &Which, last: Option<&Dim>) -> Arc<[String]> {
    if last != Some(&Dim::Fixed(labels.len())) {
        return Arc::default();
    }
    match which {
        Which::Index(_) => Arc::default(),
        Which::Indices(indices) => {
            let places = indices.iter().filter_map(|at| place(*at, labels.len()));
            places.map(|at| labels[at].clone()).collect()
        }
        Which::Slice { start, stop } => labels[slice(*start, *stop, labels.len())].into(),
    }
}
