//! SVMClassifier and SVMRegressor of `ai.onnx.ml`: kernels, votes of pairs of classes, and probabilities as in
//! libsvm (Wu, Lin and Weng, "Probability estimates for multi-class classification by pairwise coupling",
//! 2004; Platt's sigmoids give the pairs). Where the specification is silent the numbers are ONNX Runtime's.

use std::borrow::Cow;

use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use super::linear::dot;
use super::nearness::Rows;
use super::node::Node;
use super::scores::{Labels, PostTransform, argmax, logistic};
use super::tensors::{batch, cast, inputs, numbers, rows, tensor, width};

/// How alike two rows are.
#[derive(Clone, Copy)]
enum Similarity {
    Linear,
    Poly { gamma: f32, coef0: f32, degree: f32 },
    Rbf { gamma: f32 },
    Sigmoid { gamma: f32, coef0: f32 },
}

/// Support vectors; with none, the coefficients are rows themselves.
struct Machine {
    similarity: Similarity,
    vectors: Rows<'static, f32>,
    coefficients: Vec<f32>,
    rho: Vec<f32>,
}

pub(super) struct SvmClassifier {
    machine: Machine,
    labels: Labels,
    post: PostTransform,
    /// Where each class's vectors begin; one more than classes. Empty when there are no vectors.
    starts: Vec<usize>,
    /// Platt's sigmoid for every pair of classes.
    sigmoids: Vec<(f32, f32)>,
}

/// What one row needs for a while, kept for the next.
#[derive(Default)]
struct Scratch {
    alike: Vec<f32>,
    scores: Vec<f32>,
    votes: Vec<usize>,
}

pub(super) struct SvmRegressor {
    machine: Machine,
    /// There are support vectors; else the coefficients are the only row.
    vectors: bool,
    /// Answers 1 for inliers and -1 for outliers.
    one_class: bool,
}

// === impl Similarity ===

impl Similarity {
    fn read(node: &Node) -> TractResult<Self> {
        let parameters = node.floats("kernel_params")?;
        let at = |i: usize| parameters.get(i).copied().unwrap_or(0.);
        let (gamma, coef0, degree) = (at(0), at(1), at(2));
        match node.string("kernel_type", "LINEAR")?.as_str() {
            "LINEAR" => Ok(Self::Linear),
            "POLY" => Ok(Self::Poly {
                gamma,
                coef0,
                degree,
            }),
            "RBF" => Ok(Self::Rbf { gamma }),
            "SIGMOID" => Ok(Self::Sigmoid { gamma, coef0 }),
            other => Err(node.bad("kernel_type", format!("{other:?} is unknown"))),
        }
    }

    /// The similarities out of what was summed up over the features: squared distances, else products.
    fn finish(self, sums: &mut [f32]) {
        fn each(sums: &mut [f32], f: impl Fn(f32) -> f32) {
            sums.iter_mut().for_each(|x| *x = f(*x));
        }
        match self {
            Self::Linear => {}
            Self::Poly {
                gamma,
                coef0,
                degree,
            } => {
                each(sums, |x| gamma * x + coef0);
                // Whole degrees, which nearly all are, by multiplication.
                match degree {
                    1. => {}
                    2. => each(sums, |x| x * x),
                    3. => each(sums, |x| x * x * x),
                    4. => each(sums, |x| (x * x) * (x * x)),
                    _ => each(sums, |x| x.powf(degree)),
                }
            }
            Self::Rbf { gamma } => each(sums, |x| (-gamma * x).exp()),
            Self::Sigmoid { gamma, coef0 } => each(sums, |x| (gamma * x + coef0).tanh()),
        }
    }
}

// === impl Machine ===

impl Machine {
    /// Reads a machine of so many support vectors, or of so many rows of coefficients when there are none.
    fn read(node: &Node, vectors: usize, outputs: usize) -> TractResult<Self> {
        let coefficients = node.floats("coefficients")?;
        let (similarity, list, rows, name) = if vectors > 0 {
            (
                Similarity::read(node)?,
                node.floats("support_vectors")?,
                vectors,
                "support_vectors",
            )
        } else {
            (
                Similarity::Linear,
                coefficients.clone(),
                outputs,
                "coefficients",
            )
        };
        if list.is_empty() || list.len() % rows != 0 {
            return Err(node.bad(name, format!("{} values for {rows} rows", list.len())));
        }
        let features = list.len() / rows;
        Ok(Self {
            similarity,
            vectors: Rows::of(Cow::Owned(list), rows, features),
            coefficients,
            rho: node.floats("rho")?,
        })
    }

