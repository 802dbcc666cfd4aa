//! Text.

mod hash;
mod ngrams;
mod normalise;
mod pattern;
mod strings;
mod tokens;

use super::{Entry, onnx};

const fn microsoft(
    name: &'static str,
    prepare: fn(&super::Node<'_>) -> Result<super::Op, super::Fault>,
) -> Entry {
    Entry { domain: "com.microsoft", name, since: &[1], note: None, varies: false, prepare }
}

pub(super) const OPERATORS: &[Entry] = &[
    onnx("RegexFullMatch", &[20], strings::full_match),
    onnx("StringConcat", &[20], strings::concat),
    onnx("StringNormalizer", &[10], normalise::normalise),
    onnx("StringSplit", &[20], strings::split),
    onnx("TfIdfVectorizer", &[9], ngrams::count),
    microsoft("MurmurHash3", hash::murmur),
    microsoft("Tokenizer", tokens::tokenize),
];
