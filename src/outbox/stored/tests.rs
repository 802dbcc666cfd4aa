//! Every stored type as it stands on disk, byte for byte: a change of one fails here, and needs a new format.

use std::{fmt::Write, fs, path::Path};

use bytes::Bytes;

use super::*;
use crate::store::{
    Directory, Fate, Import, Memories, RangeSet, ResultBooks, Run, Segment, SegmentRun, Sender, UnitBooks,
};
use crate::tools::CarriedLane;
use edgeward_core::domain::{Reason, ShedPolicy};

fn units() -> UnitBooks {
    UnitBooks {
        received: 1000,
        scored: 600,
        merged: 5,
        // The last one is of a reason that comes later.
        rejected: vec![(Reason::MissingField.number(), 7), (250, 2)],
        shed: vec![(ShedPolicy::DrainDeadline.number(), 9)],
        expired: 1,
        damaged: 2,
        dropped: 3,
    }
}

fn results() -> ResultBooks {
    ResultBooks { made: 500, imported: 4, replayed: 3, ended: [1, 2, 3, 4, 5, 6, 300] }
}

fn segment() -> Segment {
    let runs = vec![SegmentRun { lane: 1, first: 2, end: 300, records: 4 }];
    Segment {
        file: 9,
        first: 7,
        last: 8,
        merged: true,
        bytes: 4096,
        oldest_at_ms: 10,
        newest_at_ms: 20,
        runs,
    }
}

fn ranges() -> RangeSet {
    RangeSet::of_ranges([3..7, 100..101, 4000..5000])
}

fn import() -> Import {
    Import { file: [5; 32], records: 77, whole: true }
}

fn marks() -> Vec<Mark> {
    let (lane, first, count) = (3, 40, 5);
    let mut marks = vec![
        Mark::Pipeline { at: 1, name: "press".into() },
        Mark::Lane { at: 2, pipeline: 1, class: "alarm".into() },
        Mark::Settled { lane, first, count },
        Mark::Opened { lane, first, count },
        Mark::Units { pipeline: 1, books: units() },
        Mark::Results { lane, books: results() },
        Mark::Wall { offset_ms: -5_000_000_000 },
        Mark::Epoch(*b"an-epoch"),
        Mark::Merged { into: segment(), replaced: vec![7, 8] },
        Mark::Spent { uplink: "hub".into(), day: 19_000, bytes: 1234 },
        Mark::Sender { pipeline: 1, source: "north".into(), numbers: ranges(), repeated: 2 },
        Mark::Imported(import()),
        Mark::Remembered {
            pipeline: 1,
            definition: *b"a-definition-of.",
            source: "north".into(),
            memory: Some(Bytes::from_static(b"memory")),
        },
        Mark::Remembered { pipeline: 1, definition: [0; 16], source: "south".into(), memory: None },
    ];
    marks.extend(Fate::ALL.map(|fate| Mark::Done { lane, first, count, fate }));
    marks
}

fn state() -> State {
    let memories = [("south".to_owned(), "older".into()), ("north".to_owned(), "newer".into())];
    State {
        at_ms: 123,
        wall_offset_ms: Some(-7),
        wall_corrections: 2,
        epochs: vec![crate::store::state::EpochRun { epoch: *b"an-epoch", first: vec![0, 9] }],
        pipelines: vec![crate::store::state::Pipeline {
            name: "press".into(),
            units: units(),
            memories: Memories::new(*b"a-definition-of.", memories),
        }],
        lanes: vec![crate::store::Lane {
            pipeline: 0,
            class: "alarm".into(),
            next: 9000,
            done: ranges(),
            settled: RangeSet::default(),
            books: results(),
        }],
        segments: vec![segment()],
        next_file: 10,
        spent: vec![crate::store::state::Spent { uplink: "hub".into(), day: 1, bytes: 2 }],
        senders: vec![Sender { pipeline: 0, source: "north".into(), numbers: ranges(), repeated: 1 }],
        imports: vec![import()],
    }
}

fn directory() -> Directory {
    let runs = vec![Run { lane: 0, first: 1000, count: 2 }, Run { lane: 700, first: 0, count: 1 }];
    Directory { at_ms: 55, synced_to: 66, raw_bytes: 77, runs }
}

fn entry() -> Entry {
    Entry {
        epoch: *b"an-epoch",
        sequence: 5,
        arrived_us: -1,
        spilled: true,
        topic: "plant/press".into(),
        payload: Bytes::from_static(b"{}"),
        input: "readings".into(),
        properties: vec![("name".into(), "value".into()), ("name".into(), "".into())],
    }
}

