//! TreeEnsembleClassifier, TreeEnsembleRegressor and TreeEnsemble of `ai.onnx.ml`.
//!
//! Here scores become labels, probabilities and targets; how trees are walked is in `forest`, what attributes
//! mean in `read`, what they make in `blueprint`. Numbers are those of ONNX Runtime: sums in float32, tree by tree, or in doubles for doubles.

mod blueprint;
mod forest;
mod read;
mod small;

use std::sync::OnceLock;

use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use super::node::Node;
use super::scores::{Labels, PostTransform};
use super::tensors::{batch, cast, inputs, numbers, rows, tensor};
use forest::{Aggregate, Float, Forest};
use read::Read;

#[cfg(test)]
mod tests;

/// Trees in the width of their numbers.
struct Trees {
    width: Width,
    aggregate: Aggregate,
}

enum Width {
    /// The second is made when doubles come in.
    Single(Forest<f32>, Box<OnceLock<Forest<f64>>>),
    Double(Forest<f64>),
}

pub(super) struct Classifier {
    trees: Trees,
    labels: Labels,
    post: PostTransform,
    base: Vec<f32>,
    columns: usize,
    kind: Kind,
}

enum Kind {
    /// All leaves vote for the one class that is named, of two classes or of one. Where some weights are
    /// negative, scores are `signed`: around 0, else around a half.
    Binary { class: usize, signed: bool },
    /// Two classes with votes for both.
    Two,
    /// Classes that no leaf of a row votes for are not its answer.
    Many,
}

pub(super) struct Regressor {
    trees: Trees,
    post: PostTransform,
    base: Vec<f32>,
    targets: usize,
    /// Whether outputs have the inputs' datatype, as TreeEnsemble's; else they are float32.
    same: bool,
}

// === impl Trees ===

impl Trees {
    fn new(read: &Read, aggregate: Aggregate) -> Self {
        let width = match read.wide {
            true => Width::Double(Forest::of(&read.trees)),
            false => Width::Single(Forest::of(&read.trees), Box::default()),
        };
        Self { width, aggregate }
    }

    fn features(&self) -> usize {
        match &self.width {
            Width::Single(forest, _) => forest.features(),
            Width::Double(forest) => forest.features(),
        }
    }

    fn fits(&self, given: &[&TypedFact]) -> TractResult<TDim> {
        let [x] = inputs(given)?;
        numbers(x)?;
        ensure!(
            x.rank() == 1 || x.rank() == 2,
            "takes one or two axes, got {}",
            x.rank()
        );
        if let Some(columns) = x
            .shape
            .iter()
            .last()
            .and_then(|columns| columns.to_usize().ok())
        {
            ensure!(
                columns >= self.features(),
                "looks at {} features, got {columns}",
                self.features()
            );
        }
        Ok(batch(x))
    }

    fn doubles(&self, x: &Tensor) -> TractResult<Vec<f64>> {
        let forest = match &self.width {
            Width::Single(forest, wide) => wide.get_or_init(|| forest.widen()),
            Width::Double(forest) => forest,
        };
        let (_, columns) = self.rows(x)?;
        Ok(forest.scores(&cast::<f64>(x)?, columns, self.aggregate))
    }

    /// The scores of all rows, computed as doubles where doubles came in.
    fn floats(&self, x: &Tensor) -> TractResult<Vec<f32>> {
        let (_, columns) = self.rows(x)?;
        match &self.width {
            Width::Single(forest, _) if x.datum_type() != DatumType::F64 => {
                Ok(forest.scores(&cast::<f32>(x)?, columns, self.aggregate))
            }
            _ => Ok(self.doubles(x)?.into_iter().map(Float::to_f32).collect()),
        }
    }

    fn rows(&self, x: &Tensor) -> TractResult<(usize, usize)> {
        let (number, columns) = rows(x.shape());
        ensure!(
            columns >= self.features().max(1),
            "looks at {} features, got {columns}",
            self.features()
        );
        Ok((number, columns))
    }
}

fn base_values(node: &Node, expected: &[usize]) -> TractResult<Vec<f32>> {
    let (base, _) = read::floats(node, "base_values")?;
    if !base.is_empty() && !expected.contains(&base.len()) {
        return Err(node.bad(
            "base_values",
            format!("{} values, expected one of {expected:?}", base.len()),
        ));
    }
    Ok(base.into_iter().map(Float::to_f32).collect())
}

// === impl Classifier ===

