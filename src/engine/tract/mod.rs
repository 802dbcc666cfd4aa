//! The one place that knows tract.

use std::path::Path;

use super::{Engine, Limits, LoadError, Session, Signature};

/// A model optimised by tract.
pub struct TractEngine {
    signature: Signature,
}

impl TractEngine {
    /// Reads, checks and optimises a model.
    pub fn load(_path: &Path, _limits: &Limits) -> Result<Self, LoadError> {
        todo!()
    }
}

impl Engine for TractEngine {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn session(&self) -> Box<dyn Session> {
        todo!()
    }
}
