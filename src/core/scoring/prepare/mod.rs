//! What `[prepare]` declares, done: each input's series, step by step, to what the model takes.
//!
//! Built once when a declaration is held against its model: every length that can be known is known
//! there, so that running only computes. A scorer has its own copy, with its buffers.

mod build;
mod fields;
mod input;
mod kinds;
mod resample;
mod running;
mod stage;
mod transform;

pub(super) use build::{Prepared, is_prepared, prepare};
pub(super) use input::Preparer;
pub(super) use running::RunningState;

use running::Running;
use stage::Stage;

use super::declared::WindowLayout;
use crate::domain::{Reason, Rejection};

/// Most values of one series at any step: a bound on memory.
const MAX_VALUES: usize = 1 << 24;

/// Most features of one series: each has a name.
const MAX_FEATURES: usize = 1 << 20;

/// How many points in time a series has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Times {
    Fixed(usize),
    /// As many as there were readings.
    Varying,
}

/// What is known of a series before there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    /// Of the features, for messages and for later steps.
    names: Vec<String>,
    times: Times,
}

/// Numbers by feature and time: `[features, times]`.
#[derive(Debug, Clone, Default)]
pub(super) struct Series {
    pub features: usize,
    pub times: usize,
    pub data: Vec<f64>,
}

impl Series {
    /// Makes room for a shape; what is in it is of no use.
    pub fn resize(&mut self, features: usize, times: usize) {
        (self.features, self.times) = (features, times);
        self.data.resize(features * times, 0.0);
    }

    pub fn feature(&self, i: usize) -> &[f64] {
        &self.data[i * self.times..(i + 1) * self.times]
    }

    fn feature_mut(&mut self, i: usize) -> &mut [f64] {
        &mut self.data[i * self.times..(i + 1) * self.times]
    }

    /// Takes values that stand time by time: `[times, features]`.
    pub fn load(&mut self, values: &[f64], features: usize) {
        let times = values.len() / features.max(1);
        self.resize(features, times);
        for (t, point) in values.chunks_exact(features.max(1)).enumerate() {
            for (f, value) in point.iter().enumerate() {
                self.data[f * times + t] = *value;
            }
        }
    }
}

/// All steps of one input.
#[derive(Debug, Clone)]
pub(super) struct Pipeline {
    input: String,
    stages: Vec<Stage>,
    /// Of the features that come out.
    names: Vec<String>,
    layout: WindowLayout,
    series: Series,
    other: Series,
}

impl Pipeline {
    /// The series to prepare, to be filled before [`Pipeline::run`].
    pub fn series(&mut self) -> &mut Series {
        &mut self.series
    }

    /// Prepares the series; appends it to `out` in the model's layout.
    ///
    /// # Errors
    /// [`Reason::TooFewReadings`] for a step, and [`Reason::NotFinite`] where NaN or an infinity is left.
    pub fn run(&mut self, out: &mut Vec<f64>) -> Result<(), Rejection> {
        let Pipeline { input, stages, names, layout, series, other } = self;
        for stage in stages {
            stage.run(series, other).map_err(|rejection| Rejection {
                detail: format!("input `{input}`: {}", rejection.detail),
                ..rejection
            })?;
            std::mem::swap(series, other);
        }
        if let Some(at) = series.data.iter().position(|x| !x.is_finite()) {
            let (feature, time) = (at / series.times.max(1), at % series.times.max(1));
            let name = names.get(feature).map_or("?", String::as_str);
            let detail = format!(
                "input `{input}`: feature `{name}` is {} at place {time} of the prepared series",
                series.data[at]
            );
            return Err(Rejection::new(Reason::NotFinite, detail));
        }
        match layout {
            WindowLayout::FeatureTime => out.extend_from_slice(&series.data),
            WindowLayout::TimeFeature => {
                for t in 0..series.times {
                    out.extend((0..series.features).map(|f| series.data[f * series.times + t]));
                }
            }
        }
        Ok(())
    }
}
