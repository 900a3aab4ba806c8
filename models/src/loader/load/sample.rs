//! Small made-up inputs that fit a contract: one row of zeros, or the nearest values that it allows.
//!
//! They are for warming up only; what a model answers to them means nothing.

use half::{bf16, f16};

use crate::contract::{Contract, Dim, Port};
use crate::tensor::{DataType, Tensor, Values, element_count};

/// The largest made-up input, in elements.
const MAX_ELEMENTS: usize = 1 << 24;

/// Inputs in the contract's order, or nothing where none of this kind fits.
pub(super) fn inputs(contract: &Contract) -> Option<Vec<Tensor>> {
    let tensors: Option<Vec<_>> = contract.inputs.iter().map(tensor).collect();
    let tensors = tensors?;
    contract.check_inputs(&tensors).ok()?;
    Some(tensors)
}

fn tensor(port: &Port) -> Option<Tensor> {
    let size = |dim: &Dim| match dim {
        Dim::Fixed(size) => *size,
        Dim::Free(_) => 1,
    };
    let shape: Vec<usize> = port.shape.iter().map(size).collect();
    let n = element_count(&shape).filter(|&n| n <= MAX_ELEMENTS)?;
    let category = port.categories.as_ref().and_then(|c| c.first());
    // The number nearest to zero in the range; whole within it where the port is of whole numbers.
    let (low, high) = port.range.unwrap_or((0.0, 0.0));
    let near = 0f64.clamp(low, high);
    let whole = if near > 0.0 {
        near.ceil()
    } else {
        near.floor()
    };
    macro_rules! integers {
        ($variant:ident, $type:ty) => {
            Values::$variant(vec![
                match category {
                    Some(text) => text.parse().ok()?,
                    None => whole as $type,
                };
                n
            ])
        };
    }
    let values = match port.datatype {
        DataType::Bool => Values::Bool(vec![category.is_some_and(|c| c == "true"); n]),
        DataType::Uint8 => integers!(Uint8, u8),
        DataType::Uint16 => integers!(Uint16, u16),
        DataType::Uint32 => integers!(Uint32, u32),
        DataType::Uint64 => integers!(Uint64, u64),
        DataType::Int8 => integers!(Int8, i8),
        DataType::Int16 => integers!(Int16, i16),
        DataType::Int32 => integers!(Int32, i32),
        DataType::Int64 => integers!(Int64, i64),
        DataType::Fp16 => Values::Fp16(vec![f16::from_f64(near); n]),
        DataType::Bf16 => Values::Bf16(vec![bf16::from_f64(near); n]),
        DataType::Fp32 => Values::Fp32(vec![near as f32; n]),
        DataType::Fp64 => Values::Fp64(vec![near; n]),
        DataType::Bytes => {
            let text = category.map_or(&[][..], |c| c.as_bytes());
            Values::Bytes(vec![text.to_vec(); n])
        }
    };
    Tensor::new(shape, values).ok()
}
