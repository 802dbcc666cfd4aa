//! What runs a model, as its callers see it.

use crate::{RunError, Signature, Tensor};

/// A loaded, checked, optimised model: immutable, shared between threads.
pub trait Engine: Send + Sync {
    /// Names, types and shapes of the inputs and outputs, in the model's order.
    fn signature(&self) -> &Signature;

    /// What runs it: `tract`, `native`, or `dense` for a small network without branches.
    fn name(&self) -> &'static str;

    /// Opens a session with buffers of its own. One per thread.
    fn session(&self) -> Box<dyn Session>;
}

/// One thread's running state of an [`Engine`].
pub trait Session: Send {
    /// Runs the model once.
    ///
    /// `inputs` come in the signature's order, each with the batch as its first dimension where
    /// [`Signature::free_batch`] is true. The answer, in the signature's order, is borrowed from
    /// the session and valid until the next call. A row's values do not depend on the batch it
    /// came in: bit for bit the same for every batch size.
    ///
    /// # Errors
    /// [`RunError`] when the inputs don't fit the signature or the engine fails. May panic on a
    /// hostile model; the caller catches it and opens a new session.
    fn run(&mut self, inputs: &[Tensor]) -> Result<&[Tensor], RunError>;
}
