//! Records a second and bytes written, by store, durability and records a commit.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};

use crate::{
    common::{cell, disk::Disk, median, table},
    record::RECORD_BYTES,
    stores::{self, Kind, When},
};

/// Records a commit, and how many commits are timed.
const SIZES: [(usize, usize); 3] = [(1, 4000), (64, 2000), (512, 600)];

/// What the issue asks of the outbox's rate to the bare loop's, synced, by records a commit.
const OF_BARE_AT_LEAST: [(usize, f64); 3] = [(1, 0.9), (64, 0.8), (512, 0.6)];
/// ... to SQLite's, at 512.
const OF_SQLITE_AT_LEAST: f64 = 2.0;
/// ... and of bytes written to the device per byte appended, at 512.
const WRITTEN_AT_MOST: f64 = 1.1;

#[derive(Clone, Copy, PartialEq)]
struct Run {
    round: usize,
    kind: Kind,
    when: When,
    size: usize,
    records_per_sec: f64,
    p50_micros: f64,
    p99_micros: f64,
    /// Bytes written to the device per byte of records.
    written: f64,
}

#[derive(Default)]
pub struct Rates {
    runs: Vec<Run>,
}

impl Rates {
    /// One round: everything once, each time in another order.
    pub fn round(&mut self, round: usize, part: usize, dir: &Path, disk: &Disk) -> Result<(), String> {
        for (turn, (size, batches)) in SIZES.into_iter().enumerate() {
            for when in [When::Sync, When::Interval, When::None] {
                let mut kinds = Kind::ALL.to_vec();
                // SQLite has no interval: it syncs at checkpoints, or never.
                kinds.retain(|kind| *kind != Kind::Sqlite || when != When::Interval);
                let first = (round + turn) % kinds.len();
                kinds.rotate_left(first);
                for kind in kinds {
                    let batches = (batches / part).max(20);
                    let run = measure(round, kind, when, size, batches, dir, disk)
                        .map_err(|e| format!("{}, {}, {size}: {e}", kind.name(), when.name()))?;
                    self.runs.push(run);
                }
            }
        }
        Ok(())
    }

    fn of(&self, kind: Kind, when: When, size: usize) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| (run.kind, run.when, run.size) == (kind, when, size))
    }

    fn median(&self, kind: Kind, when: When, size: usize, value: impl Fn(&Run) -> f64) -> Option<f64> {
        median(self.of(kind, when, size).map(value))
    }

    /// The median of the rounds' own ratios of rates: a slow round is slow for both.
    fn ratio(&self, kind: Kind, other: Kind, when: When, size: usize) -> Option<f64> {
        let rate = |kind, round| {
            self.of(kind, when, size).find(|run| run.round == round).map(|run| run.records_per_sec)
        };
        median(
            self.of(kind, when, size)
                .filter_map(|run| rate(other, run.round).map(|other| run.records_per_sec / other)),
        )
    }

    pub fn markdown(&self) -> String {
        let header = [
            "durability",
            "store",
            "records a commit",
            "records/s",
            "least - most",
            "x bare",
            "x SQLite",
            "commit p50 us",
            "p99 us",
            "written per byte",
        ];
        let mut rows = Vec::new();
        for when in [When::Sync, When::Interval, When::None] {
            for (size, _) in SIZES {
                for kind in Kind::ALL {
                    if self.of(kind, when, size).next().is_none() {
                        continue;
                    }
                    let rates = || self.of(kind, when, size).map(|run| run.records_per_sec);
                    let (least, most) = (rates().fold(f64::MAX, f64::min), rates().fold(0.0, f64::max));
                    rows.push(vec![
                        when.name().to_owned(),
                        kind.name().to_owned(),
                        size.to_string(),
                        cell(median(rates()), 0),
                        format!("{least:.0} - {most:.0}"),
                        cell(self.ratio(kind, Kind::Bare, when, size), 2),
                        cell(self.ratio(kind, Kind::Sqlite, when, size), 2),
                        cell(self.median(kind, when, size, |run| run.p50_micros), 0),
                        cell(self.median(kind, when, size, |run| run.p99_micros), 0),
                        cell(self.median(kind, when, size, |run| run.written), 2),
                    ]);
                }
            }
        }
        table(&header, &rows)
    }

    /// What is asked, what was measured with the default compression, and whether that is enough.
    pub fn targets(&self, rows: &mut Vec<Vec<String>>) {
        for (size, asked) in OF_BARE_AT_LEAST {
            let got = self.ratio(Kind::Lz4, Kind::Bare, When::Sync, size);
            rows.push(target(&format!("rate to the bare loop's, sync, {size} a commit"), asked, got, true));
        }
        let got = self.ratio(Kind::Lz4, Kind::Sqlite, When::Sync, 512);
        rows.push(target("rate to SQLite's, sync, 512 a commit", OF_SQLITE_AT_LEAST, got, true));
        for kind in [Kind::Lz4, Kind::Plain] {
            let got = self.median(kind, When::Sync, 512, |run| run.written);
            let what = format!("bytes written per byte appended, sync, 512 a commit: {}", kind.name());
            rows.push(target(&what, WRITTEN_AT_MOST, got, false));
        }
    }

    pub fn json(&self) -> Value {
        let runs = self.runs.iter().map(|run| {
            json!({
                "round": run.round,
                "store": run.kind.name(),
                "durability": run.when.name(),
                "records_per_commit": run.size,
                "records_per_sec": run.records_per_sec,
                "commit_p50_us": run.p50_micros,
                "commit_p99_us": run.p99_micros,
                "written_per_byte": run.written,
            })
        });
        runs.collect()
    }
}

/// A row of the table of what is asked.
pub fn target(what: &str, limit: f64, got: Option<f64>, at_least: bool) -> Vec<String> {
    let met = got.map(|got| if at_least { got >= limit } else { got <= limit });
    let asked = format!("{} {limit}", if at_least { ">=" } else { "<=" });
    let verdict = met.map_or("not measured", |met| if met { "yes" } else { "NO" });
    vec![what.to_owned(), asked, cell(got, 2), verdict.to_owned()]
}

fn measure(
    round: usize,
    kind: Kind,
    when: When,
    size: usize,
    batches: usize,
    root: &Path,
    disk: &Disk,
) -> Result<Run, String> {
    let dir = tempfile::tempdir_in(root).map_err(|e| e.to_string())?;
    let before = disk.written()?;
    let mut times = stores::commit_times(kind, when, size, batches, dir.path())?;
    let written = disk.written()? - before;
    let total: Duration = times.iter().sum();
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    let records = (times.len() * size) as f64;
    Ok(Run {
        round,
        kind,
        when,
        size,
        records_per_sec: records / total.as_secs_f64(),
        p50_micros: at(0.50),
        p99_micros: at(0.99),
        // The untimed first batch was written too.
        written: written as f64 / ((records + size as f64) * RECORD_BYTES as f64),
    })
}
