//! A total order of elements: NaN behind all other numbers and equal to itself.

use std::{cmp::Ordering, sync::Arc};

use half::{bf16, f16};

use crate::native::value::Element;

/// Elements that can be sorted.
pub trait Order: Element {
    fn order(&self, other: &Self) -> Ordering;
    /// Zero, false, the empty text.
    fn is_zero(&self) -> bool;
}

macro_rules! floats {
    ($($t:ty: $zero:expr),*) => {$(
        impl Order for $t {
            #[inline]
            fn order(&self, other: &Self) -> Ordering {
                self.partial_cmp(other).unwrap_or_else(|| self.is_nan().cmp(&other.is_nan()))
            }
            #[inline]
            fn is_zero(&self) -> bool { *self == $zero }
        }
    )*};
}

macro_rules! others {
    ($($t:ty: $zero:expr),*) => {$(
        impl Order for $t {
            #[inline]
            fn order(&self, other: &Self) -> Ordering { self.cmp(other) }
            #[inline]
            fn is_zero(&self) -> bool { *self == $zero }
        }
    )*};
}

macro_rules! complex {
    ($($t:ty),*) => {$(
        impl Order for [$t; 2] {
            fn order(&self, other: &Self) -> Ordering {
                self[0].order(&other[0]).then_with(|| self[1].order(&other[1]))
            }
            fn is_zero(&self) -> bool { self[0] == 0.0 && self[1] == 0.0 }
        }
    )*};
}

floats!(f32: 0.0, f64: 0.0, f16: f16::ZERO, bf16: bf16::ZERO);
others!(i8: 0, i16: 0, i32: 0, i64: 0, u8: 0, u16: 0, u32: 0, u64: 0, bool: false);
complex!(f32, f64);

impl Order for Arc<str> {
    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }
    fn is_zero(&self) -> bool {
        self.is_empty()
    }
}
