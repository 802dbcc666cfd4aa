//! What was found, as Markdown and as JSON.

use std::{fmt::Write, fs, thread, time::Duration};

use serde::Serialize;

use crate::{
    Result,
    args::Options,
    backlog::{Backlog, Opening},
    disk::{Disk, DiskName},
    full::{Full, Outcome},
    kill::Kills,
    rates::{CELLS, Cell, Run, Sample},
    record,
    store::{CACHE_BYTES, Kind},
};

#[derive(Serialize)]
pub struct Report {
    pub disk: DiskName,
    pub kernel: String,
    pub record_bytes: usize,
    pub cache_bytes: usize,
    pub stores: Vec<(Kind, String)>,
    /// Bytes a second others wrote to the device while nothing was measured.
    pub noise_bytes_per_second: f64,
    pub load_before: String,
    pub load_after: String,
    pub seed: u64,
    pub runs: Vec<Run>,
    pub backlogs: Vec<Backlog>,
    pub full: Vec<Full>,
    pub kills: Vec<Kills>,
    pub skipped: Vec<String>,
}

impl Report {
    /// Looks for five seconds at what others write.
    pub fn new(options: &Options, disk: &Disk) -> Result<Self> {
        disk.flush()?;
        let (before, watched) = (disk.written()?, Duration::from_secs(5));
        thread::sleep(watched);
        disk.flush()?;
        Ok(Self {
            disk: disk.name.clone(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            record_bytes: record::LEN,
            cache_bytes: CACHE_BYTES,
            stores: options.stores.iter().map(|&kind| (kind, kind.settings())).collect(),
            noise_bytes_per_second: (disk.written()? - before) as f64 / watched.as_secs_f64(),
            load_before: load()?,
            load_after: String::new(),
            seed: options.seed,
            runs: Vec::new(),
            backlogs: Vec::new(),
            full: Vec::new(),
            kills: Vec::new(),
            skipped: Vec::new(),
        })
    }

    pub fn finish(&mut self) -> Result<()> {
        self.load_after = load()?;
        Ok(())
    }

    pub fn markdown(&self) -> String {
        let mut out = String::new();
        // Writing to a String doesn't fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        let disk = &self.disk;
        writeln!(
            out,
            "Disk: {} ({}, {} GB, rotational: {}, write cache: {}), {} ({}); Linux {}. Load before and after: {} \
             and {}. Others wrote {:.1} kB/s to the device while nothing was measured. Records of {} bytes; \
             caches of {} MiB where a store has one.\n",
            disk.device,
            disk.model,
            disk.bytes / 1_000_000_000,
            if disk.rotational { "yes" } else { "no" },
            disk.write_cache,
            disk.file_system,
            disk.mount_options,
            self.kernel,
            self.load_before,
            self.load_after,
            self.noise_bytes_per_second / 1e3,
            self.record_bytes,
            self.cache_bytes >> 20,
        )?;
        for (kind, settings) in &self.stores {
            writeln!(out, "- **{kind}**: {settings}")?;
        }
        if !self.runs.is_empty() {
            self.write_rates(out)?;
        }
        if !self.backlogs.is_empty() {
            self.write_backlogs(out)?;
        }
        if !self.full.is_empty() {
            self.write_full(out)?;
        }
        if !self.kills.is_empty() {
            self.write_kills(out)?;
        }
        for what in &self.skipped {
            writeln!(out, "\nSkipped: {what}.")?;
        }
        Ok(())
    }

    fn samples(&self, kind: Kind, cell: Cell, pick: fn(&Run) -> Option<Sample>) -> Vec<Sample> {
        self.runs.iter().filter(|run| run.store == kind && run.cell == cell).filter_map(pick).collect()
    }

    fn write_rates(&self, out: &mut String) -> std::fmt::Result {
        let runs = self.runs.iter().map(|run| run.run + 1).max().unwrap_or(0);
        writeln!(out, "\n## Appending and delivering\n\nMedians of {runs} interleaved runs (least – most).")?;
        writeln!(
            out,
            "Of bare: median of the runs' own ratios. Device: bytes written by the device's counters per byte of \
             payload, after a last flush; process: `write_bytes` of /proc/self/io. After appending without \
             delivering the store is closed before counting.\n"
        )?;
        writeln!(
            out,
            "| what | store | records/s | of bare | commit p50, ms | p99, ms | device | process |"
        )?;
        writeln!(out, "|---|---|---:|---:|---:|---:|---:|---:|")?;
        for cell in CELLS {
            let sync = if cell.sync { "sync" } else { "no sync" };
            self.rows(out, &format!("append {}, {sync}", cell.batch), cell, |run| Some(run.append))?;
            if cell.delivered > 0 {
                self.rows(out, "deliver 64, sync", cell, |run| run.deliver)?;
            }
        }
        Ok(())
    }

    fn rows(
        &self,
        out: &mut String,
        what: &str,
        cell: Cell,
        pick: fn(&Run) -> Option<Sample>,
    ) -> std::fmt::Result {
        let rate = |sample: &Sample| sample.records_per_second;
        let bare = self.samples(Kind::Bare, cell, pick);
        for &(kind, _) in &self.stores {
            let samples = self.samples(kind, cell, pick);
            let of = |field: fn(&Sample) -> f64| median(samples.iter().map(field));
            let (least, most) =
                samples.iter().map(rate).fold((f64::MAX, 0.0_f64), |(a, b), r| (a.min(r), b.max(r)));
            writeln!(
                out,
                "| {what} | {kind} | {} ({} – {}) | {:.2} | {:.3} | {:.3} | {:.2} | {:.2} |",
                thousands(of(rate)),
                thousands(least),
                thousands(most),
                median(samples.iter().zip(&bare).map(|(sample, bare)| rate(sample) / rate(bare))),
                of(|s| s.p50_us) / 1e3,
                of(|s| s.p99_us) / 1e3,
                of(|s| s.device_ratio),
                of(|s| s.process_ratio),
            )?;
        }
        Ok(())
    }

    fn write_backlogs(&self, out: &mut String) -> std::fmt::Result {
        let (count, payload) = self.backlogs.first().map_or((0, 0), |backlog| {
            (backlog.openings.len() / 2, backlog.records * self.record_bytes as u64)
        });
        writeln!(
            out,
            "\n## A backlog of {:.2} GB\n\nOpened by a new process with the files out of the page cache, medians of \
             {count} (least – most): open, read the first record, count the pending. Memory: VmRSS then, and VmHWM.\n",
            payload as f64 / 1e9
        )?;
        writeln!(
            out,
            "| store | build, s | VmHWM building, MB | on disk, MB | after | open, s | first, s | count, s | all, s \
             | VmRSS, MB | VmHWM, MB |"
        )?;
        writeln!(out, "|---|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|")?;
        for backlog in &self.backlogs {
            for before in ["kill", "close"] {
                let openings: Vec<_> = backlog.openings.iter().filter(|o| o.before == before).collect();
                let of = |field: fn(&Opening) -> f64| median(openings.iter().map(|opening| field(opening)));
                let (least, most) = range(openings.iter().map(|opening| opening.total));
                writeln!(
                    out,
                    "| {} | {:.1} | {:.1} | {:.0} | {before} | {:.3} | {:.3} | {:.3} | {:.3} ({least:.3} – {most:.3}) | \
                     {:.1} | {:.1} |",
                    backlog.store,
                    backlog.build_seconds,
                    backlog.build_peak as f64 / 1e6,
                    backlog.bytes_on_disk as f64 / 1e6,
                    of(|o| o.open),
                    of(|o| o.first),
                    of(|o| o.count),
                    of(|o| o.total),
                    of(|o| o.resident as f64) / 1e6,
                    of(|o| o.peak as f64) / 1e6,
                )?;
            }
        }
        Ok(())
    }

    fn write_full(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "\n## A full disk\n\next4 of {} MiB on a loop mount, batches of 64, synced. Filled until an error, all \
             read, half delivered, a quarter appended, closed; the same without filling by a second process, which goes \
             on after 8 MiB of another file are freed; a third process begins with that room. Numbers are those of records.\n",
            self.full.first().map_or(0, |full| full.disk_bytes >> 20)
        )?;
        self.row(out, "step", |full| full.store.to_string())?;
        writeln!(out, "|---|{}", "---|".repeat(self.full.len()))?;
        for (phase, names) in [
            ("fill", &["fill", "read", "deliver", "append", "close"][..]),
            (
                "reopened",
                &["open", "read", "deliver", "append", "deliver with room", "append with room", "close"],
            ),
            ("room", &["open", "read", "deliver", "append", "close"]),
        ] {
            for name in names {
                self.row(out, &format!("{phase}: {name}"), |full| told(full, phase, name))?;
            }
        }
        let outcome = |pick: fn(&Outcome) -> u64| {
            move |full: &Full| full.outcome.as_ref().map_or("unknown".into(), |found| pick(found).to_string())
        };
        self.row(out, "committed and missing", outcome(|found| found.missing))?;
        self.row(out, "delivery failed, yet removed", outcome(|found| found.removed_by_failed))?;
        self.row(out, "append failed, yet kept", outcome(|found| found.kept_by_failed))?;
        self.row(out, "damaged", |full| full.wrong.to_string())
    }

