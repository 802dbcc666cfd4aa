//! Nothing may be lost: QoS 1 in, results stored before the acknowledgement, QoS 1 out; edgeward with
//! its outbox beside the Python module with SQLite.

use std::{collections::BTreeMap, fs, path::Path, process::Command, time::Duration};

use rumqttc::QoS;

use crate::{
    common::{
        self,
        broker::Broker,
        cell,
        disk::Disk,
        median,
        process::{self, Process},
        table,
    },
    load::{Load, TOPIC_IN, TOPIC_OUT},
    models::Model,
};

/// What the issue asks of edgeward's rate to the Python module's.
const OF_PYTHON_AT_LEAST: f64 = 5.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Peer {
    /// Stores nothing and scores nothing: what the broker and the machine let through.
    Echo,
    Edgeward,
    /// Commits once for all messages that have arrived.
    PythonBatch,
    /// The same with a thread for the network.
    PythonBatchTwo,
    /// Commits once per message.
    PythonEach,
    PythonEachTwo,
}

impl Peer {
    pub const ALL: [Peer; 6] = [
        Peer::Echo,
        Peer::Edgeward,
        Peer::PythonBatch,
        Peer::PythonBatchTwo,
        Peer::PythonEach,
        Peer::PythonEachTwo,
    ];
    const BATCH: [Peer; 2] = [Peer::PythonBatch, Peer::PythonBatchTwo];
    const EACH: [Peer; 2] = [Peer::PythonEach, Peer::PythonEachTwo];

    fn name(self) -> &'static str {
        match self {
            Peer::Echo => "echo, stores nothing",
            Peer::Edgeward => "edgeward",
            Peer::PythonBatch => "python, a commit per batch",
            Peer::PythonBatchTwo => "python, a commit per batch, two threads",
            Peer::PythonEach => "python, a commit per message",
            Peer::PythonEachTwo => "python, a commit per message, two threads",
        }
    }

    fn start(self, model: &Model, port: u16, folder: &Path) -> Result<Process, String> {
        let command = match self {
            Peer::Echo => {
                let mut command = Command::new(std::env::current_exe().map_err(|e| e.to_string())?);
                command.args(["--echo", &port.to_string(), "--outbox"]);
                command
            }
            Peer::Edgeward => {
                let config = folder.join("edgeward.toml");
                fs::write(&config, configuration(model, port)).map_err(|e| e.to_string())?;
                let mut command = Command::new(env!("CARGO_BIN_EXE_edgeward"));
                command.arg("run").arg("-c").arg(config);
                command
            }
            Peer::PythonBatch | Peer::PythonBatchTwo | Peer::PythonEach | Peer::PythonEachTwo => {
                let mut command = Command::new(common::python()?);
                command.arg(common::root().join("tests/bench/round_trip/peer_outbox.py"));
                command.arg(port.to_string()).arg(model.bundle.join("model.onnx"));
                command.arg(folder.join("outbox.db"));
                command.arg(if Peer::EACH.contains(&self) { "each" } else { "batch" });
                let two = matches!(self, Peer::PythonBatchTwo | Peer::PythonEachTwo);
                command.arg(if two { "two" } else { "one" });
                command.args(model.threshold.map(|threshold| threshold.to_string()));
                command
            }
        };
        Process::start(command, folder)
    }
}

/// The daemon's configuration: the outbox and the uplink as by default, but for the bound in flight.
fn configuration(model: &Model, port: u16) -> String {
    format!(
        "[broker]\nurl = \"mqtt://127.0.0.1:{port}\"\n\n[admin]\nlisten = \"127.0.0.1:0\"\n\n\
         [outbox]\ndir = \"outbox\"\ndurability = \"sync\"\n\n\
         [uplinks.hub]\nurl = \"mqtt://127.0.0.1:{port}\"\ntopic = \"{TOPIC_OUT}\"\nmax_in_flight = 512\n\n\
         [pipelines.bench]\ntopics = [\"{TOPIC_IN}\"]\nmodel = \"{}\"\nlive = false\n",
        model.bundle.display()
    )
}

struct Sample {
    results_per_sec: f64,
    p50_micros: f64,
    p99_micros: f64,
    cpu_micros: Option<f64>,
    broker_micros: Option<f64>,
    /// Bytes written to the device per result.
    written: f64,
}

