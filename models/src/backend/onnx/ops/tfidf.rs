//! TfIdfVectorizer: counts the n-grams of a pool in rows of words or numbers, and weighs them.

use tract_onnx::tract_hir::internal::*;

use super::Table;
use super::kernel::Kernel;
use super::node::{MOST_OUTPUTS, Node};
use super::tensors::{cast, inputs, slice, tensor};

pub(super) struct TfIdfVectorizer {
    mode: Mode,
    shortest: usize,
    longest: usize,
    skips: usize,
    words: Words,
    /// Where a word leads from a node of the tree of n-grams; node 0 is its root.
    next: Table<(u32, u32), u32>,
    /// Per node, the n-gram that ends there.
    grams: Vec<Option<Gram>>,
    columns: usize,
}

enum Mode {
    Tf,
    Idf,
    TfIdf,
}

#[derive(Clone, Copy)]
struct Gram {
    column: usize,
    weight: f32,
}

/// A number for every word of the pool.
enum Words {
    Ints(Table<i64, u32>),
    Strings(Table<String, u32>),
}

// === impl TfIdfVectorizer ===

impl TfIdfVectorizer {
    pub(super) fn read(node: &Node) -> TractResult<Self> {
        let mode = match node.string("mode", "")?.as_str() {
            "TF" => Mode::Tf,
            "IDF" => Mode::Idf,
            "TFIDF" => Mode::TfIdf,
            other => {
                return Err(node.bad("mode", format!("expected TF, IDF or TFIDF, got {other:?}")));
            }
        };
        let length = |name: &str| -> TractResult<usize> {
            let length = usize::try_from(node.int(name, 0)?)
                .ok()
                .filter(|&length| length > 0);
            length.ok_or_else(|| node.bad(name, "expected at least 1"))
        };
        let (shortest, longest) = (length("min_gram_length")?, length("max_gram_length")?);
        let skips = usize::try_from(node.int("max_skip_count", 0)?);
        let skips = skips.map_err(|_| node.bad("max_skip_count", "it is negative"))?;
        let (words, pool) = pool(node)?;
        let mut this = Self {
            mode,
            shortest,
            longest,
            skips,
            words,
            next: Table::default(),
            grams: vec![None],
            columns: 0,
        };
        this.plant(node, &pool)?;
        Ok(this)
    }

    /// Adds every n-gram of the pool to the tree.
    fn plant(&mut self, node: &Node, pool: &[u32]) -> TractResult<()> {
        let starts = node.sizes("ngram_counts")?;
        let columns = node.sizes("ngram_indexes")?;
        let weights = node.floats("weights")?;
        if !weights.is_empty() && weights.len() != columns.len() {
            let complaint = format!("{} values for {} n-grams", weights.len(), columns.len());
            return Err(node.bad("weights", complaint));
        }
        self.columns = columns
            .iter()
            .max()
            .map_or(0, |&last| last.saturating_add(1));
        if self.columns == 0 || self.columns > MOST_OUTPUTS {
            return Err(node.bad("ngram_indexes", format!("{} columns", self.columns)));
        }
        let mut gram = 0;
        for (i, &start) in starts.iter().enumerate() {
            let end = starts.get(i + 1).copied().unwrap_or(pool.len());
            let length = i + 1;
            let part = pool.get(start..end).filter(|part| part.len() % length == 0);
            let part = part.ok_or_else(|| {
                node.bad(
                    "ngram_counts",
                    format!(
                        "{length}-grams cannot be at {start} to {end} of {}",
                        pool.len()
                    ),
                )
            })?;
            for words in part.chunks_exact(length) {
                let column = *columns
                    .get(gram)
                    .ok_or_else(|| node.bad("ngram_indexes", "there are too few"))?;
                let weight = weights.get(gram).copied().unwrap_or(1.);
                gram += 1;
                if (self.shortest..=self.longest).contains(&length) {
                    self.add(words, Gram { column, weight });
                }
            }
        }
        if gram != columns.len() {
            return Err(node.bad(
                "ngram_indexes",
                format!("{} values for {gram} n-grams", columns.len()),
            ));
        }
        Ok(())
    }

