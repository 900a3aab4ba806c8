//! A version's contract: its typed inputs and outputs, and the exact check of tensors against it.
//!
//! The check is used at the border (a client's request) and behind the engine (a version that breaks its own
//! contract is at fault). Comparing two contracts for compatibility is the business of pipelines.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::each_vec;
use crate::tensor::{DataType, Tensor, Values};

/// What a version takes and gives, in the model's own order.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// The inputs; every one is required.
    pub inputs: Vec<Port>,
    /// The outputs.
    pub outputs: Vec<Port>,
    /// Whether rows of several requests may be joined.
    pub batching: Batching,
}

/// Whether the first axis of every port is a free batch axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batching {
    /// Some port has no free first axis: requests are computed one by one.
    None,
    /// The first axis of every input and output counts rows, and row i of the outputs depends on row i of the
    /// inputs only.
    FirstAxis {
        /// The most rows that one computation takes, where the model limits it.
        max: Option<NonZeroUsize>,
    },
}

/// One typed input or output.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// The name in the protocol.
    pub name: Arc<str>,
    /// The datatype of every element.
    pub datatype: DataType,
    /// The sizes of the axes, the batch axis included.
    pub shape: Vec<Dim>,
    /// Closed interval that every number must lie in, where stated.
    pub range: Option<(f64, f64)>,
    /// The only strings or whole numbers (in decimal) allowed, where stated.
    pub categories: Option<Arc<[String]>>,
    /// Whether NaN and infinities may enter or leave.
    pub non_finite: NonFinite,
    /// Labels of the last axis (class names), where known; for metadata and reports.
    pub labels: Arc<[String]>,
}

/// The size of one axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dim {
    /// Exactly this many.
    Fixed(usize),
    /// Any number; axes that share a symbol have the same size within one request.
    Free(Option<Arc<str>>),
}

/// Whether NaN and infinities may pass a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NonFinite {
    /// They may: missing values are NaN in most tabular models.
    #[default]
    Allowed,
    /// They are refused.
    Forbidden,
}

/// Which side of a contract a mismatch is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What a request gives.
    Input,
    /// What a version answers.
    Output,
}

/// Where tensors and contract disagree: what, expected, got.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Mismatch {
    /// No port of this name.
    #[error("unexpected {side} '{name}': expected {expected}")]
    Unknown {
        /// The side.
        side: Side,
        /// The name given.
        name: String,
        /// The names there are.
        expected: String,
    },
    /// A port was given twice.
    #[error("{side} '{name}' is given more than once")]
    Duplicate {
        /// The side.
        side: Side,
        /// The name given.
        name: String,
    },
    /// A port was not given.
    #[error("{side} '{name}' is missing: expected {expected}")]
    Missing {
        /// The side.
        side: Side,
        /// The missing port's name.
        name: String,
        /// All names there are.
        expected: String,
    },
    /// A tensor does not fit its port.
    #[error("{side} '{name}': expected {expected}, got {got}")]
    Tensor {
        /// The side.
        side: Side,
        /// The port's name.
        name: String,
        /// What the port wants.
        expected: String,
        /// What it was given.
        got: String,
    },
}

// === impl Contract ===

impl Contract {
    /// The index of an input.
    #[must_use]
    pub fn input(&self, name: &str) -> Option<usize> {
        self.inputs.iter().position(|p| &*p.name == name)
    }

