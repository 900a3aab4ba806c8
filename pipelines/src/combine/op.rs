//! Transforms: one value of one or several. The terms are those of ONNX and NumPy.

mod cast;
mod compute;
mod numbers;
mod port;
mod shapes;
mod texts;
mod typing;

use impresario_models::{DataType, Port, Tensor};

use super::kind::Kind;
use super::{Fault, Labels, Misfit};

/// A transform, with what it was given.
///
/// Axes are counted as in contracts: 0 is the first, -1 the last. Where the graph batches, axis 0 is the rows: it stays
/// where it is, nothing is computed along it, and no row's result depends on another row.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// `cast`: the same values in the datatype `to`. A number that `to` does not hold is refused, except that floats lose
    /// digits, are cut towards zero where `to` is a whole number, and overflow to infinity where it is a float. NaN is no
    /// whole number. A truth is 0 or 1; a number is true where it is not 0. Texts are read and written in decimal.
    Cast(DataType),
    /// `reshape`: the same elements, in this `shape`; where the graph batches, that of one row. One axis may be `None`
    /// (written -1): it has what is left.
    Reshape(Vec<Option<usize>>),
    /// `transpose`: axis i of what comes out is axis `axes[i]`. Where nothing is said, all are turned round, the rows
    /// excepted.
    Transpose(Option<Vec<i64>>),
    /// `normalise`: (x − `mean`) / `scale`; each is one number, or one for each place along the last axis.
    Normalise {
        /// What is taken away.
        mean: Vec<f64>,
        /// What it is divided by; never 0.
        scale: Vec<f64>,
    },
    /// `clip`: numbers below `low` become it, and above `high` that. NaN stays.
    Clip {
        /// The least; none where nothing is said.
        low: Option<f64>,
        /// The greatest; none where nothing is said.
        high: Option<f64>,
    },
    /// `softmax`: exp(x) / Σ exp(x) along the last axis.
    Softmax,
    /// `sigmoid`: 1 / (1 + exp(−x)).
    Sigmoid,
    /// `argmax`: the place of the greatest along the last axis, which goes; the first of equals; NaN is the greatest.
    Argmax,
    /// `top_k`: the `k` greatest along the last axis, the greatest first, NaN before all.
    TopK {
        /// How many.
        k: usize,
    },
    /// `top_k_indices`: where the `k` greatest are along the last axis; of equals the first first.
    TopKIndices {
        /// How many.
        k: usize,
    },
    /// `concat`: several behind one another along `axis`.
    Concat {
        /// The axis; the last where nothing is said.
        axis: Option<i64>,
    },
    /// `stack`: several of one shape side by side along a new axis, which is `axis` of what comes out.
    Stack {
        /// The axis; the last where nothing is said.
        axis: Option<i64>,
    },
    /// `select`: some places along `axis`.
    Select {
        /// The axis; the last where nothing is said.
        axis: Option<i64>,
        /// Which places.
        which: Which,
    },
    /// `one_hot`: for each whole number a new last axis of `size`, with 1 at that place and 0 elsewhere, as FP32. A number
    /// that is no place is 0 everywhere.
    OneHot {
        /// How many places.
        size: usize,
    },
    /// `lookup`: the label of each whole number, from `labels`.
    Lookup {
        /// The labels of 0, 1, 2 and so on.
        labels: Labels,
        /// The label of other numbers, which are refused where nothing is said.
        default: Option<String>,
    },
    /// `index_of`: the place of each text in `labels`, as INT64.
    IndexOf {
        /// The labels of 0, 1, 2 and so on; no two alike.
        labels: Labels,
        /// The number of other texts, which are refused where nothing is said.
        default: Option<i64>,
    },
    /// `lower`: texts in lower case, as Unicode has it.
    Lower,
    /// `upper`: texts in upper case, as Unicode has it.
    Upper,
    /// `trim`: texts without white space at both ends.
    Trim,
    /// `replace`: every `from` in a text becomes `to`. Both are plain texts.
    Replace {
        /// What is looked for; never empty.
        from: String,
        /// What stands there then.
        to: String,
    },
    /// `concat_text`: several texts of one shape, element by element behind one another.
    ConcatText {
        /// What stands between two; nothing where nothing is said.
        separator: String,
    },
    /// `length`: how many characters (code points) each text has, as INT64.
    Length,
}

/// Places along an axis; negative ones count from the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// `index`: this one; the axis goes.
    Index(i64),
    /// `indices`: these, in this order.
    Indices(Vec<i64>),
    /// `start` and `stop`: from the first to before the second, as slices are in NumPy.
    Slice {
        /// The first; the axis's first where nothing is said.
        start: Option<i64>,
        /// The first that is not taken any more; the axis's end where nothing is said.
        stop: Option<i64>,
    },
}

impl Op {
    /// The names that transforms are written by.
    pub const NAMES: [&'static str; 22] = [
        "cast",
        "reshape",
        "transpose",
        "normalise",
        "clip",
        "softmax",
        "sigmoid",
        "argmax",
        "top_k",
        "top_k_indices",
        "concat",
        "stack",
        "select",
        "one_hot",
        "lookup",
        "index_of",
        "lower",
        "upper",
        "trim",
        "replace",
        "concat_text",
        "length",
    ];

    /// The name that it is written by.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cast(_) => "cast",
            Self::Reshape(_) => "reshape",
            Self::Transpose(_) => "transpose",
            Self::Normalise { .. } => "normalise",
            Self::Clip { .. } => "clip",
            Self::Softmax => "softmax",
            Self::Sigmoid => "sigmoid",
            Self::Argmax => "argmax",
            Self::TopK { .. } => "top_k",
            Self::TopKIndices { .. } => "top_k_indices",
            Self::Concat { .. } => "concat",
            Self::Stack { .. } => "stack",
            Self::Select { .. } => "select",
            Self::OneHot { .. } => "one_hot",
            Self::Lookup { .. } => "lookup",
            Self::IndexOf { .. } => "index_of",
            Self::Lower => "lower",
            Self::Upper => "upper",
            Self::Trim => "trim",
            Self::Replace { .. } => "replace",
            Self::ConcatText { .. } => "concat_text",
            Self::Length => "length",
        }
    }

    /// Whether it takes several values; the others take one.
    #[must_use]
    pub fn of_several(&self) -> bool {
        matches!(
            self,
            Self::Concat { .. } | Self::Stack { .. } | Self::ConcatText { .. }
        )
    }

    /// What comes out of values of these types, under the name `output`. Where `batched`, the first axis of each is the rows.
    ///
    /// # Errors
    /// Why it cannot, or which setting makes no sense.
    pub fn output(&self, of: &[&Port], batched: bool) -> Result<Port, Misfit> {
        typing::settings(self)?;
        let kinds: Vec<Kind> = of.iter().map(|port| Kind::of_port(port)).collect();
        let kind = typing::kind(self, &kinds, batched)?;
        Ok(port::port(self, of, kind, batched))
    }

    /// What comes out. It has the datatype and shape that [`Op::output`] tells of these values.
    ///
    /// # Errors
    /// Why it cannot be computed of these values.
    pub fn apply(&self, of: &[&Tensor], batched: bool) -> Result<Tensor, Fault> {
        let kinds: Vec<Kind> = of.iter().map(|tensor| Kind::of_tensor(tensor)).collect();
        let kind = typing::kind(self, &kinds, batched)?;
        kind.tensor(compute::compute(self, of, &kinds, batched)?)
    }
}
