//! Our own executor: any ONNX model, step by step, on tensors of every type.
//!
//! The way of a model: [`graph`] turns its messages into checked steps, [`ops`] prepares each
//! operator once, [`exec`] runs the steps, [`kernels`] are the loops they call, [`value`] is what
//! goes between them. [`model`] reads the file and stands behind [`super::Engine`].
//!
//! Invariants: a model can't make it panic, write outside its buffers, or take more memory for a
//! tensor or more turns of a loop than [`exec::Bounds`] allow. A value never changes once another
//! step can see it.

#![allow(
    clippy::absurd_extreme_comparisons,
    clippy::clone_on_copy,
    clippy::manual_contains,
    clippy::needless_return,
    clippy::unnecessary_cast,
    clippy::useless_conversion,
    reason = "macros write one text for every element type; for some of them a part of it is idle"
)]

mod exec;
mod fault;
#[cfg(any(fuzzing, test))]
pub mod fuzz;
mod graph;
mod infer;
mod kernels;
mod model;
mod ops;
mod ports;
#[cfg(test)]
mod tests;
mod value;

pub use graph::{Axis, Type, label};
pub use model::{has, load, types};
pub use ops::find;
pub use value::{Kind, exchanged};
