//! Normalisation.

mod batch;
pub(super) mod layer;
mod local;
mod planes;

use crate::native::{
    facts::kinds::FLOATS,
    infer::rules::arithmetic,
    table::{
        Entry,
        Infer::{Rule, Same},
        onnx,
    },
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("BatchNormalization", &[1, 6, 7, 9, 14, 15], batch::batch_normalization)
        .infers(Rule(arithmetic::batch_normalization)),
    onnx("GroupNormalization", &[18, 21], planes::group_normalization).infers(Same(FLOATS)),
    onnx("InstanceNormalization", &[1, 6, 22], planes::instance_normalization).infers(Same(FLOATS)),
    onnx("LRN", &[1, 13], local::lrn).infers(Same(FLOATS)),
    onnx("LayerNormalization", &[1, 17], layer::layer_normalization)
        .infers(Rule(arithmetic::layer_normalization)),
    onnx("LpNormalization", &[1, 22], local::lp_normalization).infers(Same(FLOATS)),
    onnx("MeanVarianceNormalization", &[9, 13], local::mean_variance_normalization).infers(Same(FLOATS)),
    // ONNX Runtime's own, in ONNX's domain.
    onnx("SimplifiedLayerNormalization", &[1], layer::rms_normalization)
        .infers(Rule(arithmetic::rms_normalization)),
    onnx("RMSNormalization", &[23], layer::rms_normalization).infers(Rule(arithmetic::rms_normalization)),
];
