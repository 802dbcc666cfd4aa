//! The envelope of a vibration: how strong it is at each moment.

use realfft::num_complex::Complex;

use super::{Band, RealFft};
use crate::signal::BadParameter;

/// The magnitude of the analytic signal: `numpy.abs(scipy.signal.hilbert(x))`; with a band, of what of
/// the series lies in it (all other frequencies set to nothing).
#[derive(Debug, Clone)]
pub struct Envelope {
    signal: RealFft,
    turned: RealFft,
    /// The bins that are left.
    band: Option<std::ops::Range<usize>>,
}

impl Envelope {
    /// For series of `length` values; `band` with the sampling rate.
    ///
    /// # Errors
    /// A length no FFT can have, or a band without a frequency.
    pub fn new(length: usize, band: Option<(Band, f64)>) -> Result<Self, BadParameter> {
        let signal = RealFft::both_ways(length)?;
        let band = match band {
            None => None,
            Some((band, rate_hz)) => {
                let bins = band.bins(rate_hz / length as f64, signal.bins());
                if bins.is_empty() {
                    return Err(BadParameter::new("band_hz", "holds no frequency of the spectrum"));
                }
                Some(bins)
            }
        };
        Ok(Envelope { turned: signal.clone(), signal, band })
    }

    /// One value a value of `x`.
    pub fn run(&mut self, x: &[f64], out: &mut [f64]) {
        let points = self.signal.points();
        debug_assert!(x.len() == points && out.len() == points);
        self.signal.input().iter_mut().zip(x).for_each(|(to, x)| *to = *x);
        let spectrum = self.signal.transform();
        if let Some(band) = &self.band {
            let outside = |bin: usize| !band.contains(&bin);
            spectrum
                .iter_mut()
                .enumerate()
                .filter(|(bin, _)| outside(*bin))
                .for_each(|(_, x)| *x = Complex::ZERO);
        }
        // A quarter turn back at every frequency but 0 and half the rate: the Hilbert transform.
        let last = if points.is_multiple_of(2) { points / 2 } else { usize::MAX };
        for (bin, (to, x)) in self.turned.spectrum().iter_mut().zip(spectrum).enumerate() {
            *to = if bin == 0 || bin == last { Complex::ZERO } else { Complex::new(x.im, -x.re) };
        }
        let turned = self.turned.back();
        let signal = if self.band.is_some() { self.signal.back() } else { x };
        for ((out, x), y) in out.iter_mut().zip(signal).zip(turned) {
            *out = x.hypot(*y);
        }
    }
}
