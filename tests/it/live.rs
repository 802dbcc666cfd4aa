//! Messages in, verdicts out, through a real broker.

use std::fs;

use rumqttc::mqttbytes::QoS;
use serde_json::{Value, json};

use crate::support::{
    broker::Broker,
    client::Client,
    daemon::{Daemon, config, pipeline},
    model, signal, until,
};

fn mlp(rest: &str) -> String {
    pipeline(&model("mlp"), rest)
}

#[test]
fn a_message_has_its_verdict_with_source_model_and_times() {
    let broker = Broker::start();
    let daemon = Daemon::start(&broker, &mlp(""));
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    client.publish("in/m1", "[0.5, -1.25, 2, 0.125]");
    let message = client.next();
    assert_eq!(message.topic, "out/m1");
    let verdict = message.json();
    assert_eq!(verdict["schema"], 1);
    assert_eq!(verdict["pipeline"], "p");
    assert_eq!(verdict["source"], "m1");
    assert_eq!(verdict["model"]["name"], "mlp");
    assert_eq!(verdict["model"]["version"], "1.0.0");
    for (place, digits) in [(&verdict["model"]["digest"], 64), (&verdict["id"], 32)] {
        let text = place.as_str().unwrap();
        assert!(text.len() == digits && text.bytes().all(|b| b.is_ascii_hexdigit()), "{verdict}");
    }
    assert!(verdict["input_id"].as_str().unwrap().starts_with("test/"), "{verdict}");
    assert!(verdict["latency_us"].as_u64().unwrap() > 0);
    let scored_at = verdict["scored_at"].as_str().unwrap();
    assert!(scored_at.len() == 27 && scored_at.ends_with('Z'), "{scored_at}");
    let score = verdict["outputs"]["score"].as_f64().unwrap();
    assert!(score > 0.0 && score < 1.0);
    // The books, while it runs and at the end.
    let status = daemon.wait_status("one scored", |status| status["books"]["scored"] == 1);
    assert_eq!(status["pipelines"]["p"]["books"]["balance"], true);
    assert_eq!(daemon.stop().books("p", "scored"), 1);
}

#[test]
fn wildcards_match_and_two_pipelines_score_one_message() {
    let broker = Broker::start();
    let mlp = model("mlp");
    let text = format!(
        "[pipelines.all]\ntopics = [\"plant/#\"]\nmodel = \"{0}\"\noutput_topic = \"v/{{pipeline}}\"\n\
         [pipelines.line]\ntopics = [\"plant/+/line/1\", \"plant/hall/line/+\"]\nmodel = \"{0}\"\n\
         source_topic_level = 2\n",
        mlp.display()
    );
    let daemon = Daemon::start(&broker, &text);
    let client = Client::new(broker.port);
    client.subscribe("v/#");
    client.subscribe("verdicts/#");
    for topic in ["plant", "plant/hall/line/1", "plant/yard/line/1", "plant/yard/line/2"] {
        client.publish(topic, "[1,2,3,4]");
    }
    let mut topics: Vec<String> = (0..6).map(|_| client.next().topic).collect();
    topics.sort();
    let all = ["v/all"; 4];
    assert_eq!(topics[..4], all);
    // `plant/hall/line/1` matches two filters of one pipeline and is one message for it.
    assert_eq!(topics[4..], ["verdicts/line/hall", "verdicts/line/yard"]);
    let ended = daemon.stop();
    assert_eq!((ended.books("all", "scored"), ended.books("line", "scored")), (4, 2));
}

#[test]
fn rejections_go_to_the_error_topic() {
    let broker = Broker::start();
    let daemon = Daemon::start(&broker, &mlp(""));
    let client = Client::new(broker.port);
    client.subscribe("errors");
    client.subscribe("out/#");
    client.publish("in/m1", "[1, 2, 3]");
    let rejection = client.next().json();
    assert_eq!(rejection["schema"], 1);
    assert_eq!(rejection["pipeline"], "p");
    assert_eq!(rejection["topic"], "in/m1");
    assert_eq!(rejection["reason"], "wrong_length");
    assert_eq!(rejection["model"]["name"], "mlp");
    assert!(
        rejection["detail"].as_str().unwrap().contains("takes 4 numbers, the payload has 3"),
        "{rejection}"
    );
    assert!(rejection["input_id"].is_string() && rejection["rejected_at"].is_string(), "{rejection}");
    client.publish("in/m1", "[1, 2, 3, 4]");
    assert_eq!(client.next().topic, "out/m1");
    assert_eq!(daemon.stop().books("p", "rejected"), 1);
}

