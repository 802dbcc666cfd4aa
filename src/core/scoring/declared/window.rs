//! `[window]`: which readings of a source go to the model together.

use crate::{settings::Section, signal::series::Interpolation};

/// Largest window, in readings; a bound on memory, not a wish.
const MAX_WINDOW_READINGS: u64 = 1_000_000;
/// Windows of one source that can be open at once.
const MAX_OPEN_WINDOWS: i64 = 1000;
/// Longest duration, in seconds: a year.
const MAX_SECS: f64 = 366.0 * 86_400.0;
const NANOS_A_SEC: f64 = 1e9;

/// A window over the readings of one source.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowSpec {
    pub extent: Extent,
    pub layout: WindowLayout,
    pub gap: Option<GapSpec>,
}

impl WindowSpec {
    /// Whether each reading's own time has to be known.
    pub fn needs_time(&self) -> bool {
        self.gap.is_some() || matches!(self.extent, Extent::Time(_))
    }
}

/// What makes a window whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Extent {
    Count(CountSpec),
    Time(TimeSpec),
}

/// A window of a number of readings, in the order they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountSpec {
    /// Readings in a window.
    pub length: usize,
    /// Readings from one window to the next: 1 slides, `length` tumbles.
    pub step: usize,
}

/// A window of a span of the events' own time. Windows begin at whole multiples of `step_ns` since
/// 1970, so that nothing depends on which reading came first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeSpec {
    /// Nanoseconds, as all times of events.
    pub duration_ns: i64,
    pub step_ns: i64,
    /// How far a source's time goes past a window's end before the window closes.
    pub lateness_ns: i64,
    /// Readings of one source kept at most.
    pub max_readings: usize,
    pub resample: Option<ResampleSpec>,
}

/// The grid a window's readings are brought to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResampleSpec {
    pub rate_hz: f64,
    pub method: Interpolation,
    /// The window's duration times the rate.
    pub points: usize,
}

/// When a hole between readings is one, and what becomes of a window with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GapSpec {
    pub gap_ns: i64,
    pub on_gap: OnGap,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnGap {
    /// Scored; the verdict tells how many.
    #[default]
    Tell,
    /// No window spans a hole: what stands before it is let go without a verdict.
    Restart,
    /// The window is rejected.
    Reject,
}

