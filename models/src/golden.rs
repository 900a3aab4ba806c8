//! Golden examples: inputs and the outputs they must give, in a version's `golden.json`.
//!
//! A version that does not reproduce them never becomes ready, and the error says which output differed, where
//! and by how much. When they are run is [`crate::loader`]'s business.

use std::fmt::Display;

use serde::Deserialize;

use crate::contract::Contract;
use crate::error::LoadError;
use crate::loader::Model;
use crate::package::{Package, files};
use crate::tensor::json::{self, Null};
use crate::tensor::{Tensor, Values};

/// The name of the file.
pub const GOLDEN_FILE: &str = "golden.json";

/// The largest file, in bytes, and the most examples in it: they are computed at every load.
const MAX_BYTES: u64 = 64 << 20;
const MAX_CASES: usize = 1000;

/// A version's examples.
#[derive(Clone, Debug, PartialEq)]
pub struct Golden {
    /// In the file's order.
    pub cases: Vec<Case>,
}

/// One example.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its name, for errors.
    pub name: String,
    /// The inputs by name; all of the contract's.
    pub inputs: Vec<(String, Tensor)>,
    /// Some or all of the outputs by name.
    pub outputs: Vec<(String, Tensor)>,
    /// How far a floating-point number may be off, absolute and relative together: |got − expected| ≤ t + t·|expected|.
    /// Everything else must be equal.
    pub tolerance: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    cases: Vec<WrittenCase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCase {
    name: String,
    inputs: Vec<json::Written>,
    outputs: Vec<json::Written>,
    #[serde(default = "default_tolerance")]
    tolerance: f64,
    #[serde(default)]
    nan_as_null: bool,
}

fn default_tolerance() -> f64 {
    1e-4
}

/// Computes every example and compares.
///
/// # Errors
/// [`LoadError::Golden`] for the first example that differs or fails.
pub fn run(model: &dyn Model, golden: &Golden) -> Result<usize, LoadError> {
    for case in &golden.cases {
        case.run(model).map_err(|what| LoadError::Golden {
            case: case.name.clone(),
            what,
        })?;
    }
    Ok(golden.cases.len())
}

// === impl Golden ===

impl Golden {
    /// Reads a version's examples, where it has any.
    ///
    /// # Errors
    /// [`LoadError::Invalid`] with file, line or case, expected and got.
    pub fn read(package: &Package) -> Result<Option<Self>, LoadError> {
        let path = package.dir.join(GOLDEN_FILE);
        match files::text(package.root(), &path, MAX_BYTES)? {
            None => Ok(None),
            Some(text) => Self::parse(&text)
                .map(Some)
                .map_err(|what| files::invalid(&path, what)),
        }
    }

    /// Reads examples from a file's text.
    ///
    /// # Errors
    /// What was expected and found, with line or case.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text).map_err(|e| e.to_string())?;
        if file.cases.len() > MAX_CASES {
            return Err(format!(
                "expected at most {MAX_CASES} cases, found {}",
                file.cases.len()
            ));
        }
        let cases = file.cases.into_iter().map(case);
        Ok(Self {
            cases: cases.collect::<Result<_, _>>()?,
        })
    }

    /// The first example's inputs in the contract's order, where there is one.
    #[must_use]
    pub fn inputs(&self, contract: &Contract) -> Option<Vec<Tensor>> {
        contract.arrange(self.cases.first()?.named()).ok()
    }
}

fn case(written: WrittenCase) -> Result<Case, String> {
    let name: String = written.name.chars().take(100).collect();
    let null = match written.nan_as_null {
        true => Null::NotANumber,
        false => Null::Refused,
    };
    if !(written.tolerance.is_finite() && written.tolerance >= 0.0) {
        return Err(format!(
            "case '{name}': tolerance: expected a number from 0, got {}",
            written.tolerance
        ));
    }
    if written.outputs.is_empty() {
        return Err(format!(
            "case '{name}': expected at least one output, found none"
        ));
    }
    let tensors = |side: &str, tensors: Vec<json::Written>| {
        let decode = |tensor: json::Written| match tensor.decode(null) {
            Ok(decoded) => Ok((tensor.name, decoded)),
            Err(error) => Err(format!("case '{name}': {side} '{}': {error}", tensor.name)),
        };
        tensors
            .into_iter()
            .map(decode)
            .collect::<Result<Vec<_>, _>>()
    };
    Ok(Case {
        inputs: tensors("input", written.inputs)?,
        outputs: tensors("output", written.outputs)?,
        tolerance: written.tolerance,
        name,
    })
}

// === impl Case ===

impl Case {
    fn named(&self) -> impl Iterator<Item = (&str, Tensor)> {
        self.inputs.iter().map(|(n, t)| (n.as_str(), t.clone()))
    }

