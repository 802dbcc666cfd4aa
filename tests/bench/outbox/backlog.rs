//! A backlog of 1 GB: how long until its first record can be sent after a crash, how much memory that
//! takes, and how fast a cursor drains it. Each step is a process of its own.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use edgeward_core::domain::{Durability, Order};
use edgeward_outbox::store::{Batch, Fate, Store, cursor::Cursor};
use serde_json::{Value, json};

use crate::{
    common::{cell, disk, median, memory, table},
    rates::target,
    record::{self, RECORD_BYTES},
    stores::{self, Kind},
};

/// Records a commit while it is built, and a read while it is drained.
const BUILT: u64 = 512;
const DRAINED: usize = 64;
/// How long the outbox lets ends wait for a commit.
const ENDS_WAIT: Duration = Duration::from_secs(1);

/// What the issue asks: seconds until the first record, and MB of memory.
const RECOVERED_AT_MOST: f64 = 2.0;
const MEMORY_AT_MOST: f64 = 25.0;

/// A step of it, as a child process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    Build,
    Open,
    Drain,
}

/// One backlog's figures.
pub struct Backlog {
    kind: Kind,
    disk_mb: f64,
    built: Value,
    opened: Vec<Value>,
    drained: Value,
}

/// Builds, opens `openings` times after the page cache was emptied, and drains.
pub fn measure(kind: Kind, megabytes: u64, openings: usize, root: &Path) -> Result<Backlog, String> {
    let dir = tempfile::tempdir_in(root).map_err(|e| e.to_string())?;
    let dir = dir.path();
    let built = child(Role::Build, kind, megabytes, dir)?;
    let files = disk::files(dir).map_err(|e| e.to_string())?;
    let forget = || disk::forget(dir).map_err(|e| e.to_string());
    let mut opened = Vec::new();
    for _ in 0..openings {
        forget()?;
        opened.push(child(Role::Open, kind, megabytes, dir)?);
    }
    forget()?;
    let drained = child(Role::Drain, kind, megabytes, dir)?;
    let disk_mb = files.iter().map(|(_, bytes)| *bytes).sum::<u64>() as f64 / 1e6;
    Ok(Backlog { kind, disk_mb, built, opened, drained })
}

