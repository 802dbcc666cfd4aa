//! Arithmetic on shapes and axes.

use crate::native::{
    fault::{Fault, fault},
    value::Shape,
};

/// An axis counted from the front; negative ones count from the back.
///
/// # Errors
/// Outside `-rank..rank`.
pub fn axis(axis: i64, rank: usize) -> Result<usize, Fault> {
    let from_front = if axis < 0 { axis + rank as i64 } else { axis };
    usize::try_from(from_front)
        .ok()
        .filter(|&axis| axis < rank)
        .ok_or_else(|| fault!("axis {axis} is outside the {rank} dimensions"))
}

/// Several axes, none of them twice.
///
/// # Errors
/// As [`axis`]; a repetition.
pub fn axes(given: &[i64], rank: usize) -> Result<Vec<usize>, Fault> {
    let mut axes = Vec::with_capacity(given.len());
    for &one in given {
        let one = axis(one, rank)?;
        if axes.contains(&one) {
            return Err(fault!("axis {one} is given twice in {given:?}"));
        }
        axes.push(one);
    }
    Ok(axes)
}

/// How far apart neighbours along each dimension are, in elements, for row-major order.
pub fn strides(shape: &[usize]) -> Shape {
    let mut strides = Shape::from_elem(1, shape.len());
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
    }
    strides
}

/// A shape around one axis: (product before it, its length, product after it).
pub fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    let product = |dims: &[usize]| dims.iter().fold(1usize, |product, &dim| product.saturating_mul(dim));
    (product(&shape[..axis]), shape[axis], product(&shape[axis + 1..]))
}

/// Counts through a shape, last axis fastest, keeping for any number of operands the offset that
/// its own strides give.
pub struct Walk<const N: usize> {
    shape: Shape,
    strides: [Shape; N],
    at: Shape,
    offsets: [usize; N],
    left: usize,
}

impl<const N: usize> Walk<N> {
    /// Every operand's strides are for the same shape (0: the operand is repeated along that axis).
    pub fn new(shape: &[usize], strides: [Shape; N]) -> Self {
        let left = if shape.contains(&0) { 0 } else { shape.iter().product() };
        Walk { shape: shape.into(), strides, at: Shape::from_elem(0, shape.len()), offsets: [0; N], left }
    }
}

impl<const N: usize> Iterator for Walk<N> {
    type Item = [usize; N];

    fn next(&mut self) -> Option<[usize; N]> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let here = self.offsets;
        for axis in (0..self.shape.len()).rev() {
            self.at[axis] += 1;
            for (offset, strides) in self.offsets.iter_mut().zip(&self.strides) {
                *offset += strides[axis];
            }
            if self.at[axis] < self.shape[axis] {
                break;
            }
            for (offset, strides) in self.offsets.iter_mut().zip(&self.strides) {
                *offset -= strides[axis] * self.shape[axis];
            }
            self.at[axis] = 0;
        }
        Some(here)
    }
}
