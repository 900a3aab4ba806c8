//! Whole networks: PyTorch's own files, and the same weights written by Burn, on both backends.

use std::path::Path;

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear,
    LinearConfig, PaddingConfig2d,
};
use burn::tensor::Device;
use burn_store::{ModuleSnapshot, PytorchStore, SafetensorsStore};

use super::{BACKENDS, answer, cases, check, fixtures, load, on};
use crate::backend::burn::BurnLoader;
use crate::contract::{Batching, Dim};
use crate::loader::{self, Loaders, Model};
use crate::name::{Name, VersionNumber};
use crate::package::{Kind, Package};
use crate::tensor::{DataType, Tensor};

const MLP: &str = r#"
[burn]
input = { shape = [8] }
layers = [
    { type = "linear", name = "layers.0" },
    { type = "relu" },
    { type = "dropout", p = 0.1 },
    { type = "linear", name = "layers.3", bias = false },
    { type = "tanh" },
    { type = "linear", name = "layers.5" },
    { type = "softmax", axis = 1 },
]"#;

const CNN: &str = r#"
[burn]
input = { shape = [1, 8, 8] }
layers = [
    { type = "conv2d", name = "conv", padding = 1 },
    { type = "batch_norm", name = "bn" },
    { type = "relu" },
    { type = "max_pool2d", kernel_size = 2 },
    { type = "residual", layers = [
        { type = "conv2d", name = "block.conv1", padding = 1 },
        { type = "batch_norm", name = "block.bn1" },
        { type = "relu" },
        { type = "conv2d", name = "block.conv2", padding = 1 },
        { type = "batch_norm", name = "block.bn2" },
    ] },
    { type = "relu" },
    { type = "avg_pool2d", kernel_size = 2 },
    { type = "flatten" },
    { type = "linear", name = "fc" },
]"#;

const EMBEDDING: &str = r#"
[burn]
input = { datatype = "INT64", shape = [5] }
layers = [
    { type = "embedding", name = "embedding" },
    { type = "flatten" },
    { type = "linear", name = "fc1" },
    { type = "gelu" },
    { type = "linear", name = "fc2" },
]"#;

const LAYERNORM: &str = r#"
[burn]
input = { shape = [6] }
layers = [
    { type = "linear", name = "fc1" },
    { type = "layer_norm", name = "norm" },
    { type = "silu" },
    { type = "residual", layers = [{ type = "linear", name = "inner" }, { type = "relu" }] },
    { type = "linear", name = "fc2" },
    { type = "sigmoid" },
]"#;

const NETWORKS: [(&str, &str); 4] = [
    ("mlp", MLP),
    ("cnn", CNN),
    ("embedding", EMBEDDING),
    ("layernorm", LAYERNORM),
];

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
}

#[derive(Module, Debug)]
struct Block {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
}

#[derive(Module, Debug)]
struct Cnn {
    conv: Conv2d,
    bn: BatchNorm,
    block: Block,
    fc: Linear,
}

#[derive(Module, Debug)]
struct Embedded {
    embedding: Embedding,
    fc1: Linear,
    fc2: Linear,
}

#[derive(Module, Debug)]
struct Normed {
    fc1: Linear,
    norm: LayerNorm,
    inner: Linear,
    fc2: Linear,
}

fn conv(channels: [usize; 2], bias: bool, device: &Device) -> Conv2d {
    Conv2dConfig::new(channels, [3, 3])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .with_bias(bias)
        .init(device)
}

/// Reads PyTorch's weights into a Burn module and writes them as Burn does: as a record and as safetensors.
fn rewrite<M: Module + ModuleSnapshot>(mut module: M, torch: &Path, folder: &Path) {
    module
        .load_from(&mut PytorchStore::from_file(torch))
        .unwrap();
    let mut store = SafetensorsStore::from_file(folder.join("model.safetensors"));
    module.save_into(&mut store).unwrap();
    module.into_record().save(folder.join("model.bpk")).unwrap();
}

/// Writes a network's weights as Burn does, and says how the declaration's names change.
fn rewritten(name: &str, folder: &Path) -> Vec<(&'static str, &'static str)> {
    let d = &Device::flex();
    let torch = fixtures().join("torch").join(name).join("state.pt");
    match name {
        "mlp" => {
            let linear = |i, o, bias| LinearConfig::new(i, o).with_bias(bias).init(d);
            let layers = vec![
                linear(8, 16, true),
                linear(16, 12, false),
                linear(12, 3, true),
            ];
            rewrite(Mlp { layers }, &torch, folder);
            // Burn's lists have no gaps where the layers without weights were.
            vec![("layers.3", "layers.1"), ("layers.5", "layers.2")]
        }
        "cnn" => {
            let cnn = Cnn {
                conv: conv([1, 6], true, d),
                bn: BatchNormConfig::new(6).init(d),
                block: Block {
                    conv1: conv([6, 6], false, d),
                    bn1: BatchNormConfig::new(6).init(d),
                    conv2: conv([6, 6], false, d),
                    bn2: BatchNormConfig::new(6).init(d),
                },
                fc: LinearConfig::new(24, 10).init(d),
            };
            rewrite(cnn, &torch, folder);
            Vec::new()
        }
        "embedding" => {
            let embedded = Embedded {
                embedding: EmbeddingConfig::new(20, 6).init(d),
                fc1: LinearConfig::new(30, 8).init(d),
                fc2: LinearConfig::new(8, 2).init(d),
            };
            rewrite(embedded, &torch, folder);
            Vec::new()
        }
        "layernorm" => {
            let normed = Normed {
                fc1: LinearConfig::new(6, 12).init(d),
                norm: LayerNormConfig::new(12).init(d),
                inner: LinearConfig::new(12, 12).init(d),
                fc2: LinearConfig::new(12, 1).init(d),
            };
            rewrite(normed, &torch, folder);
            Vec::new()
        }
        other => panic!("no module for {other}"),
    }
}

