//! How much of a series lies in bands of frequency.

use super::{Scaling, Spectrum, SpectrumSpec};
use crate::signal::BadParameter;

/// From `low_hz`, up to but without `high_hz`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    pub low_hz: f64,
    pub high_hz: f64,
}

impl Band {
    /// The bins of a spectrum that lie in the band.
    pub fn bins(self, bin_hz: f64, bins: usize) -> std::ops::Range<usize> {
        let inside = |bin: &usize| {
            let hz = *bin as f64 * bin_hz;
            hz >= self.low_hz && hz < self.high_hz
        };
        let first = (0..bins).find(inside).unwrap_or(bins);
        let after = (first..bins).find(|bin| !inside(bin)).unwrap_or(bins);
        first..after
    }
}

/// Mean square of a series in each of some bands: the sum of `scipy.signal.periodogram(…,
/// scaling="density")` over a band's bins, times the bins' width. Bands that share the whole range
/// from 0 to above half the rate add up to the series' variance.
#[derive(Debug, Clone)]
pub struct Bands {
    spectrum: Spectrum,
    bins: Vec<std::ops::Range<usize>>,
    density: Vec<f64>,
}

impl Bands {
    /// # Errors
    /// A band without a bin, or what [`Spectrum::new`] refuses.
    pub fn new(spec: SpectrumSpec, bands: &[Band]) -> Result<Self, BadParameter> {
        let spectrum = Spectrum::new(SpectrumSpec { scaling: Scaling::Density, ..spec })?;
        let bin_hz = spectrum.bin_hz();
        let bins: Vec<_> = bands.iter().map(|band| band.bins(bin_hz, spectrum.bins())).collect();
        if let Some(at) = bins.iter().position(std::ops::Range::is_empty) {
            let Band { low_hz, high_hz } = bands[at];
            let reason =
                format!("from {low_hz} to {high_hz} Hz hold no frequency: they are {bin_hz} Hz apart");
            return Err(BadParameter::new("edges_hz", reason));
        }
        let density = vec![0.0; spectrum.bins()];
        Ok(Bands { spectrum, bins, density })
    }

    /// One number a band.
    pub fn run(&mut self, x: &[f64], out: &mut [f64]) {
        debug_assert_eq!(out.len(), self.bins.len());
        self.spectrum.run(x, &mut self.density);
        let width = self.spectrum.bin_hz();
        for (bins, out) in self.bins.iter().zip(out) {
            *out = self.density[bins.clone()].iter().sum::<f64>() * width;
        }
    }
}
