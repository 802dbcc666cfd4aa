//! Normalisation.

mod batch;
mod layer;
mod local;
mod planes;

use super::{Entry, onnx};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("BatchNormalization", &[1, 6, 7, 9, 14, 15], batch::batch_normalization),
    onnx("GroupNormalization", &[18, 21], planes::group_normalization),
    onnx("InstanceNormalization", &[1, 6, 22], planes::instance_normalization),
    onnx("LRN", &[1, 13], local::lrn),
    onnx("LayerNormalization", &[17], layer::layer_normalization),
    onnx("LpNormalization", &[1, 22], local::lp_normalization),
    onnx("MeanVarianceNormalization", &[9, 13], local::mean_variance_normalization),
    onnx("RMSNormalization", &[23], layer::rms_normalization),
];
