//! Recurrent layers.

mod activation;
mod layer;

use super::{Entry, onnx};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("GRU", &[1, 3, 7, 14, 22], layer::gru),
    onnx("LSTM", &[1, 7, 14, 22], layer::lstm),
    onnx("RNN", &[1, 7, 14, 22], layer::rnn),
];
