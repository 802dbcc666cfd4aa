//! What a step makes of one feature.

use super::super::declared::{EwmStatistic, LogBase, LogSpec};
use super::running::ewm;
use crate::signal::{
    series::{
        Exponential, ExponentialSpec, Rolling, Statistic, Statistics, difference, lag, standardize,
        standardize_by_itself,
    },
    spectra::{Bands, DecibelSpec, Detrend, Envelope, MelSpectrogram, Mfcc, Spectrum, Stft, Welch, decibels},
};

/// A planned step for one feature. What depends on the series' length was settled for it.
#[derive(Debug, Clone)]
pub enum Transform {
    Difference {
        order: usize,
        periods: usize,
        scratch: Vec<f64>,
    },
    /// 0 is the value itself.
    Lag(Vec<usize>),
    Rolling {
        of: Vec<Rolling>,
        names: Vec<String>,
        window: usize,
        keep: bool,
        scratch: Vec<f64>,
    },
    Ewm(ExponentialSpec, EwmStatistic),
    /// Mean and standard deviation by place among the selected.
    Frozen(Vec<(f64, f64)>),
    OwnZScore {
        ddof: usize,
    },
    Statistics {
        of: Vec<Statistic>,
        names: Vec<String>,
        statistics: Statistics,
    },
    Detrend(Detrend),
    Log(LogSpec),
    Spectrum(Spectrum),
    Welch(Welch),
    Bands(Bands, usize),
    Envelope(Envelope),
    EnvelopeSpectrum {
        envelope: Envelope,
        spectrum: Spectrum,
        scratch: Vec<f64>,
    },
    Stft {
        stft: Stft,
        frames: usize,
        power: u8,
    },
    Mel(Box<Mel>),
}

/// Mel spectrogram, decibels and cepstrum, as far as wanted.
#[derive(Debug, Clone)]
pub struct Mel {
    pub spectrogram: MelSpectrogram,
    pub frames: usize,
    pub decibels: Option<DecibelSpec>,
    pub mfcc: Option<Mfcc>,
    pub scratch: Vec<f64>,
}

impl Transform {
    /// Points in time it can't do without.
    pub fn least_times(&self) -> usize {
        match self {
            Transform::Difference { order, periods, .. } => order.saturating_mul(*periods).saturating_add(1),
            Transform::Lag(lags) => lags.iter().max().map_or(1, |most| most + 1),
            Transform::Rolling { window, .. } => *window,
            _ => 1,
        }
    }

    /// How many features it makes of one, and how many points in time they have, for a series of
    /// `times` points (at least [`Transform::least_times`]).
    pub fn outputs(&self, times: usize) -> (usize, usize) {
        match self {
            Transform::Difference { .. } => (1, times - (self.least_times() - 1)),
            Transform::Lag(lags) => (lags.len(), times - (self.least_times() - 1)),
            Transform::Rolling { of, keep, .. } => {
                (of.len() + usize::from(*keep), times - (self.least_times() - 1))
            }
            Transform::Ewm(..)
            | Transform::Frozen(_)
            | Transform::OwnZScore { .. }
            | Transform::Detrend(_)
            | Transform::Log(_)
            | Transform::Envelope(_) => (1, times),
            Transform::Statistics { of, .. } => (of.len(), 1),
            Transform::Spectrum(spectrum) | Transform::EnvelopeSpectrum { spectrum, .. } => {
                (spectrum.bins(), 1)
            }
            Transform::Welch(welch) => (welch.bins(), 1),
            Transform::Bands(_, bands) => (*bands, 1),
            Transform::Stft { stft, frames, .. } => (stft.bins(), *frames),
            Transform::Mel(mel) => (mel.features(), mel.frames),
        }
    }

    /// The name of the `i`-th feature it makes of the one called `name`.
    pub fn name(&self, name: &str, i: usize) -> String {
        let other = |names: &[String], i: usize| names.get(i).map_or("?", String::as_str).to_owned();
        match self {
            Transform::Lag(lags) => match lags.get(i) {
                Some(0) | None => name.to_owned(),
                Some(lag) => format!("{name}.lag{lag}"),
            },
            Transform::Rolling { names, keep, .. } => match i.checked_sub(usize::from(*keep)) {
                None => name.to_owned(),
                Some(i) => format!("{name}.rolling_{}", other(names, i)),
            },
            Transform::Statistics { names, .. } => format!("{name}.{}", other(names, i)),
            Transform::Spectrum(_)
            | Transform::Welch(_)
            | Transform::EnvelopeSpectrum { .. }
            | Transform::Stft { .. } => format!("{name}.bin{i}"),
            Transform::Bands(..) => format!("{name}.band{i}"),
            Transform::Mel(mel) => format!("{name}.{}{i}", if mel.mfcc.is_some() { "mfcc" } else { "mel" }),
            _ => name.to_owned(),
        }
    }

