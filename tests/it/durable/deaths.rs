//! Each thread and task of the daemon dies on order, and everything else goes on, or ends in order.

use std::path::Path;

use super::{Rig, assert_audit_without_losses, stop};
use crate::support::{
    broker::Broker,
    client::Client,
    daemon::{Daemon, config, pipeline as plain_pipeline},
    model, until, until_else,
};

/// Numbers sent.
const COUNT: u64 = 3000;
/// The daemon's exit code when it can't live on.
const DIED: Option<i32> = Some(70);

/// A daemon that dies as ordered, and is ready.
fn doomed(text: &str, order: &str) -> Daemon {
    let daemon = Daemon::spawn(text, |command| {
        command.env("EDGEWARD_TEST_PANIC", order);
    });
    daemon.wait_ready();
    daemon
}

/// A second pipeline on the same topics, whose verdicts go to `other/<source>`.
fn with_another(rig: &Rig, dir: &Path) -> String {
    let text = rig.config(dir, "", "");
    let at = text.find("[pipelines.p]").unwrap();
    let other = text[at..].replace("pipelines.p", "pipelines.q").replace("out/{source}", "other/{source}");
    format!("{text}{other}")
}

fn metric(daemon: &Daemon, name: &str) -> u64 {
    let text = daemon.get("/metrics").1;
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn rejected(daemon: &Daemon, pipeline: &str) -> u64 {
    daemon.status()["pipelines"][pipeline]["rejected_by_reason"]["worker_died"].as_u64().unwrap()
}

#[test]
fn a_worker_that_dies_is_begun_again_and_its_books_balance() {
    let rig = Rig::new();
    let disk = tempfile::tempdir().unwrap();
    let dir = disk.path().join("outbox");
    let daemon = doomed(&with_another(&rig, &dir), "score-p:20");
    rig.sender.allow(COUNT);
    assert_eq!(rig.sender.finish(), COUNT);
    // Acknowledged by both pipelines: the dead one let nothing hang.
    rig.wait_acknowledged(&daemon, COUNT);
    let died = until("the death in the books", || Some(rejected(&daemon, "p")).filter(|died| *died > 0));
    assert_eq!(
        (rejected(&daemon, "q"), metric(&daemon, "edgeward_pipeline_restarts_total{pipeline=\"q\"}")),
        (0, 0)
    );
    assert_eq!(metric(&daemon, "edgeward_pipeline_restarts_total{pipeline=\"p\"}"), 1);
    assert_eq!(daemon.get("/readyz").0, 200, "one death is no reason to be taken out of service");
    let books =
        |name: &str, bucket: &str| daemon.status()["pipelines"][name]["books"][bucket].as_u64().unwrap();
    until("all of p", || (books("p", "scored") + died == COUNT).then_some(()));
    until("all of q", || (books("q", "scored") == COUNT).then_some(()));
    stop(daemon);
    assert_audit_without_losses(&dir);
}

#[test]
fn a_worker_that_dies_too_often_is_closed_and_the_others_go_on() {
    let rig = Rig::new();
    let disk = tempfile::tempdir().unwrap();
    let dir = disk.path().join("outbox");
    let text = with_another(&rig, &dir);
    let daemon = doomed(&text, "score-p:1+");
    rig.sender.allow(COUNT);
    let told = daemon.wait_state("pipeline_failed");
    assert!(told.starts_with("pipeline p: ") && told.contains("reload"), "{told}");
    assert_eq!(daemon.get("/readyz").0, 503);
    assert_eq!(metric(&daemon, "edgeward_pipeline_restarts_total{pipeline=\"p\"}"), 5);
    assert_eq!(rig.sender.finish(), COUNT);
    rig.wait_acknowledged(&daemon, COUNT);
    let status = daemon.wait_status("all of q and nothing open of p", |status| {
        let books = |name: &str, bucket: &str| status["pipelines"][name]["books"][bucket].as_u64().unwrap();
        books("q", "scored") == COUNT && books("p", "pending") == 0 && books("p", "received") == COUNT
    });
    let of = &status["pipelines"]["p"];
    let (died, shed) = (&of["rejected_by_reason"]["worker_died"], &of["shed_by_policy"]["pipeline_closed"]);
    assert_eq!(died.as_u64().unwrap() + shed.as_u64().unwrap(), COUNT);
    assert!(shed.as_u64().unwrap() > 0, "{of}");
    // A reload is another chance.
    daemon.signal("HUP");
    daemon.log.wait_for("reloaded");
    assert!(daemon.state("pipeline_failed").is_none());
    stop(daemon);
    assert_audit_without_losses(&dir);
}

/// A daemon whose heart dies ends in order, with these words, and the next one loses nothing.
fn the_heart_dies(order: &str, words: &str) {
    let rig = Rig::new();
    let disk = tempfile::tempdir().unwrap();
    let dir = disk.path().join("outbox");
    let text = rig.config(&dir, "", "");
    // Subscribed once, so that the broker keeps what comes meanwhile.
    stop(rig.daemon(&text));
    let daemon = doomed(&text, order);
    rig.sender.allow(COUNT);
    let ended = daemon.wait();
    assert_eq!(ended.code, DIED, "{}", ended.log);
    assert!(ended.log.contains(words), "{}", ended.log);
    assert!(ended.last_run.is_object(), "the books were written");
    let daemon = rig.daemon(&text);
    assert_eq!(rig.sender.finish(), COUNT);
    rig.wait_acknowledged(&daemon, COUNT);
    rig.results.wait_for(0..COUNT);
    rig.assert_nothing_lost();
    stop(daemon);
    assert_audit_without_losses(&dir);
}

#[test]
fn without_a_writer_the_daemon_ends_and_the_next_one_loses_nothing() {
    // Few turns: a slow machine puts more into each.
    the_heart_dies("outbox:6", "the outbox's writer died");
}

#[test]
fn without_its_session_the_daemon_ends_and_the_next_one_loses_nothing() {
    the_heart_dies("session:500", "the MQTT session died: a death on order");
}

/// The uplink dies as ordered while results go up; all arrive.
fn an_uplink_dies(order: &str, who: &str) {
    let rig = Rig::new();
    let disk = tempfile::tempdir().unwrap();
    let dir = disk.path().join("outbox");
    let daemon = doomed(&rig.config(&dir, "", ""), order);
    rig.sender.allow(COUNT);
    assert_eq!(rig.sender.finish(), COUNT);
    rig.wait_acknowledged(&daemon, COUNT);
    rig.results.wait_for(0..COUNT);
    rig.assert_nothing_lost();
    let said = daemon.log.wait_for("died; begun again");
    assert!(said.contains(&format!("who=\"{who}\"")), "{said}");
    until_else(
        || format!("the end of uplink_down; it said\n{}", daemon.log.text()),
        || daemon.state("uplink_down").is_none().then_some(()),
    );
    stop(daemon);
    assert_audit_without_losses(&dir);
}

#[test]
fn a_courier_that_dies_is_begun_again() {
    an_uplink_dies("uplink-hub:3", "courier");
}

#[test]
fn a_link_that_dies_is_begun_again() {
    an_uplink_dies("link-hub:1", "link");
}

#[test]
fn the_admin_server_that_dies_is_begun_again() {
    let rig = Rig::new();
    let disk = tempfile::tempdir().unwrap();
    let daemon = Daemon::spawn(&rig.config(&disk.path().join("outbox"), "", ""), |command| {
        command.env("EDGEWARD_TEST_PANIC", "admin:1");
    });
    daemon.log.wait_for("the admin server died");
    daemon.wait_ready();
    stop(daemon);
}

#[test]
fn a_worker_without_an_outbox_dies_and_goes_on_too() {
    let broker = Broker::start();
    let text = config(broker.port, &plain_pipeline(&model("mlp"), "output_qos = 1\n"));
    let daemon = doomed(&text, "score-p:2");
    let client = Client::new(broker.port);
    client.subscribe("out/#");
    client.publish("in/a", "[1,2,3,4]");
    assert_eq!(client.next().topic, "out/a");
    // This one is in work when the thread dies.
    client.publish("in/a", "[1,2,3,4]");
    until("the death in the books", || (rejected(&daemon, "p") == 1).then_some(()));
    client.publish("in/a", "[1,2,3,4]");
    assert_eq!(client.next().topic, "out/a");
    let ended = daemon.stop();
    assert_eq!((ended.books("p", "scored"), ended.books("p", "rejected")), (2, 1));
}
