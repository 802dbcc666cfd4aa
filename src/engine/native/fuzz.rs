//! What the fuzz targets in `tests/fuzz/` call: bytes in, no panic, no more memory than allowed. Compiled for
//! them and for the test that runs what they have found.

use std::sync::Arc;

use bytes::Bytes;
use prost::Message;

use crate::{
    native::{
        build::build,
        exec::{Bounds, Run},
        fault::Fault,
        graph::Graph,
        value::{
            Axis, Data, Element, Kind, Shape, Tensor, Type, Value, Weights, decode, elements, reference,
        },
    },
    onnx::{
        proto::{MapProto, ModelProto, OptionalProto, SequenceProto, SparseTensorProto, TensorProto},
        wire,
    },
};

const BOUNDS: Bounds = Bounds { max_tensor_bytes: 1 << 18, max_loop_turns: 50 };

fn weights() -> Weights<'static> {
    Weights { file: None, max_tensor_bytes: BOUNDS.max_tensor_bytes }
}

fn model(bytes: &[u8]) -> Option<ModelProto> {
    wire::check(bytes).ok()?;
    ModelProto::decode(Bytes::copy_from_slice(bytes)).ok()
}

/// Values of every sort, as far as the bytes are messages of them. The first byte says of what sort.
pub fn parse(bytes: &[u8]) {
    let Some((sort, rest)) = bytes.split_first() else { return };
    let rest = Bytes::copy_from_slice(rest);
    let _: Option<Result<Value, Fault>> = match sort % 5 {
        0 => TensorProto::decode(rest).ok().map(|proto| decode::tensor(&proto, weights()).map(Value::Tensor)),
        1 => SparseTensorProto::decode(rest)
            .ok()
            .map(|proto| decode::sparse(&proto, weights()).map(Value::Tensor)),
        2 => SequenceProto::decode(rest).ok().map(|proto| reference::sequence(&proto, weights())),
        3 => MapProto::decode(rest).ok().map(|proto| reference::map(&proto, weights())),
        _ => OptionalProto::decode(rest).ok().map(|proto| reference::optional(&proto, weights())),
    };
}

/// A model checked and its operators prepared.
pub fn check(bytes: &[u8]) {
    let _ = model(bytes).map(|proto| build(&proto, weights(), BOUNDS));
}

/// A model run, with inputs of the types it declares.
pub fn execute(bytes: &[u8]) {
    let Some(proto) = model(bytes) else { return };
    let Ok(graph) = build(&proto, weights(), BOUNDS) else { return };
    if let Some(inputs) = inputs(&graph) {
        let _ = Run::new(BOUNDS).graph(&graph, inputs, &[]);
    }
}

fn inputs(graph: &Graph) -> Option<Vec<Option<Value>>> {
    graph.inputs.iter().map(|port| value(&port.ty).map(Some)).collect()
}

fn value(ty: &Type) -> Option<Value> {
    match ty {
        Type::Tensor { kind, axes } => {
            let length = |axis: &Axis| if let Axis::Fixed(length) = axis { *length } else { 2 };
            let shape: Shape = axes.iter().flatten().map(length).collect();
            let len = elements(&shape).ok().filter(|&len| len <= 4096)?;
            Tensor::new(shape, data(*kind, len)).ok().map(Value::Tensor)
        }
        Type::Sequence(item) => Some(Value::Sequence(Arc::new(vec![value(item)?, value(item)?]))),
        Type::Optional(item) => Some(Value::Optional(Some(Box::new(value(item)?)))),
        Type::Map(..) | Type::Unknown => None,
    }
}

/// Small numbers of both signs, so that they are indices and lengths too.
fn data(kind: Kind, len: usize) -> Data {
    fn each<T: Element>(len: usize, from: impl Fn(i8) -> T) -> Data {
        T::wrap((0..len).map(|at| from(((at * 7 + 3) % 11) as i8 - 3)).collect())
    }
    match kind {
        Kind::F32 => each(len, |n| f32::from(n) / 2.0),
        Kind::F64 => each(len, |n| f64::from(n) / 2.0),
        Kind::I32 => each(len, i32::from),
        Kind::I64 => each(len, i64::from),
        Kind::I8 => each(len, |n| n),
        Kind::U8 => each(len, i8::unsigned_abs),
        Kind::Bool => each(len, |n| n > 0),
        Kind::String => each(len, |n| Arc::from(format!("a {n}"))),
        kind => Data::zeros(kind, len),
    }
}
