//! `edgeward check`: every fault at once, in words that can be acted on.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{broker::Broker, daemon::config, edgeward, model};

struct Checked {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs `edgeward` with these arguments in `folder`.
fn edgeward_in(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Checked {
    let done = edgeward()
        .args(arguments)
        .envs(environment.iter().copied())
        .env("NO_COLOR", "1")
        .current_dir(folder)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Checked { code: done.status.code(), out: text(done.stdout), err: text(done.stderr) }
}

fn check(text: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Checked {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("edgeward.toml"), text).unwrap();
    edgeward_in(folder.path(), &[&["check"], arguments].concat(), environment)
}

fn mlp() -> String {
    format!("[pipelines.p]\ntopics = [\"in/+\"]\nmodel = \"{}\"\n", model("mlp").display())
}

const MANY_FAULTS: &str = r#"drain_deadline_sec = 5
state_dir = 7

[device]
id = "a/b"

[broker]
url = "mqtt://user:hunter2@h"
keep_alive_secs = 0
max_in_flight = "many"
ca_file = "absent.pem"
password_env = "NO_SUCH"
password = "hunter2"

[admin]
listen = "localhost"

[log]
level = "loud"
format = "jsn"

[pipelines.press]
topics = ["a/#/b", 5, "in/+"]
modle = "x.onnx"
qos = 2
output_topic = "v/{sourc}"
max_batch = 1.5

[pipelines.press.inputs.x]
fields = ["a", { path = "b", missing = "lst", typ = "number" }, {}]
array = ""

[pipelines.press.conditions.hot]
output = "t"
operator = "=>"

[pipelines.Oven]
topics = "t"
model = "{mlp}"
source_topic_level = 2
source_field = "id"
payload.format = "json"
queue_bytes = 10

[pipelines.Oven.conditions.hot]
value = 3
"#;

const THEY_ARE: &str = r#"fault: device.id = "a/b": must be a name that can be a level of a topic: no `/`, `+`, `#` (edgeward.toml:5)
fault: broker.url: must not hold a user or password; set `broker.username` and `broker.password_env` or `broker.password_file` (edgeward.toml:8)
fault: broker.password_env = "NO_SUCH": names an environment variable that is not set (edgeward.toml:12)
fault: broker.ca_file = "absent.pem": can't be read: No such file or directory (os error 2) (edgeward.toml:11)
fault: broker.keep_alive_secs = 0: must be a whole number from 1 to 1177 (edgeward.toml:9)
fault: broker.max_in_flight = "many": must be a whole number from 1 to 65535 (edgeward.toml:10)
fault: broker.password: is not a known key (edgeward.toml:13)
fault: pipelines.Oven: must be named with lower-case letters, digits, `_` and `-` (edgeward.toml:37)
fault: pipelines.Oven.source_field = "id": and `source_topic_level` are both set; keep one (edgeward.toml:41)
fault: pipelines.Oven.payload: is settled by the bundle; it can be set for a bare .onnx only (edgeward.toml:42)
fault: pipelines.Oven.conditions.hot: is not a condition of the model; a new one needs `output`, `operator` and `value` (edgeward.toml:45)
fault: pipelines.Oven.queue_bytes = 10: is below `max_payload_bytes` (1048576): such a message would never fit (edgeward.toml:43)
fault: pipelines.press.topics[1] = 5: is an integer, must be text (edgeward.toml:23)
fault: pipelines.press.topics: `a/#/b` has a `#` that is not the whole last level (edgeward.toml:23)
fault: pipelines.press.output_topic = "v/{sourc}": may hold {pipeline}, {device} and {source} only (edgeward.toml:26)
fault: pipelines.press.qos = 2: must be a whole number from 0 to 1 (edgeward.toml:25)
fault: pipelines.press.max_batch = 1.5: must be a whole number from 1 to 4096 (edgeward.toml:27)
fault: pipelines.press.model: is missing: a bundle's folder or an .onnx file (edgeward.toml:22)
fault: pipelines.press.inputs.x.fields[1].missing = "lst": must be "reject", "last", "nan" or a finite number (edgeward.toml:30)
fault: pipelines.press.inputs.x.fields[1].typ: is not a known key; did you mean `type`? (edgeward.toml:30)
fault: pipelines.press.inputs.x.fields[2].path: is missing: where the field stands in the payload (edgeward.toml:30)
fault: pipelines.press.inputs.x: with a json payload an input needs exactly one of `fields` and `array` (edgeward.toml:29)
fault: pipelines.press.conditions.hot.operator = "=>": must be one of >, >=, <, <=, ==, !=; did you mean `==`? (edgeward.toml:35)
fault: pipelines.press.conditions.hot.value: is missing: what the output is compared with (edgeward.toml:33)
fault: pipelines.press.modle: is not a known key; did you mean `model`? (edgeward.toml:24)
fault: admin.listen = "localhost": must be an address with a port, such as 127.0.0.1:9464, or "off" (edgeward.toml:16)
fault: log.format = "jsn": must be one of human, json; did you mean `json`? (edgeward.toml:20)
fault: log.level = "loud": the log level `loud` can't be read: it is not one of off, error, warn, info, debug, trace; write `info`, or a filter such as `warn,edgeward=debug` (edgeward.toml:19)
fault: state_dir = 7: is an integer, must be text (edgeward.toml:2)
fault: drain_deadline_sec: is not a known key; did you mean `drain_deadline_secs`? (edgeward.toml:1)
30 faults in the configuration
"#;

fn many_faults() -> String {
    MANY_FAULTS.replace("{mlp}", &model("mlp").display().to_string())
}

/// So that a difference is seen line by line.
fn assert_lines(found: &str, expected: &str) {
    let (found, expected): (Vec<&str>, Vec<&str>) = (found.lines().collect(), expected.lines().collect());
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len(), "{found:#?}");
}

#[test]
fn every_fault_is_told_at_once() {
    let done = check(&many_faults(), &[], &[]);
    assert_eq!(done.code, Some(78));
    assert_eq!(done.out, "");
    assert_lines(&done.err, THEY_ARE);
    // `run` says the same and starts nothing.
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("edgeward.toml"), many_faults()).unwrap();
    let run = edgeward_in(folder.path(), &["run"], &[]);
    assert_eq!(run.code, Some(78));
    assert_lines(&run.err, THEY_ARE);
}

