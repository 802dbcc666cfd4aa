//! Windows by the events' own time: readings are put in their order, and a window closes when its
//! source's time has gone past its end and the lateness it may have. No clock is asked.

use super::{
    declared::{GapSpec, OnGap, TimeSpec},
    features::Taker,
    gaps::{gap, judge_gaps},
    payload::Row,
    source::SourceState,
    time::EventTime,
    verdict::{WindowNote, WindowSpan},
    window,
};
use crate::domain::{Reason, Rejection};

/// After so many late readings with none in time between them, a source's clock is taken to have been
/// set back: its windows are let go and begin anew. Else one reading from a wrong future would silence
/// its source for good.
const LATE_IN_A_ROW: u32 = 100;

/// The first window that is not closed when a source's time is `newest_ns`, in steps since 1970.
fn first_open(newest_ns: i64, window: &TimeSpec) -> i64 {
    let past = newest_ns.saturating_sub(window.duration_ns).saturating_sub(window.lateness_ns);
    past.div_euclid(window.step_ns) + 1
}

/// The first window that contains a moment.
fn first_of(ns: i64, window: &TimeSpec) -> i64 {
    ns.saturating_sub(window.duration_ns).div_euclid(window.step_ns) + 1
}

/// Takes a reading into its source's windows.
///
/// # Errors
/// [`Reason::Late`] when all windows of its time are closed, [`Reason::WindowFull`], and what does not
/// fit; then nothing has changed.
pub(super) fn push(
    state: &mut SourceState,
    window: &TimeSpec,
    takers: &[Taker],
    row: &Row,
    time: EventTime,
    token: u64,
    numbers: &mut Vec<f64>,
) -> Result<(), Rejection> {
    if let Some(newest_ns) = state.timed.newest_ns {
        let open = first_open(newest_ns, window);
        if time.ns.div_euclid(window.step_ns) < open {
            state.timed.late += 1;
            if state.timed.late < LATE_IN_A_ROW {
                return Err(late(time, newest_ns, window));
            }
            state.begin_anew();
        }
    }
    let before = state.timed.newest_ns.map(|newest| first_open(newest, window));
    let newest_ns = state.timed.newest_ns.map_or(time.ns, |newest| newest.max(time.ns));
    let now = first_open(newest_ns, window);
    let closes = before.is_some_and(|before| before < now);
    let most = window.max_readings;
    // One that closes windows makes room: without it the source would be full for good.
    if state.readings >= most && !closes {
        let detail =
            format!("{most} readings wait in open windows of this source; raise `window.max_readings`");
        return Err(Rejection::new(Reason::WindowFull, detail));
    }
    window::push(state, takers, row, numbers)?;
    let timed = &mut state.timed;
    timed.late = 0;
    timed.form = time.form;
    // Behind those of the same time: then the last counts.
    let at = timed.times.partition_point(|known| *known <= time.ns);
    timed.times.insert(at, time.ns);
    timed.tokens.insert(at, token);
    timed.oldest_token.get_or_insert(token);
    for series in &mut state.windows {
        let width = series.len() / timed.times.len();
        series[at * width..].rotate_right(width);
    }
    timed.newest_ns = Some(newest_ns);
    timed.closing = before.filter(|before| *before < now).map(|before| (before, now));
    Ok(())
}

fn late(time: EventTime, newest_ns: i64, window: &TimeSpec) -> Rejection {
    let (told, newest) = (time.form.json(time.ns), time.form.json(newest_ns));
    let detail = format!(
        "the windows of {told} are closed: this source was at {newest} already, and a window waits {} s",
        window.lateness_ns as f64 / 1e9
    );
    Rejection::new(Reason::Late, detail)
}

/// A window that closed, with the places of its readings.
pub(super) struct Closed {
    pub begin_ns: i64,
    pub readings: std::ops::Range<usize>,
    /// What to tell, or why there is no verdict.
    pub note: Result<WindowNote, Rejection>,
}

/// The next window that the last reading closed and that holds a reading; when there is none any more,
/// readings that no window needs are let go.
pub(super) fn next_closed(
    state: &mut SourceState,
    window: &TimeSpec,
    spec: Option<GapSpec>,
) -> Option<Closed> {
    while let Some((next, end)) = state.timed.closing {
        let timed = &mut state.timed;
        let begin_ns = next.saturating_mul(window.step_ns);
        let first = timed.times.partition_point(|time| *time < begin_ns);
        let Some(&time) = timed.times.get(first) else { break };
        let holder = first_of(time, window).max(next);
        if holder >= end {
            break;
        }
        if holder > next {
            // Nothing in between: a source that was silent for a year costs no more than one that wasn't.
            timed.closing = Some((holder, end));
            continue;
        }
        timed.closing = Some((next + 1, end));
        let end_ns = begin_ns.saturating_add(window.duration_ns);
        let last = timed.times.partition_point(|time| *time < end_ns);
        if first >= last {
            continue;
        }
        let times = &timed.times[first..last];
        let span = WindowSpan { begin_ns, end_ns, form: timed.form };
        let mut note = WindowNote { span: Some(span), readings: times.len(), gaps: None };
        let mut judged = Ok(());
        if let Some(spec) = spec {
            let inner = times.windows(2).map(|pair| (pair[0], pair[1]));
            let edges = [(begin_ns, times[0]), (times[times.len() - 1], end_ns)];
            let gaps = inner.chain(edges).filter(|(a, b)| gap(*a, *b, spec)).count();
            note.gaps = Some(gaps);
            if gaps > 0 && spec.on_gap == OnGap::Restart {
                state.running.clear();
                continue;
            }
            judged = judge_gaps(gaps, spec, || {
                format!("the window from {} to {}", span.form.json(begin_ns), span.form.json(end_ns))
            });
        }
        return Some(Closed { begin_ns, readings: first..last, note: judged.map(|()| note) });
    }
    if let Some((_, end)) = state.timed.closing.take() {
        let_go(state, end.saturating_mul(window.step_ns));
    }
    None
}

/// Drops readings from before `begin_ns`.
fn let_go(state: &mut SourceState, begin_ns: i64) {
    let timed = &mut state.timed;
    let gone = timed.times.partition_point(|time| *time < begin_ns);
    if gone == 0 {
        return;
    }
    for series in &mut state.windows {
        let width = series.len() / timed.times.len();
        series.drain(..gone * width);
    }
    timed.times.drain(..gone);
    timed.tokens.drain(..gone);
    timed.oldest_token = timed.tokens.iter().copied().min();
    state.readings -= gone;
}
