//! Types of what an expression reads and comes to.

use std::fmt;

use impresario_models::{DataType, Dim, Port};

/// What a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A truth.
    Bool,
    /// A whole number of 64 bits.
    Int,
    /// A floating-point number of 64 bits.
    Double,
    /// An int or a double: known only with the request.
    Number,
    /// A text.
    Text,
    /// Known only with the request.
    Any,
}

/// How many of them each row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Width {
    /// One.
    One,
    /// A list, of so many where that is known.
    List(Option<usize>),
    /// A list of lists, read as one long list.
    Deep,
}

/// What each row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Type {
    /// What.
    pub(super) kind: Kind,
    /// How many of them.
    pub(super) width: Width,
}

// === impl Kind ===

impl Kind {
    /// What elements of a datatype are here.
    pub(super) fn of(datatype: DataType) -> Self {
        match datatype {
            DataType::Bool => Self::Bool,
            DataType::Bytes => Self::Text,
            DataType::Fp16 | DataType::Bf16 | DataType::Fp32 | DataType::Fp64 => Self::Double,
            DataType::Uint8
            | DataType::Uint16
            | DataType::Uint32
            | DataType::Uint64
            | DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64 => Self::Int,
        }
    }

    /// The datatype of a result of this kind, where the kind is known before any request. Numbers that may be either are
    /// doubles.
    pub(super) fn datatype(self) -> Option<DataType> {
        match self {
            Self::Bool => Some(DataType::Bool),
            Self::Int => Some(DataType::Int64),
            Self::Double | Self::Number => Some(DataType::Fp64),
            Self::Text => Some(DataType::Bytes),
            Self::Any => None,
        }
    }

    /// Whether it may be what is wanted.
    pub(super) fn may_be(self, wanted: Self) -> bool {
        match wanted {
            Self::Number => self.may_be(Self::Int) || self.may_be(Self::Double),
            Self::Int | Self::Double => matches!(self, Self::Number | Self::Any) || self == wanted,
            Self::Bool | Self::Text => self == Self::Any || self == wanted,
            Self::Any => true,
        }
    }

    /// What something is that is one or the other.
    pub(super) fn or(self, other: Self) -> Option<Self> {
        match (self, other) {
            (a, b) if a == b => Some(a),
            (Self::Any, _) | (_, Self::Any) => Some(Self::Any),
            (Self::Bool | Self::Text, _) | (_, Self::Bool | Self::Text) => None,
            (Self::Double, _) | (_, Self::Double) => Some(Self::Double),
            _ => Some(Self::Number),
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Bool => "bools",
            Self::Int => "ints",
            Self::Double => "doubles",
            Self::Number => "numbers",
            Self::Text => "texts",
            Self::Any => "values",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "a bool",
            Self::Int => "an int",
            Self::Double => "a double",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Any => "a value whose type only the request tells",
        })
    }
}

// === impl Type ===

impl Type {
    /// One of a kind.
    pub(super) const fn one(kind: Kind) -> Self {
        Self {
            kind,
            width: Width::One,
        }
    }

    /// What a port has for each row; nothing where there should be rows and the port has no axis.
    pub(super) fn of(port: &Port, batched: bool) -> Option<Self> {
        let axes = if batched {
            port.shape.get(1..)?
        } else {
            &port.shape
        };
        let width = match axes {
            [] | [Dim::Fixed(1)] => Width::One,
            [Dim::Fixed(size)] => Width::List(Some(*size)),
            [Dim::Free(_)] => Width::List(None),
            _ => Width::Deep,
        };
        Some(Self {
            kind: Kind::of(port.datatype),
            width,
        })
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, many) = (self.kind, self.kind.plural());
        match self.width {
            Width::One => write!(f, "{kind}"),
            Width::List(Some(1)) => write!(f, "a list of 1 {}", many.trim_end_matches('s')),
            Width::List(Some(size)) => write!(f, "a list of {size} {many}"),
            Width::List(None) => write!(f, "a list of {many}"),
            Width::Deep => write!(f, "a list of lists of {many}"),
        }
    }
}
