//! Windows by count: the last readings of each source.

use super::{features::Taker, payload::Row, plan::InputPlan, source::SourceState, spec::WindowSpec};
use crate::domain::{Rejection, TensorData};

/// Takes a reading into its source's window.
///
/// # Errors
/// What does not fit the model is refused here, so that one bad reading can't spoil the windows of
/// the next `length` ones; the window stays as it was.
pub(super) fn push(
    state: &mut SourceState,
    plans: &[InputPlan],
    takers: &[Taker],
    row: &Row,
    numbers: &mut Vec<f64>,
) -> Result<(), Rejection> {
    state.windows.resize(plans.len(), Vec::new());
    let lens: Vec<usize> = state.windows.iter().map(Vec::len).collect();
    for (i, (plan, taker)) in plans.iter().zip(takers).enumerate() {
        numbers.clear();
        let mut fits = TensorData::empty(plan.element);
        let taken =
            taker.numbers(row, &mut state.last_known, numbers).and_then(|()| taker.cast(numbers, &mut fits));
        if let Err(rejection) = taken {
            for (window, len) in state.windows.iter_mut().zip(lens) {
                window.truncate(len);
            }
            return Err(rejection);
        }
        state.windows[i].extend_from_slice(numbers);
    }
    state.readings += 1;
    Ok(())
}

/// Drops the oldest readings, up to the beginning of the next window.
pub(super) fn advance(state: &mut SourceState, window: WindowSpec, plans: &[InputPlan]) {
    for (series, plan) in state.windows.iter_mut().zip(plans) {
        series.drain(..window.step * plan.step_len);
    }
    state.readings -= window.step;
    state.origins.drain(..window.step.min(state.origins.len()));
}