#[test]
fn every_network_agrees_with_pytorch_from_every_format_on_both_backends() {
    for (name, manifest) in NETWORKS {
        let torch = fixtures().join("torch").join(name);
        let cases = cases(&torch);
        let folder = tempfile::tempdir().unwrap();
        let renames = rewritten(name, folder.path());
        let renamed = renames
            .iter()
            .fold(manifest.to_owned(), |text, (from, to)| {
                text.replace(from, to)
            });
        let files = [
            (torch.join("model.safetensors"), manifest),
            (torch.join("state.pt"), manifest),
            (folder.path().join("model.safetensors"), &renamed),
            (folder.path().join("model.bpk"), &renamed),
        ];
        for (file, manifest) in files {
            for backend in BACKENDS {
                let model = load(&file, &on(backend, manifest)).unwrap();
                assert_eq!(model.backend(), Some(&*format!("burn-{backend}")));
                for case in &cases {
                    check(&*model, case, &format!("{} on {backend}", file.display()));
                }
            }
        }
    }
}

#[test]
fn checkpoints_older_pickles_and_names_with_dots_are_read() {
    let torch = fixtures().join("torch/mlp");
    let nested = MLP.replacen("[burn]", "[burn]\nprefix = \"model_state_dict\"", 1);
    for (file, manifest) in [("checkpoint.pt", nested.as_str()), ("legacy.pt", MLP)] {
        let model = load(&torch.join(file), manifest).unwrap();
        for case in cases(&torch) {
            check(&*model, &case, file);
        }
    }
}

#[test]
fn the_quickstarts_digits_pass_every_stage_of_loading() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/quickstart/models");
    let name = Name::new("digits-burn").unwrap();
    let package = Package::open(&repository, &name, VersionNumber::ONE).unwrap();
    let loaders = Loaders::new().with(Kind::Burn, Box::new(BurnLoader));
    let loaded = loader::load(&package, &loaders, &mut |_| {}).unwrap();
    assert_eq!(loaded.engine, "burn-flex");
    assert_eq!(loaded.golden, 2);
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let contract = &loaded.contract;
    assert_eq!(&*contract.inputs[0].name, "pixels");
    assert_eq!(contract.inputs[0].shape, [Dim::Free(None), Dim::Fixed(64)]);
    assert_eq!(&*contract.outputs[0].name, "probabilities");
    assert_eq!(contract.outputs[0].datatype, DataType::Fp32);
    assert_eq!(contract.outputs[0].shape, [Dim::Free(None), Dim::Fixed(10)]);
    assert_eq!(contract.outputs[0].labels.len(), 10);
    assert_eq!(contract.batching, Batching::FirstAxis { max: None });
}

/// `rows` rows of numbers, or of indexes below 20, that differ.
fn batch(model: &dyn Model, rows: usize) -> Tensor {
    let port = &model.contract().inputs[0];
    let mut shape = vec![rows];
    shape.extend(port.shape[1..].iter().map(|dim| match dim {
        Dim::Fixed(size) => *size,
        Dim::Free(_) => panic!("only the batch is free"),
    }));
    let count: usize = shape.iter().product();
    match port.datatype {
        DataType::Int64 => Tensor::of(shape, (0..count).map(|i| (i * 7 % 20) as i64).collect()),
        _ => Tensor::of(shape, (0..count).map(|i| (i as f32 * 0.7).sin()).collect()),
    }
    .unwrap()
}

fn row(tensor: &Tensor, row: usize) -> Tensor {
    let (shape, _) = tensor.clone().into_parts();
    let size: usize = shape[1..].iter().product();
    let mut one = shape;
    one[0] = 1;
    let range = row * size..(row + 1) * size;
    match tensor.datatype() {
        DataType::Int64 => Tensor::of(one, tensor.as_slice::<i64>().unwrap()[range].to_vec()),
        _ => Tensor::of(one, tensor.as_slice::<f32>().unwrap()[range].to_vec()),
    }
    .unwrap()
}

#[test]
fn a_row_has_the_same_answer_in_any_batch() {
    for (name, manifest) in NETWORKS {
        let file = fixtures()
            .join("torch")
            .join(name)
            .join("model.safetensors");
        for backend in BACKENDS {
            let model = load(&file, &on(backend, manifest)).unwrap();
            for rows in [1, 8, 37] {
                let inputs = batch(&*model, rows);
                let together = answer(&*model, vec![inputs.clone()]).remove(0);
                for i in 0..rows {
                    let alone = answer(&*model, vec![row(&inputs, i)]).remove(0);
                    let (alone, same) = (alone, row(&together, i));
                    for (a, b) in alone
                        .as_slice::<f32>()
                        .unwrap()
                        .iter()
                        .zip(same.as_slice::<f32>().unwrap())
                    {
                        assert!(
                            (a - b).abs() <= 1e-5,
                            "{name} on {backend}: row {i} of {rows}: {a} or {b}"
                        );
                    }
                }
            }
            assert_eq!(answer(&*model, vec![batch(&*model, 0)])[0].shape()[0], 0);
        }
    }
}

#[test]
fn threads_share_a_model() {
    let file = fixtures().join("torch/cnn/model.safetensors");
    let model = load(&file, CNN).unwrap();
    let expected = answer(&*model, vec![batch(&*model, 8)]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..8 {
                    assert_eq!(answer(&*model, vec![batch(&*model, 8)]), expected);
                }
            });
        }
    });
}
