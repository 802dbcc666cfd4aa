//! Bounds in bytes and in time: who gives way, and what no clock can do.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::workload::{open, options, pending, unbalanced};
use crate::store::{Batch, Fate, Moment, Room, Store, StoreOptions, UnitBooks, faulty_disk::FaultyDisk};
use edgeward_core::domain::{ClassPolicy, WhenFull};

const RECORD: u64 = 300;

fn with(alarm: ClassPolicy, result: ClassPolicy) -> StoreOptions {
    let classes = BTreeMap::from([("alarm".to_owned(), alarm), ("result".to_owned(), result)]);
    StoreOptions { classes, compress: false, ..options() }
}

fn class(priority: u8) -> ClassPolicy {
    ClassPolicy { priority, ..ClassPolicy::default() }
}

/// Asks for room and stores one record if there is any.
fn store_one(store: &mut Store, class: &str) -> Room {
    let room = store.make_room(class, RECORD).unwrap();
    if room == Room::Yes {
        let lane = store.lane("press", class);
        let payload = Bytes::from(vec![7; RECORD as usize]);
        store.commit(&Batch { records: vec![(lane, payload).into()], ..Batch::default() }).unwrap();
    }
    room
}

fn books(store: &Store, class: &str) -> (u64, u64, u64) {
    let shared = store.shared();
    let state = shared.state();
    let books =
        state.lane_of("press", class).map(|lane| state.lanes[usize::from(lane)].books).unwrap_or_default();
    (books.made, books.ended(Fate::Shed), books.pending())
}

#[test]
fn the_oldest_of_the_least_important_class_gives_way() {
    let disk = FaultyDisk::new(1 << 20);
    let (mut store, _) = open(&disk, with(class(0), class(5)));
    for _ in 0..400 {
        assert_eq!(store_one(&mut store, "result"), Room::Yes);
        assert!(disk.used_bytes() <= options().max_bytes, "{}", disk.used_bytes());
    }
    let (made, shed, left) = books(&store, "result");
    assert_eq!((made, shed + left), (400, 400));
    for _ in 0..400 {
        assert_eq!(store_one(&mut store, "alarm"), Room::Yes);
    }
    // At last only alarms are there, and the oldest of them give way too.
    assert_eq!(books(&store, "result").2, 0);
    assert!(books(&store, "alarm").1 > 0);
    // No alarm gives way to a result.
    let alarms = books(&store, "alarm");
    let rooms: Vec<Room> = (0..50).map(|_| store_one(&mut store, "result")).collect();
    assert!(rooms.iter().all(|room| *room != Room::Refuse));
    assert_eq!(books(&store, "alarm"), alarms);
    assert_eq!(unbalanced(&store, &pending(&store)), None);
}

#[test]
fn a_share_is_not_taken_by_others() {
    let disk = FaultyDisk::new(1 << 20);
    let share_bytes = options().max_bytes / 4;
    let (mut store, _) = open(&disk, with(class(0), ClassPolicy { share_bytes, ..class(5) }));
    for name in ["result", "alarm"] {
        for _ in 0..400 {
            store_one(&mut store, name);
        }
    }
    let left = books(&store, "result").2 * RECORD;
    // Room goes a segment at a time.
    assert!(left + options().segment_bytes >= share_bytes && left > 0, "{left} of {share_bytes}");
}

#[test]
fn who_refuses_sheds_nothing() {
    let disk = FaultyDisk::new(1 << 20);
    let refuse = ClassPolicy { when_full: WhenFull::RefuseNewest, ..class(5) };
    let (mut store, _) = open(&disk, with(class(0), refuse));
    while store_one(&mut store, "result") == Room::Yes {}
    assert_eq!(store_one(&mut store, "result"), Room::Refuse);
    let (made, shed, left) = books(&store, "result");
    assert_eq!((shed, left), (0, made));
    assert_eq!(store_one(&mut store, "alarm"), Room::Shed, "what refuses gives no way to alarms either");
    // Room comes back as records are delivered.
    let lane = store.lane("press", "result");
    store.end(lane, 0..made, Fate::Delivered);
    assert_eq!(store_one(&mut store, "result"), Room::Yes);
}

#[test]
fn the_last_free_bytes_of_the_disk_are_not_taken() {
    let disk = FaultyDisk::new(30 << 10);
    let (mut store, _) = open(&disk, StoreOptions { min_free_bytes: 20 << 10, ..with(class(0), class(5)) });
    for _ in 0..200 {
        store_one(&mut store, "result");
    }
    assert!(disk.used_bytes() <= 10 << 10, "{}", disk.used_bytes());
    assert!(books(&store, "result").2 > 0);
}

#[test]
fn no_jump_of_the_clock_expires_or_loses_anything() {
    const HOUR_MS: i64 = 3_600_000;
    let ttl = ClassPolicy { ttl_ms: Some(60_000), ..class(5) };
    let options = || with(class(0), ttl.clone());
    let disk = FaultyDisk::new(1 << 20);
    let now = 1_795_000_000_000_i64;
    let (mut store, _) = open(&disk, options());
    let walls = [now, now - HOUR_MS, now + 10 * 365 * 24 * HOUR_MS, 0, now];
    for (at, wall_ms) in walls.into_iter().enumerate() {
        store.tick(Moment { since_open_ms: at as u64 * 1000, wall_ms });
        store_one(&mut store, "result");
        assert_eq!(store.expire(), 0, "at {wall_ms}");
    }
    assert_eq!(store.shared().state().wall_corrections, 4);
    // Off for an unknown time, and no battery clock: that time counts as zero.
    let (mut store, _) = open(&disk, options());
    store.tick(Moment { since_open_ms: 10, wall_ms: 0 });
    assert_eq!(store.expire(), 0);
    assert_eq!(pending(&store).len(), 5);
    assert!(store.now_ms() >= 4000, "time goes on where it stood: {}", store.now_ms());
    // A minute of use later they are too old, whatever the clock says.
    store.tick(Moment { since_open_ms: 61_000, wall_ms: 50 });
    assert_eq!(store.expire(), 5);
    assert_eq!(unbalanced(&store, &pending(&store)), None);
}

/// Everything was delivered, and the next start comes within a second, so that it has nothing to write.
#[test]
fn the_books_survive_a_start_with_nothing_left() {
    let disk = FaultyDisk::new(1 << 20);
    let (mut store, _) = open(&disk, options());
    let (lane, press) = (store.lane("press", "result"), store.pipeline("press"));
    let units = UnitBooks { received: 1, scored: 1, ..UnitBooks::default() };
    let records = vec![(lane, Bytes::from_static(b"one")).into()];
    store.commit(&Batch { records, units: vec![(press, units)], ..Batch::default() }).unwrap();
    store.end(lane, 0..1, Fate::Delivered);
    store.flush_marks().unwrap();
    let state = store.shared().state().clone();
    drop(store);
    for _ in 0..2 {
        let (mut again, recovery) = open(&disk, options());
        assert!(!recovery.created, "the outbox was removed");
        again.reclaim(true).unwrap();
        let now = again.shared().state().clone();
        assert_eq!((now.lanes, now.pipelines), (state.lanes.clone(), state.pipelines.clone()));
    }
}
