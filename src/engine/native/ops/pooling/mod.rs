//! Pooling.

mod global;
mod pool;
mod roi;
mod unpool;

pub(super) use pool::max;

use crate::native::{
    infer::rules::window,
    table::{Entry, Infer::Rule, onnx},
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("AveragePool", &[1, 7, 10, 11, 19, 22], pool::average).infers(Rule(window::pool)),
    onnx("GlobalAveragePool", &[1, 22], global::average).infers(Rule(window::global_pool)),
    onnx("GlobalLpPool", &[1, 2, 22], global::norm).infers(Rule(window::global_pool)),
    onnx("GlobalMaxPool", &[1, 22], global::max).infers(Rule(window::global_pool)),
    onnx("LpPool", &[1, 2, 11, 18, 22], pool::norm).infers(Rule(window::pool)),
    onnx("MaxPool", &[1, 8, 10, 11, 12, 22], pool::max).infers(Rule(window::max_pool)),
    onnx("MaxRoiPool", &[1, 22], roi::max_roi_pool).infers(Rule(window::max_roi_pool)),
    onnx("MaxUnpool", &[9, 11, 22], unpool::max_unpool).infers(Rule(window::max_unpool)),
    onnx("RoiAlign", &[10, 16, 22], roi::roi_align).infers(Rule(window::roi_align)),
];
