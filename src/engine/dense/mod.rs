//! Small fully connected networks, run without a graph engine.
//!
//! tract spends 5 µs to 8 µs a call on a 4-16-8-1 network, nearly all of it on allocating and
//! bookkeeping around 200 multiplications. [`Network`] is those multiplications: layers over two
//! buffers. Sums are taken in the order of the inputs, whatever the number of rows, so a row has
//! the same bits in every batch. Plain Rust over plain slices: nothing here knows ONNX.

mod engine;
mod linear;
mod network;

pub(super) use engine::DenseEngine;
pub(super) use linear::Linear;
pub(super) use network::{Activation, Layer, Network, Step};
