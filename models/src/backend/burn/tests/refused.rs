//! Declarations and weights that do not fit, and requests that a sound model cannot answer: each message names
//! the place, what was expected and what was got.

use super::{fixtures, load, refusal, written};
use crate::error::InferError;
use crate::tensor::{DataType, Tensor};

const WEIGHTS: [(&str, &[usize]); 4] = [
    ("fc1.weight", &[3, 2]),
    ("fc1.bias", &[3]),
    ("conv.weight", &[4, 2, 3, 3]),
    ("square.weight", &[2, 2]),
];

/// The message for layers on an input shape, with extra weights ignored.
fn refused(shape: &str, layers: &str) -> String {
    let (_folder, path) = written(&WEIGHTS);
    refusal(
        &path,
        &format!(
            "[burn]\nextra_weights = \"ignore\"\ninput = {{ shape = {shape} }}\nlayers = [{layers}]"
        ),
    )
}

#[test]
fn layers_that_do_not_fit_are_named() {
    let check = |shape: &str, layers: &str, expected: &str| {
        let message = refused(shape, layers);
        assert!(
            message.contains(expected),
            "{layers}\n{message}\n{expected}"
        );
    };
    let fc1 = r#"{ type = "linear", name = "fc1" }"#;
    check(
        "[5]",
        fc1,
        "model.toml: burn.layers[0] (linear 'fc1'): expected 2 input features, as 'fc1.weight' of shape [3, 2] has, got 5 (shape [5])",
    );
    check("[3]", fc1, "set burn.layout = \"burn\"");
    check(
        "[2]",
        &format!("{fc1}, {{ type = \"relu\" }}, {fc1}"),
        "burn.layers[2] (linear 'fc1'): expected 2 input features",
    );
    check(
        "[2]",
        r#"{ type = "linear", name = "fc1", out_features = 4 }"#,
        "key `out_features`: expected 3 as in the weights, got 4",
    );
    check(
        "[2]",
        r#"{ type = "linear", name = "fc2" }"#,
        "model.safetensors: tensor 'fc2.weight' is missing: the file has 'conv.weight', 'fc1.bias', 'fc1.weight', 'square.weight'; did you mean 'fc1.weight'?",
    );
    check(
        "[2]",
        r#"{ type = "linear", name = "square", bias = true }"#,
        "tensor 'square.bias' is missing",
    );
    check(
        "[2]",
        r#"{ type = "linear", name = "conv" }"#,
        "tensor 'conv.weight': expected 2 axes, got shape [4, 2, 3, 3]",
    );
    check(
        "[2]",
        r#"{ type = "conv2d", name = "conv" }"#,
        "(conv2d 'conv'): expected an input of [channels, height, width], got [2]",
    );
    check(
        "[3, 8, 8]",
        r#"{ type = "conv2d", name = "conv" }"#,
        "expected 2 input channels, as 'conv.weight' with 1 groups has, got 3",
    );
    check(
        "[2, 2, 8]",
        r#"{ type = "conv2d", name = "conv" }"#,
        "expected at least 3 along an axis with its padding, got 2",
    );
    check(
        "[2, 8, 8]",
        r#"{ type = "conv2d", name = "conv", kernel_size = 5 }"#,
        "key `kernel_size`: expected [3, 3] as in the weights, got [5, 5]",
    );
    check(
        "[6, 8, 8]",
        r#"{ type = "conv2d", name = "conv", groups = 3 }"#,
        "key `groups`: expected a divisor of 4 output channels, got 3",
    );
    check(
        "[2, 8, 8]",
        r#"{ type = "conv2d", name = "conv", padding = "same", stride = 2 }"#,
        "\"same\" expects stride 1, got [2, 2]",
    );
    check(
        "[2, 8, 8]",
        r#"{ type = "max_pool2d", kernel_size = 2, padding = 2 }"#,
        "key `padding`: expected at most half of the kernel's 2, got 2",
    );
    check(
        "[2, 8]",
        r#"{ type = "softmax", axis = 0 }"#,
        "expected an axis other than the batch, got 0",
    );
    check(
        "[2, 8]",
        r#"{ type = "mean", axis = [1, 3] }"#,
        "expected 1 to 2 or -2 to -1, got 3",
    );
    check(
        "[2, 8, 3]",
        r#"{ type = "mean", axis = [1, 3] }"#,
        "expected neighbouring axes",
    );
    check(
        "[2, 8]",
        r#"{ type = "reshape", shape = [3, -1] }"#,
        "cannot shape [2, 8] into [3, -1]",
    );
    check(
        "[2]",
        &format!("{{ type = \"residual\", layers = [{fc1}] }}"),
        "burn.layers[0] (residual): expected layers and shortcut to end in the same shape, got [3] and [2]",
    );
    check(
        "[2]",
        r#"{ type = "residual", layers = [{ type = "linear", name = "conv" }] }"#,
        "tensor 'conv.weight': expected 2 axes",
    );
    check(
        "[2]",
        r#"{ type = "embedding", name = "fc1" }"#,
        "on an input of datatype INT64 or INT32",
    );
    check(
        "[100000, 100000]",
        r#"{ type = "flatten" }"#,
        "burn.input.shape: expected at most 67108864 elements a row",
    );
    check(
        "[0]",
        r#"{ type = "flatten" }"#,
        "expected axes of at least 1, got [0]",
    );
    check(
        "[1, 2, 2]",
        r#"{ type = "adaptive_avg_pool2d", output_size = 60000 }"#,
        "expected at most 67108864 elements a row",
    );
    check(
        "[2]",
        r#"{ type = "batch_norm", name = "square" }"#,
        "tensor 'square.running_mean' is missing",
    );
    check(
        "[5]",
        r#"{ type = "layer_norm", name = "fc1" }"#,
        "expected an input whose last axes are [3, 2], got [5]",
    );
}

