//! A file of a million rows: `edgeward score` beside a Python script with pandas and one batched
//! onnxruntime call; the whole process each, wall time and peak memory.
//!
//! `cargo bench --bench score` (after `tests/setup`); `-- --quick` scores 100,000 rows once.
#![forbid(unsafe_code)]

#[path = "../common/mod.rs"]
mod common;

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use clap::Parser;
use wait4::Wait4;

use common::{cell, median, table};

#[derive(Parser)]
#[command(about = "A million-row CSV: edgeward score beside pandas and onnxruntime")]
struct Args {
    /// One run of 100,000 rows.
    #[arg(long)]
    quick: bool,
    #[arg(long, default_value_t = 5)]
    runs: usize,
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// One whole process.
struct Cost {
    wall_secs: f64,
    cpu_secs: f64,
    peak_bytes: f64,
}

fn main() -> ExitCode {
    match bench(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("score: {e}");
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &Args) -> Result<bool, String> {
    let (runs, rows) = if args.quick { (1, 100_000) } else { (args.runs, args.rows) };
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let bundle = common::root().join("modules/edgeward/bundles/machine-anomaly");
    let input = folder.path().join("readings.csv");
    write_readings(&input, rows).map_err(|e| format!("{}: {e}", input.display()))?;
    // A quarter of the rows, enough for every buffer to be in use: memory that grows with the file shows.
    let quarter = folder.path().join("quarter.csv");
    write_readings(&quarter, rows / 4).map_err(|e| format!("{}: {e}", quarter.display()))?;
    let ours = folder.path().join("edgeward.csv");
    let theirs = folder.path().join("python.csv");

    let edgeward = |input: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edgeward"));
        command.arg("score").arg(&bundle).arg(input).arg("-o").arg(&ours);
        command
    };
    let python = {
        let (program, script) = (common::python()?, common::root().join("tests/bench/score/peer.py"));
        let (model, target) = (bundle.join("model.onnx"), theirs.clone());
        move |input: &Path| {
            let mut command = Command::new(&program);
            command.arg(&script).arg(&model).arg(input).arg(&target);
            command
        }
    };

    let mut whole = true;
    let mut costs: [Vec<Cost>; 3] = Default::default();
    for run in 1..=runs {
        eprintln!("run {run} of {runs}");
        let commands = [edgeward(&input), python(&input), edgeward(&quarter)];
        for (costs, mut command) in costs.iter_mut().zip(commands) {
            match cost(&mut command) {
                Ok(cost) => costs.push(cost),
                Err(e) => {
                    eprintln!("  {e}");
                    whole = false;
                }
            }
            if run == 1 && costs.len() == 1 && ours.exists() && theirs.exists() {
                same_scores(&ours, &theirs)?;
                // Compared once, on the whole file; the quarter writes over it.
                let _ = fs::remove_file(&theirs);
            }
        }
    }
    let size = fs::metadata(&input).map_err(|e| e.to_string())?.len();
    println!("{}", common::machine());
    println!("{rows} rows, {:.1} MB, whole process, medians of {runs} run(s)\n", size as f64 / 1e6);
    println!("{}", render(&costs, rows));
    Ok(whole)
}

fn render([edgeward, python, quarter]: &[Vec<Cost>; 3], rows: usize) -> String {
    let of = |costs: &[Cost], value: fn(&Cost) -> f64| median(costs.iter().map(value));
    let wall = |costs: &[Cost]| of(costs, |c| c.wall_secs);
    let row = |who: &str, what: usize, costs: &[Cost]| {
        vec![
            who.to_owned(),
            what.to_string(),
            cell(wall(costs), 2),
            cell(wall(costs).map(|secs| what as f64 / secs), 0),
            cell(of(costs, |c| c.cpu_secs), 2),
            cell(of(costs, |c| c.peak_bytes / 1e6), 1),
        ]
    };
    let measured = table(
        &["program", "rows", "wall s", "rows/s", "CPU s", "peak MB"],
        &[
            row("edgeward score", rows, edgeward),
            row("pandas + onnxruntime", rows, python),
            row("edgeward score", rows / 4, quarter),
        ],
    );
    let ratio = |a: Option<f64>, b: Option<f64>| Some(a? / b?);
    let peak = |costs: &[Cost]| of(costs, |c| c.peak_bytes);
    let target = |what: &str, asked: &str, got: Option<f64>, limit: f64| {
        let met = got.map_or("not measured", |got| if got <= limit { "yes" } else { "NO" });
        vec![what.to_owned(), asked.to_owned(), cell(got, 2), met.to_owned()]
    };
    let targets = table(
        &["edgeward's", "asked", "got", "met"],
        &[
            target("wall time to Python's", "<= 0.7", ratio(wall(edgeward), wall(python)), 0.7),
            target("peak memory to Python's", "< 0.25", ratio(peak(edgeward), peak(python)), 0.25),
            target(
                "peak memory to that of a quarter of the rows",
                "<= 1.1",
                ratio(peak(edgeward), peak(quarter)),
                1.1,
            ),
        ],
    );
    format!("{measured}\n{targets}")
}

/// Runs the command to its end.
fn cost(command: &mut Command) -> Result<Cost, String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let begin = Instant::now();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let used = child.and_then(|mut child| child.wait4()).map_err(|e| format!("{name}: {e}"))?;
    let wall_secs = begin.elapsed().as_secs_f64();
    if !used.status.success() {
        return Err(format!("{name} ended with {}", used.status));
    }
    Ok(Cost {
        wall_secs,
        cpu_secs: (used.rusage.utime + used.rusage.stime).as_secs_f64(),
        peak_bytes: used.rusage.maxrss as f64,
    })
}

