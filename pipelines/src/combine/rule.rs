//! Ensembles: one value of several of the same kind.

use impresario_models::{Port, Tensor};

use super::{Fault, Misfit};

/// How several values become one. Where members are missing, it is made of those that are there, and weights are shared
/// among them anew.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// `mean`: element by element, Σ x / n. Floats keep their datatype; the mean of whole numbers is FP64.
    Mean,
    /// `weighted`: element by element, Σ w·x / Σ w. Floats keep their datatype; the mean of whole numbers is FP64.
    Weighted {
        /// One for each member, 0 or more, not all 0.
        weights: Vec<f64>,
    },
    /// `median`: element by element, the middle one; the mean of the two in the middle where their number is even. NaN
    /// where one is NaN. Floats keep their datatype; the median of whole numbers is FP64.
    Median,
    /// `min`: element by element, the least; NaN where one is NaN.
    Min,
    /// `max`: element by element, the greatest; NaN where one is NaN.
    Max,
    /// `vote`: element by element, what most members say, of truths, whole numbers or texts. Of those with equally many
    /// votes it is the one that the earliest member says.
    Vote {
        /// How much each member's vote counts, 0 or more, not all 0; all the same where nothing is said.
        weights: Option<Vec<f64>>,
    },
    /// `first`: the first that is there, as it is.
    First,
    /// `concat`: behind one another along the last axis. All must be there.
    Concat,
    /// `stack`: side by side along a new last axis. All must be there.
    Stack,
}

impl Rule {
    /// The names that ensembles are written by.
    pub const NAMES: [&'static str; 9] = [
        "mean", "weighted", "median", "min", "max", "vote", "first", "concat", "stack",
    ];

    /// The name that it is written by.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Weighted { .. } => "weighted",
            Self::Median => "median",
            Self::Min => "min",
            Self::Max => "max",
            Self::Vote { .. } => "vote",
            Self::First => "first",
            Self::Concat => "concat",
            Self::Stack => "stack",
        }
    }

    /// Whether all members must be there: without one, the shape of what comes out would be another. The quorum is then
    /// the number of members.
    #[must_use]
    pub fn of_all(&self) -> bool {
        matches!(self, Self::Concat | Self::Stack)
    }

    /// What comes out of values of these types, under the name `output`. Where `batched`, the first axis of each is the rows.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn output(&self, _of: &[&Port], _batched: bool) -> Result<Port, Misfit> {
        todo!()
    }

    /// What comes out of those that are there; the others are `None`. At least one is there.
    ///
    /// # Errors
    /// Why it cannot be computed of these values.
    pub fn apply(&self, _of: &[Option<&Tensor>], _batched: bool) -> Result<Tensor, Fault> {
        todo!()
    }
}
