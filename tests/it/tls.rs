//! Brokers that want to be trusted, and to know who comes.

use std::{fs, process::Command};

use tempfile::TempDir;

use crate::support::{
    broker::Broker,
    certificates::Authority,
    client::Client,
    daemon::{Daemon, pipeline},
    edgeward, model,
};

const PASSWORD: &str = "correct horse battery staple";

/// A broker whose second listener speaks TLS as `localhost`; `more` belongs to it. Beside the
/// broker's certificates there are a client's, another authority's, and a passwords file.
fn secured(more: &str) -> Broker {
    let folder = tempfile::tempdir().unwrap();
    let ours = Authority::new(folder.path(), "ca");
    ours.sign("broker", "DNS:localhost");
    ours.sign("module", "DNS:module");
    Authority::new(folder.path(), "other").sign("stranger", "DNS:module");
    let passwords = folder.path().join("passwords");
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
    let made = Command::new("mosquitto_passwd")
        .env("PATH", path)
        .args(["-b", "-c"])
        .arg(&passwords)
        .args(["module", PASSWORD])
        .status();
    assert!(made.is_ok_and(|status| status.success()), "mosquitto_passwd makes a file");
    Broker::with_second_listener(
        folder,
        &format!(
            "listener {{second}} 127.0.0.1\ncafile {{folder}}/ca.pem\ncertfile {{folder}}/broker.pem\n\
             keyfile {{folder}}/broker.key\n{more}\n"
        ),
    )
}

const ANYBODY: &str = "allow_anonymous true";
const KNOWN: &str = "allow_anonymous false\npassword_file {folder}/passwords";
const CERTIFIED: &str = "allow_anonymous true\nrequire_certificate true";

/// A configuration for the TLS listener; file names in `settings` are the broker folder's.
fn config(broker: &Broker, settings: &str) -> String {
    let settings = settings.replace("{folder}", &broker.folder().display().to_string());
    format!(
        "state_dir = \"state\"\ndevice.id = \"test\"\nadmin.listen = \"127.0.0.1:0\"\n\
         broker.url = \"mqtts://localhost:{}\"\n{settings}\n{}",
        broker.second_port,
        pipeline(&model("mlp"), "")
    )
}

const TRUSTED: &str = "broker.ca_file = \"{folder}/ca.pem\"\n";

fn assert_scores(broker: &Broker, daemon: Daemon) {
    daemon.wait_ready();
    // The test's own client comes in by the open door.
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    client.publish("in/a", "[1,2,3,4]");
    assert_eq!(client.next().topic, "out/a");
    daemon.stop();
}

fn spawn(broker: &Broker, settings: &str) -> Daemon {
    Daemon::spawn(&config(broker, settings), |_| {})
}

/// What `check --connect` says, and its exit code.
fn checked(config: &str) -> (Option<i32>, String) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("edgeward.toml"), config).unwrap();
    let done = edgeward().args(["check", "--connect"]).current_dir(folder.path()).output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8(said).unwrap())
}

/// The connection fails in this state with these words, for the daemon and for `check --connect`.
fn assert_fails(broker: &Broker, settings: &str, state: &str, parts: &[&str]) {
    let daemon = spawn(broker, settings);
    let told = daemon.wait_state(state);
    let (code, said) = checked(&config(broker, settings));
    assert_eq!(code, Some(1), "{said}");
    for part in parts {
        assert!(told.contains(part), "{part:?} is not in {told}");
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
    assert_eq!(daemon.get("/readyz").0, 503);
    daemon.stop();
}

#[test]
fn a_broker_with_a_certificate_of_our_authority_is_trusted() {
    let broker = secured(ANYBODY);
    assert_scores(&broker, spawn(&broker, TRUSTED));
    let (code, said) = checked(&config(&broker, TRUSTED));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("connected"), "{said}");
}

#[test]
fn another_authority_or_another_name_is_not_trusted() {
    let broker = secured(ANYBODY);
    let hint = ["TLS with mqtts://", "check `broker.ca_file`"];
    assert_fails(&broker, "broker.ca_file = \"{folder}/other.pem\"\n", "broker_unreachable", &hint);
    // The certificate is for `localhost`, not for its address.
    let by_address = config(&broker, TRUSTED).replace("//localhost:", "//127.0.0.1:");
    let daemon = Daemon::spawn(&by_address, |_| {});
    let told = daemon.wait_state("broker_unreachable");
    assert!(told.contains("a name in the broker's certificate"), "{told}");
    daemon.stop();
}

