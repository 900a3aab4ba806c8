//! Typed, dense, row-major tensors in host memory: what travels between the wire and the engines.
//!
//! A tensor's shape always matches its number of elements; that is checked once, when it is made. Arithmetic
//! lives in the engines, the bytes of the wire in the daemon.

pub mod json;

use std::fmt;
use std::str::FromStr;

use half::{bf16, f16};
use serde::{Deserialize, Serialize};

/// The datatypes of the Open Inference Protocol (version 2, "Tensor Data Types").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "each variant is its own name in the protocol")]
pub enum DataType {
    Bool,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Int8,
    Int16,
    Int32,
    Int64,
    Fp16,
    Bf16,
    Fp32,
    Fp64,
    Bytes,
}

/// The elements of a tensor in row-major order, one vector of the datatype's own type.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each variant is its datatype")]
pub enum Values {
    Bool(Vec<bool>),
    Uint8(Vec<u8>),
    Uint16(Vec<u16>),
    Uint32(Vec<u32>),
    Uint64(Vec<u64>),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Fp16(Vec<f16>),
    Bf16(Vec<bf16>),
    Fp32(Vec<f32>),
    Fp64(Vec<f64>),
    /// Each element is a string of bytes; engines that want text refuse what is not UTF-8.
    Bytes(Vec<Vec<u8>>),
}

/// A dense tensor: a shape and exactly as many elements as the shape says.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    values: Values,
}

/// A Rust type that is one of the protocol's datatypes.
pub trait Element: Clone + Sized + 'static {
    /// The datatype whose elements have this type.
    const DATATYPE: DataType;
    /// Wraps a vector as values of this datatype.
    fn wrap(elements: Vec<Self>) -> Values;
    /// The elements, where the values are of this datatype.
    fn slice(values: &Values) -> Option<&[Self]>;
    /// The elements, taken, where the values are of this datatype; else the values unchanged.
    ///
    /// # Errors
    /// The values as they were, when they are of another datatype.
    fn unwrap(values: Values) -> Result<Vec<Self>, Values>;
}

/// A shape does not fit the number of elements, or has more elements than can be counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("shape {shape:?} does not hold {elements} elements")]
pub struct ShapeError {
    /// The shape asked for.
    pub shape: Vec<usize>,
    /// The elements given.
    pub elements: usize,
}

/// Runs an expression for whichever vector a `Values` holds: `each_vec!(values, v => v.len())`.
#[macro_export]
macro_rules! each_vec {
    ($values:expr, $v:pat => $body:expr) => {
        match $values {
            $crate::tensor::Values::Bool($v) => $body,
            $crate::tensor::Values::Uint8($v) => $body,
            $crate::tensor::Values::Uint16($v) => $body,
            $crate::tensor::Values::Uint32($v) => $body,
            $crate::tensor::Values::Uint64($v) => $body,
            $crate::tensor::Values::Int8($v) => $body,
            $crate::tensor::Values::Int16($v) => $body,
            $crate::tensor::Values::Int32($v) => $body,
            $crate::tensor::Values::Int64($v) => $body,
            $crate::tensor::Values::Fp16($v) => $body,
            $crate::tensor::Values::Bf16($v) => $body,
            $crate::tensor::Values::Fp32($v) => $body,
            $crate::tensor::Values::Fp64($v) => $body,
            $crate::tensor::Values::Bytes($v) => $body,
        }
    };
}

// === impl DataType ===

impl DataType {
    /// Every datatype, in the protocol's order.
    pub const ALL: [Self; 14] = [
        Self::Bool,
        Self::Uint8,
        Self::Uint16,
        Self::Uint32,
        Self::Uint64,
        Self::Int8,
        Self::Int16,
        Self::Int32,
        Self::Int64,
        Self::Fp16,
        Self::Bf16,
        Self::Fp32,
        Self::Fp64,
        Self::Bytes,
    ];

    /// The protocol's name, such as `FP32`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::Uint8 => "UINT8",
            Self::Uint16 => "UINT16",
            Self::Uint32 => "UINT32",
            Self::Uint64 => "UINT64",
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Fp16 => "FP16",
            Self::Bf16 => "BF16",
            Self::Fp32 => "FP32",
            Self::Fp64 => "FP64",
            Self::Bytes => "BYTES",
        }
    }

    /// Bytes of one element on the wire and in memory; nothing for `BYTES`, whose elements differ in length.
    #[must_use]
    pub fn size(self) -> Option<usize> {
        match self {
            Self::Bool | Self::Uint8 | Self::Int8 => Some(1),
            Self::Uint16 | Self::Int16 | Self::Fp16 | Self::Bf16 => Some(2),
            Self::Uint32 | Self::Int32 | Self::Fp32 => Some(4),
            Self::Uint64 | Self::Int64 | Self::Fp64 => Some(8),
            Self::Bytes => None,
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DataType {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|d| d.as_str() == text);
        known.ok_or_else(|| {
            let got: String = text.chars().take(40).collect();
            format!("unknown datatype {got:?}, expected one of BOOL, UINT8 … UINT64, INT8 … INT64, FP16, BF16, FP32, FP64, BYTES")
        })
    }
}

// === impl Values ===

impl Values {
    /// The number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        each_vec!(self, v => v.len())
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The datatype of the elements.
    #[must_use]
    pub fn datatype(&self) -> DataType {
        fn of<T: Element>(_: &[T]) -> DataType {
            T::DATATYPE
        }
        each_vec!(self, v => of(v))
    }