type Key = (&'static str, Peer, usize);

#[derive(Default)]
struct Samples(BTreeMap<Key, Vec<Sample>>);

/// Runs everything and prints; true when everything could be measured.
pub fn bench(
    models: &[Model],
    peers: &[Peer],
    windows: &[usize],
    (runs, messages): (usize, usize),
    dir: &Path,
) -> Result<bool, String> {
    let disk = Disk::of(dir)?;
    let load = common::load();
    let (mut samples, mut whole) = (Samples::default(), true);
    for run in 0..runs {
        for model in models {
            let mut peers = peers.to_vec();
            let first = run % peers.len().max(1);
            peers.rotate_left(first);
            for peer in peers {
                eprintln!("run {} of {runs}: {}, {}", run + 1, model.name, peer.name());
                if let Err(e) = measure(model, peer, windows, messages, dir, &disk, &mut samples) {
                    eprintln!("  {} on {} could not be measured: {e}", peer.name(), model.name);
                    whole = false;
                }
            }
        }
    }
    println!("{}", common::machine());
    println!("Disk: {}. Load before and after: {load} and {}.", disk.name, common::load());
    println!(
        "Mosquitto, QoS 1 in and out, {messages} messages, medians of {runs} interleaved run(s). In flight: \
         messages whose result has not come. Every peer that stores syncs before the PUBACK of its input \
         and deletes a result after the PUBACK of its own:\n\
         - edgeward: outbox with durability = \"sync\", one commit for all that was scored while the last \
         one was synced; deletes with a later commit, within a second\n\
         - python: SQLite, WAL, synchronous=FULL, a commit for each message or one for all that have \
         arrived (at most 512); deletes with the next commit; one thread, or one more for the network; \
         ratios are to the faster\n\
         Sockets of all have TCP_NODELAY.\n"
    );
    println!("{}\n{}", samples.rates(models, windows), samples.targets(models, windows));
    Ok(whole)
}

/// One peer's process from start to stop, all windows.
fn measure(
    model: &Model,
    peer: Peer,
    windows: &[usize],
    messages: usize,
    dir: &Path,
    disk: &Disk,
    samples: &mut Samples,
) -> Result<(), String> {
    // Small packets go out at once, or else an acknowledgement may wait 40 ms for another.
    let broker = Broker::start("set_tcp_nodelay true\n")?;
    let folder = tempfile::tempdir_in(dir).map_err(|e| e.to_string())?;
    let load = Load::connect(broker.port, &model.payloads, QoS::AtLeastOnce);
    let mut load = load.map_err(|e| format!("load: {e}"))?;
    let mut process = peer.start(model, broker.port, folder.path())?;
    let ready = load.await_peer(Duration::from_secs(20), || process.is_alive());
    if ready.map_err(|e| format!("load: {e}"))?.is_none() {
        return Err(format!("no result came; it said:\n    {}", process.last_words()));
    }
    load.run(windows.iter().copied().max().unwrap_or(1), messages / 20)
        .map_err(|e| format!("warming up: {e}"))?;
    for &window in windows {
        let before = (process::cpu_secs(process.pid()), process::cpu_secs(broker.pid()), disk.written()?);
        let run = load
            .run(window, messages)
            .map_err(|e| format!("{window} in flight: {e}; it said:\n    {}", process.last_words()))?;
        let each = |before: Option<f64>, after: Option<f64>| {
            before.zip(after).map(|(before, after)| (after - before) * 1e6 / messages as f64)
        };
        let (cpu_micros, broker_micros) = (
            each(before.0, process::cpu_secs(process.pid())),
            each(before.1, process::cpu_secs(broker.pid())),
        );
        if peer != Peer::Echo {
            run.answers.iter().try_for_each(|answer| model.number(answer).map(drop))?;
        }
        samples.0.entry((model.name, peer, window)).or_default().push(Sample {
            results_per_sec: run.messages_per_sec,
            p50_micros: run.percentile_micros(0.50),
            p99_micros: run.percentile_micros(0.99),
            cpu_micros,
            broker_micros,
            written: (disk.written()? - before.2) as f64 / messages as f64,
        });
    }
    Ok(())
}

impl Samples {
    fn of(&self, key: Key, value: impl Fn(&Sample) -> Option<f64>) -> Option<f64> {
        median(self.0.get(&key)?.iter().filter_map(value))
    }

    /// Its rate to that of the fastest of `others`.
    fn ratio(&self, key: Key, others: &[Peer]) -> Option<f64> {
        let rate = |key| self.of(key, |sample| Some(sample.results_per_sec));
        let fastest = others.iter().filter_map(|other| rate((key.0, *other, key.2))).reduce(f64::max);
        Some(rate(key)? / fastest?)
    }

    fn has(&self, peer: Peer) -> bool {
        self.0.keys().any(|(_, known, _)| *known == peer)
    }

    fn rates(&self, models: &[Model], windows: &[usize]) -> String {
        let header = [
            "model",
            "peer",
            "in flight",
            "results/s",
            "x echo",
            "x python batch",
            "x python each",
            "p50 us",
            "p99 us",
            "peer CPU us",
            "broker CPU us",
            "written bytes",
        ];
        let mut rows = Vec::new();
        for model in models {
            for &window in windows {
                for peer in Peer::ALL.into_iter().filter(|peer| self.has(*peer)) {
                    let key = (model.name, peer, window);
                    rows.push(vec![
                        model.name.to_owned(),
                        peer.name().to_owned(),
                        window.to_string(),
                        cell(self.of(key, |s| Some(s.results_per_sec)), 0),
                        cell(self.ratio(key, &[Peer::Echo]), 2),
                        cell(self.ratio(key, &Peer::BATCH), 2),
                        cell(self.ratio(key, &Peer::EACH), 2),
                        cell(self.of(key, |s| Some(s.p50_micros)), 0),
                        cell(self.of(key, |s| Some(s.p99_micros)), 0),
                        cell(self.of(key, |s| s.cpu_micros), 1),
                        cell(self.of(key, |s| s.broker_micros), 1),
                        cell(self.of(key, |s| Some(s.written)), 0),
                    ]);
                }
            }
        }
        table(&header, &rows)
    }

    fn targets(&self, models: &[Model], windows: &[usize]) -> String {
        let mut rows = Vec::new();
        for model in models {
            for &window in windows {
                for (what, others) in [("batch", Peer::BATCH), ("message", Peer::EACH)] {
                    let got = self.ratio((model.name, Peer::Edgeward, window), &others);
                    let met = got
                        .map_or("not measured", |got| if got >= OF_PYTHON_AT_LEAST { "yes" } else { "NO" });
                    rows.push(vec![
                        model.name.to_owned(),
                        format!("edgeward's rate to python's, a commit per {what}, {window} in flight"),
                        format!(">= {OF_PYTHON_AT_LEAST:.0}"),
                        cell(got, 2),
                        met.to_owned(),
                    ]);
                }
            }
        }
        table(&["model", "", "asked", "got", "met"], &rows)
    }
}
