//! From one element type to another.

mod bits;
mod convert;
mod text;

pub(super) use convert::{Rounding, convert};

use crate::native::{
    attributes::{Node, kind},
    exec::{Op, one, op},
    fault::Fault,
    infer::rules::arithmetic,
    table::{Entry, Infer::Rule, onnx},
    value::Tensor,
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("BitCast", &[26], bits::bit_cast).infers(Rule(arithmetic::bit_cast)),
    onnx("Cast", &[1, 6, 9, 13, 19, 21, 23, 24, 25, 28], cast).infers(Rule(arithmetic::cast)),
    onnx("CastLike", &[15, 19, 21, 23, 24, 25], cast_like).infers(Rule(arithmetic::cast_like)),
];

fn rounding(node: &Node<'_>) -> Result<Rounding, Fault> {
    Rounding::new(node.flag("saturate", true)?, node.string("round_mode", "up")?)
}

/// `Cast`, ai.onnx 1, 6, 9, 13, 19, 21, 23, 24, 25, 28: since 9 text, since 19 floats of 8 bits and
/// `saturate`, since 21 integers of 4, since 24 powers of two (float8e8m0) and `round_mode`, since 28
/// floats of 6. Before 6 the type was written as a word.
fn cast(node: &Node<'_>) -> Result<Op, Fault> {
    let to = kind::target(node)?;
    let rounding = rounding(node)?;
    op(move |run, mut args| {
        let x = args.take(0)?;
        let data = convert(run, x.data(), to, rounding)?;
        one(Tensor::new(x.shape(), data)?)
    })
}

/// `CastLike`, ai.onnx 15, 19, 21, 23, 24, 25: as [`cast`], to the type of the second input.
fn cast_like(node: &Node<'_>) -> Result<Op, Fault> {
    let rounding = rounding(node)?;
    op(move |run, mut args| {
        let to = args.tensor(1)?.kind();
        let x = args.take(0)?;
        let data = convert(run, x.data(), to, rounding)?;
        one(Tensor::new(x.shape(), data)?)
    })
}
