//! A slow model does not hold a sender that waits for each acknowledgement.

use std::time::Duration;

use super::{Rig, assert_audit, outbox, stop};
use crate::support::{
    broker::Broker,
    daemon::{Daemon, config},
    faulty::{Fault, FaultyDisk, On, What},
    numbered::Delays,
    slow_model,
};

const SYNC: Duration = Duration::from_millis(2);
const COUNT: u64 = 200;
/// Slow enough that nobody takes scoring for acknowledging.
const SLOW: Duration = Duration::from_millis(100);

#[test]
fn a_slow_model_does_not_hold_the_acknowledgements() {
    let Some(disk) = FaultyDisk::new() else { return };
    // As the edge hub does: one message at a time.
    let rig = Rig::with(Broker::one_in_flight());
    let folder = tempfile::tempdir().unwrap();
    let model = slow_model::write(folder.path());
    let dir = disk.path().join("outbox");
    let pipeline = format!(
        "[pipelines.p]\ntopics = [\"in/+\"]\nmodel = \"{}\"\nsource_topic_level = 2\nmax_batch = 1\n\
         output_topic = \"out/{{source}}\"\ncopy_fields = [\"n\"]\n\
         [pipelines.p.payload]\nmessage_id = \"id\"\n[pipelines.p.inputs.x]\nfields = [\"n\"]\n\
         [pipelines.p.outputs.y]\ntensor = \"y\"\nkind = \"value\"\nindex = 0\n",
        model.display()
    );
    let text = config(rig.tap.port, &(outbox(&dir, rig.broker.port, "") + &pipeline));
    let daemon = Daemon::spawn_in(folder, &text, |_| {});
    daemon.wait_ready();
    disk.faults.add(Fault::always(On::Sync, What::Slow(SYNC)));
    rig.sender.allow(COUNT);
    rig.wait_acknowledged(&daemon, COUNT);
    let delays = Delays::new(rig.tap.deliveries().iter().filter_map(|delivery| delivery.delay()));
    let (middle, high) = (delays.at(0.5), delays.at(0.99));
    eprintln!("sync {SYNC:?}: PUBACK p50 {middle:?}, p99 {high:?}, max {:?}", delays.at(1.0));
    // The test tells something only while the model is slow.
    rig.results.wait_for(0..2);
    let first = rig.results.delays(&rig.sender.sent_at(), "results").at(0.5);
    assert!(first >= SLOW, "the model took only {first:?}");
    // A busy machine is slow too; what must not be seen is the model's time. The figure on a quiet
    // one is in docs/benchmarks.md.
    assert!(middle < SLOW / 2, "p50 {middle:?} with a sync of {SYNC:?}");
    // What is not scored yet is in the journal, and in the books.
    disk.faults.clear();
    stop(daemon);
    assert_audit(&dir);
}
