//! Spectra of short pieces, one after another: `librosa.stft` and `scipy.signal.stft`.

use realfft::num_complex::Complex;

use super::{RealFft, Symmetry, Taper};
use crate::signal::BadParameter;

/// What stands before the first and behind the last value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Edges {
    /// Nothing: the first piece begins with the series (`center=False`, `boundary=None`); what is left
    /// at the end is not looked at.
    None,
    /// Half a piece of zeros, so that piece `i` has its middle at value `i * hop`: librosa's
    /// `center=True, pad_mode="constant"`.
    #[default]
    Zeros,
    /// The same with the series mirrored: `pad_mode="reflect"`.
    Reflect,
    /// Half a piece of zeros, and as many more at the end as fill the last piece:
    /// `scipy.signal.stft(boundary="zeros", padded=True)`.
    ZerosPadded,
}

impl Edges {
    pub const NAMES: [(&'static str, Edges); 4] = [
        ("none", Edges::None),
        ("zeros", Edges::Zeros),
        ("reflect", Edges::Reflect),
        ("zeros_padded", Edges::ZerosPadded),
    ];
}

/// What spectra are multiplied with.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum StftScaling {
    /// Nothing: librosa.
    #[default]
    None,
    /// `1 / sum(taper)`: SciPy's default, `scaling="spectrum"`.
    Spectrum,
    /// `1 / sqrt(rate * sum(taper^2))`: `scaling="psd"`.
    Density { rate_hz: f64 },
}

#[derive(Debug, Clone, PartialEq)]
pub struct StftSpec {
    /// Points of the FFT, and values in a piece.
    pub n_fft: usize,
    /// Values from one piece to the next.
    pub hop_length: usize,
    /// Values of the taper, which stands in the middle of the piece with zeros around it.
    pub win_length: usize,
    pub taper: Taper,
    pub edges: Edges,
    pub scaling: StftScaling,
}

impl StftSpec {
    /// librosa's defaults: `win_length` is `n_fft`, `hop_length` a quarter, a periodic Hann taper,
    /// zeros around.
    pub fn new(n_fft: usize) -> Self {
        StftSpec {
            n_fft,
            hop_length: (n_fft / 4).max(1),
            win_length: n_fft,
            taper: Taper::Hann,
            edges: Edges::Zeros,
            scaling: StftScaling::None,
        }
    }

    /// How many spectra a series of `length` values has.
    ///
    /// # Errors
    /// A series too short for one, or for mirroring.
    pub fn frames(&self, length: usize) -> Result<usize, BadParameter> {
        let (n, hop) = (self.n_fft, self.hop_length);
        let half = if self.edges == Edges::None { 0 } else { n / 2 };
        let padded = length.saturating_add(2 * half);
        if self.edges == Edges::Reflect && length <= half {
            let reason = format!("is too long to mirror {length} values around it");
            return Err(BadParameter::new("n_fft", reason));
        }
        if length == 0 || padded < n {
            return Err(BadParameter::new("n_fft", format!("is longer than the series of {length}")));
        }
        Ok(match self.edges {
            Edges::ZerosPadded => (padded - n).div_ceil(hop) + 1,
            _ => (padded - n) / hop + 1,
        })
    }
}

/// A planned short-time Fourier transform.
#[derive(Debug, Clone)]
pub struct Stft {
    spec: StftSpec,
    fft: RealFft,
    /// `n_fft` values with the scaling in them.
    taper: Vec<f64>,
}

impl Stft {
    /// # Errors
    /// Lengths of zero, or a taper longer than the FFT.
    pub fn new(spec: StftSpec) -> Result<Self, BadParameter> {
        if spec.hop_length == 0 {
            return Err(BadParameter::new("hop_length", "must be at least 1"));
        }
        if spec.win_length == 0 || spec.win_length > spec.n_fft {
            return Err(BadParameter::new("win_length", "must be from 1 to `n_fft`"));
        }
        let fft = RealFft::new(spec.n_fft)?;
        let inner = spec.taper.values(spec.win_length, Symmetry::Periodic);
        let scale = match spec.scaling {
            StftScaling::None => 1.0,
            StftScaling::Spectrum => 1.0 / inner.iter().sum::<f64>(),
            StftScaling::Density { rate_hz } => {
                1.0 / (rate_hz * inner.iter().map(|w| w * w).sum::<f64>()).sqrt()
            }
        };
        let mut taper = vec![0.0; spec.n_fft];
        let first = (spec.n_fft - spec.win_length) / 2;
        taper[first..].iter_mut().zip(inner).for_each(|(to, w)| *to = w * scale);
        Ok(Stft { spec, fft, taper })
    }

    pub fn spec(&self) -> &StftSpec {
        &self.spec
    }

    /// Frequencies from 0 to half the rate.
    pub fn bins(&self) -> usize {
        self.fft.bins()
    }

    /// Hands out the spectrum of each piece of `x`, with its number.
    pub fn run(&mut self, x: &[f64], mut each: impl FnMut(usize, &[Complex<f64>])) {
        let Ok(frames) = self.spec.frames(x.len()) else { return };
        let half = if self.spec.edges == Edges::None { 0 } else { self.spec.n_fft / 2 };
        for frame in 0..frames {
            let begin = frame * self.spec.hop_length;
            let input = self.fft.input();
            // The part of the piece that lies within the series is copied, the rest made up.
            let before = half.saturating_sub(begin).min(input.len());
            let from = (begin + before - half).min(x.len());
            let inside = (x.len() - from).min(input.len() - before);
            input[before..before + inside].copy_from_slice(&x[from..from + inside]);
            let reflect = self.spec.edges == Edges::Reflect;
            for (i, to) in input.iter_mut().enumerate() {
                if i < before {
                    *to = if reflect { x[half - begin - i] } else { 0.0 };
                } else if i >= before + inside {
                    let past = begin + i - half - x.len();
                    *to = if reflect { x[x.len() - 2 - past] } else { 0.0 };
                }
            }
            input.iter_mut().zip(&self.taper).for_each(|(x, w)| *x *= w);
            each(frame, self.fft.transform());
        }
    }

    /// `|X|^power` of each piece, power 1 or 2, into `out`: `[bins, frames]`.
    pub fn magnitudes(&mut self, x: &[f64], power: u8, out: &mut [f64]) {
        let frames = self.spec.frames(x.len()).unwrap_or(0);
        debug_assert_eq!(out.len(), frames * self.bins());
        self.run(x, |frame, spectrum| {
            for (bin, value) in spectrum.iter().enumerate() {
                let magnitude = if power == 2 { value.norm_sqr() } else { value.norm() };
                if let Some(out) = out.get_mut(bin * frames + frame) {
                    *out = magnitude;
                }
            }
        });
    }
}
