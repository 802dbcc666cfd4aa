//! Rows as the walk wants them: converted, with the signs the tests ask for, and eight side by side.

use super::{
    feature::Feature,
    forest::{Forest, Signs},
};
use crate::real::Real;

/// Walks side by side: rows in one tree, or trees under one row.
pub(super) const LANES: usize = 8;

/// Buffers that a run needs; kept by the caller from run to run, so that they are allocated once.
#[derive(Debug, Clone)]
pub struct Scratch<T: Real> {
    /// Keys of groups of [`LANES`] rows, in each one entry per feature: the eight values of a feature lie
    /// in one cache line, and near the root all rows ask for the same.
    pub(super) groups: Vec<[T::Key; LANES]>,
    /// Keys of one row.
    pub(super) row: Vec<T::Key>,
    /// Sums of a block, row-major.
    pub(super) sums: Vec<T>,
    /// Which of `sums` have a vote; empty when that is known without.
    pub(super) voted: Vec<bool>,
}

impl<T: Real> Default for Scratch<T> {
    fn default() -> Self {
        Scratch { groups: vec![], row: vec![], sums: vec![], voted: vec![] }
    }
}

impl<T: Real> Forest<T> {
    /// Prepares one row of at least [`Forest::features`] features.
    pub(super) fn fill_row<I: Feature<T>>(&self, x: &[I], row: &mut Vec<T::Key>) {
        let x = &x[..self.features];
        row.clear();
        if self.signs != Signs::Negated {
            row.extend(x.iter().map(|x| x.feature().key()));
        }
        if self.signs != Signs::Plain {
            row.extend(x.iter().map(|x| (-x.feature()).key()));
        }
    }

    /// Prepares rows of `width` features, a multiple of [`LANES`] of them.
    pub(super) fn fill_groups<I: Feature<T>>(
        &self,
        rows: &[I],
        width: usize,
        groups: &mut Vec<[T::Key; LANES]>,
    ) {
        groups.clear();
        for group in rows.chunks_exact(width * LANES) {
            let lanes: [&[I]; LANES] = std::array::from_fn(|lane| &group[lane * width..][..self.features]);
            let column = |feature: usize| lanes.map(|row| row[feature].feature());
            if self.signs != Signs::Negated {
                groups.extend((0..self.features).map(|feature| column(feature).map(Real::key)));
            }
            if self.signs != Signs::Plain {
                groups.extend((0..self.features).map(|feature| column(feature).map(|x| (-x).key())));
            }
        }
    }
}
