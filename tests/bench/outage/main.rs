//! A long outage: 1 GB of results waits while the uplink is down; then it comes back, and live traffic
//! with alarms goes on while the daemon drains.
//!
//! `cargo bench --bench outage` prints how long alarms take from their verdict to the receiver, with the
//! backlog and after it, how fast the backlog goes, and the daemon's memory. The folder must be on a disk.
#![forbid(unsafe_code)]

#[path = "../common/mod.rs"]
mod common;
mod receiver;
#[path = "../outbox/record.rs"]
mod record;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use clap::Parser;
use edgeward_outbox::store::{Batch, Fresh, Store, StoreOptions, disk::Folder};
use serde_json::{Value, json};

use common::{
    broker::{self, Broker},
    cell,
    disk::{self, Disk},
    process::Process,
    table,
};
use receiver::Received;

#[derive(Parser)]
#[command(about = "A long outage: 1 GB waits, then the uplink comes back while live traffic goes on")]
struct Args {
    /// A small backlog, a short while.
    #[arg(long)]
    quick: bool,
    /// Where the outbox is made; on a disk.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// JSON instead of Markdown.
    #[arg(long)]
    json: bool,
    /// Records' bytes of the backlog, in 10^6.
    #[arg(long, default_value_t = 1000)]
    backlog_mb: u64,
    /// Results in one message, one after another.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 100])]
    batch_messages: Vec<u64>,
    /// LZ4 in the outbox, as by default; without, 1 GB is 1 GB on disk.
    #[arg(long)]
    lz4: bool,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Two inputs of the test model, below and above 0.85.
const USUAL: &str = "[-0.75437474,0.009248189,-0.101338856,-0.043673597]";
const ALARM: &str = "[0.005048451,0.49553972,-1.3506871,-1.0254756]";
const TOPIC: &str = "bench/in";
/// Records a commit while the backlog is built.
const BUILT: u64 = 512;

/// What the issue asks of the daemon's memory, in MB.
const MEMORY_AT_MOST: f64 = 25.0;

fn main() -> ExitCode {
    let args = Args::parse();
    match bench(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("outage: {e}");
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &Args) -> Result<(), String> {
    let disk = Disk::of(&args.dir)?;
    let load = common::load();
    let mut outages = Vec::new();
    for batch in &args.batch_messages {
        eprintln!("{batch} result(s) a message");
        outages.push(measure(args, *batch)?);
    }
    if args.json {
        let all = json!({ "machine": common::machine(), "disk": disk.name, "load": [load, common::load()], "outages": outages });
        println!("{all:#}");
        return Ok(());
    }
    println!("{}", common::machine());
    println!("Disk: {}. Load before and after: {load} and {}.", disk.name, common::load());
    println!(
        "Two Mosquittos, QoS 1; {} messages/s live, each tenth an alarm (priority 0, newest first); alarms' delay from \
         their verdict to the receiver.\n",
        receiver::MESSAGES_PER_SEC
    );
    println!("{}", markdown(&outages));
    Ok(())
}

/// One outage: build, start, wait, connect, drain, and a while without a backlog.
fn measure(args: &Args, batch: u64) -> Result<Value, String> {
    let megabytes = if args.quick { args.backlog_mb.min(30) } else { args.backlog_mb };
    let pause = Duration::from_secs(if args.quick { 3 } else { 30 });
    let folder = tempfile::Builder::new().prefix("bench-outage-").tempdir_in(&args.dir);
    let folder = folder.map_err(|e| e.to_string())?;
    let outbox = folder.path().join("outbox");
    let records = build(&outbox, megabytes, args.lz4)?;
    let on_disk: u64 = disk::files(&outbox).map_err(|e| e.to_string())?.iter().map(|(_, bytes)| bytes).sum();
    disk::forget(&outbox).map_err(|e| e.to_string())?;

    let broker = Broker::start("set_tcp_nodelay true\n")?;
    let up = broker::free_port();
    let config = folder.path().join("edgeward.toml");
    fs::write(&config, configuration(broker.port, up, batch, args.lz4)).map_err(|e| e.to_string())?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_edgeward"));
    command.arg("run").arg("-c").arg(&config);
    let mut daemon = Process::start(command, folder.path())?;
    let sender = receiver::send(broker.port, TOPIC, USUAL, ALARM).map_err(|e| format!("sender: {e}"))?;
    std::thread::sleep(pause.min(Duration::from_secs(5)));
    let waiting =
        common::memory_of(daemon.pid()).ok_or_else(|| format!("it ended:\n{}", daemon.last_words()))?;

    let up = Broker::try_start(up, "set_tcp_nodelay true\n").map_err(|e| e.to_string())?;
    let up = up.ok_or("the far broker did not get its port")?;
    let received = receiver::receive(up.port).map_err(|e| format!("receiver: {e}"))?;
    let (drain, rss) = drain(&received, records, &mut daemon)?;
    // What comes now has no backlog before it.
    std::thread::sleep(pause);
    let after = Instant::now();
    std::thread::sleep(pause);
    drop(sender);
    let (last_rss, peak) = common::memory_of(daemon.pid()).ok_or("its memory can't be read")?;
    let left: u64 = disk::files(&outbox).map_err(|e| e.to_string())?.iter().map(|(_, bytes)| bytes).sum();

    let received = received.lock().map_err(|e| e.to_string())?;
    let begin = received.first.ok_or("nothing came")?;
    let seconds = drain.duration_since(begin).as_secs_f64();
    let megabytes_of = |bytes: u64| bytes as f64 / 1e6;
    Ok(json!({
        "batch_messages": batch,
        "records": records,
        "on_disk_mb": megabytes_of(on_disk),
        "left_on_disk_mb": megabytes_of(left),
        "drain_s": seconds,
        "drained_records_per_sec": records as f64 / seconds,
        "drained_mb_per_sec": megabytes_of(records * record::RECORD_BYTES as u64) / seconds,
        // The first second is the reconnect: what waited during the outage comes at once.
        "alarms_draining": delays(&received, begin + Duration::from_secs(1), drain),
        "alarms_without_backlog": delays(&received, after, after + pause),
        "rss_mb": { "uplink down": megabytes_of(waiting.0), "draining, at most": megabytes_of(rss), "at the end": megabytes_of(last_rss), "peak": megabytes_of(peak) },
    }))
}

/// Waits until the backlog has come; when that was, and the daemon's most resident memory meanwhile.
fn drain(
    received: &Arc<Mutex<Received>>,
    records: u64,
    daemon: &mut Process,
) -> Result<(Instant, u64), String> {
    let (mut rss, mut last, mut moved) = (0, 0, Instant::now());
    loop {
        {
            let received = received.lock().map_err(|e| e.to_string())?;
            if received.results >= records {
                return Ok((Instant::now(), rss));
            }
            if received.results > last {
                (last, moved) = (received.results, Instant::now());
            }
            if let Some(why) = &received.ended {
                return Err(format!("{last} of {records} results came, then: {why}"));
            }
        }
        if !daemon.is_alive() || moved.elapsed() > Duration::from_secs(90) {
            return Err(format!("{last} of {records} results came; it said:\n    {}", daemon.last_words()));
        }
        rss = rss.max(common::memory_of(daemon.pid()).map_or(0, |(rss, _)| rss));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Alarms that came between two moments: how many, and their delays in milliseconds.
fn delays(received: &Received, begin: Instant, end: Instant) -> Value {
    let between = received.alarms.iter().filter(|(at, _)| (begin..end).contains(at));
    let mut delays: Vec<f64> = between.map(|(_, delay)| delay.as_secs_f64() * 1e3).collect();
    delays.sort_by(f64::total_cmp);
    let at = |share: f64| delays.get((delays.len().max(1) - 1) * (share * 1000.0) as usize / 1000);
    json!({ "alarms": delays.len(), "p50_ms": at(0.5), "p99_ms": at(0.99), "most_ms": delays.last() })
}

/// Writes the backlog as the daemon would have; how many records.
fn build(dir: &Path, megabytes: u64, lz4: bool) -> Result<u64, String> {
    fs::create_dir(dir).map_err(|e| e.to_string())?;
    let options =
        StoreOptions { max_bytes: 8 << 30, segment_bytes: 8 << 20, compress: lz4, ..Default::default() };
    let fresh = Fresh { store: *b"a bench.", epoch: *b"an epoch" };
    let (mut store, _) =
        Store::open(Arc::new(Folder::new(dir)), options, fresh).map_err(|e| e.to_string())?;
    let lane = store.lane("bench", "result");
    let batches = (megabytes * 1_000_000).div_ceil(BUILT * record::RECORD_BYTES as u64);
    for at in 0..batches {
        let records = record::records(at * BUILT..(at + 1) * BUILT);
        let records = record::split(&records).map(|one| (lane, one).into()).collect();
        store.commit(&Batch { records, ..Batch::default() }).map_err(|e| e.to_string())?;
    }
    Ok(batches * BUILT)
}

fn configuration(port: u16, up: u16, batch: u64, lz4: bool) -> String {
    format!(
        "[broker]\nurl = \"mqtt://127.0.0.1:{port}\"\n\n[admin]\nlisten = \"127.0.0.1:0\"\n\n\
         [outbox]\ndir = \"outbox\"\nmax_bytes = 8589934592\ncompression = \"{}\"\n\n\
         [classes.alarm]\nwhen = [\"high\"]\npriority = 0\norder = \"newest_first\"\n\n\
         [uplinks.hub]\nurl = \"mqtt://127.0.0.1:{up}\"\ntopic = \"up/{{pipeline}}/{{class}}\"\n\
         batch_messages = {batch}\nbatch_delay_ms = 0\n\n\
         [pipelines.bench]\ntopics = [\"{TOPIC}\"]\nmodel = \"{}\"\nlive = false\n\n\
         [pipelines.bench.conditions.high]\noutput = \"score\"\noperator = \">\"\nvalue = 0.85\n",
        if lz4 { "lz4" } else { "none" },
        common::root().join("target/test-models/mlp").display()
    )
}

fn markdown(outages: &[Value]) -> String {
    let header = [
        "results a message",
        "alarms of",
        "alarms",
        "p50 ms",
        "p99 ms",
        "most ms",
        "drained records/s",
        "MB/s",
        "in s",
        "on disk MB",
        "left MB",
    ];
    let mut rows = Vec::new();
    for outage in outages {
        let number = |value: &Value, decimals| cell(value.as_f64(), decimals);
        for (what, key) in [("the drain", "alarms_draining"), ("no backlog", "alarms_without_backlog")] {
            let (alarms, draining) = (&outage[key], key == "alarms_draining");
            let mut row = vec![
                number(&outage["batch_messages"], 0),
                what.to_owned(),
                number(&alarms["alarms"], 0),
                number(&alarms["p50_ms"], 2),
                number(&alarms["p99_ms"], 2),
                number(&alarms["most_ms"], 1),
            ];
            for (key, decimals) in [
                ("drained_records_per_sec", 0),
                ("drained_mb_per_sec", 1),
                ("drain_s", 1),
                ("on_disk_mb", 0),
                ("left_on_disk_mb", 2),
            ] {
                row.push(if draining { number(&outage[key], decimals) } else { String::new() });
            }
            rows.push(row);
        }
    }
    let mut memory = Vec::new();
    for outage in outages {
        for key in ["uplink down", "draining, at most", "at the end", "peak"] {
            let got = outage["rss_mb"][key].as_f64();
            let met = got.map_or("not measured", |got| if got <= MEMORY_AT_MOST { "yes" } else { "NO" });
            let batch = cell(outage["batch_messages"].as_f64(), 0);
            memory.push(vec![
                batch,
                key.to_owned(),
                format!("<= {MEMORY_AT_MOST}"),
                cell(got, 1),
                met.to_owned(),
            ]);
        }
    }
    let memory = table(&["results a message", "the daemon's memory, MB", "asked", "got", "met"], &memory);
    format!("{}\n{memory}", table(&header, &rows))
}
