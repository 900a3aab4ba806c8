//! Operators of `ai.onnx.ml` that turn categories into numbers and back by a list: OneHotEncoder and
//! CategoryMapper. LabelEncoder, which has keys and values of many types, has a file of its own.

use tract_onnx::tract_hir::internal::*;

use super::Table;
use super::kernel::Kernel;
use super::node::Node;
use super::tensors::{cast, inputs, slice, tensor};

/// One column per category, 1 in the column of the category found.
pub(super) struct OneHotEncoder {
    categories: Categories,
    /// Whether a category not in the list gives zeros; else it is an error.
    zeros: bool,
}

enum Categories {
    Ints(Table<i64, usize>, usize),
    Strings(Table<String, usize>, usize),
}

/// Strings to integers or integers to strings, whichever comes in.
pub(super) struct CategoryMapper {
    ints: Table<String, i64>,
    strings: Table<i64, String>,
    default_int: i64,
    default_string: String,
}

// === impl OneHotEncoder ===

impl OneHotEncoder {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let (ints, strings) = (node.ints("cats_int64s")?, node.strings("cats_strings")?);
        let categories = match (ints.len(), strings.len()) {
            (count, 0) if count > 0 => Categories::Ints(positions(ints), count),
            (0, count) if count > 0 => Categories::Strings(positions(strings), count),
            (0, _) => {
                return Err(node.bad("cats_int64s", "neither it nor \"cats_strings\" is given"));
            }
            _ => return Err(node.bad("cats_int64s", "\"cats_strings\" is given too")),
        };
        Ok(Self {
            categories,
            zeros: node.int("zeros", 1)? != 0,
        })
    }

    fn count(&self) -> usize {
        let (Categories::Ints(_, count) | Categories::Strings(_, count)) = self.categories;
        count
    }
}

/// Where each category stands; of equal ones the last counts.
fn positions<T: Eq + std::hash::Hash>(categories: Vec<T>) -> Table<T, usize> {
    categories
        .into_iter()
        .enumerate()
        .map(|(position, category)| (category, position))
        .collect()
}

impl Kernel for OneHotEncoder {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        let strings = matches!(self.categories, Categories::Strings(..));
        ensure!(
            (x.datum_type == DatumType::String) == strings,
            "its categories are of another datatype than its input {:?}",
            x.datum_type
        );
        let mut shape: TVec<TDim> = x.shape.iter().cloned().collect();
        shape.push(self.count().to_dim());
        Ok(tvec![f32::fact(shape)])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let (x, count) = (given[0], self.count());
        let mut shape: TVec<usize> = x.shape().into();
        shape.push(count);
        let mut y = vec![0f32; x.len() * count];
        let mut mark =
            |row: usize, found: Option<usize>, category: &dyn std::fmt::Debug| match found {
                Some(column) => {
                    y[row * count + column] = 1.;
                    Ok(())
                }
                None if self.zeros => Ok(()),
                None => Err(format_err!("unknown category {category:?}")),
            };
        match &self.categories {
            Categories::Strings(positions, _) => {
                for (row, category) in slice::<String>(x)?.iter().enumerate() {
                    mark(row, positions.get(category).copied(), category)?;
                }
            }
            Categories::Ints(positions, _) => {
                for (row, category) in cast::<i64>(x)?.iter().enumerate() {
                    mark(row, positions.get(category).copied(), category)?;
                }
            }
        }
        Ok(tvec![tensor(&shape, y)?])
    }
}

// === impl CategoryMapper ===

impl CategoryMapper {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        Self::of(
            node,
            node.ints("cats_int64s")?,
            node.strings("cats_strings")?,
        )
    }

    /// Strings from and to their position, as LabelEncoder's first version has it.
    pub(super) fn of_classes(node: &Node, classes: Vec<String>) -> TractResult<Self> {
        Self::of(node, (0..).take(classes.len()).collect(), classes)
    }

    fn of(node: &Node, ints: Vec<i64>, strings: Vec<String>) -> TractResult<Self> {
        if ints.len() != strings.len() {
            let complaint = format!(
                "has {} values, \"cats_strings\" has {}",
                ints.len(),
                strings.len()
            );
            return Err(node.bad("cats_int64s", complaint));
        }
        Ok(Self {
            ints: strings.iter().cloned().zip(ints.iter().copied()).collect(),
            strings: ints.into_iter().zip(strings).collect(),
            default_int: node.int("default_int64", -1)?,
            default_string: node.string("default_string", "_Unused")?,
        })
    }
}

impl Kernel for CategoryMapper {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        let to = match x.datum_type {
            DatumType::String => DatumType::I64,
            DatumType::I64 => DatumType::String,
            other => bail!("takes strings or int64, got {other:?}"),
        };
        Ok(tvec![to.fact(x.shape.clone())])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let y = if x.datum_type() == DatumType::String {
            let int = |x: &String| self.ints.get(x).copied().unwrap_or(self.default_int);
            tensor(x.shape(), slice::<String>(x)?.iter().map(int).collect())?
        } else {
            let string = |x: &i64| self.strings.get(x).unwrap_or(&self.default_string).clone();
            tensor(x.shape(), slice::<i64>(x)?.iter().map(string).collect())?
        };
        Ok(tvec![y])
    }
}
