//! The tools on outboxes in real folders, written through the store.

use std::{fs, path::Path, sync::Arc, time::Duration};

use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::{
    Lock,
    audit::audit,
    store::{Batch, Fate, Fresh, Moment, Store, StoreOptions, UnitBooks, disk::Folder},
};

const NOW_MS: i64 = 1_700_000_000_000;

pub fn store(dir: &Path, options: StoreOptions) -> Store {
    let fresh = Fresh { store: *b"a-store.", epoch: *b"an-epoch" };
    let (mut store, _) = Store::open(Arc::new(Folder::new(dir)), options, fresh).unwrap();
    store.tick(Moment { since_open_ms: 0, wall_ms: NOW_MS });
    store
}

/// Small segments, so that there are many.
pub fn small() -> StoreOptions {
    StoreOptions { segment_bytes: 4096, min_free_bytes: 0, ..StoreOptions::default() }
}

pub fn verdict(number: u64) -> Bytes {
    format!(r#"{{"schema":1,"id":"{number:032x}","pipeline":"press","outputs":{{"score":0.5}}}}"#).into()
}

/// Commits a verdict for each number, five a commit.
pub fn commit(store: &mut Store, pipeline: &str, class: &str, numbers: std::ops::Range<u64>) {
    let lane = store.lane(pipeline, class);
    let pipeline = store.pipeline(pipeline);
    let numbers: Vec<u64> = numbers.collect();
    for some in numbers.chunks(5) {
        let count = some.len() as u64;
        let units = UnitBooks { received: count, scored: count, ..UnitBooks::default() };
        let records = some.iter().map(|number| (lane, verdict(*number)).into()).collect();
        store.commit(&Batch { records, units: vec![(pipeline, units)], ..Batch::default() }).unwrap();
    }
}

fn no_progress(_: u64, _: u64) {}

fn read(dir: &Path, select: &Select, newest_first: bool) -> Vec<Record> {
    let mut records = Vec::new();
    browse(&Snapshot::read(dir).unwrap(), select, newest_first, &mut |record| {
        records.push(record);
        Ok(Flow::Continue(()))
    })
    .unwrap();
    records
}

fn of_class(class: &str) -> Select {
    Select { classes: vec![class.into()], ..Select::default() }
}

fn place(dir: &Path) -> Place {
    Place { options: StoreOptions { min_free_bytes: 0, ..Place::at(dir).options }, dir: dir.to_owned() }
}

fn balanced(dir: &Path) {
    let audit = audit(dir, &mut no_progress).unwrap();
    assert!(audit.balanced, "{:#?}", audit.gaps);
}

fn books(dir: &Path, class: &str) -> LaneStat {
    let stat = stat(&Snapshot::read(dir).unwrap()).unwrap();
    stat.lanes.into_iter().find(|lane| lane.class == class).unwrap()
}

#[test]
fn a_backlog_moves_to_another_outbox_and_both_balance() {
    let (here, there, stick) = (TempDir::new().unwrap(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut source = store(here.path(), small());
    commit(&mut source, "press", "alarm", 0..40);
    commit(&mut source, "press", "result", 100..700);
    commit(&mut source, "pump", "result", 1000..1100);
    let delivered = source.lane("press", "result");
    source.end(delivered, 0..250, Fate::Delivered);
    source.flush_marks().unwrap();
    drop(source);
    let pending = read(here.path(), &of_class("result"), false);
    assert_eq!(pending.len(), 450);

    let target = Target::Folder(stick.path().to_owned());
    let copied = export(&place(here.path()), &of_class("result"), &target, true, &mut no_progress).unwrap();
    assert!(!copied.moved && copied.records == 450);
    let moved = export(&place(here.path()), &of_class("result"), &target, false, &mut no_progress).unwrap();
    // The same records are the same bytes, under the same name.
    assert_eq!((&moved.sha256, &moved.file), (&copied.sha256, &copied.file));
    assert_eq!(fs::read_dir(stick.path()).unwrap().count(), 1);
    let file = moved.file.unwrap();
    let name = format!("backlog-{}.edgeward", &moved.sha256.unwrap()[..16]);
    assert_eq!(file.file_name().unwrap().to_str(), Some(name.as_str()));
    balanced(here.path());
    assert_eq!(read(here.path(), &Select::default(), false).len(), 40, "alarms stay");
    assert_eq!(books(here.path(), "result").ended["moved"], 350);

    let imported = import(&place(there.path()), &file, &mut no_progress).unwrap();
    assert_eq!((imported.records, imported.before), (450, 0));
    balanced(there.path());
    let arrived = read(there.path(), &Select::default(), false);
    let payloads = |records: &[Record]| -> Vec<Bytes> { records.iter().map(|r| r.payload.clone()).collect() };
    assert_eq!(payloads(&arrived), payloads(&pending));
    assert_eq!(books(there.path(), "result").imported, 350);
    let again = import(&place(there.path()), &file, &mut no_progress).unwrap_err();
    assert!(matches!(again, ToolError::ImportedBefore { records: 450, .. }), "{again}");
    balanced(there.path());
}

#[test]
fn a_copy_is_not_taken_on_by_the_outbox_that_still_has_it() {
    let (here, stick) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    commit(&mut store(here.path(), small()), "press", "result", 0..20);
    let target = Target::File(stick.path().join("copy"));
    export(&place(here.path()), &Select::default(), &target, true, &mut no_progress).unwrap();
    let error = import(&place(here.path()), &stick.path().join("copy"), &mut no_progress).unwrap_err();
    assert!(matches!(error, ToolError::StillHere { records: 20, .. }), "{error}");
    let error =
        export(&place(here.path()), &Select::default(), &target, false, &mut no_progress).unwrap_err();
    assert!(matches!(error, ToolError::Exists(_)), "{error}");
    // Dropped here, they may come back from the copy.
    drop_records(&place(here.path()), &of_class("result"), false).unwrap();
    import(&place(here.path()), &stick.path().join("copy"), &mut no_progress).unwrap();
    balanced(here.path());
    assert_eq!(read(here.path(), &Select::default(), false).len(), 20);
}

/// Each batch says in its own frame how far the import is.
#[test]
fn an_import_that_was_cut_short_goes_on_where_it_stopped() {
    let (here, there, stick) = (TempDir::new().unwrap(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut source = store(here.path(), StoreOptions::default());
    let lane = source.lane("press", "result");
    let pipeline = source.pipeline("press");
    // Noise does not compress: the import takes several batches.
    let mut noise = 1_u64;
    for _ in 0..20 {
        let mut record = || -> Bytes {
            let words = (0..8192).map(|_| {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                noise.to_le_bytes()
            });
            words.flatten().collect::<Vec<u8>>().into()
        };
        let units = UnitBooks { received: 1, scored: 1, ..UnitBooks::default() };
        source
            .commit(&Batch {
                records: vec![(lane, record()).into()],
                units: vec![(pipeline, units)],
                ..Batch::default()
            })
            .unwrap();
    }
    drop(source);
    let file = stick.path().join("backlog");
    let target = Target::File(file.clone());
    export(&place(here.path()), &Select::default(), &target, true, &mut no_progress).unwrap();

    let killed = std::panic::catch_unwind(|| {
        let mut calls = 0;
        import(&place(there.path()), &file, &mut |_, _| {
            calls += 1;
            assert!(calls < 3, "the process dies here");
        })
    });
    assert!(killed.is_err());
    balanced(there.path());
    let taken = read(there.path(), &Select::default(), false).len() as u64;
    assert!((1..20).contains(&taken), "{taken}");
    let imported = import(&place(there.path()), &file, &mut no_progress).unwrap();
    assert_eq!((imported.records, imported.before), (20, taken));
    let payloads = |dir: &Path| -> Vec<Bytes> {
        read(dir, &Select::default(), false).into_iter().map(|record| record.payload).collect()
    };
    assert_eq!(payloads(there.path()), payloads(here.path()));
    balanced(there.path());
}

#[test]
fn an_import_sheds_nothing_and_stops_without_room() {
    let (here, there, stick) = (TempDir::new().unwrap(), TempDir::new().unwrap(), TempDir::new().unwrap());
    commit(&mut store(here.path(), small()), "press", "result", 0..2000);
    let file = stick.path().join("backlog");
    let target = Target::File(file.clone());
    export(&place(here.path()), &Select::default(), &target, true, &mut no_progress).unwrap();
    let mut tight = place(there.path());
    (tight.options.max_bytes, tight.options.segment_bytes) = (32 << 10, 4096);
    let error = import(&tight, &file, &mut no_progress).unwrap_err();
    assert!(error.to_string().contains("0 of 2000 records were taken on"), "{error}");
}

#[test]
fn no_flipped_byte_and_no_cut_of_an_exported_file_passes() {
    let (here, stick) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    commit(&mut store(here.path(), small()), "press", "result", 0..30);
    let file = stick.path().join("backlog");
    let target = Target::File(file.clone());
    export(&place(here.path()), &Select::default(), &target, true, &mut no_progress).unwrap();
    let whole = fs::read(&file).unwrap();
    let there = TempDir::new().unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        import(&place(there.path()), &file, &mut no_progress).unwrap_err()
    };
    for at in 0..whole.len() {
        refused(&whole[..at]);
        let mut bad = whole.clone();
        bad[at] ^= 0x10;
        let error = refused(&bad);
        match at {
            0..16 => assert!(matches!(error, ToolError::NotABacklog { .. }), "{error}"),
            16..20 => assert!(matches!(error, ToolError::NewerBacklog { .. }), "{error}"),
            _ => assert!(matches!(error, ToolError::DamagedBacklog { .. }), "{error}"),
        }
    }
    assert!(fs::read_dir(there.path()).unwrap().next().is_none(), "nothing was written");
}

#[test]
fn records_are_listed_in_both_orders_and_by_what_they_are() {
    let dir = TempDir::new().unwrap();
    let mut store = store(dir.path(), small());
    commit(&mut store, "press", "alarm", 0..10);
    store.tick(Moment { since_open_ms: 60_000, wall_ms: NOW_MS + 60_000 });
    commit(&mut store, "press", "result", 100..300);
    commit(&mut store, "pump", "result", 300..310);
    let numbers = |records: &[Record]| -> Vec<u64> {
        let number = |record: &Record| u64::from_str_radix(&id_of(&record.payload).unwrap(), 16).unwrap();
        records.iter().map(number).collect()
    };
    let mut all = numbers(&read(dir.path(), &Select::default(), false));
    assert_eq!(all, (0..10).chain(100..310).collect::<Vec<_>>());
    all.reverse();
    assert_eq!(numbers(&read(dir.path(), &Select::default(), true)), all);
    let pump = Select { pipeline: Some("pump".into()), ..of_class("result") };
    assert_eq!(numbers(&read(dir.path(), &pump, false)), (300..310).collect::<Vec<_>>());
    let snapshot = Snapshot::read(dir.path()).unwrap();
    let clock = snapshot.clock();
    let young = Select { younger: Some(clock.age(30_000)), ..Select::default() };
    assert_eq!(read(dir.path(), &young, false).len(), 210);
    let old = Select { older: Some(clock.age(30_000)), ..Select::default() };
    assert_eq!(read(dir.path(), &old, false)[0].wall_ms, Some(NOW_MS));
    assert!(of_class("raw").check(&snapshot.state).unwrap_err().to_string().contains("alarm, result"));

    let (record, ended) = show(&snapshot, &Wanted::Id(format!("{:032x}", 205))).unwrap().unwrap();
    assert_eq!((record.sequence, ended), (105, false));
    let wanted = Wanted::Sequence { pipeline: "pump".into(), class: "result".into(), sequence: 3 };
    assert_eq!(show(&snapshot, &wanted).unwrap().unwrap().0.payload, verdict(303));
    assert_eq!(show(&snapshot, &Wanted::Id("0".into())).unwrap(), None);
}

#[test]
fn what_was_delivered_is_replayed_as_far_as_it_is_there() {
    let dir = TempDir::new().unwrap();
    let keep = StoreOptions { keep_delivered_ms: 100_000, ..small() };
    let mut store = store(dir.path(), keep);
    commit(&mut store, "press", "result", 0..200);
    let lane = store.lane("press", "result");
    store.end(lane, 0..200, Fate::Delivered);
    store.flush_marks().unwrap();
    // Long enough for the first ones to go.
    store.tick(Moment { since_open_ms: 150_000, wall_ms: NOW_MS + 150_000 });
    commit(&mut store, "press", "result", 200..400);
    store.end(lane, 200..350, Fate::Delivered);
    store.flush_marks().unwrap();
    store.reclaim(false).unwrap();
    drop(store);
    let moved = Target::File(dir.path().join("../moved-away"));
    let _ = fs::remove_file(dir.path().join("../moved-away"));
    export(&place(dir.path()), &of_class("result"), &moved, false, &mut no_progress).unwrap();
    fs::remove_file(dir.path().join("../moved-away")).unwrap();

    let year = Since::Ago(Duration::from_secs(31_536_000 * 20));
    let dry = replay(&place(dir.path()), &Select::default(), year, true).unwrap();
    let done = replay(&place(dir.path()), &Select::default(), year, false).unwrap();
    assert_eq!(dry, done);
    assert_eq!((done.ended, done.left_alone), (400, 50), "{done:?}");
    assert!((150..200).contains(&done.records), "{done:?}: what is left, and not what was moved");
    assert_eq!(read(dir.path(), &Select::default(), false).len() as u64, done.records);
    assert_eq!(books(dir.path(), "result").replayed, done.records);
    balanced(dir.path());
}

#[test]
fn an_outbox_in_use_is_read_and_not_changed() {
    let dir = TempDir::new().unwrap();
    let mut store = store(dir.path(), small());
    commit(&mut store, "press", "result", 0..20);
    let _lock = Lock::take(dir.path()).unwrap();
    let dropped = drop_records(&place(dir.path()), &of_class("result"), true).unwrap();
    assert_eq!(dropped[0].records, 20);
    let error = drop_records(&place(dir.path()), &of_class("result"), false).unwrap_err().to_string();
    assert!(error.ends_with(&format!("in use by process {}: stop it first", std::process::id())), "{error}");
    let error = Snapshot::read(Path::new("/nowhere")).err().unwrap().to_string();
    assert!(error.contains("/nowhere"), "{error}");
    let empty = TempDir::new().unwrap();
    let error = drop_records(&place(empty.path()), &Select::default(), false).unwrap_err();
    assert!(matches!(error, ToolError::NoOutbox(_)));
    assert!(fs::read_dir(empty.path()).unwrap().next().is_none());
}

#[test]
fn an_outbox_without_a_record_is_none_that_is_missing() {
    let dir = TempDir::new().unwrap();
    drop(Lock::take(dir.path()).unwrap());
    assert_eq!(stat(&Snapshot::read(dir.path()).unwrap()).unwrap().lanes.len(), 0);
    balanced(dir.path());
    fs::write(dir.path().join("segment-0000000000000007"), b"no head").unwrap();
    let error = Snapshot::read(dir.path()).err().unwrap().to_string();
    assert!(error.contains("(segment-0000000000000007)"), "{error}");
}
