//! The protocol's numbers as Rust's: what a loop over elements needs to know of each.

use std::cmp::Ordering;

use half::{bf16, f16};
use impresario_models::{DataType, Element};

/// A number, or a truth as 0 or 1.
pub(super) trait Number: Element + Copy + PartialOrd {
    /// The nearest double.
    fn wide(self) -> f64;

    /// The nearest one of this type to a double; whole numbers are cut towards zero and at their bounds.
    fn narrow(wide: f64) -> Self;

    fn is_nan(self) -> bool {
        false
    }

    /// NaN is the greatest.
    fn order(self, other: Self) -> Ordering {
        let nan = || self.is_nan().cmp(&other.is_nan());
        self.partial_cmp(&other).unwrap_or_else(nan)
    }
}

/// A floating-point number.
pub(super) trait Float: Number {
    /// The exponential function, in the precision that results in this type need.
    fn exp(x: f64) -> f64;
}

macro_rules! whole {
    ($($type:ty)*) => {$(
        impl Number for $type {
            fn wide(self) -> f64 {
                self as f64
            }
            fn narrow(wide: f64) -> Self {
                wide as Self
            }
        }
    )*};
}

whole!(u8 u16 u32 u64 i8 i16 i32 i64);

impl Number for bool {
    fn wide(self) -> f64 {
        f64::from(self)
    }
    fn narrow(wide: f64) -> Self {
        wide != 0.0
    }
}

macro_rules! float {
    ($($type:ty, $narrow:expr, $exp:expr;)*) => {$(
        impl Number for $type {
            fn wide(self) -> f64 {
                self.into()
            }
            fn narrow(wide: f64) -> Self {
                $narrow(wide)
            }
            fn is_nan(self) -> bool {
                self.is_nan()
            }
        }
        impl Float for $type {
            fn exp(x: f64) -> f64 {
                $exp(x)
            }
        }
    )*};
}

float! {
    f16, f16::from_f64, single_exp;
    bf16, bf16::from_f64, single_exp;
    f32, |wide| wide as f32, single_exp;
    f64, |wide| wide, f64::exp;
}

fn single_exp(x: f64) -> f64 {
    f64::from((x as f32).exp())
}

/// A double as a float of this datatype has it; as it is for others.
pub(super) fn rounded(datatype: DataType, wide: f64) -> f64 {
    match datatype {
        DataType::Fp16 => f16::narrow(wide).wide(),
        DataType::Bf16 => bf16::narrow(wide).wide(),
        DataType::Fp32 => f32::narrow(wide).wide(),
        _ => wide,
    }
}

/// Wraps what an expression makes of the vector of a tensor, where its datatype is of the family named.
macro_rules! each {
    (floats $of:expr, $v:ident => $body:expr) => {
        match $of.values() {
            Values::Fp16($v) => Some(Element::wrap($body)),
            Values::Bf16($v) => Some(Element::wrap($body)),
            Values::Fp32($v) => Some(Element::wrap($body)),
            Values::Fp64($v) => Some(Element::wrap($body)),
            _ => None,
        }
    };
    (whole $of:expr, $v:ident => $body:expr) => {
        match $of.values() {
            Values::Uint8($v) => Some(Element::wrap($body)),
            Values::Uint16($v) => Some(Element::wrap($body)),
            Values::Uint32($v) => Some(Element::wrap($body)),
            Values::Uint64($v) => Some(Element::wrap($body)),
            Values::Int8($v) => Some(Element::wrap($body)),
            Values::Int16($v) => Some(Element::wrap($body)),
            Values::Int32($v) => Some(Element::wrap($body)),
            Values::Int64($v) => Some(Element::wrap($body)),
            _ => None,
        }
    };
    (numbers $of:expr, $v:ident => $body:expr) => {
        match each!(floats $of, $v => $body) {
            None => each!(whole $of, $v => $body),
            made => made,
        }
    };
}

pub(super) use each;
