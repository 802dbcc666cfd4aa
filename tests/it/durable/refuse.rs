//! The policy that sheds nothing: what finds no room stays with the broker.

use super::{Rig, assert_audit_without_losses, stop};
use crate::support::{faulty::FaultyDisk, until, until_else};

/// Bytes held unacknowledged at most.
const HELD: usize = 262_144;
/// Of the pipeline's queue, in bytes.
const QUEUED: usize = 1 << 20;
const COUNT: u64 = 30_000;
/// Messages of 2 KB, so that they are far more than what is held and on the way.
const PADDING: usize = 2000;

/// Outcomes that wait for the outbox's writer, with their messages, and those in its hands.
const SUBMITTED: usize = (4 << 20) + (1 << 20);
/// Messages that found no room in the queue and none in the journal either.
const SPILLED: usize = 4 << 20;
/// What sockets may hold that nobody has read; without a bound Linux lets them grow to tens of megabytes.
const ON_THE_WAY: usize = 256 << 10;
/// The tap passes on pieces of this size.
const PIECE: usize = 64 << 10;
/// Messages that the worker has taken out of the queue (`max_batch`), and the one that the session holds.
const IN_WORK: usize = 64 + 1;

#[test]
fn what_is_refused_stays_with_the_broker() {
    let Some(disk) = FaultyDisk::new() else { return };
    let padding = "x".repeat(PADDING);
    let rig = Rig::sending(move |n| {
        format!(r#"{{"n":{n},"id":"m{n}","v":[1,1,1,1],"x":"{padding}"}}"#).into_bytes()
    });
    let dir = disk.path().join("outbox");
    let refuse = format!(
        "max_unacked_bytes = {HELD}\nmin_free_bytes = 1048576\n[classes.result]\nwhen_full = \"refuse_newest\""
    );
    let daemon = rig.daemon(&rig.config(&dir, &refuse, &format!("queue_bytes = {QUEUED}")));
    rig.tap.room(ON_THE_WAY);
    rig.sender.allow(100);
    rig.wait_acknowledged(&daemon, 100);

    disk.faults.full();
    rig.sender.allow(COUNT);
    daemon.wait_state("disk_full");
    // The session is left: the connection is gone, and the broker keeps what it has.
    until_else(
        || format!("the session to be left; it said\n{}", daemon.log.text()),
        || (rig.tap.open() == 0).then_some(()),
    );
    assert_eq!(rig.sender.finish(), COUNT);
    let deliveries = rig.tap.deliveries();
    let (mut waiting, mut most) = (0, 0);
    let mut connection = 0;
    for delivery in &deliveries {
        if delivery.connection != connection {
            (connection, waiting) = (delivery.connection, 0);
        }
        if delivery.acknowledged.is_none() {
            waiting += delivery.payload.len();
            most = most.max(waiting);
        }
    }
    eprintln!("at most {most} bytes on the way and held");
    let message = deliveries.iter().map(|delivery| delivery.payload.len()).max().unwrap();
    let bound = HELD + SUBMITTED + SPILLED + QUEUED + IN_WORK * message + ON_THE_WAY + 2 * PIECE;
    assert!(most <= bound, "{most} bytes, at most {bound} are allowed");
    let acknowledged = rig.tap.count();
    assert!(acknowledged < COUNT, "it acknowledged all with a full disk");

    disk.faults.clear();
    until("the end of disk_full", || daemon.state("disk_full").is_none().then_some(()));
    rig.wait_acknowledged(&daemon, COUNT);
    rig.assert_nothing_lost();
    assert_eq!(rig.results.count() as u64, COUNT);
    stop(daemon);
    assert_audit_without_losses(&dir);
}
