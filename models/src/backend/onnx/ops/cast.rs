//! Cast, from and to strings where the engine cannot. Between numbers the engine's own cast is used; whole
//! numbers out of whole numbers stay symbolic, since shapes are computed with them.

use std::str::FromStr;

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::kernel::{Kernel, typed};
use super::tensors::{cast, inputs, slice, tensor};

#[derive(Clone, Debug)]
struct Cast {
    to: DatumType,
}

/// Reads numbers out of strings.
struct Parse {
    to: DatumType,
}

/// Writes numbers as strings, as ONNX Runtime does.
struct Format;

/// Makes the engine's operator of a node.
pub(super) fn read(
    _: &ParsingContext,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    Ok((
        expand(Cast {
            to: node.get_attr("to")?,
        }),
        Vec::new(),
    ))
}

// === impl Cast ===

impl Cast {
    fn result(&self, from: DatumType) -> DatumType {
        let whole = from == DatumType::TDim || from.is_integer();
        if self.to == DatumType::I64 && whole {
            DatumType::TDim
        } else {
            self.to
        }
    }
}

impl Expansion for Cast {
    fn name(&self) -> StaticName {
        "Cast".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 1)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&outputs[0].shape, &inputs[0].shape)?;
        solver.given(&inputs[0].datum_type, |solver, from| {
            solver.equals(&outputs[0].datum_type, self.result(from))
        })
    }

    fn wire(
        &self,
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let from = model.outlet_fact(inputs[0])?.datum_type;
        match (from, self.result(from)) {
            (DatumType::String, DatumType::String) => Ok(inputs.into()),
            (DatumType::String, to) => model.wire_node(prefix, typed("Cast", Parse { to }), inputs),
            (DatumType::TDim, DatumType::String) => {
                let whole = tract_core::ops::cast::cast(DatumType::I64);
                let whole = model.wire_node(format!("{prefix}.whole"), whole, inputs)?;
                model.wire_node(prefix, typed("Cast", Format), &whole)
            }
            (_, DatumType::String) => model.wire_node(prefix, typed("Cast", Format), inputs),
            (_, to) => model.wire_node(prefix, tract_core::ops::cast::cast(to), inputs),
        }
    }
}

// === impl Parse ===

impl Parse {
    fn all<T: Datum + FromStr>(&self, x: &Tensor) -> TractResult<Tensor> {
        let number = |text: &String| {
            let trimmed = text.trim();
            // The specification's names; Rust reads them too, but not those of other case with a plus.
            trimmed
                .strip_prefix('+')
                .unwrap_or(trimmed)
                .parse::<T>()
                .ok()
                .with_context(|| format!("{text:?} is no {:?}", T::datum_type()))
        };
        tensor(
            x.shape(),
            slice::<String>(x)?
                .iter()
                .map(number)
                .collect::<TractResult<_>>()?,
        )
    }
}

impl Kernel for Parse {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        ensure!(
            self.to.is_number() || self.to == DatumType::Bool,
            "strings cannot become {:?}",
            self.to
        );
        Ok(tvec![self.to.fact(x.shape.clone())])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let y = match self.to {
            to if to.is_float() => self.all::<f64>(x)?,
            DatumType::U64 => self.all::<u64>(x)?,
            DatumType::Bool => {
                let y = self.all::<i64>(x)?;
                return Ok(tvec![tensor(
                    x.shape(),
                    slice::<i64>(&y)?.iter().map(|&y| y != 0).collect()
                )?]);
            }
            to => {
                let y = self.all::<i64>(x)?;
                let narrow = y.cast_to_dt(to)?.into_owned();
                ensure!(
                    *narrow.cast_to::<i64>()? == y,
                    "a number is out of the range of {to:?}"
                );
                narrow
            }
        };
        Ok(tvec![y.cast_to_dt(self.to)?.into_owned()])
    }
}

// === impl Format ===

impl Kernel for Format {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        ensure!(
            x.datum_type.is_number() || x.datum_type == DatumType::Bool,
            "{:?} cannot become a string",
            x.datum_type
        );
        Ok(tvec![DatumType::String.fact(x.shape.clone())])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let strings: Vec<String> = match x.datum_type() {
            datatype if datatype.is_float() => {
                cast::<f64>(x)?.iter().map(|&x| general(x)).collect()
            }
            DatumType::U64 => slice::<u64>(x)?.iter().map(u64::to_string).collect(),
            _ => cast::<i64>(x)?.iter().map(i64::to_string).collect(),
        };
        Ok(tvec![tensor(x.shape(), strings)?])
    }
}

/// Eight significant digits and no more than needed: C's `%.8g`.
fn general(x: f64) -> String {
    if x.is_nan() {
        return "NaN".into();
    }
    if x.is_infinite() {
        return if x > 0. { "INF".into() } else { "-INF".into() };
    }
    let scientific = format!("{x:.7e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let short = |digits: &str| match digits.contains('.') {
        true => digits
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_string(),
        false => digits.to_string(),
    };
    match usize::try_from(7 - exponent) {
        Ok(decimals) if exponent >= -4 => short(&format!("{x:.decimals$}")),
        _ => {
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{}e{sign}{:02}", short(digits), exponent.abs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_onnx_runtime_writes_them() {
        for (x, expected) in [
            (1., "1"),
            (f64::from(0.1f32), "0.1"),
            (1e10, "1e+10"),
            (f64::from(1e-5f32), "9.9999997e-06"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "INF"),
            (f64::NEG_INFINITY, "-INF"),
            (123_456_789., "1.2345679e+08"),
            (f64::from(f32::MAX), "3.4028235e+38"),
            (-0., "-0"),
            (1e300, "1e+300"),
            (12_345_678., "12345678"),
            (99_999_999.6, "1e+08"),
            (0.000_123, "0.000123"),
        ] {
            assert_eq!(general(x), expected);
        }
    }

    #[test]
    fn strings_that_are_no_numbers_are_refused() {
        let parse = |to: DatumType, text: &str| Parse { to }.eval(&[&tensor1(&[text.to_string()])]);
        for (to, text) in [
            (DatumType::F32, "1abc"),
            (DatumType::F32, ""),
            (DatumType::I64, "1.5"),
            (DatumType::I8, "300"),
            (DatumType::U64, "-1"),
        ] {
            parse(to, text).expect_err(text);
        }
        for (to, text, expected) in [
            (DatumType::F32, " 1 ", tensor1(&[1f32])),
            (DatumType::F32, "+INF", tensor1(&[f32::INFINITY])),
            (DatumType::F64, "-2.5e3", tensor1(&[-2500f64])),
            (DatumType::I64, "-7", tensor1(&[-7i64])),
            (DatumType::Bool, "1", tensor1(&[true])),
        ] {
            assert_eq!(parse(to, text).expect(text)[0], expected, "{text}");
        }
    }
}
