//! Columns: a thing or a list for each row, or one for all rows, and which rows have none because something went wrong.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use impresario_models::{Tensor, Values};

use super::Scalar;
use super::kind::{Kind, Type, Width};

/// Elements that somebody else holds, or that were computed.
#[derive(Clone, Debug)]
pub(super) enum Part<'a, T> {
    /// Somebody else's.
    Lent(&'a [T]),
    /// Computed.
    Own(Vec<T>),
}

/// Elements of one type.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each is its own type")]
pub(super) enum Data<'a> {
    Bool(Part<'a, bool>),
    Int(Part<'a, i64>),
    Double(Part<'a, f64>),
    Text(Part<'a, Cow<'a, str>>),
}

/// What went wrong with rows. Their elements mean nothing.
pub(super) type Faults = BTreeMap<usize, Wrong>;

/// A column. What is wrong with all rows, or with the one thing for all, is no column but an error beside it.
#[derive(Clone, Debug)]
pub(super) struct Column<'a> {
    /// The elements, row after row.
    pub(super) data: Data<'a>,
    /// Whether there is one thing (or list) for all rows.
    pub(super) one: bool,
    /// How many elements each row has.
    pub(super) width: usize,
    /// Which rows have none.
    pub(super) faults: Faults,
}

/// What went wrong, and where in the text.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    /// The place, in characters from 0.
    pub(super) at: usize,
    /// What.
    pub(super) why: Why,
}

/// What went wrong.
#[derive(Clone, Debug)]
pub(super) enum Why {
    /// A parameter that is not there.
    Missing(Arc<str>),
    /// A parameter, or something made of one, of the wrong type.
    Type {
        /// What was expected.
        expected: &'static str,
        /// What it is.
        got: Kind,
    },
    /// Two that should be alike.
    Unlike(Kind, Kind),
    /// A double that is no whole number of 64 bits, whatever its fraction.
    NoInt(f64),
    /// A whole number divided by zero.
    Zero,
    /// A whole number beyond 64 bits.
    Overflow,
    /// A list without elements that one should be found in.
    Empty,
    /// An index beyond a list.
    Index {
        /// The index.
        index: i64,
        /// How many elements there are.
        size: usize,
    },
    /// Bytes that are no text.
    NoText,
    /// A text that says no such thing.
    Unread {
        /// What was expected.
        expected: Kind,
        /// The text.
        got: Box<str>,
    },
}

// === impl Part ===

impl<T> std::ops::Deref for Part<'_, T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        match self {
            Self::Lent(part) => part,
            Self::Own(part) => part,
        }
    }
}

impl<T: Clone> Part<'_, T> {
    /// Each row's elements so many times.
    fn repeat(&self, width: usize, times: usize) -> Vec<T> {
        if width == 0 {
            return Vec::new();
        }
        let rows = self.chunks_exact(width);
        rows.flat_map(|row| std::iter::repeat_n(row, times).flatten().cloned())
            .collect()
    }
}

// === impl Data ===

impl<'a> Data<'a> {
    /// What the elements are.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Double(_) => Kind::Double,
            Self::Text(_) => Kind::Text,
        }
    }

    /// How many elements there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bool(part) => part.len(),
            Self::Int(part) => part.len(),
            Self::Double(part) => part.len(),
            Self::Text(part) => part.len(),
        }
    }

    /// The same, lent.
    fn lend(&'a self) -> Self {
        match self {
            Self::Bool(part) => Self::Bool(Part::Lent(part)),
            Self::Int(part) => Self::Int(Part::Lent(part)),
            Self::Double(part) => Self::Double(Part::Lent(part)),
            Self::Text(part) => Self::Text(Part::Lent(part)),
        }
    }

    fn repeat(&self, width: usize, times: usize) -> Self {
        match self {
            Self::Bool(part) => Self::Bool(Part::Own(part.repeat(width, times))),
            Self::Int(part) => Self::Int(Part::Own(part.repeat(width, times))),
            Self::Double(part) => Self::Double(Part::Own(part.repeat(width, times))),
            Self::Text(part) => Self::Text(Part::Own(part.repeat(width, times))),
        }
    }

    /// Numbers as doubles.
    pub(super) fn doubles(self) -> Result<Part<'a, f64>, Why> {
        match self {
            Self::Double(part) => Ok(part),
            #[allow(
                clippy::cast_precision_loss,
                reason = "that is what a double of an int is"
            )]
            Self::Int(part) => Ok(Part::Own(part.iter().map(|&it| it as f64).collect())),
            other => Err(other.unlike("a number")),
        }
    }

    /// Why it is not what was expected.
    pub(super) fn unlike(&self, expected: &'static str) -> Why {
        Why::Type {
            expected,
            got: self.kind(),
        }
    }
}

// === impl Column ===

impl<'a> Column<'a> {
    /// One thing for all rows.
    pub(super) fn scalar(of: &'a Scalar) -> Self {
        let data = match of {
            Scalar::Bool(it) => Data::Bool(Part::Lent(std::slice::from_ref(it))),
            Scalar::Int(it) => Data::Int(Part::Lent(std::slice::from_ref(it))),
            Scalar::Float(it) => Data::Double(Part::Lent(std::slice::from_ref(it))),
            Scalar::Text(it) => Data::Text(Part::Own(vec![Cow::Borrowed(it)])),
        };
        Self {
            data,
            one: true,
            width: 1,
            faults: Faults::new(),
        }
    }

