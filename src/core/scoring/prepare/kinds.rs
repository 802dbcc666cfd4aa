//! Each step's plan.

use super::{
    super::declared::{
        FillPolicy, FrameSpec, MelFront, MfccSpec, Named, StepKind, StepSpec, StftOutput, ZScore,
    },
    build::Build,
    stage::Kind,
    transform::{Mel, Transform},
};
use crate::signal::{
    BadParameter,
    series::{Rolling, RollingSpec, Statistics},
    spectra::{
        Band, Bands, DecibelSpec, Detrend, Envelope, MelSpec, MelSpectrogram, Mfcc, Scaling, Spectrum,
        SpectrumSpec, Stft, StftScaling, StftSpec, Welch,
    },
};

/// Most additions of one rolling statistic for one window: some tenths of a second.
const MAX_ADDITIONS: usize = 1 << 28;

impl Build {
    /// Plans a step for `selected` features of the present shape.
    ///
    /// # Errors
    /// The parameter that can't be.
    pub(super) fn kind(&self, step: &StepSpec, selected: usize) -> Result<Kind, BadParameter> {
        let each = |transform, passes| Ok(Kind::Each { transform: Box::new(transform), passes });
        match &step.kind {
            StepKind::Difference { order, periods } => {
                each(Transform::Difference { order: *order, periods: *periods, scratch: Vec::new() }, true)
            }
            StepKind::Lag { lags, keep } => {
                let now = keep.then_some(0);
                each(Transform::Lag(now.into_iter().chain(lags.iter().copied()).collect()), true)
            }
            StepKind::Rolling { window, min_periods, of, ddof, keep } => {
                let times = self.length().unwrap_or(1);
                if window.saturating_mul(times) > MAX_ADDITIONS {
                    let reason = format!("times {times} points in time is more work than a reading may make");
                    return Err(BadParameter::new("window", reason));
                }
                let one = |of: &Named<_>| {
                    Rolling::new(RollingSpec {
                        window: *window,
                        min_periods: min_periods.unwrap_or(*window),
                        statistic: of.value,
                        ddof: *ddof,
                    })
                };
                let names = names(of);
                let of = of.iter().map(one).collect::<Result<_, _>>()?;
                each(
                    Transform::Rolling { of, names, window: *window, keep: *keep, scratch: Vec::new() },
                    true,
                )
            }
            StepKind::Ewm { spec, of, .. } => each(Transform::Ewm(*spec, *of), true),
            StepKind::ZScore(ZScore::Frozen { mean, std }) => {
                if mean.len() != 1 && mean.len() != selected {
                    let reason = format!("has {} numbers for {selected} features", mean.len());
                    return Err(BadParameter::new("mean", reason));
                }
                let pairs = mean.iter().copied().zip(std.iter().copied());
                let pairs: Vec<(f64, f64)> =
                    if mean.len() == 1 { pairs.cycle().take(selected).collect() } else { pairs.collect() };
                each(Transform::Frozen(pairs), true)
            }
            StepKind::ZScore(ZScore::Window { ddof }) => each(Transform::OwnZScore { ddof: *ddof }, true),
            StepKind::ZScore(ZScore::Running { .. }) => {
                Err(BadParameter::new("over", "\"source\" works on each reading as it comes"))
            }
            StepKind::Fill(FillPolicy::With(policy)) => Ok(Kind::Fill(*policy)),
            StepKind::Fill(FillPolicy::Drop) => Ok(Kind::Drop),
            StepKind::Fill(FillPolicy::Reject) => Ok(Kind::Reject),
            StepKind::Statistics { of, ddof, bias } => {
                let (names, statistics) = (names(of), Statistics::new(*ddof, *bias));
                let of = of.iter().map(|of| of.value).collect();
                each(Transform::Statistics { of, names, statistics }, false)
            }
            StepKind::Detrend(detrend) => each(Transform::Detrend(*detrend), true),
            StepKind::Log(spec) => each(Transform::Log(*spec), true),
            StepKind::Decibels(spec) => Ok(Kind::Decibels(spec.clone())),
            StepKind::Fft { rate_hz, n_fft, taper, symmetry, detrend, scaling } => {
                let length = self.length()?;
                // Only densities depend on it.
                let rate_hz = match scaling {
                    Scaling::Density => self.rate(*rate_hz)?,
                    _ => self.rate(*rate_hz).unwrap_or(1.0),
                };
                let spec = SpectrumSpec {
                    n_fft: n_fft.unwrap_or(length),
                    taper: *taper,
                    symmetry: *symmetry,
                    detrend: *detrend,
                    scaling: *scaling,
                    ..SpectrumSpec::new(length, rate_hz)
                };
                each(Transform::Spectrum(Spectrum::new(spec)?), false)
            }
            StepKind::Welch(welch) => {
                let spec = SpectrumSpec {
                    n_fft: welch.n_fft.unwrap_or(welch.segment),
                    taper: welch.taper,
                    detrend: welch.detrend,
                    scaling: welch.scaling,
                    ..SpectrumSpec::new(welch.segment, self.rate(welch.rate_hz)?)
                };
                let overlap = welch.overlap.unwrap_or(welch.segment / 2);
                each(Transform::Welch(Welch::new(spec, overlap, welch.average, self.length()?)?), false)
            }
            StepKind::Bands { rate_hz, bands, taper, detrend } => {
                let spec = SpectrumSpec {
                    taper: *taper,
                    detrend: *detrend,
                    ..SpectrumSpec::new(self.length()?, self.rate(*rate_hz)?)
                };
                each(Transform::Bands(Bands::new(spec, bands)?, bands.len()), false)
            }
            StepKind::Envelope { rate_hz, band } => {
                each(Transform::Envelope(self.envelope(*rate_hz, *band)?), true)
            }
            StepKind::EnvelopeSpectrum { rate_hz, band, taper } => {
                let length = self.length()?;
                let spec = SpectrumSpec {
                    taper: *taper,
                    detrend: Detrend::Constant,
                    scaling: Scaling::Amplitude,
                    ..SpectrumSpec::new(length, self.rate(*rate_hz).unwrap_or(1.0))
                };
                let (envelope, spectrum) = (self.envelope(*rate_hz, *band)?, Spectrum::new(spec)?);
                each(Transform::EnvelopeSpectrum { envelope, spectrum, scratch: Vec::new() }, false)
            }
            StepKind::Stft { frames, output, rate_hz } => {
                let scaling = match output {
                    StftOutput::Magnitude | StftOutput::Power => StftScaling::None,
                    StftOutput::Spectrum => StftScaling::Spectrum,
                    StftOutput::Density => StftScaling::Density { rate_hz: self.rate(*rate_hz)? },
                };
                let spec = StftSpec { scaling, ..stft(frames) };
                let count = spec.frames(self.length()?)?;
                let power = if matches!(output, StftOutput::Power | StftOutput::Density) { 2 } else { 1 };
                each(Transform::Stft { stft: Stft::new(spec)?, frames: count, power }, false)
            }
            StepKind::Mel { front, decibels, mfcc } => {
                let mel = self.mel(front, decibels.as_ref(), mfcc.as_ref())?;
                each(Transform::Mel(Box::new(mel)), false)
            }
        }
    }

