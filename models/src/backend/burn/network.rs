//! The declared layers and the weights file made into one network whose shapes fit from input to output.
//!
//! Every size is settled here, once, at load: the output's shape follows from the input's, and a layer that does
//! not fit is named with what it expected and got. Running the steps is `step`'s business.

use std::path::Path;

use burn::tensor::module::embedding;
use burn::tensor::ops::{AvgPoolOptions, MaxPoolOptions};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::shape;
use super::spec::{Kind, Layer, Spec};
use super::step::{self, Step};
use super::weights::Weights;
use crate::error::LoadError;
use crate::tensor::DataType;

/// A network ready to run; shapes are those of one row.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) input: Vec<usize>,
    pub(super) output: Vec<usize>,
    /// What indexes choose rows of, `[entries, dimension]`, where the input is of indexes.
    table: Option<Tensor<2>>,
    steps: Vec<Step>,
}

/// Builds steps while it keeps the shape that one row has reached.
struct Builder<'a> {
    weights: &'a mut Weights,
    device: &'a Device,
    manifest: &'a Path,
    shape: Vec<usize>,
    /// The embedding's table, once the indexes have met it; until then `indexes` is true.
    table: Option<Tensor<2>>,
    indexes: bool,
}

// === impl Network ===

impl Network {
    /// Builds the network that `spec` declares; `manifest` is the file it was read from, for messages.
    ///
    /// # Errors
    /// [`LoadError::Invalid`] naming the layer or the weight that does not fit, what was expected and what was got.
    pub(super) fn build(
        spec: &Spec,
        weights: &mut Weights,
        device: &Device,
        manifest: &Path,
    ) -> Result<Self, LoadError> {
        let input = spec.input.shape.clone();
        shape::elements(&input).map_err(|what| LoadError::Invalid {
            path: manifest.to_owned(),
            what: format!("burn.input.shape: {what}"),
        })?;
        let mut builder = Builder {
            weights,
            device,
            manifest,
            shape: input.clone(),
            table: None,
            indexes: matches!(spec.input.datatype, DataType::Int64 | DataType::Int32),
        };
        let mut steps = Vec::new();
        builder.layers(&spec.layers, &mut steps, Nesting::Top)?;
        if builder.indexes {
            return Err(LoadError::Invalid {
                path: manifest.to_owned(),
                what: format!(
                    "burn.layers: expected an embedding, which input datatype {} is for, got none",
                    spec.input.datatype
                ),
            });
        }
        Ok(Self {
            input,
            output: builder.shape,
            table: builder.table,
            steps,
        })
    }

    /// The number of rows in the embedding's table, where the network starts with one.
    pub(super) fn entries(&self) -> Option<usize> {
        self.table.as_ref().map(|table| table.dims()[0])
    }

    /// Runs `rows` (at least 1) rows of numbers.
    pub(super) fn run_numbers(&self, data: Vec<f32>, rows: usize, device: &Device) -> Tensor<2> {
        let data = TensorData::new(data, [rows, self.input.iter().product()]);
        let x = Tensor::from_data(data, (device, DType::F32));
        step::run(&self.steps, x, rows)
    }

    /// Runs `rows` (at least 1) rows of indexes, each from 0 to below [`Self::entries`].
    pub(super) fn run_indexes(&self, data: Vec<i64>, rows: usize, device: &Device) -> Tensor<2> {
        let Some(table) = &self.table else {
            // Built from numbers, so asked for with numbers: the model knows which by its contract.
            return self.run_numbers(data.into_iter().map(|v| v as f32).collect(), rows, device);
        };
        let positions: usize = self.input.iter().product();
        let data = TensorData::new(data, [rows, positions]);
        let indexes = Tensor::<2, Int>::from_data(data, (device, DType::I64));
        let [_, dimension] = table.dims();
        let x = embedding(table.clone(), indexes).reshape([rows, positions * dimension]);
        step::run(&self.steps, x, rows)
    }
}

/// Whether layers stand in the network itself or inside a residual block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Top,
    Block,
}

// === impl Builder ===

