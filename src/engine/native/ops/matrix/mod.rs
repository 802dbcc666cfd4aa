//! Products of matrices and what is made of them.

mod determinant;
mod einsum;
mod gemm;
mod matmul;

pub(super) use self::{
    gemm::gemm,
    matmul::{Product, wide_product},
};

use crate::native::{
    infer::rules::matrix,
    table::{Entry, Infer::Rule, onnx},
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("Det", &[11, 22], determinant::det).infers(Rule(matrix::det)),
    onnx("Einsum", &[12, 28], einsum::einsum).infers(Rule(matrix::einsum)),
    onnx("Gemm", &[1, 6, 7, 9, 11, 13], gemm::gemm).infers(Rule(matrix::gemm)),
    onnx("MatMul", &[1, 9, 13], matmul::matmul).infers(Rule(matrix::matmul)),
];