fn child(role: Role, kind: Kind, megabytes: u64, dir: &Path) -> Result<Value, String> {
    let role = format!("{role:?}").to_lowercase();
    let output = Command::new(std::env::current_exe().map_err(|e| e.to_string())?)
        .args(["--role", &role, "--dir"])
        .arg(dir)
        .args([
            "--backlog-mb",
            &megabytes.to_string(),
            "--kind",
            if kind == Kind::Lz4 { "lz4" } else { "plain" },
        ])
        .output()
        .map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err(format!("{role}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|e| e.to_string())
}

/// The child's part: does it, and prints one JSON object.
pub fn run(role: Role, kind: Kind, megabytes: u64, dir: &Path) -> Result<(), String> {
    let batches = (megabytes * 1_000_000).div_ceil(BUILT * RECORD_BYTES as u64);
    let at_start = memory();
    let begin = Instant::now();
    let mut store = stores::open(dir, kind == Kind::Lz4, Durability::Sync)?;
    let mut said = match role {
        Role::Build => build(&mut store, batches)?,
        Role::Open => {
            let open_secs = begin.elapsed().as_secs_f64();
            let first = cursor(&store).next(&|_, _| false).map_err(|e| e.to_string())?;
            let first = first.ok_or("the backlog is empty")?;
            let secs = begin.elapsed().as_secs_f64();
            if first.sequence != 0 || first.payload != record::records(0..1) {
                return Err("the first record is not the first that was stored".to_owned());
            }
            json!({ "open_s": open_secs, "first_record_s": secs })
        }
        Role::Drain => drain(&mut store, batches * BUILT)?,
    };
    let (rss, peak) = memory().ok_or("its memory can't be read")?;
    said["records"] = json!(batches * BUILT);
    said["rss_at_start_mb"] = json!(at_start.map(|(rss, _)| rss as f64 / 1e6));
    said["rss_mb"] = json!(rss as f64 / 1e6);
    said["peak_mb"] = json!(peak as f64 / 1e6);
    println!("{said}");
    Ok(())
}

fn cursor(store: &Store) -> Cursor {
    Cursor::new(store.disk(), store.shared(), store.id(), "result", Order::OldestFirst)
}

fn build(store: &mut Store, batches: u64) -> Result<Value, String> {
    let lane = store.lane("press", "result");
    let begin = Instant::now();
    for at in 0..batches {
        let records = record::records(at * BUILT..(at + 1) * BUILT);
        let records = record::split(&records).map(|one| (lane, one).into()).collect();
        store.commit(&Batch { records, ..Batch::default() }).map_err(|e| e.to_string())?;
    }
    Ok(json!({ "seconds": begin.elapsed().as_secs_f64() }))
}

/// Half of it with the ends of each read synced, the other half as the daemon does it.
fn drain(store: &mut Store, records: u64) -> Result<Value, String> {
    let lane = store.lane("press", "result");
    let mut cursor = cursor(store);
    let synced = drain_to(store, &mut cursor, lane, records / 2, Duration::ZERO)?;
    let daemon = drain_to(store, &mut cursor, lane, records, ENDS_WAIT)?;
    let pending = store.shared().state().lane(lane).map(|lane| lane.books.pending());
    if pending != Some(0) {
        return Err(format!("{pending:?} records are pending after the drain"));
    }
    Ok(json!({ "synced_records_per_sec": synced, "records_per_sec": daemon }))
}

/// Drains up to sequence `end`; records a second.
fn drain_to(
    store: &mut Store,
    cursor: &mut Cursor,
    lane: u16,
    end: u64,
    ends_wait: Duration,
) -> Result<f64, String> {
    let (begin, mut written) = (Instant::now(), Instant::now());
    let first = store.shared().state().lane(lane).map_or(0, |lane| lane.books.ended.iter().sum());
    let mut next: u64 = first;
    while next < end {
        let from = next;
        while next < end && next < from + DRAINED as u64 {
            let item = cursor.next(&|_, _| false).map_err(|e| e.to_string())?;
            let item = item.ok_or("the backlog ended early")?;
            if item.sequence != next || item.payload.len() != RECORD_BYTES {
                return Err(format!("record {} came in the place of {next}", item.sequence));
            }
            next += 1;
        }
        store.end(lane, from..next, Fate::Delivered);
        if written.elapsed() >= ends_wait {
            store.flush_marks().map_err(|e| e.to_string())?;
            written = Instant::now();
        }
        // As after each turn of the outbox's writer.
        store.reclaim(false).map_err(|e| e.to_string())?;
    }
    store.flush_marks().map_err(|e| e.to_string())?;
    store.reclaim(false).map_err(|e| e.to_string())?;
    Ok((end - first) as f64 / begin.elapsed().as_secs_f64())
}

fn number(value: &Value, key: &str) -> Option<f64> {
    value[key].as_f64()
}

impl Backlog {
    fn of_openings(&self, key: &str) -> Option<f64> {
        median(self.opened.iter().filter_map(|opened| number(opened, key)))
    }

    fn worst_mb(&self) -> Option<f64> {
        let all = self.opened.iter().chain([&self.drained]);
        all.filter_map(|value| number(value, "peak_mb"))
            .fold(None, |most: Option<f64>, mb| Some(most.map_or(mb, |most| most.max(mb))))
    }

    pub fn targets(&self, rows: &mut Vec<Vec<String>>) {
        let name = self.kind.name();
        let first = self.of_openings("first_record_s");
        rows.push(target(
            &format!("backlog: seconds to its first record: {name}"),
            RECOVERED_AT_MOST,
            first,
            false,
        ));
        rows.push(target(
            &format!("backlog: MB at most, drained: {name}"),
            MEMORY_AT_MOST,
            self.worst_mb(),
            false,
        ));
    }

    pub fn json(&self) -> Value {
        json!({
            "store": self.kind.name(), "on_disk_mb": self.disk_mb, "build": self.built,
            "open": self.opened, "drain": self.drained,
        })
    }
}

pub fn markdown(backlogs: &[Backlog]) -> String {
    let header = [
        "store",
        "",
        "records",
        "on disk MB",
        "built s",
        "opened s",
        "first record s",
        "opened: MB at most",
        "drained/s, each 64 synced",
        "drained/s, ends each second",
        "drained: MB at most",
    ];
    let row = |backlog: &Backlog| {
        vec![
            backlog.kind.name().to_owned(),
            String::new(),
            cell(number(&backlog.built, "records"), 0),
            format!("{:.0}", backlog.disk_mb),
            cell(number(&backlog.built, "seconds"), 1),
            cell(backlog.of_openings("open_s"), 3),
            cell(backlog.of_openings("first_record_s"), 3),
            cell(backlog.of_openings("peak_mb"), 1),
            cell(number(&backlog.drained, "synced_records_per_sec"), 0),
            cell(number(&backlog.drained, "records_per_sec"), 0),
            cell(number(&backlog.drained, "peak_mb"), 1),
        ]
    };
    table(&header, &backlogs.iter().map(row).collect::<Vec<_>>())
}
