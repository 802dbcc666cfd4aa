//! The operators: one table, one file a family.
//!
//! To add an operator:
//! 1. Write a function `fn name(node: &Node<'_>) -> Result<Op, Fault>` in its family's file. Its docstring
//!    names the domain, the versions it covers and what changed between them
//!    (<https://onnx.ai/onnx/operators/>). It reads attributes and `node.opset`, works out all that
//!    doesn't depend on the inputs, and gives a closure that runs.
//! 2. The closure checks shapes and types, asks `run.buffer(len)` for the memory of its outputs, and
//!    calls a kernel (`super::super::kernels`, or a plain function below) that works on slices.
//!    It never panics and never indexes on trust: negative sizes, wrong ranks, empty tensors and
//!    overflowing integers all arrive here. Integer arithmetic of the model wraps (`wrapping_add`).
//! 3. Add its line to the family's `OPERATORS` and a test beside it; ONNX's own cases run by themselves.
//!
//! A family: `pub(super) const OPERATORS: &[Entry]`, listed in [`FAMILIES`].

mod attention;
mod constant;
mod conv;
mod elementwise;
mod normalisation;
mod pooling;
mod recurrent;
mod signals;
mod spatial;
mod vision;

use super::{exec::{Args, Outputs, Run}, fault::Fault, graph::Node};

/// A prepared operator: takes the state of the run and the inputs, gives the outputs.
pub type Op = Box<dyn Fn(&mut Run<'_>, Args) -> Result<Outputs, Fault> + Send + Sync>;

/// One operator of the table.
pub struct Entry {
    /// Empty for ONNX's own.
    pub domain: &'static str,
    pub name: &'static str,
    /// The versions of the operator set in which its meaning changed, ascending: all of them are
    /// covered. A model for an older set than the first is refused.
    pub since: &'static [i64],
    /// Not the same in every run for the same inputs: random numbers.
    pub varies: bool,
    pub prepare: fn(&Node<'_>) -> Result<Op, Fault>,
}

/// An operator of ONNX's own set.
pub(super) const fn onnx(
    name: &'static str,
    since: &'static [i64],
    prepare: fn(&Node<'_>) -> Result<Op, Fault>,
) -> Entry {
    Entry { domain: "", name, since, varies: false, prepare }
}

/// An operator of `ai.onnx.ml`.
pub(super) const fn ml(
    name: &'static str,
    since: &'static [i64],
    prepare: fn(&Node<'_>) -> Result<Op, Fault>,
) -> Entry {
    Entry { domain: "ai.onnx.ml", name, since, varies: false, prepare }
}

/// A closure as an operator.
pub(super) fn op(
    run: impl Fn(&mut Run<'_>, Args) -> Result<Outputs, Fault> + Send + Sync + 'static,
) -> Result<Op, Fault> {
    Ok(Box::new(run))
}

/// All operators, a family a slice.
pub const FAMILIES: &[(&str, &[Entry])] = &[
    ("attention", attention::OPERATORS),
    ("constants", constant::OPERATORS),
    ("convolution", conv::OPERATORS),
    ("element by element", elementwise::OPERATORS),
    ("images", vision::OPERATORS),
    ("normalisation", normalisation::OPERATORS),
    ("pooling", pooling::OPERATORS),
    ("recurrent layers", recurrent::OPERATORS),
    ("signals", signals::OPERATORS),
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
