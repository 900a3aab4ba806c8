//! Values in parts: which rows of which tensors make up what a node gave. A part is shared, not copied, until somebody
//! wants some of its rows only.

use std::sync::Arc;

use impresario_models::Tensor;

use super::rows::Rows;
use crate::combine::{Fault, join, take};

/// Some rows of what a node gave.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// The rows that it stands for; the tensors may have more.
    pub(super) rows: Rows,
    /// The rows that the tensors have.
    pub(super) held: Rows,
    /// A tensor for each port.
    pub(super) of: Vec<Arc<Tensor>>,
}

/// A port's value for these rows, of parts that have them all.
pub(super) fn gather(parts: &[Part], port: usize, rows: &Rows) -> Result<Arc<Tensor>, Fault> {
    let mut pieces = parts.iter().filter(|part| part.rows.meets(rows));
    if let Some(whole) = pieces.find(|part| part.rows.covers(rows)) {
        return Ok(pick(&whole.of[port], &whole.held, rows));
    }
    let pieces: Vec<_> = parts
        .iter()
        .filter(|part| part.rows.meets(rows))
        .map(|part| {
            let here = part.rows.both(rows);
            (here.places(rows), pick(&part.of[port], &part.held, &here))
        })
        .collect();
    let pieces: Vec<_> = pieces
        .iter()
        .map(|(places, tensor)| (&places[..], &**tensor))
        .collect();
    join(rows.count(), &pieces).map(Arc::new)
}

/// These rows of a tensor that has the rows `held`.
pub(super) fn pick(of: &Arc<Tensor>, held: &Rows, rows: &Rows) -> Arc<Tensor> {
    if rows == held {
        Arc::clone(of)
    } else {
        Arc::new(take(of, &rows.places(held)))
    }
}
