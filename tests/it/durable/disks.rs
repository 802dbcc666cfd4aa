//! Disks that fill up, turn read-only, or go away.

use std::fs;

use super::{Rig, assert_audit, audit, stop, wait_left};
use crate::support::{daemon::Daemon, edgeward, faulty::FaultyDisk, loop_disk::LoopDisk, until};

/// Sends the next `count` numbers and waits for their live verdicts.
fn live_goes_on(rig: &Rig, count: u64) -> u64 {
    let begin = rig.sender.sent_at().len() as u64;
    rig.sender.allow(begin + count);
    rig.live.wait_for(begin..begin + count);
    begin + count
}

#[test]
fn a_full_disk_stops_nothing_but_the_storing() {
    let Some(disk) = LoopDisk::new(64 << 20) else { return };
    let rig = Rig::new();
    let dir = disk.path().join("outbox");
    let text = rig.config(&dir, "max_bytes = 16777216\nmin_free_bytes = 1048576", "");
    let daemon = rig.daemon(&text);
    let stored = live_goes_on(&rig, 1000);
    rig.results.wait_for(0..stored);

    disk.fill(0);
    let mut sent = stored;
    until("disk_full", || {
        sent = live_goes_on(&rig, 100);
        daemon.state("disk_full")
    });
    sent = live_goes_on(&rig, 2000);
    assert_eq!(daemon.get("/healthz").0, 200);

    disk.free();
    let back = until("the end of disk_full", || {
        let begin = sent;
        sent = live_goes_on(&rig, 10);
        daemon.state("disk_full").is_none().then_some(begin)
    });
    sent = live_goes_on(&rig, 1000);
    rig.results.wait_for(back + 10..sent);
    rig.wait_acknowledged(&daemon, sent);
    stop(daemon);
    assert_audit(&dir);
    assert_eq!(rig.results.renamed(), [0; 0]);
}

/// Before the disk is full: the file system's room is not the daemon's alone.
#[test]
fn a_minimum_of_free_disk_is_left() {
    let Some(disk) = FaultyDisk::new() else { return };
    let rig = Rig::new();
    let dir = disk.path().join("outbox");
    let daemon = rig.daemon(&rig.config(&dir, "min_free_bytes = 67108864", ""));
    let stored = live_goes_on(&rig, 200);
    rig.results.wait_for(0..stored);
    disk.faults.free_bytes(Some(60 << 20));
    until("disk_full", || {
        live_goes_on(&rig, 100);
        daemon.state("disk_full")
    });
    live_goes_on(&rig, 500);
    disk.faults.free_bytes(None);
    wait_left(&daemon, "disk_full");
    let begin = rig.sender.sent_at().len() as u64;
    let end = live_goes_on(&rig, 200);
    rig.results.wait_for(begin..end);
    stop(daemon);
    assert_audit(&dir);
}

#[test]
fn a_disk_that_turns_read_only_stops_nothing_but_the_storing() {
    let Some(mut disk) = LoopDisk::new(64 << 20) else { return };
    let rig = Rig::new();
    let dir = disk.path().join("outbox");
    let text = rig.config(&dir, "max_bytes = 16777216\nmin_free_bytes = 1048576", "");
    let daemon = rig.daemon(&text);
    let stored = live_goes_on(&rig, 1000);
    rig.results.wait_for(0..stored);

    disk.fail();
    until("read_only", || {
        live_goes_on(&rig, 10);
        daemon.state("read_only")
    });
    live_goes_on(&rig, 2000);
    assert_eq!(daemon.get("/healthz").0, 200);

    disk.repair();
    wait_left(&daemon, "read_only");
    let begin = rig.sender.sent_at().len() as u64;
    let end = live_goes_on(&rig, 1000);
    rig.results.wait_for(begin..end);
    stop(daemon);
    assert_audit(&dir);
    assert_eq!(rig.results.renamed(), [0; 0]);
}

#[test]
fn a_directory_that_disappears_is_made_anew() {
    let rig = Rig::new();
    let disk = tempfile::tempdir().unwrap();
    let dir = disk.path().join("outbox");
    let daemon = rig.daemon(&rig.config(&dir, "", ""));
    let stored = live_goes_on(&rig, 500);
    rig.results.wait_for(0..stored);

    fs::remove_dir_all(&dir).unwrap();
    // While it is gone, and until it is there again, verdicts go on.
    until("another directory", || {
        live_goes_on(&rig, 10);
        dir.exists().then_some(())
    });
    daemon.wait_ready();
    let begin = rig.sender.sent_at().len() as u64;
    let end = live_goes_on(&rig, 500);
    rig.results.wait_for(begin..end);
    rig.wait_acknowledged(&daemon, end);
    stop(daemon);
    // What was in it is gone, and counted; the books still balance.
    audit(&dir);
}

#[test]
fn a_mount_that_vanishes_is_missed_and_nothing_is_begun_below_it() {
    let Some(disk) = LoopDisk::new(64 << 20) else { return };
    let rig = Rig::new();
    let dir = disk.path().join("outbox");
    let daemon = rig.daemon(&rig.config(&dir, "max_bytes = 16777216\nmin_free_bytes = 1048576", ""));
    let stored = live_goes_on(&rig, 1000);
    rig.results.wait_for(0..stored);

    disk.take_away();
    let told = until("outbox_gone", || {
        live_goes_on(&rig, 10);
        daemon.state("outbox_gone")
    });
    assert!(told.contains("is that mounted?"), "{told}");
    live_goes_on(&rig, 1000);
    assert!(!dir.exists(), "something was begun below the mount point");

    disk.give_back();
    wait_left(&daemon, "outbox_gone");
    let begin = rig.sender.sent_at().len() as u64;
    let end = live_goes_on(&rig, 1000);
    rig.results.wait_for(begin..end);
    let folder = stop(daemon);
    assert_audit(&dir);

    // At a start neither: the state folder knows that there was one.
    disk.take_away();
    let daemon = Daemon::spawn_in(folder, &rig.config(&dir, "", ""), |_| {});
    let ended = daemon.wait();
    assert_eq!(ended.code, Some(1), "{}", ended.log);
    assert!(ended.log.contains("is not there: is its disk mounted?"), "{}", ended.log);
    assert!(!dir.exists());
    disk.give_back();
    let daemon = rig.daemon_in(ended.folder, &rig.config(&dir, "", ""));
    stop(daemon);
    assert_audit(&dir);
}

#[test]
fn a_second_daemon_on_the_directory_is_told_who_has_it() {
    let rig = Rig::new();
    let disk = tempfile::tempdir().unwrap();
    let dir = disk.path().join("outbox");
    let text = rig.config(&dir, "", "");
    let daemon = rig.daemon(&text);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("edgeward.toml");
    fs::write(&file, text.replace("device.id = \"test\"", "device.id = \"other\"")).unwrap();
    let second = edgeward().args(["run", "-c"]).arg(file).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(second.status.code().is_some_and(|code| code != 0), "{said}");
    assert!(said.contains(&daemon.pid().to_string()), "no pid {} in:\n{said}", daemon.pid());
    assert!(said.contains(dir.to_str().unwrap()), "{said}");
    // The first one didn't notice.
    let end = live_goes_on(&rig, 100);
    rig.results.wait_for(0..end);
    stop(daemon);
    assert_audit(&dir);
}
