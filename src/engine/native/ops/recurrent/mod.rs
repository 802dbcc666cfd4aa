//! Recurrent layers.

pub(super) mod activation;
mod layer;
mod quantised;

use crate::native::{
    infer::rules::make,
    table::{Entry, Infer::Rule, contrib as microsoft, onnx},
};

pub(super) const OPERATORS: &[Entry] = &[
    microsoft("DynamicQuantizeLSTM", quantised::lstm).infers(Rule(make::quantised_lstm)),
    onnx("GRU", &[1, 3, 7, 14, 22], layer::gru).infers(Rule(make::recurrent)),
    onnx("LSTM", &[1, 7, 14, 22], layer::lstm).infers(Rule(make::recurrent)),
    onnx("RNN", &[1, 7, 14, 22], layer::rnn).infers(Rule(make::recurrent)),
];