    fn row(&self, out: &mut String, name: &str, tell: impl Fn(&Full) -> String) -> std::fmt::Result {
        let cells: Vec<_> = self.full.iter().map(tell).collect();
        writeln!(out, "| {name} | {} |", cells.join(" | "))
    }

    fn write_kills(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "\n## kill -9 at random moments (seed {})\n\nBatches of 64, synced, four appended for one delivered. \
             The page cache outlives the process: this does not test syncing.\n",
            self.seed
        )?;
        writeln!(
            out,
            "| store | kills | committed records | missing | damaged | delivered and back | failures |"
        )?;
        writeln!(out, "|---|---:|---:|---:|---:|---:|---|")?;
        for kills in &self.kills {
            let failures =
                if kills.failures.is_empty() { "none".into() } else { cell(&kills.failures.join("; ")) };
            writeln!(
                out,
                "| {} | {} | {} | {} | {} | {} | {failures} |",
                kills.store,
                kills.kills,
                thousands(kills.committed as f64),
                kills.missing,
                kills.wrong,
                kills.returned,
            )?;
        }
        Ok(())
    }
}

/// How a step on the full disk went, or how the process ended instead.
fn told(full: &Full, phase: &str, name: &str) -> String {
    match full.step(phase, name).or_else(|| full.step(phase, "process")) {
        None => "–".into(),
        Some(step) => match (&step.error, step.records) {
            (None, 0) => "ok".into(),
            (None, records) => thousands(records as f64),
            (Some(error), 0) => format!("**{}**", cell(error)),
            (Some(error), records) => format!("{}, then {}", thousands(records as f64), cell(error)),
        },
    }
}

fn load() -> Result<String> {
    let load = fs::read_to_string("/proc/loadavg")?;
    Ok(load.split(' ').next().unwrap_or_default().to_owned())
}

fn cell(text: &str) -> String {
    let text = text.replace('|', "/").replace('\n', " ");
    match text.char_indices().nth(160) {
        Some((at, _)) => format!("{} …", &text[..at]),
        None => text,
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)))
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
