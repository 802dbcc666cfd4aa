//! Filters as wide as the ear hears them: `librosa.filters.mel`.

use crate::signal::BadParameter;

#[derive(Debug, Clone, PartialEq)]
pub struct MelSpec {
    pub rate_hz: f64,
    pub n_fft: usize,
    pub n_mels: usize,
    pub fmin_hz: f64,
    pub fmax_hz: f64,
    /// HTK's formula for mels instead of Slaney's.
    pub htk: bool,
    /// Each filter has the same area (`norm="slaney"`); without, the same height.
    pub slaney_norm: bool,
}

impl MelSpec {
    /// librosa's defaults: 128 filters from 0 to half the rate.
    pub fn new(rate_hz: f64, n_fft: usize) -> Self {
        MelSpec {
            rate_hz,
            n_fft,
            n_mels: 128,
            fmin_hz: 0.0,
            fmax_hz: rate_hz / 2.0,
            htk: false,
            slaney_norm: true,
        }
    }
}

/// Triangular filters over the bins of a spectrum. librosa's own are f32 unless told otherwise; these
/// are f64 (`dtype=numpy.float64`).
#[derive(Debug, Clone)]
pub struct MelFilters {
    bins: usize,
    /// First bin and weights of each filter.
    filters: Vec<(usize, Vec<f64>)>,
}

impl MelFilters {
    /// # Errors
    /// No filters, or a range of frequencies that is none. A filter too narrow for any bin is empty,
    /// as in librosa.
    pub fn new(spec: &MelSpec) -> Result<Self, BadParameter> {
        if spec.n_mels == 0 || spec.n_mels > 4096 {
            return Err(BadParameter::new("n_mels", "must be from 1 to 4096"));
        }
        if !(spec.rate_hz.is_finite() && spec.rate_hz > 0.0) {
            return Err(BadParameter::new("rate_hz", "must be above 0"));
        }
        if !(spec.fmin_hz >= 0.0 && spec.fmin_hz < spec.fmax_hz && spec.fmax_hz <= spec.rate_hz / 2.0) {
            let reason = "must be above `fmin_hz` and not above half of `rate_hz`";
            return Err(BadParameter::new("fmax_hz", reason));
        }
        let scale = if spec.htk { Scale::Htk } else { Scale::Slaney };
        let (low, high) = (scale.mels(spec.fmin_hz), scale.mels(spec.fmax_hz));
        let step = (high - low) / (spec.n_mels + 1) as f64;
        let edge = |i: usize| scale.hz(if i == spec.n_mels + 1 { high } else { low + i as f64 * step });
        let bins = spec.n_fft / 2 + 1;
        let filter = |i: usize| {
            let (left, middle, right) = (edge(i), edge(i + 1), edge(i + 2));
            let height = if spec.slaney_norm { 2.0 / (right - left) } else { 1.0 };
            let weight = |bin: usize| {
                let hz = bin as f64 * spec.rate_hz / spec.n_fft as f64;
                let (up, down) = ((hz - left) / (middle - left), (right - hz) / (right - middle));
                up.min(down).max(0.0) * height
            };
            // The bin before the left edge, so that only a filter's own bins are looked at.
            let begin = ((left * spec.n_fft as f64 / spec.rate_hz) as usize).saturating_sub(1);
            let end = ((right * spec.n_fft as f64 / spec.rate_hz) as usize + 2).min(bins);
            let first = (begin..end).find(|bin| weight(*bin) > 0.0).unwrap_or(bins);
            (first, (first..bins).map(weight).take_while(|weight| *weight > 0.0).collect())
        };
        Ok(MelFilters { bins, filters: (0..spec.n_mels).map(filter).collect() })
    }

    pub fn len(&self) -> usize {
        self.filters.len()
    }

    pub fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    /// Bins of the spectra that they take.
    pub fn bins(&self) -> usize {
        self.bins
    }

    /// The answer of filter `i` to a spectrum of `bins` values.
    pub fn answer(&self, i: usize, spectrum: &[f64]) -> f64 {
        let (first, weights) = &self.filters[i];
        spectrum[*first..].iter().zip(weights).map(|(x, w)| x * w).sum()
    }
}

#[derive(Debug, Clone, Copy)]
enum Scale {
    /// Malcolm Slaney's Auditory Toolbox: linear below 1000 Hz, logarithmic above.
    Slaney,
    /// The Hidden Markov Model Toolkit's.
    Htk,
}

/// Slaney's: hertz a mel in the linear part, where it ends, and the logarithm's step behind it.
const HZ_A_MEL: f64 = 200.0 / 3.0;
const LINEAR_HZ: f64 = 1000.0;
const LINEAR_MELS: f64 = LINEAR_HZ / HZ_A_MEL;

fn log_step() -> f64 {
    6.4_f64.ln() / 27.0
}

impl Scale {
    fn mels(self, hz: f64) -> f64 {
        match self {
            Scale::Htk => 2595.0 * (1.0 + hz / 700.0).log10(),
            Scale::Slaney if hz >= LINEAR_HZ => LINEAR_MELS + (hz / LINEAR_HZ).ln() / log_step(),
            Scale::Slaney => hz / HZ_A_MEL,
        }
    }

    fn hz(self, mels: f64) -> f64 {
        match self {
            Scale::Htk => 700.0 * (10.0_f64.powf(mels / 2595.0) - 1.0),
            Scale::Slaney if mels >= LINEAR_MELS => LINEAR_HZ * (log_step() * (mels - LINEAR_MELS)).exp(),
            Scale::Slaney => mels * HZ_A_MEL,
        }
    }
}
