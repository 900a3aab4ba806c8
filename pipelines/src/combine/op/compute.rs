//! Which loop computes which transform. The typing has seen to it that values and settings fit each other.

use impresario_models::{Dim, Element, Tensor, Values, each_vec};

use super::{Op, Which, cast, numbers, shapes, texts, typing};
use crate::combine::Fault;
use crate::combine::kind::{Kind, axis, place};
use crate::combine::number::each;
use crate::combine::several::{interleave, slices};

/// The elements that come out of values of these kinds, at least one.
///
/// # Errors
/// Why nothing does.
pub(super) fn compute(
    op: &Op,
    of: &[&Tensor],
    kinds: &[Kind],
    batched: bool,
) -> Result<Values, Fault> {
    let (one, kind) = (of[0], &kinds[0]);
    let last = one.shape().last().copied().unwrap_or(1);
    let made = match op {
        Op::Cast(to) => Some(cast::cast(one.values(), *to)?),
        Op::Reshape(_) => Some(one.values().clone()),
        Op::Transpose(axes) => {
            let order = typing::order(kind, axes.as_deref(), batched)?;
            let shape = one.shape();
            Some(each_vec!(one.values(), v => Element::wrap(shapes::transpose(v, shape, &order))))
        }
        Op::Normalise { mean, scale } => {
            each!(floats one, v => numbers::normalise(v, last, mean, scale))
        }
        Op::Clip { low, high } => each!(numbers one, v => numbers::clip_all(v, *low, *high)),
        Op::Softmax => each!(floats one, v => numbers::softmax(v, last)),
        Op::Sigmoid => each!(floats one, v => numbers::sigmoid(v)),
        Op::Argmax => each!(numbers one, v => numbers::argmax(v, last)),
        Op::TopK { k } => each!(numbers one, v => numbers::top_values(v, last, *k)),
        Op::TopKIndices { k } => each!(numbers one, v => numbers::top_places(v, last, *k)),
        Op::Concat { axis: at } => Some(interleave(of, axis(kind, *at, batched)?)),
        Op::Stack { axis: at } => {
            // The axis is counted among those of what comes out.
            let mut more = kind.clone();
            more.shape.push(Dim::Fixed(of.len()));
            Some(interleave(of, axis(&more, *at, batched)?))
        }
        Op::Select { axis: at, which } => Some(select(one, axis(kind, *at, batched)?, which)),
        Op::OneHot { size } => each!(whole one, v => numbers::one_hot(v, *size)),
        Op::Lookup { labels, default } => {
            each!(whole one, v => texts::lookup(v, labels, default.as_deref())?)
        }
        Op::ConcatText { separator } => Some(Element::wrap(texts::concat(&slices(of), separator))),
        Op::IndexOf { .. } | Op::Lower | Op::Upper | Op::Trim | Op::Replace { .. } | Op::Length => {
            match one.values() {
                Values::Bytes(texts) => Some(of_texts(op, texts)?),
                _ => None,
            }
        }
    };
    made.ok_or_else(|| Fault(format!("no {} of {}", op.name(), one.datatype())))
}

fn of_texts(op: &Op, of: &[Vec<u8>]) -> Result<Values, Fault> {
    Ok(match op {
        Op::IndexOf { labels, default } => Element::wrap(texts::index_of(of, labels, *default)?),
        Op::Lower => Element::wrap(texts::each(of, |text| text.to_lowercase().into_bytes())?),
        Op::Upper => Element::wrap(texts::each(of, |text| text.to_uppercase().into_bytes())?),
        Op::Trim => Element::wrap(texts::each(of, |text| text.trim().as_bytes().to_vec())?),
        Op::Replace { from, to } => {
            Element::wrap(texts::each(of, |text| text.replace(from, to).into_bytes())?)
        }
        _ => Element::wrap(texts::each(of, |text| text.chars().count() as i64)?),
    })
}

fn select(of: &Tensor, axis: usize, which: &Which) -> Values {
    let size = of.shape()[axis];
    let inner = of.shape()[axis + 1..].iter().product();
    let places = match which {
        Which::Index(index) => place(*index, size).into_iter().collect::<Vec<_>>(),
        Which::Indices(indices) => indices.iter().filter_map(|at| place(*at, size)).collect(),
        Which::Slice { start, stop } => {
            let run = typing::slice(*start, *stop, size);
            return each_vec!(of.values(), v => Element::wrap(shapes::range(v, size, inner, run)));
        }
    };
    each_vec!(of.values(), v => Element::wrap(shapes::select(v, size, inner, &places)))
}