    /// A value of a checked type. Without `rows` it is one for all.
    ///
    /// # Errors
    /// A message where it is not of the type, or has not so many rows.
    pub(super) fn load(of: &'a Tensor, is: Type, rows: Option<usize>) -> Result<Self, String> {
        let count = rows.unwrap_or(1);
        let axes = match rows {
            Some(rows) if of.shape().first() != Some(&rows) => {
                return Err(format!("expected {rows} rows, got shape {:?}", of.shape()));
            }
            Some(_) => &of.shape()[1..],
            None => of.shape(),
        };
        let width: usize = axes.iter().product();
        if is.width == Width::One && width != 1 {
            return Err(format!("expected {is}, got shape {:?}", of.shape()));
        }
        let mut faults = Faults::new();
        let data = read(of.values(), width, &mut faults);
        if data.kind() != is.kind {
            return Err(format!("expected {is}, got {}", of.datatype()));
        }
        debug_assert_eq!(
            of.values().len(),
            count * width,
            "a tensor is as its shape says"
        );
        Ok(Self {
            data,
            one: rows.is_none(),
            width,
            faults,
        })
    }

    /// The same, lent, as read at a place of the text.
    ///
    /// # Errors
    /// What is wrong with the one thing for all.
    pub(super) fn lend(&'a self, at: usize) -> Result<Self, Wrong> {
        let placed = |(&row, wrong): (&usize, &Wrong)| {
            let why = wrong.why.clone();
            (row, Wrong { at, why })
        };
        let lent = Self {
            data: self.data.lend(),
            faults: self.faults.iter().map(placed).collect(),
            ..*self
        };
        lent.settle()
    }

    /// An error where the one thing for all is wrong.
    pub(super) fn settle(mut self) -> Result<Self, Wrong> {
        match self.one.then(|| self.faults.pop_first()).flatten() {
            Some((_, wrong)) => Err(wrong),
            None => Ok(self),
        }
    }

    /// Each row, or the one thing for all, so many times.
    pub(super) fn repeat(&self, times: usize) -> Self {
        let rows = self.faults.iter();
        let repeated = rows.flat_map(|(row, wrong)| {
            (row * times..(row + 1) * times).map(|row| (row, wrong.clone()))
        });
        Self {
            data: self.data.repeat(self.width, times),
            one: false,
            width: self.width,
            faults: repeated.collect(),
        }
    }
}

fn read<'a>(of: &'a Values, width: usize, faults: &mut Faults) -> Data<'a> {
    macro_rules! as_kind {
        ($kind:ident, $of:expr, $as:expr) => {
            Data::$kind(Part::Own($of.iter().map($as).collect()))
        };
    }
    let mut wrong = |element: usize, why| {
        // An element makes its row wrong; there is one, so no width is zero.
        faults
            .entry(element / width)
            .or_insert(Wrong { at: 0, why });
    };
    match of {
        Values::Bool(of) => Data::Bool(Part::Lent(of)),
        Values::Int64(of) => Data::Int(Part::Lent(of)),
        Values::Fp64(of) => Data::Double(Part::Lent(of)),
        Values::Uint8(of) => as_kind!(Int, of, |&it| i64::from(it)),
        Values::Uint16(of) => as_kind!(Int, of, |&it| i64::from(it)),
        Values::Uint32(of) => as_kind!(Int, of, |&it| i64::from(it)),
        Values::Int8(of) => as_kind!(Int, of, |&it| i64::from(it)),
        Values::Int16(of) => as_kind!(Int, of, |&it| i64::from(it)),
        Values::Int32(of) => as_kind!(Int, of, |&it| i64::from(it)),
        Values::Fp16(of) => as_kind!(Double, of, |it| it.to_f64()),
        Values::Bf16(of) => as_kind!(Double, of, |it| it.to_f64()),
        Values::Fp32(of) => as_kind!(Double, of, |&it| f64::from(it)),
        Values::Uint64(of) => {
            let mut ints = Vec::with_capacity(of.len());
            for (element, &it) in of.iter().enumerate() {
                ints.push(i64::try_from(it).unwrap_or_else(|_| {
                    wrong(element, Why::Overflow);
                    0
                }));
            }
            Data::Int(Part::Own(ints))
        }
        Values::Bytes(of) => {
            let mut texts = Vec::with_capacity(of.len());
            for (element, it) in of.iter().enumerate() {
                texts.push(Cow::Borrowed(std::str::from_utf8(it).unwrap_or_else(
                    |_| {
                        wrong(element, Why::NoText);
                        ""
                    },
                )));
            }
            Data::Text(Part::Own(texts))
        }
    }
}

// === impl Why ===

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "expected a parameter '{name}', got none"),
            Self::Type { expected, got } => write!(f, "expected {expected}, got {got}"),
            Self::Unlike(a, b) => write!(f, "expected two of the same type, got {a} and {b}"),
            Self::NoInt(it) => write!(f, "expected a number of at most 64 bits, got {it}"),
            Self::Zero => f.write_str("expected no division of a whole number by zero, got one"),
            Self::Overflow => f.write_str("expected a whole number of 64 bits, got one beyond"),
            Self::Empty => f.write_str("expected a list with elements, got an empty one"),
            Self::Index { index, size } => {
                write!(f, "expected an index into a list of {size}, got {index}")
            }
            Self::NoText => f.write_str("expected a text in UTF-8, got other bytes"),
            Self::Unread { expected, got } => {
                let begin: String = got.chars().take(40).collect();
                write!(f, "expected {expected}, got {begin:?}")
            }
        }
    }
}
