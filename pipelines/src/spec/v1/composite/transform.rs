//! Transforms as they are written, and what each is told.

use serde::Serialize;

use super::super::scalars::Number;
use crate::combine::{Op, Which};

/// How a transform computes its value, by its name. Axes are counted as in contracts: 0 is the first, -1 the last. Where the
/// graph batches, axis 0 is the rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "transform", rename_all = "snake_case")]
pub enum OpSpec {
    /// The same values in another datatype.
    Cast {
        /// The protocol's datatype, such as `"FP32"`. Required.
        to: &'static str,
    },
    /// The same elements in another shape; where the graph batches, that of one row.
    Reshape {
        /// The sizes of at most 16 axes; one may be -1, which has what is left. Required.
        shape: Vec<i64>,
    },
    /// The axes in another order.
    Transpose {
        /// Which axis each one is, at most 16. Default: all turned round, the rows excepted.
        #[serde(skip_serializing_if = "Option::is_none")]
        axes: Option<Vec<i64>>,
    },
    /// (x − mean) / scale. At least one of them is required.
    Normalise {
        /// A number, or one for each place along the last axis, at most 100,000. Default: 0.
        mean: ConstantsSpec,
        /// A number, or one for each place along the last axis, at most 100,000; never 0. Default: 1.
        scale: ConstantsSpec,
    },
    /// Numbers kept within bounds. At least one of them is required.
    Clip {
        /// The least. Default: none.
        #[serde(skip_serializing_if = "Option::is_none")]
        low: Option<Number>,
        /// The greatest. Default: none.
        #[serde(skip_serializing_if = "Option::is_none")]
        high: Option<Number>,
    },
    /// exp(x) / Σ exp(x) along the last axis.
    Softmax,
    /// 1 / (1 + exp(−x)).
    Sigmoid,
    /// The place of the greatest along the last axis, which goes.
    Argmax,
    /// The greatest along the last axis, the greatest first.
    TopK {
        /// How many, from 1 to 100,000. Required.
        k: usize,
    },
    /// Where the greatest are along the last axis.
    TopKIndices {
        /// How many, from 1 to 100,000. Required.
        k: usize,
    },
    /// Several values behind one another.
    Concat {
        /// Along which axis, from -16 to 15. Default: the last.
        #[serde(skip_serializing_if = "Option::is_none")]
        axis: Option<i64>,
    },
    /// Several values of one shape side by side, along a new axis.
    Stack {
        /// The new axis, from -16 to 15. Default: the last.
        #[serde(skip_serializing_if = "Option::is_none")]
        axis: Option<i64>,
    },
    /// Some places along an axis: `index`, `indices`, or `start` and `stop`. Negative places count from the end.
    Select {
        /// The axis, from -16 to 15. Default: the last.
        #[serde(skip_serializing_if = "Option::is_none")]
        axis: Option<i64>,
        /// This place; the axis goes.
        #[serde(skip_serializing_if = "Option::is_none")]
        index: Option<i64>,
        /// These places in this order, from 1 to 10,000.
        #[serde(skip_serializing_if = "Option::is_none")]
        indices: Option<Vec<i64>>,
        /// The first place of a stretch. Default: the axis's first.
        #[serde(skip_serializing_if = "Option::is_none")]
        start: Option<i64>,
        /// The first place behind the stretch. Default: the axis's end.
        #[serde(skip_serializing_if = "Option::is_none")]
        stop: Option<i64>,
    },
    /// For each whole number a new last axis with 1 at that place and 0 elsewhere.
    OneHot {
        /// How many places, from 1 to 100,000. Required.
        size: usize,
    },
    /// The label of each whole number.
    Lookup {
        /// The labels of 0, 1, 2 and so on: from 1 to 10,000 of at most 256 characters. Required.
        labels: Vec<String>,
        /// The label of other numbers. Default: those are refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        default: Option<String>,
    },
    /// The place of each text among labels.
    IndexOf {
        /// The labels of 0, 1, 2 and so on: from 1 to 10,000 of at most 256 characters, no two alike. Required.
        labels: Vec<String>,
        /// The number of other texts. Default: those are refused.
        #[serde(skip_serializing_if = "Option::is_none")]
        default: Option<i64>,
    },
    /// Texts in lower case.
    Lower,
    /// Texts in upper case.
    Upper,
    /// Texts without white space at both ends.
    Trim,
    /// Texts with every occurrence of one thing replaced.
    Replace {
        /// What is looked for, from 1 to 256 characters. Required.
        from: String,
        /// What stands there then, at most 256 characters. Required.
        to: String,
    },
    /// Several texts behind one another.
    ConcatText {
        /// What stands between two, at most 256 characters. Default: nothing.
        separator: String,
    },
    /// How many characters each text has.
    Length,
}

/// A number, or one for each place along an axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ConstantsSpec {
    /// `0.5`
    One(Number),
    /// `[0.485, 0.456, 0.406]`
    Several(Vec<Number>),
}

// === writing ===

impl From<&Op> for OpSpec {
    fn from(op: &Op) -> Self {
        match op {
            Op::Cast(to) => Self::Cast { to: to.as_str() },
            Op::Reshape(shape) => Self::Reshape {
                shape: shape.iter().map(|size| written_size(*size)).collect(),
            },
            Op::Transpose(axes) => Self::Transpose { axes: axes.clone() },
            Op::Normalise { mean, scale } => Self::Normalise {
                mean: mean.into(),
                scale: scale.into(),
            },
            Op::Clip { low, high } => Self::Clip {
                low: low.map(Number),
                high: high.map(Number),
            },
            Op::Softmax => Self::Softmax,
            Op::Sigmoid => Self::Sigmoid,
            Op::Argmax => Self::Argmax,
            Op::TopK { k } => Self::TopK { k: *k },
            Op::TopKIndices { k } => Self::TopKIndices { k: *k },
            Op::Concat { axis } => Self::Concat { axis: *axis },
            Op::Stack { axis } => Self::Stack { axis: *axis },
            Op::Select { axis, which } => {
                let (mut index, mut indices, mut ends) = (None, None, (None, None));
                match which {
                    Which::Index(place) => index = Some(*place),
                    Which::Indices(places) => indices = Some(places.clone()),
                    Which::Slice { start, stop } => ends = (*start, *stop),
                }
                Self::Select {
                    axis: *axis,
                    index,
                    indices,
                    start: ends.0,
                    stop: ends.1,
                }
            }
            Op::OneHot { size } => Self::OneHot { size: *size },
            Op::Lookup { labels, default } => Self::Lookup {
                labels: labels.to_vec(),
                default: default.clone(),
            },
            Op::IndexOf { labels, default } => Self::IndexOf {
                labels: labels.to_vec(),
                default: *default,
            },
            Op::Lower => Self::Lower,
            Op::Upper => Self::Upper,
            Op::Trim => Self::Trim,
            Op::Replace { from, to } => Self::Replace {
                from: from.clone(),
                to: to.clone(),
            },
            Op::ConcatText { separator } => Self::ConcatText {
                separator: separator.clone(),
            },
            Op::Length => Self::Length,
        }
    }
}

fn written_size(size: Option<usize>) -> i64 {
    size.map_or(-1, |size| i64::try_from(size).unwrap_or(i64::MAX))
}

impl From<&Vec<f64>> for ConstantsSpec {
    fn from(constants: &Vec<f64>) -> Self {
        match &constants[..] {
            [one] => Self::One(Number(*one)),
            several => Self::Several(several.iter().copied().map(Number).collect()),
        }
    }
}
