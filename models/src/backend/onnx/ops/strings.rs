//! Operators on strings of ONNX itself: StringSplit, StringConcat and RegexFullMatch. Preparing text for
//! vectorizers lives in `text`, changing numbers to strings and back in `cast`.

use regex::Regex;
use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use super::node::Node;
use super::patterns;
use super::tensors::{inputs, slice, strings, tensor};

/// Cuts strings at a delimiter, on one more axis padded with empty strings, and counts the parts.
pub(super) struct StringSplit {
    /// None cuts at white space, however long.
    delimiter: Option<String>,
    /// How often at most.
    cuts: usize,
    count: Symbol,
}

/// Joins strings of two tensors one by one; the smaller is repeated.
pub(super) struct StringConcat;

/// Whether a pattern matches the whole of each string.
pub(super) struct RegexFullMatch {
    pattern: Regex,
}

// === impl StringSplit ===

impl StringSplit {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let delimiter =
            Some(node.string("delimiter", "")?).filter(|delimiter| !delimiter.is_empty());
        let cuts = match node.proto.get_attr_opt::<i64>("maxsplit")? {
            None => usize::MAX,
            Some(cuts) => {
                usize::try_from(cuts).map_err(|_| node.bad("maxsplit", "it is negative"))?
            }
        };
        Ok(Self {
            delimiter,
            cuts,
            count: node.symbol(),
        })
    }

    fn parts<'t>(&self, text: &'t str) -> Vec<&'t str> {
        match &self.delimiter {
            Some(_) if text.is_empty() => Vec::new(),
            Some(delimiter) => text
                .splitn(self.cuts.saturating_add(1), delimiter.as_str())
                .collect(),
            None => {
                let mut parts = Vec::new();
                let mut rest = text.trim_start();
                while !rest.is_empty() {
                    let end = rest
                        .find(char::is_whitespace)
                        .filter(|_| parts.len() < self.cuts);
                    let (part, after) = rest.split_at(end.unwrap_or(rest.len()));
                    parts.push(if end.is_none() { part.trim_end() } else { part });
                    rest = after.trim_start();
                }
                parts
            }
        }
    }
}

impl Kernel for StringSplit {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        strings(x)?;
        let mut shape: TVec<TDim> = x.shape.iter().cloned().collect();
        shape.push(self.count.to_dim());
        Ok(tvec![
            DatumType::String.fact(shape),
            i64::fact(x.shape.clone())
        ])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let texts: Vec<Vec<&str>> = slice::<String>(x)?
            .iter()
            .map(|text| self.parts(text))
            .collect();
        let most = texts.iter().map(Vec::len).max().unwrap_or(0);
        let mut out: Vec<String> = Vec::with_capacity(texts.len() * most);
        for (i, parts) in texts.iter().enumerate() {
            out.extend(parts.iter().copied().map(String::from));
            out.resize((i + 1) * most, String::new());
        }
        let mut shape: TVec<usize> = x.shape().into();
        shape.push(most);
        let counts = texts.iter().map(|parts| parts.len() as i64).collect();
        Ok(tvec![tensor(&shape, out)?, tensor(x.shape(), counts)?])
    }

    fn counts(&self) -> bool {
        true
    }
}

// === impl StringConcat ===

impl Kernel for StringConcat {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [a, b] = inputs(given)?;
        strings(a)?;
        strings(b)?;
        let shape =
            tract_core::broadcast::multi_broadcast(&[a.shape.to_tvec(), b.shape.to_tvec()])?;
        Ok(tvec![DatumType::String.fact(shape)])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let shape = tract_core::broadcast::multi_broadcast(&[given[0].shape(), given[1].shape()])?;
        let a = given[0].to_plain_array_view::<String>()?;
        let b = given[1].to_plain_array_view::<String>()?;
        let (Some(a), Some(b)) = (a.broadcast(&*shape), b.broadcast(&*shape)) else {
            bail!(
                "shapes {:?} and {:?} do not fit",
                given[0].shape(),
                given[1].shape()
            )
        };
        Ok(tvec![tensor(
            &shape,
            a.iter()
                .zip(b.iter())
                .map(|(a, b)| format!("{a}{b}"))
                .collect()
        )?])
    }
}

// === impl RegexFullMatch ===

impl RegexFullMatch {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let pattern = node.string("pattern", "")?;
        Ok(Self {
            pattern: patterns::compile_whole(node, "pattern", &pattern)?,
        })
    }
}

impl Kernel for RegexFullMatch {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        strings(x)?;
        Ok(tvec![bool::fact(x.shape.clone())])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let matches = slice::<String>(x)?
            .iter()
            .map(|text| self.pattern.is_match(text))
            .collect();
        Ok(tvec![tensor(x.shape(), matches)?])
    }
}
