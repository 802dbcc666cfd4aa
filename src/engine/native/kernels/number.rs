//! What the loops ask of numbers.

use half::{bf16, f16};

use crate::native::value::Element;

/// A number of any type. Integers wrap around; half floats are rounded after every step.
pub trait Number: Element + Copy + PartialOrd {
    const ZERO: Self;
    const ONE: Self;
    /// The least and the greatest there is: infinities for floats.
    const LEAST: Self;
    const GREATEST: Self;
    fn plus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    /// The least integer stays what it is.
    fn magnitude(self) -> Self;
    fn negated(self) -> Self;
    /// -1, 0 or 1; zero for NaN.
    fn sign(self) -> Self;
    fn is_nan(self) -> bool;
    /// Rounded to the nearest.
    fn to_f64(self) -> f64;
    /// Floats are rounded; what integers cannot hold becomes the nearest they can.
    fn from_f64(value: f64) -> Self;
    /// Cut off towards zero, to the nearest there is.
    fn to_i64(self) -> i64;

    /// The greater of two; NaN when one of them is.
    #[inline]
    fn larger(self, other: Self) -> Self {
        if self > other || self.is_nan() { self } else { other }
    }

    /// The lesser of two; NaN when one of them is.
    #[inline]
    fn smaller(self, other: Self) -> Self {
        if self < other || self.is_nan() { self } else { other }
    }
}

macro_rules! float_numbers {
    ($($t:ident: $zero:expr, $one:expr, $to:expr, $from:expr);* $(;)?) => {$(
        impl Number for $t {
            const ZERO: Self = $zero;
            const ONE: Self = $one;
            const LEAST: Self = $t::NEG_INFINITY;
            const GREATEST: Self = $t::INFINITY;
            #[inline]
            fn plus(self, other: Self) -> Self { self + other }
            #[inline]
            fn times(self, other: Self) -> Self { self * other }
            #[inline]
            fn magnitude(self) -> Self { if self.is_sign_negative() { -self } else { self } }
            #[inline]
            fn negated(self) -> Self { -self }
            #[inline]
            fn sign(self) -> Self {
                if self > $zero { $one } else if self < $zero { -$one } else { $zero }
            }
            #[inline]
            fn is_nan(self) -> bool { self.is_nan() }
            #[inline]
            fn to_f64(self) -> f64 { $to(self) }
            #[inline]
            fn from_f64(value: f64) -> Self { $from(value) }
            #[inline]
            fn to_i64(self) -> i64 { $to(self) as i64 }
        }
    )*};
}

float_numbers! {
    f32: 0.0, 1.0, f64::from, |value| value as f32;
    f64: 0.0, 1.0, |value| value, |value| value;
    f16: f16::ZERO, f16::ONE, f16::to_f64, f16::from_f64;
    bf16: bf16::ZERO, bf16::ONE, bf16::to_f64, bf16::from_f64;
}

macro_rules! integer_numbers {
    ($($t:ident: $magnitude:expr, $sign:expr);* $(;)?) => {$(
        impl Number for $t {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            const LEAST: Self = $t::MIN;
            const GREATEST: Self = $t::MAX;
            #[inline]
            fn plus(self, other: Self) -> Self { self.wrapping_add(other) }
            #[inline]
            fn times(self, other: Self) -> Self { self.wrapping_mul(other) }
            #[inline]
            fn magnitude(self) -> Self { $magnitude(self) }
            #[inline]
            fn negated(self) -> Self { self.wrapping_neg() }
            #[inline]
            fn sign(self) -> Self { $sign(self) }
            #[inline]
            fn is_nan(self) -> bool { false }
            #[inline]
            fn to_f64(self) -> f64 { self as f64 }
            #[inline]
            fn from_f64(value: f64) -> Self { value as $t }
            #[inline]
            fn to_i64(self) -> i64 { i64::try_from(self).unwrap_or(i64::MAX) }
        }
    )*};
}

