//! Disks that fail and go on: errors, no room, damage.

use std::io;

use bytes::Bytes;

use super::workload::{open, options, pending, unbalanced};
use crate::store::{
    Batch, Fate, Store, StoreOptions,
    cursor::ReadError,
    faulty_disk::{Choose, FaultyDisk},
};

fn batch(store: &mut Store, texts: &[&str]) -> Batch {
    let lane = store.lane("press", "result");
    Batch {
        records: texts.iter().map(|text| (lane, Bytes::copy_from_slice(text.as_bytes())).into()).collect(),
        ..Batch::default()
    }
}

fn texts(store: &Store) -> Vec<String> {
    pending(store).values().map(|payload| String::from_utf8_lossy(payload).into_owned()).collect()
}

#[test]
fn after_a_failed_sync_the_records_are_written_again_to_a_new_segment() {
    for more in 1..6 {
        let disk = FaultyDisk::new(1 << 20);
        let (mut store, _) = open(&disk, options());
        let first = batch(&mut store, &["one"]);
        store.commit(&first).unwrap();
        disk.fail_in(more, io::ErrorKind::Other);
        for text in ["two", "three", "four"] {
            let next = batch(&mut store, &[text]);
            store.commit(&next).unwrap();
        }
        let expected = ["one", "two", "three", "four"];
        assert_eq!(texts(&store), expected, "the fault at operation {more}");
        let (again, recovery) = open(&disk, options());
        assert_eq!((texts(&again), recovery.damage.len()), (expected.map(String::from).to_vec(), 0));
        assert_eq!(unbalanced(&again, &pending(&again)), None);
    }
}

/// Nothing of what was not synced is found.
struct Lost;

impl Choose for Lost {
    fn name(&mut self) -> bool {
        false
    }

    fn sectors(&mut self, _count: u64) -> (u64, u64) {
        (0, 0)
    }
}

/// A disk may say only at the sync that it has no room, and then takes the next sync of the same file.
#[test]
fn a_sync_that_finds_no_room_is_not_believed_the_next_time() {
    let disk = FaultyDisk::new(1 << 20);
    let (mut store, _) = open(&disk, options());
    let first = batch(&mut store, &["one"]);
    store.commit(&first).unwrap();
    disk.fail_syncs_for(0, 1, io::ErrorKind::StorageFull);
    let second = batch(&mut store, &["two"]);
    if store.commit(&second).is_err() {
        store.sync().unwrap();
    }
    // Acknowledged, hence there, whatever else is lost.
    let (again, recovery) = open(&disk.crashed(&mut Lost), options());
    assert_eq!((texts(&again), recovery.damage), (vec!["one".to_owned(), "two".to_owned()], Vec::new()));
}

/// The process dies, the system lives: all that was written is there.
struct Kill;

impl Choose for Kill {
    fn name(&mut self) -> bool {
        true
    }

    fn sectors(&mut self, count: u64) -> (u64, u64) {
        (0, count)
    }
}

/// However long a disk fails, no segment goes before the log knows that its records have ended, and a
/// kill at any time finds nothing damaged.
#[test]
fn ends_outlive_a_disk_that_fails_for_a_while() {
    let times = (0..12).flat_map(|more| (1..20).map(move |count| (more, count)));
    for ((more, count), all) in times.flat_map(|time| [(time, true), (time, false)]) {
        let disk = FaultyDisk::new(1 << 20);
        let (mut store, _) = open(&disk, options());
        let first = batch(&mut store, &["one", "two"]);
        store.commit(&first).unwrap();
        // Begins the next segment: only sealed ones are removed.
        store.rotate().unwrap();
        let second = batch(&mut store, &["kept"]);
        store.commit(&second).unwrap();
        let lane = store.lane("press", "result");
        if all {
            disk.fail_for(more + 1, count, io::ErrorKind::Other);
        } else {
            disk.fail_syncs(more, count);
        }
        store.end(lane, 0..2, Fate::Delivered);
        let mut stored = vec!["kept".to_owned()];
        for text in ["three", "four", "five", "six"] {
            let next = batch(&mut store, &[text]);
            match store.commit(&next) {
                Ok(_) => stored.push(text.to_owned()),
                Err(_) => store.give_up(),
            }
            if store.flush_marks().is_err() {
                store.give_up();
            }
            let _ = store.reclaim(false);
            let (killed, recovery) = open(&disk.crashed(&mut Kill), options());
            assert_eq!(recovery.damage, [], "{count} faults from {more}, killed at {text}");
            assert!(stored.iter().all(|text| texts(&killed).contains(text)));
        }
        // What was given up has no sequence.
        assert_eq!(store.next_of(lane), 2 + stored.len() as u64);
        assert_eq!(texts(&store), stored);
        assert_eq!(unbalanced(&store, &pending(&store)), None);
    }
}

