//! Round trips through Mosquitto: edgeward beside a bare echo and the module people write in Python.
//!
//! `cargo bench --bench round_trip` starts everything itself (after `tests/setup`) and prints tables;
//! `-- --quick` is one short run, `-- --outbox` the same with nothing to be lost. Broker, load and peer share the machine's cores; nothing is pinned.
#![forbid(unsafe_code)]

#[path = "../common/mod.rs"]
mod common;

mod echo;
mod load;
mod models;
mod outbox;
mod peers;
mod report;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;
use rumqttc::QoS;

use common::{broker::Broker, process};
use load::Load;
use models::Model;
use peers::Peer;
use report::{Report, Sample, Start};

#[derive(Parser)]
#[command(about = "Round trips through Mosquitto: edgeward beside an echo and a Python module")]
struct Args {
    /// One run of 3,000 messages.
    #[arg(long)]
    quick: bool,
    #[arg(long, default_value_t = 5)]
    runs: usize,
    #[arg(long, default_value_t = 30_000)]
    messages: usize,
    /// Messages in flight; 1, 64 and 512, with --outbox 64 and 512.
    #[arg(long, value_delimiter = ',')]
    windows: Vec<usize>,
    /// QoS 1, results on disk before the acknowledgement: edgeward's outbox beside SQLite's.
    #[arg(long)]
    outbox: bool,
    /// The peers with --outbox.
    #[arg(long, value_delimiter = ',', default_values = ["echo", "edgeward", "python-batch", "python-batch-two", "python-each", "python-each-two"])]
    stores: Vec<outbox::Peer>,
    /// Where outboxes are made; on a disk.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    #[arg(long, value_delimiter = ',', default_values = ["echo", "edgeward", "python"])]
    peers: Vec<Peer>,
    /// Only the model of that name: mlp or autoencoder.
    #[arg(long)]
    model: Option<String>,
    /// Be the echo on that port: how the bench starts its own peer.
    #[arg(long, hide = true)]
    echo: Option<u16>,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.echo {
        Some(port) => {
            let qos = if args.outbox { QoS::AtLeastOnce } else { QoS::AtMostOnce };
            echo::run(port, qos).map(|()| true)
        }
        None => bench(&args),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("round_trip: {e}");
            ExitCode::FAILURE
        }
    }
}

/// Runs everything and prints; true when every peer that was asked for could be measured.
fn bench(args: &Args) -> Result<bool, String> {
    let (runs, messages) = if args.quick { (1, 3_000) } else { (args.runs, args.messages) };
    let mut models = vec![Model::mlp()?, Model::autoencoder()?];
    if let Some(name) = &args.model {
        models.retain(|model| model.name == name);
    }
    let windows: &[usize] = match args.windows.as_slice() {
        [] if args.outbox => &[64, 512],
        [] => &[1, 64, 512],
        windows => windows,
    };
    if args.outbox {
        return outbox::bench(&models, &args.stores, windows, (runs, messages), &args.dir);
    }
    let mut report = Report::default();
    let mut whole = true;
    for run in 1..=runs {
        for model in &models {
            for peer in Peer::ALL.into_iter().filter(|peer| args.peers.contains(peer)) {
                eprintln!("run {run} of {runs}: {}, {}", model.name, peer.name());
                if let Err(e) = measure(model, peer, windows, messages, &mut report) {
                    eprintln!("  {} on {} could not be measured: {e}", peer.name(), model.name);
                    whole = false;
                }
            }
        }
    }
    println!("{}", common::machine());
    println!("Mosquitto, QoS 0, {messages} messages, medians of {runs} run(s)\n");
    println!("{}", report.render(&models, windows));
    Ok(whole)
}

/// One peer's process from start to stop, all windows.
fn measure(
    model: &Model,
    peer: Peer,
    windows: &[usize],
    messages: usize,
    report: &mut Report,
) -> Result<(), String> {
    let broker = Broker::start("")?;
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let mut load =
        Load::connect(broker.port, &model.payloads, QoS::AtMostOnce).map_err(|e| format!("load: {e}"))?;
    let mut process = peer.start(model, broker.port, folder.path())?;
    let ready =
        load.await_peer(Duration::from_secs(20), || process.is_alive()).map_err(|e| format!("load: {e}"))?;
    let Some(ready) = ready else {
        return Err(format!("no answer came; it said:\n    {}", process.last_words()));
    };
    let ready_millis = (ready - process.started).as_secs_f64() * 1e3;
    // The first messages find cold caches and unsized buffers.
    load.run(windows.iter().copied().max().unwrap_or(1), messages / 20)
        .map_err(|e| format!("warming up: {e}"))?;
    for &window in windows {
        let cpu_before = process::cpu_secs(process.pid());
        let broker_before = process::cpu_secs(broker.pid());
        let run = load
            .run(window, messages)
            .map_err(|e| format!("{window} in flight: {e}; it said:\n    {}", process.last_words()))?;
        let micros_each = |before: Option<f64>, after: Option<f64>| {
            before.zip(after).map(|(before, after)| (after - before) * 1e6 / messages as f64)
        };
        if peer != Peer::Echo {
            let numbers = run.answers.iter().map(|answer| model.number(answer)).collect::<Result<_, _>>()?;
            report.compare(model, peer, numbers)?;
        }
        report.sample(
            (model.name, peer, window),
            Sample {
                messages_per_sec: run.messages_per_sec,
                p50_micros: run.percentile_micros(0.50),
                p99_micros: run.percentile_micros(0.99),
                cpu_micros: micros_each(cpu_before, process::cpu_secs(process.pid())),
                broker_micros: micros_each(broker_before, process::cpu_secs(broker.pid())),
            },
        );
    }
    let (rss_bytes, peak_bytes) = common::memory_of(process.pid()).ok_or("its memory can't be read")?;
    report.start((model.name, peer), Start { ready_millis, rss_bytes, peak_bytes });
    Ok(())
}
