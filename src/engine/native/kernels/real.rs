//! The two types that real numbers are computed in: f32 (for half floats too) and f64.

use std::borrow::Cow;

use half::{bf16, f16};

use super::matmul::Scalar;
use crate::{
    native::{
        exec::{Args, Run},
        fault::{Fault, fault},
        value::{Data, Element, Kind, Tensor},
    },
    real::Real,
};

/// A real number that kernels compute in.
pub trait Computed: Real + Element + Scalar {}

impl Computed for f32 {}
impl Computed for f64 {}

/// The floats of a tensor as `T`: borrowed when they are of that type, otherwise converted.
///
/// # Errors
/// A tensor of another kind, or more memory than allowed.
pub fn widened<'t, T: Computed>(run: &mut Run<'_>, tensor: &'t Tensor) -> Result<Cow<'t, [T]>, Fault> {
    if let Some(own) = T::of(tensor.data()) {
        return Ok(Cow::Borrowed(own));
    }
    let mut out = run.buffer(tensor.len())?;
    match tensor.data() {
        Data::F32(v) => out.extend(v.iter().map(|&v| T::from_f64(f64::from(v)))),
        Data::F64(v) => out.extend(v.iter().map(|&v| T::from_f64(v))),
        Data::F16(v) => out.extend(v.iter().map(|v| T::from_f64(v.to_f64()))),
        Data::BF16(v) => out.extend(v.iter().map(|v| T::from_f64(v.to_f64()))),
        _ => return Err(fault!("is {}, must be a float of 16 to 64 bits", tensor.kind())),
    }
    Ok(Cow::Owned(out))
}

/// An input, [`widened`].
///
/// # Errors
/// As [`widened`]; an input left out.
pub fn input<'t, T: Computed>(
    run: &mut Run<'_>,
    args: &'t Args,
    index: usize,
) -> Result<Cow<'t, [T]>, Fault> {
    widened(run, args.tensor(index)?).map_err(|fault| fault.about(format!("input {index}")))
}

/// An input that may be left out, [`widened`].
///
/// # Errors
/// As [`widened`].
pub fn opt_input<'t, T: Computed>(
    run: &mut Run<'_>,
    args: &'t Args,
    index: usize,
) -> Result<Option<Cow<'t, [T]>>, Fault> {
    args.opt_value(index).map(|_| input(run, args, index)).transpose()
}

/// An input that may be left out and must have one number for each of `len`.
///
/// # Errors
/// As [`widened`]; another number of elements.
pub fn opt_vector<'t, T: Computed>(
    run: &mut Run<'_>,
    args: &'t Args,
    index: usize,
    len: usize,
) -> Result<Option<Cow<'t, [T]>>, Fault> {
    let values = opt_input(run, args, index)?;
    match &values {
        Some(values) if values.len() != len => {
            Err(fault!("input {index}: has {} elements, must have {len}", values.len()))
        }
        _ => Ok(values),
    }
}

/// Numbers as elements of `kind`, rounded to it.
///
/// # Errors
/// A kind that is no float of 16 to 64 bits, or more memory than allowed.
pub fn narrowed<T: Computed>(run: &mut Run<'_>, kind: Kind, values: Vec<T>) -> Result<Data, Fault> {
    if kind == T::KIND {
        return Ok(T::wrap(values));
    }
    fn each<T: Computed, R: Element>(
        run: &mut Run<'_>,
        values: &[T],
        f: impl Fn(f64) -> R,
    ) -> Result<Data, Fault> {
        let mut out = run.buffer(values.len())?;
        out.extend(values.iter().map(|v| f(v.to_f64())));
        Ok(R::wrap(out))
    }
    match kind {
        Kind::F32 => each(run, &values, |v| v as f32),
        Kind::F64 => each(run, &values, |v| v),
        Kind::F16 => each(run, &values, f16::from_f64),
        Kind::BF16 => each(run, &values, bf16::from_f64),
        other => Err(fault!("makes floats of 16 to 64 bits, not {other}")),
    }
}

/// A tensor of `kind` from numbers.
///
/// # Errors
/// As [`narrowed`]; numbers that don't fill the shape.
pub fn tensor<T: Computed>(
    run: &mut Run<'_>,
    kind: Kind,
    shape: &[usize],
    values: Vec<T>,
) -> Result<Tensor, Fault> {
    Tensor::new(shape, narrowed(run, kind, values)?)
}

/// `reals!(kind, T => expr)`: evaluates `expr` with `T` the type in which floats of `kind` are computed.
/// Anything that isn't a float leaves the function with a fault.
macro_rules! reals {
    ($kind:expr, $t:ident => $body:expr) => {
        match $kind {
            $crate::native::value::Kind::F64 => {
                type $t = f64;
                $body
            }
            $crate::native::value::Kind::F32
            | $crate::native::value::Kind::F16
            | $crate::native::value::Kind::BF16 => {
                type $t = f32;
                $body
            }
            other => Err($crate::native::fault::fault!("takes floats of 16 to 64 bits, is given {other}")),
        }
    };
}
pub(crate) use reals;

/// The sum of `f` of each number: eight sums side by side, then those, so that the order depends on the
/// length alone and the loop can use a vector unit.
pub fn sum<T: Computed>(values: &[T], f: impl Fn(T) -> T) -> T {
    let mut lanes = [T::ZERO; 8];
    let chunks = values.chunks_exact(8);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane += f(value);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane += f(value);
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + e) + (b + f)) + ((c + g) + (d + h))
}

/// What one operation in elements of `kind` leaves of a number: rounds it there and back.
pub fn rounding<T: Computed>(kind: Kind) -> fn(T) -> T {
    match kind {
        Kind::F16 => |value| T::from_f64(f16::from_f64(value.to_f64()).to_f64()),
        Kind::BF16 => |value| T::from_f64(bf16::from_f64(value.to_f64()).to_f64()),
        _ => |value| value,
    }
}
