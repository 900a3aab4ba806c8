//! Models that cost something, made anew for each run from a seed: what they answer means nothing, what they cost is
//! that of their kind.
//!
//! A multilayer perceptron 784-512-512-10, a small convolutional network for 28 x 28 pixels, and a random forest of
//! 100 trees; as ONNX files, and for Burn as declared layers with safetensors.

mod forest;
mod onnx;
mod safetensors;

use std::fs;
use std::io;
use std::path::Path;

use onnx::{Attribute, Graph};
use safetensors::Weights;

/// A model and an engine to run it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heavy {
    pub(crate) kind: Kind,
    pub(crate) engine: Engine,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Mlp,
    Cnn,
    Forest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Built in, with our own operators.
    Tract,
    OnnxRuntime,
    BurnFlex,
    BurnNdarray,
}

/// Every model by every engine that takes it.
pub(crate) const ALL: [Heavy; 10] = [
    Heavy::new(Kind::Mlp, Engine::Tract),
    Heavy::new(Kind::Mlp, Engine::OnnxRuntime),
    Heavy::new(Kind::Mlp, Engine::BurnFlex),
    Heavy::new(Kind::Mlp, Engine::BurnNdarray),
    Heavy::new(Kind::Cnn, Engine::Tract),
    Heavy::new(Kind::Cnn, Engine::OnnxRuntime),
    Heavy::new(Kind::Cnn, Engine::BurnFlex),
    Heavy::new(Kind::Cnn, Engine::BurnNdarray),
    Heavy::new(Kind::Forest, Engine::Tract),
    Heavy::new(Kind::Forest, Engine::OnnxRuntime),
];

// === impl Heavy ===

impl Heavy {
    const fn new(kind: Kind, engine: Engine) -> Self {
        Self { kind, engine }
    }

    /// The model's name in the repository.
    pub(crate) fn name(self) -> String {
        format!("{}-{}", self.kind.word(), self.engine.word())
    }

    /// Writes the model's version 1 into a repository, to be computed one batch at a time.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn write(self, repository: &Path) -> io::Result<()> {
        let folder = repository.join(self.name()).join("1");
        fs::create_dir_all(&folder)?;
        let mut manifest = "version = 1\n[limits]\ninstances = 1\n".to_owned();
        match self.engine {
            Engine::Tract | Engine::OnnxRuntime => {
                manifest += &format!("[onnx]\nengine = \"{}\"\n", self.engine.word());
                fs::write(folder.join("model.onnx"), self.kind.onnx())?;
            }
            Engine::BurnFlex | Engine::BurnNdarray => {
                let backend = self.engine.word().trim_start_matches("burn-");
                manifest += &format!("[burn]\nbackend = \"{backend}\"\n{}", self.kind.layers());
                fs::write(folder.join("model.safetensors"), self.kind.weights())?;
            }
        }
        fs::write(folder.join("model.toml"), manifest)
    }
}

// === impl Engine ===

impl Engine {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Tract => "tract",
            Self::OnnxRuntime => "onnxruntime",
            Self::BurnFlex => "burn-flex",
            Self::BurnNdarray => "burn-ndarray",
        }
    }
}

// === impl Kind ===

/// Widths of the perceptron's layers.
const WIDTHS: [usize; 4] = [784, 512, 512, 10];

/// Channels of the network's convolutions, 3 x 3 with a pooling of 2 behind each.
const CHANNELS: [usize; 3] = [1, 8, 16];

/// Pixels in a row and rows, and what is left of each behind both poolings.
const PIXELS: usize = 28;
const POOLED: usize = PIXELS / 4;

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Mlp => "mlp",
            Self::Cnn => "cnn",
            Self::Forest => "forest",
        }
    }

    /// How it is said in the report.
    pub(crate) fn said(self) -> &'static str {
        match self {
            Self::Mlp => "MLP 784-512-512-10",
            Self::Cnn => "CNN 28x28, 8 and 16 channels",
            Self::Forest => "random forest, 100 trees",
        }
    }

    /// The input's name and the shape of one row of it.
    pub(crate) fn row(self) -> (&'static str, Vec<usize>) {
        match self {
            Self::Mlp => ("x", vec![WIDTHS[0]]),
            Self::Cnn => ("x", vec![CHANNELS[0], PIXELS, PIXELS]),
            Self::Forest => ("x", vec![forest::FEATURES]),
        }
    }

    fn onnx(self) -> Vec<u8> {
        match self {
            Self::Mlp => mlp().file(),
            Self::Cnn => cnn().file(),
            Self::Forest => forest::graph().file(),
        }
    }

    /// The layers as the Burn engine reads them.
    fn layers(self) -> String {
        let layer =
            |kind: &str, more: &str| format!("[[burn.layers]]\ntype = \"{kind}\"\n{more}\n");
        let named = |kind: &str, name: &str| layer(kind, &format!("name = \"{name}\""));
        let (input, layers) = match self {
            Self::Mlp => (
                "[784]",
                [
                    named("linear", "l0"),
                    named("linear", "l1"),
                    named("linear", "l2"),
                ]
                .join(&layer("relu", "")),
            ),
            Self::Cnn | Self::Forest => {
                let convolution = |name: &str| {
                    layer("conv2d", &format!("name = \"{name}\"\npadding = 1"))
                        + &layer("relu", "")
                        + &layer("max_pool2d", "kernel_size = 2")
                };
                let all = convolution("c0") + &convolution("c1") + &layer("flatten", "");
                ("[1, 28, 28]", all + &named("linear", "l0"))
            }
        };
        format!(
            "weights = \"model.safetensors\"\ninput = {{ name = \"x\", shape = {input} }}\n\
             output = {{ name = \"y\" }}\n{layers}"
        )
    }

    /// The same weights as in the ONNX file, linear layers in PyTorch's layout.
    fn weights(self) -> Vec<u8> {
        let mut weights = Weights::default();
        match self {
            Self::Mlp => {
                for (at, pair) in WIDTHS.windows(2).enumerate() {
                    weights.linear(&format!("l{at}"), &linear(at, pair[0], pair[1]), pair);
                }
            }
            Self::Cnn | Self::Forest => {
                for (at, pair) in CHANNELS.windows(2).enumerate() {
                    let (kernel, bias) = convolution(at, pair);
                    weights.add(&format!("c{at}.weight"), &[pair[1], pair[0], 3, 3], &kernel);
                    weights.add(&format!("c{at}.bias"), &[pair[1]], &bias);
                }
                let pair = [CHANNELS[2] * POOLED * POOLED, 10];
                weights.linear("l0", &linear(2, pair[0], pair[1]), &pair);
            }
        }
        weights.file()
    }
}

