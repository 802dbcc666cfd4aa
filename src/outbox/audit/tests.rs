//! The audit of outboxes that are whole, damaged, and being written.

use std::{
    fs::{self, OpenOptions},
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::store::{
    Batch, Fate, Fresh, Moment, Store, StoreOptions, UnitBooks, cursor::Cursor, disk::Folder,
};

fn options() -> StoreOptions {
    StoreOptions { segment_bytes: 4096, min_free_bytes: 0, compress: false, ..StoreOptions::default() }
}

fn open(dir: &Path) -> Store {
    let fresh = Fresh { store: *b"a-store.", epoch: *b"an-epoch" };
    Store::open(Arc::new(Folder::new(dir)), options(), fresh).unwrap().0
}

fn commit(store: &mut Store, class: &str, count: u64) {
    let (lane, pipeline) = (store.lane("press", class), store.pipeline("press"));
    let payload = |at| Bytes::from(format!("{at:0300}").into_bytes());
    let units = UnitBooks { received: count, scored: count, ..UnitBooks::default() };
    let records = (0..count).map(|at| (lane, payload(at)).into()).collect();
    store.commit(&Batch { records, units: vec![(pipeline, units)], ..Batch::default() }).unwrap();
}

fn audited(dir: &Path) -> Audit {
    audit(dir, &mut |_, _| {}).unwrap()
}

fn segments(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("segment-")).collect();
    names.sort();
    names
}

/// Where a segment's last frame ends; the file may be longer.
fn end_of(dir: &Path, name: &str) -> u64 {
    let state = Snapshot::read(dir).unwrap().state;
    state.segments.iter().find(|segment| segment.name() == name).unwrap().bytes
}

fn flip(dir: &Path, name: &str, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(dir.join(name)).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 1], at).unwrap();
}

#[test]
fn whole_books_balance() {
    let dir = TempDir::new().unwrap();
    let mut store = open(dir.path());
    for _ in 0..40 {
        commit(&mut store, "result", 3);
        commit(&mut store, "alarm", 1);
    }
    let lane = store.lane("press", "result");
    store.end(lane, 0..50, Fate::Delivered);
    store.end(lane, 60..70, Fate::Expired);
    store.flush_marks().unwrap();
    store.reclaim(true).unwrap();
    while store.merge().unwrap() {}
    let press = store.pipeline("press");
    for number in [5, 6, 9, 9, 12] {
        store.count_number(press, "m1", number);
    }
    store.count_shed(lane, 7);
    store.flush_marks().unwrap();
    let audit = audited(dir.path());
    assert!(audit.balanced, "{:#?}", audit.gaps);
    let result = &audit.lanes[0];
    assert_eq!((result.made, result.pending, result.on_disk), (127, 60, 60));
    assert_eq!((result.ended["delivered"], result.ended["shed"]), (50, 7));
    assert_eq!(audit.units[0].books.received, 160);
    let sender = &audit.senders[0];
    assert_eq!((sender.missing, sender.repeated), (4, 1));
    assert_eq!(sender.missing_runs, [(7, 8), (10, 11)]);
}

#[test]
fn a_flipped_bit_is_a_gap_with_file_byte_and_sequences() {
    let dir = TempDir::new().unwrap();
    let mut store = open(dir.path());
    for _ in 0..40 {
        commit(&mut store, "result", 2);
    }
    drop(store);
    let names = segments(dir.path());
    assert!(names.len() > 2, "{names:?}");
    let bytes = end_of(dir.path(), &names[0]);
    flip(dir.path(), &names[0], bytes - 3);
    let audit = audited(dir.path());
    assert_eq!(audit.gaps.len(), 1, "{:#?}", audit.gaps);
    let (gap, damage) = (&audit.gaps[0], &audit.damaged[0]);
    assert_eq!((gap.pipeline.as_str(), gap.class.as_deref()), ("press", Some("result")));
    assert_eq!((gap.file.as_ref(), gap.byte), (Some(&names[0]), Some(damage.from)));
    assert_eq!((damage.file.as_str(), damage.to), (names[0].as_str(), bytes));
    let (first, last) = gap.sequences.unwrap();
    assert_eq!(last - first, 1, "a frame of two records");
    let result = &audit.lanes[0];
    assert_eq!((result.pending, result.on_disk), (80, 78));

    // Set aside and counted: the books balance again.
    let mut store = open(dir.path());
    store.set_aside(1).unwrap();
    let audit = audited(dir.path());
    assert!(audit.balanced, "{:#?}", audit.gaps);
    assert_eq!(audit.lanes[0].ended["damaged"], 2);
}

