//! `edgeward queue` and `edgeward audit` on outboxes of stopped and running daemons.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use edgeward_outbox::{
    Lock,
    store::{Batch, Fate, Fresh, Store, StoreOptions, UnitBooks, disk::Folder, read_outbox},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    broker::Broker,
    client::Client,
    daemon::{Daemon, pipeline},
    edgeward, model, segments, until_else,
};

struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Done {
    fn json(&self) -> Value {
        assert_eq!(self.code, Some(0), "{}", self.err);
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// A refusal, with its text.
    fn refused(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        &self.err
    }
}

/// `edgeward` with these words, and `--dir` of an outbox.
fn tool(dir: &Path, words: &str) -> Done {
    let done = edgeward()
        .args(words.split_whitespace())
        .arg("--dir")
        .arg(dir)
        .env("NO_COLOR", "1")
        .current_dir(dir.parent().unwrap())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: done.status.code(), out: text(done.stdout), err: text(done.stderr) }
}

/// A folder with an outbox: `alarms` alarms and `results` results of a pipeline `press`, of which
/// the first ten results are delivered.
struct Filled {
    folder: TempDir,
    id: u8,
}

impl Filled {
    fn new(alarms: u64, results: u64) -> Filled {
        // Outboxes with other contents are other outboxes.
        let filled = Filled { folder: tempfile::tempdir().unwrap(), id: alarms as u8 };
        fs::create_dir(filled.dir()).unwrap();
        let mut store = filled.open();
        for number in 0..alarms + results {
            let class = if number < alarms { "alarm" } else { "result" };
            let (lane, pipeline) = (store.lane("press", class), store.pipeline("press"));
            let text = format!(r#"{{"schema":1,"id":"{number:032x}","pipeline":"press"}}"#);
            let units = UnitBooks { received: 1, scored: 1, ..UnitBooks::default() };
            let records = vec![(lane, Bytes::from(text)).into()];
            store.commit(&Batch { records, units: vec![(pipeline, units)], ..Batch::default() }).unwrap();
        }
        let lane = store.lane("press", "result");
        store.end(lane, 0..10, Fate::Delivered);
        store.flush_marks().unwrap();
        filled
    }

    fn dir(&self) -> std::path::PathBuf {
        self.folder.path().join("outbox")
    }

    fn open(&self) -> Store {
        let options = StoreOptions { segment_bytes: 4096, min_free_bytes: 0, ..StoreOptions::default() };
        let fresh = Fresh { store: [self.id; 8], epoch: *b"an-epoch" };
        Store::open(Arc::new(Folder::new(self.dir())), options, fresh).unwrap().0
    }

    fn tool(&self, words: &str) -> Done {
        tool(&self.dir(), words)
    }

    fn pending(&self) -> u64 {
        let stat = self.tool("queue stat --json").json();
        stat["lanes"].as_array().unwrap().iter().map(|lane| lane["pending"].as_u64().unwrap()).sum()
    }

    fn assert_balance(&self) {
        let audit = self.tool("audit");
        assert_eq!(audit.code, Some(0), "{}{}", audit.out, audit.err);
        assert!(audit.out.ends_with("ok: the books balance\n"), "{}", audit.out);
    }

    /// The name of the newest segment, and where its last frame ends.
    fn newest(&self) -> (String, u64) {
        let reading = read_outbox(&Folder::new(self.dir())).unwrap().unwrap();
        let newest = reading.state.segments.last().unwrap();
        (newest.name(), newest.bytes)
    }
}

#[test]
fn an_outbox_is_looked_at() {
    let outbox = Filled::new(5, 60);
    let stat = outbox.tool("queue stat");
    assert!(stat.out.contains("alarm   █") && stat.out.contains("5 pending"), "{}", stat.out);
    assert!(stat.out.contains("10 delivered"), "{}", stat.out);
    let stat = outbox.tool("queue stat --json").json();
    assert_eq!((&stat["lanes"][1]["class"], &stat["lanes"][1]["pending"]), (&"result".into(), &50.into()));
    assert!(stat["bytes"].as_u64().unwrap() > 4096, "{stat}");

    let listed = outbox.tool("queue ls -n 3");
    assert_eq!(listed.out.lines().count(), 5, "{}", listed.out);
    assert!(listed.out.contains(&format!("{:032x}", 64)), "the newest first:\n{}", listed.out);
    assert!(listed.out.contains("the first 3 of them"), "{}", listed.out);
    let lines = outbox.tool("queue ls --oldest --class result --limit 0 --json").out;
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]["sequence"]), (50, &10.into()));
    assert_eq!(lines[0]["id"], format!("{:032x}", 15));
    let nobody = outbox.tool("queue ls --class raw");
    assert!(nobody.refused(1).contains("no class `raw` in this outbox; there are: alarm, result"));

    let shown = outbox.tool(&format!("queue show {:032X}", 20));
    assert_eq!(shown.out, format!(r#"{{"schema":1,"id":"{:032x}","pipeline":"press"}}"#, 20));
    let shown = outbox.tool("queue show --class result --pipeline press --sequence 3 --json").json();
    assert_eq!((&shown["ended"], &shown["payload"]["pipeline"]), (&true.into(), &"press".into()));
    assert!(outbox.tool("queue show 00").refused(1).contains("no record with id 00 is on disk"));
    outbox.assert_balance();
    assert_eq!(outbox.tool("audit --json").json()["balanced"], true);
    // Nothing of this has left a trace.
    assert!(!outbox.dir().join("lock").exists());
}

#[test]
fn a_backlog_is_carried_on_a_stick() {
    let (here, there) = (Filled::new(5, 60), Filled::new(0, 11));
    let stick = here.folder.path().join("stick");
    fs::create_dir(&stick).unwrap();
    let words = format!("queue export {} --class result --json", stick.display());
    let exported = here.tool(&words).json();
    let file = exported["file"].as_str().unwrap().to_owned();
    assert_eq!((&exported["records"], &exported["moved"]), (&50.into(), &true.into()));
    assert!(file.contains(&exported["sha256"].as_str().unwrap()[..16]), "{file}");
    assert_eq!((here.pending(), fs::read_dir(&stick).unwrap().count()), (5, 1));
    here.assert_balance();
    assert_eq!(here.tool(&words).json()["file"], Value::Null, "nothing is left to export");

    let imported = there.tool(&format!("queue import {file}"));
    assert!(
        imported.out.starts_with("50 records imported from outbox 0505050505050505\n"),
        "{}",
        imported.out
    );
    assert_eq!(there.pending(), 51);
    there.assert_balance();
    let again = there.tool(&format!("queue import {file}"));
    assert!(again.refused(1).contains("was imported before"), "{}", again.err);

    // One bit on the stick.
    let other = Filled::new(1, 10);
    let bytes = fs::metadata(&file).unwrap().len();
    flip(Path::new(&file), bytes / 2);
    let damaged = other.tool(&format!("queue import {file}"));
    assert!(damaged.refused(1).contains("nothing of it was imported; copy it again"), "{}", damaged.err);
    assert_eq!(other.pending(), 1);
}

fn flip(file: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(file).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

#[test]
fn records_are_dropped_only_on_purpose() {
    let outbox = Filled::new(5, 60);
    assert!(outbox.tool("queue drop --class result").refused(2).contains("--yes"));
    assert!(outbox.tool("queue drop --yes").refused(2).contains("--class"));
    let dry = outbox.tool("queue drop --class result --dry-run");
    assert_eq!(dry.out, "50 records would be dropped\n  press/result: 50\n");
    let none = outbox.tool("queue drop --class result --before 10years --yes");
    assert_eq!(none.out, "0 records dropped\n");
    assert_eq!(outbox.pending(), 55);
    assert_eq!(outbox.tool("queue drop --class result --yes --json").json()["records"], 50);
    assert_eq!(outbox.pending(), 5);
    outbox.assert_balance();
    // What was delivered comes back, what was dropped does not.
    let replayed = outbox.tool("queue replay --since 1day");
    assert!(replayed.out.starts_with("10 records will be delivered again, of 60"), "{}", replayed.out);
    assert!(replayed.out.contains("50 records stay as they are: dropped or moved"), "{}", replayed.out);
    assert_eq!(outbox.pending(), 15);
    outbox.assert_balance();
}

#[test]
fn a_damaged_segment_is_a_gap_with_its_place() {
    let outbox = Filled::new(0, 400);
    let (name, end) = outbox.newest();
    flip(&outbox.dir().join(&name), end - 60);
    let audit = outbox.tool("audit");
    let err = audit.refused(1);
    assert!(err.contains("the books don't balance"), "{err}");
    assert!(audit.out.contains(&format!("damaged: {name}: bytes ")), "{}", audit.out);
    assert!(audit.out.contains("gap: press/result"), "{}", audit.out);
    // What can be read is still to be had.
    let listed = outbox.tool("queue ls --limit 0 --json");
    assert!(listed.out.lines().count() > 300, "{}", listed.err);
}

#[test]
fn a_newer_format_is_refused_with_what_to_do() {
    let outbox = Filled::new(1, 10);
    let (name, _) = outbox.newest();
    let path = outbox.dir().join(&name);
    segments::make_newer(&path);
    for words in ["queue stat", "queue drop --class result --yes", "audit"] {
        let done = outbox.tool(words);
        assert!(done.refused(1).contains("has format 9"), "{words}: {}", done.err);
        assert!(done.err.contains("use the newer edgeward that wrote it"), "{words}: {}", done.err);
    }
    let empty = tempfile::tempdir().unwrap();
    assert!(tool(empty.path(), "queue stat").refused(1).contains("there is no outbox in "));
}

#[test]
fn who_has_the_outbox_is_named() {
    let outbox = Filled::new(1, 20);
    let lock = Lock::take(&outbox.dir()).unwrap();
    let pid = std::process::id();
    for words in ["queue drop --class result --yes", "queue export .", "queue replay --since 1h"] {
        let done = outbox.tool(words);
        let expected = format!("is in use by process {pid}: stop it first");
        assert!(done.refused(1).contains(&expected), "{words}: {}", done.err);
    }
    assert_eq!(outbox.pending(), 11);
    let copied = outbox.tool("queue export copy.edgeward --keep --json").json();
    assert_eq!((&copied["records"], &copied["moved"]), (&11.into(), &false.into()));
    outbox.assert_balance();
    drop(lock);
    outbox.tool("queue drop --class result --yes --json").json();
    assert_eq!(outbox.pending(), 1);
}

#[test]
fn a_running_daemons_outbox_is_read_and_nothing_of_it_changes() {
    let broker = Broker::start();
    let mlp = pipeline(&model("mlp"), "");
    let daemon = Daemon::start(&broker, &format!("{mlp}[outbox]\ndir = \"outbox\"\nmin_free_bytes = 0\n"));
    let client = Client::new(broker.port);
    for number in 0..20 {
        client.publish(&format!("in/m{number}"), "[0.5, -1.25, 2, 0.125]");
    }
    let config = daemon.folder().join("edgeward.toml");
    let run = |words: &[&str]| {
        let done = edgeward().args(words).arg("-c").arg(&config).output().unwrap();
        (done.status.code(), String::from_utf8(done.stdout).unwrap() + &String::from_utf8_lossy(&done.stderr))
    };
    // Without an uplink all of it stays.
    let all = || {
        let (_, listed) = run(&["queue", "ls", "--json", "--limit", "0"]);
        listed.lines().filter(|line| line.contains("\"sequence\":")).count()
    };
    until_else(|| run(&["queue", "stat"]).1, || (all() == 20).then_some(()));
    let (code, audit) = run(&["audit"]);
    assert_eq!(code, Some(0), "{audit}");
    let (code, refused) = run(&["queue", "drop", "--class", "result", "--yes"]);
    assert_eq!(code, Some(1));
    assert!(refused.contains(&format!("is in use by process {}: stop it first", daemon.pid())), "{refused}");
    let ended = daemon.stop();
    let outbox = ended.folder.path().join("outbox");
    assert_eq!(tool(&outbox, "queue drop --class result --yes --json").json()["records"], 20);
    assert_eq!(tool(&outbox, "audit").code, Some(0));
}

#[test]
fn a_configuration_without_an_outbox_says_so() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("edgeward.toml"), "device.id = \"d\"\n").unwrap();
    let done = edgeward().args(["queue", "stat"]).current_dir(folder.path()).output().unwrap();
    assert_eq!(done.status.code(), Some(78));
    let text = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(text.contains("the configuration has no [outbox]"), "{text}");
}
