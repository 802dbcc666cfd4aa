//! `[prepare]`: what is done to a series before it goes to the model.

use super::WindowLayout;
use crate::signal::{
    series::{ExponentialSpec, Fill, Statistic},
    spectra::{Average, Band, DecibelSpec, Detrend, Edges, Scaling, Symmetry, Taper},
};

/// Which meaning of the steps this program has.
pub const PREPARE_VERSION: u64 = 1;

/// The whole of `[prepare]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PrepareSpec {
    /// Of the prepared series; without, the window's.
    pub layout: Option<WindowLayout>,
    pub steps: Vec<StepSpec>,
}

/// What one reading brings to a series.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesSpec {
    /// Of an input of `fields`: their paths, as declared.
    pub names: Vec<String>,
    /// Points in time of an array; values stand point by point.
    pub points: Option<usize>,
    /// Values of a point.
    pub channels: Option<usize>,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepSpec {
    /// Its key, for faults: `prepare.steps[2]`.
    pub key: String,
    /// Which model input; without, the only one.
    pub input: Option<String>,
    /// Which features; empty for all.
    pub fields: Vec<FieldRef>,
    pub kind: StepKind,
}

/// A feature, as a step names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldRef {
    Index(usize),
    Name(String),
}

/// What a step does. `signal` has each of these, and says what it agrees with.
#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    Difference {
        order: usize,
        periods: usize,
    },
    Lag {
        lags: Vec<usize>,
        keep: bool,
    },
    Rolling {
        window: usize,
        min_periods: Option<usize>,
        of: Vec<Named<Statistic>>,
        ddof: usize,
        keep: bool,
    },
    Ewm {
        spec: ExponentialSpec,
        of: EwmStatistic,
        running: bool,
    },
    ZScore(ZScore),
    Fill(FillPolicy),
    Statistics {
        of: Vec<Named<Statistic>>,
        ddof: usize,
        bias: bool,
    },
    Detrend(Detrend),
    Log(LogSpec),
    Decibels(DecibelSpec),
    Fft {
        rate_hz: Option<f64>,
        n_fft: Option<usize>,
        taper: Taper,
        symmetry: Symmetry,
        detrend: Detrend,
        scaling: Scaling,
    },
    Welch(WelchSpec),
    Bands {
        rate_hz: Option<f64>,
        bands: Vec<Band>,
        taper: Taper,
        detrend: Detrend,
    },
    Envelope {
        rate_hz: Option<f64>,
        band: Option<Band>,
    },
    EnvelopeSpectrum {
        rate_hz: Option<f64>,
        band: Option<Band>,
        taper: Taper,
    },
    Stft {
        frames: FrameSpec,
        output: StftOutput,
        rate_hz: Option<f64>,
    },
    Mel {
        front: MelFront,
        decibels: Option<DecibelSpec>,
        mfcc: Option<MfccSpec>,
    },
}

/// A parameter with the name it goes by.
#[derive(Debug, Clone, PartialEq)]
pub struct Named<T> {
    pub name: String,
    pub value: T,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EwmStatistic {
    #[default]
    Mean,
    Std,
    Var,
}

impl EwmStatistic {
    pub const NAMES: [(&'static str, EwmStatistic); 3] =
        [("mean", EwmStatistic::Mean), ("std", EwmStatistic::Std), ("var", EwmStatistic::Var)];
}

/// Where a z-score's mean and standard deviation come from.
#[derive(Debug, Clone, PartialEq)]
pub enum ZScore {
    /// From the training data: one of each for all features, or one a feature.
    Frozen { mean: Vec<f64>, std: Vec<f64> },
    /// From the window itself.
    Window { ddof: usize },
    /// From all readings of the source so far.
    Running { ddof: u64 },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FillPolicy {
    With(Fill),
    /// Points in time where a feature is missing are left out.
    Drop,
    /// A window where a feature is missing is rejected.
    Reject,
}

/// A logarithm; what is below `floor` counts as it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogSpec {
    pub base: LogBase,
    pub floor: f64,
    /// Added before.
    pub offset: f64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogBase {
    #[default]
    E,
    Ten,
    Two,
}

impl LogBase {
    pub const NAMES: [(&'static str, LogBase); 3] =
        [("e", LogBase::E), ("10", LogBase::Ten), ("2", LogBase::Two)];
}

#[derive(Debug, Clone, PartialEq)]
pub struct WelchSpec {
    pub rate_hz: Option<f64>,
    pub segment: usize,
    /// Without, half a segment.
    pub overlap: Option<usize>,
    pub n_fft: Option<usize>,
    pub taper: Taper,
    pub detrend: Detrend,
    pub scaling: Scaling,
    pub average: Average,
}

/// How a series is cut into pieces.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameSpec {
    pub n_fft: usize,
    pub hop_length: Option<usize>,
    pub win_length: Option<usize>,
    pub taper: Taper,
    pub edges: Edges,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StftOutput {
    /// `|X|`.
    #[default]
    Magnitude,
    /// `|X|^2`.
    Power,
    /// `|X|` as `scipy.signal.stft` scales it.
    Spectrum,
    /// `|X|^2` as `scipy.signal.stft(scaling="psd")` scales it.
    Density,
}

impl StftOutput {
    pub const NAMES: [(&'static str, StftOutput); 4] = [
        ("magnitude", StftOutput::Magnitude),
        ("power", StftOutput::Power),
        ("spectrum", StftOutput::Spectrum),
        ("density", StftOutput::Density),
    ];
}

#[derive(Debug, Clone, PartialEq)]
pub struct MelFront {
    pub rate_hz: Option<f64>,
    pub frames: FrameSpec,
    pub n_mels: usize,
    pub fmin_hz: f64,
    pub fmax_hz: Option<f64>,
    pub htk: bool,
    pub slaney_norm: bool,
    pub power: u8,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MfccSpec {
    pub n_mfcc: usize,
    pub ortho: bool,
    pub lifter: f64,
}
