//! Cepstral coefficients: `librosa.feature.mfcc`.

use std::f64::consts::PI;

use crate::signal::BadParameter;

/// The type-II cosine transform of log-mel spectra, as a matrix.
#[derive(Debug, Clone)]
pub struct Mfcc {
    n_mels: usize,
    /// `[n_mfcc, n_mels]`.
    rows: Vec<f64>,
}

impl Mfcc {
    /// `ortho` is SciPy's `norm="ortho"`; `lifter` weights the coefficients with a sine, 0 doesn't.
    ///
    /// # Errors
    /// More coefficients than mels, or none.
    pub fn new(n_mels: usize, n_mfcc: usize, ortho: bool, lifter: f64) -> Result<Self, BadParameter> {
        if n_mfcc == 0 || n_mfcc > n_mels || n_mels > 4096 {
            return Err(BadParameter::new("n_mfcc", format!("must be from 1 to the {n_mels} mels")));
        }
        if !(lifter >= 0.0 && lifter.is_finite()) {
            return Err(BadParameter::new("lifter", "must not be negative"));
        }
        let n = n_mels as f64;
        let mut rows = Vec::with_capacity(n_mfcc * n_mels);
        for k in 0..n_mfcc {
            let norm = match (ortho, k) {
                (false, _) => 2.0,
                (true, 0) => (1.0 / n).sqrt(),
                (true, _) => (2.0 / n).sqrt(),
            };
            let lift =
                if lifter > 0.0 { 1.0 + lifter / 2.0 * (PI * (k + 1) as f64 / lifter).sin() } else { 1.0 };
            // Turns of the cosine in whole quarters of `n`, so that large products lose nothing.
            let cosine = |i: usize| (PI * ((k * (2 * i + 1)) % (4 * n_mels)) as f64 / (2.0 * n)).cos();
            rows.extend((0..n_mels).map(|i| norm * lift * cosine(i)));
        }
        Ok(Mfcc { n_mels, rows })
    }

    pub fn coefficients(&self) -> usize {
        self.rows.len() / self.n_mels
    }

    /// `[n_mels, frames]` to `[n_mfcc, frames]`.
    pub fn run(&self, log_mels: &[f64], out: &mut [f64]) {
        let frames = log_mels.len() / self.n_mels;
        debug_assert_eq!(out.len(), frames * self.coefficients());
        if frames == 0 {
            return;
        }
        for (row, out) in self.rows.chunks_exact(self.n_mels).zip(out.chunks_exact_mut(frames)) {
            out.fill(0.0);
            for (weight, mels) in row.iter().zip(log_mels.chunks_exact(frames)) {
                out.iter_mut().zip(mels).for_each(|(out, mel)| *out += weight * mel);
            }
        }
    }
}
