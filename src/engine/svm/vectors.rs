//! Support vectors side by side.

use super::{kernel::Kernel, lanes::LANES};

/// Support vectors in blocks of [`LANES`]; in each, one entry per feature. What is past the last
/// vector is zero and its kernel is not used.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Vectors {
    features: usize,
    count: usize,
    blocks: Vec<[f32; LANES]>,
}

impl Vectors {
    /// `vectors[vector * features + feature]`, with at least one feature.
    pub(super) fn new(vectors: &[f32], features: usize) -> Self {
        let count = vectors.len() / features;
        let mut blocks = vec![[0.0; LANES]; count.div_ceil(LANES) * features];
        for (vector, values) in vectors.chunks_exact(features).enumerate() {
            for (feature, &value) in values.iter().enumerate() {
                blocks[vector / LANES * features + feature][vector % LANES] = value;
            }
        }
        Vectors { features, count, blocks }
    }

    pub(super) fn features(&self) -> usize {
        self.features
    }

    /// Kernels of a row, the unused ones included.
    pub(super) fn padded(&self) -> usize {
        self.count.div_ceil(LANES) * LANES
    }

    /// The kernels of each of `rows` with all vectors: `padded()` a row, row after row.
    pub(super) fn kernels<const R: usize>(&self, kernel: Kernel, rows: [&[f32]; R], out: &mut [f32]) {
        if kernel.wants_distances() {
            self.fill(kernel, rows, out, |sum, x, s| {
                let apart = x - s;
                sum + apart * apart
            });
        } else {
            self.fill(kernel, rows, out, |sum, x, s| sum + x * s);
        }
    }

    #[inline(always)]
    fn fill<const R: usize>(
        &self,
        kernel: Kernel,
        rows: [&[f32]; R],
        out: &mut [f32],
        add: impl Fn(f32, f32, f32) -> f32,
    ) {
        let padded = self.padded();
        let rows = rows.map(|row| &row[..self.features]);
        for (number, block) in self.blocks.chunks_exact(self.features).enumerate() {
            let mut sums = [[0f32; LANES]; R];
            for (feature, vector) in block.iter().enumerate() {
                for (sums, row) in sums.iter_mut().zip(rows) {
                    let x = row[feature];
                    for (sum, &s) in sums.iter_mut().zip(vector) {
                        *sum = add(*sum, x, s);
                    }
                }
            }
            for (row, sums) in sums.into_iter().enumerate() {
                out[row * padded + number * LANES..][..LANES].copy_from_slice(&kernel.apply(sums));
            }
        }
    }
}

/// The sum of products of as many kernels as coefficients, in f64.
#[inline(always)]
pub(super) fn dot(kernels: &[f32], coefficients: &[f32]) -> f64 {
    let mut sums = [0f64; LANES];
    let mut kernels = kernels[..coefficients.len()].chunks_exact(LANES);
    let mut coefficients = coefficients.chunks_exact(LANES);
    for (kernels, coefficients) in kernels.by_ref().zip(coefficients.by_ref()) {
        for ((sum, &kernel), &coefficient) in sums.iter_mut().zip(kernels).zip(coefficients) {
            *sum += f64::from(kernel * coefficient);
        }
    }
    let mut sum: f64 = sums.iter().sum();
    for (&kernel, &coefficient) in kernels.remainder().iter().zip(coefficients.remainder()) {
        sum += f64::from(kernel * coefficient);
    }
    sum
}
