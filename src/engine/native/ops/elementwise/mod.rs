//! Element by element, with broadcasting where there are two or more operands.

mod arithmetic;
mod curves;
mod limits;
mod logic;
mod power;
mod several;
mod signs;
mod softmax;

pub(super) use self::{
    arithmetic::add,
    curves::{exact_gelu, tanh_gelu},
};
use crate::native::{
    facts::kinds::{ANY, BOOL, FLOATS, INTEGERS, NUMBERS, SIGNED},
    infer::rules::arithmetic as infer_arithmetic,
    table::{
        Entry,
        Infer::{Broadcast, Compare, Rule, Same, Shaped},
        contrib, onnx,
    },
    value::Kind,
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("Abs", &[1, 6, 13], signs::abs).infers(Same(NUMBERS)),
    onnx("Acos", &[7, 22], curves::acos).infers(Same(FLOATS)),
    onnx("Acosh", &[9, 22], curves::acosh).infers(Same(FLOATS)),
    onnx("Add", &[7, 13, 14], arithmetic::add).infers(Rule(infer_arithmetic::add)),
    onnx("And", &[1, 7], logic::and).infers(Compare(BOOL)),
    onnx("Asin", &[7, 22], curves::asin).infers(Same(FLOATS)),
    onnx("Asinh", &[9, 22], curves::asinh).infers(Same(FLOATS)),
    onnx("Atan", &[7, 22], curves::atan).infers(Same(FLOATS)),
    onnx("Atanh", &[9, 22], curves::atanh).infers(Same(FLOATS)),
    onnx("BitShift", &[11, 28], logic::bit_shift).infers(Broadcast(INTEGERS)),
    onnx("BitwiseAnd", &[18], logic::bitwise_and).infers(Broadcast(INTEGERS)),
    onnx("BitwiseNot", &[18], signs::bitwise_not).infers(Same(INTEGERS)),
    onnx("BitwiseOr", &[18], logic::bitwise_or).infers(Broadcast(INTEGERS)),
    onnx("BitwiseXor", &[18], logic::bitwise_xor).infers(Broadcast(INTEGERS)),
    onnx("Ceil", &[1, 6, 13], curves::ceil).infers(Same(FLOATS)),
    onnx("Celu", &[12, 28], curves::celu).infers(Same(FLOATS)),
    onnx("Clip", &[1, 6, 11, 12, 13], limits::clip).infers(Rule(infer_arithmetic::clip)),
    onnx("Cos", &[7, 22], curves::cos).infers(Same(FLOATS)),
    onnx("Cosh", &[9, 22], curves::cosh).infers(Same(FLOATS)),
    onnx("Div", &[7, 13, 14], arithmetic::div).infers(Rule(infer_arithmetic::div)),
    onnx("Dropout", &[1, 6, 7, 10, 12, 13, 22], limits::dropout)
        .varying()
        .infers(Rule(infer_arithmetic::dropout)),
    onnx("Elu", &[1, 6, 22], curves::elu).infers(Same(FLOATS)),
    onnx("Equal", &[1, 7, 11, 13, 19], logic::equal).infers(Rule(infer_arithmetic::equal)),
    onnx("Erf", &[9, 13], curves::erf).infers(Same(FLOATS)),
    onnx("Exp", &[1, 6, 13], curves::exp).infers(Same(FLOATS)),
    onnx("Floor", &[1, 6, 13], curves::floor).infers(Same(FLOATS)),
    onnx("Gelu", &[20], curves::gelu).infers(Same(FLOATS)),
    contrib("Gelu", curves::gelu).infers(Same(FLOATS)),
    contrib("QuickGelu", curves::quick_gelu).infers(Same(FLOATS)),
    onnx("Greater", &[1, 7, 9, 13], logic::greater).infers(Compare(NUMBERS)),
    onnx("GreaterOrEqual", &[12, 16], logic::greater_or_equal).infers(Compare(NUMBERS)),
    onnx("HardSigmoid", &[1, 6, 22], curves::hard_sigmoid).infers(Same(FLOATS)),
    onnx("HardSwish", &[14, 22], curves::hard_swish).infers(Same(FLOATS)),
    onnx("Hardmax", &[1, 11, 13], softmax::hardmax).infers(Same(FLOATS)),
    onnx("IsInf", &[10, 20], signs::is_inf).infers(Shaped(ANY, Kind::Bool)),
    onnx("IsNaN", &[9, 13, 20], signs::is_nan).infers(Shaped(ANY, Kind::Bool)),
    onnx("LeakyRelu", &[1, 6, 16], curves::leaky_relu).infers(Same(FLOATS)),
    onnx("Less", &[1, 7, 9, 13], logic::less).infers(Compare(NUMBERS)),
    onnx("LessOrEqual", &[12, 16], logic::less_or_equal).infers(Compare(NUMBERS)),
    onnx("Log", &[1, 6, 13], curves::log).infers(Same(FLOATS)),
    onnx("LogSoftmax", &[1, 11, 13], softmax::log_softmax).infers(Same(FLOATS)),
    onnx("Max", &[1, 6, 8, 12, 13], several::max).infers(Broadcast(NUMBERS)),
    onnx("Mean", &[1, 6, 8, 13], several::mean).infers(Broadcast(FLOATS)),
    onnx("Min", &[1, 6, 8, 12, 13], several::min).infers(Broadcast(NUMBERS)),
    onnx("Mish", &[18, 22], curves::mish).infers(Same(FLOATS)),
    onnx("Mod", &[10, 13, 28], power::modulo).infers(Broadcast(NUMBERS)),
    onnx("Mul", &[7, 13, 14], arithmetic::mul).infers(Rule(infer_arithmetic::mul)),
    onnx("Neg", &[1, 6, 13], signs::neg).infers(Same(FLOATS.and(SIGNED))),
    onnx("Not", &[1], signs::not).infers(Same(BOOL)),
    onnx("Or", &[1, 7], logic::or).infers(Compare(BOOL)),
    onnx("PRelu", &[1, 6, 7, 9, 16], limits::prelu).infers(Rule(infer_arithmetic::prelu)),
    onnx("Pow", &[1, 7, 12, 13, 15], power::pow).infers(Rule(infer_arithmetic::pow)),
    onnx("Reciprocal", &[1, 6, 13], curves::reciprocal).infers(Same(FLOATS)),
    onnx("Relu", &[1, 6, 13, 14], signs::relu).infers(Same(FLOATS.and(SIGNED))),
    onnx("Round", &[11, 22], curves::round).infers(Same(FLOATS)),
    onnx("Selu", &[1, 6, 22], curves::selu).infers(Same(FLOATS)),
    onnx("Shrink", &[9], signs::shrink).infers(Same(NUMBERS)),
    onnx("Sigmoid", &[1, 6, 13], curves::sigmoid).infers(Same(FLOATS)),
    onnx("Sign", &[9, 13], signs::sign).infers(Same(NUMBERS)),
    onnx("Sin", &[7, 22], curves::sin).infers(Same(FLOATS)),
    onnx("Sinh", &[9, 22], curves::sinh).infers(Same(FLOATS)),
    onnx("Softmax", &[1, 11, 13], softmax::softmax).infers(Same(FLOATS)),
    onnx("Softplus", &[1, 22], curves::softplus).infers(Same(FLOATS)),
    onnx("Softsign", &[1, 22], curves::softsign).infers(Same(FLOATS)),
    onnx("Sqrt", &[1, 6, 13], curves::sqrt).infers(Same(FLOATS)),
    onnx("Sub", &[7, 13, 14], arithmetic::sub).infers(Rule(infer_arithmetic::sub)),
    onnx("Sum", &[1, 6, 8, 13], several::sum).infers(Broadcast(NUMBERS)),
    onnx("SwiGLU", &[28], limits::swiglu).infers(Rule(infer_arithmetic::swiglu)),
    onnx("Swish", &[24], curves::swish).infers(Same(FLOATS)),
    onnx("Tan", &[7, 22], curves::tan).infers(Same(FLOATS)),
    onnx("Tanh", &[1, 6, 13], curves::tanh).infers(Same(FLOATS)),
    onnx("ThresholdedRelu", &[10, 22], curves::thresholded_relu).infers(Same(FLOATS)),
    onnx("Where", &[9, 16], limits::where_).infers(Rule(infer_arithmetic::where_)),
    onnx("Xor", &[1, 7], logic::xor).infers(Compare(BOOL)),
];
