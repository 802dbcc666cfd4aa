//! The outbox's store beside a bare append loop and SQLite, on a real disk.
//!
//! `cargo bench --bench outbox` prints Markdown; `-- --quick` is one short round. The folder must be on
//! a disk: a file system in memory is refused. Bytes written are the device's own counters, so whoever
//! else writes to that disk meanwhile spoils them; how much that was is told.
#![forbid(unsafe_code)]

#[path = "../common/mod.rs"]
mod common;

mod backlog;
mod rates;
mod record;
mod stores;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use clap::Parser;
use serde_json::json;

use backlog::Role;
use common::disk::Disk;
use rates::Rates;
use stores::Kind;

#[derive(Parser)]
#[command(about = "The outbox's store beside a bare append loop and SQLite, on a real disk")]
struct Args {
    /// One short round, a small backlog.
    #[arg(long)]
    quick: bool,
    /// Where folders are made; on a disk.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// JSON instead of Markdown, with every run.
    #[arg(long)]
    json: bool,
    /// Interleaved rounds.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Records' bytes of the backlog, in 10^6; 0 for none.
    #[arg(long, default_value_t = 1000)]
    backlog_mb: u64,
    /// How often the backlog is opened.
    #[arg(long, default_value_t = 5)]
    openings: usize,
    /// Be a step of the backlog: how the bench starts itself.
    #[arg(long, hide = true)]
    role: Option<Role>,
    #[arg(long, hide = true, default_value = "lz4")]
    kind: Kind,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.role {
        Some(role) => backlog::run(role, args.kind, args.backlog_mb, &args.dir),
        None => bench(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("outbox: {e}");
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &Args) -> Result<(), String> {
    let disk = Disk::of(&args.dir)?;
    let folder = tempfile::Builder::new().prefix("bench-outbox-").tempdir_in(&args.dir);
    let folder = folder.map_err(|e| format!("{}: {e}", args.dir.display()))?;
    let (rounds, part) = if args.quick { (1, 10) } else { (args.rounds, 1) };
    let megabytes = if args.quick { args.backlog_mb.min(50) } else { args.backlog_mb };
    let load = common::load();
    let before = others(&disk)?;
    let mut rates = Rates::default();
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        rates.round(round, part, folder.path(), &disk)?;
    }
    let after = others(&disk)?;
    let backlogs = backlogs(args, megabytes, folder.path())?;
    if args.json {
        let backlogs: Vec<_> = backlogs.iter().map(backlog::Backlog::json).collect();
        let all = json!({
            "machine": common::machine(), "disk": disk.name, "load": [load, common::load()],
            "others_wrote_bytes_per_sec": [before, after], "rates": rates.json(), "backlogs": backlogs,
        });
        println!("{all:#}");
        return Ok(());
    }
    println!("{}", common::machine());
    println!("Disk: {}. Load before and after: {load} and {}.", disk.name, common::load());
    println!(
        "Others wrote {before:.0} and {after:.0} bytes/s to it before and after. Records of 300 bytes; medians of {rounds} interleaved round(s).\n"
    );
    println!("{}", rates.markdown());
    if !backlogs.is_empty() {
        println!(
            "A backlog of {megabytes} MB of records, opened from a cold page cache by a process of its own:\n"
        );
        println!("{}", backlog::markdown(&backlogs));
    }
    let mut rows = Vec::new();
    rates.targets(&mut rows);
    backlogs.iter().for_each(|backlog| backlog.targets(&mut rows));
    println!("{}", common::table(&["asked of the outbox", "", "got", "met"], &rows));
    Ok(())
}

fn backlogs(args: &Args, megabytes: u64, folder: &Path) -> Result<Vec<backlog::Backlog>, String> {
    let kinds: &[Kind] = if megabytes == 0 { &[] } else { &[Kind::Plain, Kind::Lz4] };
    kinds
        .iter()
        .map(|kind| {
            eprintln!("backlog: {}", kind.name());
            backlog::measure(*kind, megabytes, args.openings, folder)
        })
        .collect()
}

/// Bytes a second that reach the device while nothing is measured.
fn others(disk: &Disk) -> Result<f64, String> {
    let wait = Duration::from_secs(2);
    let before = disk.written()?;
    std::thread::sleep(wait);
    Ok((disk.written()? - before) as f64 / wait.as_secs_f64())
}
