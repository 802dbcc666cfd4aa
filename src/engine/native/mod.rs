//! Our own executor: any ONNX model, step by step, on tensors of every type.
//!
//! The way of a model: [`build`] turns its messages into a [`graph`] of checked steps, each prepared once by
//! an operator of [`ops`] after what [`attributes`] reads; [`infer`] works out what is known of every value
//! ([`facts`]); the graph is run with what [`exec`] gives; [`kernels`] are the loops, [`value`] is what goes
//! between them. [`model`] reads the file and stands behind [`super::Engine`].
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

mod attributes;
mod build;
mod exec;
mod facts;
mod fault;
#[cfg(any(fuzzing, test))]
pub mod fuzz;
mod graph;
mod infer;
mod kernels;
mod model;
mod ops;
mod ports;
mod table;
#[cfg(test)]
mod tests;
mod value;

pub use build::label;
pub use model::{has, load, types};
pub use ops::find;
pub use value::{Axis, Kind, Type, exchanged};
