//! Powers and remainders.

use half::{bf16, f16};

use crate::{
    map_kinds, map_kinds2,
    native::{
        attributes::Node,
        exec::{Op, Run, one, op},
        fault::{Fault, fault},
        kernels::{
            broadcast,
            number::{Analytic, Float, Number},
        },
        value::{Data, Element, Tensor, elements},
    },
    with_kinds,
};

/// A whole power, wrapping around. Of the negative powers only those of 1 and -1 are whole; the others
/// are cut off to zero.
fn whole_power<T: Number>(base: T, exponent: i64) -> T {
    if exponent < 0 {
        let one = base == T::ONE || base.negated() == T::ONE;
        return if !one {
            T::ZERO
        } else if exponent % 2 == 0 {
            T::ONE
        } else {
            base
        };
    }
    let (mut result, mut square, mut left) = (T::ONE, base, exponent);
    while left > 0 {
        if left % 2 == 1 {
            result = result.times(square);
        }
        square = square.times(square);
        left /= 2;
    }
    result
}

fn power<T: Number>(base: T, exponent: f64) -> T {
    T::from_f64(base.to_f64().powf(exponent))
}

fn whole_exponents(run: &mut Run<'_>, b: &Tensor) -> Result<Vec<i64>, Fault> {
    let mut out = run.buffer(b.len())?;
    with_kinds!(
        [I8, I16, I32, I64, U8, U16, U32, U64] b.data(),
        v => out.extend(v.iter().map(|y| y.to_i64())),
        return Err(fault!("input 1: is {}, must be integers", b.kind()))
    );
    Ok(out)
}

fn exponents(run: &mut Run<'_>, b: &Tensor) -> Result<Vec<f64>, Fault> {
    let mut out = run.buffer(b.len())?;
    with_kinds!(
        [F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] b.data(),
        v => out.extend(v.iter().map(|y| y.to_f64())),
        return Err(fault!("input 1: is {}, must be numbers", b.kind()))
    );
    Ok(out)
}

/// `Pow`, ai.onnx 1, 7, 12, 13, 15: since 12 integers, and exponents of another type than the base.
/// Whole numbers are exact and wrap around; other mixtures are computed in f64.
pub(super) fn pow(_: &Node<'_>) -> Result<Op, Fault> {
    op(|run, args| {
        let (a, b) = (args.tensor(0)?, args.tensor(1)?);
        let shape = broadcast::shape(a.shape(), b.shape())?;
        let len = elements(&shape)?;
        let data = if let (Data::F32(x), Data::F32(y)) = (a.data(), b.data()) {
            let mut out = run.buffer(len)?;
            match y[..] {
                [2.0] => out.extend(x.iter().map(|x| x * x)),
                _ => broadcast::zip((x, a.shape()), (y, b.shape()), &shape, &mut out, |x, y| {
                    Analytic::powf(*x, *y)
                }),
            }
            f32::wrap(out)
        } else if a.kind().is_integer() && b.kind().is_integer() {
            let exponents = whole_exponents(run, b)?;
            map_kinds!([I8, I16, I32, I64, U8, U16, U32, U64] a.data(), x => {
                let mut out = run.buffer(len)?;
                broadcast::zip((x, a.shape()), (&exponents, b.shape()), &shape, &mut out, |&x, &y| whole_power(x, y));
                out
            }, return Err(fault!("input 0: is {}, must be numbers", a.kind())))
        } else {
            let exponents = exponents(run, b)?;
            map_kinds!([F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] a.data(), x => {
                let mut out = run.buffer(len)?;
                broadcast::zip((x, a.shape()), (&exponents, b.shape()), &shape, &mut out, |&x, &y| power(x, y));
                out
            }, return Err(fault!("input 0: is {}, must be numbers", a.kind())))
        };
        one(Tensor::new(shape, data)?)
    })
}

/// The remainder of a division that is rounded down: it has the divisor's sign. Infinite divisors as
/// `numpy.mod` has them.
fn floored<R: Analytic>(x: R, y: R) -> R {
    let rest = x % y;
    if rest == R::ZERO {
        R::ZERO.copysign(y)
    } else if (rest < R::ZERO) != (y < R::ZERO) {
        rest + y
    } else {
        rest
    }
}

/// Remainders of a type: of a division that is cut off, and of one that is rounded down.
trait Remainder: Element {
    fn cut(&self, by: &Self) -> Self;
    fn floor(&self, by: &Self) -> Self;
}

macro_rules! float_remainders {
    ($($t:ty),*) => {$(
        impl Remainder for $t {
            fn cut(&self, by: &Self) -> Self { Float::narrow(self.widen() % by.widen()) }
            fn floor(&self, by: &Self) -> Self { Float::narrow(floored(self.widen(), by.widen())) }
        }
    )*};
}

macro_rules! integer_remainders {
    ($($t:ty),*) => {$(
        impl Remainder for $t {
            fn cut(&self, by: &Self) -> Self { self.checked_rem(*by).unwrap_or(0) }
            #[allow(unused_comparisons, reason = "unsigned integers have no sign to differ")]
            fn floor(&self, by: &Self) -> Self {
                let rest = self.checked_rem(*by).unwrap_or(0);
                if rest != 0 && (rest < 0) != (*by < 0) { rest.wrapping_add(*by) } else { rest }
            }
        }
    )*};
}

float_remainders!(f32, f64, f16, bf16);
integer_remainders!(i8, i16, i32, i64, u8, u16, u32, u64);

/// `Mod`, ai.onnx 10, 13, 28: since 28 floats without `fmod` too. An integer remainder of a division by
/// zero, which ONNX leaves open, is a fault.
pub(super) fn modulo(node: &Node<'_>) -> Result<Op, Fault> {
    let cut = node.flag("fmod", false)?;
    op(move |run, args| {
        let (a, b) = (args.tensor(0)?, args.tensor(1)?);
        let shape = broadcast::shape(a.shape(), b.shape())?;
        let len = elements(&shape)?;
        if with_kinds!([I8, I16, I32, I64, U8, U16, U32, U64] b.data(), v => v.iter().any(|&v| v == 0), false)
        {
            return Err(fault!("divides integers by zero"));
        }
        let data = map_kinds2!(
            [F32, F64, F16, BF16, I8, I16, I32, I64, U8, U16, U32, U64] (a.data(), b.data()), (x, y) => {
                let mut out = run.buffer(len)?;
                let f = if cut { Remainder::cut } else { Remainder::floor };
                broadcast::zip((x, a.shape()), (y, b.shape()), &shape, &mut out, f);
                out
            },
            return Err(fault!("takes two tensors of the same kind of number, is given {a} and {b}"))
        );
        one(Tensor::new(shape, data)?)
    })
}
