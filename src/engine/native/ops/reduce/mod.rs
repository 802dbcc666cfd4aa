//! Many elements to one: sums and their kin, greatest and least, places.

mod arg;
mod fold;
mod sort;

use crate::native::{
    infer::rules::reduce,
    table::{Entry, Infer::Rule, onnx},
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("ArgMax", &[1, 11, 12, 13], arg::arg_max).infers(Rule(reduce::places)),
    onnx("ArgMin", &[1, 11, 12, 13], arg::arg_min).infers(Rule(reduce::places)),
    onnx("NonZero", &[9, 13], arg::non_zero).infers(Rule(reduce::non_zero)),
    onnx("ReduceL1", &[1, 11, 13, 18], fold::l1).infers(Rule(reduce::numbers)),
    onnx("ReduceL2", &[1, 11, 13, 18], fold::l2).infers(Rule(reduce::numbers)),
    onnx("ReduceLogSum", &[1, 11, 13, 18, 28], fold::log_sum).infers(Rule(reduce::numbers)),
    onnx("ReduceLogSumExp", &[1, 11, 13, 18, 28], fold::log_sum_exp).infers(Rule(reduce::numbers)),
    onnx("ReduceMax", &[1, 11, 12, 13, 18, 20], fold::max).infers(Rule(reduce::extremes)),
    onnx("ReduceMean", &[1, 11, 13, 18], fold::mean).infers(Rule(reduce::numbers)),
    onnx("ReduceMin", &[1, 11, 12, 13, 18, 20], fold::min).infers(Rule(reduce::extremes)),
    onnx("ReduceProd", &[1, 11, 13, 18], fold::prod).infers(Rule(reduce::product)),
    onnx("ReduceSum", &[1, 11, 13], fold::sum).infers(Rule(reduce::numbers)),
    onnx("ReduceSumSquare", &[1, 11, 13, 18], fold::sum_square).infers(Rule(reduce::numbers)),
    onnx("TopK", &[1, 10, 11, 24], sort::top_k).infers(Rule(reduce::top_k)),
    onnx("Unique", &[11, 28], sort::unique).infers(Rule(reduce::unique)),
];