#[test]
fn retained_messages_are_ignored_or_scored_as_told() {
    let broker = Broker::start();
    let client = Client::new(broker.port);
    client.retain("in/old", "[1, 2, 3, 4]");
    client.subscribe("out/#");
    let ignoring = Daemon::start(&broker, &mlp(""));
    ignoring.wait_status("the retained message", |status| status["pipelines"]["p"]["retained_ignored"] == 1);
    client.publish("in/new", "[1, 2, 3, 4]");
    assert_eq!(client.next().topic, "out/new");
    assert_eq!(ignoring.stop().books("p", "received"), 1);
    let scoring = Daemon::start(&broker, &mlp("retained = \"score\""));
    assert_eq!(client.next().topic, "out/old");
    scoring.stop();
}

#[test]
fn the_state_topic_tells_online_and_offline_also_after_a_kill() {
    let broker = Broker::start();
    let client = Client::new(broker.port);
    client.subscribe("edgeward/#");
    let state = |expected: &str| {
        let message = client.next();
        assert_eq!((message.topic.as_str(), message.text()), ("edgeward/test/state", expected));
    };
    let daemon = Daemon::start(&broker, &mlp(""));
    state("online");
    daemon.stop();
    state("offline");
    let daemon = Daemon::start(&broker, &mlp(""));
    state("online");
    daemon.kill();
    state("offline");
    // Retained: who comes later learns it too.
    let later = Client::new(broker.port);
    later.subscribe("edgeward/+/state");
    let message = later.next();
    assert!(message.retained);
    assert_eq!(message.text(), "offline");
}

#[test]
fn fields_are_copied_and_the_events_own_time_is_told() {
    let broker = Broker::start();
    let inputs = "[pipelines.p.payload]\ntime = \"at\"\n[pipelines.p.inputs.input]\narray = \"x\"\n";
    let text = pipeline(&model("bare.onnx"), "copy_fields = [\"unit.id\", \"note\", \"absent\"]");
    let daemon = Daemon::start(&broker, &format!("{text}{inputs}"));
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    client.publish(
        "in/a",
        r#"{"x":[1,2,3,4],"at":"2026-05-01T10:00:00Z","unit":{"id":7},"note":{"ß":[1,null]}}"#,
    );
    let verdict = client.next().json();
    assert_eq!(verdict["time"], "2026-05-01T10:00:00Z");
    assert_eq!(verdict["input"], json!({"unit.id": 7, "note": {"ß": [1, null]}}));
    daemon.stop();
    let text = pipeline(&model("mlp"), "copy_fields = [\"\"]");
    let daemon = Daemon::start(&broker, &text);
    client.publish("in/a", "[1,2,3,4.50]");
    assert_eq!(client.next().json()["input"], json!([1, 2, 3, 4.5]));
    daemon.stop();
}

