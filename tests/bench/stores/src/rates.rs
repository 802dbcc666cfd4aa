//! Records a second and bytes written, appending and delivering.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde::Serialize;

use crate::{
    Result,
    disk::{self, Disk},
    record::{self, Batch},
    store::{self, Durability, Kind},
};

/// Records a batch when delivering.
pub const DELIVERED: usize = 64;

/// One way to append.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cell {
    pub batch: usize,
    pub sync: bool,
    pub batches: usize,
    /// Batches of 64 delivered afterwards.
    pub delivered: usize,
}

pub const CELLS: [Cell; 4] = [
    Cell { batch: 1, sync: true, batches: 4000, delivered: 0 },
    Cell { batch: 64, sync: true, batches: 2000, delivered: 1000 },
    Cell { batch: 512, sync: true, batches: 600, delivered: 0 },
    Cell { batch: 512, sync: false, batches: 600, delivered: 0 },
];

/// What one phase of one run gave.
#[derive(Clone, Copy, Serialize)]
pub struct Sample {
    pub records_per_second: f64,
    /// Time of a commit, microseconds.
    pub p50_us: f64,
    pub p99_us: f64,
    pub max_us: f64,
    /// By the device's counters, per byte of payload.
    pub device_ratio: f64,
    /// By the process's own account, per byte of payload.
    pub process_ratio: f64,
}

#[derive(Serialize)]
pub struct Run {
    pub run: usize,
    pub store: Kind,
    pub cell: Cell,
    pub append: Sample,
    pub deliver: Option<Sample>,
}

/// One cell on a fresh folder.
pub fn measure(run: usize, kind: Kind, cell: Cell, root: &Path, disk: &Disk) -> Result<Run> {
    let dir = tempfile::tempdir_in(root)?;
    let durability = if cell.sync { Durability::Sync } else { Durability::None };
    let mut store = store::open(kind, dir.path(), durability)?;
    // Made before, so that one commit follows another and the disk is never waiting.
    let batches: Vec<_> = (0..cell.batches)
        .map(|at| {
            let mut batch = Batch::default();
            batch.fill((at * cell.batch) as u64, cell.batch);
            batch
        })
        .collect();

    let gauge = Gauge::start(disk)?;
    let mut times = Vec::with_capacity(cell.batches);
    for batch in &batches {
        let start = Instant::now();
        store.append(batch)?;
        times.push(start.elapsed());
    }
    if cell.delivered == 0 {
        store.close()?; // checkpoints belong to what was appended
        return Ok(Run { run, store: kind, cell, append: gauge.stop(times, cell.batch)?, deliver: None });
    }
    let append = gauge.stop(times, cell.batch)?;

    let gauge = Gauge::start(disk)?;
    let (mut times, mut next, mut wrong) = (Vec::with_capacity(cell.delivered), 0, 0);
    for _ in 0..cell.delivered {
        let start = Instant::now();
        // Only looks at the number, as an uplink would copy the bytes; `kill` checks the content.
        let seen =
            store.deliver(DELIVERED, &mut |payload| wrong += usize::from(payload.len() != record::LEN))?;
        times.push(start.elapsed());
        next += seen;
    }
    let first = store.first()?.and_then(|payload| record::sequence(&payload));
    if wrong > 0 || next != cell.delivered * DELIVERED || first != Some(next as u64) {
        return Err(
            format!("{kind}: delivered {next} records ({wrong} damaged), the next is {first:?}").into()
        );
    }
    store.close()?;
    Ok(Run { run, store: kind, cell, append, deliver: Some(gauge.stop(times, DELIVERED)?) })
}

struct Gauge<'a> {
    disk: &'a Disk,
    written: u64,
    caused: u64,
}

impl<'a> Gauge<'a> {
    fn start(disk: &'a Disk) -> Result<Self> {
        disk.flush()?;
        Ok(Self { disk, written: disk.written()?, caused: disk::caused()? })
    }

    fn stop(self, mut times: Vec<Duration>, batch: usize) -> Result<Sample> {
        self.disk.flush()?;
        let records = (times.len() * batch) as f64;
        let payload = records * record::LEN as f64;
        let total: Duration = times.iter().sum();
        times.sort_unstable();
        let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e6;
        Ok(Sample {
            records_per_second: records / total.as_secs_f64(),
            p50_us: at(0.5),
            p99_us: at(0.99),
            max_us: at(1.0),
            device_ratio: (self.disk.written()? - self.written) as f64 / payload,
            process_ratio: (disk::caused()? - self.caused) as f64 / payload,
        })
    }
}
