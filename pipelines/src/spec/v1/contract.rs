//! The contract that a pipeline states by itself: what callers may rely on, whatever version answers.

use std::num::NonZeroUsize;
use std::sync::Arc;

use impresario_models::contract::NonFinite;
use impresario_models::{Batching, Contract, DataType, Dim, Port};
use serde::Serialize;
use serde_json::Value;

use super::scalars::{Number, each, list, optional, text, word};
use crate::spec::read::{Field, Reader, describe};

/// What a pipeline promises: a version that breaks it does not answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ContractSpec {
    /// The inputs, from 1 to 256. Required.
    pub inputs: Vec<PortSpec>,
    /// The outputs, from 1 to 256. Required.
    pub outputs: Vec<PortSpec>,
    /// The most rows of one request, from 1 to 1,000,000; only where the first axis of every port is free.
    /// Default: any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_batch: Option<usize>,
}

/// One typed input or output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PortSpec {
    /// The name in the protocol, at most 256 characters; unique among the inputs or the outputs. Required.
    pub name: String,
    /// The protocol's datatype, such as `"FP32"` or `"BYTES"`. Required.
    pub datatype: &'static str,
    /// The sizes of at most 16 axes, the batch axis included: a number, -1 for any, or a name for any size that is the
    /// same wherever the name stands. Required.
    pub shape: Vec<DimSpec>,
    /// The lowest and the highest number allowed. For numbers only. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<[Number; 2]>,
    /// The only texts or whole numbers allowed, from 1 to 10,000. Not for floating-point numbers. Default: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
    /// Whether NaN and infinities may pass: `"allow"` or `"forbid"`, which only floating-point numbers may be.
    /// Default: `"allow"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub non_finite: Option<&'static str>,
    /// Names of the places of the last axis, such as classes, as many as it has; at most 10,000. Default: none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

/// The size of an axis.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum DimSpec {
    /// `4`; any size where it is `-1`.
    Size(i64),
    /// `"rows"`
    Symbol(String),
}

const MAX_PORTS: usize = 256;
const MAX_AXES: usize = 16;
const MAX_ROWS: u64 = 1_000_000;
const MAX_WORDS: usize = 10_000;
const MAX_TEXT: usize = 256;
/// The largest size of an axis.
const MAX_SIZE: i64 = 1 << 40;

const FORBID: &str = "forbid";
const NON_FINITE: [(&str, NonFinite); 2] = [
    ("allow", NonFinite::Allowed),
    (FORBID, NonFinite::Forbidden),
];

// === reading ===

