//! The FFT of real numbers, planned once, with its buffers.

use std::{fmt, sync::Arc};

use realfft::{ComplexToReal, RealToComplex, num_complex::Complex};

use crate::signal::BadParameter;
use edgeward_engine::fourier;

/// Longest FFT, in points: a bound on memory, not a wish.
pub const MAX_POINTS: usize = 1 << 24;

/// Forward and inverse FFT of `points` real numbers: `numpy.fft.rfft(x, n=points)` and `irfft`.
#[derive(Clone)]
pub struct RealFft {
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Option<Arc<dyn ComplexToReal<f64>>>,
    real: Vec<f64>,
    spectrum: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl fmt::Debug for RealFft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealFft").field("points", &self.real.len()).finish_non_exhaustive()
    }
}

impl RealFft {
    /// # Errors
    /// No points, or more than `MAX_POINTS`.
    pub fn new(points: usize) -> Result<Self, BadParameter> {
        RealFft::plan(points, false)
    }

    /// One that can go back too.
    ///
    /// # Errors
    /// As [`RealFft::new`].
    pub fn both_ways(points: usize) -> Result<Self, BadParameter> {
        RealFft::plan(points, true)
    }

    fn plan(points: usize, both: bool) -> Result<Self, BadParameter> {
        if points == 0 || points > MAX_POINTS {
            return Err(BadParameter::new("n_fft", format!("must be from 1 to {MAX_POINTS}")));
        }
        let forward = fourier::forward(points);
        let inverse = both.then(|| fourier::inverse(points));
        let scratch =
            forward.get_scratch_len().max(inverse.as_ref().map_or(0, |plan| plan.get_scratch_len()));
        Ok(RealFft {
            real: vec![0.0; points],
            spectrum: vec![Complex::default(); points / 2 + 1],
            scratch: vec![Complex::default(); scratch],
            forward,
            inverse,
        })
    }

    pub fn points(&self) -> usize {
        self.real.len()
    }

    /// Frequencies from 0 to half the sampling rate: `points / 2 + 1`.
    pub fn bins(&self) -> usize {
        self.spectrum.len()
    }

    /// The numbers to transform, to be written before [`RealFft::transform`]. What is in them
    /// afterwards is of no use.
    pub fn input(&mut self) -> &mut [f64] {
        &mut self.real
    }

    /// Transforms what is in [`RealFft::input`].
    pub fn transform(&mut self) -> &mut [Complex<f64>] {
        let RealFft { forward, real, spectrum, scratch, .. } = self;
        let scratch = &mut scratch[..forward.get_scratch_len()];
        let done = forward.process_with_scratch(real, spectrum, scratch);
        debug_assert!(done.is_ok(), "the buffers were made for the plan");
        spectrum
    }

    /// The spectrum of the last [`RealFft::transform`], or one to be written before [`RealFft::back`].
    pub fn spectrum(&mut self) -> &mut [Complex<f64>] {
        &mut self.spectrum
    }

    /// Back from what is in [`RealFft::spectrum`]; needs [`RealFft::both_ways`].
    pub fn back(&mut self) -> &[f64] {
        let RealFft { inverse, real, spectrum, scratch, .. } = self;
        if let Some(inverse) = inverse {
            // Of real numbers these have no imaginary part; what rounding left would be refused.
            if let Some(first) = spectrum.first_mut() {
                first.im = 0.0;
            }
            if real.len().is_multiple_of(2)
                && let Some(last) = spectrum.last_mut()
            {
                last.im = 0.0;
            }
            let scratch = &mut scratch[..inverse.get_scratch_len()];
            let done = inverse.process_with_scratch(spectrum, real, scratch);
            debug_assert!(done.is_ok(), "the buffers were made for the plan");
            let points = real.len() as f64;
            real.iter_mut().for_each(|x| *x /= points);
        }
        real
    }
}
