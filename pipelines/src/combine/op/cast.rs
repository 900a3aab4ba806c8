//! The same values in another datatype.

use half::{bf16, f16};
use impresario_models::{DataType, Element, Values, each_vec};

use crate::combine::Fault;
use crate::combine::number::Number;

/// One element of any datatype.
enum Seen<'a> {
    Truth(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(&'a [u8]),
}

trait Source: Element {
    fn see(&self) -> Seen<'_>;

    fn write(&self) -> String;
}

trait Target: Element + Default {
    /// The same value, where there is one.
    fn make(of: Seen<'_>) -> Option<Self>;
}

/// # Errors
/// The first element that the datatype does not hold.
pub(super) fn cast(of: &Values, to: DataType) -> Result<Values, Fault> {
    if of.datatype() == to {
        return Ok(of.clone());
    }
    each_vec!(of, v => match to {
        DataType::Bool => all::<_, bool>(v),
        DataType::Uint8 => all::<_, u8>(v),
        DataType::Uint16 => all::<_, u16>(v),
        DataType::Uint32 => all::<_, u32>(v),
        DataType::Uint64 => all::<_, u64>(v),
        DataType::Int8 => all::<_, i8>(v),
        DataType::Int16 => all::<_, i16>(v),
        DataType::Int32 => all::<_, i32>(v),
        DataType::Int64 => all::<_, i64>(v),
        DataType::Fp16 => all::<_, f16>(v),
        DataType::Bf16 => all::<_, bf16>(v),
        DataType::Fp32 => all::<_, f32>(v),
        DataType::Fp64 => all::<_, f64>(v),
        DataType::Bytes => Ok(Values::Bytes(v.iter().map(|x| x.write().into_bytes()).collect())),
    })
}

fn all<S: Source, T: Target>(of: &[S]) -> Result<Values, Fault> {
    let mut good = true;
    // Without a way out of the loop it can be done on many elements at once; what was wrong is looked for after.
    let made = of.iter().map(|x| {
        T::make(x.see()).unwrap_or_else(|| {
            good = false;
            T::default()
        })
    });
    let made: Vec<T> = made.collect();
    let wrong = || of.iter().position(|x| T::make(x.see()).is_none());
    match if good { None } else { wrong() } {
        None => Ok(T::wrap(made)),
        Some(at) => Err(Fault(format!(
            "element {at}: expected what {} holds, got '{}'",
            T::DATATYPE,
            excerpt(&of[at].write())
        ))),
    }
}

/// The beginning of a text.
pub(super) fn excerpt(text: &str) -> String {
    let mut excerpt: String = text.chars().take(40).collect();
    if excerpt.len() < text.len() {
        excerpt.push('…');
    }
    excerpt
}

// === impl Source ===

macro_rules! source {
    ($($type:ty, $x:ident => $seen:expr;)*) => {$(
        impl Source for $type {
            fn see(&self) -> Seen<'_> {
                let $x = *self;
                $seen
            }
            fn write(&self) -> String {
                format!("{self:?}")
            }
        }
    )*};
}

source! {
    bool, x => Seen::Truth(x);
    u8, x => Seen::Signed(x.into());
    u16, x => Seen::Signed(x.into());
    u32, x => Seen::Signed(x.into());
    u64, x => Seen::Unsigned(x);
    i8, x => Seen::Signed(x.into());
    i16, x => Seen::Signed(x.into());
    i32, x => Seen::Signed(x.into());
    i64, x => Seen::Signed(x);
    f16, x => Seen::Float(x.into());
    bf16, x => Seen::Float(x.into());
    f32, x => Seen::Float(x.into());
    f64, x => Seen::Float(x);
}

impl Source for Vec<u8> {
    fn see(&self) -> Seen<'_> {
        Seen::Text(self)
    }

    fn write(&self) -> String {
        String::from_utf8_lossy(self).into_owned()
    }
}

// === impl Target ===

impl Target for bool {
    fn make(of: Seen<'_>) -> Option<Self> {
        match of {
            Seen::Truth(x) => Some(x),
            Seen::Signed(x) => Some(x != 0),
            Seen::Unsigned(x) => Some(x != 0),
            Seen::Float(x) => Some(x != 0.0),
            Seen::Text(b"true") => Some(true),
            Seen::Text(b"false") => Some(false),
            Seen::Text(_) => None,
        }
    }
}

fn parse<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

macro_rules! whole {
    ($($type:ty)*) => {$(
        impl Target for $type {
            fn make(of: Seen<'_>) -> Option<Self> {
                match of {
                    Seen::Truth(x) => Some(x.into()),
                    Seen::Signed(x) => x.try_into().ok(),
                    Seen::Unsigned(x) => x.try_into().ok(),
                    Seen::Float(x) => {
                        let (least, greatest) = (Self::MIN as f64, Self::MAX as f64);
                        // What is less than 1 beyond a bound is cut to it. Beyond those of 64 bits the next double is
                        // further away, and adding 1 changes nothing.
                        let holds = (x >= least || x > least - 1.0) && x < greatest + 1.0;
                        holds.then_some(x as Self)
                    }
                    Seen::Text(text) => parse(text),
                }
            }
        }
    )*};
}

whole!(u8 u16 u32 u64 i8 i16 i32 i64);

macro_rules! float {
    ($($type:ty, $parsed:ty;)*) => {$(
        impl Target for $type {
            fn make(of: Seen<'_>) -> Option<Self> {
                Some(match of {
                    Seen::Truth(x) => Self::narrow(f64::from(x)),
                    Seen::Signed(x) => Self::narrow(x as f64),
                    Seen::Unsigned(x) => Self::narrow(x as f64),
                    Seen::Float(x) => Self::narrow(x),
                    Seen::Text(text) => parse::<$parsed>(text).map(|x| Self::narrow(x.into()))?,
                })
            }
        }
    )*};
}

float! {
    f16, f64;
    bf16, f64;
    f32, f32;
    f64, f64;
}
