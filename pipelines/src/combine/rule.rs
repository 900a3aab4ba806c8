//! Ensembles: one value of several of the same kind.

mod numbers;
mod vote;

use std::borrow::Cow;
use std::sync::Arc;

use impresario_models::{DataType, Element, Port, Tensor, Values, each_vec};

use super::kind::{Family, Kind, alike, any, concat, stack};
use super::number::each;
use super::port::{joint_labels, labelled, same};
use super::several::{interleave, slices};
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

    /// How many of so many members must be there where nothing is said: all of them, but for the first that is there.
    #[must_use]
    pub fn quorum(&self, members: usize) -> usize {
        match self {
            Self::First => 1.min(members),
            _ => members,
        }
    }

    /// What comes out of values of these types, under the name `output`. Where `batched`, the first axis of each is the rows.
    ///
    /// # Errors
    /// Why it cannot, or which setting makes no sense.
    pub fn output(&self, of: &[&Port], batched: bool) -> Result<Port, Misfit> {
        let kinds: Vec<Kind> = of.iter().map(|port| Kind::of_port(port)).collect();
        self.weights(of.len())?;
        let kind = self.kind(&kinds, batched)?;
        Ok(match self {
            Self::Mean | Self::Weighted { .. } => labelled(kind, of),
            Self::Median if kind.datatype != of[0].datatype => labelled(kind, of),
            Self::Median | Self::Min | Self::Max | Self::Vote { .. } | Self::First => {
                same(kind, of)
            }
            Self::Concat => {
                let mut port = same(kind, of);
                port.labels = joint_labels(of);
                port
            }
            Self::Stack => {
                let mut port = same(kind, of);
                port.labels = Arc::default();
                port
            }
        })
    }

    /// What comes out of those that are there; the others are `None`. It has the datatype and shape that
    /// [`Rule::output`] tells of these values.
    ///
    /// # Errors
    /// Why it cannot be computed of these values; none is there, or not all where all must be.
    pub fn apply(&self, of: &[Option<&Tensor>], batched: bool) -> Result<Tensor, Fault> {
        let places: Vec<usize> = (0..of.len()).filter(|at| of[*at].is_some()).collect();
        let there: Vec<&Tensor> = of.iter().copied().flatten().collect();
        if self.of_all() && there.len() < of.len() {
            let missing = of.len() - there.len();
            return Err(Fault(format!(
                "{} of all: {missing} are missing",
                self.name()
            )));
        }
        let weights = self.weights(of.len())?;
        let weights: Vec<f64> = places.iter().map(|at| weights[*at]).collect();
        if !there.is_empty() && weights.iter().all(|weight| *weight == 0.0) {
            return Err(Fault("those that are there have weight 0".to_owned()));
        }
        let kinds: Vec<Kind> = there.iter().map(|tensor| Kind::of_tensor(tensor)).collect();
        let kind = self
            .kind(&kinds, batched)
            .map_err(|misfit| match misfit.at {
                Some(at) => misfit.at(places[at]),
                None => misfit,
            })?;
        kind.tensor(self.compute(&there, &weights)?)
    }

    /// The weight of each member; all the same where nothing is said.
    fn weights(&self, members: usize) -> Result<Cow<'_, [f64]>, Misfit> {
        let (Self::Weighted { weights }
        | Self::Vote {
            weights: Some(weights),
        }) = self
        else {
            return Ok(vec![1.0; members].into());
        };
        if weights.len() != members {
            let expected = format!("{members} weights, one for each value");
            return Err(Misfit::new(expected, weights.len().to_string()));
        }
        let wrong = |weight: &&f64| !weight.is_finite() || **weight < 0.0;
        if let Some(got) = weights.iter().find(wrong) {
            return Err(Misfit::new("weights of 0 or more", got.to_string()));
        }
        if weights.iter().all(|weight| *weight == 0.0) {
            return Err(Misfit::new("a weight above 0", "none"));
        }
        Ok(weights.into())
    }

    /// What comes out of values of these kinds.
    fn kind(&self, of: &[Kind], batched: bool) -> Result<Kind, Misfit> {
        if batched && let Some(at) = of.iter().position(|kind| kind.shape.is_empty()) {
            return Err(of[at].misshapen("an axis of rows").at(at));
        }
        let all_of = |family: Family| {
            let mut kinds = of.iter().enumerate();
            kinds.try_for_each(|(at, kind)| kind.is_of(family).map_err(|misfit| misfit.at(at)))
        };
        match self {
            Self::Mean | Self::Weighted { .. } | Self::Median => {
                all_of(Family::Numbers)?;
                let kind = alike(of, None)?;
                match kind.is_of(Family::Floats) {
                    Ok(()) => Ok(kind),
                    Err(_) => Ok(kind.with(DataType::Fp64)),
                }
            }
            Self::Min | Self::Max => {
                all_of(Family::NumbersOrTruths)?;
                alike(of, None)
            }
            Self::Vote { .. } => {
                all_of(Family::Labels)?;
                alike(of, None)
            }
            Self::First => any(of),
            Self::Concat => concat(of, None, batched),
            Self::Stack => stack(of, None, batched),
        }
    }

    fn compute(&self, of: &[&Tensor], weights: &[f64]) -> Result<Values, Fault> {
        let one = of[0];
        let rank = one.shape().len();
        let made = match self {
            Self::Mean | Self::Weighted { .. } => {
                match each!(floats one, v => keep(v, of, |of| numbers::mean(of, weights))) {
                    None => {
                        each!(whole one, v => over(v, of, |of| numbers::mean::<_, f64>(of, weights)))
                    }
                    floats => floats,
                }
            }
            Self::Median => match each!(floats one, v => keep(v, of, numbers::median)) {
                None => each!(whole one, v => over(v, of, numbers::median::<_, f64>)),
                floats => floats,
            },
            Self::Min => match one.values() {
                Values::Bool(v) => Some(Element::wrap(keep(v, of, numbers::min))),
                _ => each!(numbers one, v => keep(v, of, numbers::min)),
            },
            Self::Max => match one.values() {
                Values::Bool(v) => Some(Element::wrap(keep(v, of, numbers::max))),
                _ => each!(numbers one, v => keep(v, of, numbers::max)),
            },
            Self::Vote { .. } => Some(
                each_vec!(one.values(), v => Element::wrap(keep(v, of, |of| vote::vote(of, weights)))),
            ),
            Self::First => Some(one.values().clone()),
            Self::Concat => Some(interleave(of, rank.saturating_sub(1))),
            Self::Stack => Some(interleave(of, rank)),
        };
        made.ok_or_else(|| Fault(format!("no {} of {}", self.name(), one.datatype())))
    }
}

/// What a function makes of the elements of several, which have the datatype of `_one`.
fn over<T: Element, R>(_one: &[T], of: &[&Tensor], make: impl Fn(&[&[T]]) -> Vec<R>) -> Vec<R> {
    make(&slices(of))
}

/// The same, where it makes elements of that datatype.
fn keep<T: Element>(one: &[T], of: &[&Tensor], make: impl Fn(&[&[T]]) -> Vec<T>) -> Vec<T> {
    over(one, of, make)
}
