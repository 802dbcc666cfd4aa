//! Support vector machines, as `ai.onnx.ml`'s SVMClassifier and SVMRegressor describe them.
//!
//! [`vectors`] holds the support vectors side by side and computes [`kernel`]s of a few rows with
//! all of them; [`machine`] sums these with coefficients; [`classifier`] and [`regressor`] make a
//! model's outputs, [`coupling`] probabilities of decisions between pairs of classes.
//! Plain Rust over plain slices of f32, the one precision the operators compute in; long sums are
//! kept in f64.

mod classifier;
mod coupling;
mod kernel;
mod lanes;
mod machine;
mod regressor;
#[cfg(test)]
mod tests;
mod vectors;

pub(super) use classifier::{SvmClassifier, SvmClassifierSpec};
pub(super) use kernel::Kernel;
pub(super) use machine::Scratch as SvmScratch;
pub(super) use regressor::{SvmRegressor, SvmRegressorSpec};