#[test]
fn faults_as_json() {
    let done = check(&many_faults(), &["--json"], &[]);
    assert_eq!((done.code, done.err.as_str()), (Some(78), ""));
    let report: Value = serde_json::from_str(&done.out).unwrap();
    assert_eq!(report["ok"], false);
    let faults = report["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 30);
    let last = serde_json::json!({
        "path": "drain_deadline_sec", "value": null, "reason": "is not a known key",
        "origin": "edgeward.toml:1", "suggestion": "drain_deadline_secs",
    });
    assert_eq!(faults.last(), Some(&last));
    assert!(!done.out.contains("hunter2"));
    let good = check(&config(1, &mlp()), &["--json"], &[]);
    assert_eq!(good.code, Some(0));
    assert_eq!(
        serde_json::from_str::<Value>(&good.out).unwrap(),
        serde_json::json!({"ok": true, "faults": [], "warnings": []})
    );
}

#[test]
fn what_is_fine_alone_and_not_together_is_told() {
    let text = format!(
        "broker.url = \"mqtt://h\"\nbroker.max_packet_bytes = 2000\nbroker.state_topic = \"out/m\"\n\
         [pipelines.a]\ntopics = [\"in/+\", \"out/m\"]\nmodel = \"{}\"\nerror_topic = \"in/errors\"\noutput_topic = \"v/a\"\n\
         [pipelines.b]\ntopics = \"other\"\nmodel = \"{}\"\noutput_topic = \"v/a\"\nmax_payload_bytes = 100\n\
         [pipelines.c]\ntopics = []\nmodel = \"{}\"\noutput_topic = \"{{source}}\"\n",
        model("mlp").display(),
        model("autoencoder").display(),
        model("log").display(),
    );
    let done = check(&text, &[], &[]);
    assert_eq!(done.code, Some(78));
    assert_lines(
        &done.err,
        "fault: pipelines.c.topics: is empty: the topic filters whose messages are scored (edgeward.toml:15)\n\
         fault: pipelines.c.output_topic = \"{source}\": needs to know the source: set `source_topic_level` or `source_field` (edgeward.toml:17)\n\
         fault: pipelines.a.error_topic = \"in/errors\": publishes to `in/errors`, which pipeline `a` reads with `in/+`: verdicts would be scored again without end (edgeward.toml:7)\n\
         fault: pipelines.a.max_payload_bytes: is 1048576 and `broker.max_packet_bytes` only 2000: set it to at most that (edgeward.toml:4)\n\
         fault: pipelines.a.topics: reads the daemon's own state topic `out/m` (edgeward.toml:5)\n\
         fault: pipelines.b.output_topic = \"v/a\": is also that of pipeline `a`, whose verdicts have other outputs; add {pipeline} to the topic (edgeward.toml:12)\n\
         6 faults in the configuration\n",
    );
}

#[test]
fn a_fault_is_told_with_the_layer_it_came_from() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("edgeward.toml"), config(1, &mlp())).unwrap();
    fs::create_dir(folder.path().join("conf.d")).unwrap();
    fs::write(folder.path().join("conf.d/site.toml"), "\n[broker]\nkeep_alive_secs = 9999\n").unwrap();
    let environment = [("EDGEWARD__LOG__LEVEL", "loud"), ("EDGEWARD__BROKER__MAX_IN_FLIGHT", "7")];
    let done = edgeward_in(folder.path(), &["check", "--set", "pipelines.p.qos=9"], &environment);
    assert_eq!(done.code, Some(78));
    for line in [
        "fault: broker.keep_alive_secs = 9999: must be a whole number from 1 to 1177 (conf.d/site.toml:3)",
        "fault: pipelines.p.qos = \"9\": must be a whole number from 0 to 1 (flag --set pipelines.p.qos)",
        "fault: log.level = \"loud\": the log level",
        "(environment variable EDGEWARD__LOG__LEVEL)",
        "3 faults in the configuration",
    ] {
        assert!(done.err.contains(line), "{line} is not in\n{}", done.err);
    }
    let done = edgeward_in(folder.path(), &["check"], &[("EDGEWARD__A__", "1")]);
    assert!(done.err.contains("environment variable EDGEWARD__A__: `a.` is not a key path"), "{}", done.err);
}