/// Readings of the simulated machine, one in ten pushed off its line, the same in every run.
fn write_readings(path: &Path, rows: usize) -> io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "id,machine.temperature,machine.pressure,ambient.temperature,ambient.humidity")?;
    let mut state: u64 = 0x5eed;
    let mut uniform = move || {
        // Knuth's MMIX generator; the high bits are the good ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    for id in 0..rows {
        let temperature = 21.0 + 80.0 * uniform();
        let off = if uniform() < 0.1 { 6.0 * uniform() - 3.0 } else { 0.0 };
        let pressure = (1.0 + (temperature - 21.0) * 9.0 / 79.0 + off).max(0.0);
        let (ambient, humidity) = (20.4 + 1.2 * uniform(), 24 + (3.0 * uniform()) as u32);
        writeln!(out, "{id},{temperature:.4},{pressure:.4},{ambient:.3},{humidity}")?;
    }
    out.flush()
}

/// Both files must say the same of every row: otherwise they did different work.
fn same_scores(ours: &PathBuf, theirs: &PathBuf) -> Result<(), String> {
    let column = |path: &PathBuf| -> Result<Vec<f64>, String> {
        let say = |e: csv::Error| format!("{}: {e}", path.display());
        let mut reader = csv::Reader::from_path(path).map_err(say)?;
        let header = reader.headers().map_err(say)?;
        let at = header.iter().position(|name| name == "score");
        let at = at.ok_or_else(|| format!("{} has no column `score`: {header:?}", path.display()))?;
        let number = |record: Result<csv::StringRecord, csv::Error>| {
            let record = record.map_err(say)?;
            record[at].parse().map_err(|e| format!("{}: `{}`: {e}", path.display(), &record[at]))
        };
        reader.records().map(number).collect()
    };
    let (a, b) = (column(ours)?, column(theirs)?);
    if a.len() != b.len() {
        return Err(format!("edgeward wrote {} rows, Python {}", a.len(), b.len()));
    }
    match a.iter().zip(&b).position(|(a, b)| (a - b).abs() > 1e-5) {
        Some(row) => Err(format!("row {row}: edgeward scores {}, Python {}", a[row], b[row])),
        None => Ok(()),
    }
}
