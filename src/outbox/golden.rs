//! Stored formats, for ever: an outbox, an export and what they hold, written once by the edgeward
//! of their time (tests/golden/stored) and read by every later one.
//!
//! `EDGEWARD_MAKE_GOLDEN=tests/golden/stored/format-N cargo test --lib outbox::golden` writes the
//! outbox of the format that this edgeward writes, to be committed once when a format is born.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    Envelope,
    store::{
        self, Batch, Fate, Fresh, Mark, Moment, RangeSet, Segment, Store, StoreOptions, UnitBooks,
        disk::Folder,
    },
    tools::{Flow, Place, Record, Select, Snapshot, Target, browse, export, import},
};
use edgeward_core::crypto::hex;

const WALL_MS: i64 = 1_700_000_000_000;

fn options() -> StoreOptions {
    StoreOptions { segment_bytes: 2048, min_free_bytes: 0, ..StoreOptions::default() }
}

fn open(dir: &Path, run: u64) -> Store {
    let mut epoch = *b"epoch...";
    epoch[7] = b'0' + run as u8;
    let fresh = Fresh { store: *b"golden..", epoch };
    Store::open(Arc::new(Folder::new(dir)), options(), fresh).unwrap().0
}

fn text(class: &str, at: u64) -> Bytes {
    format!(r#"{{"schema":1,"id":"{at:032x}","class":"{class}","outputs":{{"score":0.5}}}}"#).into()
}

fn input(at: u64) -> Bytes {
    let mut input = super::Input::new(
        0,
        format!("plant/press/{at}"),
        Bytes::from(format!(r#"{{"temperature":{at}}}"#)),
        edgeward_core::domain::Epoch(*b"epoch..0"),
        at,
        None,
    );
    let arrived = std::time::Duration::from_micros(1_700_000_000_000_000 + at);
    input.arrived_at = std::time::UNIX_EPOCH + arrived;
    if at % 2 == 1 {
        input.origin.input = "readings".into();
        input.origin.properties = vec![("kind".into(), at.to_string()), ("kind".into(), "again".into())];
    }
    Bytes::from(input.keep())
}

fn envelope(at: u64) -> Envelope {
    Envelope {
        output: format!("output-{at}"),
        content_type: "application/json".into(),
        content_encoding: "utf-8".into(),
        properties: vec![("level".into(), at.to_string()), ("".into(), "ü".into())],
    }
}

/// Writes an outbox in which everything that can be stored is.
fn make(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    let mut store = open(dir, 0);
    let tick = |store: &mut Store, ms: u64, wall: i64| {
        store.tick(Moment { since_open_ms: ms, wall_ms: WALL_MS + wall });
    };
    tick(&mut store, 0, 0);
    let (press, pump) = (store.pipeline("press"), store.pipeline("pump"));
    let (alarm, result) = (store.lane("press", "alarm"), store.lane("press", "result"));
    let (other, journal) = (store.lane("pump", "result"), store.input_lane("press"));
    for at in 0..36_u64 {
        tick(&mut store, 10 + at, 10 + at as i64);
        let records = (0..4).map(|more| {
            let lane = [result, alarm, other, result][more as usize];
            let payload = text("any", at * 4 + more);
            store::Record { lane, payload, envelope: (more == 2).then(|| Arc::new(envelope(at))) }
        });
        let press_units = UnitBooks {
            received: 7,
            scored: 3,
            merged: 1,
            rejected: vec![(1, 1), (4, 1), (200, 1)],
            ..UnitBooks::default()
        };
        let pump_units = UnitBooks { received: 2, scored: 1, shed: vec![(2, 1)], ..UnitBooks::default() };
        let batch = Batch {
            records: records.collect(),
            units: vec![(press, press_units), (pump, pump_units)],
            numbers: vec![(press, "north".into(), 100 + at * 2), (pump, "".into(), at)],
            memories: vec![(
                press,
                *b"a-definition-of.",
                format!("source-{}", at % 5).into(),
                (at % 7 > 0).then(|| format!("memory {at}").into()),
            )],
            ..Batch::default()
        };
        store.commit(&batch).unwrap();
    }
    // Inputs: two waiting, one scored and kept, one done.
    let units = UnitBooks { received: 4, ..UnitBooks::default() };
    let records = (0..4).map(|at| (journal, input(at)).into()).collect();
    store.commit(&Batch { records, units: vec![(press, units)], ..Batch::default() }).unwrap();
    let units = UnitBooks { scored: 2, ..UnitBooks::default() };
    let batch = Batch {
        units: vec![(press, units)],
        settled: vec![(journal, 0), (journal, 1)],
        released: vec![(journal, 0)],
        ..Batch::default()
    };
    store.commit(&batch).unwrap();
    for (at, fate) in Fate::ALL.into_iter().enumerate() {
        store.end(result, at as u64..at as u64 + 1, fate);
    }
    store.end(result, 9..64, Fate::Delivered);
    store.end(alarm, 0..33, Fate::Delivered);
    store.end(other, 1..34, Fate::Delivered);
    store.open_again(alarm, 2..3);
    store.count_shed(alarm, 2);
    store.mark(Mark::Spent { uplink: "hub".into(), day: 19_000, bytes: 1234 });
    store.flush_marks().unwrap();
    assert!(store.merge().unwrap(), "the outbox has a merged file too");
    // The wall clock was corrected, and a file of another outbox was taken on in part.
    tick(&mut store, 90, 7_200_090);
    let batch = Batch { records: vec![(result, text("moved", 900)).into()], ..Batch::default() };
    store.import(&batch, [7; 32], false).unwrap();
    drop(store);
    // A second run, with an epoch of its own.
    let mut store = open(dir, 1);
    store.begin_epoch(*b"epoch..1");
    tick(&mut store, 5, 7_200_100);
    let batch = Batch { records: vec![(alarm, text("alarm", 1000)).into()], ..Batch::default() };
    store.commit(&batch).unwrap();
    drop(store);
    let _ = fs::remove_file(dir.join("reserve"));
}

fn ranges(set: &RangeSet) -> Vec<(u64, u64)> {
    set.ranges().map(|range| (range.start, range.end)).collect()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// What an outbox holds, in words that no format changes.
fn contents(dir: &Path) -> Value {
    let snapshot = Snapshot::read(dir).unwrap();
    let state = &snapshot.state;
    let pipelines: Vec<Value> = state
        .pipelines
        .iter()
        .map(|pipeline| {
            let units = &pipeline.units;
            let mut told = json!({
                "name": pipeline.name, "received": units.received, "scored": units.scored,
                "merged": units.merged, "rejected": rejected(units), "shed": shed(units),
                "expired": units.expired, "damaged": units.damaged, "dropped": units.dropped,
            });
            // Since format 2.
            if !pipeline.memories.is_empty() {
                let text =
                    |(source, memory): (&str, &Bytes)| json!([source, String::from_utf8_lossy(memory)]);
                told["definition"] = String::from_utf8_lossy(&pipeline.memories.definition()).into();
                told["memories"] = pipeline.memories.by_age().into_iter().map(text).collect();
            }
            told
        })
        .collect();
    let lanes: Vec<Value> = state
        .lanes
        .iter()
        .map(|lane| {
            let ended: BTreeMap<&str, u64> =
                Fate::ALL.into_iter().map(|fate| (fate.name(), lane.books.ended(fate))).collect();
            json!({
                "pipeline": lane.pipeline, "class": lane.class, "next": lane.next, "done": ranges(&lane.done),
                "settled": ranges(&lane.settled), "made": lane.books.made, "imported": lane.books.imported,
                "replayed": lane.books.replayed, "ended": ended,
            })
        })
        .collect();
    let segment = |segment: &Segment| {
        let runs: Vec<_> =
            segment.runs.iter().map(|run| (run.lane, run.first, run.end, run.records)).collect();
        json!({ "name": segment.name(), "first": segment.first, "last": segment.last, "bytes": segment.bytes,
            "oldest_at_ms": segment.oldest_at_ms, "newest_at_ms": segment.newest_at_ms, "runs": runs })
    };
    let mut records = Vec::new();
    browse(&snapshot, &Select::default(), false, &mut |record| {
        let mut told = json!({
            "pipeline": &*record.pipeline, "class": &*record.class, "sequence": record.sequence,
            "epoch": String::from_utf8_lossy(&record.epoch), "wall_ms": record.wall_ms,
            "payload": payload(&record),
        });
        if let Some(envelope) = &record.envelope {
            told["envelope"] = json!({
                "output": envelope.output, "content_type": envelope.content_type,
                "content_encoding": envelope.content_encoding, "properties": envelope.properties,
            });
        }
        records.push(told);
        Ok(Flow::Continue(()))
    })
    .unwrap();
    json!({
        "store": String::from_utf8_lossy(&snapshot.id), "at_ms": state.at_ms,
        "wall_offset_ms": state.wall_offset_ms, "wall_corrections": state.wall_corrections,
        "epochs": state.epochs.iter().map(|run| json!({
            "epoch": String::from_utf8_lossy(&run.epoch), "first": run.first })).collect::<Vec<_>>(),
        "pipelines": pipelines, "lanes": lanes, "records": records,
        "segments": state.segments.iter().map(segment).collect::<Vec<_>>(),
        "spent": state.spent.iter().map(|spent| (&spent.uplink, spent.day, spent.bytes)).collect::<Vec<_>>(),
        "senders": state.senders.iter().map(|sender| json!({
            "pipeline": sender.pipeline, "source": sender.source, "numbers": ranges(&sender.numbers),
            "repeated": sender.repeated })).collect::<Vec<_>>(),
        "imports": state.imports.iter().map(|import| json!({
            "file": hex(&import.file), "records": import.records, "whole": import.whole })).collect::<Vec<_>>(),
    })
}

fn rejected(units: &UnitBooks) -> Value {
    // What a number unknown here stands for is kept.
    let name =
        |key: u8| edgeward_core::domain::Reason::of_number(key).map_or("unknown", |reason| reason.name());
    units
        .rejected
        .iter()
        .map(|(key, count)| (name(*key).to_owned(), json!(count)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn shed(units: &UnitBooks) -> Value {
    let name = |key: u8| edgeward_core::domain::ShedPolicy::of_number(key).unwrap().name();
    units
        .shed
        .iter()
        .map(|(key, count)| (name(*key).to_owned(), json!(count)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn payload(record: &Record) -> Value {
    if &*record.class != "input" {
        return String::from_utf8_lossy(&record.payload).into();
    }
    let entry = record.format.read_entry(&record.payload).expect("a journaled input");
    let mut told = json!({
        "epoch": String::from_utf8_lossy(&entry.epoch), "sequence": entry.sequence, "arrived_us": entry.arrived_us,
        "spilled": entry.spilled, "topic": entry.topic, "payload": String::from_utf8_lossy(&entry.payload),
    });
    if !entry.input.is_empty() {
        (told["input"], told["properties"]) = (entry.input.into(), json!(entry.properties));
    }
    told
}

fn place(dir: &Path) -> Place {
    Place { dir: dir.to_owned(), options: options() }
}

#[test]
fn the_outbox_of_this_format_is_made_on_demand() {
    let Some(dir) = std::env::var_os("EDGEWARD_MAKE_GOLDEN") else { return };
    let dir = Path::new(&dir);
    make(&dir.join("outbox"));
    let file = dir.join("backlog.edgeward");
    export(
        &place(&dir.join("outbox")),
        &Select::default(),
        &Target::File(file.clone()),
        true,
        &mut |_, _| {},
    )
    .unwrap();
    let imported = tempfile::TempDir::new().unwrap();
    import(&place(imported.path()), &file, &mut |_, _| {}).unwrap();
    let records = contents(imported.path())["records"].clone();
    let payloads: Vec<&Value> = records.as_array().unwrap().iter().map(|record| &record["payload"]).collect();
    let all = json!({ "outbox": contents(&dir.join("outbox")), "backlog": payloads });
    fs::write(dir.join("contents.json"), format!("{all:#}\n")).unwrap();
}

/// Every format there ever was: its folder beside its contents in words.
const FORMATS: [&str; 2] = ["format-1", "format-2"];

fn golden(format: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/stored").join(format)
}

fn expected(format: &str) -> Value {
    serde_json::from_slice(&fs::read(golden(format).join("contents.json")).unwrap()).unwrap()
}

#[test]
fn an_outbox_of_every_format_is_read_and_its_books_balance() {
    for format in FORMATS {
        let dir = tempfile::TempDir::new().unwrap();
        copy(&golden(format).join("outbox"), dir.path());
        assert_eq!(contents(dir.path()), expected(format)["outbox"], "{format}");
        let audit = super::audit::audit(dir.path(), &mut |_, _| {}).unwrap();
        assert!(audit.balanced, "{format}: {:#?}", audit.gaps);
        // It goes on, and what was there stays.
        let mut store = open(dir.path(), 2);
        let lane = store.lane("press", "alarm");
        let batch = Batch { records: vec![(lane, text("alarm", 2000)).into()], ..Batch::default() };
        store.commit(&batch).unwrap();
        drop(store);
        let after = contents(dir.path())["records"].as_array().unwrap().len();
        assert_eq!(after, expected(format)["outbox"]["records"].as_array().unwrap().len() + 1);
        assert!(super::audit::audit(dir.path(), &mut |_, _| {}).unwrap().balanced);
    }
}

#[test]
fn an_export_of_every_format_is_imported() {
    for format in FORMATS {
        let dir = tempfile::TempDir::new().unwrap();
        import(&place(dir.path()), &golden(format).join("backlog.edgeward"), &mut |_, _| {}).unwrap();
        let records = contents(dir.path())["records"].clone();
        let payloads: Vec<Value> =
            records.as_array().unwrap().iter().map(|record| record["payload"].clone()).collect();
        assert_eq!(Value::from(payloads), expected(format)["backlog"], "{format}");
    }
}