#[test]
fn a_senders_own_id_gives_the_same_result_id_again() {
    let broker = Broker::start();
    let inputs = "[pipelines.p.payload]\nmessage_id = \"id\"\n[pipelines.p.inputs.input]\narray = \"x\"\n";
    let text = format!("{}{inputs}", pipeline(&model("bare.onnx"), ""));
    let daemon = Daemon::start(&broker, &text);
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    let ids = |payload: &str| -> (Value, Value) {
        client.publish("in/a", payload);
        let verdict = client.next().json();
        (verdict["id"].clone(), verdict["input_id"].clone())
    };
    let first = ids(r#"{"id":"n-17","x":[1,2,3,4]}"#);
    assert_eq!(first.1, "n-17");
    assert_eq!(ids(r#"{"id":"n-17","x":[1,2,3,4]}"#), first);
    assert_ne!(ids(r#"{"id":"n-18","x":[1,2,3,4]}"#).0, first.0);
    // Without one, two messages are two inputs.
    assert_ne!(ids(r#"{"x":[1,2,3,4]}"#).0, ids(r#"{"x":[1,2,3,4]}"#).0);
    daemon.stop();
    // And after a restart.
    let daemon = Daemon::start(&broker, &text);
    assert_eq!(ids(r#"{"id":"n-17","x":[1,2,3,4]}"#), first);
    daemon.stop();
}

#[test]
fn the_operator_may_change_a_bundles_conditions_and_add_to_them() {
    let broker = Broker::start();
    let input = format!("[{}]", ["0.5"; 640].join(","));
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    let verdict = |conditions: &str| {
        let daemon = Daemon::start(&broker, &pipeline(&model("autoencoder"), conditions));
        client.publish("in/a", input.clone());
        let verdict = client.next().json();
        daemon.stop();
        verdict
    };
    let plain = verdict("");
    let error = plain["outputs"]["reconstruction_error"].as_f64().unwrap();
    assert_eq!(plain["conditions"], json!({"anomaly": error > 1.9178}));
    for (threshold, holds) in [(error / 2.0, true), (error * 2.0, false)] {
        let conditions = format!(
            "[pipelines.p.conditions.anomaly]\nvalue = {threshold}\n\
             [pipelines.p.conditions.tiny]\noutput = \"reconstruction_error\"\noperator = \"<\"\nvalue = 1e-9\n"
        );
        let verdict = verdict(&conditions);
        assert_eq!(verdict["conditions"], json!({"anomaly": holds, "tiny": false}), "{threshold}");
        assert_eq!(verdict["outputs"], plain["outputs"]);
        assert_eq!(verdict["model"], plain["model"], "the bundle is the same");
    }
}

#[test]
fn layers_stand_one_over_the_other() {
    let broker = Broker::start();
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("conf.d")).unwrap();
    // A later file over an earlier one, both over the main one, the environment over all, a flag last.
    fs::write(folder.path().join("conf.d/10.toml"), "[pipelines.p]\nerror_topic = \"ten\"\n").unwrap();
    let twenty = "[pipelines.p]\nerror_topic = \"twenty\"\nmax_payload_bytes = 100\n";
    fs::write(folder.path().join("conf.d/20.toml"), twenty).unwrap();
    fs::write(folder.path().join("conf.d/ignored.txt"), "no = [toml").unwrap();
    let daemon = Daemon::spawn_in(folder, &config(broker.port, &mlp("")), |command| {
        command.env("EDGEWARD__PIPELINES__P__MAX_PAYLOAD_BYTES", "10");
        command.env("EDGEWARD__PIPELINES__P__OUTPUT_TOPIC", "lost/{source}");
        command.args(["--set", "pipelines.p.output_topic=flag/{source}"]);
    });
    daemon.wait_ready();
    let client = Client::new(broker.port);
    client.subscribe("#");
    client.publish("in/a", "[1,2,3,4]");
    client.next_on("flag/a");
    client.publish("in/a", "[1, 2, 3, 4]");
    let rejection = client.next_on("twenty").json();
    assert_eq!(rejection["reason"], "too_large");
    assert!(rejection["detail"].as_str().unwrap().contains("`max_payload_bytes` is 10"), "{rejection}");
    daemon.stop();
}

#[test]
fn every_mix_of_qualities_of_service_works() {
    let broker = Broker::start();
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    for qos in [0, 1] {
        for output_qos in [0, 1] {
            let daemon = Daemon::start(&broker, &mlp(&format!("qos = {qos}\noutput_qos = {output_qos}\n")));
            client.send([("in/a", "[1,2,3,4]")], QoS::AtMostOnce).unwrap();
            client.publish("in/b", "[1,2,3,4]");
            assert_eq!([client.next().topic, client.next().topic], ["out/a", "out/b"]);
            assert_eq!(daemon.stop().books("p", "scored"), 2);
        }
    }
}

#[test]
fn messages_of_a_filter_given_up_are_counted_and_acknowledged() {
    let broker = Broker::start();
    Daemon::start(&broker, &mlp("")).stop();
    // The broker keeps the session, and in it the old filter.
    let elsewhere = mlp("").replace("in/+", "elsewhere/+");
    let daemon = Daemon::start(&broker, &elsewhere);
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    client.publish("in/a", "[1,2,3,4]");
    client.publish("elsewhere/b", "[1,2,3,4]");
    assert_eq!(client.next().topic, "out/b");
    assert_eq!(daemon.status()["messages_unmatched"], 1);
    assert_eq!(daemon.stop().books("p", "received"), 1);
    // Not held against the next one.
    let daemon = Daemon::start(&broker, &elsewhere);
    client.publish("elsewhere/c", "[1,2,3,4]");
    assert_eq!(client.next().topic, "out/c");
    assert_eq!(daemon.status()["messages_unmatched"], 0);
    daemon.stop();
}

#[test]
fn a_second_client_of_the_same_id_is_named_and_forgotten_when_it_goes() {
    let broker = Broker::start();
    let daemon = Daemon::start(&broker, &mlp(""));
    // Each connection of ours ends the daemon's, which then ends ours.
    let mut last = None;
    let text = until("the state", || {
        let thief = Client::lasting(broker.port, "edgeward-test").ok()?;
        thief.wait_closed();
        last = Some(thief);
        let body: Value = serde_json::from_str(&daemon.get("/readyz").1).unwrap();
        let states = body["states"].as_array().unwrap().clone();
        states.iter().find(|state| state["state"] == "taken_over").map(|state| state["text"].clone())
    });
    assert!(text.as_str().unwrap().contains("broker.client_id"), "{text}");
    drop(last);
    daemon.wait_ready();
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    client.publish("in/a", "[1,2,3,4]");
    client.next();
    daemon.stop();
}

#[test]
fn an_interrupt_ends_it_as_well() {
    let broker = Broker::start();
    let daemon = Daemon::start(&broker, &mlp(""));
    signal(daemon.pid(), "INT");
    let ended = daemon.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
}
