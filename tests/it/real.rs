//! Models out of packages of PyPI, as they come: edgeward's answers against ONNX Runtime's, and those of the daemon
//! against `edgeward score`'s.
//!
//! The ten smallest; `tests/suites/real/run.py` has them all.

use std::{fmt::Write as _, fs, path::PathBuf, process::Command, sync::LazyLock};

use rumqttc::mqttbytes::QoS;
use serde_json::Value;

use crate::support::{broker::Broker, client::Client, daemon::Daemon, edgeward, root};

/// What the corpus' own script says of them; it leaves the messages and the answers in a folder for each.
static SCORED: LazyLock<String> = LazyLock::new(|| {
    let python = root().join(".venv/bin/python");
    assert!(python.exists(), "no Python environment: run tests/setup first");
    let output = Command::new(python)
        .arg(root().join("tests/suites/real/run.py"))
        .arg("--edgeward")
        .arg(edgeward().get_program())
        .arg("--folder")
        .arg(folder())
        .arg("--small")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    told
});

fn folder() -> PathBuf {
    root().join("target/real-models")
}

#[test]
fn real_models_answer_as_with_onnx_runtime() {
    println!("{}", *SCORED);
    assert!(SCORED.contains("10 models, 0 failed"), "{}", *SCORED);
}

/// A state, a whole recording, bytes, an image of levels, two inputs.
const THROUGH_THE_DAEMON: [&str; 5] = [
    "silero-vad-silero_vad",
    "silero-vad-silero_vad_16k_sequence",
    "magika-model",
    "rapidocr-ch_ppocr_mobile_v2.0_cls_mobile",
    "speechmos-plcmos_v2",
];

#[test]
fn the_daemon_answers_as_the_command_does() {
    LazyLock::force(&SCORED);
    let works = THROUGH_THE_DAEMON.map(|name| folder().join("work").join(name));
    let told = works.each_ref().map(|work| -> Value {
        serde_json::from_slice(&fs::read(work.join("answers.json")).unwrap()).unwrap()
    });
    let mut tables = String::new();
    for (at, told) in told.iter().enumerate() {
        let model = PathBuf::from(told["model"].as_str().unwrap());
        let _ = writeln!(
            tables,
            "[pipelines.p{at}]\ntopics = [\"in/{at}\"]\nmodel = \"{}\"\noutput_topic = \"out/{at}\"",
            model.display()
        );
    }
    let broker = Broker::start();
    let verdicts = Client::new(broker.port);
    verdicts.subscribe("out/#");
    let daemon = Daemon::start(&broker, &tables);
    let client = Client::new(broker.port);
    for (at, work) in works.iter().enumerate() {
        let messages = fs::read_to_string(work.join("messages.jsonl")).unwrap();
        let topic = format!("in/{at}");
        client.send(messages.lines().map(|line| (topic.clone(), line)), QoS::AtLeastOnce).unwrap();
        client.acknowledged().unwrap();
        for expected in told[at]["outputs"].as_array().unwrap() {
            let verdict = verdicts.next_on(&format!("out/{at}")).json();
            assert_eq!(verdict["outputs"], *expected, "{}", THROUGH_THE_DAEMON[at]);
        }
    }
    let metrics = daemon.get("/metrics").1;
    for at in 0..works.len() {
        let info = |line: &&str| line.starts_with(&format!("edgeward_model_info{{pipeline=\"p{at}\""));
        let line = metrics.lines().find(info).unwrap_or_else(|| panic!("{metrics}"));
        assert!(line.contains("engine=\"native\"") || line.contains("engine=\"tract\""), "{line}");
    }
    daemon.stop().assert_books();
}
