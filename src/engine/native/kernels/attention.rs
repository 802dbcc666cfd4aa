//! Scaled dot-product attention of one head.

use super::{
    matmul::gemm,
    real::{Computed, sum},
};

/// Lengths of one head: queries, keys, the width of both, the width of the values.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    pub queries: usize,
    pub keys: usize,
    pub width: usize,
    pub value_width: usize,
}

/// `scores = q kᵀ`.
pub fn scores<T: Computed>(head: Head, q: &[T], k: &[T], scores: &mut [T]) {
    scores.fill(T::ZERO);
    gemm(head.queries, head.width, head.keys, q, (head.width, 1), k, (1, head.width), scores);
}

/// `y += weights v`.
pub fn values<T: Computed>(head: Head, weights: &[T], v: &[T], y: &mut [T]) {
    gemm(head.queries, head.keys, head.value_width, weights, (head.keys, 1), v, (head.value_width, 1), y);
}

/// The softmax of a row, in place. A row without a key to look at (all minus infinity) becomes `empty`.
pub fn softmax<T: Computed>(row: &mut [T], empty: T) {
    let largest = row.iter().fold(-T::INFINITY, |largest, &x| largest.max(x));
    if largest == -T::INFINITY && row.iter().all(|&x| x == largest) {
        return row.fill(empty);
    }
    row.iter_mut().for_each(|x| *x = (*x - largest).exp());
    let total = sum(row, |x| x);
    row.iter_mut().for_each(|x| *x /= total);
}
