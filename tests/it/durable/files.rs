//! The daemon on an outbox that is not as it left it.

use std::{collections::BTreeMap, fs, path::Path};

use super::{audit, payload, pipeline, stop};
use crate::support::{
    broker::Broker,
    client::Client,
    daemon::{Daemon, config},
    segments,
};

/// Without an uplink: what is stored stays.
fn text(broker: &Broker, dir: &Path) -> String {
    // Plain, so that a record can be found in its file.
    let outbox = format!("[outbox]\ndir = \"{}\"\ncompression = \"none\"\n", dir.display());
    config(broker.port, &format!("{}{outbox}", pipeline("")))
}

fn pending(daemon: &Daemon) -> u64 {
    daemon.status()["outbox"]["results"]["p"]["result"]["pending"].as_u64().unwrap_or(0)
}

/// Stores so many results, each with a commit of its own.
fn store(daemon: &Daemon, client: &Client, numbers: std::ops::Range<u64>) {
    daemon.wait_ready();
    for n in numbers {
        let before = pending(daemon);
        client.publish("in/a", payload(n));
        daemon.wait_status("it is stored", |_| pending(daemon) == before + 1);
    }
}

fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let name = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    // Who holds it is noted in the lock.
    files
        .filter(|entry| name(entry) != "lock")
        .map(|entry| (name(&entry), fs::read(entry.path()).unwrap()))
        .collect()
}

#[test]
fn an_outbox_of_a_newer_program_keeps_the_daemon_from_starting_and_stays_as_it_is() {
    let (broker, folder) = (Broker::start(), tempfile::tempdir().unwrap());
    let dir = folder.path().join("outbox");
    let daemon = Daemon::spawn(&text(&broker, &dir), |_| {});
    store(&daemon, &Client::new(broker.port), 0..2);
    stop(daemon);
    segments::make_newer(segments::all(&dir).last().unwrap());
    let before = contents(&dir);
    let ended = Daemon::spawn(&text(&broker, &dir), |_| {}).wait();
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(ended.log.contains("has format 9"), "{}", ended.log);
    assert!(ended.log.contains("use the newer edgeward that wrote it"), "{}", ended.log);
    assert!(contents(&dir) == before, "nothing was changed");
}

#[test]
fn a_damaged_outbox_costs_what_is_unreadable_and_says_so() {
    let (broker, folder) = (Broker::start(), tempfile::tempdir().unwrap());
    let dir = folder.path().join("outbox");
    let client = Client::new(broker.port);
    let daemon = Daemon::spawn(&text(&broker, &dir), |_| {});
    store(&daemon, &client, 0..5);
    stop(daemon);
    segments::damage(segments::all(&dir).last().unwrap(), br#""input":{"n":2}"#);
    let daemon = Daemon::spawn(&text(&broker, &dir), |_| {});
    let told = daemon.wait_state("store_damaged");
    assert!(told.contains("look at the disk"), "{told}");
    // The others are there, and it goes on.
    assert_eq!(pending(&daemon), 4);
    store(&daemon, &client, 5..7);
    stop(daemon);
    let losses = audit(&dir);
    assert_eq!((losses.damaged, losses.shed, losses.units), (1, 0, 0));
}
