//! What holds for every request to a pipeline, whichever version answers: its time, its class, how many a client may
//! send, and what is answered when the time is over.
//!
//! The policy is not here: it says who answers. How the terms are kept is the daemon's business.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use impresario_models::tensor::json::{Null, Written};
use impresario_models::{Batching, Contract, Tensor, batch};
use serde_json::Value;
use serde_json::value::RawValue;

use super::key::Key;
use crate::priority::Priority;

/// The terms of service of a pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// How long a request may take.
    pub deadline: Option<Duration>,
    /// The class of requests that state none.
    pub priority: Option<Priority>,
    /// What tells one client from another.
    pub key: Key,
    /// How many requests a client may send.
    pub rate_limit: Option<RateLimit>,
    /// What is answered when the deadline passes.
    pub on_deadline: Option<Substitute>,
}

/// So many requests in a time, evenly; a burst may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests.
    pub requests: NonZeroU32,
    /// The time.
    pub per: Duration,
    /// Requests that may come at once.
    pub burst: NonZeroU32,
}

/// Outputs that are answered where the model's own come too late: one row of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Substitute(pub(crate) BTreeMap<String, Value>);

// === impl Substitute ===

impl Substitute {
    /// The outputs of a contract, in its order, for so many rows.
    ///
    /// # Errors
    /// What does not fit the contract, by the output's name.
    pub fn outputs(&self, contract: &Contract, rows: usize) -> Result<Vec<Tensor>, String> {
        self.fill(contract, rows)
            .map_err(|what| format!("on_deadline: {what}"))
    }

    /// The same for whoever else has a substitute: what does not fit is said without the name of the field.
    ///
    /// # Errors
    /// What does not fit the contract, by the output's name.
    pub fn fill(&self, contract: &Contract, rows: usize) -> Result<Vec<Tensor>, String> {
        let known = |name: &String| {
            contract
                .outputs
                .iter()
                .any(|port| &*port.name == name.as_str())
        };
        if let Some(odd) = self.0.keys().find(|name| !known(name)) {
            let names: Vec<_> = contract.outputs.iter().map(|port| &port.name[..]).collect();
            return Err(format!(
                "unknown output '{odd}', expected {}",
                names.join(", ")
            ));
        }
        let batched = matches!(contract.batching, Batching::FirstAxis { .. });
        let mut row = Vec::with_capacity(contract.outputs.len());
        for port in &contract.outputs {
            let fail = |what: String| format!("output '{}': {what}", port.name);
            let value = self.0.get(&*port.name);
            let value = value.ok_or_else(|| fail("expected a value, got none".to_owned()))?;
            let mut shape = sizes(value);
            if batched && shape.len() + 1 == port.shape.len() {
                shape.insert(0, 1);
            }
            let list = match value {
                Value::Array(_) => value.to_string(),
                single => format!("[{single}]"),
            };
            let written = Written {
                name: port.name.to_string(),
                shape,
                datatype: port.datatype,
                data: RawValue::from_string(list).expect("a value is written as valid JSON"),
            };
            row.push(written.decode(Null::Refused).map_err(fail)?);
        }
        contract
            .check_outputs(&row)
            .map_err(|mismatch| mismatch.to_string())?;
        if !batched || rows == 1 {
            return Ok(row);
        }
        let requests = vec![&row[..]; rows];
        batch::join(&requests).map_err(|error| error.to_string())
    }
}

/// The sizes of the axes of nested lists, by the first of each.
fn sizes(value: &Value) -> Vec<usize> {
    let mut sizes = Vec::new();
    let mut value = Some(value);
    while let Some(Value::Array(items)) = value {
        sizes.push(items.len());
        value = items.first();
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;
    use impresario_models::{DataType, Dim, Port};
    use serde_json::json;

    fn outputs(batching: Batching, value: Value, rows: usize) -> Result<Vec<Tensor>, String> {
        let first = match batching {
            Batching::None => Dim::Fixed(1),
            Batching::FirstAxis { .. } => Dim::Free(None),
        };
        let contract = Contract {
            inputs: Vec::new(),
            outputs: vec![
                Port::new("label", DataType::Int64, vec![first.clone()]),
                Port::new("score", DataType::Fp32, vec![first, Dim::Fixed(2)]),
            ],
            batching,
        };
        let Value::Object(map) = value else { panic!() };
        Substitute(map.into_iter().collect()).outputs(&contract, rows)
    }

    #[test]
    fn a_row_is_repeated_for_every_row_asked_for() {
        let batched = Batching::FirstAxis { max: None };
        let row = json!({"label": -1, "score": [0.5, 0.5]});
        let expected = vec![
            Tensor::of(vec![3], vec![-1i64; 3]).unwrap(),
            Tensor::of(vec![3, 2], vec![0.5f32; 6]).unwrap(),
        ];
        assert_eq!(outputs(batched, row, 3), Ok(expected));
        let whole = json!({"label": [-1], "score": [[0.5, 0.5]]});
        for (batching, rows) in [(batched, 1), (Batching::None, 4)] {
            let answer = outputs(batching, whole.clone(), rows).unwrap();
            assert_eq!(answer[1].shape(), [1, 2]);
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let batched = Batching::FirstAxis { max: None };
        for (value, what) in [
            (
                json!({"label": 1}),
                "output 'score': expected a value, got none",
            ),
            (
                json!({"label": 1, "score": [1, 2], "x": 0}),
                "unknown output 'x'",
            ),
            (
                json!({"label": 1.5, "score": [1, 2]}),
                "output 'label': element 0",
            ),
            (json!({"label": 1, "score": [1, 2, 3]}), "score"),
        ] {
            let error = outputs(batched, value, 1).unwrap_err();
            assert!(error.contains(what), "{error}");
        }
    }
}
