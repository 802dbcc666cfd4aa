//! Trees, support vectors and linear models, one row and a thousand at a time, on one thread: this engine
//! beside ONNX Runtime, taking turns in one run.
//!
//! `cargo bench --bench trees` (after `tests/setup`); `-- --quick` takes one short turn each.
//!
//! ONNX Runtime is called from Python, as its package is made for. What such a call costs by itself is
//! measured with a model that does nothing and shown beside the ratios, which a single row of a small
//! model is mostly made of.
#![forbid(unsafe_code)]

#[path = "../common/mod.rs"]
mod common;

use std::{
    fs,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use clap::Parser;

use common::{cell, median, peer::Peer, table};
use edgeward_core::domain::{Tensor, TensorData};
use edgeward_engine::{Choice, Limits, Session, load};

#[derive(Parser)]
#[command(about = "Classical models on one thread: this engine beside ONNX Runtime")]
struct Args {
    /// One short turn each.
    #[arg(long)]
    quick: bool,
    /// Turns each takes with a model and a batch size.
    #[arg(long, default_value_t = 7)]
    turns: usize,
    /// Only models whose name holds this.
    #[arg(long, default_value = "")]
    only: String,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

const FEATURES: usize = 25;
const ROWS: usize = 1000;

/// Models, and how much of ONNX Runtime's time they may take.
const MODELS: [(&str, f64); 9] = [
    ("random-forest-2-classes", 0.8),
    ("random-forest-3-classes", 0.8),
    ("random-forest-regressor", 0.8),
    ("gradient-boosting", 0.8),
    ("isolation-forest", 0.8),
    ("svc-rbf", 1.0),
    ("linear-svr", 1.0),
    ("linear-regression", 1.0),
    ("logistic-regression", 1.0),
];

fn main() -> ExitCode {
    match bench(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("trees: {e}");
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &Args) -> Result<bool, String> {
    let (turns, turn) = if args.quick { (1, 0.1) } else { (args.turns, 0.4) };
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    eprintln!("fitting the models");
    let made = Command::new(common::python()?)
        .arg(common::root().join("tests/bench/trees/models.py"))
        .arg(folder.path())
        .stdout(Stdio::null())
        .status();
    if !made.map_err(|e| e.to_string())?.success() {
        return Err("models.py failed".into());
    }
    let rows = floats(&fs::read(folder.path().join("rows.f32")).map_err(|e| e.to_string())?);
    let mut peer = Peer::start("trees/peer.py", folder.path())?;
    let (mut lines, mut all_met) = (vec![], true);
    for (name, limit) in MODELS.into_iter().filter(|(name, _)| name.contains(&args.only)) {
        eprintln!("{name}");
        let path = folder.path().join(format!("{name}.onnx"));
        let engine = load(&path, &Limits::default(), Choice::Auto).map_err(|e| format!("{name}: {e}"))?;
        let mut session = engine.session();
        same_answers(name, &mut *session, &rows, &answer(&mut peer, name)?)?;
        for count in [1, ROWS] {
            let batches: Vec<_> = rows.chunks(count * FEATURES).map(batch).collect();
            let (mut ours, mut theirs, mut calls) = (vec![], vec![], vec![]);
            for _ in 0..turns {
                ours.push(time(&mut *session, &batches, turn)?);
                theirs.push(peer.number(&format!("{name} {count} {turn}"))?);
                calls.push(peer.number(&format!("call {count} {}", turn / 4.0))?);
            }
            let of = |times: Vec<f64>| median(times);
            let (ours, theirs, call) = (of(ours), of(theirs), of(calls));
            let ratio = ours.zip(theirs).map(|(ours, theirs)| ours / theirs);
            let bare =
                ours.zip(theirs.zip(call)).map(|(ours, (theirs, call))| ours / (theirs - call).max(0.1));
            let met = ratio.is_some_and(|ratio| ratio <= limit);
            all_met &= met;
            lines.push(vec![
                name.to_owned(),
                count.to_string(),
                cell(ours, 2),
                cell(theirs, 2),
                cell(call, 2),
                cell(ratio, 3),
                cell(bare, 3),
                format!("<= {limit}"),
                if met { "yes" } else { "NO" }.to_owned(),
            ]);
        }
    }
    println!("{}", common::machine());
    println!("microseconds a call, medians of {turns} turn(s) of {turn} s each; load {}\n", common::load());
    let head = ["model", "rows", "edgeward", "ONNX Runtime", "its bare call", "ratio", "without the call"];
    println!("{}", table(&[&head[..], &["asked", "met"]].concat(), &lines));
    Ok(all_met)
}

fn batch(rows: &[f32]) -> Tensor {
    Tensor::f32(&[rows.len() / FEATURES, FEATURES], rows.to_vec())
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}

/// The median of the microseconds of a call.
fn time(session: &mut dyn Session, batches: &[Tensor], secs: f64) -> Result<f64, String> {
    let mut times = vec![];
    let end = Instant::now() + Duration::from_secs_f64(secs);
    while Instant::now() < end {
        for batch in batches {
            let start = Instant::now();
            session.run(std::slice::from_ref(batch)).map_err(|e| e.to_string())?;
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    median(times).ok_or_else(|| "no call was timed".into())
}

/// Both must answer the same: otherwise they did different work.
fn same_answers(name: &str, session: &mut dyn Session, rows: &[f32], theirs: &[f32]) -> Result<(), String> {
    let outputs = session.run(&[batch(rows)]).map_err(|e| format!("{name}: {e}"))?;
    let ours = outputs.iter().rev().find_map(|output| match &output.data {
        TensorData::F32(values) => Some(values),
        _ => None,
    });
    let ours = ours.ok_or_else(|| format!("{name}: has no output of floats"))?;
    let differs = |(ours, theirs): (&f32, &f32)| (ours - theirs).abs() > 1e-4 * (1.0 + theirs.abs());
    match ours.iter().zip(theirs).position(differs) {
        _ if ours.len() != theirs.len() => {
            Err(format!("{name}: {} values, not {}", ours.len(), theirs.len()))
        }
        Some(at) => Err(format!("{name}: value {at} is {}, ONNX Runtime's {}", ours[at], theirs[at])),
        None => Ok(()),
    }
}

fn answer(peer: &mut Peer, name: &str) -> Result<Vec<f32>, String> {
    let answer = peer.ask(&format!("{name} answer"))?;
    let byte = |digits: &[u8; 2]| u8::from_str_radix(&String::from_utf8_lossy(digits), 16);
    let bytes = answer.trim().as_bytes().as_chunks().0.iter().map(byte).collect::<Result<Vec<_>, _>>();
    Ok(floats(&bytes.map_err(|e| format!("peer.py: {e}"))?))
}
