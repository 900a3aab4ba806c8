//! LinearClassifier and LinearRegressor of `ai.onnx.ml`.

use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use super::node::Node;
use super::scores::{Labels, PostTransform, argmax};
use super::tensors::{batch, cast, inputs, numbers, rows, tensor, width};

/// Rows times coefficients plus intercepts.
struct Linear {
    /// One row per output.
    coefficients: Vec<f32>,
    /// One per output.
    intercepts: Vec<f32>,
    features: usize,
}

pub(super) struct LinearClassifier {
    linear: Linear,
    labels: Labels,
    post: PostTransform,
    /// There is one score for two classes.
    binary: bool,
}

pub(super) struct LinearRegressor {
    linear: Linear,
    post: PostTransform,
}

// === impl Linear ===

impl Linear {
    fn read(node: &Node, outputs: usize) -> TractResult<Self> {
        let coefficients = node.floats("coefficients")?;
        let mut intercepts = node.floats("intercepts")?;
        if intercepts.is_empty() {
            intercepts = vec![0.; outputs];
        }
        if intercepts.len() != outputs {
            let complaint = format!("{} values for {outputs} outputs", intercepts.len());
            return Err(node.bad("intercepts", complaint));
        }
        if coefficients.is_empty() || coefficients.len() % outputs != 0 {
            let complaint = format!("{} values for {outputs} outputs", coefficients.len());
            return Err(node.bad("coefficients", complaint));
        }
        let features = coefficients.len() / outputs;
        Ok(Self {
            coefficients,
            intercepts,
            features,
        })
    }

    fn fits(&self, given: &[&TypedFact]) -> TractResult<TDim> {
        let [x] = inputs(given)?;
        numbers(x)?;
        ensure!(
            x.rank() == 1 || x.rank() == 2,
            "takes one or two axes, got {}",
            x.rank()
        );
        width(x, self.features)?;
        Ok(batch(x))
    }

    /// Number of rows, and their scores row by row.
    fn scores(&self, x: &Tensor) -> TractResult<(usize, Vec<f32>)> {
        let (number, columns) = rows(x.shape());
        ensure!(
            columns == self.features,
            "takes {} features, got {columns}",
            self.features
        );
        let x = cast::<f32>(x)?;
        let mut scores = Vec::with_capacity(number * self.intercepts.len());
        for row in x.chunks_exact(columns) {
            let weights = self.coefficients.chunks_exact(columns);
            scores.extend(
                weights
                    .zip(&self.intercepts)
                    .map(|(weights, intercept)| dot(row, weights) + intercept),
            );
        }
        Ok((number, scores))
    }
}

/// The scalar product, in eight sums side by side so that the compiler can use wide registers.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; 8];
    let (wide_a, wide_b) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = wide_a
        .remainder()
        .iter()
        .zip(wide_b.remainder())
        .map(|(a, b)| a * b)
        .sum::<f32>();
    for (a, b) in wide_a.zip(wide_b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + rest
}

// === impl LinearClassifier ===

impl LinearClassifier {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let labels = Labels::read(node, "classlabels_ints")?;
        let intercepts = node
            .proto
            .get_attr_opt_vec::<f32>("intercepts")?
            .map_or(labels.len(), |v| v.len());
        let binary = labels.len() == 2 && intercepts == 1;
        let linear = Linear::read(node, if binary { 1 } else { labels.len() })?;
        Ok(Self {
            linear,
            labels,
            post: PostTransform::read(node)?,
            binary,
        })
    }
}

impl Kernel for LinearClassifier {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let number = self.linear.fits(given)?;
        let labels = self.labels.datatype().fact([number.clone()]);
        Ok(tvec![
            labels,
            f32::fact([number, self.labels.len().to_dim()])
        ])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let (number, mut scores) = self.linear.scores(given[0])?;
        let classes: Vec<usize>;
        if self.binary {
            classes = scores
                .iter()
                .map(|&score| usize::from(score > 0.))
                .collect();
            scores = scores
                .iter()
                .flat_map(|&score| self.post.pair(score, false))
                .collect();
        } else {
            let mut rows = scores.chunks_exact_mut(self.labels.len());
            classes = rows.by_ref().map(|row| argmax(row)).collect();
            scores
                .chunks_exact_mut(self.labels.len())
                .for_each(|row| self.post.apply(row));
        }
        Ok(tvec![
            self.labels.pick(&classes)?,
            tensor(&[number, self.labels.len()], scores)?
        ])
    }
}

// === impl LinearRegressor ===

impl LinearRegressor {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let targets = node.outputs("targets")?;
        Ok(Self {
            linear: Linear::read(node, targets)?,
            post: PostTransform::read(node)?,
        })
    }
}

impl Kernel for LinearRegressor {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let number = self.linear.fits(given)?;
        Ok(tvec![f32::fact([
            number,
            self.linear.intercepts.len().to_dim()
        ])])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let targets = self.linear.intercepts.len();
        let (number, mut scores) = self.linear.scores(given[0])?;
        scores
            .chunks_exact_mut(targets)
            .for_each(|row| self.post.apply(row));
        Ok(tvec![tensor(&[number, targets], scores)?])
    }
}