    fn add(&mut self, words: &[u32], gram: Gram) {
        let mut at = 0;
        for &word in words {
            let new = self.grams.len() as u32;
            at = *self.next.entry((at, word)).or_insert(new);
            if at == new {
                self.grams.push(None);
            }
        }
        self.grams[at as usize] = Some(gram);
    }

    /// Adds up a row; a word that is in no n-gram is `None`.
    fn count(&self, words: &[Option<u32>], out: &mut [f32]) {
        // Single words are not affected by skips: they are counted once.
        for skip in 1..=self.skips + 1 {
            let shortest = if skip > 1 {
                self.shortest.max(2)
            } else {
                self.shortest
            };
            if shortest > self.longest {
                break;
            }
            for start in 0..words.len() {
                let mut at = 0;
                let gram = words[start..].iter().step_by(skip).take(self.longest);
                for (length, word) in gram.enumerate() {
                    let Some(&next) = word.and_then(|word| self.next.get(&(at, word))) else {
                        break;
                    };
                    at = next;
                    let Some(gram) = self.grams[at as usize].filter(|_| length + 1 >= shortest)
                    else {
                        continue;
                    };
                    match self.mode {
                        Mode::Tf => out[gram.column] += 1.,
                        Mode::Idf => out[gram.column] = gram.weight,
                        Mode::TfIdf => out[gram.column] += gram.weight,
                    }
                }
            }
        }
    }
}

fn pool(node: &Node) -> TractResult<(Words, Vec<u32>)> {
    let (ints, strings) = (node.ints("pool_int64s")?, node.strings("pool_strings")?);
    match (ints.is_empty(), strings.is_empty()) {
        (false, true) => {
            let (words, pool) = numbered(ints);
            Ok((Words::Ints(words), pool))
        }
        (true, false) => {
            let (words, pool) = numbered(strings);
            Ok((Words::Strings(words), pool))
        }
        (true, true) => Err(node.bad("pool_strings", "neither it nor \"pool_int64s\" is given")),
        (false, false) => Err(node.bad("pool_strings", "\"pool_int64s\" is given too")),
    }
}

fn numbered<T: Eq + std::hash::Hash>(pool: Vec<T>) -> (Table<T, u32>, Vec<u32>) {
    let mut words = Table::default();
    let number = |word| {
        let new = words.len() as u32;
        *words.entry(word).or_insert(new)
    };
    let pool = pool.into_iter().map(number).collect();
    (words, pool)
}

impl Kernel for TfIdfVectorizer {
    fn facts(&self, given: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [x] = inputs(given)?;
        let fits = match self.words {
            Words::Ints(_) => x.datum_type.is_integer(),
            Words::Strings(_) => x.datum_type == DatumType::String,
        };
        ensure!(
            fits,
            "its pool is of another datatype than its input {:?}",
            x.datum_type
        );
        ensure!(
            x.rank() == 1 || x.rank() == 2,
            "takes one or two axes, got {}",
            x.rank()
        );
        let mut shape: TVec<TDim> = x.shape.iter().take(x.rank() - 1).cloned().collect();
        shape.push(self.columns.to_dim());
        Ok(tvec![f32::fact(shape)])
    }

    fn eval(&self, given: &[&Tensor]) -> TractResult<TVec<Tensor>> {
        let x = given[0];
        let words: Vec<Option<u32>> = match &self.words {
            Words::Ints(words) => cast::<i64>(x)?
                .iter()
                .map(|word| words.get(word).copied())
                .collect(),
            Words::Strings(words) => slice::<String>(x)?
                .iter()
                .map(|word| words.get(word).copied())
                .collect(),
        };
        let mut shape: TVec<usize> = x.shape().into();
        let length = shape.pop().unwrap_or(1);
        let rows: usize = shape.iter().product();
        shape.push(self.columns);
        let mut out = vec![0f32; rows * self.columns];
        if length > 0 {
            for (row, out) in words
                .chunks_exact(length)
                .zip(out.chunks_exact_mut(self.columns))
            {
                self.count(row, out);
            }
        }
        Ok(tvec![tensor(&shape, out)?])
    }
}
