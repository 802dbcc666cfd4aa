//! From one element type to another.

mod bits;
mod convert;
mod text;

pub(super) use convert::{Rounding, convert};

use super::{Entry, Op, onnx, op};
use crate::native::infer::rules::{Infer::Rule, arithmetic};
use crate::native::{
    exec::one,
    fault::{Fault, fault},
    graph::Node,
    value::{Kind, Tensor},
};

pub(super) const OPERATORS: &[Entry] = &[
    onnx("BitCast", &[26], bits::bit_cast).infers(Rule(arithmetic::bit_cast)),
    onnx("Cast", &[1, 6, 9, 13, 19, 21, 23, 24, 25, 28], cast).infers(Rule(arithmetic::cast)),
    onnx("CastLike", &[15, 19, 21, 23, 24, 25], cast_like).infers(Rule(arithmetic::cast_like)),
];

/// The element type an attribute names.
///
/// # Errors
/// A number that is no element type.
pub(in crate::native) fn kind(node: &Node<'_>, attribute: &str) -> Result<Option<Kind>, Fault> {
    let Some(code) = node.attributes.int(attribute)?.filter(|&code| code != 0) else { return Ok(None) };
    let known = Kind::from_code(code);
    known.map(Some).ok_or_else(|| fault!("attribute `{attribute}` is {code}, which is no element type"))
}

fn rounding(node: &Node<'_>) -> Result<Rounding, Fault> {
    Rounding::new(node.flag("saturate", true)?, node.string("round_mode", "up")?)
}

/// What [`cast`] casts to.
pub(in crate::native) fn target(node: &Node<'_>) -> Result<Kind, Fault> {
    if node.opset >= 6 {
        return kind(node, "to")?.ok_or_else(|| fault!("lacks its attribute `to`"));
    }
    let word = node.string("to", "")?;
    let known = (1..=28).filter_map(Kind::from_code).find(|kind| {
        kind.name().eq_ignore_ascii_case(word)
            || matches!((*kind, word), (Kind::F32, "FLOAT") | (Kind::F64, "DOUBLE"))
    });
    known.ok_or_else(|| fault!("attribute `to` is `{word}`, which is no element type"))
}

/// `Cast`, ai.onnx 1, 6, 9, 13, 19, 21, 23, 24, 25, 28: since 9 text, since 19 floats of 8 bits and
/// `saturate`, since 21 integers of 4, since 24 powers of two (float8e8m0) and `round_mode`, since 28
/// floats of 6. Before 6 the type was written as a word.
fn cast(node: &Node<'_>) -> Result<Op, Fault> {
    let to = target(node)?;
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