#[test]
fn a_segment_that_is_gone_or_cut_is_a_gap() {
    let dir = TempDir::new().unwrap();
    let mut store = open(dir.path());
    for _ in 0..60 {
        commit(&mut store, "result", 2);
    }
    drop(store);
    let names = segments(dir.path());
    fs::remove_file(dir.path().join(&names[1])).unwrap();
    let cut = OpenOptions::new().write(true).open(dir.path().join(&names[2])).unwrap();
    cut.set_len(end_of(dir.path(), &names[2]) / 2).unwrap();
    let audit = audited(dir.path());
    let files: Vec<_> = audit.gaps.iter().map(|gap| gap.file.clone().unwrap()).collect();
    assert_eq!(files, [names[1].clone(), names[2].clone()], "{:#?}", audit.gaps);
    let lost: u64 = audit.gaps.iter().map(|gap| gap.sequences.unwrap()).map(|(a, b)| b - a + 1).sum();
    let result = &audit.lanes[0];
    assert_eq!(result.pending - result.on_disk, lost);
}

/// Every audit of a store that is written, delivered, merged and reclaimed at full speed balances.
#[test]
fn a_store_at_work_balances_at_every_look() {
    let dir = TempDir::new().unwrap();
    let stop = AtomicBool::new(false);
    let steps = AtomicU64::new(0);
    let mut looks = 0;
    commit(&mut open(dir.path()), "result", 1);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut store = open(dir.path());
            let mut step = 0;
            while !stop.load(Ordering::Relaxed) {
                step += 1;
                steps.store(step, Ordering::Relaxed);
                store.tick(Moment { since_open_ms: step, wall_ms: 1_700_000_000_000 });
                commit(&mut store, "result", 1 + step % 5);
                commit(&mut store, "alarm", 1);
                let (disk, shared) = (store.disk(), store.shared());
                let mut cursor = Cursor::new(disk, shared, store.id(), "result", Default::default());
                // As much as comes, so that there is always some left.
                for skip in 0..6 {
                    let Some(item) = cursor.next(&|_, sequence| sequence % 7 == skip).unwrap() else { break };
                    store.end(item.lane, item.sequence..item.sequence + 1, Fate::Delivered);
                }
                let alarm = store.lane("press", "alarm");
                store.end(alarm, 0..store.next_of(alarm).saturating_sub(20), Fate::Delivered);
                store.reclaim(true).unwrap();
                if step % 4 == 0 {
                    store.merge().unwrap();
                }
            }
        });
        // Whatever fails, the writer must end.
        let looked = std::panic::catch_unwind(|| {
            let mut looks = 0;
            while looks < 60 || steps.load(Ordering::Relaxed) < 500 {
                let audit = audited(dir.path());
                assert!(audit.balanced, "look {looks}: {:#?}", audit.gaps);
                looks += 1;
            }
            looks
        });
        stop.store(true, Ordering::Relaxed);
        match looked {
            Ok(count) => looks = count,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    });
    assert!(looks >= 60);
    assert!(audited(dir.path()).balanced);
}

/// Who forgets that records ended delivers them again, and says so.
#[test]
fn a_lost_frame_of_ends_is_a_gap_until_the_next_start() {
    let dir = TempDir::new().unwrap();
    let mut store = open(dir.path());
    commit(&mut store, "result", 3);
    let lane = store.lane("press", "result");
    let before = end_of(dir.path(), &segments(dir.path())[0]);
    store.end(lane, 0..3, Fate::Delivered);
    store.flush_marks().unwrap();
    commit(&mut store, "result", 3);
    store.end(lane, 3..4, Fate::Delivered);
    store.flush_marks().unwrap();
    drop(store);
    flip(dir.path(), &segments(dir.path())[0], before + 12);
    let audit = audited(dir.path());
    assert_eq!((audit.gaps.len(), audit.damaged[0].from), (1, before), "{:#?}", audit.gaps);
    commit(&mut open(dir.path()), "result", 1);
    let audit = audited(dir.path());
    assert!(audit.balanced, "{:#?}", audit.gaps);
    assert_eq!((audit.lanes[0].replayed, audit.lanes[0].on_disk), (3, 6));
}

/// A new segment's head knows nothing of the frame behind it, also not that its records have ended.
#[test]
fn a_record_that_ends_as_it_is_written_ends_with_its_frame() {
    let dir = TempDir::new().unwrap();
    commit(&mut open(dir.path()), "result", 10);
    let mut store = open(dir.path());
    let lane = store.lane("press", "result");
    let units = UnitBooks { received: 1, scored: 1, ..UnitBooks::default() };
    let batch = Batch {
        records: vec![(lane, bytes::Bytes::from_static(b"born and ended")).into()],
        units: vec![(store.pipeline("press"), units)],
        released: vec![(lane, store.next_of(lane))],
        ..Batch::default()
    };
    store.commit(&batch).unwrap();
    let audit = audited(dir.path());
    assert!(audit.balanced, "{:#?}", audit.gaps);
    assert_eq!(audit.lanes[0].pending, 10);
    drop(store);
    // A power cut: the head is on the disk, the frame is not whole.
    let names = segments(dir.path());
    let file = OpenOptions::new().write(true).open(dir.path().join(&names[1])).unwrap();
    file.set_len(end_of(dir.path(), &names[1]) - 20).unwrap();
    let audit = audited(dir.path());
    assert!(audit.balanced, "{:#?}", audit.gaps);
    let mut store = open(dir.path());
    commit(&mut store, "result", 1);
    assert_eq!(audited(dir.path()).lanes[0].pending, 11, "the sequence was given anew");
}
