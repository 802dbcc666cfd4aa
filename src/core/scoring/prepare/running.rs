//! Steps that run on from reading to reading of a source, before its windows.

use super::super::declared::EwmStatistic;
use crate::signal::series::{Exponential, ExponentialSpec, Welford};

/// Such a step, as planned.
#[derive(Debug, Clone)]
pub struct Running {
    /// Which values of a point.
    pub places: Vec<usize>,
    pub kind: RunningKind,
}

#[derive(Debug, Clone, Copy)]
pub enum RunningKind {
    Ewm(ExponentialSpec, EwmStatistic),
    ZScore { ddof: u64 },
}

/// Its memory of one source: one state a place.
#[derive(Debug, Clone)]
pub enum RunningState {
    Ewm(Vec<Exponential>),
    ZScore(Vec<Welford>),
}

impl Running {
    pub fn begin(&self) -> RunningState {
        let places = self.places.len();
        match self.kind {
            RunningKind::Ewm(spec, _) => RunningState::Ewm(vec![Exponential::new(spec); places]),
            RunningKind::ZScore { .. } => RunningState::ZScore(vec![Welford::default(); places]),
        }
    }

    /// Takes one point in: each value is replaced by what the step makes of it. A missing one stays so.
    pub fn take(&self, state: &mut RunningState, point: &mut [f64]) {
        for (i, place) in self.places.iter().enumerate() {
            let Some(x) = point.get_mut(*place) else { continue };
            match (&self.kind, &mut *state) {
                (RunningKind::Ewm(_, of), RunningState::Ewm(states)) => {
                    let Some(state) = states.get_mut(i) else { continue };
                    state.push(*x);
                    if !x.is_nan() {
                        *x = ewm(state, *of);
                    }
                }
                (RunningKind::ZScore { ddof }, RunningState::ZScore(states)) => {
                    let Some(state) = states.get_mut(i) else { continue };
                    state.push(*x);
                    if !x.is_nan() {
                        *x = state.z_score(*x, *ddof);
                    }
                }
                _ => {}
            }
        }
    }
}

/// The statistic; a variance that is not known yet counts as 0.
pub fn ewm(state: &Exponential, of: EwmStatistic) -> f64 {
    let known = |variance: f64| if variance.is_nan() { 0.0 } else { variance };
    match of {
        EwmStatistic::Mean => state.mean(),
        EwmStatistic::Var => known(state.variance()),
        EwmStatistic::Std => known(state.variance()).sqrt(),
    }
}
