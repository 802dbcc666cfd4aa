//! Functions of one number that are defined for integers too, and questions about one.

use crate::{
    map_kinds,
    native::{
        attributes::Node,
        exec::{Op, one, op},
        fault::{Fault, fault},
        kernels::number::Number,
        value::{Data, Tensor, small},
    },
    with_kinds,
};

macro_rules! numeric {
    ($($(#[$doc:meta])* $name:ident [$($kind:ident)*], |$x:ident| $body:expr;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name(_: &Node<'_>) -> Result<Op, Fault> {
            op(|run, args| {
                let x = args.tensor(0)?;
                let data = map_kinds!([$($kind),*] x.data(), v => {
                    let mut out = run.buffer(v.len())?;
                    out.extend(v.iter().map(|&$x| $body));
                    out
                }, return Err(fault!("input 0: is {}, which this operator doesn't take", x.kind())));
                one(Tensor::new(x.shape(), data)?)
            })
        }
    )*};
}

numeric! {
    /// `Abs`, ai.onnx 1, 6, 13. The least integer, whose magnitude doesn't fit, stays as it is.
    abs [F32 F64 F16 BF16 I8 I16 I32 I64 U8 U16 U32 U64], |x| x.magnitude();
    /// `Neg`, ai.onnx 1, 6, 13.
    neg [F32 F64 F16 BF16 I8 I16 I32 I64], |x| x.negated();
    /// `Sign`, ai.onnx 9, 13.
    sign [F32 F64 F16 BF16 I8 I16 I32 I64 U8 U16 U32 U64], |x| x.sign();
    /// `Relu`, ai.onnx 1, 6, 13, 14: since 14 integers. NaN stays NaN.
    relu [F32 F64 F16 BF16 I8 I16 I32 I64],
        |x| if x < Number::ZERO { Number::ZERO } else { x };
    /// `Not`, ai.onnx 1.
    not [Bool], |x| !x;
    /// `BitwiseNot`, ai.onnx 18.
    bitwise_not [I8 I16 I32 I64 U8 U16 U32 U64], |x| !x;
}

/// `Shrink`, ai.onnx 9. Integers are computed in f64 and cut off.
pub(super) fn shrink(node: &Node<'_>) -> Result<Op, Fault> {
    let bias = f64::from(node.float("bias", 0.0)?);
    let limit = f64::from(node.float("lambd", 0.5)?);
    op(move |run, args| {
        let x = args.tensor(0)?;
        fn shrunk<T: Number>(x: T, bias: f64, limit: f64) -> T {
            let value = x.to_f64();
            if value < -limit {
                T::from_f64(value + bias)
            } else if value > limit {
                T::from_f64(value - bias)
            } else {
                T::ZERO
            }
        }
        let data = map_kinds!([F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] x.data(), v => {
            let mut out = run.buffer(v.len())?;
            out.extend(v.iter().map(|&x| shrunk(x, bias, limit)));
            out
        }, return Err(fault!("input 0: is {}, must be numbers", x.kind())));
        one(Tensor::new(x.shape(), data)?)
    })
}

/// A question about every element, answered for every float there is.
fn question(ask: impl Fn(f64) -> bool + Copy + Send + Sync + 'static) -> Result<Op, Fault> {
    op(move |run, args| {
        let x = args.tensor(0)?;
        let mut out = run.buffer(x.len())?;
        match x.data() {
            Data::Small(kind, v) if kind.is_float() => {
                out.extend(v.iter().map(|&code| ask(f64::from(small::to_f32(*kind, code)))));
            }
            data => with_kinds!(
                [F32, F64, F16, BF16] data,
                v => out.extend(v.iter().map(|&x| ask(x.to_f64()))),
                return Err(fault!("input 0: is {}, must be floating-point numbers", x.kind()))
            ),
        }
        one(Tensor::of(x.shape(), out)?)
    })
}

/// `IsNaN`, ai.onnx 9, 13, 20: since 20 small floats.
pub(super) fn is_nan(_: &Node<'_>) -> Result<Op, Fault> {
    question(f64::is_nan)
}

/// `IsInf`, ai.onnx 10, 20: since 20 half and small floats.
pub(super) fn is_inf(node: &Node<'_>) -> Result<Op, Fault> {
    let negative = node.flag("detect_negative", true)?;
    let positive = node.flag("detect_positive", true)?;
    question(move |x| x.is_infinite() && if x < 0.0 { negative } else { positive })
}
