//! The end of a daemon under load, in good order and by force, and its change on the way.

use std::{fs, os::unix::fs::PermissionsExt, thread, time::Duration};

use rumqttc::mqttbytes::QoS;
use serde_json::Value;

use crate::support::{
    broker::Broker,
    client::Client,
    daemon::{Daemon, Ended, config, pipeline},
    model, until,
};

fn mlp(rest: &str) -> String {
    pipeline(&model("mlp"), rest)
}

fn slow(rest: &str) -> String {
    pipeline(&model("slow"), &format!("max_batch = 1\n{rest}"))
}

/// What `last-run.json` says was left.
fn left(ended: &Ended) -> Vec<String> {
    let left = ended.last_run["left"].as_array().unwrap().iter();
    left.map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_stop_under_load_finishes_what_is_queued() {
    const COUNT: usize = 20_000;
    let broker = Broker::start();
    let collector = Client::lasting(broker.port, "collector").unwrap();
    collector.subscribe("out/#");
    collector.subscribe("edgeward/test/state");
    let text = mlp("copy_fields = [\"\"]\noutput_qos = 1\n");
    let daemon = Daemon::start(&broker, &text);
    assert_eq!(collector.next().text(), "online");
    let publisher = Client::new(broker.port);
    let numbered = (0..COUNT).map(|n| ("in/a", format!("[{n},1,1,1]")));
    publisher.send(numbered, QoS::AtLeastOnce).unwrap();
    // In the middle of it.
    let mut seen = vec![false; COUNT];
    let mut note = |verdict: &Value| {
        let n = usize::try_from(verdict["input"][0].as_u64().unwrap()).unwrap();
        std::mem::replace(&mut seen[n], true)
    };
    for _ in 0..500 {
        note(&collector.next().json());
    }
    daemon.signal("TERM");
    let ended = daemon.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    ended.assert_books();
    assert_eq!((ended.books("p", "pending"), ended.books("p", "shed")), (0, 0), "{}", ended.last_run);
    assert!(left(&ended).is_empty());
    let scored = ended.books("p", "scored");
    assert!(scored >= 500 && scored < COUNT as u64, "not stopped in the middle: {scored}");
    let mode = fs::metadata(ended.folder.path().join("state/last-run.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        ended.log.contains("stopped") && ended.log.contains(&format!("scored {scored}")),
        "{}",
        ended.log
    );
    // Every scored one was published, then the goodbye.
    for _ in 500..scored {
        note(&collector.next_on("out/a").json());
    }
    assert_eq!(collector.next_on("edgeward/test/state").text(), "offline");
    // What it had not taken in comes to the next one.
    publisher.acknowledged().unwrap();
    let daemon = Daemon::start(&broker, &text);
    let mut missing = COUNT - usize::try_from(scored).unwrap();
    while missing > 0 {
        if !note(&collector.next_on("out/a").json()) {
            missing -= 1;
        }
    }
    daemon.stop();
    assert!(seen.iter().all(|seen| *seen));
}

#[test]
fn what_the_deadline_cuts_off_is_named_and_comes_again() {
    const COUNT: usize = 150;
    let broker = Broker::start();
    let client = Client::new(broker.port);
    client.subscribe("edgeward/test/state");
    let text = slow("copy_fields = [\"\"]\noutput_qos = 1\n");
    let daemon = Daemon::start(&broker, &format!("drain_deadline_secs = 1\n{text}"));
    client.send((0..COUNT).map(|n| ("in/a", format!("[{n}]"))), QoS::AtLeastOnce).unwrap();
    daemon.wait_status("all received and one scored", |status| {
        status["books"]["received"] == COUNT && status["books"]["scored"].as_u64() > Some(0)
    });
    daemon.signal("TERM");
    let ended = daemon.wait();
    assert_eq!(ended.code, Some(5), "{}", ended.log);
    ended.assert_books();
    let (shed, scored) = (ended.books("p", "shed"), ended.books("p", "scored"));
    assert!(shed > 0 && scored > 0, "{}", ended.last_run);
    let left = left(&ended);
    assert!(left.iter().any(|text| text.contains("pipeline p") && text.contains("not scored")), "{left:?}");
    assert!(ended.log.contains("left over at the stop"), "{}", ended.log);
    assert!(ended.log.contains("`drain_deadline_secs` passed with work left"), "{}", ended.log);
    assert_eq!(client.next().text(), "online");
    assert_eq!(client.next().text(), "offline");
    // Not acknowledged, so not lost.
    let collector = Client::new(broker.port);
    collector.subscribe("out/#");
    let daemon = Daemon::start(&broker, &text);
    let again = daemon.wait_status("the rest", |status| status["books"]["received"].as_u64() >= Some(shed));
    assert!(again["books"]["received"].as_u64().unwrap() <= COUNT as u64);
    daemon.kill();
}

#[test]
fn a_second_signal_forces_the_end() {
    let broker = Broker::start();
    let client = Client::new(broker.port);
    client.subscribe("edgeward/test/state");
    let daemon = Daemon::start(&broker, &format!("drain_deadline_secs = 3600\n{}", slow("")));
    client.send((0..2000).map(|_| ("in/a", "[1]")), QoS::AtLeastOnce).unwrap();
    daemon.wait_status("a backlog", |status| status["books"]["pending"].as_u64() > Some(1000));
    daemon.signal("TERM");
    daemon.log.wait_for("stopping");
    assert_eq!(daemon.get("/readyz").0, 503);
    assert!(daemon.wait_state("draining").contains("3600 s"));
    daemon.signal("INT");
    let ended = daemon.wait();
    assert_eq!(ended.code, Some(5), "{}", ended.log);
    assert!(ended.log.contains("by force"), "{}", ended.log);
    ended.assert_books();
    assert!(!left(&ended).is_empty(), "{}", ended.last_run);
    assert_eq!(client.next().text(), "online");
    assert_eq!(client.next().text(), "offline");
}

#[test]
fn a_reload_adds_and_takes_away_while_the_others_keep_what_they_know() {
    let broker = Broker::start();
    let window = pipeline(&model("window"), "");
    let other = |name: &str, threshold: f64| {
        format!(
            "[pipelines.{name}]\ntopics = [\"{name}/+\"]\nmodel = \"{}\"\noutput_topic = \"other/{name}\"\n\
             copy_fields = [\"\"]\n\
             [pipelines.{name}.conditions.high]\noutput = \"score\"\noperator = \">\"\nvalue = {threshold:?}\n",
            model("mlp").display()
        )
    };
    let daemon = Daemon::start(&broker, &format!("{window}{}", other("gone", 0.0)));
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    client.subscribe("other/#");
    for i in 0..9 {
        client.publish("in/a", format!(r#"{{"a":{i},"b":{i}}}"#));
    }
    client.publish("gone/a", "[1,2,3,4]");
    assert_eq!(client.next().json()["conditions"]["high"], true);
    daemon.wait_status("nine merged", |status| status["books"]["merged"] == 9);

    let reload = |rest: &str| {
        daemon.write_config(&config(broker.port, rest));
        let before = daemon.log.count("reloaded");
        daemon.signal("HUP");
        daemon.log.wait_for_nth("reloaded", before + 1);
    };
    reload(&format!("{window}{}", other("new", 0.0)));
    daemon.log.wait_for("pipeline ended");
    // The new one hears from the moment the broker has granted its filter.
    let heard = |number: u32| {
        until("an answer of `new`", || {
            client.publish("new/a", format!("[{number},2,3,4]"));
            let answer = client.poll(Duration::from_millis(100))?;
            assert_eq!(answer.topic, "other/new");
            Some(answer.json()).filter(|answer| answer["input"][0] == number)
        })
    };
    heard(1);
    client.publish("gone/a", "[1,2,3,4]");
    // The tenth reading completes the window of before.
    client.publish("in/a", r#"{"a":9,"b":9}"#);
    assert_eq!(client.next_on("out/a").json()["outputs"]["mean_a"], 4.5);
    // One threshold moved: that pipeline is exchanged, the window still stands.
    client.take();
    reload(&format!("{window}{}", other("new", 1.5)));
    assert_eq!(heard(2)["conditions"]["high"], false);
    client.publish("in/a", r#"{"a":10,"b":9}"#);
    assert_eq!(client.next_on("out/a").json()["outputs"]["mean_a"], 5.5);
    assert!(!client.take().iter().any(|message| message.topic == "other/gone"));
    let status = daemon.status();
    assert!(status["pipelines"]["gone"].is_null(), "{status:#}");
    assert_eq!(status["broker"]["reconnects"], 0);
    let ended = daemon.stop();
    // The books of a pipeline that ended are kept.
    assert_eq!(ended.books("gone", "scored"), 1);
    assert_eq!(ended.books("p", "received"), 11);
}

#[test]
fn a_reload_with_faults_is_refused_and_the_old_configuration_runs_on() {
    let broker = Broker::start();
    let text = mlp("");
    let daemon = Daemon::start(&broker, &text);
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    for (broken, part) in [
        (text.replace("[pipelines.p]", "[pipelines.p]\ncolour = 1"), "pipelines.p.colour"),
        (text.replace("mlp", "absent"), "pipelines.p.model"),
        ("not = [toml".to_owned(), "edgeward.toml:5:"),
    ] {
        daemon.write_config(&config(broker.port, &broken));
        daemon.signal("HUP");
        let told =
            until(part, || Some(daemon.wait_state("config_refused")).filter(|told| told.contains(part)));
        assert!(!told.is_empty());
        assert_eq!(daemon.get("/readyz").0, 200, "it runs on");
        client.publish("in/a", "[1,2,3,4]");
        assert_eq!(client.next().topic, "out/a");
    }
    daemon.write_config(&config(broker.port, &text));
    daemon.signal("HUP");
    daemon.wait_status("forgiven", |status| status["states"].as_array().unwrap().is_empty());
    client.publish("in/a", "[1,2,3,4]");
    assert_eq!(client.next().topic, "out/a");
    assert_eq!(daemon.stop().books("p", "scored"), 4, "the pipeline was never exchanged");
}

#[test]
fn changes_that_need_a_new_start_are_told() {
    let broker = Broker::start();
    let daemon = Daemon::start(&broker, &mlp(""));
    daemon.write_config(&config(broker.port, &format!("broker.client_id = \"other\"\n{}", mlp(""))));
    daemon.signal("HUP");
    daemon.log.wait_for("take effect at the next start only");
    let names =
        |status: &serde_json::Value| status["restart_needed"] == serde_json::json!(["broker.client_id"]);
    daemon.wait_status("the key by its name", names);
    assert!(daemon.wait_state("restart_needed").contains("broker.client_id"));
    daemon.write_config(&config(broker.port, &mlp("")));
    daemon.signal("HUP");
    daemon.wait_status("taken back", |status| status["restart_needed"] == serde_json::json!([]));
    daemon.stop();
}

#[test]
fn a_reload_loses_no_message_of_a_pipeline_it_exchanges() {
    const COUNT: usize = 3000;
    let broker = Broker::start();
    let text = |threshold: usize| {
        mlp(&format!(
            "copy_fields = [\"\"]\n[pipelines.p.conditions.high]\noutput = \"score\"\noperator = \">\"\nvalue = {threshold}.5\n"
        ))
    };
    let daemon = Daemon::start(&broker, &text(0));
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    let port = broker.port;
    let publisher = thread::spawn(move || {
        let publisher = Client::new(port);
        for n in 0..COUNT {
            publisher.publish("in/a", format!("[{n},1,1,1]"));
        }
    });
    for n in 0..COUNT {
        if n % 300 == 100 {
            daemon.write_config(&config(broker.port, &text(n)));
            daemon.signal("HUP");
        }
        // In order, none missing, none twice.
        assert_eq!(client.next().json()["input"][0], n);
    }
    publisher.join().unwrap();
    daemon.log.wait_for("reloaded");
    let ended = daemon.stop();
    assert_eq!(ended.books("p", "scored"), COUNT as u64, "{}", ended.last_run);
}
