//! Killed a hundred times at full speed. (This tests no syncing: what a killed process has written
//! stays in the page cache. The crash points do that.)

use std::{thread, time::Duration};

use super::{Rig, assert_audit_without_losses, pipeline, stop};
use crate::support::{
    Dice,
    daemon::{Daemon, config},
    until_else,
};

/// How far the sender may be ahead of the daemon, so that the end is not all draining.
const AHEAD: u64 = 3000;
/// How many times the broker is stopped on the way.
const BROKER_STOPS: u64 = 4;

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")),
        Err(_) => default,
    }
}

/// Kills the daemon with this configuration again and again at full speed; at the end it has
/// acknowledged everything, and runs.
fn kill_again_and_again(rig: &mut Rig, text: &str, kills: u64, seed: u64) -> (Daemon, u64) {
    let mut dice = Dice::new(seed);
    let killed = text.replace("admin.listen = \"127.0.0.1:0\"", "admin.listen = \"off\"");
    assert_ne!(text, killed);
    // Until it has subscribed once, the broker has nobody to keep a message for.
    let mut folder = rig.daemon(text).kill();
    for kill in 0..kills {
        let before = rig.tap.acknowledged();
        rig.sender.allow(rig.tap.count() + AHEAD);
        let daemon = Daemon::spawn_in(folder, &killed, |_| {});
        if dice.next().is_multiple_of(4) {
            // Early: while it starts and repairs what the last one left.
            thread::park_timeout(Duration::from_secs_f64(dice.between(0.0, 0.15)));
        } else {
            let enough = before + (dice.next() % 1500) as usize;
            until_else(
                || format!("progress after kill {kill}, seed {seed}; it said\n{}", daemon.log.text()),
                || {
                    assert!(!daemon.log.has_ended(), "the daemon ended:\n{}", daemon.log.text());
                    (rig.tap.acknowledged() > enough).then_some(())
                },
            );
            thread::park_timeout(Duration::from_secs_f64(dice.between(0.0, 0.01)));
        }
        folder = daemon.kill();
        if (kill + 1) % (kills / (BROKER_STOPS + 1)).max(1) == 0 && kill + 1 < kills {
            rig.broker.stop();
            rig.broker.appear();
        }
    }
    let daemon = rig.daemon_in(folder, text);
    let sent = rig.sender.finish();
    rig.wait_acknowledged(&daemon, sent);
    (daemon, sent)
}

#[test]
fn a_hundred_kills_lose_nothing_acknowledged() {
    let kills = setting("EDGEWARD_PROOF_KILLS", 100);
    let seed = setting("EDGEWARD_PROOF_SEED", 20);
    let mut rig = Rig::new();
    let disk = tempfile::tempdir().unwrap();
    let dir = disk.path().join("outbox");
    // Small segments: sealing, removing and the like happen all the time.
    let text = rig.config(&dir, "segment_bytes = 262144\nmax_bytes = 67108864", "");
    let (daemon, sent) = kill_again_and_again(&mut rig, &text, kills, seed);
    rig.assert_nothing_lost();
    // All the others too: the broker had them for the daemon.
    rig.results.wait_for(0..sent);
    eprintln!(
        "{kills} kills, seed {seed}: {sent} numbers, {} acknowledgements, {} results repeated",
        rig.tap.acknowledged(),
        rig.results.repeats()
    );
    stop(daemon);
    assert_audit_without_losses(&dir);
}

/// Without an outbox an acknowledgement waits until the broker has the verdict.
#[test]
fn kills_lose_nothing_acknowledged_without_an_outbox_either() {
    let mut rig = Rig::new();
    let text = config(rig.tap.port, &pipeline("output_qos = 1"));
    let (daemon, sent) = kill_again_and_again(&mut rig, &text, 10, 3);
    rig.live.wait_for(0..sent);
    assert_eq!(rig.live.renamed(), [0; 0]);
    assert_eq!(rig.tap.unasked(), [0; 0]);
    stop(daemon);
}
