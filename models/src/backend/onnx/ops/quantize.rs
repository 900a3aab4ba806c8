//! QuantizeLinear and DequantizeLinear where the engine cannot: scales that are computed, and scales by block.
//! With constant scales the engine's own operators are used, which it fuses into what is quantized.

use tract_onnx::model::ParsingContext;
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_hir::internal::*;

use super::kernel::{Kernel, operator};
use super::node::Node;
use super::tensors::{cast, slice, tensor};

/// `x / scale + zero point`, rounded to even and kept in range.
struct Quantize {
    scaling: Scaling,
    /// What the node wants, where there is no zero point to say it.
    to: Option<DatumType>,
}

/// `(x - zero point) * scale`.
struct Dequantize {
    scaling: Scaling,
}

/// Which scale an element has.
struct Scaling {
    axis: i64,
    /// How many elements along the axis share a scale; 0 where each has its own, or all share one.
    block: usize,
}

/// The names under which the engine's own operators are kept.
const OWN: [(&str, &str); 2] = [
    ("QuantizeLinear", "engine.QuantizeLinear"),
    ("DequantizeLinear", "engine.DequantizeLinear"),
];

/// Puts our operators before the engine's.
pub(super) fn register(onnx: &mut tract_onnx::Onnx) {
    for (name, own) in OWN {
        if let Some(build) = onnx.op_register.0.get(name).copied() {
            onnx.op_register.insert(own, build);
        }
    }
    onnx.op_register.insert("QuantizeLinear", |context, proto| {
        let node = &Node { context, proto };
        own(node, 0).unwrap_or_else(|| {
            let to = proto.get_attr_opt::<DatumType>("output_dtype")?;
            Ok(operator(
                "QuantizeLinear",
                proto,
                Quantize {
                    scaling: Scaling::read(node)?,
                    to,
                },
            ))
        })
    });
    onnx.op_register
        .insert("DequantizeLinear", |context, proto| {
            let node = &Node { context, proto };
            own(node, 1).unwrap_or_else(|| {
                Ok(operator(
                    "DequantizeLinear",
                    proto,
                    Dequantize {
                        scaling: Scaling::read(node)?,
                    },
                ))
            })
        });
}

type Built = TractResult<(Box<dyn InferenceOp>, Vec<String>)>;

/// The engine's own operator, where it can do this node.
fn own(node: &Node, which: usize) -> Option<Built> {
    let Node { context, proto } = node;
    let blocks = proto
        .get_attr_opt::<i64>("block_size")
        .ok()
        .flatten()
        .unwrap_or(0);
    let constant = proto
        .input
        .iter()
        .skip(1)
        .all(|name| name.is_empty() || is_constant(context, name));
    let build = context.framework.op_register.0.get(OWN[which].1)?;
    (blocks == 0 && constant).then(|| build(context, proto))
}

fn is_constant(context: &ParsingContext, name: &str) -> bool {
    let mut graphs = context
        .model
        .graph
        .iter()
        .chain(context.parent_graphs.iter().copied());
    graphs.any(|graph| {
        let given = graph
            .initializer
            .iter()
            .any(|constant| constant.name == name);
        let made = |node: &NodeProto| {
            node.op_type == "Constant" && node.output.iter().any(|output| output == name)
        };
        given || graph.node.iter().any(made)
    })
}

// === impl Scaling ===

impl Scaling {
    fn read(node: &Node) -> TractResult<Self> {
        let block = node.int("block_size", 0)?;
        let block = usize::try_from(block).map_err(|_| node.bad("block_size", "it is negative"))?;
        Ok(Self {
            axis: node.int("axis", 1)?,
            block,
        })
    }

