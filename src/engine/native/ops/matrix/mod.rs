//! Products of matrices and what is made of them.

mod determinant;
mod einsum;
mod gemm;
mod matmul;

pub(super) use matmul::{Product, wide_product};

use super::{Entry, onnx};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("Det", &[11, 22], determinant::det),
    onnx("Einsum", &[12, 28], einsum::einsum),
    onnx("Gemm", &[1, 6, 7, 9, 11, 13], gemm::gemm),
    onnx("MatMul", &[1, 9, 13], matmul::matmul),
];
