//! Settings while a daemon runs: what a reload applies, what it only tells, and what `check` knows of both.

use std::{fs, io::Write, net::TcpStream};

use serde_json::{Value, json};

use crate::support::{
    broker::Broker,
    client::Client,
    daemon::{Daemon, config, pipeline},
    edgeward, model, until,
};

fn mlp(rest: &str) -> String {
    pipeline(&model("mlp"), rest)
}

/// `edgeward check` of this configuration; exit code, what it printed and what it told.
fn check(text: &str, arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("edgeward.toml");
    fs::write(&file, text).unwrap();
    let done = edgeward().args(["check", "-c"]).arg(&file).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

#[test]
fn a_key_in_the_wrong_table_or_misspelt_is_told_where_it_belongs() {
    let wrong = [
        (
            "broker.drain_deadline_secs = 5\n",
            "broker.drain_deadline_secs",
            "did you mean `drain_deadline_secs`",
        ),
        ("durability = \"sync\"\n", "durability", "did you mean `outbox.durability`"),
        ("broker.keepalive_secs = 5\n", "broker.keepalive_secs", "did you mean `keep_alive_secs`"),
        ("limits.max_batch = 5\n", "limits.max_batch", "did you mean `pipelines.<name>.max_batch`"),
        ("colour = 5\n", "colour: is not a known key (", ""),
    ];
    for (line, key, meant) in wrong {
        let (code, _, told) = check(&config(1, &format!("{line}{}", mlp(""))), &[]);
        assert_eq!(code, Some(78), "{told}");
        assert!(told.contains(key) && told.contains(meant), "{line}: {told}");
        assert!(told.contains("edgeward.toml:"), "{line} has a place: {told}");
    }
}

#[test]
fn a_reload_applies_the_log_level_and_the_limits() {
    let broker = Broker::start();
    let daemon = Daemon::start(&broker, &mlp(""));
    let reload = |rest: &str| {
        daemon.write_config(&config(broker.port, &format!("{rest}\n{}", mlp(""))));
        daemon.signal("HUP");
    };
    reload("log.level = \"debug\"");
    daemon.log.wait_for("reloaded");
    // Who asks for nonsense is worth no more than such a line.
    until("a line of the new level", || {
        let asked = TcpStream::connect(daemon.admin());
        let _ = asked.and_then(|mut asked| asked.write_all(b"nonsense\r\n\r\n"));
        daemon.log.text().contains("DEBUG").then_some(())
    });
    assert_eq!(daemon.status()["restart_needed"], json!([]));
    // The model is loaded again, under the new bounds.
    let ready = || daemon.log.text().matches("pipeline ready").count();
    assert_eq!(ready(), 1);
    reload("limits.max_loop_turns = 1000");
    until("the pipeline is exchanged", || (ready() == 2).then_some(()));
    reload("limits.max_model_bytes = 10");
    assert!(daemon.wait_state("config_refused").contains("10"), "the model is larger");
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    client.publish("in/a", "[1,2,3,4]");
    assert_eq!(client.next().topic, "out/a", "the old one runs on");
    daemon.stop();
}

#[test]
fn a_reload_that_contradicts_what_runs_is_told_and_nothing_is_lost() {
    let broker = Broker::start();
    let outbox = "outbox.dir = \"outbox\"\n";
    let class = "[pipelines.p.conditions.high]\noutput = \"score\"\noperator = \">\"\nvalue = -1e9\n\
         [classes.alarm]\nwhen = [\"high\"]\n";
    let text = |outbox: &str, class: &str| config(broker.port, &format!("{outbox}{}{class}", mlp("")));
    let daemon = Daemon::start(&broker, &format!("{outbox}{}{class}", mlp("")));
    let client = Client::new(broker.port);
    client.publish("in/a", "[1,2,3,4]");
    let alarms = |status: &Value| status["outbox"]["results"]["p"]["alarm"]["pending"].clone();
    daemon.wait_status("an alarm is stored", |status| alarms(status) == json!(1));
    // Another folder, and no class for what is stored.
    daemon.write_config(&text("outbox.dir = \"another\"\noutbox.max_bytes = 8388608\n", ""));
    daemon.signal("HUP");
    let told = daemon.wait_state("restart_needed");
    for key in ["outbox.dir", "outbox.max_bytes", "classes.alarm.when"] {
        assert!(told.contains(key), "{key}: {told}");
    }
    client.publish("in/a", "[1,2,3,4]");
    daemon.wait_status("stored where it was", |status| alarms(status).as_u64() == Some(1));
    assert!(!daemon.folder().join("another").exists());
    let ended = daemon.stop();
    assert_eq!(ended.books("p", "scored"), 2, "{}", ended.last_run);
}

#[test]
fn check_says_what_a_reload_would_apply_and_what_needs_a_restart() {
    let broker = Broker::start();
    let daemon = Daemon::start(&broker, &mlp(""));
    let running = format!("--against-running={}", daemon.admin());
    let same = config(broker.port, &mlp(""));
    let (code, told, error) = check(&same, &[&running]);
    assert_eq!((code, told.contains("the same")), (Some(0), true), "{told}{error}");
    // A default that is written out is no difference.
    let rest = format!("broker.keep_alive_secs = 30\n{}", mlp("max_batch = 64"));
    assert!(check(&config(broker.port, &rest), &[&running]).1.contains("the same"));
    let rest = format!("broker.keep_alive_secs = 20\n{}", mlp("max_batch = 8"));
    let changed = config(broker.port, &rest);
    let (code, told, _) = check(&changed, &[&running, "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    let difference = |key: &str, running: &str, configured: &str, needs_restart: bool| json!({"key": key, "running": running, "configured": configured, "needs_restart": needs_restart});
    let expected = json!([
        difference("broker.keep_alive_secs", "30", "20", true),
        difference("pipelines.p.max_batch", "64", "8", false),
    ]);
    assert_eq!((code, &told["differences"]), (Some(0), &expected));
    assert_eq!(check(&changed, &[&running, "--strict"]).0, Some(78));
    // Half of it is applied; the other half is still to come.
    daemon.write_config(&changed);
    daemon.signal("HUP");
    daemon.log.wait_for("reloaded");
    let (_, told, _) = check(&changed, &[&running, "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["differences"], json!([difference("broker.keep_alive_secs", "30", "20", true)]));
    daemon.stop();
    let (code, _, error) = check(&same, &[&running]);
    assert_eq!(code, Some(1));
    assert!(error.contains("can't ask 127.0.0.1:"), "{error}");
}
