//! What tract tells of a model.

use crate::Signature;

/// A model as tract runs it.
pub(crate) struct Description {
    pub signature: Signature,
    /// For one row.
    pub multiply_adds: u64,
    /// The most that inner values take at one time, for one row.
    pub activation_bytes: u64,
    /// Name and operator of each step after optimisation. Names are those of the file's nodes, with
    /// something behind a dot where one node became several.
    pub steps: Vec<(String, String)>,
}
