//! Tapers: what a piece of a series is multiplied with before its FFT (`scipy.signal.windows`).

use std::f64::consts::PI;

/// The shape of a taper.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Taper {
    #[default]
    Hann,
    Hamming,
    Blackman,
    FlatTop,
    /// All ones: SciPy's `boxcar`.
    Rectangular,
}

/// Where a taper's second end is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Symmetry {
    /// One place behind the last (`sym=False`, `fftbins=True`): for spectra.
    #[default]
    Periodic,
    /// At the last place (`sym=True`): for filters.
    Symmetric,
}

impl Taper {
    pub const NAMES: [(&'static str, Taper); 5] = [
        ("hann", Taper::Hann),
        ("hamming", Taper::Hamming),
        ("blackman", Taper::Blackman),
        ("flattop", Taper::FlatTop),
        ("rectangular", Taper::Rectangular),
    ];

    /// Coefficients of the cosines, from 0 turns on (SciPy's `general_cosine`).
    fn cosines(self) -> &'static [f64] {
        match self {
            Taper::Hann => &[0.5, 0.5],
            Taper::Hamming => &[0.54, 0.46],
            Taper::Blackman => &[0.42, 0.5, 0.08],
            Taper::FlatTop => &[0.215_578_95, 0.416_631_58, 0.277_263_158, 0.083_578_947, 0.006_947_368],
            Taper::Rectangular => &[1.0],
        }
    }

    /// The taper's values: `scipy.signal.windows.get_window(name, len, fftbins=…)`.
    pub fn values(self, len: usize, symmetry: Symmetry) -> Vec<f64> {
        let span = match symmetry {
            Symmetry::Periodic => len,
            Symmetry::Symmetric => len.saturating_sub(1),
        };
        if len <= 1 || self == Taper::Rectangular {
            return vec![1.0; len];
        }
        let value = |i: usize| {
            let turn = 2.0 * PI * i as f64 / span as f64 - PI;
            let terms = self.cosines().iter().enumerate();
            terms.map(|(k, a)| a * (k as f64 * turn).cos()).sum()
        };
        (0..len).map(value).collect()
    }
}
