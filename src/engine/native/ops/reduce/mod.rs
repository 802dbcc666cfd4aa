//! Many elements to one: sums and their kin, greatest and least, places.

mod arg;
mod fold;
mod sort;

use super::{Entry, onnx};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("ArgMax", &[1, 11, 12, 13], arg::arg_max),
    onnx("ArgMin", &[1, 11, 12, 13], arg::arg_min),
    onnx("NonZero", &[9, 13], arg::non_zero),
    onnx("ReduceL1", &[1, 11, 13, 18], fold::l1),
    onnx("ReduceL2", &[1, 11, 13, 18], fold::l2),
    onnx("ReduceLogSum", &[1, 11, 13, 18, 28], fold::log_sum),
    onnx("ReduceLogSumExp", &[1, 11, 13, 18, 28], fold::log_sum_exp),
    onnx("ReduceMax", &[1, 11, 12, 13, 18, 20], fold::max),
    onnx("ReduceMean", &[1, 11, 13, 18], fold::mean),
    onnx("ReduceMin", &[1, 11, 12, 13, 18, 20], fold::min),
    onnx("ReduceProd", &[1, 11, 13, 18], fold::prod),
    onnx("ReduceSum", &[1, 11, 13], fold::sum),
    onnx("ReduceSumSquare", &[1, 11, 13, 18], fold::sum_square),
    onnx("TopK", &[1, 10, 11, 24], sort::top_k),
    onnx("Unique", &[11, 28], sort::unique),
];
