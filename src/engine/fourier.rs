//! Plans of Fourier transforms of real numbers, for the operators and for whoever prepares a model's input.
//!
//! Planning brings in every size's and processor's kernels as generic code, 2 MB of it: it is done in this file
//! alone, so that the program has it once.

use std::sync::Arc;

use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

/// From `points` numbers to the `points / 2 + 1` of their spectrum, unscaled. At least one point.
pub fn forward(points: usize) -> Arc<dyn RealToComplex<f64>> {
    RealFftPlanner::new().plan_fft_forward(points)
}

/// From the `points / 2 + 1` of a spectrum to `points` numbers, each `points` times too large.
pub fn inverse(points: usize) -> Arc<dyn ComplexToReal<f64>> {
    RealFftPlanner::new().plan_fft_inverse(points)
}
