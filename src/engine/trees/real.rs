//! The two precisions a forest can be in, and what rows may hold.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use crate::exp::exp;

/// The type of thresholds, weights and sums: f32, or f64 where the model says so.
pub trait Real:
    Copy
    + Default
    + PartialOrd
    + PartialEq
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + std::fmt::Debug
    + Send
    + Sync
    + 'static
{
    /// Whole numbers in the same order; see [`Real::key`].
    type Key: Copy + Default + Ord + From<u32> + TryInto<u32> + std::fmt::Debug + Send + Sync + 'static;

    const ZERO: Self;
    const ONE: Self;
    const INFINITY: Self;

    /// `a.key() > b.key()` just when `a > b`, and NaN has the least key: comparing whole numbers
    /// spares the walk the way through the floating-point unit.
    fn key(self) -> Self::Key;
    /// The largest number below this one.
    fn next_down(self) -> Self;
    fn is_nan(self) -> bool;
    fn from_f32(x: f32) -> Self;
    fn from_f64(x: f64) -> Self;
    fn to_f32(self) -> f32;
    fn to_f64(self) -> f64;
    fn exp(self) -> Self;
    fn abs(self) -> Self;
}

macro_rules! real {
    ($real:ty, $key:ty, $signed:ty, $exp:expr) => {
        impl Real for $real {
            type Key = $key;

            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const INFINITY: Self = <$real>::INFINITY;

            #[inline(always)]
            fn key(self) -> $key {
                // Adding zero makes one zero of the two.
                let bits = (self + 0.0).to_bits();
                // All bits turn for a negative number, the sign alone for a positive one.
                let turned =
                    bits ^ ((bits as $signed >> (<$key>::BITS - 1)) as $key | 1 << (<$key>::BITS - 1));
                if <$real>::is_nan(self) { 0 } else { turned }
            }
            fn next_down(self) -> Self {
                <$real>::next_down(self)
            }
            fn is_nan(self) -> bool {
                <$real>::is_nan(self)
            }
            #[allow(clippy::cast_lossless)]
            fn from_f32(x: f32) -> Self {
                x as $real
            }
            fn from_f64(x: f64) -> Self {
                x as $real
            }
            fn to_f32(self) -> f32 {
                self as f32
            }
            #[allow(clippy::cast_lossless)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn exp(self) -> Self {
                $exp(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$real>::abs(self)
            }
        }
    };
}

real!(f32, u32, i32, exp);
real!(f64, u64, i64, f64::exp);

/// What a row may hold, and what a forest of precision `T` sees of it: whole numbers are rounded to
/// `T`, as onnxruntime does before it compares.
pub trait Feature<T>: Copy {
    fn feature(self) -> T;
}

macro_rules! feature {
    ($($from:ty => $to:ty),*) => {
        $(impl Feature<$to> for $from {
            #[inline(always)]
            fn feature(self) -> $to {
                self as $to
            }
        })*
    };
}

feature!(f32 => f32, i32 => f32, i64 => f32, f32 => f64, f64 => f64, i32 => f64, i64 => f64);
