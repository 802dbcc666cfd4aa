//! `edgeward model bench`.

use std::{
    fmt::Write,
    path::Path,
    time::{Duration, Instant},
};

use console::style;
use serde::Serialize;

use super::{Failure, Size, grouped, print, print_json, sizes::lengths};
use edgeward_engine::{self as engine, Choice, Limits, RunError, Session, Signature, Sizes};

/// Rows at a time, where the model takes more than one.
const BATCHES: [usize; 3] = [1, 8, 64];
/// Runs whose times are kept; a small model reaches this before its time is up.
const MAX_RUNS: usize = 4_000_000;

#[derive(Serialize)]
struct Measured {
    model: String,
    machine: String,
    engine: &'static str,
    threads: usize,
    batches: Vec<Batch>,
}

#[derive(Serialize)]
struct Batch {
    rows: usize,
    runs: usize,
    p50_us: f64,
    p99_us: f64,
    rows_per_sec: f64,
}

/// Measures the model on random inputs, one thread, `secs` for each batch size.
pub fn bench(
    path: &Path,
    limits: &Limits,
    choice: Choice,
    sizes: &[Size],
    secs: f64,
    json: bool,
) -> Result<(), Failure> {
    let time = Duration::try_from_secs_f64(secs).ok().filter(|time| !time.is_zero());
    let Some(time) = time else {
        return Err(Failure::config(format!("--secs {secs} must be more than zero")));
    };
    let engine = engine::load(path, limits, choice).map_err(Failure::config)?;
    let mut session = engine.session();
    let lengths = lengths(engine.signature(), &mut *session, sizes)?;
    let batches = if engine.signature().free_batch { &BATCHES[..] } else { &BATCHES[..1] };
    let batches = batches
        .iter()
        .map(|&rows| measure(&mut *session, engine.signature(), rows, &lengths, time))
        .collect::<Result<_, _>>()
        .map_err(Failure::failed)?;
    let measured = Measured {
        model: path.display().to_string(),
        machine: machine(),
        engine: engine.name(),
        threads: 1,
        batches,
    };
    if json { print_json(&measured) } else { print(&text(&measured)) }
}

fn measure(
    session: &mut dyn Session,
    signature: &Signature,
    rows: usize,
    sizes: &Sizes,
    time: Duration,
) -> Result<Batch, RunError> {
    let inputs = engine::sized_inputs(signature, rows, sizes, 0);
    // The first runs fill caches and buffers.
    let warm = Instant::now();
    while warm.elapsed() < time / 10 {
        session.run(&inputs)?;
    }
    let mut times: Vec<Duration> = vec![];
    let start = Instant::now();
    let mut before = start;
    while before - start < time && times.len() < MAX_RUNS {
        session.run(&inputs)?;
        let now = Instant::now();
        times.push(now - before);
        before = now;
    }
    let runs = times.len();
    times.sort_unstable();
    let quantile = |q: f64| {
        let rank = (q * runs as f64).ceil() as usize;
        times.get(rank.saturating_sub(1)).copied().unwrap_or_default().as_nanos() as f64 / 1000.0
    };
    Ok(Batch {
        rows,
        runs,
        p50_us: quantile(0.50),
        p99_us: quantile(0.99),
        rows_per_sec: ((rows * runs) as f64 / (before - start).as_secs_f64()).round(),
    })
}

/// The processor by name, as the kernel knows it.
fn machine() -> String {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    // x86 says "model name"; Raspberry Pi says "Model"; many Arm boards say nothing.
    let named = |key: &str| {
        info.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.trim() == key)
            .map(|(_, value)| value.trim().to_owned())
    };
    let name = named("model name").or_else(|| named("Model")).unwrap_or_else(|| "unnamed processor".into());
    format!("{name}, {cpus} {}, {}", if cpus == 1 { "core" } else { "cores" }, std::env::consts::ARCH)
}

fn text(measured: &Measured) -> String {
    let mut out = format!("{}\n", style(&measured.model).bold());
    // Writing to a String can't fail.
    let _ = writeln!(out, "  {} {}, one thread", style("machine").dim(), measured.machine);
    let header = format!("  {:>6} {:>12} {:>12} {:>14}", "rows", "p50", "p99", "rows/s");
    let _ = writeln!(out, "{}", style(header).dim());
    for batch in &measured.batches {
        let (p50, p99) = (micros(batch.p50_us), micros(batch.p99_us));
        let rate = grouped(batch.rows_per_sec as u64);
        let _ = writeln!(out, "  {:>6} {p50:>12} {p99:>12} {rate:>14}", batch.rows);
    }
    out
}

fn micros(us: f64) -> String {
    if us < 1000.0 { format!("{us:.2} µs") } else { format!("{:.2} ms", us / 1000.0) }
}
