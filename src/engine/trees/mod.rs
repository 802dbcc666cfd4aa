//! Decision trees and forests, as `ai.onnx.ml`'s TreeEnsembleClassifier and TreeEnsembleRegressor
//! describe them.
//!
//! [`forest`] checks the description and lays the trees out; [`walk`] finds leaves and sums their
//! votes; [`classifier`] and [`regressor`] make a model's outputs of the sums. Plain Rust over
//! plain slices: nothing here knows an inference library.
//!
//! Why our own: tract 0.23 walks one node at a time through an enum (66,000 rows a second where
//! this does millions), labels every row of a two-class forest with the first class, takes
//! `BRANCH_GTE` for a leaf, and trusts class numbers from the file without a check.

mod classifier;
mod forest;
mod regressor;
mod transform;
mod walk;

pub(super) use classifier::{Classifier, Labels};
pub(super) use forest::{Branching, Forest, NodeSpec, VoteSpec};
pub(super) use regressor::{Aggregate, Regressor};
pub(super) use transform::Transform;
