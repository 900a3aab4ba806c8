//! LabelEncoder of `ai.onnx.ml`, all versions: a table from keys to values of any pair of types, given as
//! lists, as tensors (version 4), or as one list of classes (version 1).

use tract_onnx::tract_hir::internal::*;

use super::Table;
use super::categories::CategoryMapper;
use super::kernel::Kernel;
use super::node::Node;
use super::tensors::{cast, inputs, slice, tensor};

/// Looks each key up in a table; a key that is not there gives the default.
struct LabelEncoder {
    keys: Keys,
    values: Values,
    inputs: DatumType,
    outputs: DatumType,
}

/// Where each key stands in the values.
enum Keys {
    Ints(Table<i64, usize>),
    Strings(Table<String, usize>),
    /// By `canonical` bits; NaN is a key like others from version 4 on, and is never found before.
    Floats {
        keys: Table<u64, usize>,
        nan: bool,
    },
}

/// The values, and last the default.
enum Values {
    Ints(Vec<i64>),
    Strings(Vec<String>),
    Floats(Vec<f64>),
}

/// Reads any version of the operator.
pub(super) fn read(node: &Node) -> TractResult<Box<dyn Kernel>> {
    let classes = node.strings("classes_strings")?;
    if !classes.is_empty() {
        // Version 1: a string to its position, or a position to its string.
        return Ok(Box::new(CategoryMapper::of_classes(node, classes)?));
    }
    let keys = side(node, "keys")?.ok_or_else(|| node.bad("keys_tensor", "no keys are given"))?;
    let values =
        side(node, "values")?.ok_or_else(|| node.bad("values_tensor", "no values are given"))?;
    if keys.len() != values.len() {
        let complaint = format!("{} values for {} keys", values.len(), keys.len());
        return Err(node.bad("values_tensor", complaint));
    }
    let default = match node.tensor("default_tensor")? {
        Some(default) if default.len() == 1 => default,
        Some(_) => return Err(node.bad("default_tensor", "expected one element")),
        None if values.datum_type() == DatumType::String => {
            tensor0(node.string("default_string", "_Unused")?)
        }
        None if values.datum_type().is_float() => tensor0(node.float("default_float", -0.)?),
        None => tensor0(node.int("default_int64", -1)?),
    };
    Ok(Box::new(LabelEncoder {
        keys: Keys::of(&keys, node.version("ai.onnx.ml") >= 4)
            .map_err(|e| node.bad("keys_tensor", e))?,
        values: Values::of(&values, &default).map_err(|e| node.bad("default_tensor", e))?,
        inputs: keys.datum_type(),
        outputs: values.datum_type(),
    }))
}

/// Keys or values, in whichever attribute they are given.
fn side(node: &Node, side: &str) -> TractResult<Option<Tensor>> {
    if let Some(tensor) = node.tensor(&format!("{side}_tensor"))? {
        return Ok(Some(tensor));
    }
    let (ints, strings, floats) = (
        node.ints(&format!("{side}_int64s"))?,
        node.strings(&format!("{side}_strings"))?,
        node.floats(&format!("{side}_floats"))?,
    );
    Ok(
        match (ints.is_empty(), strings.is_empty(), floats.is_empty()) {
            (false, ..) => Some(tensor1(&ints)),
            (_, false, _) => Some(tensor1(&strings)),
            (.., false) => Some(tensor1(&floats)),
            _ => None,
        },
    )
}

/// Equal floats have equal bits here: zero has no sign, and every NaN is the same key.
fn canonical(key: f64) -> u64 {
    if key.is_nan() {
        f64::NAN.to_bits()
    } else {
        (key + 0.).to_bits()
    }
}

// === impl Keys ===

impl Keys {
    fn of(keys: &Tensor, nan: bool) -> TractResult<Self> {
        Ok(match keys.datum_type() {
            DatumType::String => Self::Strings(first(slice::<String>(keys)?.iter().cloned())),
            datatype if datatype.is_float() => Self::Floats {
                keys: first(cast::<f64>(keys)?.iter().map(|&key| canonical(key))),
                nan,
            },
            datatype if datatype.is_integer() => {
                Self::Ints(first(cast::<i64>(keys)?.iter().copied()))
            }
            other => bail!("keys cannot be {other:?}"),
        })
    }

    fn find(&self, x: &Tensor, missing: usize) -> TractResult<Vec<usize>> {
        Ok(match self {
            Self::Strings(keys) => slice::<String>(x)?
                .iter()
                .map(|key| *keys.get(key).unwrap_or(&missing))
                .collect(),
            Self::Ints(keys) => cast::<i64>(x)?
                .iter()
                .map(|key| *keys.get(key).unwrap_or(&missing))
                .collect(),
            Self::Floats { keys, nan } => {
                let find = |&key: &f64| match keys.get(&canonical(key)) {
                    Some(&found) if *nan || !key.is_nan() => found,
                    _ => missing,
                };
                cast::<f64>(x)?.iter().map(find).collect()
            }
        })
    }
}

/// Where each key stands; of equal ones the first counts.
fn first<K: Eq + std::hash::Hash>(keys: impl Iterator<Item = K>) -> Table<K, usize> {
    let mut positions = Table::default();
    for (position, key) in keys.enumerate() {
        positions.entry(key).or_insert(position);
    }
    positions
}

// === impl Values ===

impl Values {
    fn of(values: &Tensor, default: &Tensor) -> TractResult<Self> {
        let string = DatumType::String;
        ensure!(
            (values.datum_type() == string) == (default.datum_type() == string),
            "is {:?}, the values are {:?}",
            default.datum_type(),
            values.datum_type()
        );
        Ok(match values.datum_type() {
            DatumType::String => {
                Self::Strings([slice::<String>(values)?, slice::<String>(default)?].concat())
            }
            datatype if datatype.is_float() => {
                Self::Floats([&*cast::<f64>(values)?, &*cast::<f64>(default)?].concat())
            }
            datatype if datatype.is_integer() => {
                Self::Ints([&*cast::<i64>(values)?, &*cast::<i64>(default)?].concat())
            }
            other => bail!("values cannot be {other:?}"),
        })
    }

    fn len(&self) -> usize {
        match self {
            Self::Ints(values) => values.len(),
            Self::Strings(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }
}

// === impl LabelEncoder ===

impl Kernel for LabelEncoder {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        let fits = match self.keys {
            Keys::Ints(_) => x.datum_type.is_integer(),
            Keys::Strings(_) => x.datum_type == DatumType::String,
            Keys::Floats { .. } => x.datum_type.is_float(),
        };
        ensure!(
            fits,
            "its keys are {:?}, its input is {:?}",
            self.inputs,
            x.datum_type
        );
        Ok(tvec![self.outputs.fact(x.shape.clone())])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let found = self.keys.find(x, self.values.len() - 1)?.into_iter();
        let y = match &self.values {
            Values::Ints(values) => tensor(x.shape(), found.map(|i| values[i]).collect())?,
            Values::Strings(values) => {
                tensor(x.shape(), found.map(|i| values[i].clone()).collect())?
            }
            Values::Floats(values) => tensor(x.shape(), found.map(|i| values[i]).collect())?,
        };
        Ok(tvec![y.cast_to_dt(self.outputs)?.into_owned()])
    }
}
