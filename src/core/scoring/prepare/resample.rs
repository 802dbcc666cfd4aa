//! Readings at their own times, brought to a window's grid.

use super::{super::declared::ResampleSpec, Series};
use crate::signal::series::{Interpolator, grid};

/// Resamples every feature; keeps its buffers.
#[derive(Debug, Clone)]
pub struct Resampler {
    interpolator: Interpolator,
    /// Seconds from the window's begin.
    grid: Vec<f64>,
    times: Vec<f64>,
    values: Vec<f64>,
}

impl Resampler {
    pub fn new(spec: &ResampleSpec) -> Self {
        let mut at = vec![0.0; spec.points];
        grid(0.0, 1.0 / spec.rate_hz, &mut at);
        let interpolator = Interpolator::new(spec.method);
        Resampler { interpolator, grid: at, times: Vec::new(), values: Vec::new() }
    }

    /// `readings` stand reading by reading, in the order of `offsets_ns` from the window's begin. A
    /// missing value is passed over; of several at one time the last counts.
    pub fn run(
        &mut self,
        offsets_ns: impl Iterator<Item = i64> + Clone,
        readings: &[f64],
        series: &mut Series,
    ) {
        let features = readings.len() / offsets_ns.clone().count().max(1);
        series.resize(features, self.grid.len());
        for feature in 0..features {
            self.times.clear();
            self.values.clear();
            let column = readings.iter().skip(feature).step_by(features);
            for (offset_ns, value) in offsets_ns.clone().zip(column).filter(|(_, value)| !value.is_nan()) {
                let secs = offset_ns as f64 / 1e9;
                if self.times.last() == Some(&secs) {
                    self.times.pop();
                    self.values.pop();
                }
                self.times.push(secs);
                self.values.push(*value);
            }
            self.interpolator.run(&self.times, &self.values, &self.grid, series.feature_mut(feature));
        }
    }
}
