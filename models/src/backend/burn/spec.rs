//! The `[burn]` table of `model.toml` as it is written: backend, ports, layers.
//!
//! Only spelling and types are checked here, each error naming the key, what was expected and what was found.
//! Whether the layers fit each other and the weights is `network`'s business.

use serde::Deserialize;
use toml::{Table, Value};

pub(super) use self::read::nearest;
use self::read::read;
use crate::tensor::DataType;

/// The whole table.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) backend: Backend,
    pub(super) weights: Option<String>,
    pub(super) layout: Option<Layout>,
    pub(super) prefix: Option<String>,
    pub(super) extra_weights: ExtraWeights,
    pub(super) input: InputSpec,
    pub(super) output: OutputSpec,
    pub(super) layers: Vec<Layer>,
}

/// The Burn backend that a model runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// burn-flex: pure Rust, the default and the faster one.
    #[default]
    Flex,
    /// burn-ndarray: deprecated by Burn, offered where its numbers are wanted.
    Ndarray,
}

/// How a weights file stores the matrix of a linear layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Layout {
    /// `[out, in]`, as PyTorch does.
    Torch,
    /// `[in, out]`, as Burn does.
    Burn,
}

/// What to do with weights in the file that no layer takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ExtraWeights {
    /// They are an error: usually a layer was forgotten, and the answers would be wrong.
    #[default]
    Refuse,
    /// They are left alone.
    Ignore,
}

/// The one input, its shape without the batch axis.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InputSpec {
    #[serde(default = "input_name")]
    pub(super) name: String,
    #[serde(default = "fp32")]
    pub(super) datatype: DataType,
    pub(super) shape: Vec<usize>,
}

/// The one output; its shape follows from the layers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutputSpec {
    #[serde(default = "output_name")]
    pub(super) name: String,
    #[serde(default)]
    pub(super) labels: Vec<String>,
}

/// One layer and where it stands, such as `burn.layers[2].layers[0]`.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) at: String,
    pub(super) kind: Kind,
}

/// What a layer does; the fields have PyTorch's names and defaults.
#[derive(Debug)]
pub(super) enum Kind {
    Linear(Linear),
    Conv1d(Conv<1>),
    Conv2d(Conv<2>),
    BatchNorm(BatchNorm),
    LayerNorm(LayerNorm),
    MaxPool2d(Pool),
    AvgPool2d(Pool),
    AdaptiveAvgPool2d([usize; 2]),
    Embedding(Embedding),
    Flatten,
    Reshape(Vec<i64>),
    Identity,
    Activation(Activation),
    Softmax {
        axis: i64,
        log: bool,
    },
    Mean {
        axes: Vec<i64>,
        keepdim: bool,
    },
    Residual {
        body: Vec<Layer>,
        shortcut: Vec<Layer>,
    },
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Activation {
    Relu,
    Gelu,
    GeluTanh,
    Sigmoid,
    Tanh,
    Silu,
    LeakyRelu(f64),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Linear {
    pub(super) name: String,
    pub(super) in_features: Option<usize>,
    pub(super) out_features: Option<usize>,
    pub(super) bias: Option<bool>,
}

/// Strides, paddings and dilations are one number for all axes or one number per axis.
#[derive(Debug)]
pub(super) struct Conv<const N: usize> {
    pub(super) name: String,
    pub(super) in_channels: Option<usize>,
    pub(super) out_channels: Option<usize>,
    pub(super) kernel_size: Option<[usize; N]>,
    pub(super) stride: [usize; N],
    pub(super) padding: Padding<N>,
    pub(super) dilation: [usize; N],
    pub(super) groups: usize,
    pub(super) bias: Option<bool>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Padding<const N: usize> {
    Each([usize; N]),
    /// As much as keeps the sizes; only with stride 1.
    Same,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BatchNorm {
    pub(super) name: String,
    pub(super) num_features: Option<usize>,
    #[serde(default = "norm_eps")]
    pub(super) eps: f64,
    pub(super) affine: Option<bool>,
}

#[derive(Debug)]
pub(super) struct LayerNorm {
    pub(super) name: String,
    pub(super) normalized_shape: Option<Vec<usize>>,
    pub(super) eps: f64,
    pub(super) bias: Option<bool>,
}

#[derive(Debug)]
pub(super) struct Pool {
    pub(super) kernel_size: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) padding: [usize; 2],
    pub(super) dilation: [usize; 2],
    pub(super) ceil_mode: bool,
    pub(super) count_include_pad: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Embedding {
    pub(super) name: String,
    pub(super) num_embeddings: Option<usize>,
    pub(super) embedding_dim: Option<usize>,
}

// === impl Spec ===

impl Spec {
    /// Reads the table.
    ///
    /// # Errors
    /// One sentence: the key's path, what was expected, what was found, and the nearest known word.
    pub(super) fn parse(table: &Table) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            #[serde(default)]
            backend: Backend,
            weights: Option<String>,
            layout: Option<Layout>,
            prefix: Option<String>,
            #[serde(default)]
            extra_weights: ExtraWeights,
            input: InputSpec,
            #[serde(default)]
            output: OutputSpec,
            layers: Vec<Table>,
        }
        let written: Written = read(table.clone(), "burn")?;
        if written.layers.is_empty() {
            return Err("burn.layers: expected at least one layer, got none".into());
        }
        Ok(Self {
            backend: written.backend,
            weights: written.weights,
            layout: written.layout,
            prefix: written.prefix,
            extra_weights: written.extra_weights,
            input: written.input,
            output: written.output,
            layers: layers(written.layers, "burn.layers")?,
        })
    }
}

impl Default for OutputSpec {
    fn default() -> Self {
        Self {
            name: output_name(),
            labels: Vec::new(),
        }
    }
}

impl Backend {
    /// The backend's crate, as `status` shows it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flex => "burn-flex",
            Self::Ndarray => "burn-ndarray",
        }
    }
}

