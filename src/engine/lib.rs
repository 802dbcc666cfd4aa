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
#[cfg(feature = "tract")]
mod dense;
mod described;
mod engine;
mod error;
mod exp;
mod inspect;
mod limits;
mod linear;
mod native;
mod onnx;
mod operators;
mod real;
mod rows;
mod sample;
mod signature;
mod svm;
mod tensor;
#[cfg(test)]
mod tests;
#[cfg(feature = "tract")]
mod tract;
#[cfg(not(feature = "tract"))]
#[path = "without_tract.rs"]
mod tract;
mod trees;

pub use choose::{Choice, external_files, load};
pub use engine::{Engine, Session};
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