impl Classifier {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let labels = Labels::read(node, "classlabels_int64s")?;
        let count = labels.len();
        let read = read::lists(node, "class", count)?;
        let votes = || read.trees.leaves.iter().flatten();
        let mut voted = vec![false; count];
        votes().for_each(|&(class, _)| voted[class] = true);
        let kind = match voted.iter().position(|&voted| voted) {
            Some(class) if count <= 2 && voted.iter().filter(|&&voted| voted).count() == 1 => {
                Kind::Binary {
                    class,
                    signed: votes().any(|&(_, weight)| weight < 0.),
                }
            }
            _ if count == 2 => Kind::Two,
            _ => Kind::Many,
        };
        let base = base_values(
            node,
            if count <= 2 {
                &[1, 2]
            } else {
                std::slice::from_ref(&count)
            },
        )?;
        let post = PostTransform::read(node)?;
        let (trees, labels) = (Trees::new(&read, Aggregate::Sum), labels.or_yes_and_no());
        Ok(Self {
            trees,
            labels,
            post,
            base,
            columns: count,
            kind,
        })
    }

    /// The class of a row; its scores (NaN where there was no vote) become what is answered.
    fn finish(&self, row: &mut [f32]) -> usize {
        let base = |class: usize| self.base.get(class).copied().unwrap_or(0.);
        let voted = |score: f32| if score.is_nan() { 0. } else { score };
        match self.kind {
            Kind::Many => {
                if !self.base.is_empty() {
                    // A base value counts as a vote.
                    row.iter_mut()
                        .zip(&self.base)
                        .for_each(|(score, base)| *score = voted(*score) + base);
                }
                let best = row.iter().position(|score| !score.is_nan()).unwrap_or(0);
                // NaN is not greater than anything.
                let best = (best..row.len())
                    .fold(best, |best, i| if row[i] > row[best] { i } else { best });
                row.iter_mut().for_each(|score| *score = voted(*score));
                self.post.apply(row);
                best
            }
            Kind::Two if row[1].is_nan() => {
                let score = voted(row[0]) + base(0);
                row.copy_from_slice(&self.post.pair(score, true));
                usize::from(score > 0.)
            }
            // Not the greater of the two: so ONNX Runtime answers, and so exporters have to write weights.
            Kind::Two => {
                row[0] = voted(row[0]) + base(0);
                row[1] += base(1);
                let class = usize::from(row[1] > 0.);
                self.post.apply(row);
                class
            }
            Kind::Binary { class, signed } => {
                let score = voted(row[class]) + base(class);
                let yes = score > if signed || row.len() == 1 { 0. } else { 0.5 };
                if row.len() == 2 && class == 0 && self.base.len() < 2 {
                    row.copy_from_slice(&self.post.pair(score, signed));
                } else {
                    row.fill(0.);
                    row[class] = score;
                    self.post.apply(row);
                }
                usize::from(yes)
            }
        }
    }
}

impl Kernel for Classifier {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let number = self.trees.fits(given)?;
        let labels = self.labels.datatype().fact([number.clone()]);
        Ok(tvec![labels, f32::fact([number, self.columns.to_dim()])])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let mut scores = self.trees.floats(x)?;
        let classes: Vec<usize> = scores
            .chunks_exact_mut(self.columns)
            .map(|row| self.finish(row))
            .collect();
        Ok(tvec![
            self.labels.pick(&classes)?,
            tensor(&[classes.len(), self.columns], scores)?
        ])
    }
}

// === impl Regressor ===

impl Regressor {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let targets = node.outputs("n_targets")?;
        let read = read::lists(node, "target", targets)?;
        let name = node.string("aggregate_function", "SUM")?;
        let aggregate = match name.as_str() {
            "SUM" => Aggregate::Sum,
            "AVERAGE" => Aggregate::Average,
            "MIN" => Aggregate::Min,
            "MAX" => Aggregate::Max,
            _ => return Err(node.bad("aggregate_function", format!("{name:?} is unknown"))),
        };
        let (base, post) = (base_values(node, &[targets])?, PostTransform::read(node)?);
        Ok(Self {
            trees: Trees::new(&read, aggregate),
            post,
            base,
            targets,
            same: false,
        })
    }

    /// TreeEnsemble, version 5.
    pub(super) fn read_ensemble(node: &Node) -> TractResult<Self> {
        let read = read::tensors(node)?;
        let aggregate = match node.int("aggregate_function", 1)? {
            0 => Aggregate::Average,
            1 => Aggregate::Sum,
            2 => Aggregate::Min,
            3 => Aggregate::Max,
            other => return Err(node.bad("aggregate_function", format!("{other} is unknown"))),
        };
        let post = node.int("post_transform", 0)?;
        let post = PostTransform::numbered(post)
            .ok_or_else(|| node.bad("post_transform", format!("{post} is unknown")))?;
        let targets = read.trees.targets;
        Ok(Self {
            trees: Trees::new(&read, aggregate),
            post,
            base: Vec::new(),
            targets,
            same: true,
        })
    }

    fn datatype(&self, x: DatumType) -> DatumType {
        if self.same && x.is_float() {
            x
        } else {
            DatumType::F32
        }
    }
}

impl Kernel for Regressor {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let number = self.trees.fits(given)?;
        Ok(tvec![
            self.datatype(given[0].datum_type)
                .fact([number, self.targets.to_dim()])
        ])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let (number, _) = self.trees.rows(x)?;
        let shape = &[number, self.targets];
        let datatype = self.datatype(x.datum_type());
        if datatype == DatumType::F64 && self.post == PostTransform::None {
            let scores = self
                .trees
                .doubles(x)?
                .into_iter()
                .map(|score| if score.is_nan() { 0. } else { score });
            return Ok(tvec![tensor(shape, scores.collect())?]);
        }
        let mut scores = self.trees.floats(x)?;
        for row in scores.chunks_exact_mut(self.targets) {
            row.iter_mut()
                .zip(&self.base)
                .for_each(|(score, base)| *score += base);
            // A target without a vote has not even its base value.
            row.iter_mut()
                .filter(|score| score.is_nan())
                .for_each(|score| *score = 0.);
            self.post.apply(row);
        }
        Ok(tvec![
            tensor(shape, scores)?.cast_to_dt(datatype)?.into_owned()
        ])
    }
}
