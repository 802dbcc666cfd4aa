//! Which operation fails, how, and how often.

use std::{
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use fuser::Errno;

/// An operation that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Write,
    /// fsync and fdatasync of a file.
    Sync,
    /// fsync of a directory.
    SyncDir,
    /// A new file or directory.
    Create,
    Rename,
    Unlink,
    /// fallocate.
    Allocate,
    /// A change of a file's length.
    Truncate,
    Read,
    Open,
}

/// What happens then.
#[derive(Debug, Clone, Copy)]
pub enum What {
    /// Nothing but the error.
    Fail(Errno),
    /// Of a write only so many bytes, then EIO.
    Tear(usize),
    /// A sync fails with EIO, and what was written to the file since its last sync is gone.
    Lose,
    /// It takes that long and succeeds.
    Slow(Duration),
}

#[derive(Debug, Clone, Copy)]
pub struct Fault {
    on: On,
    what: What,
    /// So many of these operations go well before.
    skip: u64,
    /// So many of them suffer it.
    times: u64,
}

impl Fault {
    /// Every such operation from now on.
    pub fn always(on: On, what: What) -> Fault {
        Fault { on, what, skip: 0, times: u64::MAX }
    }

    /// The `n`th such operation from now, from 1, and no other.
    pub fn nth(on: On, n: u64, what: What) -> Fault {
        Fault { on, what, skip: n - 1, times: 1 }
    }
}

/// The faults of one file system; may be changed at any moment.
#[derive(Default)]
pub struct Faults {
    active: Mutex<Active>,
    /// Operations that a fault changed.
    hits: AtomicU64,
    syncs: AtomicU64,
    written: AtomicU64,
}

#[derive(Default)]
struct Active {
    faults: Vec<Fault>,
    free_bytes: Option<u64>,
}

impl Faults {
    fn active(&self) -> MutexGuard<'_, Active> {
        self.active.lock().unwrap()
    }

    /// One more fault. Of two that match the elder acts.
    pub fn add(&self, fault: Fault) {
        self.active().faults.push(fault);
    }

    /// Everything goes well again.
    pub fn clear(&self) {
        *self.active() = Active::default();
    }

    /// The disk is full: nothing grows, nothing new comes, and `statfs` says so.
    pub fn full(&self) {
        for on in [On::Write, On::Create, On::Allocate] {
            self.add(Fault::always(on, What::Fail(Errno::ENOSPC)));
        }
        self.active().free_bytes = Some(0);
    }

    /// The file system is read-only, also for files that are open.
    pub fn read_only(&self) {
        for on in [On::Write, On::Create, On::Allocate, On::Rename, On::Unlink, On::Truncate, On::Sync] {
            self.add(Fault::always(on, What::Fail(Errno::EROFS)));
        }
    }

    /// What `statfs` says is free, in bytes.
    pub fn free_bytes(&self, bytes: Option<u64>) {
        self.active().free_bytes = bytes;
    }

    pub(super) fn told_free_bytes(&self) -> Option<u64> {
        self.active().free_bytes
    }

    /// How many operations suffered a fault, slow ones too.
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// How many syncs of files there were.
    pub fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// How many bytes were written.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    pub(super) fn count_written(&self, bytes: usize) {
        self.written.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// What this operation suffers; each call is one operation.
    pub(super) fn meet(&self, on: On) -> Option<What> {
        if on == On::Sync {
            self.syncs.fetch_add(1, Ordering::Relaxed);
        }
        let mut active = self.active();
        let mut met = None;
        for fault in active.faults.iter_mut().filter(|fault| fault.on == on) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if fault.times > 0 && met.is_none() {
                fault.times -= 1;
                met = Some(fault.what);
            }
        }
        self.hits.fetch_add(u64::from(met.is_some()), Ordering::Relaxed);
        met
    }
}
