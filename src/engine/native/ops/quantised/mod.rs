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

use super::{Entry, contrib as microsoft, onnx};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("DequantizeLinear", &[10, 13, 19, 21, 23, 24, 25, 28], linear::dequantize),
    microsoft("DequantizeLinear", linear::dequantize),
    microsoft("DynamicQuantizeMatMul", products::dynamic_quantize_matmul),
    onnx("DynamicQuantizeLinear", &[11], linear::dynamic),
    onnx("MatMulInteger", &[10], products::matmul_integer),
    microsoft("MatMulIntegerToFloat", products::matmul_integer_to_float),
    microsoft("QGemm", products::qgemm),
    microsoft("QLinearAdd", contrib::add),
    microsoft("QLinearAveragePool", pools::average_pool),
    microsoft("QLinearConcat", contrib::concat),
    microsoft("QLinearGlobalAveragePool", pools::global_average_pool),
    microsoft("QLinearLeakyRelu", contrib::leaky_relu),
    onnx("QLinearMatMul", &[10, 21], products::qlinear_matmul),
    microsoft("QLinearMul", contrib::mul),
    microsoft("QLinearSigmoid", contrib::sigmoid),
    microsoft("QLinearSoftmax", contrib::softmax),
    onnx("QuantizeLinear", &[10, 13, 19, 21, 23, 24, 25, 28], linear::quantize),
    microsoft("QuantizeLinear", linear::quantize),
];
