//! Values from nowhere: constants, and tensors made from a shape.

use crate::native::{
    attributes::Node,
    exec::{Op, one, op},
    fault::{Fault, fault},
    infer::rules::shape,
    table::{Entry, Infer::Rule, onnx},
    value::{Tensor, decode},
};
use std::sync::Arc;

pub(super) const OPERATORS: &[Entry] = &[
    onnx("Constant", &[1, 9, 11, 12, 13, 19, 21, 23, 24, 25], constant),
    onnx("ConstantOfShape", &[9, 20, 21, 23, 24, 25], constant_of_shape)
        .infers(Rule(shape::constant_of_shape)),
    onnx("Identity", &[1, 13, 14, 16, 19, 21, 23, 24, 25], identity).infers(Rule(shape::identity)),
];

/// `Constant`, ai.onnx 1 to 25: one of seven attributes is the value. Since 11 sparse tensors, since 12
/// scalars and vectors.
fn constant(node: &Node<'_>) -> Result<Op, Fault> {
    let a = &node.attributes;
    let tensor = if let Some(tensor) = a.tensor("value")? {
        tensor
    } else if let Some(tensor) = a.sparse_tensor("sparse_value")? {
        tensor
    } else if let Some(value) = a.float("value_float")? {
        Tensor::scalar(value)
    } else if let Some(values) = a.floats("value_floats")? {
        Tensor::vector(values.to_vec())
    } else if let Some(value) = a.int("value_int")? {
        Tensor::scalar(value)
    } else if let Some(values) = a.ints("value_ints")? {
        Tensor::vector(values.to_vec())
    } else if let Some(value) = a.string("value_string")? {
        Tensor::scalar::<Arc<str>>(value.into())
    } else if let Some(values) = a.strings("value_strings")? {
        Tensor::vector::<Arc<str>>(values.into_iter().map(Arc::from).collect())
    } else {
        return Err(fault!("has none of its attributes `value`, `value_float`, ..."));
    };
    op(move |_, _| one(tensor.clone()))
}

/// `ConstantOfShape`, ai.onnx 9 to 25: one value repeated, zero by default. Later versions add types.
fn constant_of_shape(node: &Node<'_>) -> Result<Op, Fault> {
    let value = node.attributes.tensor("value")?.unwrap_or_else(|| Tensor::vector(vec![0f32]));
    if value.len() != 1 {
        return Err(fault!("attribute `value` has {} elements, must have one", value.len()));
    }
    op(move |run, args| {
        let shape = decode::shape(args.slice::<i64>(0)?)?;
        let len = crate::native::value::elements(&shape)?;
        let data = crate::map_data!(value.data(), v => run.filled(len, v[0].clone())?);
        one(Tensor::new(shape, data)?)
    })
}

/// `Identity`, ai.onnx 1 to 25: since 14 sequences, since 16 optionals.
fn identity(_: &Node<'_>) -> Result<Op, Fault> {
    op(|_, mut args| Ok(smallvec::smallvec![args.take_value(0)?]))
}
