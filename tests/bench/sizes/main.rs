//! What free sizes cost, on one thread: a thousand inputs of a thousand lengths against as many of one, that one fixed in
//! the file or free; ONNX Runtime's own ratio beside it, taking turns in one run.
//!
//! `cargo bench --bench sizes` (after `tests/setup`).
#![forbid(unsafe_code)]

#[path = "../common/mod.rs"]
mod common;

use std::{
    process::{Command, ExitCode},
    time::Instant,
};

use clap::Parser;

use common::{cell, median, peer::Peer, table};
use edgeward_core::domain::Tensor;
use edgeward_engine::{Choice, Limits, load};

#[derive(Parser)]
#[command(about = "A thousand lengths on one thread: this engine beside ONNX Runtime")]
struct Args {
    /// Turns each takes with a model and a kind of lengths.
    #[arg(long, default_value_t = 7)]
    turns: usize,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The length of the models in which it is fixed, and the mean of a thousand different ones but for a half.
const FIXED: usize = 900;
const COUNT: usize = 1000;
const MODELS: [&str; 2] = ["wave", "sequence"];
/// A thousand lengths may take so much more than one, and a free one so much more than a fixed one.
const MOST_RATIOS: [f64; 2] = [1.3, 1.03];

fn main() -> ExitCode {
    match bench(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("sizes: {e}");
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &Args) -> Result<bool, String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let made = Command::new(common::python()?)
        .arg(common::root().join("tests/bench/sizes/models.py"))
        .arg(folder.path())
        .status();
    if !made.map_err(|e| e.to_string())?.success() {
        return Err("models.py failed".into());
    }
    let mut peer = Peer::start("sizes/peer.py", folder.path())?;
    let (mut lines, mut all_met) = (vec![], true);
    for name in MODELS {
        eprintln!("{name}");
        // Microseconds a run: one length fixed, one length free, a thousand; ours and theirs.
        let mut times: [[Vec<f64>; 3]; 2] = Default::default();
        for _ in 0..args.turns {
            for (at, (form, kind)) in
                [("-fixed", "same"), ("", "same"), ("", "different")].into_iter().enumerate()
            {
                let path = folder.path().join(format!("{name}{form}.onnx"));
                times[0][at].push(ours(&path, name, kind)?);
                times[1][at].push(peer.number(&format!("{name}{form} {kind}"))?);
            }
        }
        for (who, times) in ["edgeward", "ONNX Runtime"].into_iter().zip(times) {
            let [fixed, free, different] = times.map(median);
            let ratio = |of: Option<f64>, to: Option<f64>| of.zip(to).map(|(of, to)| of / to);
            let ratios = [ratio(different, free), ratio(free, fixed)];
            let met =
                ratios.iter().zip(MOST_RATIOS).all(|(ratio, most)| ratio.is_some_and(|ratio| ratio <= most));
            let is_ours = who == "edgeward";
            all_met &= met || !is_ours;
            lines.push(vec![
                name.to_owned(),
                who.to_owned(),
                cell(fixed, 1),
                cell(free, 1),
                cell(different, 1),
                cell(ratios[1], 3),
                cell(ratios[0], 3),
                if !is_ours {
                    ""
                } else if met {
                    "yes"
                } else {
                    "NO"
                }
                .to_owned(),
            ]);
        }
    }
    println!("{}", common::machine());
    println!(
        "microseconds a run, medians of {} turns of {COUNT} runs; load {}\n",
        args.turns,
        common::load()
    );
    let head =
        ["model", "by", "one fixed", "one free", "a thousand", "free / fixed", "thousand / one", "met"];
    println!("{}", table(&head, &lines));
    Ok(all_met)
}

/// The microseconds of a run on average, by our own executor.
fn ours(path: &std::path::Path, name: &str, kind: &str) -> Result<f64, String> {
    let engine = load(path, &Limits::default(), Choice::Native).map_err(|e| e.to_string())?;
    let mut session = engine.session();
    let length = |at: usize| if kind == "different" { 400 + at * 617 % COUNT } else { FIXED };
    let input = |n: usize| match name {
        "wave" => Tensor::f32(&[1, 1, n], vec![0.25; n]),
        _ => Tensor::f32(&[1, n, 8], vec![0.25; n * 8]),
    };
    let inputs: Vec<[Tensor; 1]> = (0..COUNT).map(|at| [input(length(at))]).collect();
    session.run(&inputs[0]).map_err(|e| e.to_string())?;
    let start = Instant::now();
    for input in &inputs {
        session.run(input).map_err(|e| e.to_string())?;
    }
    Ok(start.elapsed().as_secs_f64() * 1e6 / COUNT as f64)
}