#[test]
fn weights_that_no_layer_takes_are_refused_by_name() {
    let (_folder, path) = written(&WEIGHTS);
    let manifest =
        "[burn]\ninput = { shape = [2] }\nlayers = [{ type = \"linear\", name = \"fc1\" }]";
    let message = refusal(&path, manifest);
    assert_eq!(
        message,
        "model.safetensors: expected no weights but the layers', got 'conv.weight', 'square.weight' besides; \
         declare their layers, or set burn.extra_weights = \"ignore\""
    );
}

#[test]
fn square_weights_follow_the_layout() {
    let (_folder, path) = written(&[("fc.weight", &[2, 2])]);
    // The file's numbers are -0.75, -0.5, -0.25, 0.
    for (layout, expected) in [("torch", [-1.75, -0.25]), ("burn", [-1.25, -0.5])] {
        let manifest = format!(
            "[burn]\nlayout = \"{layout}\"\ninput = {{ shape = [2] }}\nlayers = [{{ type = \"linear\", name = \"fc\" }}]"
        );
        let model = load(&path, &manifest).unwrap();
        let x = Tensor::of(vec![1, 2], vec![1f32, 2.0]).unwrap();
        let y = model.infer(vec![x]).unwrap();
        assert_eq!(y[0].as_slice::<f32>().unwrap(), expected, "{layout}");
    }
}

#[test]
fn ports_are_checked_against_the_network() {
    let (_folder, path) = written(&[("fc.weight", &[2, 2])]);
    let manifest =
        |head: &str| format!("[burn]\n{head}\nlayers = [{{ type = \"linear\", name = \"fc\" }}]");
    let check = |head: &str, expected: &str| {
        let message = refusal(&path, &manifest(head));
        assert!(message.contains(expected), "{message}\n{expected}");
    };
    check(
        "input = { shape = [2] }\noutput = { labels = [\"a\"] }",
        "burn.output.labels: expected 2, one for each of the last axis, got 1",
    );
    check(
        "input = { shape = [2], datatype = \"BYTES\" }",
        "burn.input.datatype: expected FP32",
    );
    check(
        "input = { shape = [2], datatype = \"INT64\" }",
        "burn.layers[0] (linear 'fc'): expected an embedding before it, or input datatype FP32",
    );
    check(
        "input = { shape = [2] }\nweights = \"../model.safetensors\"",
        "expected a path inside this folder, neither hidden nor temporary, got '../model.safetensors'",
    );
    check(
        "input = { shape = [2] }\nweights = \"none.pt\"",
        "read none.pt",
    );
    for number in ["FP64", "FP16", "UINT8", "INT16"] {
        let head = format!("input = {{ shape = [2], datatype = \"{number}\" }}");
        let model = load(&path, &manifest(&head)).unwrap();
        assert_eq!(model.contract().inputs[0].datatype.as_str(), number);
        assert_eq!(model.contract().outputs[0].datatype, DataType::Fp32);
    }
}

#[test]
fn an_index_beyond_the_embedding_is_the_callers_fault() {
    let file = fixtures().join("torch/embedding/state.pt");
    for backend in super::BACKENDS {
        let manifest = format!(
            r#"
            [burn]
            backend = "{backend}"
            extra_weights = "ignore"
            input = {{ name = "ids", datatype = "INT64", shape = [2] }}
            layers = [{{ type = "embedding", name = "embedding" }}]"#
        );
        let model = load(&file, &manifest).unwrap();
        for bad in [20, -1, i64::MAX, i64::MIN] {
            let ids = Tensor::of(vec![1, 2], vec![19, bad]).unwrap();
            let expected = InferError::Refused {
                what: format!("input 'ids': expected indexes from 0 to 19, got {bad} at element 1"),
            };
            assert_eq!(model.infer(vec![ids]), Err(expected));
        }
        let ids = Tensor::of(vec![1, 2], vec![0i64, 19]).unwrap();
        assert_eq!(model.infer(vec![ids]).unwrap()[0].shape(), [1, 2, 6]);
    }
}

#[test]
fn tensors_that_miss_the_contract_are_errors_not_panics() {
    let (_folder, path) = written(&[("fc.weight", &[2, 2])]);
    let model = load(
        &path,
        "[burn]\ninput = { shape = [2] }\nlayers = [{ type = \"linear\", name = \"fc\" }]",
    )
    .unwrap();
    let good = Tensor::of(vec![1, 2], vec![0f32; 2]).unwrap();
    for inputs in [
        vec![],
        vec![good.clone(), good.clone()],
        vec![Tensor::vector(vec![0f32; 2])],
        vec![Tensor::of(vec![1, 3], vec![0f32; 3]).unwrap()],
        vec![Tensor::of(vec![1, 2], vec![0i64; 2]).unwrap()],
    ] {
        assert!(matches!(
            model.infer(inputs),
            Err(InferError::Failed { .. })
        ));
    }
    assert!(model.infer(vec![good]).is_ok());
}
