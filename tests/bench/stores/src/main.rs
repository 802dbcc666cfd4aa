//! One workload of an outbox against a bare log, SQLite, redb and fjall.

mod args;
mod backlog;
mod child;
mod disk;
mod full;
mod kill;
mod ranges;
mod rates;
mod record;
mod report;
mod store;

use std::{path::Path, process::ExitCode};

use args::{Command, Options};
use disk::Disk;
use report::Report;
use store::Kind;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    let done = match args::parse(std::env::args().skip(1)) {
        Err(error) => Err(error.into()),
        Ok(Command::Help) => {
            println!("{}", args::USAGE);
            Ok(())
        }
        Ok(Command::Child(role, kind, dir, number)) => serve(&role, kind, &dir, number),
        Ok(Command::Compare(options)) => compare(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stores: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(role: &str, kind: Kind, dir: &Path, number: u64) -> Result<()> {
    match role {
        "build" => backlog::build(kind, dir, number),
        "recover" => backlog::recover(kind, dir, number, false),
        "recover-and-close" => backlog::recover(kind, dir, number, true),
        "write" => kill::write(kind, dir, number),
        "fill" | "reopened" | "room" => full::child(role, kind, dir, number),
        other => Err(format!("no role `{other}`").into()),
    }
}

fn compare(options: &Options) -> Result<()> {
    let base = match &options.dir {
        Some(dir) => dir.clone(),
        None => std::env::current_dir()?,
    };
    let root = tempfile::Builder::new().prefix("stores-").tempdir_in(&base)?;
    let (root, disk) = (root.path(), Disk::of(root.path())?);
    let mut report = Report::new(options, &disk)?;
    for part in &options.only {
        match part.as_str() {
            "rates" => rates(options, root, &disk, &mut report)?,
            "backlog" => {
                for &kind in &options.stores {
                    eprintln!("backlog: {kind}");
                    let bytes = options.backlog_mb * 1_000_000;
                    report.backlogs.push(backlog::measure(kind, bytes, options.openings, root, &disk)?);
                }
            }
            "full" if rustix::process::geteuid().is_root() => {
                for &kind in &options.stores {
                    eprintln!("full disk: {kind}");
                    report.full.push(full::measure(kind, root)?);
                }
            }
            "full" => report.skipped.push("full disk: mounting one needs root".into()),
            _ => {
                for &kind in &options.stores {
                    eprintln!("kill: {kind}");
                    report.kills.push(kill::measure(kind, options.kills, options.seed, root)?);
                }
            }
        }
    }
    report.finish()?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{}", report.markdown());
    }
    Ok(())
}

/// Every store in every cell of every run, the first store another one each time.
fn rates(options: &Options, root: &Path, disk: &Disk, report: &mut Report) -> Result<()> {
    for run in 0..options.runs {
        for (at, cell) in rates::CELLS.into_iter().enumerate() {
            let mut order = options.stores.clone();
            let turn = (run + at) % order.len();
            order.rotate_left(turn);
            for kind in order {
                eprintln!("rates: run {} of {}, batch {}, {kind}", run + 1, options.runs, cell.batch);
                report.runs.push(rates::measure(run, kind, cell, root, disk)?);
            }
        }
    }
    Ok(())
}
