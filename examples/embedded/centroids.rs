//! A Burn module without training: the class whose mean is nearest wins.
//!
//! With one spread for all classes, −|x − m|²/2 and m·x − |m|²/2 differ by the same number for each class m, and
//! a softmax does not see it. So the nearest mean is a linear layer, and its weights are the means themselves.

use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use impresario::models::backend::burn::{Backend, module};
use impresario::models::{Batching, Contract, DataType, Dim, LoadError, Model, Port};

/// The means of sepal length and width, petal length and width in centimetres, by species, over the 150 flowers
/// of Fisher's iris data (1936).
const MEANS: [[f32; 4]; 3] = [
    [5.006, 3.428, 1.462, 0.246],
    [5.936, 2.770, 4.260, 1.326],
    [6.588, 2.974, 5.552, 2.026],
];

/// Measurements `[n, 4]` to the probability of each species `[n, 3]`.
#[derive(Module, Debug)]
struct Centroids {
    scores: Linear,
}

/// A version of it.
pub(crate) fn version() -> Result<impl Model + 'static, LoadError> {
    let device = Backend::Flex.device();
    let port = |name, size| {
        let shape = vec![Dim::Free(None), Dim::Fixed(size)];
        Port::new(name, DataType::Fp32, shape)
    };
    let contract = Contract {
        inputs: vec![port("X", 4)],
        outputs: vec![port("probabilities", 3)],
        batching: Batching::FirstAxis { max: None },
    };
    let centroids = Centroids::new(&device);
    module(contract, device, centroids, Centroids::forward)
}

// === impl Centroids ===

impl Centroids {
    fn new(device: &Device) -> Self {
        let half_square = |mean: [f32; 4]| -mean.iter().map(|m| m * m).sum::<f32>() / 2.0;
        // Burn keeps a linear layer's matrix as [in, out].
        let weight = Tensor::<2>::from_floats(MEANS, device).transpose();
        let bias = Tensor::<1>::from_floats(MEANS.map(half_square), device);
        Self {
            scores: Linear {
                weight: Param::from_tensor(weight),
                bias: Some(Param::from_tensor(bias)),
            },
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        softmax(self.scores.forward(x), 1)
    }
}