fn envelope() -> Envelope {
    Envelope {
        output: "alerts".into(),
        content_type: "application/json".into(),
        content_encoding: "utf-8".into(),
        properties: vec![("level".into(), "2".into())],
    }
}

fn index() -> Index {
    let lane = CarriedLane {
        pipeline: "press".into(),
        class: "alarm".into(),
        epoch: *b"an-epoch",
        sequences: ranges(),
        records: 3,
    };
    Index { lanes: vec![lane], records: 3, bytes: 99 }
}

/// Each example's name and bytes.
fn examples() -> Vec<(String, Vec<u8>)> {
    fn with(put: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        put(&mut bytes);
        bytes
    }
    let mut examples = vec![
        ("directory".to_owned(), with(|out| put_directory(&directory(), out))),
        ("state".to_owned(), state_bytes(&state())),
        ("entry".to_owned(), entry_bytes(&entry())),
        ("envelope".to_owned(), with(|out| put_envelope(&envelope(), out))),
        ("index".to_owned(), index_bytes(&index())),
        ("carried".to_owned(), with(|out| put_carried(3, 4, b"payload", None, out))),
        ("carried with envelope".to_owned(), with(|out| put_carried(3, 4, b"p", Some(&envelope()), out))),
    ];
    for (at, mark) in marks().iter().enumerate() {
        examples.push((format!("mark {at}"), with(|out| put_mark(mark, out))));
    }
    examples
}

#[test]
fn what_is_written_is_what_was_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/stored/types-2.txt");
    let mut text = String::new();
    for (name, bytes) in examples() {
        writeln!(text, "{name}: {}", edgeward_core::crypto::hex(&bytes)).unwrap();
    }
    if std::env::var_os("EDGEWARD_MAKE_GOLDEN").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap();
    for (now, then) in text.lines().zip(known.lines()) {
        assert_eq!(now, then, "a stored type changed: that needs a new format, and this one read for ever");
    }
    assert_eq!(text.lines().count(), known.lines().count());
}

#[test]
fn everything_comes_back() {
    let mut bytes = Vec::new();
    put_directory(&directory(), &mut bytes);
    assert_eq!(Format::Two.take_directory(&bytes), Some((directory(), &[][..])));
    assert_eq!(Format::Two.read_state(&state_bytes(&state())), Some(state()));
    assert_eq!(Format::Two.read_entry(&entry_bytes(&entry())), Some(entry()));
    assert_eq!(Format::Two.read_index(&index_bytes(&index())), Some(index()));
    for mark in marks() {
        let mut bytes = Vec::new();
        put_mark(&mark, &mut bytes);
        assert_eq!(Format::Two.take_mark(&bytes), Some((Some(mark), &[][..])));
    }
    let mut bytes = Vec::new();
    put_carried(3, 4, b"payload", Some(&envelope()), &mut bytes);
    let carried = Carried { lane: 3, payload: b"payload", envelope: Some(Arc::new(envelope())) };
    assert_eq!(Format::Two.take_carried(&bytes), Some((carried, &[][..])));
}

/// What a later edgeward adds within this format: fields and kinds of marks that are passed over.
#[test]
fn unknown_fields_and_marks_are_passed_over() {
    // Field 1000, a varint.
    let later = [0xc0, 0x3e, 0x01];
    let mut bytes = entry_bytes(&entry());
    bytes.extend(later);
    assert_eq!(Format::Two.read_entry(&bytes), Some(entry()));
    assert_eq!(Format::Two.take_mark(&[&[3][..], &later, b"rest"].concat()), Some((None, &b"rest"[..])));
}

/// No cut and no flipped bit makes it panic, or reserve what it claims.
#[test]
fn lies_are_refused_or_read_as_something_else() {
    for (_, bytes) in examples() {
        for at in 0..bytes.len() {
            let mut tries = vec![bytes[..at].to_vec()];
            tries.extend((0..8).map(|bit| {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                bad
            }));
            for bad in tries {
                for format in [Format::One, Format::Two] {
                    let _ = format.take_directory(&bad);
                    let _ = format.take_mark(&bad);
                    let _ = format.read_state(&bad);
                    let _ = format.read_entry(&bad);
                    let _ = format.read_index(&bad);
                    let _ = format.take_carried(&bad);
                }
            }
        }
    }
}
