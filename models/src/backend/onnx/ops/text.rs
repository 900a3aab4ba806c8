//! Operators that prepare text: StringNormalizer, and Tokenizer of `com.microsoft`, which exporters of text
//! vectorizers use. What counts words lives in `tfidf`, other operators on strings in `strings`.

use std::collections::HashSet;

use regex::Regex;
use tract_onnx::tract_hir::internal::*;

use super::kernel::Kernel;
use super::node::Node;
use super::patterns;
use super::tensors::{inputs, slice, strings, tensor};

/// Changes case and leaves words out.
pub(super) struct StringNormalizer {
    case: Case,
    /// Lower case where case does not matter.
    stopwords: HashSet<String>,
    sensitive: bool,
    /// How many words are left.
    count: Symbol,
}

enum Case {
    Keep,
    Lower,
    Upper,
}

/// Cuts each text into tokens, on one more axis, padded to the longest.
pub(super) struct Tokenizer {
    cut: Cut,
    /// Whether tokens that say where a text begins and ends are added.
    mark: bool,
    pad: String,
    shortest: usize,
    /// How many tokens the longest text has.
    count: Symbol,
}

enum Cut {
    Characters,
    /// Each separator cuts what those before have left.
    Separators(Vec<Regex>),
    Tokens(Regex),
}

// === impl StringNormalizer ===

impl StringNormalizer {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let case = match node.string("case_change_action", "NONE")?.as_str() {
            "NONE" => Case::Keep,
            "LOWER" => Case::Lower,
            "UPPER" => Case::Upper,
            other => return Err(node.bad("case_change_action", format!("{other:?} is unknown"))),
        };
        let sensitive = node.int("is_case_sensitive", 0)? != 0;
        let key = |word: String| if sensitive { word } else { word.to_lowercase() };
        let stopwords = node.strings("stopwords")?.into_iter().map(key).collect();
        Ok(Self {
            case,
            stopwords,
            sensitive,
            count: node.symbol(),
        })
    }

    fn stays(&self, word: &str) -> bool {
        !if self.sensitive {
            self.stopwords.contains(word)
        } else {
            self.stopwords.contains(&word.to_lowercase())
        }
    }
}

impl Kernel for StringNormalizer {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        strings(x)?;
        if self.stopwords.is_empty() {
            return Ok(tvec![x.without_value()]);
        }
        ensure!(
            x.rank() == 1 || x.rank() == 2,
            "takes one or two axes, got {}",
            x.rank()
        );
        let mut shape: TVec<TDim> = tvec![1.to_dim(); x.rank() - 1];
        shape.push(self.count.to_dim());
        Ok(tvec![DatumType::String.fact(shape)])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let change = |word: &String| match self.case {
            Case::Keep => word.clone(),
            Case::Lower => word.to_lowercase(),
            Case::Upper => word.to_uppercase(),
        };
        let words = slice::<String>(x)?.iter();
        if self.stopwords.is_empty() {
            return Ok(tvec![tensor(x.shape(), words.map(change).collect())?]);
        }
        let rows = &x.shape()[..x.rank() - 1];
        ensure!(
            rows.iter().all(|&rows| rows == 1),
            "takes one row of words, got {rows:?}"
        );
        let mut left: Vec<String> = words.filter(|word| self.stays(word)).map(change).collect();
        if left.is_empty() {
            left.push(String::new());
        }
        let mut shape: TVec<usize> = rows.into();
        shape.push(left.len());
        Ok(tvec![tensor(&shape, left)?])
    }

    fn counts(&self) -> bool {
        !self.stopwords.is_empty()
    }
}

// === impl Tokenizer ===

impl Tokenizer {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let separators = node.strings("separators")?;
        let expression = node.string("tokenexp", "")?;
        let cut = match (separators.as_slice(), expression.as_str()) {
            ([], "") => return Err(node.bad("separators", "neither it nor \"tokenexp\" is given")),
            ([], ".") => Cut::Characters,
            ([], expression) => Cut::Tokens(patterns::compile(node, "tokenexp", expression)?),
            ([only], "") if only.is_empty() => Cut::Characters,
            (separators, "") => {
                let compile = |separator: &String| patterns::compile(node, "separators", separator);
                Cut::Separators(separators.iter().map(compile).collect::<TractResult<_>>()?)
            }
            _ => return Err(node.bad("separators", "\"tokenexp\" is given too")),
        };
        let shortest = usize::try_from(node.int("mincharnum", 1)?)
            .ok()
            .filter(|&shortest| shortest > 0);
        Ok(Self {
            cut,
            mark: node.int("mark", 0)? != 0,
            pad: node.string("pad_value", "")?,
            shortest: shortest.ok_or_else(|| node.bad("mincharnum", "expected at least 1"))?,
            count: node.symbol(),
        })
    }

    fn tokens<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let mut tokens: Vec<&str> = match &self.cut {
            Cut::Characters => text
                .char_indices()
                .map(|(i, c)| &text[i..i + c.len_utf8()])
                .collect(),
            Cut::Tokens(expression) => expression
                .find_iter(text)
                .map(|found| found.as_str())
                .collect(),
            Cut::Separators(separators) => {
                separators.iter().fold(vec![text], |parts, separator| {
                    parts
                        .into_iter()
                        .flat_map(|part| separator.split(part))
                        .collect()
                })
            }
        };
        tokens.retain(|token| token.chars().nth(self.shortest - 1).is_some());
        tokens
    }
}

impl Kernel for Tokenizer {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        strings(x)?;
        let mut shape: TVec<TDim> = x.shape.iter().cloned().collect();
        shape.push(self.count.to_dim());
        Ok(tvec![DatumType::String.fact(shape)])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let texts: Vec<Vec<&str>> = slice::<String>(x)?
            .iter()
            .map(|text| self.tokens(text))
            .collect();
        let longest = texts.iter().map(Vec::len).max().unwrap_or(0) + if self.mark { 2 } else { 0 };
        let mut out: Vec<String> = Vec::with_capacity(texts.len() * longest);
        for (i, tokens) in texts.iter().enumerate() {
            let [begin, end] = ["\u{2}", "\u{3}"].map(|mark| self.mark.then_some(mark));
            out.extend(
                begin
                    .into_iter()
                    .chain(tokens.iter().copied())
                    .chain(end)
                    .map(String::from),
            );
            out.resize((i + 1) * longest, self.pad.clone());
        }
        let mut shape: TVec<usize> = x.shape().into();
        shape.push(longest);
        Ok(tvec![tensor(&shape, out)?])
    }

    fn counts(&self) -> bool {
        true
    }
}