    fn run(&self, model: &dyn Model) -> Result<(), String> {
        let contract = model.contract();
        let inputs = contract.arrange(self.named()).map_err(|e| e.to_string())?;
        let outputs = model.infer(inputs).map_err(|e| e.to_string())?;
        contract
            .check_outputs(&outputs)
            .map_err(|e| format!("the version broke its contract: {e}"))?;
        for (name, expected) in &self.outputs {
            let index = contract.output(name);
            let index = index.ok_or_else(|| {
                let side = crate::contract::Side::Output;
                contract.unknown(side, name).to_string()
            })?;
            compare(expected, &outputs[index], self.tolerance)
                .map_err(|what| format!("output '{name}': {what}"))?;
        }
        Ok(())
    }
}

/// The first and the largest difference between two tensors, as an error.
fn compare(expected: &Tensor, got: &Tensor, tolerance: f64) -> Result<(), String> {
    if expected.datatype() != got.datatype() {
        let (expected, got) = (expected.datatype(), got.datatype());
        return Err(format!("expected datatype {expected}, got {got}"));
    }
    if expected.shape() != got.shape() {
        let (expected, got) = (expected.shape(), got.shape());
        return Err(format!("expected shape {expected:?}, got {got:?}"));
    }
    macro_rules! exact {
        ($a:expr, $b:expr, $show:expr) => {
            match $a.iter().zip($b).position(|(a, b)| a != b) {
                None => Ok(()),
                Some(at) => Err(format!(
                    "element {at}: expected {}, got {}",
                    $show(&$a[at]),
                    $show(&$b[at])
                )),
            }
        };
    }
    fn plain<T: ToString>(value: &T) -> String {
        value.to_string()
    }
    fn text(bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        format!("'{}'", text.chars().take(60).collect::<String>())
    }
    match (expected.values(), got.values()) {
        (Values::Fp16(a), Values::Fp16(b)) => close(a, b, tolerance),
        (Values::Bf16(a), Values::Bf16(b)) => close(a, b, tolerance),
        (Values::Fp32(a), Values::Fp32(b)) => close(a, b, tolerance),
        (Values::Fp64(a), Values::Fp64(b)) => close(a, b, tolerance),
        (Values::Bool(a), Values::Bool(b)) => exact!(a, b, plain),
        (Values::Uint8(a), Values::Uint8(b)) => exact!(a, b, plain),
        (Values::Uint16(a), Values::Uint16(b)) => exact!(a, b, plain),
        (Values::Uint32(a), Values::Uint32(b)) => exact!(a, b, plain),
        (Values::Uint64(a), Values::Uint64(b)) => exact!(a, b, plain),
        (Values::Int8(a), Values::Int8(b)) => exact!(a, b, plain),
        (Values::Int16(a), Values::Int16(b)) => exact!(a, b, plain),
        (Values::Int32(a), Values::Int32(b)) => exact!(a, b, plain),
        (Values::Int64(a), Values::Int64(b)) => exact!(a, b, plain),
        (Values::Bytes(a), Values::Bytes(b)) => exact!(a, b, text),
        _ => Err("expected values of the datatype stated".to_owned()),
    }
}

/// NaN is close to NaN only, an infinity to itself only.
fn close<T: Copy + Display>(expected: &[T], got: &[T], tolerance: f64) -> Result<(), String>
where
    f64: From<T>,
{
    let mut worst: Option<(usize, f64)> = None;
    let mut beyond = 0usize;
    for (at, (&expected, &got)) in expected.iter().zip(got).enumerate() {
        let (expected, got) = (f64::from(expected), f64::from(got));
        if expected == got || (expected.is_nan() && got.is_nan()) {
            continue;
        }
        let difference = (got - expected).abs();
        let finite = expected.is_finite() && got.is_finite();
        if finite && difference <= tolerance + tolerance * expected.abs() {
            continue;
        }
        beyond += 1;
        // A difference that is no number is as bad as any.
        let rank = if finite { difference } else { f64::INFINITY };
        if worst.is_none_or(|(_, other)| rank > other) {
            worst = Some((at, rank));
        }
    }
    let Some((at, difference)) = worst else {
        return Ok(());
    };
    let (expected, got) = (expected[at], got[at]);
    let mut text = format!("element {at}: expected {expected}, got {got}");
    if difference.is_finite() {
        let allowed = tolerance + tolerance * f64::from(expected).abs();
        text += &format!(", off by {difference:.3e} where the tolerance allows {allowed:.3e}");
    }
    if beyond > 1 {
        text += &format!("; {} more beyond the tolerance", beyond - 1);
    }
    Err(text)
}

#[cfg(test)]
mod tests;
