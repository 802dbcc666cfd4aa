//! What the demo shows while it runs: a picture that redraws on a terminal, a line a second
//! elsewhere.

mod picture;
mod screen;

use std::{
    collections::VecDeque,
    time::{Duration, SystemTime},
};

pub use screen::Screen;

use super::observer::{Anomaly, Second};
use edgeward_core::domain::Books;

/// Seconds in the sparkline.
const HISTORY: usize = 60;

/// What stays the same.
#[derive(Debug, Clone)]
pub struct Heading {
    pub broker: String,
    pub machines: usize,
    pub rate_per_sec: f64,
    /// Name and version.
    pub model: String,
    /// Where the daemon's status can be read, if it is served.
    pub status_url: Option<String>,
}

/// What is shown at one moment.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    pub elapsed: Duration,
    /// Messages the broker acknowledged to the machines.
    pub sent: u64,
    /// The last whole second.
    pub second: Second,
    /// Verdicts of the last seconds, oldest first.
    pub history: VecDeque<u64>,
    pub anomalies: u64,
    /// Newest first.
    pub recent: Vec<Anomaly>,
    pub books: Books,
    /// What the daemon and the connections have to say.
    pub troubles: Vec<String>,
}

impl Shown {
    /// Closes a second.
    pub fn push_second(&mut self, second: Second) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(second.verdicts);
        self.second = second;
    }
}

/// A latency in milliseconds, with three significant digits or so.
pub fn millis(latency: Option<Duration>) -> String {
    let Some(latency) = latency else { return "-".into() };
    let millis = latency.as_secs_f64() * 1e3;
    if millis < 10.0 { format!("{millis:.2} ms") } else { format!("{millis:.0} ms") }
}

/// The time of day, UTC.
fn clock(at: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(at).to_string();
    text.get(11..19).unwrap_or_default().to_owned()
}

/// The readings of an anomaly: what is telling first.
fn readings(anomaly: &Anomaly) -> String {
    format!(
        "{:.1} °C, {:.2} bar, room {:.1} °C and {:.0} %",
        anomaly.temperature, anomaly.pressure, anomaly.ambient_temperature, anomaly.ambient_humidity
    )
}

/// One line for a second, where there is no terminal.
pub fn line(shown: &Shown) -> String {
    let mut line = format!(
        "{:>4}s  sent {}  verdicts {}/s  p50 {}  p99 {}  anomalies {}  pending {}",
        shown.elapsed.as_secs_f64().round() as u64,
        shown.sent,
        shown.second.verdicts,
        millis(shown.second.p50),
        millis(shown.second.p99),
        shown.anomalies,
        shown.books.pending,
    );
    if let Some(last) = shown.recent.first() {
        line.push_str(&format!("  last {}: {}", last.machine, readings(last)));
    }
    for trouble in &shown.troubles {
        line.push_str("  ! ");
        line.push_str(trouble);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_one_line() {
        let mut shown =
            Shown { elapsed: Duration::from_millis(2_998), sent: 600, anomalies: 1, ..Shown::default() };
        shown.push_second(Second {
            verdicts: 200,
            p50: Some(Duration::from_micros(412)),
            p99: Some(Duration::from_millis(12)),
        });
        shown.recent.push(Anomaly {
            at: SystemTime::UNIX_EPOCH,
            machine: "machine-3".into(),
            temperature: 112.34,
            pressure: 11.4,
            ambient_temperature: 21.0,
            ambient_humidity: 25.0,
        });
        assert_eq!(
            line(&shown),
            "   3s  sent 600  verdicts 200/s  p50 0.41 ms  p99 12 ms  anomalies 1  pending 0  \
             last machine-3: 112.3 °C, 11.40 bar, room 21.0 °C and 25 %"
        );
    }

    #[test]
    fn the_history_is_bounded() {
        let mut shown = Shown::default();
        for verdicts in 0..100 {
            shown.push_second(Second { verdicts, ..Second::default() });
        }
        assert_eq!((shown.history.len(), shown.history[0]), (HISTORY, 40));
    }

    #[test]
    fn the_clock_is_the_time_of_day() {
        assert_eq!(clock(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400 + 3_723)), "01:02:03");
    }
}
