//! From an ONNX file to something that runs: the synchronous seam between scoring and inference.
//!
//! [`load`] reads and checks a model once; the [`Engine`] it returns is immutable and shared;
//! each scoring thread opens its own [`Session`]. Only `tract` knows the inference library.
//!
//! Invariant: nothing here knows MQTT, clocks or threads, and no foreign type leaves the room.
#![forbid(unsafe_code)]

mod choose;
pub mod compare;
mod contain;
mod dense;
mod error;
mod exp;
mod inspect;
mod limits;
mod linear;
mod native;
mod onnx;
mod operators;
mod rows;
mod sample;
mod signature;
mod svm;
mod tensor;
#[cfg(test)]
mod tests;
mod tract;
mod trees;

pub use choose::{Choice, external_files, load};
pub use error::{LoadError, RunError};
pub use inspect::{
    DimReport, MissingOperator, NodeReport, OperatorCount, Opset, OutputReport, PortReport, Report, Running,
    inspect,
};
pub use limits::Limits;
/// For the fuzz targets of `tests/fuzz`.
#[cfg(fuzzing)]
pub use native::fuzz;
pub use sample::{random_inputs, seeded_inputs};
pub use signature::{Dim, Port, Signature};
pub use tensor::{ElementType, Tensor, TensorData};

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
