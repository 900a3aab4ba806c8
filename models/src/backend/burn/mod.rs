//! Burn models on the CPU: a declared architecture with weights from a file, or a module that an application
//! registers. Backends flex and ndarray run the same code; which one is a device, chosen per model.
//!
//! Training, other backends and reading `model.toml` itself do not live here.
//!
//! # The `[burn]` table of `model.toml`
//! ```toml
//! version = 1
//!
//! [burn]
//! backend = "flex"                 # default; or "ndarray"
//! weights = "model.safetensors"    # default: the version's one weights file
//! layout = "torch"                 # default: what the file says of itself; or "burn" ([in, out] for linear)
//! prefix = "model_state_dict"      # default: none; only names below it are weights
//! extra_weights = "refuse"         # default; or "ignore"
//! input = { name = "x", datatype = "FP32", shape = [1, 28, 28] }    # without the batch axis
//! output = { name = "probabilities", labels = ["cat", "dog"] }      # its shape follows from the layers
//!
//! [[burn.layers]]
//! type = "conv2d"
//! name = "features.0"              # features.0.weight and features.0.bias in the file
//! padding = 1
//! ```
//! Layers have PyTorch's names, keys, defaults and axes (0 is the batch). Sizes are read from the weights; those
//! that are declared must agree. `name` is required where there are weights.
//!
//! | type | keys |
//! |---|---|
//! | `linear` | `name`, `in_features`, `out_features`, `bias` |
//! | `conv1d`, `conv2d` | `name`, `in_channels`, `out_channels`, `kernel_size`, `stride`, `padding` (numbers, `"same"`, `"valid"`), `dilation`, `groups`, `bias` |
//! | `batch_norm` | `name`, `num_features`, `eps`, `affine` |
//! | `layer_norm` | `name`, `normalized_shape`, `eps`, `bias` |
//! | `embedding` (first; input INT64 or INT32) | `name`, `num_embeddings`, `embedding_dim` |
//! | `max_pool2d` | `kernel_size`, `stride`, `padding`, `dilation`, `ceil_mode` |
//! | `avg_pool2d` | `kernel_size`, `stride`, `padding`, `ceil_mode`, `count_include_pad` |
//! | `adaptive_avg_pool2d` | `output_size` |
//! | `flatten`, `reshape` | –, `shape` (without the batch axis; one may be -1) |
//! | `relu`, `sigmoid`, `tanh`, `silu` | – |
//! | `gelu`, `leaky_relu` | `approximate` (`"none"`, `"tanh"`), `negative_slope` |
//! | `softmax`, `log_softmax` | `axis` (or `dim`), default -1 |
//! | `mean` | `axis` (or `dim`): one or several neighbours, `keepdim` |
//! | `residual` | `layers`, `shortcut`: the sum of both; without a shortcut, of the layers and their input |
//! | `dropout`, `identity` | `p`, –; neither does anything |

mod convert;
mod loader;
mod module;
mod network;
mod shape;
mod spec;
mod step;
mod weights;

pub use convert::{from_burn, to_burn, to_burn_int};
pub use loader::BurnLoader;
pub use module::{BurnModule, module};
pub use spec::Backend;

#[cfg(test)]
mod tests;
