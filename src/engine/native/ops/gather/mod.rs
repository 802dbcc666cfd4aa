//! Elements read from and written to places that other inputs name.

mod from;
mod into;
mod marked;
mod places;

pub(super) use places::index;

use crate::native::{
    infer::rules::gather,
    table::{Entry, Infer::Rule, onnx},
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("Compress", &[9, 11, 28], marked::compress).infers(Rule(gather::compress)),
    onnx("Gather", &[1, 11, 13], from::gather).infers(Rule(gather::gather)),
    onnx("GatherElements", &[11, 13], from::gather_elements).infers(Rule(gather::gather_elements)),
    onnx("GatherND", &[11, 12, 13], from::gather_nd).infers(Rule(gather::gather_nd)),
    onnx("OneHot", &[9, 11, 28], marked::one_hot).infers(Rule(gather::one_hot)),
    onnx("Scatter", &[9, 11], into::scatter_elements).infers(Rule(gather::scatter)),
    onnx("ScatterElements", &[11, 13, 16, 18], into::scatter_elements).infers(Rule(gather::scatter)),
    onnx("ScatterND", &[11, 13, 16, 18], into::scatter_nd).infers(Rule(gather::scatter)),
];
