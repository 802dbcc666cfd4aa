//! Bounds on models that come from outside.

/// Bounds on what a model file may ask of this machine; see `docs/bundles.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest model file together with its external data.
    pub max_model_bytes: u64,
    /// Largest single tensor the model may declare (weights, constants, shapes).
    /// Also the largest single tensor a run may make.
    pub max_tensor_bytes: u64,
    /// Turns that all loops of one run may make together.
    pub max_loop_turns: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_model_bytes: 2 << 30, max_tensor_bytes: 1 << 30, max_loop_turns: 10_000_000 }
    }
}
