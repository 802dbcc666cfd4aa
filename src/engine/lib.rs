//! ONNX in, tensors out.
//!
//! [`load`] reads and checks a model once; the [`Engine`] it returns is immutable and shared between threads;
//! each thread opens its own [`Session`] and runs it.
//!
//! ```
//! use edgeward_engine::{Choice, Limits, Tensor, load, random_inputs};
//!
//! # let path = std::path::Path::new(concat!(
//! #     env!("CARGO_MANIFEST_DIR"),
//! #     "/../../modules/edgeward/bundles/machine-anomaly/model.onnx"
//! # ));
//! let engine = load(path, &Limits::default(), Choice::Auto)?;
//! let signature = engine.signature();
//! for port in signature.inputs.iter().chain(&signature.outputs) {
//!     println!("{port}"); // its name, element type and dimensions: `x f32[N, 4]`
//! }
//! let mut session = engine.session();
//! // Three rows at once, where rows can be batched.
//! let rows = if signature.free_batch { 3 } else { 1 };
//! let inputs: Vec<Tensor> = random_inputs(signature, rows);
//! let outputs: &[Tensor] = session.run(&inputs)?;
//! assert_eq!(outputs.len(), signature.outputs.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Shapes
//!
//! A [`Signature`] has the inputs and outputs in the file's order, each a [`Port`] with a name, an
//! [`ElementType`] and dimensions. A [`Dim`] is a fixed number, the batch (free, the first dimension of every
//! input and output), or free by another name. [`Tensor`]s are dense, in row-major order, and carry their
//! shape. Half floats are exchanged as f32. A row's outputs have the same bits in every batch.
//!
//! # Errors
//!
//! [`LoadError`] says what is wrong with a file, at which node, and what to do; [`RunError`] what doesn't fit
//! the signature, or what failed. [`Limits`] bound what a model that comes from outside may ask for.
//!
//! # Engines
//!
//! An executor of our own runs every model; with the feature `tract` (on by default) the crate tract runs
//! networks where it is faster. [`Choice`] forces one, [`inspect()`] tells which runs what, [`compare`] holds
//! them against each other. No type of theirs is seen from outside.
#![forbid(unsafe_code)]

mod choice;
mod choose;
pub mod compare;
mod contain;
#[cfg(feature = "tract")]
mod dense;
mod described;
mod engine;
mod error;
#[cfg_attr(not(feature = "tract"), allow(dead_code, reason = "it is about tract"))]
mod evidence;
mod exp;
pub mod fourier;
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
mod trial;

pub use choice::Choice;
pub use choose::{external_files, load};
pub use engine::{Engine, Session};
pub use error::{LoadError, RunError};
pub use inspect::{
    DimReport, MissingOperator, NodeReport, OperatorCount, Opset, OutputReport, PortReport, Report, Running,
    Sized, inspect,
};
pub use limits::Limits;
/// For the fuzz targets of `tests/fuzz`.
#[cfg(fuzzing)]
pub use native::fuzz;
pub use sample::{Sizes, random_inputs, sized_inputs};
pub use signature::{Dim, Port, Signature};
pub use tensor::{ElementType, Tensor, TensorData};
pub use trial::trial_sizes;
