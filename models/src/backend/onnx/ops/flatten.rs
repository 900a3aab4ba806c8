//! Flatten where several sizes are not known, as when texts of any number have any number of tokens. Where at
//! most one is not, the engine's own operator is used, which moves no data.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;
use tract_onnx::tract_hir::ops::array;

use super::kernel::{Kernel, typed};
use super::tensors::inputs;

#[derive(Clone, Debug)]
struct Flatten {
    axis: i64,
    engine: array::Flatten,
}

struct Reshape {
    axis: i64,
}

/// Makes the engine's operator of a node.
pub(super) fn read(
    _: &ParsingContext,
    node: &NodeProto,
) -> TractResult<(Box<dyn InferenceOp>, Vec<String>)> {
    let axis = node.get_attr_opt("axis")?.unwrap_or(1);
    Ok((
        expand(Flatten {
            axis,
            engine: array::Flatten::new(axis),
        }),
        Vec::new(),
    ))
}

/// The two sizes that a shape is flattened to.
fn flat<D: Clone>(
    shape: &[D],
    axis: i64,
    one: D,
    product: impl Fn(D, D) -> D,
) -> TractResult<[D; 2]> {
    let at = usize::try_from(if axis < 0 {
        axis + shape.len() as i64
    } else {
        axis
    });
    let at = at
        .ok()
        .filter(|&at| at <= shape.len())
        .with_context(|| format!("axis {axis} of {}", shape.len()))?;
    let whole = |part: &[D]| part.iter().cloned().reduce(&product).unwrap_or(one.clone());
    Ok([whole(&shape[..at]), whole(&shape[at..])])
}

fn known(shape: &[TDim]) -> bool {
    shape.iter().filter(|dim| dim.to_usize().is_err()).count() < 2
}

// === impl Flatten ===

impl Expansion for Flatten {
    fn name(&self) -> StaticName {
        "Flatten".into()
    }

    fn rules<'r, 'p: 'r, 's: 'r>(
        &'s self,
        solver: &mut Solver<'r>,
        inputs: &'p [TensorProxy],
        outputs: &'p [TensorProxy],
    ) -> InferenceResult {
        check_input_arity(inputs, 1)?;
        check_output_arity(outputs, 1)?;
        solver.equals(&outputs[0].datum_type, &inputs[0].datum_type)?;
        solver.given(&inputs[0].shape, |solver, shape| {
            let shape = flat(&shape, self.axis, 1.to_dim(), |a, b| a * b)?;
            solver.equals(&outputs[0].shape, ShapeFactoid::from(shape.to_vec()))
        })
    }

    fn wire(
        &self,
        prefix: &str,
        model: &mut TypedModel,
        inputs: &[OutletId],
    ) -> TractResult<TVec<OutletId>> {
        let shape = model.outlet_fact(inputs[0])?.shape.to_tvec();
        let flat = flat(&shape, self.axis, 1.to_dim(), |a, b| a * b)?;
        if *shape == flat {
            Ok(inputs.into())
        } else if known(&shape) {
            self.engine.wire(prefix, model, inputs)
        } else {
            model.wire_node(
                prefix,
                typed("Flatten", Reshape { axis: self.axis }),
                inputs,
            )
        }
    }
}

// === impl Reshape ===

impl Kernel for Reshape {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        let shape = flat(&x.shape.to_tvec(), self.axis, 1.to_dim(), |a, b| a * b)?;
        Ok(tvec![x.datum_type.fact(shape)])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let shape = flat(given[0].shape(), self.axis, 1, |a, b| a * b)?;
        Ok(tvec![given[0].clone().into_shape(&shape)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_sizes_may_be_unknown() {
        let symbols = SymbolScope::default();
        let [n, d] = ["N", "D"].map(|name| symbols.sym(name).to_dim());
        let x = f32::fact([n.clone(), 2.to_dim(), d.clone()]);
        let facts = Reshape { axis: 1 }.facts(&[&x]).expect("a shape");
        assert_eq!(facts[0].shape.to_tvec(), tvec![n, d * 2.to_dim()]);
        let y = Reshape { axis: -1 }
            .eval(&[&Tensor::zero::<f32>(&[3, 2, 5]).expect("zeros")])
            .expect("a tensor");
        assert_eq!(y[0].shape(), [6, 5]);
        let refused = Reshape { axis: 4 }
            .facts(&[&x])
            .expect_err("there are three axes")
            .to_string();
        assert!(refused.contains("axis 4"), "{refused}");
    }
}
