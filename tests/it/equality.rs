//! The daemon and the command line answer alike, bit for bit, whatever the batch.

use std::{fs, path::Path};

use rumqttc::mqttbytes::QoS;
use tempfile::TempDir;

use crate::support::{Dice, broker::Broker, client::Client, daemon::Daemon, edgeward, model, shipped};

const COUNT: usize = 2400;
/// How many of them are also sent one at a time.
const ALONE: usize = 400;

/// `"outputs":{…},"conditions":{…}`: the text that must be the same everywhere.
fn results(verdict: &str) -> String {
    let at = verdict.find("\"outputs\":").unwrap_or_else(|| panic!("no verdict: {verdict}"));
    verdict[at..].trim_end().trim_end_matches('}').to_owned()
}

/// What the command line answers.
fn offline(model: &Path, payloads: &[String], threads: usize) -> Vec<String> {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("in.jsonl"), payloads.join("\n")).unwrap();
    let done = edgeward()
        .arg("score")
        .arg(model)
        .args(["in.jsonl", "-o", "out.jsonl", "--threads", &threads.to_string()])
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let out = fs::read_to_string(folder.path().join("out.jsonl")).unwrap();
    out.lines().map(results).collect()
}

/// What the daemon answers to a burst, and to the first few one at a time.
fn live(model: &Path, payloads: &[String], max_batch: usize) -> (Vec<String>, Vec<String>) {
    let broker = Broker::start();
    let text = format!(
        "[pipelines.p]\ntopics = [\"in\"]\nmodel = \"{}\"\noutput_topic = \"out\"\nmax_batch = {max_batch}\n",
        model.display()
    );
    let daemon = Daemon::start(&broker, &text);
    let client = Client::new(broker.port);
    client.subscribe("out");
    client.send(payloads.iter().map(|payload| ("in", payload.as_str())), QoS::AtLeastOnce).unwrap();
    let burst = payloads.iter().map(|_| results(client.next().text())).collect();
    let alone = payloads[..ALONE].iter().map(|payload| {
        client.publish("in", payload.as_str());
        results(client.next().text())
    });
    let alone = alone.collect();
    let metrics = daemon.get("/metrics").1;
    let runs =
        metrics.lines().find_map(|line| line.strip_prefix("edgeward_scoring_seconds_count{pipeline=\"p\"} "));
    let runs: usize = runs.unwrap().parse().unwrap();
    if max_batch > 1 {
        assert!(runs < COUNT + ALONE, "no backlog was ever scored in one batch");
    }
    daemon.stop();
    (burst, alone)
}

fn assert_equal_everywhere(model: &Path, payloads: &[String]) {
    assert_eq!(payloads.len(), COUNT);
    let reference = offline(model, payloads, 1);
    assert_eq!(reference.len(), COUNT);
    assert_eq!(offline(model, payloads, 2), reference, "two threads");
    for max_batch in [64, 7] {
        let (burst, alone) = live(model, payloads, max_batch);
        for (i, (found, expected)) in burst.iter().zip(&reference).enumerate() {
            assert_eq!(found, expected, "message {i} in a burst, {}", payloads[i]);
        }
        for (i, (found, expected)) in alone.iter().zip(&reference).enumerate() {
            assert_eq!(found, expected, "message {i} alone, {}", payloads[i]);
        }
    }
    // Not one answer for all of them.
    let different: std::collections::HashSet<&String> = reference.iter().collect();
    assert!(different.len() > COUNT / 20, "{} different answers", different.len());
}

/// Numbers from tiny to large, so that rounding shows.
fn number(dice: &mut Dice) -> String {
    let scale = 10f64.powf(dice.between(-3.0, 1.0));
    format!("{}", dice.between(-scale, scale) as f32)
}

fn array(dice: &mut Dice, len: usize) -> String {
    let numbers: Vec<String> = (0..len).map(|_| number(dice)).collect();
    format!("[{}]", numbers.join(","))
}

#[test]
fn a_perceptron() {
    let mut dice = Dice::new(4);
    let payloads: Vec<String> = (0..COUNT).map(|_| array(&mut dice, 4)).collect();
    assert_equal_everywhere(&model("mlp"), &payloads);
}

#[test]
fn an_autoencoder() {
    let mut dice = Dice::new(640);
    let payloads: Vec<String> = (0..COUNT).map(|_| array(&mut dice, 640)).collect();
    assert_equal_everywhere(&model("autoencoder"), &payloads);
}

#[test]
fn trees() {
    let mut dice = Dice::new(7);
    let payloads: Vec<String> = (0..COUNT)
        .map(|_| {
            let (temperature, pressure) = (dice.between(15.0, 120.0), dice.between(0.5, 12.0));
            let (room, humidity) = (dice.between(15.0, 28.0), dice.between(20.0, 30.0));
            format!(
                "{{\"machine\":{{\"temperature\":{temperature},\"pressure\":{pressure}}},\
                 \"ambient\":{{\"temperature\":{room},\"humidity\":{humidity}}}}}"
            )
        })
        .collect();
    assert_equal_everywhere(&shipped(), &payloads);
}

#[test]
fn convolutions_row_by_row() {
    // Without a free batch each message is run alone, everywhere; a few are enough.
    let payloads: Vec<String> = (0..20).map(|i| format!("[{}.25]", i)).collect();
    let reference = offline(&model("slow"), &payloads, 1);
    assert_eq!(offline(&model("slow"), &payloads, 2), reference);
}
