//! Operators of `ai.onnx.ml` that join features to rows or pick them: FeatureVectorizer and
//! ArrayFeatureExtractor.

use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use super::node::{MOST_OUTPUTS, Node};
use super::tensors::{batch, cast, inputs, numbers, rows, slice, tensor};

/// Puts the rows of several inputs side by side, each cut or padded with zeros to its width.
pub(super) struct FeatureVectorizer {
    widths: Vec<usize>,
}

/// Picks columns, the same of every row.
pub(super) struct ArrayFeatureExtractor;

// === impl FeatureVectorizer ===

impl FeatureVectorizer {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let widths = node.sizes("inputdimensions")?;
        if widths.len() != node.proto.input.len() {
            let complaint = format!(
                "{} widths for {} inputs",
                widths.len(),
                node.proto.input.len()
            );
            return Err(node.bad("inputdimensions", complaint));
        }
        let total = widths
            .iter()
            .try_fold(0usize, |total, &width| total.checked_add(width));
        if total.is_none_or(|total| total > MOST_OUTPUTS) {
            return Err(node.bad(
                "inputdimensions",
                format!("more than {MOST_OUTPUTS} columns"),
            ));
        }
        Ok(Self { widths })
    }
}

impl Kernel for FeatureVectorizer {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        ensure!(
            given.len() == self.widths.len(),
            "takes {} inputs, got {}",
            self.widths.len(),
            given.len()
        );
        given.iter().try_for_each(|fact| numbers(fact))?;
        Ok(tvec![f32::fact([
            batch(given[0]),
            self.widths.iter().sum::<usize>().to_dim()
        ])])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let (number, _) = rows(given[0].shape());
        let total = self.widths.iter().sum::<usize>();
        let mut y = vec![0f32; number * total];
        let mut start = 0;
        for (x, &width) in given.iter().zip(&self.widths) {
            let (own, columns) = rows(x.shape());
            ensure!(own == number, "inputs have {number} and {own} rows");
            let taken = width.min(columns);
            if taken > 0 {
                let x = cast::<f32>(x)?;
                for (y, x) in y.chunks_exact_mut(total).zip(x.chunks_exact(columns)) {
                    y[start..start + taken].copy_from_slice(&x[..taken]);
                }
            }
            start += width;
        }
        Ok(tvec![tensor(&[number, total], y)?])
    }
}

// === impl ArrayFeatureExtractor ===

impl Kernel for ArrayFeatureExtractor {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x, columns] = inputs(given)?;
        ensure!(
            columns.datum_type.is_integer(),
            "takes whole numbers as columns, got {:?}",
            columns.datum_type
        );
        ensure!(x.rank() > 0, "takes at least one axis");
        let mut shape: TVec<TDim> = x.shape.iter().cloned().collect();
        shape.pop();
        if shape.is_empty() {
            shape.push(1.to_dim());
        }
        shape.push(columns.shape.volume());
        Ok(tvec![x.datum_type.fact(shape)])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let (x, picked) = (given[0], cast::<i64>(given[1])?);
        let Some((&columns, outer)) = x.shape().split_last() else {
            bail!("takes at least one axis")
        };
        let place = |&i: &i64| match usize::try_from(i) {
            Ok(i) if i < columns => Ok(i),
            _ => Err(format_err!("column {i} of {columns}")),
        };
        let picked: Vec<usize> = picked.iter().map(place).collect::<TractResult<_>>()?;
        let mut shape: TVec<usize> = outer.into();
        if shape.is_empty() {
            shape.push(1);
        }
        shape.push(picked.len());
        Ok(tvec![dispatch_datum!(pick(x.datum_type())(
            x, columns, &picked, &shape
        ))?])
    }
}

fn pick<T: Datum>(
    x: &Tensor,
    columns: usize,
    picked: &[usize],
    shape: &[usize],
) -> TractResult<Tensor> {
    let rows = slice::<T>(x)?.chunks_exact(columns.max(1));
    let mut y = Vec::with_capacity(shape.iter().product());
    match *picked {
        [only] => y.extend(rows.map(|row| row[only].clone())),
        _ => rows.for_each(|row| y.extend(picked.iter().map(|&i| row[i].clone()))),
    }
    tensor(shape, y)
}
