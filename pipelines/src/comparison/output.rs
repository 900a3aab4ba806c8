//! One output of the answering version beside the one of the same name of another.
//!
//! A row names a label where it can: the place of the largest number along the last axis, or what a row of whole
//! numbers, texts or truth values says. Two outputs agree where every row names the same label, or, without labels,
//! where every number lies within the tolerance.

use impresario_models::tensor::{Element, Tensor, Values};

use super::label::Label;
use super::matrix::Matrix;
use super::sketch::Sketch;
use crate::spec::shadow::Tolerance;

/// What was counted of one output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// Pairs of answers that should both have it.
    pub pairs: u64,
    /// Of them, those where the other version lacks it.
    pub missing: u64,
    /// Of them, those where its datatype differs.
    pub datatype: u64,
    /// Of them, those where its shape differs.
    pub shape: u64,
    /// Of them, those with the same elements. NaN equals NaN.
    pub exact: u64,
    /// Of them, those whose every number lies within the tolerance.
    pub within: u64,
    /// Of them, those that agree.
    pub agree: u64,
    /// Rows that name a label.
    pub rows: u64,
    /// Of them, those that name the same one.
    pub same: u64,
    /// Which label became which.
    pub matrix: Matrix,
    /// The names of the first classes, where the contract has them.
    pub classes: Vec<String>,
    /// The sizes of the differences between numbers, element by element.
    pub differences: Sketch,
    /// The largest of them.
    pub largest: f64,
}

/// How two answers differ, from the least to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Some number lies beyond the tolerance.
    Number,
    /// Some row names another label.
    Label,
    /// An output is missing, or its datatype or shape is another.
    Contract,
    /// Only the version that answers callers gave an answer.
    Failure,
}

/// What the other version may make of an output, as both contracts have it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axes<'a> {
    /// The first axis counts rows.
    pub(super) batched: bool,
    /// The names of the classes.
    pub(super) classes: &'a [String],
}

/// How far two outputs are apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Apart {
    /// Whether they agree.
    pub(super) agree: bool,
    /// How they differ, where they do.
    pub(super) kind: Option<Kind>,
    /// The largest difference, in tolerances; for labels without numbers the share of the rows. 0 for none.
    pub(super) distance: f64,
}

/// What the elements of a pair came to.
struct Elements {
    exact: bool,
    within: bool,
    rows: u64,
    same: u64,
    distance: f64,
}

// === impl Kind ===

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Number, Self::Label, Self::Contract, Self::Failure];

    /// The word in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Label => "label",
            Self::Contract => "contract",
            Self::Failure => "failure",
        }
    }
}

// === impl Output ===

impl Output {
    /// Pairs whose contracts differ here.
    #[must_use]
    pub fn broken(&self) -> u64 {
        self.missing + self.datatype + self.shape
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        self.pairs += other.pairs;
        self.missing += other.missing;
        self.datatype += other.datatype;
        self.shape += other.shape;
        self.exact += other.exact;
        self.within += other.within;
        self.agree += other.agree;
        self.rows += other.rows;
        self.same += other.same;
        self.matrix.merge(&other.matrix);
        if self.classes.is_empty() {
            self.classes.clone_from(&other.classes);
        }
        self.differences.merge(&other.differences);
        self.largest = self.largest.max(other.largest);
    }

    /// Counts a pair.
    pub(super) fn record(
        &mut self,
        answered: &Tensor,
        other: Option<&Tensor>,
        axes: Axes<'_>,
        tolerance: &Tolerance,
    ) -> Apart {
        self.pairs += 1;
        let broken = Apart {
            agree: false,
            kind: Some(Kind::Contract),
            distance: f64::INFINITY,
        };
        let Some(other) = other else {
            self.missing += 1;
            return broken;
        };
        if answered.datatype() != other.datatype() {
            self.datatype += 1;
            return broken;
        }
        if answered.shape() != other.shape() {
            self.shape += 1;
            return broken;
        }
        let elements = self.elements(answered, other, axes, tolerance);
        let labelled = elements.rows > 0;
        let agree = match labelled {
            true => elements.same == elements.rows,
            false => elements.within,
        };
        self.exact += u64::from(elements.exact);
        self.within += u64::from(elements.within);
        self.agree += u64::from(agree);
        self.rows += elements.rows;
        self.same += elements.same;
        let kind = match (agree, labelled) {
            (false, true) => Some(Kind::Label),
            (true, _) if elements.within => None,
            _ => Some(Kind::Number),
        };
        Apart {
            agree,
            kind,
            distance: elements.distance,
        }
    }

