//! Attention, and what goes with it in language models.

mod bias;
mod cache;
mod dot_product;
mod flex;
mod linear;
pub(super) mod rotary;

use crate::native::{
    facts::kinds::{ANY, FLOATS},
    infer::rules::{attention, control},
    table::{
        Entry,
        Infer::{Rule, Same},
        onnx,
    },
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("Attention", &[23, 24, 25], dot_product::attention).infers(Rule(attention::attention)),
    onnx("CausalConvWithState", &[27], cache::causal_conv_with_state).infers(Rule(attention::causal_conv)),
    onnx("LinearAttention", &[27], linear::linear_attention).infers(Rule(attention::linear_attention)),
    onnx("RotaryEmbedding", &[23], rotary::rotary_embedding).infers(Same(FLOATS)),
    onnx("TensorScatter", &[24], cache::tensor_scatter).infers(Same(ANY)),
    Entry {
        domain: "ai.onnx.preview",
        name: "FlexAttention",
        since: &[1],
        note: None,
        varies: false,
        prepare: flex::flex_attention,
        infer: Rule(control::flex_attention),
    },
];
