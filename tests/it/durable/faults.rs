//! A disk that fails once, again and again, or half: nothing acknowledged is lost.

use std::path::Path;

use super::{Rig, assert_audit, stop};
use crate::support::{
    Dice,
    daemon::Daemon,
    faulty::{Errno, Fault, FaultyDisk, On, What},
    until,
};

const ROUND: u64 = 300;

fn start(rig: &Rig, dir: &Path) -> Daemon {
    rig.daemon(&rig.config(dir, "segment_bytes = 262144\nmin_free_bytes = 1048576", ""))
}

/// Messages, a fault on the way, more messages; again and again.
fn rounds(faults: &[fn(u64) -> Fault]) {
    let Some(disk) = FaultyDisk::new() else { return };
    let rig = Rig::new();
    let dir = disk.path().join("outbox");
    let daemon = start(&rig, &dir);
    let mut dice = Dice::new(4);
    for fault in faults.iter().cycle().take(faults.len() * 4) {
        let hits = disk.faults.hits();
        disk.faults.add(fault(1 + dice.next() % 20));
        until("the fault", || {
            rig.sender.allow(rig.tap.count() + ROUND);
            (disk.faults.hits() > hits).then_some(())
        });
        disk.faults.clear();
        // It works on by itself.
        let before = rig.tap.acknowledged();
        until("more acknowledgements", || {
            rig.sender.allow(rig.tap.count() + ROUND);
            (rig.tap.acknowledged() > before + 50).then_some(())
        });
    }
    let sent = rig.sender.finish();
    rig.wait_acknowledged(&daemon, sent);
    rig.assert_nothing_lost();
    stop(daemon);
    assert_audit(&dir);
}

#[test]
fn failing_syncs_lose_nothing_acknowledged() {
    rounds(&[
        |n| Fault::nth(On::Sync, n, What::Fail(Errno::EIO)),
        // What was not synced is gone: the page cache after a failed sync.
        |n| Fault::nth(On::Sync, n, What::Lose),
        |_| Fault::always(On::Sync, What::Lose),
        |_| Fault::always(On::Sync, What::Fail(Errno::EIO)),
    ]);
}

#[test]
fn failing_and_torn_writes_lose_nothing_acknowledged() {
    rounds(&[
        |n| Fault::nth(On::Write, n, What::Fail(Errno::EIO)),
        |n| Fault::nth(On::Write, n, What::Tear(1)),
        |n| Fault::nth(On::Write, n, What::Tear(17 * n as usize)),
        |_| Fault::always(On::Write, What::Tear(100)),
    ]);
}

/// The daemon is killed while its disk fails, and finds what the failing left.
#[test]
fn a_kill_on_a_failing_disk_loses_nothing_acknowledged() {
    let Some(disk) = FaultyDisk::new() else { return };
    let rig = Rig::new();
    let dir = disk.path().join("outbox");
    let text = rig.config(&dir, "segment_bytes = 262144\nmin_free_bytes = 1048576", "");
    let mut folder = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(9);
    for _ in 0..10 {
        let daemon = rig.daemon_in(folder, &text);
        let before = rig.tap.acknowledged();
        until("acknowledgements", || {
            rig.sender.allow(rig.tap.count() + ROUND);
            (rig.tap.acknowledged() > before + 100).then_some(())
        });
        let hits = disk.faults.hits();
        let what =
            if dice.next().is_multiple_of(2) { (On::Sync, What::Lose) } else { (On::Write, What::Tear(333)) };
        disk.faults.add(Fault::always(what.0, what.1));
        until("the fault", || {
            rig.sender.allow(rig.tap.count() + ROUND);
            (disk.faults.hits() > hits).then_some(())
        });
        folder = daemon.kill();
        disk.faults.clear();
    }
    let daemon = rig.daemon_in(folder, &text);
    let sent = rig.sender.finish();
    rig.wait_acknowledged(&daemon, sent);
    rig.assert_nothing_lost();
    stop(daemon);
    assert_audit(&dir);
}
