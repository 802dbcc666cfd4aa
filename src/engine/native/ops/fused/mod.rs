//! What ONNX Runtime's optimiser, its quantiser and its optimiser for transformers write in the place of several
//! operators, for the CPU: domain com.microsoft, "ContribOperators.md" of ONNX Runtime. What its quantiser makes of
//! single operators stands with the quantised numbers.

mod activation;
mod attention;
mod blocks;
mod channels_last;
mod embedding;
mod few_bits;
mod gather;
mod gelu;
mod heads;
mod mask;
mod product;
mod rotary;
mod skip;

use crate::native::{
    facts::kinds::{ANY, FLOATS},
    infer::rules::{fused, matrix, window},
    table::{
        Entry,
        Infer::{Rule, Same},
        contrib,
    },
};

pub(super) const OPERATORS: &[Entry] = &[
    contrib("Attention", attention::attention).infers(Rule(fused::attention)),
    contrib("BiasGelu", gelu::bias_gelu).infers(Same(FLOATS)),
    contrib("EmbedLayerNormalization", embedding::embed_layer_normalization).infers(Rule(fused::embedding)),
    contrib("FastGelu", gelu::fast_gelu).infers(Same(FLOATS)),
    contrib("FusedConv", product::fused_conv).infers(Rule(window::conv)),
    contrib("FusedGemm", product::fused_gemm).infers(Rule(matrix::gemm)),
    contrib("FusedMatMul", product::fused_matmul).infers(Rule(fused::matmul)),
    contrib("GatherBlockQuantized", gather::gather_block_quantized).infers(Rule(fused::gather)),
    contrib("MatMulBnb4", few_bits::matmul_bnb4).infers(Rule(fused::few_bits)),
    contrib("MatMulNBits", few_bits::matmul_n_bits).infers(Rule(fused::few_bits)),
    contrib("MultiHeadAttention", attention::multi_head_attention).infers(Rule(fused::multi_head)),
    contrib("NhwcMaxPool", channels_last::max_pool).infers(Rule(fused::of_rank)),
    contrib("QAttention", attention::quantised_attention).infers(Rule(fused::attention)),
    contrib("QEmbedLayerNormalization", embedding::quantised_embed_layer_normalization)
        .infers(Rule(fused::quantised_embedding)),
    contrib("QLinearConv", channels_last::qlinear_conv).infers(Rule(fused::qlinear_conv)),
    contrib("RotaryEmbedding", rotary::rotary_embedding).infers(Same(ANY)),
    contrib("SkipLayerNormalization", skip::skip_layer_normalization).infers(Rule(fused::skip)),
    contrib("SkipSimplifiedLayerNormalization", skip::skip_rms_normalization).infers(Rule(fused::skip)),
    // An older name of FusedMatMul.
    contrib("TransposeMatMul", product::fused_matmul).infers(Rule(fused::matmul)),
];
