//! Text.

mod hash;
mod ngrams;
mod normalise;
mod pattern;
mod strings;
mod tokens;

use crate::native::{
    facts::kinds::TEXT,
    infer::rules::text,
    table::{
        Entry,
        Infer::{Broadcast, Rule, Shaped},
        contrib, onnx,
    },
    value::Kind,
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("RegexFullMatch", &[20], strings::full_match).infers(Shaped(TEXT, Kind::Bool)),
    onnx("StringConcat", &[20], strings::concat).infers(Broadcast(TEXT)),
    onnx("StringNormalizer", &[10], normalise::normalise).infers(Rule(text::normalise)),
    onnx("StringSplit", &[20], strings::split).infers(Rule(text::split)),
    onnx("TfIdfVectorizer", &[9], ngrams::count).infers(Rule(text::count)),
    contrib("MurmurHash3", hash::murmur).infers(Rule(text::hash)),
    contrib("Tokenizer", tokens::tokenize).infers(Rule(text::tokenize)),
];
