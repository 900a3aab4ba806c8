//! The digits that callers post: 300 of scikit-learn's, held back from every training, with what they really are.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::json;

/// One digit, ready to be posted.
#[derive(Clone, Debug)]
pub(crate) struct Digit {
    /// What it really is.
    pub(crate) label: i64,
    /// The request's body.
    pub(crate) body: String,
}

#[derive(Deserialize)]
struct Row {
    label: i64,
    pixels: Vec<u8>,
}

/// All of them.
pub(crate) fn all() -> Arc<[Digit]> {
    let rows: Vec<Row> = serde_json::from_str(include_str!("digits.json"))
        .expect("the file beside this one is sound");
    let digits = rows.into_iter().map(|row| {
        let input = json!({ "name": "X", "shape": [1, row.pixels.len()], "datatype": "FP32", "data": row.pixels });
        Digit {
            label: row.label,
            body: json!({ "inputs": [input] }).to_string(),
        }
    });
    digits.collect()
}