#[test]
fn a_client_certificate_is_shown_where_one_is_wanted() {
    let broker = secured(CERTIFIED);
    let with = |name: &str| {
        format!(
            "{TRUSTED}broker.client_cert_file = \"{{folder}}/{name}.pem\"\n\
             broker.client_key_file = \"{{folder}}/{name}.key\"\n"
        )
    };
    assert_scores(&broker, spawn(&broker, &with("module")));
    assert_fails(&broker, TRUSTED, "broker_unreachable", &["client certificate"]);
    // One that the broker's authority did not sign.
    assert_fails(&broker, &with("stranger"), "broker_unreachable", &["certificate"]);
}

#[test]
fn a_certificate_and_a_key_that_do_not_belong_together_are_told() {
    let broker = secured(CERTIFIED);
    let settings = format!(
        "{TRUSTED}broker.client_cert_file = \"{{folder}}/module.pem\"\n\
         broker.client_key_file = \"{{folder}}/stranger.key\"\n"
    );
    assert_fails(&broker, &settings, "broker_unreachable", &["do certificate and key belong together?"]);
}

#[test]
fn the_wrong_port_is_told_either_way() {
    let broker = secured(ANYBODY);
    let plain = config(&broker, "").replace("mqtts:", "mqtt:");
    let (code, said) = checked(&plain);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("does it expect TLS (mqtts://)"), "{said}");
    let tls = config(&broker, TRUSTED).replace(&broker.second_port.to_string(), &broker.port.to_string());
    let (code, said) = checked(&tls);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("is this the broker's TLS port?"), "{said}");
}

#[test]
fn user_and_password_come_from_the_environment_or_a_file() {
    let broker = secured(KNOWN);
    let user = format!("{TRUSTED}broker.username = \"module\"\n");
    let from_environment = config(&broker, &format!("{user}broker.password_env = \"MQTT_SECRET\"\n"));
    let daemon = Daemon::spawn(&from_environment, |command| {
        command.env("MQTT_SECRET", PASSWORD);
    });
    assert_scores(&broker, daemon);
    // A file ends with a line break, as editors write them.
    fs::write(broker.folder().join("secret"), format!("{PASSWORD}\n")).unwrap();
    let from_file = format!("{user}broker.password_file = \"{{folder}}/secret\"\n");
    assert_scores(&broker, spawn(&broker, &from_file));
    fs::write(broker.folder().join("secret"), "something else").unwrap();
    assert_fails(&broker, &from_file, "broker_refused", &["refused the connection", "`broker.username`"]);
    assert_fails(&broker, TRUSTED, "broker_refused", &["`broker.username`"]);
}

#[test]
fn a_password_is_nowhere_to_be_read() {
    let broker = secured(KNOWN);
    fs::write(broker.folder().join("secret"), PASSWORD).unwrap();
    let settings = format!(
        "{TRUSTED}broker.username = \"module\"\nbroker.password_file = \"{{folder}}/secret\"\n\
         log.level = \"trace\"\n"
    );
    let text = config(&broker, &settings);
    let daemon = Daemon::spawn(&text, |_| {});
    daemon.wait_ready();
    let pages = ["/status", "/metrics", "/readyz"].map(|path| daemon.get(path).1).concat();
    // A reload reads it again, and one with faults tells them.
    daemon.write_config(&text.replace("[pipelines.p]", "[pipelines.p]\ncolour = 1"));
    daemon.signal("HUP");
    daemon.wait_state("config_refused");
    let ended = daemon.stop();
    let checked = checked(&text).1;
    for said in [&pages, &ended.log, &checked, &ended.last_run.to_string()] {
        assert!(!said.contains(PASSWORD), "{said}");
        assert!(!said.contains("correct"), "{said}");
    }
    assert!(ended.log.contains("TRACE") || ended.log.contains("DEBUG"), "the level was not taken");
}