    fn elements(
        &mut self,
        answered: &Tensor,
        other: &Tensor,
        axes: Axes<'_>,
        tolerance: &Tolerance,
    ) -> Elements {
        let classes = classes(answered.shape(), axes.batched);
        if classes.is_some() && self.classes.is_empty() {
            let named = axes.classes.iter().take(Matrix::LABELS);
            self.classes = named.cloned().collect();
        }
        let rows = answered.shape().first().copied().unwrap_or(1).max(1);
        macro_rules! numbers {
            ($v:expr) => {{
                let (a, b) = ($v.iter(), like($v, other).iter());
                let pairs = a.zip(b).map(|(a, b)| (f64::from(*a), f64::from(*b)));
                self.numbers(pairs, classes, tolerance)
            }};
        }
        macro_rules! whole {
            ($v:expr) => {
                self.labels($v, like($v, other), rows, |x| Label::Number(i128::from(*x)))
            };
        }
        match answered.values() {
            Values::Fp16(v) => numbers!(v),
            Values::Bf16(v) => numbers!(v),
            Values::Fp32(v) => numbers!(v),
            Values::Fp64(v) => numbers!(v),
            Values::Uint8(v) => whole!(v),
            Values::Uint16(v) => whole!(v),
            Values::Uint32(v) => whole!(v),
            Values::Uint64(v) => whole!(v),
            Values::Int8(v) => whole!(v),
            Values::Int16(v) => whole!(v),
            Values::Int32(v) => whole!(v),
            Values::Int64(v) => whole!(v),
            Values::Bool(v) => {
                let label = |x: &bool| Label::text(x.to_string().as_bytes());
                self.labels(v, like(v, other), rows, label)
            }
            Values::Bytes(v) => self.labels(v, like(v, other), rows, |x| Label::text(x)),
        }
    }

    /// Numbers with a tolerance; the largest of each row names its class where there are `classes`.
    fn numbers(
        &mut self,
        pairs: impl Iterator<Item = (f64, f64)>,
        classes: Option<usize>,
        tolerance: &Tolerance,
    ) -> Elements {
        let mut found = Elements::ALIKE;
        let (mut mine, mut theirs) = (Largest::default(), Largest::default());
        for (a, b) in pairs {
            let alike = a == b || (a.is_nan() && b.is_nan());
            let difference = match (alike, (b - a).abs()) {
                (true, _) => 0.0,
                (false, size) if size.is_nan() => f64::INFINITY,
                (false, size) => size,
            };
            self.differences.record(difference);
            self.largest = self.largest.max(difference);
            found.exact &= alike;
            if !alike {
                let allowed = tolerance.absolute + tolerance.relative * a.abs();
                // An infinity allows itself only, and of no tolerance every difference is infinitely many.
                let tolerances = match difference.is_finite() {
                    true => difference / allowed,
                    false => f64::INFINITY,
                };
                found.within &= tolerances <= 1.0;
                found.distance = found.distance.max(tolerances);
            }
            if let Some(classes) = classes {
                mine.see(a);
                theirs.see(b);
                if mine.seen == classes {
                    self.row(&mut found, &mine.label(), &theirs.label());
                    (mine, theirs) = Default::default();
                }
            }
        }
        found
    }

    /// Labels as they are: a row of one is counted by its label, of several only as the same or not.
    fn labels<T: PartialEq>(
        &mut self,
        answered: &[T],
        other: &[T],
        rows: usize,
        label: impl Fn(&T) -> Label,
    ) -> Elements {
        let mut found = Elements::ALIKE;
        let width = (answered.len() / rows).max(1);
        for (a, b) in answered.chunks(width).zip(other.chunks(width)) {
            if let ([a], [b]) = (a, b) {
                // Labels that are cut are the same only where all of them is.
                self.matrix.add(&label(a), &label(b), 1);
            }
            found.rows += 1;
            found.same += u64::from(a == b);
        }
        found.exact = found.same == found.rows;
        found.within = found.exact;
        if found.rows > 0 {
            found.distance = (found.rows - found.same) as f64 / found.rows as f64;
        }
        found
    }

    fn row(&mut self, found: &mut Elements, answered: &Label, other: &Label) {
        found.rows += 1;
        found.same += u64::from(answered == other);
        self.matrix.add(answered, other, 1);
    }
}

impl Elements {
    const ALIKE: Self = Self {
        exact: true,
        within: true,
        rows: 0,
        same: 0,
        distance: 0.0,
    };
}

/// How many classes the last axis tells apart, where it does: an axis that counts rows tells none.
fn classes(shape: &[usize], batched: bool) -> Option<usize> {
    let axes = shape.len() - usize::from(batched).min(shape.len());
    let last = *shape.last().filter(|_| axes > 0)?;
    (last >= 2).then_some(last)
}

/// The elements of a tensor of the same datatype.
fn like<'t, T: Element>(_: &[T], tensor: &'t Tensor) -> &'t [T] {
    tensor.as_slice().unwrap_or_default()
}

/// The largest number of a row, the first of equals.
#[derive(Clone, Copy, Debug, Default)]
struct Largest {
    seen: usize,
    at: usize,
    value: f64,
    nan: bool,
}

impl Largest {
    fn see(&mut self, value: f64) {
        self.nan |= value.is_nan();
        if self.seen == 0 || value > self.value {
            (self.at, self.value) = (self.seen, value);
        }
        self.seen += 1;
    }

    fn label(&self) -> Label {
        match self.nan {
            true => Label::Undefined,
            false => Label::Class(u32::try_from(self.at).unwrap_or(u32::MAX)),
        }
    }
}
