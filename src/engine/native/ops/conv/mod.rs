//! Convolutions.

mod col2im;
mod deform;
mod integer;
mod plain;
mod transpose;

pub(super) use self::{integer::qlinear_conv, plain::conv};
use crate::native::{
    infer::rules::window as infer_window,
    table::{Entry, Infer::Rule, onnx},
};
pub(super) const OPERATORS: &[Entry] = &[
    onnx("Col2Im", &[18], col2im::col2im).infers(Rule(infer_window::col2im)),
    onnx("Conv", &[1, 11, 22], plain::conv).infers(Rule(infer_window::conv)),
    onnx("ConvInteger", &[10], integer::conv_integer).infers(Rule(infer_window::conv_integer)),
    onnx("ConvTranspose", &[1, 11, 22], transpose::conv_transpose).infers(Rule(infer_window::conv_transpose)),
    onnx("DeformConv", &[19, 22], deform::deform_conv).infers(Rule(infer_window::deform_conv)),
    onnx("QLinearConv", &[10], integer::qlinear_conv).infers(Rule(infer_window::qlinear_conv)),
];