#[test]
fn files_that_are_absent_unreadable_or_no_toml_are_told() {
    let folder = TempDir::new().unwrap();
    let done = edgeward_in(folder.path(), &["check"], &[]);
    assert_eq!(done.code, Some(78));
    assert!(done.err.contains("can't read edgeward.toml: No such file"), "{}", done.err);
    assert!(done.err.contains("name the configuration with `-c FILE`"), "{}", done.err);
    let done = edgeward_in(folder.path(), &["run", "-c", "elsewhere.toml"], &[]);
    assert!(done.code == Some(78) && done.err.contains("can't read elsewhere.toml"), "{}", done.err);
    let done = edgeward_in(folder.path(), &["check"], &[("EDGEWARD_CONFIG", "other.toml")]);
    assert!(done.err.contains("can't read other.toml"), "{}", done.err);
    let done = check("[broker]\nurl = \"mqtt://h\"\nurl = \"x\"\n", &[], &[]);
    assert!(done.code == Some(78) && done.err.contains("edgeward.toml:3:1: duplicate key"), "{}", done.err);
    let done = check("[broker]\nurl = \"mqtt://h\n", &[], &[]);
    assert!(done.code == Some(78) && done.err.contains("edgeward.toml:2:"), "{}", done.err);
    // A folder where a file should be can't be read by anybody, root included.
    fs::create_dir(folder.path().join("secret")).unwrap();
    let text = "broker.username = \"u\"\nbroker.password_file = \"secret\"\n";
    fs::write(folder.path().join("edgeward.toml"), config(1, &format!("{text}{}", mlp()))).unwrap();
    let done = edgeward_in(folder.path(), &["check"], &[]);
    assert_eq!(done.code, Some(78));
    assert!(done.err.contains("broker.password_file = \"secret\": can't be read: "), "{}", done.err);
    // And one that only its owner may read, unless we are its owner's superior.
    fs::remove_dir(folder.path().join("secret")).unwrap();
    fs::write(folder.path().join("secret"), "p").unwrap();
    fs::set_permissions(folder.path().join("secret"), fs::Permissions::from_mode(0o000)).unwrap();
    let readable = fs::read(folder.path().join("secret")).is_ok();
    let done = edgeward_in(folder.path(), &["check"], &[]);
    assert_eq!(done.code, Some(if readable { 0 } else { 78 }), "{}", done.err);
}

