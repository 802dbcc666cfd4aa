//! Spectra of vibration and sound.

mod bands;
mod decibel;
mod detrend;
mod envelope;
mod fft;
mod mel;
mod mel_spectrogram;
mod mfcc;
mod spectrum;
mod stft;
mod taper;
mod welch;

pub use bands::{Band, Bands};
pub use decibel::{DecibelSpec, decibels};
pub use detrend::Detrend;
pub use envelope::Envelope;
pub use fft::RealFft;
pub use mel::{MelFilters, MelSpec};
pub use mel_spectrogram::MelSpectrogram;
pub use mfcc::Mfcc;
pub use spectrum::{Scaling, Spectrum, SpectrumSpec};
pub use stft::{Edges, Stft, StftScaling, StftSpec};
pub use taper::{Symmetry, Taper};
pub use welch::{Average, Welch};
