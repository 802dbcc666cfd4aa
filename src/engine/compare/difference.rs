//! How far apart two answers are.

use serde::Serialize;

use crate::{Tensor, TensorData};

/// The differences of one output over all that was compared.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    pub output: String,
    /// Elements compared.
    pub elements: u64,
    /// Elements that are not the same to the bit (text, integers: not equal).
    pub different: u64,
    /// The largest `|a - b|`.
    pub largest_absolute: f64,
    /// The largest `|a - b| / max(|a|, |b|, 1)`: relative for large numbers, absolute for small ones.
    pub largest_scaled: f64,
    /// Answers of another shape or type, and numbers against NaN or infinity.
    pub incomparable: u64,
}

impl Difference {
    pub fn new(output: &str) -> Self {
        Difference {
            output: output.into(),
            elements: 0,
            different: 0,
            largest_absolute: 0.0,
            largest_scaled: 0.0,
            incomparable: 0,
        }
    }

    /// True when nothing is further apart than `tolerance`, scaled, and nothing was incomparable. What
    /// isn't a float must be equal.
    pub fn is_within(&self, tolerance: f64) -> bool {
        self.incomparable == 0 && self.largest_scaled <= tolerance
    }

    /// Adds one pair of answers.
    pub fn add(&mut self, a: &Tensor, b: Option<&Tensor>) {
        self.elements += a.data.len() as u64;
        let Some(b) = b.filter(|b| b.shape == a.shape) else {
            self.incomparable += 1;
            return;
        };
        match (&a.data, &b.data) {
            (TensorData::F32(a), TensorData::F32(b)) => {
                a.iter().zip(b).for_each(|(&a, &b)| self.pair(a.into(), b.into()));
            }
            (TensorData::F64(a), TensorData::F64(b)) => a.iter().zip(b).for_each(|(&a, &b)| self.pair(a, b)),
            (a, b) if a.element() != b.element() => self.incomparable += 1,
            (TensorData::Bool(a), TensorData::Bool(b)) => self.equal(a, b),
            (TensorData::String(a), TensorData::String(b)) => self.equal(a, b),
            (TensorData::I8(a), TensorData::I8(b)) => self.integers(a, b),
            (TensorData::I16(a), TensorData::I16(b)) => self.integers(a, b),
            (TensorData::I32(a), TensorData::I32(b)) => self.integers(a, b),
            (TensorData::I64(a), TensorData::I64(b)) => self.integers(a, b),
            (TensorData::U8(a), TensorData::U8(b)) => self.integers(a, b),
            (TensorData::U16(a), TensorData::U16(b)) => self.integers(a, b),
            (TensorData::U32(a), TensorData::U32(b)) => self.integers(a, b),
            (TensorData::U64(a), TensorData::U64(b)) => self.integers(a, b),
            _ => self.incomparable += 1,
        }
    }

    fn integers<T: Copy + PartialEq + TryInto<i128>>(&mut self, a: &[T], b: &[T]) {
        for (a, b) in a.iter().zip(b).filter(|(a, b)| a != b) {
            self.different += 1;
            // Every integer type fits.
            let apart = (*a).try_into().unwrap_or(0).abs_diff((*b).try_into().unwrap_or(0)) as f64;
            self.largest_absolute = self.largest_absolute.max(apart);
            self.largest_scaled = self.largest_scaled.max(apart);
        }
    }

    fn equal<T: PartialEq>(&mut self, a: &[T], b: &[T]) {
        let different = a.iter().zip(b).filter(|(a, b)| a != b).count() as u64;
        self.different += different;
        self.incomparable += different;
    }

    fn pair(&mut self, a: f64, b: f64) {
        if a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan() {
            return;
        }
        self.different += 1;
        if a == b {
            return;
        }
        if !(a.is_finite() && b.is_finite()) {
            self.incomparable += 1;
            return;
        }
        let apart = (a - b).abs();
        self.largest_absolute = self.largest_absolute.max(apart);
        self.largest_scaled = self.largest_scaled.max(apart / a.abs().max(b.abs()).max(1.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn f32s(values: &[f32]) -> Tensor {
        Tensor::new(vec![values.len()], TensorData::F32(values.to_vec()))
    }

    #[test]
    fn small_numbers_count_absolutely_and_large_ones_relatively() {
        let mut difference = Difference::new("y");
        difference.add(&f32s(&[0.0, 1000.0]), Some(&f32s(&[0.25, 1001.0])));
        assert_eq!((difference.elements, difference.different), (2, 2));
        assert_eq!((difference.largest_absolute, difference.largest_scaled), (1.0, 0.25));
        assert!(difference.is_within(0.25) && !difference.is_within(0.2));
    }

    #[test]
    fn not_a_number_equals_itself_and_nothing_else() {
        let mut difference = Difference::new("y");
        difference.add(&f32s(&[f32::NAN]), Some(&f32s(&[f32::NAN])));
        assert_eq!((difference.different, difference.incomparable), (0, 0));
        difference.add(&f32s(&[f32::NAN]), Some(&f32s(&[1.0])));
        assert_eq!(difference.incomparable, 1);
        difference.add(&f32s(&[1.0]), Some(&f32s(&[1.0, 2.0])));
        assert_eq!(difference.incomparable, 2);
    }
}
