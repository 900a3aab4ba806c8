//! Steps of a graph that need not be done, once its types are known and before the engine optimises it: what exporters
//! of pipelines write, and the engine does not take away.

use tract_onnx::prelude::{InferenceModel, InferenceModelExt, TypedModel};
use tract_onnx::tract_hir::internal::{
    DatumType, OutletId, TractResult, TypedModelPatch, TypedNode,
};
use tract_onnx::tract_hir::tract_core::ops::array::{Gather, TypedConcat};
use tract_onnx::tract_hir::tract_core::ops::cast::Cast;

/// What the engine makes of a graph.
///
/// # Errors
/// The engine's.
pub(super) fn optimized(graph: InferenceModel) -> TractResult<TypedModel> {
    let mut model = graph.into_typed()?;
    outputs(&mut model);
    // What is left out is left out to be faster: a graph that does not bear it is taken as it is.
    match without_picks(&model) {
        Some(simpler) => simpler.into_optimized().or_else(|_| model.into_optimized()),
        None => model.into_optimized(),
    }
}

/// Outputs need not become symbolic: only shapes are computed with symbols.
fn outputs(model: &mut TypedModel) {
    for at in 0..model.outputs.len() {
        let node = model.node(model.outputs[at].node);
        let symbolic = node
            .op_as::<Cast>()
            .is_some_and(|cast| cast.to == DatumType::TDim);
        let [input] = *node.inputs else { continue };
        let whole = model
            .outlet_fact(input)
            .is_ok_and(|fact| fact.datum_type == DatumType::I64);
        if symbolic && whole && !model.outputs.contains(&input) {
            model.outputs[at] = input;
        }
    }
}

/// The graph in which what picks one part out of several that were put side by side is that part; nothing where no
/// step does. Columns of text are put together and taken apart like this, which copies each text twice.
fn without_picks(model: &TypedModel) -> Option<TypedModel> {
    let mut simpler = model.clone();
    let mut any = false;
    for id in 0..model.nodes.len() {
        if let Some(patch) = pick(&simpler, id) {
            patch.apply(&mut simpler).ok()?;
            any = true;
        }
    }
    any.then_some(simpler)
}

/// What puts the part in the place of a step that picks it.
fn pick(model: &TypedModel, id: usize) -> Option<TypedModelPatch> {
    let part = part(model, model.node(id))?;
    if model.outputs.contains(&id.into()) {
        return None;
    }
    let mut patch = TypedModelPatch::default();
    let part = patch.tap_model(model, part).ok()?;
    // Refused where rank, datatype or sizes are others: ArrayFeatureExtractor answers a row where it is given a vector.
    patch.shunt_outside(model, id.into(), part).ok()?;
    Some(patch)
}

/// The part that a node picks.
fn part(model: &TypedModel, node: &TypedNode) -> Option<OutletId> {
    let [joined, picked] = *node.inputs else {
        return None;
    };
    let axis = match node.op_as::<Gather>() {
        Some(gather) => gather.axis,
        None if node.op.name() == "ArrayFeatureExtractor" => {
            model.outlet_fact(joined).ok()?.rank().checked_sub(1)?
        }
        None => return None,
    };
    let node = model.node(joined.node);
    if node.op_as::<TypedConcat>()?.axis != axis {
        return None;
    }
    let picked = model.outlet_fact(picked).ok()?.konst.clone()?;
    let picked = picked.cast_to::<i64>().ok()?;
    let picked = picked.try_as_plain_ram().ok()?;
    let picked = picked.as_slice::<i64>().ok()?;
    let mut start = 0;
    for &part in &node.inputs {
        let end = start + model.outlet_fact(part).ok()?.shape[axis].to_i64().ok()?;
        if picked.iter().copied().eq(start..end) {
            return Some(part);
        }
        start = end;
    }
    None
}

#[cfg(test)]
mod tests;