    /// That there is a constant for so many scores.
    fn has_rho(self, node: &Node, scores: usize) -> TractResult<Self> {
        if self.rho.len() < scores {
            return Err(node.bad(
                "rho",
                format!("{} values for {scores} scores", self.rho.len()),
            ));
        }
        Ok(self)
    }

    fn fits(&self, given: &[&TypedFact]) -> TractResult<TDim> {
        let [x] = inputs(given)?;
        numbers(x)?;
        ensure!(
            x.rank() == 1 || x.rank() == 2,
            "takes one or two axes, got {}",
            x.rank()
        );
        width(x, self.features())?;
        Ok(batch(x))
    }

    /// How alike a row is to each vector, in place of what was there.
    fn compare(&self, row: &[f32], alike: &mut Vec<f32>) {
        match self.similarity {
            Similarity::Rbf { .. } => self.vectors.distances(row, alike),
            _ => self.vectors.products(row, alike),
        }
        self.similarity.finish(alike);
    }

    fn features(&self) -> usize {
        self.vectors.width()
    }

    fn rows<'a>(&self, x: &'a Tensor) -> TractResult<(usize, Cow<'a, [f32]>)> {
        let (number, columns) = rows(x.shape());
        ensure!(
            columns == self.features(),
            "takes {} features, got {columns}",
            self.features()
        );
        Ok((number, cast::<f32>(x)?))
    }
}

// === impl SvmClassifier ===

impl SvmClassifier {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let labels = Labels::read(node, "classlabels_ints")?;
        let classes = labels.len();
        let counts = node.sizes("vectors_per_class")?;
        if !counts.is_empty() && counts.len() != classes {
            return Err(node.bad(
                "vectors_per_class",
                format!("{} values for {classes} classes", counts.len()),
            ));
        }
        let mut starts = vec![0usize];
        for &count in &counts {
            let next = starts[starts.len() - 1].checked_add(count);
            starts.push(next.ok_or_else(|| node.bad("vectors_per_class", "there are too many"))?);
        }
        let vectors = starts[starts.len() - 1];
        let pairs = classes * (classes - 1) / 2;
        let machine = Machine::read(node, vectors, classes)?;
        let machine = machine.has_rho(node, if vectors > 0 { pairs } else { 1 })?;
        if vectors == 0 {
            starts.clear();
        } else if machine.coefficients.len() != vectors * (classes - 1) {
            let complaint = format!(
                "{} values, expected {}",
                machine.coefficients.len(),
                vectors * (classes - 1)
            );
            return Err(node.bad("coefficients", complaint));
        }
        let (a, b) = (node.floats("prob_a")?, node.floats("prob_b")?);
        if a.len() != b.len() || (!a.is_empty() && a.len() < pairs) {
            return Err(node.bad(
                "prob_a",
                format!("{} and {} values for {pairs} pairs", a.len(), b.len()),
            ));
        }
        let sigmoids = a.into_iter().zip(b).collect();
        Ok(Self {
            machine,
            labels,
            post: PostTransform::read(node)?,
            starts,
            sigmoids,
        })
    }

    fn columns(&self) -> usize {
        let classes = self.labels.len();
        if self.starts.is_empty() || !self.sigmoids.is_empty() || classes <= 2 {
            classes
        } else {
            classes * (classes - 1) / 2
        }
    }

    /// The score of every pair of classes, and which of the two won.
    fn duels(&self, scratch: &mut Scratch) {
        let classes = self.labels.len();
        let Scratch {
            alike,
            scores,
            votes,
        } = scratch;
        scores.clear();
        votes.clear();
        votes.resize(classes, 0);
        for i in 0..classes {
            for j in i + 1..classes {
                // The vectors of class i have their weights against class j in row j - 1, those of j in row i.
                let part = |class: usize, line: usize| -> f32 {
                    let own = self.starts[class]..self.starts[class + 1];
                    let weights = &self.machine.coefficients[line * alike.len()..][own.clone()];
                    dot(weights, &alike[own])
                };
                let score = part(i, j - 1) + part(j, i) + self.machine.rho[scores.len()];
                votes[if score > 0. { i } else { j }] += 1;
                scores.push(score);
            }
        }
    }

    /// The class of a row, whose scores are added to `out`.
    fn classify(&self, row: &[f32], scratch: &mut Scratch, out: &mut Vec<f32>) -> usize {
        let classes = self.labels.len();
        self.machine.compare(row, &mut scratch.alike);
        let class;
        if self.starts.is_empty() {
            let alike = scratch.alike.iter();
            scratch.scores.clear();
            scratch
                .scores
                .extend(alike.map(|score| score + self.machine.rho[0]));
            class = argmax(&scratch.scores);
        } else {
            self.duels(scratch);
            if !self.sigmoids.is_empty() {
                scratch.scores = coupled(classes, &scratch.scores, &self.sigmoids);
            }
            class = (0..classes)
                .rev()
                .max_by_key(|&class| scratch.votes[class])
                .unwrap_or(0);
        }
        let (scores, start) = (&scratch.scores, out.len());
        if scores.len() == 1 && classes == 2 {
            out.extend(self.post.pair(scores[0], self.post == PostTransform::None));
        } else {
            out.extend(scores);
            self.post.apply(&mut out[start..]);
        }
        class
    }
}

