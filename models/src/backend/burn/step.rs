//! The layers as they run: operations on Burn tensors, in the order of the network.
//!
//! Between steps a batch is a matrix of one row per request row; each step views it in the shape it needs (a view
//! of dense memory costs nothing) and was checked to fit when the network was built. No shape is checked here.

use burn::tensor::module::{
    adaptive_avg_pool2d, avg_pool2d, conv1d, conv2d, layer_norm, max_pool2d,
};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use burn::tensor::{Tensor, activation};

use super::spec::Activation;

/// One operation with its weights.
#[derive(Debug)]
pub(super) enum Step {
    Linear {
        /// `[in, out]`
        weight: Tensor<2>,
        /// `[1, out]`
        bias: Option<Tensor<2>>,
        /// Positions of a row that the matrix is applied to, each on its own.
        positions: usize,
    },
    Conv1d {
        weight: Tensor<3>,
        bias: Option<Tensor<1>>,
        options: ConvOptions<1>,
        input: [usize; 2],
    },
    Conv2d {
        weight: Tensor<4>,
        bias: Option<Tensor<1>>,
        options: ConvOptions<2>,
        input: [usize; 3],
    },
    /// `x * scale + shift`, both of shape `[1, channels, 1]`: what a batch norm is once it is trained.
    Affine {
        scale: Tensor<3>,
        shift: Tensor<3>,
        channels: usize,
    },
    LayerNorm {
        weight: Tensor<1>,
        bias: Option<Tensor<1>>,
        eps: f64,
        /// Groups of a row that are normalised, each on its own.
        groups: usize,
    },
    MaxPool2d {
        options: MaxPoolOptions<2>,
        input: [usize; 3],
    },
    AvgPool2d {
        options: AvgPoolOptions<2>,
        input: [usize; 3],
    },
    AdaptiveAvgPool2d {
        output: [usize; 2],
        input: [usize; 3],
    },
    Activation(Activation),
    /// Along the middle of the three sizes that the row is viewed in.
    Softmax {
        around: [usize; 3],
        log: bool,
    },
    /// As [`Step::Softmax`].
    Mean {
        around: [usize; 3],
    },
    /// `body(x) + shortcut(x)`; an empty shortcut is `x` itself.
    Residual {
        body: Vec<Step>,
        shortcut: Vec<Step>,
    },
}

/// Runs steps one after the other on `rows` rows.
pub(super) fn run(steps: &[Step], x: Tensor<2>, rows: usize) -> Tensor<2> {
    steps.iter().fold(x, |x, step| step.run(x, rows))
}

impl Step {
    fn run(&self, x: Tensor<2>, rows: usize) -> Tensor<2> {
        match self {
            Self::Linear {
                weight,
                bias,
                positions: 1,
            } => linear(x, weight, bias.as_ref()),
            Self::Linear {
                weight,
                bias,
                positions,
            } => {
                let [features, _] = weight.dims();
                let y = linear(
                    x.reshape([rows * positions, features]),
                    weight,
                    bias.as_ref(),
                );
                flat(y, rows)
            }
            Self::Conv1d {
                weight,
                bias,
                options,
                input: [channels, length],
            } => {
                let x = x.reshape([rows, *channels, *length]);
                flat(
                    conv1d(x, weight.clone(), bias.clone(), options.clone()),
                    rows,
                )
            }
            Self::Conv2d {
                weight,
                bias,
                options,
                input,
            } => {
                let x = image(x, rows, *input);
                flat(
                    conv2d(x, weight.clone(), bias.clone(), options.clone()),
                    rows,
                )
            }
            Self::Affine {
                scale,
                shift,
                channels,
            } => {
                let [_, elements] = x.dims();
                let x = x.reshape([rows, *channels, elements / channels]);
                flat(x * scale.clone() + shift.clone(), rows)
            }
            Self::LayerNorm {
                weight,
                bias,
                eps,
                groups,
            } => {
                let [_, elements] = x.dims();
                let x = x.reshape([rows * groups, elements / groups]);
                flat(layer_norm(x, weight.clone(), bias.clone(), *eps), rows)
            }
            Self::MaxPool2d { options, input } => {
                flat(max_pool2d(image(x, rows, *input), options.clone()), rows)
            }
            Self::AvgPool2d { options, input } => {
                flat(avg_pool2d(image(x, rows, *input), options.clone()), rows)
            }
            Self::AdaptiveAvgPool2d { output, input } => {
                flat(adaptive_avg_pool2d(image(x, rows, *input), *output), rows)
            }
            Self::Activation(activation) => activate(*activation, x),
            Self::Softmax {
                around: [outer, size, 1],
                log,
            } => {
                let x = x.reshape([rows * outer, *size]);
                let y = match log {
                    true => activation::log_softmax(x, 1),
                    false => activation::softmax(x, 1),
                };
                flat(y, rows)
            }
            Self::Softmax {
                around: [outer, size, inner],
                log,
            } => {
                let x = x.reshape([rows * outer, *size, *inner]);
                let y = match log {
                    true => activation::log_softmax(x, 1),
                    false => activation::softmax(x, 1),
                };
                flat(y, rows)
            }
            Self::Mean {
                around: [outer, size, inner],
            } => flat(x.reshape([rows * outer, *size, *inner]).mean_dim(1), rows),
            Self::Residual { body, shortcut } => {
                run(body, x.clone(), rows) + run(shortcut, x, rows)
            }
        }
    }
}

fn linear(x: Tensor<2>, weight: &Tensor<2>, bias: Option<&Tensor<2>>) -> Tensor<2> {
    let y = x.matmul(weight.clone());
    match bias {
        Some(bias) => y + bias.clone(),
        None => y,
    }
}

fn activate(activation: Activation, x: Tensor<2>) -> Tensor<2> {
    match activation {
        Activation::Relu => activation::relu(x),
        Activation::Gelu => activation::gelu(x),
        Activation::GeluTanh => activation::gelu_approximate(x),
        Activation::Sigmoid => activation::sigmoid(x),
        Activation::Tanh => activation::tanh(x),
        Activation::Silu => activation::silu(x),
        Activation::LeakyRelu(slope) => activation::leaky_relu(x, slope),
    }
}

fn image(x: Tensor<2>, rows: usize, [channels, height, width]: [usize; 3]) -> Tensor<4> {
    x.reshape([rows, channels, height, width])
}

fn flat<const D: usize>(x: Tensor<D>, rows: usize) -> Tensor<2> {
    let elements = x.dims().iter().product::<usize>() / rows;
    x.reshape([rows, elements])
}