#[test]
fn connect_tries_the_broker_and_touches_nobodys_session() {
    let broker = Broker::start();
    let text = config(broker.port, &mlp());
    let done = check(&text, &["--connect"], &[]);
    assert_eq!(done.code, Some(0), "{}", done.err);
    let expected = format!(
        "ok: the configuration has no faults\n  broker    mqtt://127.0.0.1:{}, connected\n  \
         pipeline  p: in/+ -> mlp 1.0.0 -> verdicts/p\n",
        broker.port
    );
    assert_eq!(done.out, expected);
    let json = check(&text, &["--connect", "--json"], &[]);
    assert_eq!(serde_json::from_str::<Value>(&json.out).unwrap()["broker"], "connected");
    let absent = Broker::absent();
    let text = config(absent.port, &mlp());
    let done = check(&text, &["--connect"], &[]);
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains(&format!("can't connect to mqtt://127.0.0.1:{}", absent.port)), "{}", done.err);
    assert!(done.err.contains("is the broker running there?"), "{}", done.err);
    let json = check(&text, &["--connect", "--json"], &[]);
    let report: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((json.code, &report["ok"]), (Some(1), &Value::Bool(false)));
    assert!(report["broker"].as_str().unwrap().contains("can't connect"), "{report}");
    // Without it, nobody is asked.
    assert_eq!(check(&text, &[], &[]).code, Some(0));
    let nowhere = text.replace("//127.0.0.1:", "//no-such-host.invalid:");
    let done = check(&format!("broker.connect_timeout_secs = 5\n{nowhere}"), &["--connect"], &[]);
    assert_eq!(done.code, Some(1));
    // A name service that is not there may also be slow to say so.
    let told = ["no address for `no-such-host.invalid`", "did not answer within 5 s"];
    assert!(told.iter().any(|text| done.err.contains(text)), "{}", done.err);
}

#[test]
fn a_taken_admin_port_is_told_at_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let text = config(1, &mlp()).replace("127.0.0.1:0", &address);
    assert_eq!(check(&text, &[], &[]).code, Some(0), "`check` opens nothing");
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("edgeward.toml"), text).unwrap();
    let done = edgeward_in(folder.path(), &["run"], &[]);
    assert_eq!(done.code, Some(1), "{}", done.err);
    assert!(done.err.contains(&address) && done.err.contains("admin.listen"), "{}", done.err);
}

#[test]
fn wrong_arguments_are_told() {
    let folder = TempDir::new().unwrap();
    for arguments in [&["chekc"][..], &["check", "--set", "x"], &["run", "--sett", "a=b"], &[]] {
        let done = edgeward_in(folder.path(), arguments, &[]);
        assert_eq!(done.code, Some(2), "{arguments:?}: {}", done.err);
        assert!(done.err.contains("Usage:") || done.err.contains("--help"), "{}", done.err);
    }
    // A reader that has seen enough is no failure.
    fs::write(folder.path().join("edgeward.toml"), config(1, &mlp())).unwrap();
    for arguments in ["check", "check --json", "man", "completions bash"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = edgeward();
        command.args(arguments.split(' ')).current_dir(folder.path()).stdout(writer);
        let done = command.stderr(std::process::Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let err = String::from_utf8(done.stderr).unwrap();
        assert_eq!((done.status.code(), err.as_str()), (Some(0), ""), "{arguments}");
    }
}

#[test]
fn what_only_looks_right_is_warned_of() {
    let text =
        format!("[broker]\nurl = \"mqtt://localhost\"\n{}live = false\n[outbox]\ndir = \"outbox\"\n", mlp());
    let warned = check(&text, &["--json"], &[]);
    assert_eq!(warned.code, Some(0), "{}{}", warned.out, warned.err);
    let told: Value = serde_json::from_str(&warned.out).unwrap();
    let paths: Vec<&str> =
        told["warnings"].as_array().unwrap().iter().map(|w| w["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["outbox", "pipelines.p.live"]);
    let shown = check(&text, &[], &[]);
    assert!(shown.err.contains("warning: outbox: has no [uplinks.<name>]"), "{}", shown.err);
    assert_eq!(check(&text, &["--strict"], &[]).code, Some(78));
    let fine = format!("[broker]\nurl = \"mqtt://localhost\"\n{}", mlp());
    assert_eq!(check(&fine, &["--strict"], &[]).code, Some(0));
}
