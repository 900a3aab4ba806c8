//! Operators that prepare text: StringNormalizer, and Tokenizer of `com.microsoft`, which exporters of text
//! vectorizers use. What counts words lives in `tfidf`, other operators on strings in `strings`.

use std::collections::HashSet;

use foldhash::fast::RandomState;
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
    stopwords: HashSet<String, RandomState>,
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
    Runs(Runs),
}

/// A pattern of one class of characters, once or more: what most vectorizers cut by.
struct Runs {
    /// Which ASCII characters are in the class.
    members: [bool; 128],
    /// For text of other characters.
    pattern: Regex,
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
            ([], expression) => {
                let pattern = patterns::compile(node, "tokenexp", expression)?;
                match Runs::is(expression) {
                    true => Cut::Runs(Runs::of(pattern)),
                    false => Cut::Tokens(pattern),
                }
            }
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

    /// Adds the tokens of a text.
    fn tokens<'t>(&self, text: &'t str, tokens: &mut Vec<&'t str>) {
        let stays = |token: &&str| token.chars().nth(self.shortest - 1).is_some();
        match &self.cut {
            Cut::Characters => {
                let characters = text.char_indices().map(|(i, c)| &text[i..i + c.len_utf8()]);
                tokens.extend(characters.filter(stays));
            }
            Cut::Tokens(expression) => {
                let found = expression.find_iter(text).map(|found| found.as_str());
                tokens.extend(found.filter(stays));
            }
            Cut::Runs(runs) if text.is_ascii() => tokens.extend(runs.cut(text).filter(stays)),
            Cut::Runs(runs) => {
                let found = runs.pattern.find_iter(text).map(|found| found.as_str());
                tokens.extend(found.filter(stays));
            }
            Cut::Separators(separators) => {
                let parts = separators.iter().fold(vec![text], |parts, separator| {
                    parts
                        .into_iter()
                        .flat_map(|part| separator.split(part))
                        .collect()
                });
                tokens.extend(parts.into_iter().filter(stays));
            }
        }
    }
}

// === impl Runs ===

impl Runs {
    /// Whether a pattern is one class, once or more, with no class inside it.
    fn is(pattern: &str) -> bool {
        let inside = pattern
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix("]+"));
        inside.is_some_and(|inside| !inside.is_empty() && !inside.contains(['[', ']']))
    }

    /// Asks the pattern for each character.
    fn of(pattern: Regex) -> Self {
        let is = |byte: usize| pattern.is_match(char::from(byte as u8).encode_utf8(&mut [0; 4]));
        Self {
            members: std::array::from_fn(is),
            pattern,
        }
    }

    /// The runs in a text of ASCII characters.
    fn cut<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        text.split(|c| !self.members.get(c as usize).is_some_and(|member| *member))
            .filter(|run| !run.is_empty())
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
        let (mut tokens, mut starts) = (Vec::new(), vec![0]);
        for text in slice::<String>(x)? {
            self.tokens(text, &mut tokens);
            starts.push(tokens.len());
        }
        let [begin, end] = ["\u{2}", "\u{3}"].map(|mark| self.mark.then_some(mark));
        let longest = starts.windows(2).map(|text| text[1] - text[0]).max();
        let longest = longest.unwrap_or(0) + if self.mark { 2 } else { 0 };
        let mut out: Vec<String> = Vec::with_capacity((starts.len() - 1) * longest);
        for text in starts.windows(2) {
            let filled = out.len() + longest;
            out.extend(begin.map(String::from));
            out.extend(tokens[text[0]..text[1]].iter().copied().map(String::from));
            out.extend(end.map(String::from));
            out.resize(filled, self.pad.clone());
        }
        let mut shape: TVec<usize> = x.shape().into();
        shape.push(longest);
        Ok(tvec![tensor(&shape, out)?])
    }

    fn counts(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_what_the_pattern_finds() {
        for pattern in ["[a-z]+", "[^a-z ]+", r"[\w-]+", r"[\s]+"] {
            assert!(Runs::is(pattern), "{pattern}");
            let runs = Runs::of(Regex::new(pattern).expect(pattern));
            for text in ["", "a", "ab cd  e", "--x_1\u{7f}\ty--", "AB ab"] {
                let found = runs.pattern.find_iter(text).map(|found| found.as_str());
                assert_eq!(
                    runs.cut(text).collect::<Vec<_>>(),
                    found.collect::<Vec<_>>()
                );
            }
        }
        for pattern in [
            "[a]",
            "[]+",
            "a+",
            "[[:alpha:]]+",
            "[a]b[c]+",
            r"[a\]]+",
            "[a]+?",
        ] {
            assert!(!Runs::is(pattern), "{pattern}");
        }
    }
}