impl OnGap {
    pub const NAMES: [(&'static str, OnGap); 3] =
        [("tell", OnGap::Tell), ("restart", OnGap::Restart), ("reject", OnGap::Reject)];
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WindowLayout {
    /// `[length, features]`: the oldest reading first.
    #[default]
    TimeFeature,
    /// `[features, length]`: a series per feature, oldest first.
    FeatureTime,
}

impl WindowLayout {
    pub const NAMES: [(&'static str, WindowLayout); 2] =
        [("time_feature", WindowLayout::TimeFeature), ("feature_time", WindowLayout::FeatureTime)];
}

/// The keys of a window by time.
const BY_TIME: [&str; 5] = ["duration_secs", "step_secs", "lateness_secs", "max_readings", "resample"];

/// Reads `[window]`; `has_time` says whether the payload's time is declared.
pub(super) fn read_window(section: Section<'_>, has_time: bool) -> Option<WindowSpec> {
    let count = read_count(&section);
    let time = read_time(&section);
    let gap = read_gap(&section);
    let layout = section.choice("layout", &WindowLayout::NAMES).unwrap_or_default();
    let by_time = BY_TIME.into_iter().find(|key| section.has(key));
    let extent = match (section.has("length") || section.has("step"), by_time) {
        (true, Some(key)) => {
            section.fault(key, "is of a window by time, `length` and `step` of one by count; keep one kind");
            None
        }
        (false, Some(_)) => time.map(Extent::Time),
        (_, None) => {
            if section.is_present() && !section.has("length") {
                section.fault(
                    "length",
                    "is missing: how many readings make a window (or `duration_secs`: how long it is)",
                );
            }
            count.map(Extent::Count)
        }
    };
    let needs_time = by_time.or(gap.map(|_| "gap_secs"));
    if let (Some(key), false) = (needs_time, has_time) {
        section.fault(key, "needs the events' own time: declare `payload.time`");
    }
    section.finish();
    Some(WindowSpec { extent: extent?, layout, gap })
}

fn read_count(section: &Section<'_>) -> Option<CountSpec> {
    let length = section.integer("length", 1..=MAX_WINDOW_READINGS);
    let step = section.integer("step", 1..=MAX_WINDOW_READINGS);
    if let (Some(length), Some(step)) = (length, step)
        && step > length
    {
        section
            .fault("step", format!("is larger than `length` ({length}): readings in between would be lost"));
    }
    let length = usize::try_from(length?).ok()?;
    Some(CountSpec { length, step: step.and_then(|s| usize::try_from(s).ok()).unwrap_or(1) })
}

/// A time in seconds as whole nanoseconds.
fn nanos(section: &Section<'_>, key: &str, least: f64) -> Option<i64> {
    let secs = section.number(key)?;
    if !(secs >= least && secs <= MAX_SECS) {
        section.fault(key, format!("must be from {least} to {MAX_SECS} seconds"));
        return None;
    }
    Some((secs * NANOS_A_SEC).round() as i64)
}

fn read_time(section: &Section<'_>) -> Option<TimeSpec> {
    let duration_ns = nanos(section, "duration_secs", 1e-6);
    let step_ns = nanos(section, "step_secs", 1e-6);
    let lateness_ns = nanos(section, "lateness_secs", 0.0).unwrap_or(0);
    let max_readings = section.integer("max_readings", 1..=MAX_WINDOW_READINGS);
    let resample = section.has("resample").then(|| read_resample(section.section("resample"), duration_ns));
    let duration_ns = duration_ns?;
    let step_ns = step_ns.unwrap_or(duration_ns);
    if step_ns > duration_ns {
        section.fault("step_secs", "is larger than `duration_secs`: readings in between would be lost");
    } else if (duration_ns + lateness_ns) / step_ns > MAX_OPEN_WINDOWS {
        let reason = format!("is so small that more than {MAX_OPEN_WINDOWS} windows would be open at once");
        section.fault("step_secs", reason);
    }
    Some(TimeSpec {
        duration_ns,
        step_ns,
        lateness_ns,
        max_readings: max_readings.and_then(|n| usize::try_from(n).ok()).unwrap_or(100_000),
        resample: match resample {
            Some(resample) => Some(resample?),
            None => None,
        },
    })
}

fn read_resample(section: Section<'_>, duration_ns: Option<i64>) -> Option<ResampleSpec> {
    let rate_hz = section.number("rate_hz");
    if rate_hz.is_none() && !section.has("rate_hz") {
        section.fault("rate_hz", "is missing: how many values a second the grid has");
    }
    let method = section.choice("method", &Interpolation::NAMES).unwrap_or_default();
    let mut points = None;
    if let (Some(rate_hz), Some(duration_ns)) = (rate_hz, duration_ns) {
        let exact = rate_hz * duration_ns as f64 / NANOS_A_SEC;
        if !(exact >= 0.5 && exact <= MAX_WINDOW_READINGS as f64) {
            let reason = format!("gives {exact} values a window, must be from 1 to {MAX_WINDOW_READINGS}");
            section.fault("rate_hz", reason);
        } else if (exact - exact.round()).abs() > 1e-6 {
            section.fault("rate_hz", format!("gives {exact} values a window, must be a whole number"));
        } else {
            points = Some(exact.round() as usize);
        }
    }
    section.finish();
    Some(ResampleSpec { rate_hz: rate_hz?, method, points: points? })
}

fn read_gap(section: &Section<'_>) -> Option<GapSpec> {
    let gap_ns = nanos(section, "gap_secs", 1e-6);
    let on_gap = section.choice("on_gap", &OnGap::NAMES);
    if on_gap.is_some() && !section.has("gap_secs") {
        section.fault("on_gap", "needs `gap_secs`: how long a hole is a gap");
    }
    Some(GapSpec { gap_ns: gap_ns?, on_gap: on_gap.unwrap_or_default() })
}
