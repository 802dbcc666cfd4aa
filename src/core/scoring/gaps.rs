//! Holes between readings.

use super::declared::{GapSpec, OnGap};
use crate::domain::{Reason, Rejection};

/// Whether the time between two readings is a gap.
pub(super) fn gap(earlier_ns: i64, later_ns: i64, spec: GapSpec) -> bool {
    later_ns.saturating_sub(earlier_ns) > spec.gap_ns
}

/// Refuses a window with gaps where that is declared.
pub(super) fn judge_gaps(
    gaps: usize,
    spec: GapSpec,
    window: impl FnOnce() -> String,
) -> Result<(), Rejection> {
    if gaps == 0 || spec.on_gap != OnGap::Reject {
        return Ok(());
    }
    let secs = spec.gap_ns as f64 / 1e9;
    let detail = format!("{} has {gaps} gaps of more than {secs} s without a reading", window());
    Err(Rejection::new(Reason::GapInWindow, detail))
}
