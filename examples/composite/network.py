"""A small convolutional network for 8x8 digits: its training in JAX, and its form as ONNX.

Three layers of 3x3 filters keep the picture's size, so that few weights (170 kB) do much work: some two million
multiplications a digit. Which digits it sees is decided in `train.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

CHANNELS = [1, 32, 48, 48]
EPOCHS = 40
BATCH = 64
RATE = 3e-3


def beginning(random):
    """Random weights: (filters, bias) for each layer, then those of the last one, which tells digits apart."""
    layers = []
    for before, after in zip(CHANNELS, CHANNELS[1:]):
        filters = random.normal(0, np.sqrt(2 / (9 * before)), (after, before, 3, 3))
        layers.append((filters.astype(np.float32), np.zeros(after, np.float32)))
    width = CHANNELS[-1] * 4 * 4
    last = random.normal(0, np.sqrt(1 / width), (width, 10))
    return [*layers, (last.astype(np.float32), np.zeros(10, np.float32))]


def scores(layers, x):
    """Ten scores a digit; `x` has 64 pixels of 0 to 16 a row."""
    h = x.reshape(-1, 1, 8, 8) / 16
    for filters, bias in layers[:-1]:
        h = jax.lax.conv_general_dilated(h, filters, (1, 1), "SAME")
        h = jax.nn.relu(h + bias[:, None, None])
    weights, bias = layers[-1]
    h = h.reshape(-1, CHANNELS[-1], 4, 2, 4, 2).max((3, 5))
    return h.reshape(len(h), -1) @ weights + bias


def loss(layers, x, y):
    return -jax.nn.log_softmax(scores(layers, x))[jnp.arange(len(y)), y].mean()


@jax.jit
def step(layers, mean, square, count, x, y, rate):
    """One step of Adam (Kingma and Ba, 2015)."""
    slope = jax.grad(loss)(layers, x, y)
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, slope)
    square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, slope)

    def better(w, m, s):
        m, s = m / (1 - 0.9**count), s / (1 - 0.999**count)
        return w - rate * m / (jnp.sqrt(s) + 1e-8)

    return jax.tree.map(better, layers, mean, square), mean, square


def moved(digit, random):
    """The digit up to one pixel up or down and to one side; what leaves the picture is gone."""
    down, right = random.integers(0, 3, 2)
    return np.pad(digit, 1)[down : down + 8, right : right + 8]


def train(x, y, seed):
    random = np.random.default_rng(seed)
    layers = beginning(random)
    mean = square = jax.tree.map(np.zeros_like, layers)
    count = 0
    for epoch in range(EPOCHS):
        rate = np.float32(RATE * (1 - epoch / EPOCHS))
        order = random.permutation(len(x))
        for at in range(0, len(x) - BATCH + 1, BATCH):
            rows = order[at : at + BATCH]
            digits = np.stack([moved(d, random) for d in x[rows].reshape(-1, 8, 8)])
            count += 1
            layers, mean, square = step(layers, mean, square, count, digits, y[rows], rate)
    return [(np.asarray(weights), np.asarray(bias)) for weights, bias in layers]


def export(layers):
    """The network as ONNX: `X` to `label` and `probabilities`, with a free batch axis."""
    nodes = [
        helper.make_node("Reshape", ["X", "square"], ["picture"]),
        helper.make_node("Div", ["picture", "white"], ["layer0"]),
    ]
    initializers = [
        numpy_helper.from_array(np.array([-1, 1, 8, 8], np.int64), "square"),
        numpy_helper.from_array(np.array(16, np.float32), "white"),
    ]
    for at, (weights, bias) in enumerate(layers):
        initializers.append(numpy_helper.from_array(weights, f"weights{at}"))
        initializers.append(numpy_helper.from_array(bias, f"bias{at}"))
    last = len(layers) - 1
    for at in range(last):
        read = [f"layer{at}", f"weights{at}", f"bias{at}"]
        nodes.append(helper.make_node("Conv", read, [f"sum{at}"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("Relu", [f"sum{at}"], [f"layer{at + 1}"]))
    nodes += [
        helper.make_node("MaxPool", [f"layer{last}"], ["pooled"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["pooled"], ["seen"], axis=1),
        helper.make_node("Gemm", ["seen", f"weights{last}", f"bias{last}"], ["scores"]),
        helper.make_node("ArgMax", ["scores"], ["label"], axis=1, keepdims=0),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, ["batch", 64])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, ["batch"]),
            helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 10]),
        ],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model, full_check=True)
    return model
