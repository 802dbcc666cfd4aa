//! N-grams counted.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use crate::native::{
    attributes::Node,
    exec::{Op, one, op},
    fault::{Fault, fault},
    ops::alike,
    value::{Shape, Tensor, elements},
};

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Tf,
    Idf,
    TfIdf,
}

/// The words of the pool, numbered.
enum Words {
    Ints(HashMap<i64, u32>),
    Strings(HashMap<Arc<str>, u32>),
}

struct Ngrams {
    words: Words,
    /// Column of each n-gram, by the numbers of its words.
    columns: HashMap<Vec<u32>, usize>,
    lengths: std::ops::RangeInclusive<usize>,
    most_skipped: usize,
    mode: Mode,
    weights: Vec<f32>,
    width: usize,
}

/// `TfIdfVectorizer`, ai.onnx 9. Weights go by column, as in ONNX Runtime and ONNX's reference.
pub fn count(node: &Node<'_>) -> Result<Op, Fault> {
    let ngrams = ngrams(node)?;
    op(move |run, args| {
        let input = args.tensor(0)?;
        let (rows, items) = match *input.shape() {
            [items] => (None, items),
            [rows, items] => (Some(rows), items),
            _ => return Err(fault!("input 0: is {input}, must have one or two dimensions")),
        };
        let numbers: Vec<Option<u32>> = match &ngrams.words {
            Words::Ints(words) => {
                alike::integers(input)?.iter().map(|word| words.get(word).copied()).collect()
            }
            Words::Strings(words) => {
                args.slice::<Arc<str>>(0)?.iter().map(|word| words.get(word).copied()).collect()
            }
        };
        let shape: Shape = rows.into_iter().chain([ngrams.width]).collect();
        let mut out = run.filled(elements(&shape)?, 0f32)?;
        if ngrams.width > 0 {
            for (row, counts) in out.chunks_exact_mut(ngrams.width).enumerate() {
                let row = numbers.get(row * items..(row + 1) * items).unwrap_or(&[]);
                ngrams.count(row, counts);
                ngrams.weigh(counts);
            }
        }
        one(Tensor::of(shape, out)?)
    })
}

impl Ngrams {
    fn count(&self, row: &[Option<u32>], counts: &mut [f32]) {
        let mut ngram = vec![];
        for skipped in 0..=self.most_skipped.min(row.len()) {
            for start in 0..row.len() {
                ngram.clear();
                // Each item that follows makes it longer, until one is unknown to the pool.
                for word in row[start..].iter().step_by(skipped + 1).take(*self.lengths.end()) {
                    let Some(word) = word else { break };
                    ngram.push(*word);
                    // Words by themselves know no skips.
                    let counted = self.lengths.contains(&ngram.len()) && (skipped == 0 || ngram.len() > 1);
                    if let Some(&column) = self.columns.get(&ngram).filter(|_| counted) {
                        counts[column] += 1.0;
                    }
                }
            }
        }
    }

    fn weigh(&self, counts: &mut [f32]) {
        match self.mode {
            Mode::Tf => {}
            Mode::Idf => {
                for (column, count) in counts.iter_mut().enumerate().filter(|(_, count)| **count > 0.0) {
                    *count = self.weights.get(column).copied().unwrap_or(1.0);
                }
            }
            Mode::TfIdf => counts.iter_mut().zip(&self.weights).for_each(|(count, weight)| *count *= weight),
        }
    }
}

fn ngrams(node: &Node<'_>) -> Result<Ngrams, Fault> {
    let a = &node.attributes;
    let mode = match node.attributes.string("mode")? {
        Some("TF") => Mode::Tf,
        Some("IDF") => Mode::Idf,
        Some("TFIDF") => Mode::TfIdf,
        other => return Err(fault!("attribute `mode` is {other:?}: must be TF, IDF or TFIDF")),
    };
    let size = |name: &str| {
        let given = node.required_int(name)?;
        usize::try_from(given).map_err(|_| fault!("attribute `{name}` is {given}"))
    };
    let (shortest, longest, most_skipped) =
        (size("min_gram_length")?, size("max_gram_length")?, size("max_skip_count")?);
    if shortest < 1 || longest < shortest {
        return Err(fault!("counts n-grams of {shortest} to {longest} words"));
    }
    let (words, pool) = match (a.strings("pool_strings")?, a.ints("pool_int64s")?) {
        (Some(pool), None) => {
            let (words, pool) = numbered(pool.into_iter().map(Arc::<str>::from));
            (Words::Strings(words), pool)
        }
        (None, Some(pool)) => {
            let (words, pool) = numbered(pool.iter().copied());
            (Words::Ints(words), pool)
        }
        _ => return Err(fault!("must have either `pool_strings` or `pool_int64s`")),
    };
    let wrong = |name: &str| fault!("attribute `{name}` doesn't go with the pool of {} words", pool.len());
    let starts = a.ints("ngram_counts")?.ok_or_else(|| fault!("lacks its attribute `ngram_counts`"))?;
    let indexes = a.ints("ngram_indexes")?.ok_or_else(|| fault!("lacks its attribute `ngram_indexes`"))?;
    let places: Vec<usize> = starts
        .iter()
        .map(|&start| usize::try_from(start).ok())
        .chain([Some(pool.len())])
        .collect::<Option<_>>()
        .ok_or_else(|| wrong("ngram_counts"))?;
    let mut width = 0;
    let mut columns = HashMap::new();
    let mut indexes = indexes.iter();
    for (length, bounds) in (1..).zip(places.windows(2)) {
        let section = pool.get(bounds[0]..bounds[1]).ok_or_else(|| wrong("ngram_counts"))?;
        for ngram in section.chunks_exact(length) {
            let index = indexes.next().ok_or_else(|| wrong("ngram_indexes"))?;
            let column = usize::try_from(*index).map_err(|_| wrong("ngram_indexes"))?;
            if (shortest..=longest).contains(&length) {
                columns.insert(ngram.to_vec(), column);
            }
        }
    }
    for &index in a.ints("ngram_indexes")?.into_iter().flatten() {
        let column = usize::try_from(index).map_err(|_| wrong("ngram_indexes"))?;
        width = width.max(column.saturating_add(1));
    }
    let weights = a.floats("weights")?.unwrap_or(&[]).to_vec();
    Ok(Ngrams { words, columns, lengths: shortest..=longest, most_skipped, mode, weights, width })
}

fn numbered<W: Eq + Hash>(pool: impl Iterator<Item = W>) -> (HashMap<W, u32>, Vec<u32>) {
    let mut words = HashMap::new();
    let mut numbers = vec![];
    for word in pool {
        let next = words.len() as u32;
        numbers.push(*words.entry(word).or_insert(next));
    }
    (words, numbers)
}