/// The probabilities of classes from those of pairs.
fn coupled(classes: usize, scores: &[f32], sigmoids: &[(f32, f32)]) -> Vec<f32> {
    let mut pair = vec![0f32; classes * classes];
    let mut given = scores.iter().zip(sigmoids);
    for i in 0..classes {
        for j in i + 1..classes {
            let Some((score, (a, b))) = given.next() else {
                continue;
            };
            let p = logistic(-(score * a + b)).clamp(1e-7, 1. - 1e-7);
            pair[i * classes + j] = p;
            pair[j * classes + i] = 1. - p;
        }
    }
    let mut q = vec![0f32; classes * classes];
    for t in 0..classes {
        for j in (0..classes).filter(|&j| j != t) {
            let other = pair[j * classes + t];
            q[t * classes + t] += other * other;
            q[t * classes + j] = -other * pair[t * classes + j];
        }
    }
    let mut p = vec![1. / classes as f32; classes];
    for _ in 0..classes.max(100) {
        let mut product: Vec<f32> = q.chunks_exact(classes).map(|line| dot(line, &p)).collect();
        let mut whole = dot(&product, &p);
        let error = product.iter().map(|x| (x - whole).abs()).fold(0., f32::max);
        if error < 0.005 / classes as f32 {
            break;
        }
        for t in 0..classes {
            let own = q[t * classes + t];
            let step = (whole - product[t]) / own;
            p[t] += step;
            whole = (whole + step * (step * own + 2. * product[t])) / (1. + step) / (1. + step);
            for j in 0..classes {
                product[j] = (product[j] + step * q[t * classes + j]) / (1. + step);
                p[j] /= 1. + step;
            }
        }
    }
    p
}

impl Kernel for SvmClassifier {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let number = self.machine.fits(given)?;
        let labels = self.labels.datatype().fact([number.clone()]);
        Ok(tvec![labels, f32::fact([number, self.columns().to_dim()])])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let (number, x) = self.machine.rows(given[0])?;
        let mut scores = Vec::with_capacity(number * self.columns());
        let rows = x.chunks_exact(self.machine.features());
        let mut scratch = Scratch::default();
        let classes: Vec<usize> = rows
            .map(|row| self.classify(row, &mut scratch, &mut scores))
            .collect();
        Ok(tvec![
            self.labels.pick(&classes)?,
            tensor(&[number, self.columns()], scores)?
        ])
    }
}

// === impl SvmRegressor ===

impl SvmRegressor {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let vectors = node.int("n_supports", 0)?;
        let vectors =
            usize::try_from(vectors).map_err(|_| node.bad("n_supports", "it is negative"))?;
        let machine = Machine::read(node, vectors, 1)?.has_rho(node, 1)?;
        if vectors > 0 && machine.coefficients.len() != vectors {
            let complaint = format!(
                "{} values for {vectors} vectors",
                machine.coefficients.len()
            );
            return Err(node.bad("coefficients", complaint));
        }
        let one_class = node.int("one_class", 0)? != 0;
        // The post transform changes nothing in ONNX Runtime either; only its name is checked.
        PostTransform::read(node)?;
        Ok(Self {
            machine,
            vectors: vectors > 0,
            one_class,
        })
    }

    fn score(&self, row: &[f32], alike: &mut Vec<f32>) -> f32 {
        let machine = &self.machine;
        machine.compare(row, alike);
        let score = if self.vectors {
            dot(alike, &machine.coefficients)
        } else {
            alike.iter().sum()
        };
        score + machine.rho[0]
    }
}

impl Kernel for SvmRegressor {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let number = self.machine.fits(given)?;
        Ok(tvec![f32::fact([number, 1.to_dim()])])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let (number, x) = self.machine.rows(given[0])?;
        let mut alike = Vec::new();
        let mut scores: Vec<f32> = x
            .chunks_exact(self.machine.features())
            .map(|row| self.score(row, &mut alike))
            .collect();
        if self.one_class {
            scores
                .iter_mut()
                .for_each(|score| *score = if *score > 0. { 1. } else { -1. });
        }
        Ok(tvec![tensor(&[number, 1], scores)?])
    }
}
