//! Misspelt and mistyped tables: the message names the key, what was expected and what was found.

use expect_test::{Expect, expect};

use super::{Spec, nearest};

fn check(text: &str, expected: Expect) {
    let message = match Spec::parse(&text.parse().unwrap()) {
        Ok(_) => "accepted".to_owned(),
        Err(message) => message,
    };
    expected.assert_eq(&message);
}

/// One layer in a table that is otherwise sound.
fn layer(text: &str, expected: Expect) {
    check(
        &format!("input = {{ shape = [4] }}\nlayers = [{text}]"),
        expected,
    );
}

#[test]
fn keys_of_the_table() {
    check(
        "input = { shape = [4] }\nlayers = [{ type = \"relu\" }]",
        expect!["accepted"],
    );
    check("", expect!["burn: missing field `input`"]);
    check(
        "input = { shape = [4] }",
        expect!["burn: missing field `layers`"],
    );
    check(
        "input = { shape = [4] }\nlayers = []",
        expect!["burn.layers: expected at least one layer, got none"],
    );
    check(
        "input = { shape = [4] }\nlayers = 3",
        expect!["burn: invalid type: integer `3`, expected a sequence in `layers`"],
    );
    check(
        "inputs = { shape = [4] }\nlayers = []",
        expect![
            "burn: unknown field `inputs`, expected one of `backend`, `weights`, `layout`, `prefix`, `extra_weights`, `input`, `output`, `layers`; did you mean `input`?"
        ],
    );
    check(
        "backend = \"felx\"\ninput = { shape = [4] }\nlayers = []",
        expect![
            "burn: unknown variant `felx`, expected `flex` or `ndarray` in `backend`; did you mean `flex`?"
        ],
    );
    check(
        "backend = \"wgpu\"\ninput = { shape = [4] }\nlayers = []",
        expect!["burn: unknown variant `wgpu`, expected `flex` or `ndarray` in `backend`"],
    );
    check(
        "input = { shape = [-4] }\nlayers = []",
        expect!["burn: invalid value: integer `-4`, expected usize in `input.shape`"],
    );
    check(
        "input = { shape = 4 }\nlayers = []",
        expect!["burn: invalid type: integer `4`, expected a sequence in `input.shape`"],
    );
    check(
        "input = { shape = [4], datatype = \"FP23\" }\nlayers = []",
        expect![
            "burn: unknown variant `FP23`, expected one of `BOOL`, `UINT8`, `UINT16`, `UINT32`, `UINT64`, `INT8`, `INT16`, `INT32`, `INT64`, `FP16`, `BF16`, `FP32`, `FP64`, `BYTES` in `input.datatype`; did you mean `FP32`?"
        ],
    );
}

#[test]
fn keys_of_layers() {
    layer(
        "{ name = \"x\" }",
        expect!["burn.layers[0]: key `type` is missing: expected a layer's type"],
    );
    layer(
        "{ type = 3 }",
        expect!["burn.layers[0].type: expected a string, got integer"],
    );
    layer(
        "{ type = \"liner\", name = \"x\" }",
        expect![[
            r#"burn.layers[0].type: unknown layer type "liner", expected one of linear, conv1d, conv2d, batch_norm, layer_norm, max_pool2d, avg_pool2d, adaptive_avg_pool2d, flatten, reshape, dropout, identity, embedding, relu, gelu, sigmoid, tanh, silu, leaky_relu, softmax, log_softmax, mean, residual; did you mean "linear"?"#
        ]],
    );
    layer(
        "{ type = \"linear\" }",
        expect!["burn.layers[0] (linear): missing field `name`"],
    );
    layer(
        "{ type = \"linear\", name = \"x\", biass = true }",
        expect![
            "burn.layers[0] (linear): unknown field `biass`, expected one of `name`, `in_features`, `out_features`, `bias`; did you mean `bias`?"
        ],
    );
    layer(
        "{ type = \"relu\", name = \"x\" }",
        expect!["burn.layers[0] (relu): unknown field `name`, there are no fields"],
    );
    layer(
        "{ type = \"conv2d\", name = \"x\", padding = \"full\" }",
        expect![[
            r#"burn.layers[0] (conv2d): expected a whole number, an array of one whole number per axis, "same" or "valid" in `padding`, got "full""#
        ]],
    );
    layer(
        "{ type = \"conv2d\", name = \"x\", stride = [1, 2, 3] }",
        expect!["burn.layers[0] (conv2d): key `stride`: expected 2 numbers, got 3"],
    );
    layer(
        "{ type = \"conv2d\", name = \"x\", stride = 0 }",
        expect!["burn.layers[0] (conv2d): key `stride`: expected 1 to 65535, got 0"],
    );
    layer(
        "{ type = \"conv2d\", name = \"x\", dilation = 9223372036854775807 }",
        expect![
            "burn.layers[0] (conv2d): key `dilation`: expected 1 to 65535, got 9223372036854775807"
        ],
    );
    layer(
        "{ type = \"conv2d\", name = \"x\", groups = 0 }",
        expect!["burn.layers[0] (conv2d): key `groups`: expected 1 to 65535, got 0"],
    );
    layer(
        "{ type = \"gelu\", approximate = \"erf\" }",
        expect![
            "burn.layers[0] (gelu): unknown variant `erf`, expected `none` or `tanh` in `approximate`"
        ],
    );
    layer(
        "{ type = \"residual\", layers = [{ type = \"rellu\" }] }",
        expect![[
            r#"burn.layers[0].layers[0].type: unknown layer type "rellu", expected one of linear, conv1d, conv2d, batch_norm, layer_norm, max_pool2d, avg_pool2d, adaptive_avg_pool2d, flatten, reshape, dropout, identity, embedding, relu, gelu, sigmoid, tanh, silu, leaky_relu, softmax, log_softmax, mean, residual; did you mean "relu"?"#
        ]],
    );
}

#[test]
fn near_words_are_suggested_and_far_ones_are_not() {
    let words = ["padding", "stride"];
    assert_eq!(nearest("paddding", words), Some("padding"));
    assert_eq!(nearest("strid", words), Some("stride"));
    assert_eq!(nearest("kernel", words), None);
    assert_eq!(nearest("", words), None);
}
