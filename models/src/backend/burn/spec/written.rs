//! Layers whose written form differs from what the builder takes: numbers for one or all axes, words, defaults.

use serde::Deserialize;
use toml::Table;

use super::read::{nearest, read};
use super::{Activation, Conv, Kind, LayerNorm, Padding, Pool, TYPES, layers, norm_eps};

/// One number for all axes, or one number per axis.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a whole number, or an array of one whole number per axis"
)]
enum Each {
    All(usize),
    Per(Vec<usize>),
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a whole number, an array of one whole number per axis, \"same\" or \"valid\""
)]
enum PaddingWord {
    Each(Each),
    Word(Word),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Same,
    Valid,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected an axis, or an array of axes (0 is the batch, negative ones count from the end)"
)]
enum Axes {
    One(i64),
    Many(Vec<i64>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConvTable {
    name: String,
    in_channels: Option<usize>,
    out_channels: Option<usize>,
    kernel_size: Option<Each>,
    stride: Option<Each>,
    padding: Option<PaddingWord>,
    dilation: Option<Each>,
    groups: Option<usize>,
    bias: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LayerNormTable {
    name: String,
    normalized_shape: Option<Each>,
    #[serde(default = "norm_eps")]
    eps: f64,
    bias: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MaxPoolTable {
    kernel_size: Each,
    stride: Option<Each>,
    padding: Option<Each>,
    dilation: Option<Each>,
    #[serde(default)]
    ceil_mode: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AvgPoolTable {
    kernel_size: Each,
    stride: Option<Each>,
    padding: Option<Each>,
    #[serde(default)]
    ceil_mode: bool,
    #[serde(default = "yes")]
    count_include_pad: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdaptiveTable {
    output_size: Each,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReshapeTable {
    shape: Vec<i64>,
}

/// `p` says how dropout was trained; it does nothing when a model answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DropoutTable {
    #[serde(rename = "p")]
    _p: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GeluTable {
    #[serde(default)]
    approximate: Approximate,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Approximate {
    #[default]
    None,
    Tanh,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LeakyReluTable {
    #[serde(default = "slope")]
    negative_slope: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SoftmaxTable {
    #[serde(alias = "dim", default = "last")]
    axis: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MeanTable {
    #[serde(alias = "dim")]
    axis: Axes,
    #[serde(default)]
    keepdim: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResidualTable {
    layers: Vec<Table>,
    #[serde(default)]
    shortcut: Vec<Table>,
}

/// Reads one layer's table, its `type` taken out; `at` is its place, `path` the place and type for messages.
pub(super) fn kind(kind: &str, table: Table, at: &str, path: &str) -> Result<Kind, String> {
    let plain = |table, activation| {
        read::<Nothing>(table, path).map(|Nothing {}| Kind::Activation(activation))
    };
    Ok(match kind {
        "linear" => Kind::Linear(read(table, path)?),
        "conv1d" => Kind::Conv1d(conv(read(table, path)?, path)?),
        "conv2d" => Kind::Conv2d(conv(read(table, path)?, path)?),
        "batch_norm" => Kind::BatchNorm(read(table, path)?),
        "layer_norm" => Kind::LayerNorm(layer_norm(read(table, path)?)),
        "max_pool2d" => Kind::MaxPool2d(max_pool(read(table, path)?, path)?),
        "avg_pool2d" => Kind::AvgPool2d(avg_pool(read(table, path)?, path)?),
        "adaptive_avg_pool2d" => {
            let table: AdaptiveTable = read(table, path)?;
            Kind::AdaptiveAvgPool2d(table.output_size.axes("output_size", 1, path)?)
        }
        "embedding" => Kind::Embedding(read(table, path)?),
        "flatten" => read::<Nothing>(table, path).map(|Nothing {}| Kind::Flatten)?,
        "reshape" => Kind::Reshape(read::<ReshapeTable>(table, path)?.shape),
        "dropout" => read::<DropoutTable>(table, path).map(|_| Kind::Identity)?,
        "identity" => read::<Nothing>(table, path).map(|Nothing {}| Kind::Identity)?,
        "relu" => plain(table, Activation::Relu)?,
        "sigmoid" => plain(table, Activation::Sigmoid)?,
        "tanh" => plain(table, Activation::Tanh)?,
        "silu" => plain(table, Activation::Silu)?,
        "gelu" => Kind::Activation(match read::<GeluTable>(table, path)?.approximate {
            Approximate::None => Activation::Gelu,
            Approximate::Tanh => Activation::GeluTanh,
        }),
        "leaky_relu" => {
            let table: LeakyReluTable = read(table, path)?;
            Kind::Activation(Activation::LeakyRelu(table.negative_slope))
        }
        "softmax" | "log_softmax" => Kind::Softmax {
            axis: read::<SoftmaxTable>(table, path)?.axis,
            log: kind == "log_softmax",
        },
        "mean" => {
            let table: MeanTable = read(table, path)?;
            Kind::Mean {
                axes: match table.axis {
                    Axes::One(axis) => vec![axis],
                    Axes::Many(axes) => axes,
                },
                keepdim: table.keepdim,
            }
        }
        "residual" => {
            let table: ResidualTable = read(table, path)?;
            Kind::Residual {
                body: layers(table.layers, &format!("{at}.layers"))?,
                shortcut: layers(table.shortcut, &format!("{at}.shortcut"))?,
            }
        }
        other => {
            let hint = nearest(other, TYPES)
                .map_or_else(String::new, |word| format!("; did you mean \"{word}\"?"));
            let shown: String = other.chars().take(40).collect();
            return Err(format!(
                "{at}.type: unknown layer type {shown:?}, expected one of {}{hint}",
                TYPES.join(", ")
            ));
        }
    })
}

fn conv<const N: usize>(table: ConvTable, path: &str) -> Result<Conv<N>, String> {
    let or = |each: Option<Each>, key, default: usize, least| match each {
        Some(each) => each.axes(key, least, path),
        None => Ok([default; N]),
    };
    let padding = match table.padding {
        None | Some(PaddingWord::Word(Word::Valid)) => Padding::Each([0; N]),
        Some(PaddingWord::Word(Word::Same)) => Padding::Same,
        Some(PaddingWord::Each(each)) => Padding::Each(each.axes("padding", 0, path)?),
    };
    let kernel_size = table.kernel_size.map(|k| k.axes("kernel_size", 1, path));
    Ok(Conv {
        name: table.name,
        in_channels: table.in_channels,
        out_channels: table.out_channels,
        kernel_size: kernel_size.transpose()?,
        stride: or(table.stride, "stride", 1, 1)?,
        padding,
        dilation: or(table.dilation, "dilation", 1, 1)?,
        groups: within(table.groups.unwrap_or(1), "groups", 1, path)?,
        bias: table.bias,
    })
}

fn layer_norm(table: LayerNormTable) -> LayerNorm {
    LayerNorm {
        name: table.name,
        normalized_shape: table.normalized_shape.map(|shape| match shape {
            Each::All(size) => vec![size],
            Each::Per(sizes) => sizes,
        }),
        eps: table.eps,
        bias: table.bias,
    }
}

fn max_pool(table: MaxPoolTable, path: &str) -> Result<Pool, String> {
    let kernel_size = table.kernel_size.axes("kernel_size", 1, path)?;
    let axes = |each: Option<Each>, key, default, least| match each {
        Some(each) => each.axes(key, least, path),
        None => Ok(default),
    };
    Ok(Pool {
        kernel_size,
        stride: axes(table.stride, "stride", kernel_size, 1)?,
        padding: axes(table.padding, "padding", [0; 2], 0)?,
        dilation: axes(table.dilation, "dilation", [1; 2], 1)?,
        ceil_mode: table.ceil_mode,
        count_include_pad: true,
    })
}

fn avg_pool(table: AvgPoolTable, path: &str) -> Result<Pool, String> {
    let max = MaxPoolTable {
        kernel_size: table.kernel_size,
        stride: table.stride,
        padding: table.padding,
        dilation: None,
        ceil_mode: table.ceil_mode,
    };
    Ok(Pool {
        count_include_pad: table.count_include_pad,
        ..max_pool(max, path)?
    })
}

impl Each {
    /// One number per axis, each at least `least`.
    fn axes<const N: usize>(
        self,
        key: &str,
        least: usize,
        path: &str,
    ) -> Result<[usize; N], String> {
        let axes = match self {
            Self::All(size) => [size; N],
            Self::Per(sizes) => <[usize; N]>::try_from(sizes).map_err(|sizes| {
                let got = sizes.len();
                format!("{path}: key `{key}`: expected {N} numbers, got {got}")
            })?,
        };
        for size in axes {
            within(size, key, least, path)?;
        }
        Ok(axes)
    }
}

/// No real layer has a larger number, and the arithmetic on shapes cannot overflow below it.
fn within(size: usize, key: &str, least: usize, path: &str) -> Result<usize, String> {
    const MOST: usize = 65_535;
    if (least..=MOST).contains(&size) {
        Ok(size)
    } else {
        Err(format!(
            "{path}: key `{key}`: expected {least} to {MOST}, got {size}"
        ))
    }
}

fn yes() -> bool {
    true
}

fn slope() -> f64 {
    0.01
}

fn last() -> i64 {
    -1
}
