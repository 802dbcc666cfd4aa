//! Element by element, with broadcasting where there are two or more operands.

mod arithmetic;

use super::{Entry, onnx};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("Add", &[7, 13, 14], arithmetic::add),
    onnx("Sub", &[7, 13, 14], arithmetic::sub),
    onnx("Mul", &[7, 13, 14], arithmetic::mul),
    onnx("Div", &[7, 13, 14], arithmetic::div),
];
