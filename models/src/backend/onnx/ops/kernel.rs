//! What an operator of ours is, and how it becomes one of the engine's.
//!
//! An operator says which outputs it gives for which inputs, and computes them; everything the engine wants
//! besides is here, once. Reading attributes lives in `node`, the arithmetic in each family's file.

use std::fmt;
use std::sync::Arc;

use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

/// The arithmetic of one operator whose attributes are read and checked.
///
/// Inputs never have the engine's symbolic integer type: whoever gives integers gives `i64`.
pub(super) trait Kernel: Send + Sync + 'static {
    /// Datatype and shape of every output the specification names, from those of the inputs.
    ///
    /// # Errors
    /// The inputs' number, datatypes or shapes are not what the operator takes.
    fn facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>>;

    /// The outputs for these inputs, as many as `facts` names.
    ///
    /// # Errors
    /// A value is one that the operator cannot take.
    fn eval(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>>;

    /// Whether a size in `facts` is only known once the outputs are computed.
    fn counts(&self) -> bool {
        false
    }

    /// What gives the same outputs for the first input alone, where the others are constants that are better made
    /// ready once. `facts` has accepted these inputs.
    fn first_alone(&self, _inputs: &[&TypedFact]) -> Option<Box<dyn Kernel>> {
        None
    }
}

/// A kernel as an operator of the engine, before and after types are known.
#[derive(Clone)]
struct Operator {
    name: &'static str,
    kernel: Arc<dyn Kernel>,
    /// The outputs that the node names, as positions in what the kernel gives.
    kept: TVec<usize>,
}

/// Makes the engine's operator of a kernel; the second part of the answer is what the engine asks of
/// operators with inner graphs, of which we have none.
pub(super) fn operator(
    name: &'static str,
    node: &NodeProto,
    kernel: impl Kernel,
) -> (Box<dyn InferenceOp>, Vec<String>) {
    let kept = node
        .output
        .iter()
        .enumerate()
        .filter(|(_, name)| !name.is_empty());
    let kept = kept.map(|(position, _)| position).collect();
    let kernel = Arc::new(kernel);
    (Box::new(Operator { name, kernel, kept }), Vec::new())
}

/// Makes an operator with one output for a model whose types are known.
pub(super) fn typed(name: &'static str, kernel: impl Kernel) -> Box<dyn TypedOp> {
    Box::new(Operator {
        name,
        kernel: Arc::new(kernel),
        kept: tvec![0],
    })
}

impl Kernel for Box<dyn Kernel> {
    fn facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        (**self).facts(inputs)
    }

    fn eval(&self, inputs: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        (**self).eval(inputs)
    }

    fn counts(&self) -> bool {
        (**self).counts()
    }

    fn first_alone(&self, inputs: &[&TypedFact]) -> Option<Box<dyn Kernel>> {
        (**self).first_alone(inputs)
    }
}

// === impl Operator ===

impl Operator {
    fn keep<T>(&self, outputs: TVec<T>) -> TractResult<TVec<T>> {
        let given = outputs.len();
        let mut outputs: Vec<Option<T>> = outputs.into_iter().map(Some).collect();
        let kept = self
            .kept
            .iter()
            .map(|&position| outputs.get_mut(position).and_then(Option::take));
        kept.collect::<Option<_>>()
            .ok_or_else(|| format_err!("{} has {given} outputs, the node names more", self.name))
    }
}

impl fmt::Debug for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Operator {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.kernel, &other.kernel) && self.kept == other.kept
    }
}

impl Eq for Operator {}

impl Op for Operator {
    fn name(&self) -> StaticName {
        self.name.into()
    }

    fn mints_runtime_symbols(&self) -> bool {
        self.kernel.counts()
    }

    op_as_typed_op!();
}

impl EvalOp for Operator {
    op_out_of_plan!();

    fn eval(&self, _: &EvalContext, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let whole = |t: &TValue| -> TractResult<Option<Tensor>> {
            if t.datum_type() != DatumType::TDim {
                return Ok(None);
            }
            Ok(Some(t.cast_to::<i64>()?.into_owned()))
        };
        let whole: TVec<Option<Tensor>> = inputs.iter().map(whole).collect::<TractResult<_>>()?;
        let inputs: TVec<&Tensor> = inputs
            .iter()
            .zip(&whole)
            .map(|(given, cast)| cast.as_ref().unwrap_or(given))
            .collect();
        let outputs = self
            .kernel
            .eval(&inputs)
            .with_context(|| self.name.to_string())?;
        Ok(self
            .keep(outputs)?
            .into_iter()
            .map(IntoTValue::into_tvalue)
            .collect())
    }
}

impl TypedOp for Operator {
    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let facts = self
            .kernel
            .facts(inputs)
            .with_context(|| self.name.to_string())?;
        self.keep(facts)
    }

    fn codegen(
        &self,
        model: &TypedModel,
        node: &TypedNode,
    ) -> TractResult<Option<TypedModelPatch>> {
        let facts = model.node_input_facts(node.id)?;
        let Some(kernel) = self.kernel.first_alone(&facts) else {
            return Ok(None);
        };
        let operator = Self {
            name: self.name,
            kernel: Arc::new(kernel),
            kept: self.kept.clone(),
        };
        TypedModelPatch::replace_single_op(model, node, &node.inputs[..1], operator).map(Some)
    }

    as_op!();
}

impl InferenceOp for Operator {
    fn infer_facts(
        &mut self,
        inputs: TVec<&InferenceFact>,
        outputs: TVec<&InferenceFact>,
        observed: TVec<&InferenceFact>,
    ) -> TractResult<(
        TVec<InferenceFact>,
        TVec<InferenceFact>,
        TVec<InferenceFact>,
    )> {
        let own = |facts: &TVec<&InferenceFact>| facts.iter().map(|&fact| fact.clone()).collect();
        let (given, mut named): (TVec<InferenceFact>, TVec<InferenceFact>) =
            (own(&inputs), own(&outputs));
        // What is not known yet is known once the graph before it has types: then `output_facts` decides.
        let known: Option<TVec<TypedFact>> = inputs.iter().map(|fact| known(fact)).collect();
        if let Some(known) = known {
            let known: TVec<&TypedFact> = known.iter().collect();
            let facts = self.output_facts(&known)?;
            for (named, fact) in named.iter_mut().zip(&facts) {
                *named = named.unify(&InferenceFact::from(fact))?;
            }
        }
        Ok((given, named, observed.into_iter().cloned().collect()))
    }

    fn nboutputs(&self) -> TractResult<usize> {
        Ok(self.kept.len())
    }

    fn to_typed(
        &self,
        _source: &InferenceModel,
        node: &InferenceNode,
        target: &mut TypedModel,
        mapping: &HashMap<OutletId, OutletId>,
    ) -> TractResult<TVec<OutletId>> {
        let mut inputs: TVec<OutletId> = node.inputs.iter().map(|outlet| mapping[outlet]).collect();
        for (position, input) in inputs.iter_mut().enumerate() {
            if target.outlet_fact(*input)?.datum_type == DatumType::TDim {
                let name = format!("{}.whole-{position}", node.name);
                let cast = tract_core::ops::cast::cast(DatumType::I64);
                *input = target.wire_node(name, cast, &[*input])?[0];
            }
        }
        target.wire_node(&node.name, self.clone(), &inputs)
    }

    as_op!();
}

fn known(fact: &InferenceFact) -> Option<TypedFact> {
    let mut fact = TypedFact::try_from(fact).ok()?;
    if fact.datum_type == DatumType::TDim {
        fact = DatumType::I64.fact(fact.shape);
    }
    Some(fact)
}
