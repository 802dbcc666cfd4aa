//! State that is carried from message to message, through a daemon that is killed in between.

use std::{collections::HashMap, fmt::Write as _, fs};

use rumqttc::mqttbytes::QoS;

use super::outbox;
use crate::support::{
    Dice,
    broker::Broker,
    client::Client,
    daemon::{Daemon, config},
    edgeward, model,
};

const STREAMS: usize = 100;
const STEPS: usize = 200;
/// Messages in flight from the sender.
const CHUNK: usize = 200;
/// One run over all steps and many over one each may add up in another order.
const TOLERANCE: f64 = 1e-5;

/// What the whole-sequence export answers to each stream, by `edgeward score`.
fn whole(streams: &[Vec<[f64; 4]>]) -> Vec<Vec<f64>> {
    let folder = tempfile::tempdir().unwrap();
    let messages = folder.path().join("streams.jsonl");
    let lines = streams.iter().map(|steps| format!("{}\n", serde_json::json!({ "v": steps })));
    fs::write(&messages, lines.collect::<String>()).unwrap();
    let scored = edgeward()
        .args(["score", "--quiet", "--strict"])
        .arg(model("recurrent_whole"))
        .arg(&messages)
        .output()
        .unwrap();
    assert!(scored.status.success(), "{}", String::from_utf8_lossy(&scored.stderr));
    let numbers = |line: &str| {
        let verdict: serde_json::Value = serde_json::from_str(line).unwrap();
        let y = verdict["outputs"]["y"].as_array().unwrap();
        y.iter().map(|x| x.as_f64().unwrap()).collect()
    };
    String::from_utf8(scored.stdout).unwrap().lines().map(numbers).collect()
}

#[test]
fn step_by_step_through_a_kill_is_what_the_whole_sequence_gives() {
    let mut dice = Dice::new(12);
    let mut value = || (dice.between(-1.0, 1.0) * 1e4).round() / 1e4;
    let streams: Vec<Vec<[f64; 4]>> =
        (0..STREAMS).map(|_| (0..STEPS).map(|_| [value(), value(), value(), value()]).collect()).collect();
    let expected = whole(&streams);
    let broker = Broker::start();
    let disk = tempfile::tempdir().unwrap();
    let mut tables = outbox(&disk.path().join("outbox"), broker.port, "");
    let bundle = model("recurrent_step");
    let _ = write!(
        tables,
        "[pipelines.p]\ntopics = [\"in/+\"]\nmodel = \"{}\"\nsource_topic_level = 2\ncopy_fields = [\"n\"]\n",
        bundle.display()
    );
    let text = config(broker.port, &tables);
    let results = Client::lasting(broker.port, "results").unwrap();
    results.subscribe("results/#");
    let mut daemon = Daemon::spawn_in(tempfile::tempdir().unwrap(), &text, |_| {});
    daemon.wait_ready();
    let client = Client::new(broker.port);
    let message = |at: usize| {
        let (step, stream) = (at / STREAMS, at % STREAMS);
        let payload = serde_json::json!({ "n": at, "v": streams[stream][step] }).to_string();
        (format!("in/s{stream}"), payload)
    };
    let mut found: HashMap<u64, f64> = HashMap::new();
    let all = STREAMS * STEPS;
    for from in (0..all).step_by(CHUNK) {
        client.send((from..from + CHUNK).map(message), QoS::AtLeastOnce).unwrap();
        client.acknowledged().unwrap();
        while found.len() < from + CHUNK {
            let verdict = results.next().json();
            let y = verdict["outputs"]["y"].as_f64().unwrap_or_else(|| panic!("{verdict}"));
            found.insert(verdict["input"]["n"].as_u64().unwrap(), y);
        }
        if from == all / 2 {
            // Every message was acknowledged to the daemon's broker only after its outcome was stored.
            daemon.wait_status("nothing pending", |status| status["books"]["pending"] == 0);
            let folder = daemon.kill();
            daemon = Daemon::spawn_in(folder, &text, |_| {});
            daemon.wait_ready();
        }
    }
    for (at, y) in found {
        let (step, stream) = (at as usize / STREAMS, at as usize % STREAMS);
        let wanted = expected[stream][step];
        assert!((y - wanted).abs() <= TOLERANCE, "stream {stream}, step {step}: {y} is not {wanted}");
    }
    daemon.stop();
}
