//! The proof that nothing acknowledged is lost: the built daemon with its outbox on disks that fill
//! up, fail and go away, and killed in the middle of its work.
//!
//! `EDGEWARD_PROOF_KILLS` and `EDGEWARD_PROOF_SEED` make the test of kills longer, or another one.

mod deaths;
mod disks;
mod faults;
mod files;
mod kill;
mod latency;
mod refuse;
mod state;

use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    broker::Broker,
    client::Message,
    daemon::{Daemon, config},
    edgeward, model,
    numbered::{Receiver, Sender},
    tap::Tap,
    until_else,
};

/// The message of a number: its sender names it, so that it is the same input when it comes again.
fn payload(n: u64) -> Vec<u8> {
    format!(r#"{{"n":{n},"id":"m{n}","v":[{},1,1,1]}}"#, n % 7).into_bytes()
}

fn number(payload: &[u8]) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(payload).ok()?["n"].as_u64()
}

/// Number and id of a verdict.
fn result(message: &Message) -> Option<(u64, String)> {
    let verdict = message.json();
    Some((verdict["input"]["n"].as_u64()?, verdict["id"].as_str()?.to_owned()))
}

/// A pipeline on `in/<source>` for [`payload`], with live verdicts on `out/<source>`.
fn pipeline(rest: &str) -> String {
    let model = model("mlp").join("model.onnx");
    format!(
        "[pipelines.p]\ntopics = [\"in/+\"]\nmodel = \"{}\"\nsource_topic_level = 2\n\
         output_topic = \"out/{{source}}\"\ncopy_fields = [\"n\"]\n{rest}\n\
         [pipelines.p.payload]\nmessage_id = \"id\"\n[pipelines.p.inputs.input]\narray = \"v\"\n\
         [pipelines.p.outputs.score]\ntensor = \"score\"\nkind = \"value\"\nindex = 0\n",
        model.display()
    )
}

/// An outbox in `dir` whose uplink is the broker on `port`; results come on `results/<class>`.
fn outbox(dir: &Path, port: u16, rest: &str) -> String {
    format!(
        "[outbox]\ndir = \"{}\"\n{rest}\n[uplinks.hub]\nkind = \"mqtt\"\n\
         url = \"mqtt://127.0.0.1:{port}\"\nclient_id = \"hub\"\ntopic = \"results/{{class}}\"\n",
        dir.display()
    )
}

/// A broker, a tap before it for the daemon's input, somebody who sends and somebody who hears.
struct Rig {
    sender: Sender,
    results: Receiver,
    live: Receiver,
    tap: Tap,
    broker: Broker,
}

impl Rig {
    fn new() -> Rig {
        Self::with(Broker::start())
    }

    fn sending(make: impl Fn(u64) -> Vec<u8> + Send + 'static) -> Rig {
        Self::assemble(Broker::start(), make)
    }

    fn with(broker: Broker) -> Rig {
        Self::assemble(broker, payload)
    }

    fn assemble(broker: Broker, make: impl Fn(u64) -> Vec<u8> + Send + 'static) -> Rig {
        let port = broker.port;
        Rig {
            sender: Sender::start(port, 500, move |n| ("in/a".into(), make(n))),
            results: Receiver::start(port, "results", "results/#", result),
            live: Receiver::start(port, "live", "out/#", result),
            tap: Tap::on(port, number),
            broker,
        }
    }

    /// A configuration with the input through the tap and the results straight to the broker.
    fn config(&self, dir: &Path, outbox_rest: &str, pipeline_rest: &str) -> String {
        let tables = outbox(dir, self.broker.port, outbox_rest)
            + &pipeline(&format!("sequence_field = \"n\"\n{pipeline_rest}"));
        config(self.tap.port, &tables)
    }

    fn daemon(&self, text: &str) -> Daemon {
        self.daemon_in(tempfile::tempdir().unwrap(), text)
    }

    fn daemon_in(&self, folder: TempDir, text: &str) -> Daemon {
        let daemon = Daemon::spawn_in(folder, text, |_| {});
        daemon.wait_ready();
        daemon
    }

    /// Waits until the daemon has acknowledged all numbers below `end`, as long as it goes on.
    fn wait_acknowledged(&self, daemon: &Daemon, end: u64) {
        let mut seen = self.tap.count();
        while seen < end {
            until_else(
                || format!("{seen} of {end} are acknowledged; it said\n{}", daemon.log.text()),
                || {
                    assert!(!daemon.log.has_ended(), "the daemon ended:\n{}", daemon.log.text());
                    (self.tap.count() > seen).then_some(())
                },
            );
            seen = self.tap.count();
        }
    }

    /// What must hold at the end of every proof: each acknowledged number arrived, and repeats are
    /// the same result.
    fn assert_nothing_lost(&self) {
        self.results.wait_for(self.tap.numbers());
        assert_eq!(self.results.renamed(), [0; 0], "the same result came with two ids");
        assert_eq!(self.tap.unasked(), [0; 0], "acknowledged what was not waiting on that connection");
    }
}

/// Ends a daemon in good order and gives its folder.
fn stop(daemon: Daemon) -> TempDir {
    daemon.signal("TERM");
    let ended = daemon.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.log);
    ended.folder
}

/// Waits until `state` is no longer told.
fn wait_left(daemon: &Daemon, state: &str) {
    until_else(
        || format!("the end of {state}; it has {} and said\n{}", daemon.get("/readyz").1, daemon.log.text()),
        || daemon.state(state).is_none().then_some(()),
    );
}

/// What became of results and units otherwise than by being delivered.
#[derive(Debug, PartialEq, Eq)]
struct Losses {
    /// Results that were shed.
    shed: u64,
    /// Results that were damaged.
    damaged: u64,
    /// Units that were damaged.
    units: u64,
}

/// The losses in the books of an outbox, which balance.
fn audit(dir: &Path) -> Losses {
    let output = edgeward().args(["audit", "--json", "--dir"]).arg(dir).output().unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}{wrong}");
    let books: Value = serde_json::from_str(&said).unwrap();
    let sum = |list: &str, bucket: &str| -> u64 {
        let of = |books: &Value| books.pointer(bucket).and_then(Value::as_u64).unwrap();
        books[list].as_array().unwrap().iter().filter(|books| books["class"] != "input").map(of).sum()
    };
    Losses {
        shed: sum("lanes", "/ended/shed"),
        damaged: sum("lanes", "/ended/damaged"),
        units: sum("units", "/damaged"),
    }
}

/// The books of a stopped daemon's outbox balance, and nothing was damaged.
fn assert_audit(dir: &Path) -> Losses {
    let losses = audit(dir);
    assert_eq!((losses.damaged, losses.units), (0, 0), "{losses:?}");
    losses
}

/// The books balance, and nothing ended otherwise than delivered.
fn assert_audit_without_losses(dir: &Path) {
    assert_eq!(audit(dir), Losses { shed: 0, damaged: 0, units: 0 });
}
