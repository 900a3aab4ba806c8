//! The layers that need rules of their own: those with weights, windows and axes.
//!
//! Each reads its weights, holds them against the shape reached so far, moves the shape on and gives the step.

use burn::tensor::Tensor;
use burn::tensor::ops::ConvOptions;

use super::Builder;
use crate::backend::burn::shape::{self, Window};
use crate::backend::burn::spec::{BatchNorm, Conv, Layer, LayerNorm, Layout, Linear, Pool};
use crate::backend::burn::step::Step;
use crate::error::LoadError;

impl Builder<'_> {
    pub(super) fn linear(&mut self, layer: &Layer, spec: &Linear) -> Result<Step, LoadError> {
        let name = format!("{}.weight", spec.name);
        let stored: [usize; 2] = self.weights.shape(&name)?;
        let (inputs, outputs, other) = match self.weights.layout() {
            Layout::Torch => (stored[1], stored[0], "burn"),
            Layout::Burn => (stored[0], stored[1], "torch"),
        };
        self.declared(layer, "in_features", spec.in_features, inputs)?;
        self.declared(layer, "out_features", spec.out_features, outputs)?;
        let Some((&features, before)) = self.shape.split_last() else {
            return Err(self.bad(
                layer,
                "expected an input of at least one axis, got []".into(),
            ));
        };
        if features != inputs {
            let hint = match outputs == features {
                true => {
                    format!("; if the file stores it the other way, set burn.layout = \"{other}\"")
                }
                false => String::new(),
            };
            let shape = &self.shape;
            return Err(self.bad(
                layer,
                format!("expected {inputs} input features, as '{name}' of shape {stored:?} has, got {features} (shape {shape:?}){hint}"),
            ));
        }
        let positions = before.iter().product();
        let values = self.weights.floats(&name)?;
        let values = match self.weights.layout() {
            Layout::Torch => transposed(&values, stored),
            Layout::Burn => values,
        };
        let weight = self.tensor(values, [inputs, outputs]);
        let bias = self.bias(layer, &spec.name, spec.bias, outputs)?;
        if let Some(last) = self.shape.last_mut() {
            *last = outputs;
        }
        Ok(Step::Linear {
            weight,
            bias: bias.map(|bias| bias.reshape([1, outputs])),
            positions,
        })
    }

    pub(super) fn conv1d(&mut self, layer: &Layer, spec: &Conv<1>) -> Result<Step, LoadError> {
        let input: [usize; 2] = self.axes(layer, "[channels, length]")?;
        let name = format!("{}.weight", spec.name);
        let stored: [usize; 3] = self.weights.shape(&name)?;
        let padding = self.conv(layer, spec, &name, [stored[0], stored[1]], [stored[2]])?;
        Ok(Step::Conv1d {
            weight: self.weights.read(&name, stored, self.device)?,
            bias: self.bias(layer, &spec.name, spec.bias, stored[0])?,
            options: ConvOptions::new_with_padding(
                spec.stride,
                padding,
                spec.dilation,
                spec.groups,
            ),
            input,
        })
    }

    pub(super) fn conv2d(&mut self, layer: &Layer, spec: &Conv<2>) -> Result<Step, LoadError> {
        let input: [usize; 3] = self.axes(layer, "[channels, height, width]")?;
        let name = format!("{}.weight", spec.name);
        let stored: [usize; 4] = self.weights.shape(&name)?;
        let [out, per_group, height, width] = stored;
        let padding = self.conv(layer, spec, &name, [out, per_group], [height, width])?;
        Ok(Step::Conv2d {
            weight: self.weights.read(&name, stored, self.device)?,
            bias: self.bias(layer, &spec.name, spec.bias, out)?,
            options: ConvOptions::new_with_padding(
                spec.stride,
                padding,
                spec.dilation,
                spec.groups,
            ),
            input,
        })
    }

    /// Checks a convolution against its weight `[out, in / groups, kernel…]` and moves the shape on.
    fn conv<const N: usize>(
        &mut self,
        layer: &Layer,
        spec: &Conv<N>,
        name: &str,
        [out, per_group]: [usize; 2],
        kernel: [usize; N],
    ) -> Result<[(usize, usize); N], LoadError> {
        if out == 0 || per_group == 0 || kernel.contains(&0) || kernel.iter().any(|&k| k > 65_535) {
            return Err(self.weights.invalid(format!(
                "tensor '{name}': expected axes of 1 to 65535, got [{out}, {per_group}] and kernel {kernel:?}"
            )));
        }
        let inputs = per_group.saturating_mul(spec.groups);
        self.declared(layer, "in_channels", spec.in_channels, inputs)?;
        self.declared(layer, "out_channels", spec.out_channels, out)?;
        if let Some(declared) = spec.kernel_size
            && declared != kernel
        {
            return Err(self.bad(
                layer,
                format!(
                    "key `kernel_size`: expected {kernel:?} as in the weights, got {declared:?}"
                ),
            ));
        }
        if self.shape[0] != inputs {
            let got = self.shape[0];
            return Err(self.bad(
                layer,
                format!("expected {inputs} input channels, as '{name}' with {} groups has, got {got} (shape {:?})", spec.groups, self.shape),
            ));
        }
        if !out.is_multiple_of(spec.groups) {
            return Err(self.bad(
                layer,
                format!(
                    "key `groups`: expected a divisor of {out} output channels, got {}",
                    spec.groups
                ),
            ));
        }
        let padding = shape::padding(spec.padding, kernel, spec.stride, spec.dilation)
            .map_err(|e| self.bad(layer, e))?;
        for i in 0..N {
            let window = Window {
                kernel: kernel[i],
                stride: spec.stride[i],
                dilation: spec.dilation[i],
                padding: padding[i],
                ceil: false,
            };
            let size = window.size(self.shape[1 + i]);
            self.shape[1 + i] = size.map_err(|e| self.bad(layer, e))?;
        }
        self.shape[0] = out;
        Ok(padding)
    }

    pub(super) fn batch_norm(
        &mut self,
        layer: &Layer,
        spec: &BatchNorm,
    ) -> Result<Step, LoadError> {
        let Some(&channels) = self.shape.first() else {
            return Err(self.bad(
                layer,
                "expected an input of at least one axis, got []".into(),
            ));
        };
        self.declared(layer, "num_features", spec.num_features, channels)?;
        let mean = self.channels(&format!("{}.running_mean", spec.name), channels)?;
        let variance = self.channels(&format!("{}.running_var", spec.name), channels)?;
        let (weight, bias) = self.norm_names(&spec.name);
        let affine = spec.affine.unwrap_or(self.weights.has(&weight));
        let (weight, bias) = match affine {
            true => (
                self.channels(&weight, channels)?,
                self.channels(&bias, channels)?,
            ),
            false => (vec![1.0; channels], vec![0.0; channels]),
        };
        // In double precision, so that folding four numbers into two costs no accuracy.
        let wide = f64::from;
        let scale: Vec<f64> = weight
            .iter()
            .zip(&variance)
            .map(|(&weight, &variance)| wide(weight) / (wide(variance) + spec.eps).sqrt())
            .collect();
        let shift = bias.iter().zip(&mean).zip(&scale);
        let shift = shift.map(|((&bias, &mean), scale)| (wide(bias) - wide(mean) * scale) as f32);
        let shift = shift.collect();
        let scale = scale.iter().map(|&scale| scale as f32).collect();
        Ok(Step::Affine {
            scale: self.tensor(scale, [1, channels, 1]),
            shift: self.tensor(shift, [1, channels, 1]),
            channels,
        })
    }

    pub(super) fn layer_norm(
        &mut self,
        layer: &Layer,
        spec: &LayerNorm,
    ) -> Result<Step, LoadError> {
        let (weight, bias) = self.norm_names(&spec.name);
        let stored = match self.weights.has(&weight) {
            true => Some(self.weights.any_shape(&weight)?),
            false => None,
        };
        let normalized = match (&spec.normalized_shape, stored.clone()) {
            (Some(declared), Some(stored)) if *declared != stored => {
                return Err(self.bad(
                    layer,
                    format!("key `normalized_shape`: expected {stored:?} as in the weights, got {declared:?}"),
                ));
            }
            (_, Some(stored)) => stored,
            (Some(declared), None) => declared.clone(),
            // Asking for the shape gives the error that names the missing weight.
            (None, None) => self.weights.any_shape(&weight)?,
        };
        if normalized.is_empty() || !self.shape.ends_with(&normalized) {
            let shape = &self.shape;
            return Err(self.bad(
                layer,
                format!("expected an input whose last axes are {normalized:?}, got {shape:?}"),
            ));
        }
        let size: usize = normalized.iter().product();
        let groups = self.shape.iter().product::<usize>() / size;
        let ones = vec![1.0; size];
        let has_bias = spec.bias.unwrap_or(self.weights.has(&bias));
        Ok(Step::LayerNorm {
            weight: match stored {
                Some(_) => self.weights.read(&weight, [size], self.device)?,
                None => self.tensor(ones, [size]),
            },
            bias: match has_bias {
                true if self.weights.any_shape(&bias)? == normalized => {
                    Some(self.weights.read(&bias, [size], self.device)?)
                }
                true => {
                    let got = self.weights.any_shape(&bias)?;
                    return Err(self.weights.invalid(format!(
                        "tensor '{bias}': expected shape {normalized:?}, got {got:?}"
                    )));
                }
                false => None,
            },
            eps: spec.eps,
            groups,
        })
    }

    pub(super) fn pool(&mut self, layer: &Layer, pool: &Pool) -> Result<[usize; 3], LoadError> {
        let input = self.axes(layer, "[channels, height, width]")?;
        for i in 0..2 {
            let (kernel, padding) = (pool.kernel_size[i], pool.padding[i]);
            if padding * 2 > kernel {
                return Err(self.bad(
                    layer,
                    format!("key `padding`: expected at most half of the kernel's {kernel}, got {padding}"),
                ));
            }
            let window = Window {
                kernel,
                stride: pool.stride[i],
                dilation: pool.dilation[i],
                padding: (padding, padding),
                ceil: pool.ceil_mode,
            };
            let size = window.size(self.shape[1 + i]);
            self.shape[1 + i] = size.map_err(|e| self.bad(layer, e))?;
        }
        Ok(input)
    }

    pub(super) fn mean(
        &mut self,
        layer: &Layer,
        axes: &[i64],
        keepdim: bool,
    ) -> Result<Option<Step>, LoadError> {
        let rank = self.shape.len();
        let mut axes = axes
            .iter()
            .map(|&axis| shape::axis(axis, rank).map_err(|e| self.bad(layer, e)))
            .collect::<Result<Vec<_>, _>>()?;
        axes.sort_unstable();
        axes.dedup();
        // Neighbouring axes are one in dense memory, and the mean over both is the mean over their product.
        let adjacent = axes.windows(2).all(|pair| pair[0] + 1 == pair[1]);
        let (Some(&first), Some(&last)) = (axes.first(), axes.last()) else {
            return Err(self.bad(
                layer,
                "key `axis`: expected at least one axis, got none".into(),
            ));
        };
        if !adjacent {
            return Err(self.bad(
                layer,
                format!("key `axis`: expected neighbouring axes, got {axes:?}; use one mean after the other"),
            ));
        }
        let product = |sizes: &[usize]| sizes.iter().product();
        let around = [
            product(&self.shape[..first]),
            product(&self.shape[first..=last]),
            product(&self.shape[last + 1..]),
        ];
        match keepdim {
            true => self.shape[first..=last].fill(1),
            false => drop(self.shape.drain(first..=last)),
        }
        Ok(Some(Step::Mean { around }))
    }

    fn bias(
        &mut self,
        layer: &Layer,
        name: &str,
        declared: Option<bool>,
        size: usize,
    ) -> Result<Option<Tensor<1>>, LoadError> {
        let name = format!("{name}.bias");
        if !declared.unwrap_or(self.weights.has(&name)) {
            return Ok(None);
        }
        let stored: [usize; 1] = self.weights.shape(&name)?;
        if stored != [size] {
            return Err(self.bad(
                layer,
                format!("tensor '{name}': expected shape [{size}], got {stored:?}"),
            ));
        }
        Ok(Some(self.weights.read(&name, stored, self.device)?))
    }

    fn channels(&mut self, name: &str, channels: usize) -> Result<Vec<f32>, LoadError> {
        let stored: [usize; 1] = self.weights.shape(name)?;
        if stored != [channels] {
            return Err(self.weights.invalid(format!(
                "tensor '{name}': expected shape [{channels}] for as many input channels, got {stored:?}"
            )));
        }
        self.weights.floats(name)
    }

    /// PyTorch calls a norm's parameters weight and bias, Burn calls them gamma and beta.
    fn norm_names(&self, name: &str) -> (String, String) {
        let gamma = format!("{name}.gamma");
        match self.weights.has(&gamma) {
            true => (gamma, format!("{name}.beta")),
            false => (format!("{name}.weight"), format!("{name}.bias")),
        }
    }
}

/// `[rows, columns]` to `[columns, rows]`, in memory: products with a transposed view were up to five times slower
/// on both backends (512 by 784, 8 rows).
fn transposed(values: &[f32], [rows, columns]: [usize; 2]) -> Vec<f32> {
    let mut out = Vec::with_capacity(values.len());
    for column in 0..columns {
        out.extend((0..rows).map(|row| values[row * columns + column]));
    }
    out
}
