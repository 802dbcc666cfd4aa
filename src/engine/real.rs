//! The two types that real numbers are computed in: f32 (for half floats too) and f64.

use std::{
    fmt::Debug,
    iter::Sum,
    ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign},
};

/// f32 or f64.
pub trait Real:
    Copy
    + Default
    + Debug
    + PartialEq
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
    + Send
    + Sync
    + 'static
{
    /// Whole numbers in the same order; see [`Real::key`].
    type Key: Copy + Default + Ord + From<u32> + TryInto<u32> + Debug + Send + Sync + 'static;

    const ZERO: Self;
    const ONE: Self;
    const INFINITY: Self;

    /// `a.key() > b.key()` just when `a > b`, and NaN has the least key: comparing whole numbers
    /// spares the walk of a tree the way through the floating-point unit.
    fn key(self) -> Self::Key;
    /// The largest number below this one.
    fn next_down(self) -> Self;
    fn from_f32(value: f32) -> Self;
    fn to_f32(self) -> f32;
    /// Rounds to the type.
    fn from_f64(value: f64) -> Self;
    fn to_f64(self) -> f64;
    fn abs(self) -> Self;
    fn sqrt(self) -> Self;
    /// The standard library's.
    fn exp(self) -> Self;
    /// Our own for f32 ([`crate::exp`]), which vectors of processors can take; the standard library's for f64.
    fn quick_exp(self) -> Self;
    fn ln_1p(self) -> Self;
    fn tanh(self) -> Self;
    fn powf(self, exponent: Self) -> Self;
    fn floor(self) -> Self;
    fn round_ties_even(self) -> Self;
    fn max(self, other: Self) -> Self;
    fn min(self, other: Self) -> Self;
    fn is_nan(self) -> bool;

    fn from_usize(value: usize) -> Self {
        Self::from_f64(value as f64)
    }
}

/// Functions that both types have under the trait's names.
macro_rules! own {
    ($t:ident: $($name:ident($($argument:ident),*) -> $out:ty;)*) => {
        $(
            #[inline(always)]
            fn $name(self $(, $argument: Self)*) -> $out {
                $t::$name(self $(, $argument)*)
            }
        )*
    };
}

macro_rules! real {
    ($t:ident, $key:ty, $signed:ty, $exp:expr) => {
        impl Real for $t {
            type Key = $key;

            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const INFINITY: Self = $t::INFINITY;

            #[inline(always)]
            fn key(self) -> $key {
                // Adding zero makes one zero of the two.
                let bits = (self + 0.0).to_bits();
                // All bits turn for a negative number, the sign alone for a positive one.
                let turned =
                    bits ^ ((bits as $signed >> (<$key>::BITS - 1)) as $key | 1 << (<$key>::BITS - 1));
                if $t::is_nan(self) { 0 } else { turned }
            }
            #[inline]
            #[allow(clippy::cast_lossless, reason = "one text for both types")]
            fn from_f32(value: f32) -> Self {
                value as $t
            }
            #[inline]
            #[allow(clippy::unnecessary_cast, reason = "one text for both types")]
            fn to_f32(self) -> f32 {
                self as f32
            }
            #[inline]
            #[allow(clippy::unnecessary_cast, reason = "one text for both types")]
            fn from_f64(value: f64) -> Self {
                value as $t
            }
            #[inline]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn quick_exp(self) -> Self {
                $exp(self)
            }
            own! { $t:
                next_down() -> Self;
                abs() -> Self;
                sqrt() -> Self;
                exp() -> Self;
                ln_1p() -> Self;
                tanh() -> Self;
                powf(exponent) -> Self;
                floor() -> Self;
                round_ties_even() -> Self;
                max(other) -> Self;
                min(other) -> Self;
                is_nan() -> bool;
            }
        }
    };
}

real!(f32, u32, i32, crate::exp::exp);
real!(f64, u64, i64, f64::exp);