integer_numbers! {
    i8: i8::wrapping_abs, i8::signum;
    i16: i16::wrapping_abs, i16::signum;
    i32: i32::wrapping_abs, i32::signum;
    i64: i64::wrapping_abs, i64::signum;
    u8: |v| v, |v: u8| v.min(1);
    u16: |v| v, |v: u16| v.min(1);
    u32: |v| v, |v: u32| v.min(1);
    u64: |v| v, |v: u64| v.min(1);
}

/// A floating-point number that is kept; half floats are computed with in f32.
pub trait Float: Number {
    type Wide: Analytic;
    fn widen(self) -> Self::Wide;
    fn narrow(wide: Self::Wide) -> Self;
}

/// A floating-point number that is computed with.
pub trait Analytic:
    Float<Wide = Self>
    + super::matmul::Scalar
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::ops::Rem<Output = Self>
    + std::ops::Neg<Output = Self>
    + std::iter::Sum
{
    fn exp(self) -> Self;
    fn exp_m1(self) -> Self;
    fn ln(self) -> Self;
    fn ln_1p(self) -> Self;
    fn sqrt(self) -> Self;
    fn sin(self) -> Self;
    fn cos(self) -> Self;
    fn tan(self) -> Self;
    fn asin(self) -> Self;
    fn acos(self) -> Self;
    fn atan(self) -> Self;
    fn sinh(self) -> Self;
    fn cosh(self) -> Self;
    fn tanh(self) -> Self;
    fn asinh(self) -> Self;
    fn acosh(self) -> Self;
    fn atanh(self) -> Self;
    fn erf(self) -> Self;
    fn floor(self) -> Self;
    fn ceil(self) -> Self;
    fn round_ties_even(self) -> Self;
    fn powf(self, exponent: Self) -> Self;
    fn copysign(self, sign: Self) -> Self;

    /// The logistic function, without overflow on either side.
    #[inline]
    fn sigmoid(self) -> Self {
        let e = (-self.magnitude()).exp();
        let top = if self < Self::ZERO { e } else { Self::ONE };
        top / (Self::ONE + e)
    }

    /// `ln(1 + exp(x))`, without overflow.
    #[inline]
    fn softplus(self) -> Self {
        let positive = if self > Self::ZERO { self } else { Self::ZERO };
        if self.is_nan() { self } else { positive + (-self.magnitude()).exp().ln_1p() }
    }
}

macro_rules! reals {
    ($($t:ident: $erf:path),*) => {$(
        impl Float for $t {
            type Wide = $t;
            #[inline]
            fn widen(self) -> $t { self }
            #[inline]
            fn narrow(wide: $t) -> Self { wide }
        }

        impl Analytic for $t {
            #[inline]
            fn erf(self) -> Self { $erf(self) }
            reals!(@forward $t: exp exp_m1 ln ln_1p sqrt sin cos tan asin acos atan sinh cosh tanh asinh acosh
                atanh floor ceil round_ties_even);
            #[inline]
            fn powf(self, exponent: Self) -> Self { self.powf(exponent) }
            #[inline]
            fn copysign(self, sign: Self) -> Self { self.copysign(sign) }
        }
    )*};
    (@forward $t:ident: $($name:ident)*) => {$(
        #[inline]
        fn $name(self) -> Self { $t::$name(self) }
    )*};
}

reals!(f32: libm::erff, f64: libm::erf);

macro_rules! halves {
    ($($t:ident),*) => {$(
        impl Float for $t {
            type Wide = f32;
            #[inline]
            fn widen(self) -> f32 { self.to_f32() }
            #[inline]
            fn narrow(wide: f32) -> Self { $t::from_f32(wide) }
        }
    )*};
}

halves!(f16, bf16);

/// The elements as they are computed with.
pub fn widen<T: Float>(from: &[T], to: &mut Vec<T::Wide>) {
    to.extend(from.iter().map(|&x| x.widen()));
}

/// The elements as they are kept, in the type of `_like`; where that is no other the memory stays the same.
pub fn narrow<T: Float>(_like: &[T], wide: Vec<T::Wide>) -> Vec<T> {
    wide.into_iter().map(T::narrow).collect()
}