    /// No elements of the datatype, with room for `capacity` of them.
    #[must_use]
    pub fn with_capacity(datatype: DataType, capacity: usize) -> Self {
        match datatype {
            DataType::Bool => Self::Bool(Vec::with_capacity(capacity)),
            DataType::Uint8 => Self::Uint8(Vec::with_capacity(capacity)),
            DataType::Uint16 => Self::Uint16(Vec::with_capacity(capacity)),
            DataType::Uint32 => Self::Uint32(Vec::with_capacity(capacity)),
            DataType::Uint64 => Self::Uint64(Vec::with_capacity(capacity)),
            DataType::Int8 => Self::Int8(Vec::with_capacity(capacity)),
            DataType::Int16 => Self::Int16(Vec::with_capacity(capacity)),
            DataType::Int32 => Self::Int32(Vec::with_capacity(capacity)),
            DataType::Int64 => Self::Int64(Vec::with_capacity(capacity)),
            DataType::Fp16 => Self::Fp16(Vec::with_capacity(capacity)),
            DataType::Bf16 => Self::Bf16(Vec::with_capacity(capacity)),
            DataType::Fp32 => Self::Fp32(Vec::with_capacity(capacity)),
            DataType::Fp64 => Self::Fp64(Vec::with_capacity(capacity)),
            DataType::Bytes => Self::Bytes(Vec::with_capacity(capacity)),
        }
    }
}

// === impl Tensor ===

impl Tensor {
    /// A tensor of a shape and its elements.
    ///
    /// # Errors
    /// [`ShapeError`] when the shape's product is not the number of elements.
    pub fn new(shape: Vec<usize>, values: Values) -> Result<Self, ShapeError> {
        match element_count(&shape) {
            Some(count) if count == values.len() => Ok(Self { shape, values }),
            _ => Err(ShapeError {
                elements: values.len(),
                shape,
            }),
        }
    }

    /// A tensor of a shape and a vector of one of the protocol's types.
    ///
    /// # Errors
    /// [`ShapeError`] when the shape's product is not the number of elements.
    pub fn of<T: Element>(shape: Vec<usize>, elements: Vec<T>) -> Result<Self, ShapeError> {
        Self::new(shape, T::wrap(elements))
    }

    /// A tensor of rank 1.
    #[must_use]
    pub fn vector<T: Element>(elements: Vec<T>) -> Self {
        Self {
            shape: vec![elements.len()],
            values: T::wrap(elements),
        }
    }

    /// The sizes of the axes; empty for a scalar.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The datatype of the elements.
    #[must_use]
    pub fn datatype(&self) -> DataType {
        self.values.datatype()
    }

    /// The elements in row-major order.
    #[must_use]
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The elements as a slice of one of the protocol's types, where they are of it.
    #[must_use]
    pub fn as_slice<T: Element>(&self) -> Option<&[T]> {
        T::slice(&self.values)
    }

    /// Shape and elements, taken apart without a copy.
    #[must_use]
    pub fn into_parts(self) -> (Vec<usize>, Values) {
        (self.shape, self.values)
    }
}

/// The product of a shape's axes, or nothing where it overflows. A scalar (empty shape) has one element.
#[must_use]
pub fn element_count(shape: &[usize]) -> Option<usize> {
    // A zero anywhere makes the tensor empty, but only a shape that could be counted at all is accepted.
    let mut count = 1usize;
    for &axis in shape.iter().filter(|&&axis| axis != 0) {
        count = count.checked_mul(axis)?;
    }
    Some(if shape.contains(&0) { 0 } else { count })
}

// === impl Element ===

macro_rules! element {
    ($type:ty, $variant:ident) => {
        impl Element for $type {
            const DATATYPE: DataType = DataType::$variant;
            fn wrap(elements: Vec<Self>) -> Values {
                Values::$variant(elements)
            }
            fn slice(values: &Values) -> Option<&[Self]> {
                match values {
                    Values::$variant(v) => Some(v),
                    _ => None,
                }
            }
            fn unwrap(values: Values) -> Result<Vec<Self>, Values> {
                match values {
                    Values::$variant(v) => Ok(v),
                    other => Err(other),
                }
            }
        }
    };
}

element!(bool, Bool);
element!(u8, Uint8);
element!(u16, Uint16);
element!(u32, Uint32);
element!(u64, Uint64);
element!(i8, Int8);
element!(i16, Int16);
element!(i32, Int32);
element!(i64, Int64);
element!(f16, Fp16);
element!(bf16, Bf16);
element!(f32, Fp32);
element!(f64, Fp64);
element!(Vec<u8>, Bytes);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_holds_what_its_shape_says() {
        assert!(Tensor::of(vec![2, 3], vec![0f32; 6]).is_ok());
        assert!(Tensor::of(vec![], vec![1i64]).is_ok());
        assert!(Tensor::of(vec![0, 4], Vec::<f32>::new()).is_ok());
        assert!(Tensor::of(vec![2, 3], vec![0f32; 5]).is_err());
        assert!(Tensor::of(vec![usize::MAX, 2], vec![0f32; 2]).is_err());
        assert_eq!(element_count(&[usize::MAX, 4]), None);
        assert_eq!(element_count(&[usize::MAX, usize::MAX, 0]), None);
    }

    #[test]
    fn datatypes_have_the_protocols_names() {
        for datatype in DataType::ALL {
            assert_eq!(datatype.as_str().parse(), Ok(datatype));
            assert_eq!(Values::with_capacity(datatype, 3).datatype(), datatype);
        }
        assert!("FP8".parse::<DataType>().is_err());
    }
}
