//! What an expression is checked and compiled to.

use std::cmp::Ordering;
use std::sync::Arc;

use super::Scalar;

/// One step, and where it stands in the text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tree {
    /// The place, in characters from 0.
    pub(super) at: usize,
    /// What it does.
    pub(super) work: Work,
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Work {
    /// The same always.
    Constant(Scalar),
    /// What is read, by its place.
    Value(usize),
    /// A parameter.
    Parameter(Arc<str>),
    /// Whether there is such a parameter.
    Has(Arc<str>),
    /// The element that `all` or `exists` looks at.
    Element,
    /// A list.
    List(Vec<Tree>),
    /// Both, or either: a side that decides hides what is wrong with the other.
    Join(Join, Box<[Tree; 2]>),
    /// Arithmetic.
    Arithmetic(Arithmetic, Box<[Tree; 2]>),
    /// A comparison.
    Comparison(Comparison, Box<[Tree; 2]>),
    /// The second where the first holds, else the third.
    Choice(Box<[Tree; 3]>),
    /// Whether the second, a list, has the first.
    Member(Box<[Tree; 2]>),
    /// An element of the first, a list.
    Index(Box<[Tree; 2]>),
    /// A function of one.
    Call(Function, Box<Tree>),
    /// The smaller or the greater of two.
    Pick(Ordering, Box<[Tree; 2]>),
    /// A question about two texts.
    Ask(Question, Box<[Tree; 2]>),
    /// Whether a text has a match of a pattern.
    Matches(Pattern, Box<Tree>),
    /// Whether something holds for all elements of a list, or for one.
    Each {
        /// `All` or one.
        join: Join,
        /// Whether what is asked differs by row, even where the list does not.
        by_row: bool,
        /// The list, and what is asked.
        of: Box<[Tree; 2]>,
    },
}

/// How truths are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    /// All must hold.
    All,
    /// One must hold.
    Any,
}

/// What is computed of two numbers; `+` also joins texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is its own name")]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// How two things are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is its own name")]
pub(super) enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// What is asked about two texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is its own name")]
pub(super) enum Question {
    StartsWith,
    EndsWith,
    Contains,
}

/// A function of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is its own name")]
pub(super) enum Function {
    Not,
    Negate,
    Max,
    Min,
    Sum,
    Mean,
    ArgMax,
    Size,
    Length,
    Abs,
    Floor,
    Ceil,
    Round,
    Sqrt,
    Exp,
    Log,
    Int,
    Double,
    String,
    Bool,
    Lower,
    Upper,
    Trim,
}

/// A regular expression; equal where its text is.
#[derive(Clone, Debug)]
pub(super) struct Pattern(pub(super) regex::Regex);

/// Functions of one thing by name.
pub(super) const FUNCTIONS: [(&str, Function); 12] = [
    ("abs", Function::Abs),
    ("floor", Function::Floor),
    ("ceil", Function::Ceil),
    ("round", Function::Round),
    ("sqrt", Function::Sqrt),
    ("exp", Function::Exp),
    ("log", Function::Log),
    ("int", Function::Int),
    ("double", Function::Double),
    ("string", Function::String),
    ("bool", Function::Bool),
    ("size", Function::Size),
];

/// Methods without an argument by name.
pub(super) const METHODS: [(&str, Function); 9] = [
    ("max", Function::Max),
    ("min", Function::Min),
    ("sum", Function::Sum),
    ("mean", Function::Mean),
    ("argmax", Function::ArgMax),
    ("size", Function::Size),
    ("lowerAscii", Function::Lower),
    ("upperAscii", Function::Upper),
    ("trim", Function::Trim),
];

/// Methods of a text with a text by name.
pub(super) const QUESTIONS: [(&str, Question); 3] = [
    ("startsWith", Question::StartsWith),
    ("endsWith", Question::EndsWith),
    ("contains", Question::Contains),
];

// === impl Tree ===

impl Tree {
    /// Whether it reads a value.
    pub(super) fn reads(&self) -> bool {
        match &self.work {
            Work::Value(_) => true,
            Work::Constant(_) | Work::Parameter(_) | Work::Has(_) | Work::Element => false,
            Work::List(of) => of.iter().any(Self::reads),
            Work::Join(_, of)
            | Work::Arithmetic(_, of)
            | Work::Comparison(_, of)
            | Work::Member(of)
            | Work::Index(of)
            | Work::Pick(_, of)
            | Work::Ask(_, of)
            | Work::Each { of, .. } => of.iter().any(Self::reads),
            Work::Choice(of) => of.iter().any(Self::reads),
            Work::Call(_, of) | Work::Matches(_, of) => of.reads(),
        }
    }
}

// === impl Comparison ===

impl Comparison {
    /// Whether it holds of two that stand so; of two that cannot be compared, only that they are unequal.
    pub(super) fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::Unequal => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::AtMost => order.is_some_and(Ordering::is_le),
            Self::Greater => order == Some(Ordering::Greater),
            Self::AtLeast => order.is_some_and(Ordering::is_ge),
        }
    }
}

// === impl Pattern ===

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}
