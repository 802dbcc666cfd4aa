//! Powers by mel filter and time: `librosa.feature.melspectrogram`.

use super::{MelFilters, MelSpec, Stft, StftSpec};
use crate::signal::BadParameter;

/// A planned mel spectrogram.
#[derive(Debug, Clone)]
pub struct MelSpectrogram {
    stft: Stft,
    filters: MelFilters,
    power: u8,
    magnitudes: Vec<f64>,
}

impl MelSpectrogram {
    /// `power` is that of the magnitudes the filters add up: 2 by librosa's default, or 1.
    ///
    /// # Errors
    /// What [`Stft::new`] and [`MelFilters::new`] refuse.
    pub fn new(stft: StftSpec, mel: &MelSpec, power: u8) -> Result<Self, BadParameter> {
        let (stft, filters) = (Stft::new(stft)?, MelFilters::new(mel)?);
        if stft.bins() != filters.bins() {
            return Err(BadParameter::new("n_fft", "must be the same for spectra and filters"));
        }
        let magnitudes = vec![0.0; stft.bins()];
        Ok(MelSpectrogram { stft, filters, power, magnitudes })
    }

    pub fn mels(&self) -> usize {
        self.filters.len()
    }

    /// The spectrogram of `x` into `out`: `[n_mels, frames]`, with as many frames as
    /// [`StftSpec::frames`] says.
    pub fn run(&mut self, x: &[f64], out: &mut [f64]) {
        let MelSpectrogram { stft, filters, power, magnitudes } = self;
        let frames = stft.spec().frames(x.len()).unwrap_or(0);
        debug_assert_eq!(out.len(), frames * filters.len());
        stft.run(x, |frame, spectrum| {
            for (to, x) in magnitudes.iter_mut().zip(spectrum) {
                *to = if *power == 2 { x.norm_sqr() } else { x.norm() };
            }
            for mel in 0..filters.len() {
                if let Some(out) = out.get_mut(mel * frames + frame) {
                    *out = filters.answer(mel, magnitudes);
                }
            }
        });
    }
}