    /// The index of an output.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<usize> {
        self.outputs.iter().position(|p| &*p.name == name)
    }

    /// The most rows that one request may have, where the contract limits it.
    #[must_use]
    pub fn max_rows(&self) -> Option<usize> {
        match self.batching {
            Batching::FirstAxis { max } => max.map(NonZeroUsize::get),
            Batching::None => None,
        }
    }

    /// Puts named tensors into the contract's order and checks every one.
    ///
    /// # Errors
    /// The first [`Mismatch`]: unknown, duplicate or missing input, or a tensor that does not fit.
    pub fn arrange<'a>(
        &self,
        named: impl IntoIterator<Item = (&'a str, Tensor)>,
    ) -> Result<Vec<Tensor>, Mismatch> {
        let mut slots: Vec<Option<Tensor>> = self.inputs.iter().map(|_| None).collect();
        for (name, tensor) in named {
            let index = self
                .input(name)
                .ok_or_else(|| self.unknown(Side::Input, name))?;
            if slots[index].replace(tensor).is_some() {
                return Err(Mismatch::Duplicate {
                    side: Side::Input,
                    name: name.to_owned(),
                });
            }
        }
        let mut tensors = Vec::with_capacity(slots.len());
        for (slot, port) in slots.into_iter().zip(&self.inputs) {
            tensors.push(slot.ok_or_else(|| self.missing(Side::Input, &port.name))?);
        }
        self.check_inputs(&tensors)?;
        Ok(tensors)
    }

    /// Checks inputs that stand in the contract's order.
    ///
    /// # Errors
    /// The first [`Mismatch`].
    pub fn check_inputs(&self, tensors: &[Tensor]) -> Result<(), Mismatch> {
        self.check(Side::Input, &self.inputs, tensors)
    }

    /// Checks what a version answered, in the contract's order: a mismatch is the version's fault.
    ///
    /// # Errors
    /// The first [`Mismatch`].
    pub fn check_outputs(&self, tensors: &[Tensor]) -> Result<(), Mismatch> {
        self.check(Side::Output, &self.outputs, tensors)
    }

    /// The mismatch for a name that this contract does not have.
    #[must_use]
    pub fn unknown(&self, side: Side, name: &str) -> Mismatch {
        Mismatch::Unknown {
            side,
            name: name.chars().take(100).collect(),
            expected: names(self.side(side)),
        }
    }

    /// The mismatch for a port that was not given.
    #[must_use]
    pub fn missing(&self, side: Side, name: &str) -> Mismatch {
        Mismatch::Missing {
            side,
            name: name.to_owned(),
            expected: names(self.side(side)),
        }
    }

    fn side(&self, side: Side) -> &[Port] {
        match side {
            Side::Input => &self.inputs,
            Side::Output => &self.outputs,
        }
    }

    fn check(&self, side: Side, ports: &[Port], tensors: &[Tensor]) -> Result<(), Mismatch> {
        if let Some(port) = ports.get(tensors.len()) {
            return Err(self.missing(side, &port.name));
        }
        if tensors.len() > ports.len() {
            return Err(self.unknown(side, &format!("#{}", ports.len())));
        }
        let mut symbols: Vec<(&str, usize, &str)> = Vec::new();
        let mut batch: Option<(usize, &str)> = None;
        for (port, tensor) in ports.iter().zip(tensors) {
            port.check_header(side, tensor.datatype(), tensor.shape())?;
            port.check_values(side, tensor.values())?;
            for (dim, &size) in port.shape.iter().zip(tensor.shape()) {
                let Dim::Free(Some(symbol)) = dim else {
                    continue;
                };
                match symbols.iter().find(|(s, ..)| *s == &**symbol) {
                    None => symbols.push((symbol, size, &port.name)),
                    Some(&(_, other, first)) if other != size => {
                        return Err(port.mismatch(
                            side,
                            format!("axis '{symbol}' of size {other} as in '{first}'"),
                            format!("shape {:?}", tensor.shape()),
                        ));
                    }
                    Some(_) => {}
                }
            }
            if let (Batching::FirstAxis { max }, Some(&rows)) =
                (self.batching, tensor.shape().first())
            {
                match batch {
                    Some((other, first)) if other != rows => {
                        return Err(port.mismatch(
                            side,
                            format!("{other} rows as in '{first}'"),
                            format!("{rows} rows"),
                        ));
                    }
                    _ => batch = Some((rows, &port.name)),
                }
                if let (Side::Input, Some(max)) = (side, max)
                    && rows > max.get()
                {
                    return Err(port.mismatch(
                        side,
                        format!("at most {max} rows"),
                        format!("{rows} rows"),
                    ));
                }
            }
        }
        Ok(())
    }
}

// === impl Port ===

impl Port {
    /// A port that allows every value of its datatype.
    #[must_use]
    pub fn new(name: &str, datatype: DataType, shape: Vec<Dim>) -> Self {
        Self {
            name: name.into(),
            datatype,
            shape,
            range: None,
            categories: None,
            non_finite: NonFinite::default(),
            labels: Arc::default(),
        }
    }

    /// Checks datatype and shape, before anything is allocated for the elements.
    ///
    /// # Errors
    /// A [`Mismatch::Tensor`] naming the port, expected and got.
    pub fn check_header(
        &self,
        side: Side,
        datatype: DataType,
        shape: &[usize],
    ) -> Result<(), Mismatch> {
        if datatype != self.datatype {
            return Err(self.mismatch(
                side,
                format!("datatype {}", self.datatype),
                datatype.to_string(),
            ));
        }
        let fits = shape.len() == self.shape.len()
            && self.shape.iter().zip(shape).all(|(dim, size)| match dim {
                Dim::Fixed(fixed) => fixed == size,
                Dim::Free(_) => true,
            });
        if fits {
            Ok(())
        } else {
            Err(self.mismatch(
                side,
                format!("shape {}", Dims(&self.shape)),
                format!("{shape:?}"),
            ))
        }
    }

