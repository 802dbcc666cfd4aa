//! Decision trees and forests, as `ai.onnx.ml`'s TreeEnsembleClassifier, TreeEnsembleRegressor and
//! TreeEnsemble describe them.
//!
//! [`spec`] is the description, [`link`] what the older operators' tables become. [`lower`] brings
//! every kind of branch to one, [`forest`] and [`leaves`] lay the trees out; [`rows`] and [`walk`]
//! find leaves and sum their votes; [`classifier`] and [`regressor`] make a model's outputs of the
//! sums. Plain Rust over plain slices: nothing here knows an inference library.
//!
//! Why our own: tract 0.23 walks one node at a time through an enum (66,000 rows a second where
//! this does millions), labels every row of a two-class forest with the first class, takes
//! `BRANCH_GTE` for a leaf, and trusts class numbers from the file without a check.

mod classifier;
mod feature;
mod forest;
mod leaves;
mod link;
mod lower;
mod place;
mod regressor;
mod rows;
mod spec;
#[cfg(test)]
mod tests;
mod transform;
mod walk;

pub(super) use classifier::Classifier;
pub(super) use link::link;
pub(super) use regressor::{Aggregate, Regressor};
pub(super) use rows::Scratch;
pub(super) use spec::{Branching, LinkedNode, Links, NodeSpec, VoteSpec};
pub(super) use transform::{Transform, logistic, probit};
