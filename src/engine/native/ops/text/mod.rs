//! Text.

mod hash;
mod ngrams;
mod normalise;
mod pattern;
mod strings;
mod tokens;

use super::{Entry, contrib, onnx};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("RegexFullMatch", &[20], strings::full_match),
    onnx("StringConcat", &[20], strings::concat),
    onnx("StringNormalizer", &[10], normalise::normalise),
    onnx("StringSplit", &[20], strings::split),
    onnx("TfIdfVectorizer", &[9], ngrams::count),
    contrib("MurmurHash3", hash::murmur),
    contrib("Tokenizer", tokens::tokenize),
];
