//! Operators whose attributes are graphs.

mod body;
mod branch;
mod each;
mod repeat;
mod scan;

use crate::native::{
    infer::rules::control,
    table::{Entry, Infer::Rule, onnx},
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("If", &[1, 11, 13, 16, 19, 21, 23, 24, 25], branch::branch).infers(Rule(control::branch)),
    onnx("Loop", &[1, 11, 13, 16, 19, 21, 23, 24, 25], repeat::repeat).infers(Rule(control::repeat)),
    onnx("Scan", &[8, 9, 11, 16, 19, 21, 23, 24, 25], scan::scan).infers(Rule(control::scan)),
    onnx("SequenceMap", &[17], each::each).infers(Rule(control::each)),
];
