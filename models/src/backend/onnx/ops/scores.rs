//! What classifiers and regressors of `ai.onnx.ml` do with raw scores, and how they name their classes.
//!
//! Where the specification is silent the numbers are those of ONNX Runtime; each such place says so.

use tract_onnx::tract_hir::internal::*;

use super::node::Node;
use super::tensors::tensor;

/// What is done to a row of scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PostTransform {
    None,
    Softmax,
    Logistic,
    SoftmaxZero,
    Probit,
}

/// The names of the classes, in the order of the scores.
pub(super) enum Labels {
    Ints(Vec<i64>),
    Strings(Vec<String>),
}

// === impl PostTransform ===

impl PostTransform {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let name = node.string("post_transform", "NONE")?;
        Self::ALL
            .into_iter()
            .find(|(known, _)| *known == name)
            .map(|(_, found)| found)
            .ok_or_else(|| {
                let known = Self::ALL.map(|(known, _)| known).join(", ");
                node.bad(
                    "post_transform",
                    format!("expected one of {known}, got {name:?}"),
                )
            })
    }

    /// As the number that TreeEnsemble has for it.
    pub(super) fn numbered(number: i64) -> Option<Self> {
        usize::try_from(number)
            .ok()
            .and_then(|i| Self::ALL.get(i))
            .map(|(_, found)| *found)
    }

    const ALL: [(&str, Self); 5] = [
        ("NONE", Self::None),
        ("SOFTMAX", Self::Softmax),
        ("LOGISTIC", Self::Logistic),
        ("SOFTMAX_ZERO", Self::SoftmaxZero),
        ("PROBIT", Self::Probit),
    ];

    /// Transforms a row of several scores.
    ///
    /// A row of one score is only changed by PROBIT: that is ONNX Runtime's reading.
    pub(super) fn apply(self, row: &mut [f32]) {
        match self {
            Self::Probit => row.iter_mut().for_each(|x| *x = probit(*x)),
            _ if row.len() < 2 => {}
            Self::None => {}
            Self::Logistic => row.iter_mut().for_each(|x| *x = logistic(*x)),
            Self::Softmax => softmax(row, |_| true),
            // Scores of zero stay zero: they mean that nothing voted for the class.
            Self::SoftmaxZero => softmax(row, |x| x.abs() > 1e-7),
        }
    }

    /// Two columns of the one score of a binary classifier: `1 - score` and the score, or `-score` and the
    /// score where scores are `signed`.
    pub(super) fn pair(self, score: f32, signed: bool) -> [f32; 2] {
        match self {
            Self::Logistic => [logistic(-score), logistic(score)],
            Self::Probit => [1. - probit(score), probit(score)],
            _ if signed => [-score, score],
            _ => [1. - score, score],
        }
    }
}

/// 1 / (1 + e^-x), without overflow.
pub(super) fn logistic(x: f32) -> f32 {
    let y = 1. / (1. + (-x.abs()).exp());
    if x < 0. { 1. - y } else { y }
}

fn softmax(row: &mut [f32], counts: impl Fn(f32) -> bool) {
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.;
    for x in row.iter_mut() {
        *x = if counts(*x) {
            (*x - max).exp()
        } else {
            *x * (-max).exp()
        };
        sum += *x;
    }
    if sum != 0. {
        row.iter_mut().for_each(|x| *x /= sum);
    }
}

/// The normal distribution's quantile, by Winitzki's approximation of the inverse error function
/// ("A handy approximation for the error function and its inverse", 2008): what ONNX Runtime computes.
fn probit(p: f32) -> f32 {
    let x = 2. * p - 1.;
    let log = ((1. - x) * (1. + x)).ln();
    let v = 2. / (std::f32::consts::PI * 0.147) + 0.5 * log;
    let erf_inv = ((v * v - log / 0.147).sqrt() - v).sqrt();
    std::f32::consts::SQRT_2 * if x < 0. { -erf_inv } else { erf_inv }
}

/// The position of the greatest score, of equal ones the first.
pub(super) fn argmax(row: &[f32]) -> usize {
    let mut best = 0;
    for (i, &x) in row.iter().enumerate() {
        if x > row[best] {
            best = i;
        }
    }
    best
}

// === impl Labels ===

impl Labels {
    pub(super) fn read(node: &Node, ints: &str) -> TractResult<Self> {
        let (numbers, names) = (node.ints(ints)?, node.strings("classlabels_strings")?);
        match (numbers.is_empty(), names.is_empty()) {
            (false, true) => Ok(Self::Ints(numbers)),
            (true, false) => Ok(Self::Strings(names)),
            (true, true) => Err(node.bad(ints, "neither it nor \"classlabels_strings\" is given")),
            (false, false) => Err(node.bad(ints, "\"classlabels_strings\" is given too")),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Ints(labels) => labels.len(),
            Self::Strings(labels) => labels.len(),
        }
    }

    /// With one class there are two answers, yes and no: these are called 1 and 0.
    pub(super) fn or_yes_and_no(self) -> Self {
        match self {
            Self::Ints(labels) if labels.len() == 1 => Self::Ints(vec![0, 1]),
            Self::Strings(labels) if labels.len() == 1 => {
                Self::Strings(vec!["0".into(), "1".into()])
            }
            other => other,
        }
    }

    pub(super) fn datatype(&self) -> DatumType {
        match self {
            Self::Ints(_) => DatumType::I64,
            Self::Strings(_) => DatumType::String,
        }
    }

    /// The labels of these classes, on one axis.
    pub(super) fn pick(&self, classes: &[usize]) -> TractResult<Tensor> {
        let shape = &[classes.len()];
        match self {
            Self::Ints(labels) => tensor(shape, classes.iter().map(|&i| labels[i]).collect()),
            Self::Strings(labels) => {
                tensor(shape, classes.iter().map(|&i| labels[i].clone()).collect())
            }
        }
    }
}