fn mlp() -> Graph {
    let mut graph = Graph::default().input("x", &[784]).output("y", &[10]);
    let mut last = "x".to_owned();
    for (at, pair) in WIDTHS.windows(2).enumerate() {
        let out = if at == 2 {
            "y".to_owned()
        } else {
            format!("h{at}")
        };
        graph = dense(graph, at, at, pair, &last, &out);
        if at < 2 {
            last = format!("r{at}");
            graph = graph.node("Relu", &[&out], &last, &[]);
        }
    }
    graph
}

fn cnn() -> Graph {
    let side = PIXELS as i64;
    let mut graph = Graph::default()
        .input("x", &[1, side, side])
        .output("y", &[10]);
    let mut last = "x".to_owned();
    for (at, pair) in CHANNELS.windows(2).enumerate() {
        let (kernel, bias) = convolution(at, pair);
        let name = |part: &str| format!("{part}{at}");
        let (k, b, c, r, p) = (name("k"), name("b"), name("c"), name("r"), name("p"));
        graph = graph
            .weights(&k, &[pair[1] as i64, pair[0] as i64, 3, 3], &kernel)
            .weights(&b, &[pair[1] as i64], &bias)
            .node(
                "Conv",
                &[&last, &k, &b],
                &c,
                &[("pads", Attribute::Ints(&[1; 4]))],
            )
            .node("Relu", &[&c], &r, &[]);
        let window = [
            ("kernel_shape", Attribute::Ints(&[2, 2])),
            ("strides", Attribute::Ints(&[2, 2])),
        ];
        graph = graph.node("MaxPool", &[&r], &p, &window);
        last = p;
    }
    graph = graph.node("Flatten", &[&last], "f", &[]);
    let pair = [CHANNELS[2] * POOLED * POOLED, 10];
    dense(graph, 0, 2, &pair, "f", "y")
}

/// A linear layer with weights of a seed of their own.
fn dense(graph: Graph, at: usize, seed: usize, pair: &[usize], from: &str, to: &str) -> Graph {
    let (weights, bias) = linear(seed, pair[0], pair[1]);
    let (w, b) = (format!("w{at}"), format!("d{at}"));
    graph
        .weights(&w, &[pair[0] as i64, pair[1] as i64], &weights)
        .weights(&b, &[pair[1] as i64], &bias)
        .node("Gemm", &[from, &w, &b], to, &[])
}

/// Weights of a linear layer, `[in, out]`, and its bias.
fn linear(seed: usize, inputs: usize, outputs: usize) -> (Vec<f32>, Vec<f32>) {
    let mut random = Random::of(seed as u64);
    let scale = (2.0 / inputs as f32).sqrt();
    (
        random.around(inputs * outputs, scale),
        random.around(outputs, 0.1),
    )
}

/// A kernel, `[out, in, 3, 3]`, and its bias.
fn convolution(seed: usize, pair: &[usize]) -> (Vec<f32>, Vec<f32>) {
    let mut random = Random::of(100 + seed as u64);
    let scale = (2.0 / (pair[0] * 9) as f32).sqrt();
    (
        random.around(pair[0] * pair[1] * 9, scale),
        random.around(pair[1], 0.1),
    )
}

/// One row for a model.
pub(crate) fn sample(kind: Kind) -> Vec<f32> {
    let count = kind.row().1.iter().product();
    Random::of(7).around(count, 1.0)
}

/// Numbers that look random and are the same on every machine (SplitMix64; Steele, Lea and Flood, "Fast splittable
/// pseudorandom number generators", OOPSLA 2014).
struct Random(u64);

impl Random {
    fn of(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From -1 to 1.
    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    fn around(&mut self, count: usize, scale: f32) -> Vec<f32> {
        (0..count).map(|_| self.unit() * scale).collect()
    }
}