pub(super) fn read(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Contract> {
    let mut table = field.table(reader)?;
    let (inputs, outputs) = (table.need("inputs", reader), table.need("outputs", reader));
    let max_batch = table.get("max_batch");
    table.finish(reader);
    let inputs = inputs.and_then(|field| ports(&field, reader));
    let outputs = outputs.and_then(|field| ports(&field, reader));
    let at = max_batch.clone();
    let max = optional(max_batch, |field| field.whole(reader, 1..=MAX_ROWS));
    let (inputs, outputs, max) = (inputs?, outputs?, max?);
    let free = |port: &Port| matches!(port.shape.first(), Some(Dim::Free(_)));
    let max = max.and_then(|max| usize::try_from(max).ok().and_then(NonZeroUsize::new));
    let batching = match inputs.iter().chain(&outputs).all(free) {
        true => Batching::FirstAxis { max },
        false => Batching::None,
    };
    if let (Batching::None, Some(at)) = (batching, at) {
        let message = "rows are counted only where the first axis of every port is free";
        let problem = at.problem(reader, "contradiction", message.to_owned());
        reader.push(problem.hint("write -1 as the first size of every input and output"));
        return None;
    }
    Some(Contract {
        inputs,
        outputs,
        batching,
    })
}

pub(super) fn ports(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Vec<Port>> {
    let list = list(field, reader, 1..=MAX_PORTS)?;
    let mut names: Vec<Arc<str>> = Vec::new();
    each(&list, |field| {
        let port = port(field, reader)?;
        if names.contains(&port.name) {
            let message = format!("two ports are named '{}'", port.name);
            reader.error(field, "duplicate", message);
            return None;
        }
        names.push(Arc::clone(&port.name));
        Some(port)
    })
}

fn port(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Port> {
    let mut table = field.table(reader)?;
    let name = table.need("name", reader);
    let (datatype, shape) = (table.need("datatype", reader), table.need("shape", reader));
    let (range, categories) = (table.get("range"), table.get("categories"));
    let (non_finite, labels) = (table.get("non_finite"), table.get("labels"));
    table.finish(reader);
    let name = name.and_then(|field| word(&field, reader, MAX_TEXT));
    let words = DataType::ALL.map(|datatype| (datatype.as_str(), datatype));
    let datatype = datatype.and_then(|field| field.choice(reader, &words));
    let shape = shape.and_then(|field| {
        // No axis at all is a single number.
        let axes = list(&field, reader, 0..=MAX_AXES)?;
        each(&axes, |axis| dim(axis, reader))
    });
    let range = optional(range, |field| self::range(field, datatype, reader));
    let categories = optional(categories, |field| {
        let fits = |datatype| !is_float(datatype);
        suits(field, datatype, fits, "texts or whole numbers", reader)?;
        let list = list(field, reader, 1..=MAX_WORDS)?;
        each(&list, |field| category(field, reader))
    });
    let non_finite = optional(non_finite, |field| {
        let rule = field.choice(reader, &NON_FINITE)?;
        let fits = |datatype| rule == NonFinite::Allowed || is_float(datatype);
        suits(field, datatype, fits, "floating-point numbers", reader)?;
        Some(rule)
    });
    let labels = optional(labels, |field| {
        let list = list(field, reader, 1..=MAX_WORDS)?;
        let labels = each(&list, |field| word(field, reader, MAX_TEXT))?;
        if let Some(Dim::Fixed(size)) = shape.as_ref().and_then(|shape| shape.last())
            && *size != labels.len()
        {
            let got = labels.len();
            let message = format!("expected {size}, as many as the last axis holds, got {got}");
            reader.error(field, "contradiction", message);
            return None;
        }
        Some(labels)
    });
    Some(Port {
        range: range?,
        categories: categories?.map(Arc::from),
        non_finite: non_finite?.unwrap_or_default(),
        labels: labels?.unwrap_or_default().into(),
        ..Port::new(&name?, datatype?, shape?)
    })
}

fn dim(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<Dim> {
    match field.value() {
        Value::String(_) => {
            let symbol = word(field, reader, MAX_TEXT)?;
            Some(Dim::Free(Some(symbol.into())))
        }
        Value::Number(number) => match number.as_i64() {
            Some(-1) => Some(Dim::Free(None)),
            Some(size) if (1..=MAX_SIZE).contains(&size) => {
                usize::try_from(size).ok().map(Dim::Fixed)
            }
            _ => {
                let got = describe(field.value());
                let message = format!("expected a size from 1, or -1 for any, got {got}");
                reader.error(field, "out-of-range", message);
                None
            }
        },
        _ => field.mistyped(reader, "a size, -1 for any, or a name"),
    }
}

fn range(
    field: &Field<'_>,
    datatype: Option<DataType>,
    reader: &mut Reader<'_>,
) -> Option<(f64, f64)> {
    let fits = |datatype| !matches!(datatype, DataType::Bool | DataType::Bytes);
    suits(field, datatype, fits, "numbers", reader)?;
    let list = list(field, reader, 2..=2)?;
    let ends = each(&list, |field| field.number(reader, f64::MIN..=f64::MAX))?;
    let (low, high) = (*ends.first()?, *ends.get(1)?);
    if low > high {
        let message = format!("expected the lower end first, got {low} and {high}");
        reader.error(field, "backwards", message);
        return None;
    }
    Some((low, high))
}

fn category(field: &Field<'_>, reader: &mut Reader<'_>) -> Option<String> {
    match field.value() {
        Value::String(_) => text(field, reader, MAX_TEXT),
        Value::Number(number) if number.is_i64() || number.is_u64() => Some(number.to_string()),
        _ => field.mistyped(reader, "a text or a whole number"),
    }
}

/// Whether a rule suits a datatype; one that is not known suits all.
fn suits(
    field: &Field<'_>,
    datatype: Option<DataType>,
    fits: impl FnOnce(DataType) -> bool,
    what: &str,
    reader: &mut Reader<'_>,
) -> Option<()> {
    match datatype {
        Some(datatype) if !fits(datatype) => {
            let message = format!("this is for {what}, and the port is {datatype}");
            reader.error(field, "contradiction", message);
            None
        }
        _ => Some(()),
    }
}

fn is_float(datatype: DataType) -> bool {
    use DataType::{Bf16, Fp16, Fp32, Fp64};
    matches!(datatype, Fp16 | Bf16 | Fp32 | Fp64)
}

// === writing ===

impl From<&Contract> for ContractSpec {
    fn from(contract: &Contract) -> Self {
        let ports = |ports: &[Port]| ports.iter().map(PortSpec::from).collect();
        Self {
            inputs: ports(&contract.inputs),
            outputs: ports(&contract.outputs),
            max_batch: contract.max_rows(),
        }
    }
}

impl From<&Port> for PortSpec {
    fn from(port: &Port) -> Self {
        Self {
            name: port.name.to_string(),
            datatype: port.datatype.as_str(),
            shape: port.shape.iter().map(DimSpec::from).collect(),
            range: port.range.map(|(low, high)| [low.into(), high.into()]),
            categories: port.categories.as_ref().map(|words| words.to_vec()),
            non_finite: (port.non_finite == NonFinite::Forbidden).then_some(FORBID),
            labels: port.labels.to_vec(),
        }
    }
}

impl From<&Dim> for DimSpec {
    fn from(dim: &Dim) -> Self {
        match dim {
            Dim::Fixed(size) => Self::Size(i64::try_from(*size).unwrap_or(i64::MAX)),
            Dim::Free(None) => Self::Size(-1),
            Dim::Free(Some(symbol)) => Self::Symbol(symbol.to_string()),
        }
    }
}
