//! Any number of operands: the greatest, the least, the sum, the mean.

use crate::{
    map_kinds, map_kinds2,
    native::{
        attributes::Node,
        exec::{Args, Op, Outputs, Run, one, op},
        fault::{Fault, fault},
        kernels::{broadcast, number::Number},
        value::{Data, Tensor, elements},
    },
};

fn folded(
    run: &mut Run<'_>,
    args: &mut Args,
    pair: impl Fn(&mut Run<'_>, &Tensor, &Tensor) -> Result<Tensor, Fault>,
) -> Result<Tensor, Fault> {
    let count = args.len();
    let mut all = args.take(0)?;
    for index in 1..count {
        all = pair(run, &all, args.tensor(index)?).map_err(|fault| fault.about(format!("input {index}")))?;
    }
    Ok(all)
}

macro_rules! pairs {
    ($($name:ident [$($kind:ident)*], $f:expr;)*) => {$(
        fn $name(run: &mut Run<'_>, a: &Tensor, b: &Tensor) -> Result<Tensor, Fault> {
            let shape = broadcast::shape(a.shape(), b.shape())?;
            let len = elements(&shape)?;
            let data: Data = map_kinds2!([$($kind),*] (a.data(), b.data()), (x, y) => {
                let mut out = run.buffer(len)?;
                broadcast::zip((x, a.shape()), (y, b.shape()), &shape, &mut out, $f);
                out
            }, return Err(fault!("all inputs must be numbers of the same kind, are {a} and {b}")));
            Tensor::new(shape, data)
        }
    )*};
}

pairs! {
    larger [F32 F64 F16 BF16 I8 I16 I32 I64 U8 U16 U32 U64], |x, y| x.larger(*y);
    smaller [F32 F64 F16 BF16 I8 I16 I32 I64 U8 U16 U32 U64], |x, y| x.smaller(*y);
    plus [F32 F64 F16 BF16 I8 I16 I32 I64 U8 U16 U32 U64], |x, y| x.plus(*y);
}

/// `Max`, ai.onnx 1, 6, 8, 12, 13: since 8 with broadcasting, since 12 integers. NaN wins.
pub(super) fn max(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, mut args| one(folded(run, &mut args, larger)?))
}

/// `Min`, ai.onnx 1, 6, 8, 12, 13: since 8 with broadcasting, since 12 integers. NaN wins.
pub(super) fn min(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, mut args| one(folded(run, &mut args, smaller)?))
}

/// `Sum`, ai.onnx 1, 6, 8, 13: since 8 with broadcasting.
pub(super) fn sum(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, mut args| one(folded(run, &mut args, plus)?))
}

fn divided<T: Number>(total: T, count: f64) -> T {
    T::from_f64(total.to_f64() / count)
}

/// `Mean`, ai.onnx 1, 6, 8, 13: since 8 with broadcasting.
pub(super) fn mean(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, mut args| -> Result<Outputs, Fault> {
        let count = args.len() as f64;
        let total = folded(run, &mut args, plus)?;
        let data = map_kinds!([F32, F64, F16, BF16] total.data(), v => {
            let mut out = run.buffer(v.len())?;
            out.extend(v.iter().map(|&x| divided(x, count)));
            out
        }, return Err(fault!("inputs are {}, must be floating-point numbers", total.kind())));
        one(Tensor::new(total.shape(), data)?)
    })
}