    /// `x` of the feature at `place` among the selected into `out`: `[features, times]` as
    /// [`Transform::outputs`] says.
    pub fn run(&mut self, x: &[f64], place: usize, out: &mut [f64]) {
        match self {
            Transform::Difference { order, periods, scratch } => {
                difference(x, *order, *periods, scratch, out)
            }
            Transform::Lag(lags) => {
                let times = out.len() / lags.len().max(1);
                for (periods, out) in lags.iter().zip(out.chunks_exact_mut(times.max(1))) {
                    lag(x, *periods, out);
                }
            }
            Transform::Rolling { of, window, keep, scratch, .. } => {
                let times = x.len() - (*window - 1);
                let (kept, out) = out.split_at_mut(if *keep { times } else { 0 });
                kept.copy_from_slice(&x[x.len() - kept.len()..]);
                scratch.resize(x.len(), 0.0);
                for (rolling, out) in of.iter_mut().zip(out.chunks_exact_mut(times)) {
                    rolling.run(x, scratch);
                    out.copy_from_slice(&scratch[*window - 1..]);
                }
            }
            Transform::Ewm(spec, of) => {
                let mut state = Exponential::new(*spec);
                for (x, out) in x.iter().zip(out) {
                    state.push(*x);
                    *out = ewm(&state, *of);
                }
            }
            Transform::Frozen(parameters) => {
                let (mean, std) = parameters.get(place).copied().unwrap_or((0.0, 1.0));
                x.iter().zip(out).for_each(|(x, out)| *out = standardize(*x, mean, std));
            }
            Transform::OwnZScore { ddof } => standardize_by_itself(x, *ddof, out),
            Transform::Statistics { of, statistics, .. } => {
                of.iter().zip(out).for_each(|(of, out)| *out = statistics.run(*of, x));
            }
            Transform::Detrend(detrend) => {
                out.copy_from_slice(x);
                detrend.apply(out);
            }
            Transform::Log(spec) => x.iter().zip(out).for_each(|(x, out)| *out = spec.of(*x)),
            Transform::Spectrum(spectrum) => spectrum.run(x, out),
            Transform::Welch(welch) => welch.run(x, out),
            Transform::Bands(bands, _) => bands.run(x, out),
            Transform::Envelope(envelope) => envelope.run(x, out),
            Transform::EnvelopeSpectrum { envelope, spectrum, scratch } => {
                scratch.resize(x.len(), 0.0);
                envelope.run(x, scratch);
                spectrum.run(scratch, out);
            }
            Transform::Stft { stft, power, .. } => stft.magnitudes(x, *power, out),
            Transform::Mel(mel) => mel.run(x, out),
        }
    }
}

impl LogSpec {
    fn of(self, x: f64) -> f64 {
        // `max` would turn a missing value into the floor.
        let x = if x.is_nan() { x } else { (x + self.offset).max(self.floor) };
        match self.base {
            LogBase::E => x.ln(),
            LogBase::Ten => x.log10(),
            LogBase::Two => x.log2(),
        }
    }
}

impl Mel {
    fn features(&self) -> usize {
        self.mfcc.as_ref().map_or(self.spectrogram.mels(), Mfcc::coefficients)
    }

    fn run(&mut self, x: &[f64], out: &mut [f64]) {
        let Mel { spectrogram, frames, decibels: log, mfcc, scratch } = self;
        let Some(mfcc) = mfcc else {
            spectrogram.run(x, out);
            if let Some(log) = log {
                decibels(log, out);
            }
            return;
        };
        scratch.resize(spectrogram.mels() * *frames, 0.0);
        spectrogram.run(x, scratch);
        if let Some(log) = log {
            decibels(log, scratch);
        }
        mfcc.run(scratch, out);
    }
}