    /// Checks the elements against range, categories and the rule for NaN, where the port states them.
    ///
    /// # Errors
    /// A [`Mismatch::Tensor`] naming the port and the first element that does not fit.
    pub fn check_values(&self, side: Side, values: &Values) -> Result<(), Mismatch> {
        if self.non_finite == NonFinite::Forbidden
            && let Some((at, got)) = first(values, |v| v.is_some_and(|v| !v.is_finite()))
        {
            return Err(self.mismatch(
                side,
                "finite numbers".into(),
                format!("{got} at element {at}"),
            ));
        }
        if let Some((low, high)) = self.range {
            // NaN is judged by `non_finite`, not by the range.
            let outside = |v: Option<f64>| v.is_some_and(|v| v < low || v > high);
            if let Some((at, got)) = first(values, outside) {
                return Err(self.mismatch(
                    side,
                    format!("numbers from {low} to {high}"),
                    format!("{got} at element {at}"),
                ));
            }
        }
        if let Some(categories) = &self.categories {
            let allowed = |text: &str| categories.iter().any(|c| c == text);
            if let Some((at, got)) = first_text(values, |text| !allowed(text)) {
                let shown: String = got.chars().take(40).collect();
                return Err(self.mismatch(
                    side,
                    format!("one of {}", list(categories.iter().map(String::as_str))),
                    format!("'{shown}' at element {at}"),
                ));
            }
        }
        Ok(())
    }

    /// A mismatch at this port.
    #[must_use]
    pub fn mismatch(&self, side: Side, expected: String, got: String) -> Mismatch {
        Mismatch::Tensor {
            side,
            name: self.name.to_string(),
            expected,
            got,
        }
    }
}

/// The first number that a test picks; whole numbers are tested as the nearest double.
fn first(values: &Values, test: impl Fn(Option<f64>) -> bool) -> Option<(usize, String)> {
    macro_rules! find {
        ($v:expr, $number:expr) => {
            $v.iter()
                .enumerate()
                .find_map(|(i, v)| test(Some($number(v))).then(|| (i, v.to_string())))
        };
    }
    match values {
        Values::Bool(_) | Values::Bytes(_) => None,
        Values::Uint8(v) => find!(v, |&v| f64::from(v)),
        Values::Uint16(v) => find!(v, |&v| f64::from(v)),
        Values::Uint32(v) => find!(v, |&v| f64::from(v)),
        Values::Uint64(v) => find!(v, |&v: &u64| v as f64),
        Values::Int8(v) => find!(v, |&v| f64::from(v)),
        Values::Int16(v) => find!(v, |&v| f64::from(v)),
        Values::Int32(v) => find!(v, |&v| f64::from(v)),
        Values::Int64(v) => find!(v, |&v: &i64| v as f64),
        Values::Fp16(v) => find!(v, |v: &half::f16| v.to_f64()),
        Values::Bf16(v) => find!(v, |v: &half::bf16| v.to_f64()),
        Values::Fp32(v) => find!(v, |&v| f64::from(v)),
        Values::Fp64(v) => find!(v, |&v| v),
    }
}

/// The first element whose text a test picks.
fn first_text(values: &Values, test: impl Fn(&str) -> bool) -> Option<(usize, String)> {
    if let Values::Bytes(v) = values {
        return v.iter().enumerate().find_map(|(i, bytes)| {
            let text = String::from_utf8_lossy(bytes);
            test(&text).then(|| (i, text.into_owned()))
        });
    }
    fn text<T: fmt::Debug>(v: &T) -> String {
        format!("{v:?}")
    }
    each_vec!(values, v => v.iter().enumerate().find_map(|(i, v)| {
        let text = text(v);
        test(&text).then_some((i, text))
    }))
}

// === display ===

/// A shape as the protocol shows it: free axes are -1.
pub struct Dims<'a>(pub &'a [Dim]);

impl fmt::Display for Dims<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let axes = self.0.iter().map(|dim| match dim {
            Dim::Fixed(size) => size.to_string(),
            Dim::Free(_) => "-1".to_owned(),
        });
        write!(f, "[{}]", axes.collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Output => "output",
        })
    }
}

fn names(ports: &[Port]) -> String {
    list(ports.iter().map(|p| &*p.name))
}

fn list<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let shown: Vec<_> = texts.map(|t| format!("'{t}'")).collect();
    let more = shown.len().saturating_sub(20);
    let tail = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{tail}", shown[..shown.len() - more].join(", "))
}

#[cfg(test)]
mod tests;