    /// For every element, the place of its scale.
    fn places(&self, x: &[usize], scale: &[usize]) -> TractResult<Vec<usize>> {
        let scales: usize = scale.iter().product();
        let elements: usize = x.iter().product();
        if scales == 1 && self.block == 0 {
            return Ok(vec![0; elements]);
        }
        let axis = if self.axis < 0 {
            self.axis + x.len() as i64
        } else {
            self.axis
        };
        let axis = usize::try_from(axis).ok().filter(|&axis| axis < x.len());
        let axis = axis.with_context(|| format!("axis {} of {}", self.axis, x.len()))?;
        let inner: usize = x[axis + 1..].iter().product();
        let length = x[axis];
        let place: Box<dyn Fn(usize) -> usize> = if self.block == 0 {
            ensure!(
                scale == [length],
                "scales {scale:?} do not fit axis {axis} of {x:?}"
            );
            Box::new(move |i| i / inner % length)
        } else {
            let blocks = length.div_ceil(self.block);
            let mut expected = x.to_vec();
            expected[axis] = blocks;
            ensure!(
                scale == expected,
                "scales {scale:?} do not fit blocks {expected:?}"
            );
            Box::new(move |i| {
                (i / inner / length * blocks + i / inner % length / self.block) * inner + i % inner
            })
        };
        Ok((0..elements).map(place).collect())
    }
}

/// The zero points as numbers, zeros where there are none.
fn zero_points(given: &[&Tensor]) -> TractResult<Vec<f32>> {
    match given.get(2) {
        Some(zero_points) => Ok(cast::<f32>(zero_points)?.into_owned()),
        None => Ok(vec![0.; given[1].len()]),
    }
}

fn arity(given: &[&TypedFact]) -> TractResult<()> {
    ensure!(
        given.len() == 2 || given.len() == 3,
        "takes 2 or 3 inputs, got {}",
        given.len()
    );
    ensure!(
        given[1].datum_type.is_float(),
        "takes scales that are floats, got {:?}",
        given[1].datum_type
    );
    Ok(())
}

// === impl Quantize ===

impl Quantize {
    fn datatype(&self, zero_point: Option<DatumType>) -> DatumType {
        zero_point.or(self.to).unwrap_or(DatumType::U8)
    }
}

impl Kernel for Quantize {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        arity(given)?;
        let to = self.datatype(given.get(2).map(|fact| fact.datum_type));
        use DatumType::{I8, I16, U8, U16};
        ensure!(
            [I8, U8, I16, U16].contains(&to),
            "quantizes to integers of 8 or 16 bits, not to {to:?}"
        );
        Ok(tvec![to.fact(given[0].shape.clone())])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let (x, scale) = (given[0], cast::<f32>(given[1])?);
        let (zero_points, places) = (
            zero_points(given)?,
            self.scaling.places(x.shape(), given[1].shape())?,
        );
        ensure!(
            zero_points.len() == scale.len(),
            "{} zero points for {} scales",
            zero_points.len(),
            scale.len()
        );
        let to = self.datatype(given.get(2).map(|t| t.datum_type()));
        let (least, most) = match to {
            DatumType::I8 => (-128., 127.),
            DatumType::I16 => (-32768., 32767.),
            DatumType::U16 => (0., 65535.),
            _ => (0., 255.),
        };
        let x = cast::<f32>(x)?;
        let quantize = |(x, &at): (&f32, &usize)| {
            ((x / scale[at]).round_ties_even() + zero_points[at]).clamp(least, most)
        };
        let y = tensor(
            given[0].shape(),
            x.iter().zip(&places).map(quantize).collect(),
        )?;
        Ok(tvec![y.cast_to_dt(to)?.into_owned()])
    }
}

// === impl Dequantize ===

impl Kernel for Dequantize {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        arity(given)?;
        let from = given[0].datum_type;
        ensure!(from.is_integer(), "takes integers, got {from:?}");
        Ok(tvec![given[1].datum_type.fact(given[0].shape.clone())])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let (x, scale) = (given[0], cast::<f32>(given[1])?);
        let (zero_points, places) = (
            zero_points(given)?,
            self.scaling.places(x.shape(), given[1].shape())?,
        );
        ensure!(
            zero_points.len() == scale.len(),
            "{} zero points for {} scales",
            zero_points.len(),
            scale.len()
        );
        // Differences of 32-bit integers are exact in doubles only.
        let x = x.cast_to::<f64>()?;
        let dequantize =
            |(x, &at): (&f64, &usize)| (x - f64::from(zero_points[at])) as f32 * scale[at];
        let y = slice::<f64>(&x)?
            .iter()
            .zip(&places)
            .map(dequantize)
            .collect();
        Ok(tvec![
            tensor(given[0].shape(), y)?
                .cast_to_dt(given[1].datum_type())?
                .into_owned()
        ])
    }
}
