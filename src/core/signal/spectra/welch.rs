//! The mean spectrum of overlapping pieces: `scipy.signal.welch`.

use super::{Scaling, Spectrum, SpectrumSpec};
use crate::signal::BadParameter;

/// What is made of the pieces' spectra.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Average {
    #[default]
    Mean,
    /// Less moved by a single knock; corrected for its bias, as SciPy does.
    Median,
}

impl Average {
    pub const NAMES: [(&'static str, Average); 2] = [("mean", Average::Mean), ("median", Average::Median)];
}

/// Welch's estimate, planned for series of one length.
#[derive(Debug, Clone)]
pub struct Welch {
    spectrum: Spectrum,
    average: Average,
    length: usize,
    hop: usize,
    segments: usize,
    /// `segments` spectra.
    spectra: Vec<f64>,
    column: Vec<f64>,
}

impl Welch {
    /// For series of `length` values; `spec.length` is that of a piece, `overlap` how many values
    /// it shares with the next. What is left at the end is not looked at.
    ///
    /// # Errors
    /// Pieces that don't fit, or a scaling that is no mean square.
    pub fn new(
        spec: SpectrumSpec,
        overlap: usize,
        average: Average,
        length: usize,
    ) -> Result<Self, BadParameter> {
        let segment = spec.length;
        if segment > length {
            return Err(BadParameter::new("segment", format!("is longer than the series of {length}")));
        }
        if overlap >= segment {
            return Err(BadParameter::new("overlap", "must be less than `segment`"));
        }
        if !matches!(spec.scaling, Scaling::Power | Scaling::Density) {
            return Err(BadParameter::new("scaling", "must be power or density, which can be averaged"));
        }
        let hop = segment - overlap;
        let segments = (length - segment) / hop + 1;
        let spectrum = Spectrum::new(spec)?;
        let bins = spectrum.bins();
        let most = 1 << 24;
        if segments.checked_mul(bins).is_none_or(|all| all > most) {
            return Err(BadParameter::new("overlap", "makes more spectra than memory should hold"));
        }
        let spectra = vec![0.0; segments * bins];
        Ok(Welch { spectrum, average, length, hop, segments, spectra, column: Vec::new() })
    }

    pub fn bins(&self) -> usize {
        self.spectrum.bins()
    }

    pub fn bin_hz(&self) -> f64 {
        self.spectrum.bin_hz()
    }

    /// The spectrum of `x` (`length` values) into `out` (`bins` values).
    pub fn run(&mut self, x: &[f64], out: &mut [f64]) {
        debug_assert!(x.len() == self.length && out.len() == self.bins());
        let bins = self.bins();
        let segment = self.spectrum.length();
        for (i, spectrum) in self.spectra.chunks_exact_mut(bins).enumerate() {
            self.spectrum.run(&x[i * self.hop..][..segment], spectrum);
        }
        let n = self.segments as f64;
        let bias = median_bias(self.segments);
        for (bin, out) in out.iter_mut().enumerate().take(bins) {
            let column = self.spectra.iter().skip(bin).step_by(bins);
            *out = match self.average {
                Average::Mean => column.sum::<f64>() / n,
                Average::Median => {
                    self.column.clear();
                    self.column.extend(column);
                    self.column.sort_unstable_by(f64::total_cmp);
                    let (low, high) = ((self.segments - 1) / 2, self.segments / 2);
                    (self.column[low] / 2.0 + self.column[high] / 2.0) / bias
                }
            };
        }
    }
}

/// How far the median of `n` exponentially distributed numbers is below their mean.
fn median_bias(n: usize) -> f64 {
    let pairs = 1..=n.saturating_sub(1) / 2;
    1.0 + pairs.map(|i| 2.0 * i as f64).map(|i| 1.0 / (i + 1.0) - 1.0 / i).sum::<f64>()
}
