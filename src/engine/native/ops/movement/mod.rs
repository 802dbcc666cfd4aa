//! Elements moved by their place: joined, cut, padded, reordered.

mod concat;
mod order;
mod pad;
mod slice;

pub(super) use self::{
    concat::{cut, join},
    order::reordered,
};

use crate::native::{
    facts::kinds::ANY,
    infer::rules::movement,
    table::{
        Entry,
        Infer::{Rule, Same},
        onnx,
    },
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("Concat", &[1, 4, 11, 13], concat::concat).infers(Rule(movement::concat)),
    onnx("Pad", &[1, 2, 11, 13, 18, 19, 21, 23, 24, 25], pad::pad).infers(Rule(movement::pad)),
    onnx("ReverseSequence", &[10, 28], order::reverse_sequence).infers(Same(ANY)),
    onnx("Slice", &[1, 10, 11, 13], slice::slice).infers(Rule(movement::slice)),
    onnx("Split", &[1, 2, 11, 13, 18], concat::split).infers(Rule(movement::split)),
    onnx("Transpose", &[1, 13, 21, 23, 24, 25], order::transpose).infers(Rule(movement::transpose)),
];
