//! Values that may be missing.

use smallvec::smallvec;

use crate::native::{
    attributes::Node,
    exec::{Op, one, op},
    fault::{Fault, fault},
    infer::rules::sequence,
    table::{Entry, Infer::Rule, onnx},
    value::{Tensor, Value},
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("Optional", &[15, 28], optional).infers(Rule(sequence::optional)),
    onnx("OptionalGetElement", &[15, 18, 28], get_element).infers(Rule(sequence::get_element)),
    onnx("OptionalHasElement", &[15, 18, 28], has_element).infers(Rule(sequence::has_element)),
];

/// `Optional`, ai.onnx 15, 28: an optional with the input, or an empty one.
fn optional(_: &Node<'_>) -> Result<Op, Fault> {
    op(|_, mut args| {
        let value = match args.opt_value(0) {
            // One in another would let a loop build a chain of any length.
            Some(Value::Optional(_)) => return Err(fault!("input 0: is an optional already")),
            Some(_) => Some(Box::new(args.take_value(0)?)),
            None => None,
        };
        Ok(smallvec![Value::Optional(value)])
    })
}

/// `OptionalGetElement`, ai.onnx 15, 18, 28: since 18 also of what is no optional.
fn get_element(_: &Node<'_>) -> Result<Op, Fault> {
    op(|_, mut args| match args.take_value(0)? {
        Value::Optional(Some(value)) => Ok(smallvec![*value]),
        Value::Optional(None) => Err(fault!("input 0: is an empty optional")),
        value => Ok(smallvec![value]),
    })
}

/// `OptionalHasElement`, ai.onnx 15, 18, 28: since 18 the input may be left out, or be no optional.
fn has_element(_: &Node<'_>) -> Result<Op, Fault> {
    op(|_, args| {
        let has = !matches!(args.opt_value(0), None | Some(Value::Optional(None)));
        one(Tensor::scalar(has))
    })
}