#[test]
fn a_full_disk_is_an_error_that_passes() {
    let disk = FaultyDisk::new(3000);
    let (mut store, _) = open(&disk, options());
    let big = "x".repeat(200);
    let mut stored = 0;
    let error = loop {
        let next = batch(&mut store, &[&format!("{stored}{big}")]);
        match store.commit(&next) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(stored > 3);
    assert!(store.sync().is_err());
    disk.set_free_bytes(1 << 20);
    store.sync().unwrap();
    assert_eq!(texts(&store).len(), stored + 1);
    // The other way out: let go, and count.
    disk.set_free_bytes(disk.used_bytes());
    let next = batch(&mut store, &[&big]);
    store.commit(&next).unwrap_err();
    store.give_up();
    disk.set_free_bytes(1 << 20);
    let next = batch(&mut store, &["after"]);
    store.commit(&next).unwrap();
    let (again, recovery) = open(&disk, options());
    assert_eq!((texts(&again).len(), recovery.damage.len()), (stored + 2, 0));
    let state = again.shared();
    let books = state.state().lanes[0].books;
    assert_eq!((books.made, books.ended(Fate::Shed)), (stored as u64 + 3, 1));
}

#[test]
fn a_flipped_bit_costs_its_frame_and_is_counted() {
    let disk = FaultyDisk::new(1 << 20);
    let (mut store, _) = open(&disk, options());
    let mut ends = Vec::new();
    for text in ["one", "two", "three"] {
        let next = batch(&mut store, &[text]);
        store.commit(&next).unwrap();
        ends.push(disk.durable_len("segment-0000000000000001"));
    }
    // While it runs: met on reading, set aside.
    disk.flip("segment-0000000000000001", ends[0] + 12);
    let (shared, id, it) = (store.shared(), store.id(), store.disk());
    let mut cursor = super::super::cursor::Cursor::new(it, shared, id, "result", Default::default());
    assert_eq!(cursor.next(&|_, _| false).unwrap().unwrap().payload, "one");
    let Err(ReadError::Damaged { file, .. }) = cursor.next(&|_, _| false) else { panic!("read damage") };
    let damage = store.set_aside(file).unwrap();
    assert_eq!((damage.len(), damage[0].records), (1, 1));
    assert_eq!(texts(&store), ["one", "three"]);
    assert_eq!(unbalanced(&store, &pending(&store)), None);
    let (again, recovery) = open(&disk, options());
    assert_eq!((texts(&again).len(), recovery.damage.len()), (2, 0));
}

#[test]
fn damage_of_the_newest_segment_is_found_at_the_start() {
    let disk = FaultyDisk::new(1 << 20);
    let (mut store, _) = open(&disk, options());
    let mut ends = Vec::new();
    for text in ["one", "two", "three"] {
        let next = batch(&mut store, &[text]);
        store.commit(&next).unwrap();
        ends.push(disk.durable_len("segment-0000000000000001"));
    }
    disk.flip("segment-0000000000000001", ends[0] + 12);
    let (again, recovery) = open(&disk, options());
    assert_eq!(recovery.damage.iter().map(|damage| damage.records).sum::<u64>(), 1);
    assert!(recovery.new_epoch);
    let shared = again.shared();
    let books = shared.state().lanes[0].books;
    assert_eq!((books.made, books.ended(Fate::Damaged), books.pending()), (3, 1, 2));
}

#[test]
fn a_missing_segment_is_counted_and_never_a_refusal() {
    let disk = FaultyDisk::new(1 << 20);
    let (mut store, _) = open(&disk, StoreOptions { segment_bytes: 600, ..options() });
    for at in 0..40 {
        let next = batch(&mut store, &[&format!("{at:0100}")]);
        store.commit(&next).unwrap();
    }
    use crate::store::disk::Disk;
    let names: Vec<String> = disk.list().unwrap().into_iter().map(|(name, _)| name).collect();
    assert!(names.len() > 3, "{names:?}");
    disk.remove(&names[1]).unwrap();
    let (again, recovery) = open(&disk, options());
    let lost: u64 = recovery.damage.iter().map(|damage| damage.records).sum();
    assert!(lost > 0);
    assert_eq!(texts(&again).len() as u64, 40 - lost);
    assert_eq!(unbalanced(&again, &pending(&again)), None);
}

#[test]
fn a_store_whose_heads_are_unreadable_is_set_aside_and_begun_anew() {
    let disk = FaultyDisk::new(1 << 20);
    let (mut store, _) = open(&disk, options());
    let next = batch(&mut store, &["one"]);
    store.commit(&next).unwrap();
    disk.flip("segment-0000000000000001", 40);
    let (mut store, recovery) = open(&disk, options());
    assert_eq!(recovery.unreadable, ["segment-0000000000000001"]);
    let next = batch(&mut store, &["two"]);
    store.commit(&next).unwrap();
    use crate::store::disk::Disk;
    let names: Vec<String> = disk.list().unwrap().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["damaged-segment-0000000000000001", "reserve", "segment-0000000000000002"]);
    assert_eq!(texts(&open(&disk, options()).0), ["two"]);
}

