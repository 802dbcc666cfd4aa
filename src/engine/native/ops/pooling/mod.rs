//! Pooling.

mod global;
mod pool;
mod roi;
mod unpool;

use super::{Entry, onnx, spatial};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("AveragePool", &[1, 7, 10, 11, 19, 22], pool::average),
    onnx("GlobalAveragePool", &[1, 22], global::average),
    onnx("GlobalLpPool", &[1, 2, 22], global::norm),
    onnx("GlobalMaxPool", &[1, 22], global::max),
    onnx("LpPool", &[1, 2, 11, 18, 22], pool::norm),
    onnx("MaxPool", &[1, 8, 10, 11, 12, 22], pool::max),
    onnx("MaxRoiPool", &[1, 22], roi::max_roi_pool),
    onnx("MaxUnpool", &[9, 11, 22], unpool::max_unpool),
    onnx("RoiAlign", &[10, 16, 22], roi::roi_align),
];