    fn envelope(&self, rate_hz: Option<f64>, band: Option<Band>) -> Result<Envelope, BadParameter> {
        let band = match band {
            Some(band) => Some((band, self.rate(rate_hz)?)),
            None => None,
        };
        Envelope::new(self.length()?, band)
    }

    fn mel(
        &self,
        front: &MelFront,
        decibels: Option<&DecibelSpec>,
        mfcc: Option<&MfccSpec>,
    ) -> Result<Mel, BadParameter> {
        let rate_hz = self.rate(front.rate_hz)?;
        // librosa's default here is no quarter of anything.
        let hop_length = Some(front.frames.hop_length.unwrap_or(512));
        let stft = stft(&FrameSpec { hop_length, ..front.frames.clone() });
        let frames = stft.frames(self.length()?)?;
        let defaults = MelSpec::new(rate_hz, stft.n_fft);
        let mel = MelSpec {
            n_mels: front.n_mels,
            fmin_hz: front.fmin_hz,
            fmax_hz: front.fmax_hz.unwrap_or(defaults.fmax_hz),
            htk: front.htk,
            slaney_norm: front.slaney_norm,
            ..defaults
        };
        let mfcc = mfcc.map(|mfcc| Mfcc::new(front.n_mels, mfcc.n_mfcc, mfcc.ortho, mfcc.lifter));
        Ok(Mel {
            spectrogram: MelSpectrogram::new(stft, &mel, front.power)?,
            frames,
            decibels: decibels.cloned(),
            mfcc: mfcc.transpose()?,
            scratch: Vec::new(),
        })
    }
}

fn names<T>(of: &[Named<T>]) -> Vec<String> {
    of.iter().map(|of| of.name.clone()).collect()
}

fn stft(frames: &FrameSpec) -> StftSpec {
    let defaults = StftSpec::new(frames.n_fft);
    StftSpec {
        hop_length: frames.hop_length.unwrap_or(match frames.win_length {
            Some(win_length) => (win_length / 4).max(1),
            None => defaults.hop_length,
        }),
        win_length: frames.win_length.unwrap_or(frames.n_fft),
        taper: frames.taper,
        edges: frames.edges,
        ..defaults
    }
}
