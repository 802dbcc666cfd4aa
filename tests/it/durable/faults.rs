//! A disk that fails once or for a while: nothing acknowledged is lost, except by policy and counted.

use super::{Losses, Rig, assert_audit, assert_audit_without_losses, audit, stop};
use crate::support::{
    Dice,
    daemon::Daemon,
    faulty::{Errno, Fault, FaultyDisk, On, What},
    until, until_else,
};

const ROUND: u64 = 300;

const SMALL: &str = "segment_bytes = 262144\nmin_free_bytes = 1048576";
const REFUSING: &str =
    "segment_bytes = 262144\nmin_free_bytes = 1048576\n[classes.result]\nwhen_full = \"refuse_newest\"";

/// Messages, a fault on the way, more messages; again and again. Gives the tests' rig with everything
/// acknowledged, and the daemon.
fn rounds(disk: &FaultyDisk, outbox: &str, faults: &[fn(u64) -> Fault]) -> (Rig, Daemon) {
    let rig = Rig::new();
    let daemon = rig.daemon(&rig.config(&disk.path().join("outbox"), outbox, ""));
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
    (rig, daemon)
}

/// With these faults nothing is lost.
fn nothing_is_lost(outbox: &str, faults: &[fn(u64) -> Fault]) {
    let Some(disk) = FaultyDisk::new() else { return };
    let (rig, daemon) = rounds(&disk, outbox, faults);
    rig.assert_nothing_lost();
    stop(daemon);
    assert_audit_without_losses(&disk.path().join("outbox"));
}

#[test]
fn a_sync_that_fails_once_loses_nothing() {
    // With the second, what was not synced is gone: the page cache after a failed sync.
    nothing_is_lost(
        SMALL,
        &[|n| Fault::nth(On::Sync, n, What::Fail(Errno::EIO)), |n| Fault::nth(On::Sync, n, What::Lose)],
    );
}

#[test]
fn a_write_that_fails_once_or_is_torn_loses_nothing() {
    nothing_is_lost(
        SMALL,
        &[
            |n| Fault::nth(On::Write, n, What::Fail(Errno::EIO)),
            |n| Fault::nth(On::Write, n, What::Tear(1)),
            |n| Fault::nth(On::Write, n, What::Tear(17 * n as usize)),
        ],
    );
}

const LASTING: &[fn(u64) -> Fault] = &[
    |_| Fault::always(On::Sync, What::Lose),
    |_| Fault::always(On::Sync, What::Fail(Errno::EIO)),
    |_| Fault::always(On::Write, What::Tear(100)),
    |_| Fault::always(On::Write, What::Fail(Errno::ENOSPC)),
];

#[test]
fn a_disk_that_fails_for_a_while_loses_nothing_where_the_policy_is_to_refuse() {
    nothing_is_lost(REFUSING, LASTING);
}

#[test]
fn what_a_disk_that_fails_for_a_while_could_not_take_is_counted() {
    let Some(disk) = FaultyDisk::new() else { return };
    let dir = disk.path().join("outbox");
    let (rig, daemon) = rounds(&disk, SMALL, LASTING);
    until_else(
        || {
            format!(
                "{} of {} results came, the books say {:?}",
                rig.results.count(),
                rig.tap.count(),
                audit(&dir)
            )
        },
        || (rig.results.count() as u64 + audit(&dir).shed >= rig.tap.count()).then_some(()),
    );
    assert_eq!(rig.results.renamed(), [0; 0]);
    stop(daemon);
    assert!(assert_audit(&dir).shed > 0, "the faults hit nothing");
}

/// The daemon is killed while its disk fails, and finds what the failing left.
#[test]
fn a_kill_on_a_failing_disk_loses_nothing_acknowledged() {
    let Some(disk) = FaultyDisk::new() else { return };
    let rig = Rig::new();
    let dir = disk.path().join("outbox");
    let text = rig.config(&dir, REFUSING, "");
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
    // A unit whose journaling was given up before a kill counts as damaged, although the broker had it
    // and sent it again.
    assert_eq!(audit(&dir), Losses { shed: 0, damaged: 0, units: audit(&dir).units });
}
