//! Windows by count: the last readings of each source.

use super::{
    declared::{CountSpec, GapSpec, OnGap},
    features::Taker,
    gaps::{gap, judge_gaps},
    payload::Row,
    plan::InputPlan,
    source::SourceState,
    time::EventTime,
    verdict::WindowNote,
};
use crate::domain::Rejection;

/// Takes a reading into its source's window. Returns where its values stand in each input's series.
///
/// # Errors
/// What does not fit the model is refused here, so that one bad reading can't spoil the windows of
/// the next `length` ones; the window stays as it was.
pub(super) fn push(
    state: &mut SourceState,
    takers: &[Taker],
    row: &Row,
    numbers: &mut Vec<f64>,
) -> Result<(), Rejection> {
    state.windows.resize(takers.len(), Vec::new());
    let lens: Vec<usize> = state.windows.iter().map(Vec::len).collect();
    for (i, taker) in takers.iter().enumerate() {
        numbers.clear();
        let taken = taker.numbers(row, &mut state.last_known, numbers).and_then(|()| taker.admit(numbers));
        if let Err(rejection) = taken {
            for (window, len) in state.windows.iter_mut().zip(lens) {
                window.truncate(len);
            }
            return Err(rejection);
        }
        state.windows[i].extend_from_slice(numbers);
    }
    // All of it fits: only now do steps learn from it that run on from reading to reading.
    state.running.resize_with(takers.len(), Vec::new);
    let states = state.running.iter_mut().zip(&mut state.windows);
    for ((taker, (running, window)), len) in takers.iter().zip(states).zip(lens) {
        taker.take(running, &mut window[len..]);
    }
    state.readings += 1;
    Ok(())
}

/// Notes the time of a reading that comes next; a hole before it may end the window.
pub(super) fn note_time(state: &mut SourceState, time: EventTime, spec: GapSpec) {
    let hole = state.timed.times.last().is_some_and(|last| gap(*last, time.ns, spec));
    if hole && spec.on_gap == OnGap::Restart {
        state.begin_anew();
    }
}

/// What a whole window's verdict tells of it, or why there is none.
pub(super) fn look(state: &SourceState, window: CountSpec, spec: GapSpec) -> Result<WindowNote, Rejection> {
    let times = &state.timed.times;
    let gaps = times.windows(2).filter(|pair| gap(pair[0], pair[1], spec)).count();
    judge_gaps(gaps, spec, || "the window".into())?;
    Ok(WindowNote { span: None, readings: window.length, gaps: Some(gaps) })
}

/// Drops the oldest readings, up to the beginning of the next window.
pub(super) fn advance(state: &mut SourceState, window: CountSpec, plans: &[InputPlan]) {
    for (series, plan) in state.windows.iter_mut().zip(plans) {
        series.drain(..window.step * plan.step());
    }
    state.readings -= window.step;
    state.origins.drain(..window.step.min(state.origins.len()));
    let times = &mut state.timed.times;
    times.drain(..window.step.min(times.len()));
}
