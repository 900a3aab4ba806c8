//! Whether a model's rows depend on each other, seen by asking it: the same rows alone and joined.
//!
//! A free first axis is no promise: a softmax over it, a mean over it or a scale taken from all of it gives a row
//! another answer beside other rows. Such a model's requests must not be joined.

use half::{bf16, f16};

use super::sample;
use crate::batch;
use crate::contract::Batching;
use crate::loader::Model;
use crate::tensor::{Tensor, Values};

/// Numbers this near to each other, relative to the larger one, differ by the order of additions only.
const RELATIVE: f64 = 1e-3;

/// Numbers this near to each other are taken for the same whatever their size.
const ABSOLUTE: f64 = 1e-4;

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Each row's answer was the same alone and beside another.
    Independent,
    /// Some row's answer was another beside another row.
    Dependent(String),
    /// Nothing that the model takes could be made up.
    Unknown,
}

/// Asks a model for rows alone and joined. `example` is an input that it is known to take.
pub(super) fn independent(model: &dyn Model, example: Option<Vec<Tensor>>) -> Verdict {
    let max = match model.contract().batching {
        Batching::None => return Verdict::Unknown,
        Batching::FirstAxis { max } => max.map_or(usize::MAX, |max| max.get()),
    };
    let made_up = sample::inputs(model.contract());
    for first in made_up.into_iter().chain(example) {
        let varied = vary(&first);
        let fits = model.contract().check_inputs(&varied).is_ok();
        for second in [fits.then_some(varied), Some(first.clone())]
            .into_iter()
            .flatten()
        {
            let rows = [&first, &second].map(|tensors| batch::rows(tensors));
            if rows.iter().sum::<usize>() > max {
                continue;
            }
            if let Some(verdict) = compare(model, &first, &second, &rows) {
                return verdict;
            }
        }
    }
    Verdict::Unknown
}

/// Nothing where the model does not take the rows, alone or joined.
fn compare(
    model: &dyn Model,
    first: &[Tensor],
    second: &[Tensor],
    rows: &[usize],
) -> Option<Verdict> {
    let alone = [
        model.infer(first.to_vec()).ok()?,
        model.infer(second.to_vec()).ok()?,
    ];
    let joined = model.infer(batch::join(&[first, second]).ok()?);
    let dependent = |what: String| Some(Verdict::Dependent(what));
    let together = match joined.map(|outputs| batch::split(outputs, rows)) {
        Ok(Ok(together)) => together,
        Ok(Err(error)) => return dependent(error.to_string()),
        Err(error) => {
            return dependent(format!(
                "rows that it takes alone it refuses joined: {error}"
            ));
        }
    };
    let outputs = &model.contract().outputs;
    for (alone, together) in alone.iter().zip(&together) {
        for ((port, alone), together) in outputs.iter().zip(alone).zip(together) {
            if !same(alone, together) {
                return dependent(format!(
                    "its rows depend on each other: output '{}' of a row is another beside another row",
                    port.name
                ));
            }
        }
    }
    Some(Verdict::Independent)
}

/// The same tensors with other fractional numbers in them. Whole numbers and texts may be indices and words that
/// the model has a fixed set of: they stay.
fn vary(tensors: &[Tensor]) -> Vec<Tensor> {
    let step = |i: usize| (i * 37 % 11) as f64 / 10.0 - 0.45;
    let vary = |tensor: &Tensor| {
        let (shape, mut values) = tensor.clone().into_parts();
        match &mut values {
            Values::Fp16(v) => (0..)
                .zip(v)
                .for_each(|(i, v)| *v = f16::from_f64(v.to_f64() + step(i))),
            Values::Bf16(v) => (0..)
                .zip(v)
                .for_each(|(i, v)| *v = bf16::from_f64(v.to_f64() + step(i))),
            Values::Fp32(v) => (0..).zip(v).for_each(|(i, v)| *v += step(i) as f32),
            Values::Fp64(v) => (0..).zip(v).for_each(|(i, v)| *v += step(i)),
            _ => {}
        }
        Tensor::new(shape, values)
            .expect("the shape and the number of elements are the tensor's own")
    };
    tensors.iter().map(vary).collect()
}

fn same(a: &Tensor, b: &Tensor) -> bool {
    if a.shape() != b.shape() || a.datatype() != b.datatype() {
        return false;
    }
    let near = |a: f64, b: f64| {
        a == b
            || (a.is_nan() && b.is_nan())
            || (a - b).abs() <= ABSOLUTE + RELATIVE * a.abs().max(b.abs())
    };
    macro_rules! all_near {
        ($a:expr, $b:expr) => {
            $a.iter()
                .zip($b)
                .all(|(&a, &b)| near(f64::from(a), f64::from(b)))
        };
    }
    match (a.values(), b.values()) {
        (Values::Fp16(a), Values::Fp16(b)) => all_near!(a, b),
        (Values::Bf16(a), Values::Bf16(b)) => all_near!(a, b),
        (Values::Fp32(a), Values::Fp32(b)) => all_near!(a, b),
        (Values::Fp64(a), Values::Fp64(b)) => all_near!(a, b),
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Contract, Dim, Port};
    use crate::loader::FnModel;
    use crate::tensor::DataType;

    /// A model of rows of two numbers.
    fn ask(infer: impl Fn(&[f32]) -> Vec<f32> + Send + Sync) -> Verdict {
        let port = |name| Port::new(name, DataType::Fp32, vec![Dim::Free(None), Dim::Fixed(2)]);
        let contract = Contract {
            inputs: vec![port("x")],
            outputs: vec![port("y")],
            batching: Batching::FirstAxis { max: None },
        };
        let model = FnModel::new(contract, move |inputs: Vec<Tensor>| {
            let x = inputs[0].as_slice::<f32>().unwrap();
            let y = infer(x);
            Ok(vec![Tensor::of(vec![y.len() / 2, 2], y).unwrap()])
        });
        independent(&model, None)
    }

    #[test]
    fn rows_by_themselves_are_independent() {
        assert_eq!(
            ask(|x| x.iter().map(|v| v * 2.0 + 1.0).collect()),
            Verdict::Independent
        );
    }

    #[test]
    fn a_mean_over_rows_is_found() {
        let mean = |x: &[f32]| x.iter().sum::<f32>() / x.len() as f32;
        let verdict = ask(|x| x.iter().map(|v| v - mean(x)).collect());
        assert!(
            matches!(&verdict, Verdict::Dependent(what) if what.contains("output 'y'")),
            "{verdict:?}"
        );
    }

    #[test]
    fn rows_that_get_lost_are_found() {
        let verdict = ask(|x| x[..2].to_vec());
        assert!(
            matches!(&verdict, Verdict::Dependent(what) if what.contains("rows")),
            "{verdict:?}"
        );
    }
}