impl Builder<'_> {
    fn layers(
        &mut self,
        layers: &[Layer],
        steps: &mut Vec<Step>,
        nesting: Nesting,
    ) -> Result<(), LoadError> {
        for layer in layers {
            if self.indexes && !matches!(layer.kind, Kind::Embedding(_)) {
                let keeps = matches!(
                    layer.kind,
                    Kind::Flatten | Kind::Reshape(_) | Kind::Identity
                );
                if !keeps {
                    return Err(self.bad(
                        layer,
                        "expected an embedding before it, or input datatype FP32, got indexes"
                            .into(),
                    ));
                }
            }
            if let Some(step) = self.layer(layer, nesting)? {
                steps.push(step);
            }
            if let Err(what) = shape::elements(&self.shape) {
                return Err(self.bad(layer, what));
            }
        }
        Ok(())
    }

    /// The step for a layer, or none where only the shape changes.
    fn layer(&mut self, layer: &Layer, nesting: Nesting) -> Result<Option<Step>, LoadError> {
        Ok(Some(match &layer.kind {
            Kind::Linear(spec) => self.linear(layer, spec)?,
            Kind::Conv1d(spec) => self.conv1d(layer, spec)?,
            Kind::Conv2d(spec) => self.conv2d(layer, spec)?,
            Kind::BatchNorm(spec) => self.batch_norm(layer, spec)?,
            Kind::LayerNorm(spec) => self.layer_norm(layer, spec)?,
            Kind::MaxPool2d(pool) => {
                let input = self.pool(layer, pool)?;
                let options = MaxPoolOptions::new(pool.kernel_size)
                    .with_stride(pool.stride)
                    .with_padding(pool.padding)
                    .with_dilation(pool.dilation)
                    .with_ceil_mode(pool.ceil_mode);
                Step::MaxPool2d { options, input }
            }
            Kind::AvgPool2d(pool) => {
                let input = self.pool(layer, pool)?;
                let options = AvgPoolOptions::new(pool.kernel_size)
                    .with_stride(pool.stride)
                    .with_padding(pool.padding)
                    .with_count_include_pad(pool.count_include_pad)
                    .with_ceil_mode(pool.ceil_mode);
                Step::AvgPool2d { options, input }
            }
            &Kind::AdaptiveAvgPool2d(output) => {
                let input = self.axes(layer, "[channels, height, width]")?;
                self.shape = vec![input[0], output[0], output[1]];
                Step::AdaptiveAvgPool2d { output, input }
            }
            Kind::Embedding(spec) => {
                if nesting == Nesting::Block || !self.indexes {
                    return Err(self.bad(
                        layer,
                        "expected to be the first layer of weights, on an input of datatype INT64 or INT32".into(),
                    ));
                }
                let name = format!("{}.weight", spec.name);
                let shape: [usize; 2] = self.weights.shape(&name)?;
                self.declared(layer, "num_embeddings", spec.num_embeddings, shape[0])?;
                self.declared(layer, "embedding_dim", spec.embedding_dim, shape[1])?;
                if shape.contains(&0) {
                    return Err(self.weights.invalid(format!("tensor '{name}' is empty")));
                }
                self.table = Some(self.weights.read(&name, shape, self.device)?);
                self.indexes = false;
                self.shape.push(shape[1]);
                return Ok(None);
            }
            Kind::Flatten => {
                self.shape = vec![self.shape.iter().product()];
                return Ok(None);
            }
            Kind::Reshape(to) => {
                self.shape = shape::reshape(&self.shape, to).map_err(|e| self.bad(layer, e))?;
                return Ok(None);
            }
            Kind::Identity => return Ok(None),
            &Kind::Activation(activation) => Step::Activation(activation),
            &Kind::Softmax { axis, log } => {
                let axis = shape::axis(axis, self.shape.len()).map_err(|e| self.bad(layer, e))?;
                let around = shape::around(&self.shape, axis);
                Step::Softmax { around, log }
            }
            Kind::Mean { axes, keepdim } => return self.mean(layer, axes, *keepdim),
            Kind::Residual { body, shortcut } => self.residual(layer, body, shortcut)?,
        }))
    }

    fn residual(
        &mut self,
        layer: &Layer,
        body: &[Layer],
        shortcut: &[Layer],
    ) -> Result<Step, LoadError> {
        let start = self.shape.clone();
        let (mut body_steps, mut shortcut_steps) = (Vec::new(), Vec::new());
        self.layers(body, &mut body_steps, Nesting::Block)?;
        let reached = std::mem::replace(&mut self.shape, start);
        self.layers(shortcut, &mut shortcut_steps, Nesting::Block)?;
        if self.shape != reached {
            let shape = &self.shape;
            return Err(self.bad(
                layer,
                format!("expected layers and shortcut to end in the same shape, got {reached:?} and {shape:?}"),
            ));
        }
        Ok(Step::Residual {
            body: body_steps,
            shortcut: shortcut_steps,
        })
    }

    /// The shape as a fixed number of axes.
    fn axes<const N: usize>(&self, layer: &Layer, names: &str) -> Result<[usize; N], LoadError> {
        <[usize; N]>::try_from(self.shape.as_slice()).map_err(|_| {
            let shape = &self.shape;
            self.bad(
                layer,
                format!("expected an input of {names}, got {shape:?}"),
            )
        })
    }

    /// A declared size must be the weights'.
    fn declared(
        &self,
        layer: &Layer,
        key: &str,
        declared: Option<usize>,
        stored: usize,
    ) -> Result<(), LoadError> {
        match declared {
            Some(declared) if declared != stored => Err(self.bad(
                layer,
                format!("key `{key}`: expected {stored} as in the weights, got {declared}"),
            )),
            _ => Ok(()),
        }
    }

    fn tensor<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), (self.device, DType::F32))
    }

    fn bad(&self, layer: &Layer, what: String) -> LoadError {
        LoadError::Invalid {
            path: self.manifest.to_owned(),
            what: format!("{} ({}): {what}", layer.at, layer.title()),
        }
    }
}

mod layers;
