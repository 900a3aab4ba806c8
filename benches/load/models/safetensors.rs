//! A safetensors file written by hand: the length of its JSON head, the head, the numbers.

use serde_json::{Map, json};

/// Named weights in FP32.
#[derive(Default)]
pub(crate) struct Weights {
    head: Map<String, serde_json::Value>,
    numbers: Vec<u8>,
}

impl Weights {
    pub(crate) fn add(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let begin = self.numbers.len();
        self.numbers
            .extend(values.iter().flat_map(|f| f.to_le_bytes()));
        let place =
            json!({"dtype": "F32", "shape": shape, "data_offsets": [begin, self.numbers.len()]});
        self.head.insert(name.to_owned(), place);
    }

    /// A linear layer from weights of `[in, out]`; they are written as `[out, in]`.
    pub(crate) fn linear(&mut self, name: &str, layer: &(Vec<f32>, Vec<f32>), pair: &[usize]) {
        let (weights, bias) = layer;
        let (inputs, outputs) = (pair[0], pair[1]);
        let turned: Vec<f32> = (0..outputs)
            .flat_map(|o| (0..inputs).map(move |i| weights[i * outputs + o]))
            .collect();
        self.add(&format!("{name}.weight"), &[outputs, inputs], &turned);
        self.add(&format!("{name}.bias"), &[outputs], bias);
    }

    pub(crate) fn file(self) -> Vec<u8> {
        let head = serde_json::Value::Object(self.head).to_string();
        let mut file = (head.len() as u64).to_le_bytes().to_vec();
        file.extend_from_slice(head.as_bytes());
        file.extend_from_slice(&self.numbers);
        file
    }
}