#[test]
fn a_damaged_head_costs_nothing_when_the_segment_before_is_there() {
    let disk = FaultyDisk::new(1 << 20);
    let (mut store, _) = open(&disk, StoreOptions { segment_bytes: 600, ..options() });
    let mut last = String::new();
    for at in 0..40 {
        let next = batch(&mut store, &[&format!("{at:0100}")]);
        store.commit(&next).unwrap();
        let newest = store.shared().state().segments.last().unwrap().name();
        if at > 37 && newest == last {
            break;
        }
        last = newest;
    }
    let before = texts(&store);
    disk.flip(&last, 50);
    let (mut again, recovery) = open(&disk, options());
    assert_eq!(recovery.damage, []);
    // A reader meets the bad head, and the rest of the file is copied.
    let file = again.shared().state().segments.last().unwrap().file;
    assert_eq!(again.set_aside(file).unwrap(), []);
    assert_eq!(texts(&again), before);
    assert_eq!(unbalanced(&again, &pending(&again)), None);
}

#[test]
fn a_full_disk_empties_as_records_are_delivered() {
    let disk = FaultyDisk::new(1 << 20);
    let (mut store, _) = open(&disk, options());
    for at in 0..100 {
        let next = batch(&mut store, &[&format!("{at:0300}")]);
        store.commit(&next).unwrap();
    }
    // Somebody else takes the last block.
    disk.set_free_bytes(disk.used_bytes());
    let next = batch(&mut store, &[&"x".repeat(5000)]);
    assert_eq!(store.commit(&next).unwrap_err().kind(), io::ErrorKind::StorageFull);
    store.give_up();
    let (lane, before) = (store.lane("press", "result"), disk.used_bytes());
    store.end(lane, 0..80, Fate::Delivered);
    store.reclaim(false).unwrap();
    assert!(disk.used_bytes() < before / 2, "{} of {before}", disk.used_bytes());
    let (again, recovery) = open(&disk, options());
    assert_eq!((texts(&again).len(), recovery.damage.len()), (20, 0));
    assert_eq!(unbalanced(&again, &pending(&again)), None);
}
