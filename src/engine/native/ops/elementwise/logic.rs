//! Comparisons, truth values, bits.

use crate::{
    map_kinds2,
    native::{
        attributes::Node,
        exec::{Op, one, op},
        fault::{Fault, fault},
        kernels::{broadcast, number::Number},
        value::{Tensor, elements},
    },
    with_kinds2,
};

macro_rules! comparisons {
    ($($(#[$doc:meta])* $name:ident [$($kind:ident)*], $compare:expr;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(_: &Node<'_>) -> Result<Op, Fault> {
            op(|run, args| {
                let (a, b) = (args.tensor(0)?, args.tensor(1)?);
                let shape = broadcast::shape(a.shape(), b.shape())?;
                let mut out = run.buffer(elements(&shape)?)?;
                with_kinds2!(
                    [$($kind),*] (a.data(), b.data()), (x, y) =>
                        broadcast::zip((x, a.shape()), (y, b.shape()), &shape, &mut out, $compare),
                    return Err(fault!("takes two tensors of the same kind that can be compared, is given {a} and {b}"))
                );
                one(Tensor::of(shape, out)?)
            })
        }
    )*};
}

comparisons! {
    /// `Equal`, ai.onnx 1, 7, 11, 13, 19: since 11 floats, since 19 strings.
    equal [F32 F64 F16 BF16 I8 I16 I32 I64 U8 U16 U32 U64 Bool String], |a, b| a == b;
    /// `Greater`, ai.onnx 1, 7, 9, 13: since 9 integers.
    greater [F32 F64 F16 BF16 I8 I16 I32 I64 U8 U16 U32 U64], |a, b| a > b;
    /// `GreaterOrEqual`, ai.onnx 12, 16.
    greater_or_equal [F32 F64 F16 BF16 I8 I16 I32 I64 U8 U16 U32 U64], |a, b| a >= b;
    /// `Less`, ai.onnx 1, 7, 9, 13: since 9 integers.
    less [F32 F64 F16 BF16 I8 I16 I32 I64 U8 U16 U32 U64], |a, b| a < b;
    /// `LessOrEqual`, ai.onnx 12, 16.
    less_or_equal [F32 F64 F16 BF16 I8 I16 I32 I64 U8 U16 U32 U64], |a, b| a <= b;
    /// `And`, ai.onnx 1, 7.
    and [Bool], |&a, &b| a && b;
    /// `Or`, ai.onnx 1, 7.
    or [Bool], |&a, &b| a || b;
    /// `Xor`, ai.onnx 1, 7.
    xor [Bool], |&a, &b| a != b;
}

macro_rules! bitwise {
    ($($(#[$doc:meta])* $name:ident, $f:expr;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(_: &Node<'_>) -> Result<Op, Fault> {
            op(|run, args| {
                let (a, b) = (args.tensor(0)?, args.tensor(1)?);
                let shape = broadcast::shape(a.shape(), b.shape())?;
                let len = elements(&shape)?;
                let data = map_kinds2!(
                    [I8, I16, I32, I64, U8, U16, U32, U64] (a.data(), b.data()), (x, y) => {
                        let mut out = run.buffer(len)?;
                        broadcast::zip((x, a.shape()), (y, b.shape()), &shape, &mut out, $f);
                        out
                    },
                    return Err(fault!("takes two tensors of the same kind of integer, is given {a} and {b}"))
                );
                one(Tensor::new(shape, data)?)
            })
        }
    )*};
}

bitwise! {
    /// `BitwiseAnd`, ai.onnx 18.
    bitwise_and, |a, b| a & b;
    /// `BitwiseOr`, ai.onnx 18.
    bitwise_or, |a, b| a | b;
    /// `BitwiseXor`, ai.onnx 18.
    bitwise_xor, |a, b| a ^ b;
    left, |&a, &b| u32::try_from(b.to_i64()).ok().and_then(|by| a.checked_shl(by)).unwrap_or(0);
    // What is shifted out altogether leaves copies of the sign.
    right, |&a, &b| {
        let shifted = u32::try_from(b.to_i64()).ok().and_then(|by| a.checked_shr(by));
        shifted.unwrap_or(if a < Number::ZERO { !0 } else { 0 })
    };
}

/// `BitShift`, ai.onnx 11, 28: since 28 signed integers, shifted right with their sign; amounts that are
/// negative or too large shift everything out.
pub(super) fn bit_shift(node: &Node<'_>) -> Result<Op, Fault> {
    match node.string("direction", "")? {
        "LEFT" => left(node),
        "RIGHT" => right(node),
        other => Err(fault!("attribute `direction` is `{other}`, must be `LEFT` or `RIGHT`")),
    }
}
