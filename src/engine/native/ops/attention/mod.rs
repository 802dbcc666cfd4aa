//! Attention, and what goes with it in language models.

mod bias;
mod cache;
mod dot_product;
mod flex;
mod linear;
mod rotary;

use super::{Entry, onnx};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("Attention", &[23, 24, 25], dot_product::attention),
    onnx("CausalConvWithState", &[27], cache::causal_conv_with_state),
    onnx("LinearAttention", &[27], linear::linear_attention),
    onnx("RotaryEmbedding", &[23], rotary::rotary_embedding),
    onnx("TensorScatter", &[24], cache::tensor_scatter),
    Entry {
        domain: "ai.onnx.preview",
        name: "FlexAttention",
        since: &[1],
        note: None,
        varies: false,
        prepare: flex::flex_attention,
    },
];
