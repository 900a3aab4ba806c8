//! The values of a test as tensors: lists nested as the axes are, in the test's own file or in another one beside it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use impresario_models::tensor::json::Written;
use impresario_models::{Port, Tensor};
use serde_json::Value;
use serde_json::value::RawValue;

pub(super) use impresario_models::contract::Side;
pub(super) use impresario_models::tensor::json::Null;

/// The largest file of values, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// A value as a tensor of a port. Axes that are left out in front are one long, so that a row is a batch of one.
pub(super) fn tensor(value: &Value, port: &Port, null: Null) -> Result<Tensor, String> {
    let rank = port.shape.len();
    let mut shape = Vec::new();
    let mut inside = value;
    while let Value::Array(list) = inside {
        shape.push(list.len());
        match list.first() {
            Some(first) => inside = first,
            None => break,
        }
    }
    if shape.len() > rank {
        let depth = shape.len();
        return Err(format!(
            "expected lists nested {rank} deep at most, as the axes of '{}' are, got {depth} deep",
            port.name
        ));
    }
    let missing = rank - shape.len();
    shape.splice(0..0, std::iter::repeat_n(1, missing));
    // An element without axes is a list of one for whoever reads it.
    let wrapped = missing + usize::from(rank == 0);
    let nested = (0..wrapped).fold(value.clone(), |value, _| Value::Array(vec![value]));
    let text = RawValue::from_string(nested.to_string());
    let written = Written {
        name: port.name.to_string(),
        shape,
        datatype: port.datatype,
        data: text.map_err(|error| error.to_string())?,
    };
    written.decode(null)
}

/// The value that a file holds, which lies in the folder of another one or below.
///
/// # Errors
/// A code and a message.
pub(super) fn read(beside: &str, file: &str) -> Result<Value, (&'static str, String)> {
    let folder = Path::new(beside).parent().unwrap_or(Path::new(""));
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let unreadable = |error: std::io::Error| ("unreadable", format!("read {file}: {error}"));
    let path = folder.join(file).canonicalize().map_err(unreadable)?;
    // A link may lead anywhere.
    if !path.starts_with(folder.canonicalize().map_err(unreadable)?) {
        let message = format!("expected a file in the folder of this one, {file} leads out of it");
        return Err(("outside", message));
    }
    if !path.is_file() {
        return Err(("unreadable", format!("expected a file, {file} is none")));
    }
    let mut text = String::new();
    let opened = File::open(&path).map_err(unreadable)?;
    let length = opened.take(MAX_BYTES + 1).read_to_string(&mut text);
    if length.map_err(unreadable)? as u64 > MAX_BYTES {
        return Err((
            "too-large",
            format!("{file}: expected at most {MAX_BYTES} bytes"),
        ));
    }
    serde_json::from_str(&text).map_err(|error| ("syntax", format!("{file} is not JSON: {error}")))
}
