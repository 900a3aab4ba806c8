//! Excerpts: as much of a tensor as an example may show.

use std::fmt::Write as _;

use impresario_models::tensor::Values;
use impresario_models::{DataType, Port, Tensor, each_vec};

/// The beginning of a tensor, as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Excerpt {
    /// The port's name.
    pub name: String,
    /// The datatype.
    pub datatype: DataType,
    /// The shape of all of it.
    pub shape: Vec<usize>,
    /// Its first elements, separated by commas; an ellipsis stands for those that are left out.
    pub values: String,
}

/// Excerpts of tensors in the order of their ports, of at most so many bytes of text together.
pub(super) fn excerpts(ports: &[Port], tensors: &[Tensor], budget: &mut usize) -> Vec<Excerpt> {
    let excerpt = |(port, tensor): (&Port, &Tensor)| {
        let name = port.name.to_string();
        // The name and a shape of the usual rank.
        *budget = budget.saturating_sub(name.len() + 64);
        let values = text(tensor.values(), *budget);
        *budget = budget.saturating_sub(values.len());
        Excerpt {
            name,
            datatype: tensor.datatype(),
            shape: tensor.shape().to_vec(),
            values,
        }
    };
    ports.iter().zip(tensors).map(excerpt).collect()
}

/// The first elements in at most so many bytes, and an ellipsis.
fn text(values: &Values, budget: usize) -> String {
    let mut text = String::new();
    let mut add = |element: &dyn Fn(&mut String)| {
        let whole = text.len();
        if whole > 0 {
            text.push_str(", ");
        }
        element(&mut text);
        let fits = text.len() <= budget;
        if !fits {
            text.truncate(whole);
            text.push_str(if whole > 0 { ", …" } else { "…" });
        }
        fits
    };
    // That a write into a string fails cannot be.
    match values {
        Values::Bytes(strings) => strings.iter().all(|bytes| {
            let part = String::from_utf8_lossy(&bytes[..bytes.len().min(budget)]);
            add(&|text| {
                let _ = write!(text, "{part:?}");
            })
        }),
        numbers => each_vec!(numbers, v => v.iter().all(|number| {
            add(&|text| {
                let _ = write!(text, "{number:?}");
            })
        })),
    };
    text
}

/// The front of a text, in at most so many bytes.
pub(super) fn cut(text: &str, bytes: usize) -> String {
    text[..text.floor_char_boundary(bytes)].to_owned()
}
