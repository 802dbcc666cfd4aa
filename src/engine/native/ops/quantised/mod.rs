//! Quantised numbers: to integers of few bits and back, and operators on them, those of ONNX Runtime's
//! quantiser (domain com.microsoft) too.
//!
//! Results are within one unit of ONNX Runtime's: it multiplies by a quotient of scales where its
//! vector kernels do, so a value on the edge between two integers may fall to the other side there.

mod contrib;
mod levels;
mod linear;
mod pools;
mod products;

pub(super) use self::{
    levels::{floats, levels, single, zero_point},
    products::centred,
};

use crate::native::{
    facts::kinds::ANY,
    infer::rules::quantised,
    table::{
        Entry,
        Infer::{Rule, Same},
        contrib as microsoft, onnx,
    },
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("DequantizeLinear", &[10, 13, 19, 21, 23, 24, 25, 28], linear::dequantize)
        .infers(Rule(quantised::dequantize)),
    microsoft("DequantizeLinear", linear::dequantize).infers(Rule(quantised::dequantize)),
    microsoft("DynamicQuantizeMatMul", products::dynamic_quantize_matmul)
        .infers(Rule(quantised::matmul_to_float)),
    onnx("DynamicQuantizeLinear", &[11], linear::dynamic).infers(Rule(quantised::dynamic)),
    onnx("MatMulInteger", &[10], products::matmul_integer).infers(Rule(quantised::matmul_integer)),
    microsoft("MatMulIntegerToFloat", products::matmul_integer_to_float)
        .infers(Rule(quantised::matmul_to_float)),
    microsoft("QGemm", products::qgemm).infers(Rule(quantised::qgemm)),
    microsoft("QLinearAdd", contrib::add).infers(Rule(quantised::two_operands)),
    microsoft("QLinearAveragePool", pools::average_pool).infers(Rule(quantised::pool)),
    microsoft("QLinearConcat", contrib::concat).infers(Rule(quantised::concat)),
    microsoft("QLinearGlobalAveragePool", pools::global_average_pool).infers(Rule(quantised::global_pool)),
    microsoft("QLinearLeakyRelu", contrib::leaky_relu).infers(Same(ANY)),
    microsoft("QLinearWhere", contrib::chosen).infers(Rule(quantised::chosen)),
    onnx("QLinearMatMul", &[10, 21], products::qlinear_matmul).infers(Rule(quantised::qlinear_matmul)),
    microsoft("QLinearMul", contrib::mul).infers(Rule(quantised::two_operands)),
    microsoft("QLinearSigmoid", contrib::sigmoid).infers(Same(ANY)),
    microsoft("QLinearSoftmax", contrib::softmax).infers(Same(ANY)),
    onnx("QuantizeLinear", &[10, 13, 19, 21, 23, 24, 25, 28], linear::quantize)
        .infers(Rule(quantised::quantize)),
    microsoft("QuantizeLinear", linear::quantize).infers(Rule(quantised::quantize)),
];
