//! Linear models, as `ai.onnx.ml`'s LinearClassifier and LinearRegressor describe them.
//!
//! [`weights`] is rows times coefficients; [`classifier`] and [`regressor`] make a model's outputs
//! of that. Plain Rust over plain slices of f32, the one precision the operators compute in.

mod classifier;
mod regressor;
#[cfg(test)]
mod tests;
mod weights;

pub(super) use classifier::LinearClassifier;
pub(super) use regressor::LinearRegressor;
pub(super) use weights::Weights;
