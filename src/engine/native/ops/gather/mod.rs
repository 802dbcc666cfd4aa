//! Elements read from and written to places that other inputs name.

mod from;
mod into;
mod marked;
mod places;

pub(super) use places::index;

use super::{Entry, onnx};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("Compress", &[9, 11, 28], marked::compress),
    onnx("Gather", &[1, 11, 13], from::gather),
    onnx("GatherElements", &[11, 13], from::gather_elements),
    onnx("GatherND", &[11, 12, 13], from::gather_nd),
    onnx("OneHot", &[9, 11, 28], marked::one_hot),
    onnx("Scatter", &[9, 11], into::scatter_elements),
    onnx("ScatterElements", &[11, 13, 16, 18], into::scatter_elements),
    onnx("ScatterND", &[11, 13, 16, 18], into::scatter_nd),
];
