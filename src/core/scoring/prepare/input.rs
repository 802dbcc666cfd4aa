//! One input's preparation in a scorer: from readings to the numbers of its tensor.

use super::{Prepared, RunningState, resample::Resampler};
use crate::domain::Rejection;

/// A planned preparation with its buffers.
#[derive(Debug, Clone)]
pub struct Preparer {
    prepared: Prepared,
    resampler: Option<Resampler>,
}

impl Preparer {
    pub fn new(prepared: &Prepared) -> Self {
        let resampler = prepared.resample.as_ref().map(Resampler::new);
        Preparer { prepared: prepared.clone(), resampler }
    }

    /// Whether missing values may come in.
    pub fn takes_missing(&self) -> bool {
        self.prepared.takes_missing
    }

    /// Whether it remembers anything from reading to reading.
    pub fn runs_on(&self) -> bool {
        !self.prepared.running.is_empty()
    }

    /// What comes of a reading by itself, in place; `states` is what the source's earlier ones left.
    pub fn take(&self, states: &mut Vec<RunningState>, reading: &mut [f64]) {
        if states.len() < self.prepared.running.len() {
            *states = self.prepared.begin();
        }
        for point in reading.chunks_exact_mut(self.prepared.channels.max(1)) {
            for (step, state) in self.prepared.running.iter().zip(&mut *states) {
                step.take(state, point);
            }
        }
    }

    /// Prepares readings that follow one another; appends to `out`.
    ///
    /// # Errors
    /// As [`Pipeline::run`](super::Pipeline::run).
    pub fn whole(&mut self, readings: &[f64], out: &mut Vec<f64>) -> Result<(), Rejection> {
        let channels = self.prepared.channels;
        self.prepared.pipeline.series().load(readings, channels);
        self.prepared.pipeline.run(out)
    }

    /// Prepares readings of a window by time, each so far from the window's begin.
    ///
    /// # Errors
    /// As [`Pipeline::run`](super::Pipeline::run).
    pub fn timed(
        &mut self,
        offsets_ns: impl Iterator<Item = i64> + Clone,
        readings: &[f64],
        out: &mut Vec<f64>,
    ) -> Result<(), Rejection> {
        let Some(resampler) = &mut self.resampler else { return self.whole(readings, out) };
        resampler.run(offsets_ns, readings, self.prepared.pipeline.series());
        self.prepared.pipeline.run(out)
    }
}
