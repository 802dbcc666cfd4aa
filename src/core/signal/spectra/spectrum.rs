//! The spectrum of one piece of a series: `scipy.signal.periodogram` and its relatives.

use realfft::num_complex::Complex;

use super::{Detrend, RealFft, Symmetry, Taper};
use crate::signal::BadParameter;

/// What a spectrum's numbers mean. All are one-sided.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scaling {
    /// `|X|`: `numpy.abs(numpy.fft.rfft(x * taper))`.
    Magnitude,
    /// Amplitude of a sine at that frequency: `2 |X| / sum(taper)`; not doubled at 0 and at half the
    /// rate.
    #[default]
    Amplitude,
    /// Mean square of a sine at that frequency: `periodogram(scaling="spectrum")`.
    Power,
    /// Mean square a hertz: `periodogram(scaling="density")`.
    Density,
}

impl Scaling {
    pub const NAMES: [(&'static str, Scaling); 4] = [
        ("magnitude", Scaling::Magnitude),
        ("amplitude", Scaling::Amplitude),
        ("power", Scaling::Power),
        ("density", Scaling::Density),
    ];
}

#[derive(Debug, Clone, PartialEq)]
pub struct SpectrumSpec {
    /// Values in a piece.
    pub length: usize,
    /// Points of the FFT: at least `length`, what is missing is zeros.
    pub n_fft: usize,
    pub rate_hz: f64,
    pub taper: Taper,
    pub symmetry: Symmetry,
    pub detrend: Detrend,
    pub scaling: Scaling,
}

impl SpectrumSpec {
    /// SciPy's defaults for a periodogram, but the scaling: no taper, the mean taken out.
    pub fn new(length: usize, rate_hz: f64) -> Self {
        SpectrumSpec {
            length,
            n_fft: length,
            rate_hz,
            taper: Taper::Rectangular,
            symmetry: Symmetry::Periodic,
            detrend: Detrend::Constant,
            scaling: Scaling::default(),
        }
    }
}

/// A planned spectrum.
#[derive(Debug, Clone)]
pub struct Spectrum {
    spec: SpectrumSpec,
    fft: RealFft,
    taper: Vec<f64>,
    /// Of the first and, with an even number of points, the last bin; and of those between.
    factors: (f64, f64),
}

impl Spectrum {
    /// # Errors
    /// An FFT shorter than the piece, or a rate that is not above 0.
    pub fn new(spec: SpectrumSpec) -> Result<Self, BadParameter> {
        if spec.length == 0 || spec.n_fft < spec.length {
            let reason = format!("must be at least the {} values of a piece", spec.length);
            return Err(BadParameter::new("n_fft", reason));
        }
        if !(spec.rate_hz.is_finite() && spec.rate_hz > 0.0) {
            return Err(BadParameter::new("rate_hz", "must be above 0"));
        }
        let fft = RealFft::new(spec.n_fft)?;
        let taper = spec.taper.values(spec.length, spec.symmetry);
        let sum: f64 = taper.iter().sum();
        let squares: f64 = taper.iter().map(|w| w * w).sum();
        let factors = match spec.scaling {
            Scaling::Magnitude => (1.0, 1.0),
            Scaling::Amplitude => (1.0 / sum, 2.0 / sum),
            Scaling::Power => (1.0 / (sum * sum), 2.0 / (sum * sum)),
            Scaling::Density => (1.0 / (spec.rate_hz * squares), 2.0 / (spec.rate_hz * squares)),
        };
        Ok(Spectrum { spec, fft, taper, factors })
    }

    /// Values in a piece.
    pub fn length(&self) -> usize {
        self.spec.length
    }

    /// Frequencies from 0 to half the rate: `n_fft / 2 + 1`.
    pub fn bins(&self) -> usize {
        self.fft.bins()
    }

    /// Hertz from one bin to the next.
    pub fn bin_hz(&self) -> f64 {
        self.spec.rate_hz / self.spec.n_fft as f64
    }

    /// The spectrum of `x` (`length` values) into `out` (`bins` values).
    pub fn run(&mut self, x: &[f64], out: &mut [f64]) {
        debug_assert!(x.len() == self.spec.length && out.len() == self.bins());
        let input = self.fft.input();
        let length = self.spec.length.min(x.len());
        input[length..].fill(0.0);
        input[..length].copy_from_slice(&x[..length]);
        self.spec.detrend.apply(&mut input[..length]);
        input.iter_mut().zip(&self.taper).for_each(|(x, w)| *x *= w);
        let (ends, between) = self.factors;
        let squared = matches!(self.spec.scaling, Scaling::Power | Scaling::Density);
        let last = if self.spec.n_fft.is_multiple_of(2) { self.bins() - 1 } else { usize::MAX };
        let value = |x: &Complex<f64>| if squared { x.norm_sqr() } else { x.norm() };
        for (bin, (out, x)) in out.iter_mut().zip(self.fft.transform()).enumerate() {
            *out = value(x) * if bin == 0 || bin == last { ends } else { between };
        }
    }
}
