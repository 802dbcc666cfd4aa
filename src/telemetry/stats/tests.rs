//! What the counters promise.

use std::{sync::Arc, thread};

use super::*;

#[test]
fn units_move_from_pending_to_their_bucket() {
    let stats = PipelineStats::new(ModelInfo::default());
    stats.receive(10);
    stats.settle(Bucket::Scored, 4);
    stats.settle(Bucket::Merged, 1);
    stats.reject(Reason::MissingField);
    stats.reject_units(Reason::BadImage, 2);
    stats.shed(1, ShedPolicy::DrainDeadline);
    let books = stats.books();
    let ended = [(Bucket::Scored, 4), (Bucket::Merged, 1), (Bucket::Rejected, 3), (Bucket::Shed, 1)];
    assert_eq!(books, Books::new(10, ended, 1));
    assert!(books.balance());
    let ledger = stats.ledger();
    assert_eq!(Reason::ALL.iter().map(|r| ledger.rejected(*r)).sum::<u64>(), 3);
    assert_eq!(ledger.rejected(Reason::BadImage), 2);
    assert_eq!(ledger.shed(ShedPolicy::DrainDeadline), 1);
}

#[test]
fn books_that_are_wrong_do_not_balance() {
    let stats = PipelineStats::new(ModelInfo::default());
    stats.receive(1);
    stats.settle(Bucket::Scored, 1);
    stats.settle(Bucket::Scored, 1);
    assert!(!stats.books().balance(), "settled twice");
}

#[test]
fn snapshots_balance_while_threads_write() {
    let stats = Arc::new(PipelineStats::new(ModelInfo::default()));
    let writers: Vec<_> = (0..3)
        .map(|_| {
            let stats = stats.clone();
            thread::spawn(move || {
                for _ in 0..5_000 {
                    stats.receive(3);
                    stats.settle(Bucket::Scored, 2);
                    stats.reject(Reason::WrongType);
                }
            })
        })
        .collect();
    while writers.iter().any(|writer| !writer.is_finished()) {
        let ledger = stats.ledger();
        assert!(ledger.books.balance(), "{ledger:?}");
        assert_eq!(ledger.books.ended(Bucket::Rejected), ledger.rejected(Reason::WrongType));
    }
    for writer in writers {
        writer.join().unwrap();
    }
    assert_eq!(stats.books().received, 45_000);
    assert_eq!(stats.books().pending, 0);
}

#[test]
fn the_last_message_has_an_age() {
    let stats = PipelineStats::new(ModelInfo::default());
    let before = stats.snapshot();
    assert_eq!((before.messages, before.last_message_age), (0, None));
    stats.message_arrived();
    let after = stats.snapshot();
    assert_eq!(after.messages, 1);
    assert_eq!(after.last_message_age, Some(after.silence));
    assert!(after.silence < Duration::from_secs(60));
}

#[test]
fn what_is_kept_by_number_is_counted_under_its_name() {
    let numbers: Vec<(u8, u64)> = Reason::ALL.iter().map(|reason| (reason.number(), 1)).collect();
    let policies: Vec<(u8, u64)> = ShedPolicy::ALL.iter().map(|policy| (policy.number(), 2)).collect();
    // One of each list comes later and is unknown here.
    let ledger = Ledger::restored(
        Books::default(),
        &[numbers, vec![(255, 9)]].concat(),
        &[policies, vec![(0, 9)]].concat(),
    );
    assert!(Reason::ALL.iter().all(|reason| ledger.rejected(*reason) == 1), "a number stands for one reason");
    assert!(ShedPolicy::ALL.iter().all(|policy| ledger.shed(*policy) == 2), "a number stands for one policy");
}
