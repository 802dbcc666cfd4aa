//! The independent subscriber: what came back, how long it took, what was anomalous.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant, SystemTime},
};

use serde::Deserialize;

use super::journal::{Answer, Journal};
use crate::telemetry::stats::Histogram;

/// Anomalies remembered.
const MAX_RECENT: usize = 12;
/// Latencies of one second remembered; the percentiles of a busier second are of its first ones.
const MAX_LATENCIES: usize = 100_000;

/// What the observer reads of a verdict.
#[derive(Debug, Deserialize)]
struct VerdictText<'v> {
    #[serde(borrow)]
    source: Option<std::borrow::Cow<'v, str>>,
    #[serde(default)]
    conditions: BTreeMap<String, bool>,
    input: Copied,
}

/// The fields the daemon was told to copy; the keys are their paths.
#[derive(Debug, Deserialize)]
struct Copied {
    id: String,
    #[serde(rename = "machine.temperature")]
    temperature: f64,
    #[serde(rename = "machine.pressure")]
    pressure: f64,
    #[serde(rename = "ambient.temperature")]
    ambient_temperature: f64,
    #[serde(rename = "ambient.humidity")]
    ambient_humidity: f64,
}

/// The paths of the fields in [`Copied`].
pub const COPIED_FIELDS: [&str; 5] =
    ["id", "machine.temperature", "machine.pressure", "ambient.temperature", "ambient.humidity"];

/// A verdict whose condition `anomaly` held.
#[derive(Debug, Clone, PartialEq)]
pub struct Anomaly {
    pub at: SystemTime,
    pub machine: String,
    /// Degrees C and bar.
    pub temperature: f64,
    pub pressure: f64,
    /// Degrees C and % relative humidity.
    pub ambient_temperature: f64,
    pub ambient_humidity: f64,
}

/// What the observer counted so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages with a verdict.
    pub distinct: u64,
    /// Further verdicts on a message that had one.
    pub repeats: u64,
    /// Verdicts on nothing this run has sent.
    pub foreign: u64,
    /// Messages that are no verdict.
    pub unreadable: u64,
    pub anomalies: u64,
}

/// One second of verdicts.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Second {
    pub verdicts: u64,
    /// From publish to verdict.
    pub p50: Option<Duration>,
    pub p99: Option<Duration>,
}

#[derive(Debug, Default)]
struct Tally {
    counts: Counts,
    recent: VecDeque<Anomaly>,
    second: u64,
    latencies: Vec<Duration>,
}

/// Receives verdicts, on the session's task, and is asked by the view.
#[derive(Debug)]
pub struct Observer {
    journal: Arc<Journal>,
    tally: Mutex<Tally>,
    all: Histogram,
}

impl Observer {
    pub fn new(journal: Arc<Journal>) -> Self {
        Observer { journal, tally: Mutex::default(), all: Histogram::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().expect("not poisoned: nothing panics under this lock")
    }

    /// One message on a verdict topic.
    pub fn verdict(&self, payload: &[u8]) {
        let now = Instant::now();
        let Ok(verdict) = serde_json::from_slice::<VerdictText<'_>>(payload) else {
            self.lock().counts.unreadable += 1;
            return;
        };
        let answer = self.journal.answer(&verdict.input.id, now);
        let mut tally = self.lock();
        match answer {
            Answer::Repeat => tally.counts.repeats += 1,
            Answer::Foreign => tally.counts.foreign += 1,
            Answer::First(took) => {
                self.all.observe(took);
                tally.counts.distinct += 1;
                tally.second += 1;
                if tally.latencies.len() < MAX_LATENCIES {
                    tally.latencies.push(took);
                }
                if verdict.conditions.get("anomaly") == Some(&true) {
                    tally.counts.anomalies += 1;
                    if tally.recent.len() == MAX_RECENT {
                        tally.recent.pop_back();
                    }
                    tally.recent.push_front(anomaly(&verdict));
                }
            }
        }
    }

    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// The last anomalies, newest first.
    pub fn recent(&self) -> Vec<Anomaly> {
        self.lock().recent.iter().cloned().collect()
    }

    /// What came since the last call.
    pub fn second(&self) -> Second {
        let (verdicts, mut latencies) = {
            let mut tally = self.lock();
            (std::mem::take(&mut tally.second), std::mem::take(&mut tally.latencies))
        };
        latencies.sort_unstable();
        let quantile = |q: f64| {
            let rank = (q * latencies.len() as f64).ceil() as usize;
            latencies.get(rank.saturating_sub(1)).copied()
        };
        Second { verdicts, p50: quantile(0.5), p99: quantile(0.99) }
    }

    /// The quantile over the whole run, estimated; `None` before the first verdict.
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        self.all.snapshot().quantile_secs(q).map(Duration::from_secs_f64)
    }
}

fn anomaly(verdict: &VerdictText<'_>) -> Anomaly {
    Anomaly {
        at: SystemTime::now(),
        machine: verdict.source.as_deref().unwrap_or("?").to_owned(),
        temperature: verdict.input.temperature,
        pressure: verdict.input.pressure,
        ambient_temperature: verdict.input.ambient_temperature,
        ambient_humidity: verdict.input.ambient_humidity,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(id: &str, anomaly: bool) -> String {
        format!(
            "{{\"schema\":1,\"id\":\"00\",\"source\":\"machine-3\",\"conditions\":{{\"anomaly\":{anomaly}}},\
             \"input\":{{\"id\":\"{id}\",\"machine.temperature\":108.5,\"machine.pressure\":10.9,\
             \"ambient.temperature\":21.0,\"ambient.humidity\":25}}}}"
        )
    }

    #[test]
    fn verdicts_are_counted_once_and_anomalies_remembered() {
        let journal = Arc::new(Journal::new("r"));
        let observer = Observer::new(journal.clone());
        let ids: Vec<_> = (0..20).map(|_| journal.enter().unwrap()).collect();
        for (i, id) in ids.iter().enumerate() {
            observer.verdict(verdict(id, i >= 5).as_bytes());
        }
        observer.verdict(verdict(&ids[0], false).as_bytes());
        observer.verdict(verdict("other-1", true).as_bytes());
        observer.verdict(b"offline");
        let expected = Counts { distinct: 20, repeats: 1, foreign: 1, unreadable: 1, anomalies: 15 };
        assert_eq!(observer.counts(), expected);
        assert_eq!(observer.recent().len(), MAX_RECENT);
        let newest = &observer.recent()[0];
        assert_eq!(
            (newest.machine.as_str(), newest.temperature, newest.ambient_humidity),
            ("machine-3", 108.5, 25.0)
        );
    }

    #[test]
    fn a_second_is_told_once() {
        let journal = Arc::new(Journal::new("r"));
        let observer = Observer::new(journal.clone());
        assert_eq!(observer.second(), Second::default());
        for _ in 0..10 {
            observer.verdict(verdict(&journal.enter().unwrap(), false).as_bytes());
        }
        let second = observer.second();
        assert_eq!(second.verdicts, 10);
        assert!(second.p50.unwrap() <= second.p99.unwrap());
        assert_eq!(observer.second(), Second::default());
        assert!(observer.quantile(0.5).is_some());
    }
}
