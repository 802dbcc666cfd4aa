//! The four basic operations.

use half::{bf16, f16};

use crate::{
    map_kinds2,
    native::{
        attributes::Node,
        exec::{Op, one, op},
        fault::{Fault, fault},
        kernels::broadcast,
        value::{Element, Tensor, elements},
    },
    with_kinds,
};

/// What the four operations mean for a type. Integers wrap around, as in ONNX Runtime and NumPy;
/// half floats are rounded after every operation.
trait Arithmetic: Element {
    fn plus(&self, other: &Self) -> Self;
    fn minus(&self, other: &Self) -> Self;
    fn times(&self, other: &Self) -> Self;
    /// Integers are never asked to divide by zero.
    fn by(&self, other: &Self) -> Self;
}

macro_rules! floats {
    ($($t:ty),*) => {$(
        impl Arithmetic for $t {
            #[inline]
            fn plus(&self, other: &Self) -> Self { *self + *other }
            #[inline]
            fn minus(&self, other: &Self) -> Self { *self - *other }
            #[inline]
            fn times(&self, other: &Self) -> Self { *self * *other }
            #[inline]
            fn by(&self, other: &Self) -> Self { *self / *other }
        }
    )*};
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Arithmetic for $t {
            #[inline]
            fn plus(&self, other: &Self) -> Self { self.wrapping_add(*other) }
            #[inline]
            fn minus(&self, other: &Self) -> Self { self.wrapping_sub(*other) }
            #[inline]
            fn times(&self, other: &Self) -> Self { self.wrapping_mul(*other) }
            #[inline]
            fn by(&self, other: &Self) -> Self { self.checked_div(*other).unwrap_or(*self) }
        }
    )*};
}

floats!(f32, f64, f16, bf16);
integers!(i8, i16, i32, i64, u8, u16, u32, u64);

macro_rules! operator {
    ($(#[$doc:meta])* $name:ident, $method:ident) => {
        $(#[$doc])*
        pub fn $name(_: &Node<'_>) -> Result<Op, Fault> {
            op(|run, args| {
                let (a, b) = (args.tensor(0)?, args.tensor(1)?);
                let shape = broadcast::shape(a.shape(), b.shape())?;
                let len = elements(&shape)?;
                let data = map_kinds2!(
                    [F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64]
                    (a.data(), b.data()), (x, y) => {
                        let mut out = run.buffer(len)?;
                        broadcast::zip((x, a.shape()), (y, b.shape()), &shape, &mut out, Arithmetic::$method);
                        out
                    },
                    return Err(fault!("takes two tensors of the same kind of number, is given {a} and {b}"))
                );
                one(Tensor::new(shape, data)?)
            })
        }
    };
}

operator! {
    /// `Add`, ai.onnx 7, 13, 14: later versions add types.
    add, plus
}
operator! {
    /// `Sub`, ai.onnx 7, 13, 14: later versions add types.
    sub, minus
}
operator! {
    /// `Mul`, ai.onnx 7, 13, 14: later versions add types.
    mul, times
}

/// `Div`, ai.onnx 7, 13, 14: later versions add types. Integers are cut towards zero; an integer
/// division by zero, which ONNX leaves open, is a fault.
pub(super) fn div(node: &Node<'_>) -> Result<Op, Fault> {
    operator! { inner, by }
    let divide = inner(node)?;
    op(move |run, args| {
        let divisor = args.tensor(1)?;
        let has_zero = with_kinds!(
            [I8, I16, I32, I64, U8, U16, U32, U64] divisor.data(), v => v.iter().any(|&v| v == 0), false
        );
        if has_zero {
            return Err(fault!("divides integers by zero"));
        }
        divide(run, args)
    })
}