// === impl Layer ===

impl Layer {
    /// The type as written, and the weights' prefix where there is one.
    pub(super) fn title(&self) -> String {
        let (kind, name) = match &self.kind {
            Kind::Linear(l) => ("linear", &l.name),
            Kind::Conv1d(l) => ("conv1d", &l.name),
            Kind::Conv2d(l) => ("conv2d", &l.name),
            Kind::BatchNorm(l) => ("batch_norm", &l.name),
            Kind::LayerNorm(l) => ("layer_norm", &l.name),
            Kind::Embedding(l) => ("embedding", &l.name),
            Kind::MaxPool2d(_) => return "max_pool2d".into(),
            Kind::AvgPool2d(_) => return "avg_pool2d".into(),
            Kind::AdaptiveAvgPool2d(_) => return "adaptive_avg_pool2d".into(),
            Kind::Flatten => return "flatten".into(),
            Kind::Reshape(_) => return "reshape".into(),
            Kind::Identity => return "dropout".into(),
            Kind::Activation(_) => return "activation".into(),
            Kind::Softmax { .. } => return "softmax".into(),
            Kind::Mean { .. } => return "mean".into(),
            Kind::Residual { .. } => return "residual".into(),
        };
        format!("{kind} '{name}'")
    }
}

const TYPES: [&str; 23] = [
    "linear",
    "conv1d",
    "conv2d",
    "batch_norm",
    "layer_norm",
    "max_pool2d",
    "avg_pool2d",
    "adaptive_avg_pool2d",
    "flatten",
    "reshape",
    "dropout",
    "identity",
    "embedding",
    "relu",
    "gelu",
    "sigmoid",
    "tanh",
    "silu",
    "leaky_relu",
    "softmax",
    "log_softmax",
    "mean",
    "residual",
];

fn layers(tables: Vec<Table>, at: &str) -> Result<Vec<Layer>, String> {
    let each = tables.into_iter().enumerate();
    each.map(|(i, table)| layer(table, format!("{at}[{i}]")))
        .collect()
}

fn layer(mut table: Table, at: String) -> Result<Layer, String> {
    let kind = match table.remove("type") {
        Some(Value::String(kind)) => kind,
        Some(other) => {
            return Err(format!(
                "{at}.type: expected a string, got {}",
                other.type_str()
            ));
        }
        None => {
            return Err(format!(
                "{at}: key `type` is missing: expected a layer's type"
            ));
        }
    };
    let path = format!("{at} ({kind})");
    let kind = written::kind(&kind, table, &at, &path)?;
    Ok(Layer { at, kind })
}

fn input_name() -> String {
    "input".into()
}

fn output_name() -> String {
    "output".into()
}

fn fp32() -> DataType {
    DataType::Fp32
}

fn norm_eps() -> f64 {
    1e-5
}

mod read;
#[cfg(test)]
mod tests;
mod written;
