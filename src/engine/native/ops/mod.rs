//! The operators: one table, one file a family.
//!
//! To add an operator:
//! 1. Write a function `fn name(node: &Node<'_>) -> Result<Op, Fault>` in its family's file. Its docstring
//!    names the domain, the versions it covers and what changed between them
//!    (<https://onnx.ai/onnx/operators/>). It reads attributes and `node.opset`, works out all that
//!    doesn't depend on the inputs, and gives a closure that runs.
//! 2. The closure checks shapes and types, asks `run.buffer(len)` for the memory of its outputs, and
//!    calls a kernel (`kernels`, or a plain function below) that works on slices.
//!    It never panics and never indexes on trust: negative sizes, wrong ranks, empty tensors and
//!    overflowing integers all arrive here. Integer arithmetic of the model wraps (`wrapping_add`).
//!    What its rule reads from the attributes too is read in `attributes`, once for both.
//! 3. Add its line to the family's `OPERATORS` and a test beside it; ONNX's own cases run by themselves.
//!
//! 4. Say what is known of its outputs before a run: `.infers(...)` on its line, with a rule that many
//!    share (`table::Infer`) or one of `infer::rules`. Without one nothing is known of them.
//!
//! A family: `pub(super) const OPERATORS: &[Entry]`, listed in [`FAMILIES`].

mod alike;
mod attention;
mod cast;
mod constant;
mod control;
mod conv;
mod elementwise;
mod fused;
mod gather;
mod generate;
mod losses;
mod matrix;
mod ml;
mod movement;
mod normalisation;
mod optional;
mod pooling;
mod quantised;
mod random;
mod recurrent;
mod reduce;
mod sequence;
mod shape;
mod signals;
mod text;
mod training;
mod vision;

use super::table::Entry;

/// All operators, a family a slice.
pub const FAMILIES: &[(&str, &[Entry])] = &[
    ("ai.onnx.ml", ml::OPERATORS),
    ("attention", attention::OPERATORS),
    ("casts", cast::OPERATORS),
    ("constants", constant::OPERATORS),
    ("control flow", control::OPERATORS),
    ("convolution", conv::OPERATORS),
    ("element by element", elementwise::OPERATORS),
    ("fused by ONNX Runtime", fused::OPERATORS),
    ("gathering and scattering", gather::OPERATORS),
    ("generated", generate::OPERATORS),
    ("images", vision::OPERATORS),
    ("losses", losses::OPERATORS),
    ("matrices", matrix::OPERATORS),
    ("movement", movement::OPERATORS),
    ("normalisation", normalisation::OPERATORS),
    ("optionals", optional::OPERATORS),
    ("pooling", pooling::OPERATORS),
    ("quantised numbers", quantised::OPERATORS),
    ("random numbers", random::OPERATORS),
    ("recurrent layers", recurrent::OPERATORS),
    ("reductions", reduce::OPERATORS),
    ("sequences", sequence::OPERATORS),
    ("shapes", shape::OPERATORS),
    ("signals", signals::OPERATORS),
    ("text", text::OPERATORS),
    ("training", training::OPERATORS),
];

/// The table's entry for an operator.
pub fn find(domain: &str, name: &str) -> Option<&'static Entry> {
    all().find(|entry| entry.domain == domain && entry.name == name)
}

/// All entries of the table.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    FAMILIES.iter().flat_map(|(_, entries)| *entries)
}

/// `; did you mean ...` for a name that is nearly one of the table's.
pub fn nearest(domain: &str, name: &str) -> String {
    let close = all()
        .filter(|entry| entry.domain == domain)
        .map(|entry| (strsim::jaro_winkler(entry.name, name), entry.name))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match close {
        Some((likeness, close)) if likeness > 0.92 => format!("; did you mean `{close}`?"),
        _ => String::new(),
    }
}
