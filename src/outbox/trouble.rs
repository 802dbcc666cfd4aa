//! Trouble with room or with the disk: noted, told, left behind without help.

use std::{io, time::Instant};

use super::{
    handle::Submission,
    store::{Fate, disk::is_gone, is_full},
    writer::{DAMAGE_STANDS, RETRY, Writer},
};

impl Writer {
    /// Leaves the session when too much is held, and comes back when all of it was taken.
    pub(super) fn refuse(&mut self) {
        let bytes = self.held_bytes();
        let mut health = self.outbox.inner.health.lock().expect("nothing panics under this lock");
        health.refusing = (bytes > 0).then(|| {
            format!("the outbox is full and a class refuses: {bytes} bytes of outcomes and their messages wait, the broker keeps the rest")
        });
        if bytes > self.options.max_unacked_bytes && !health.away {
            health.away = true;
        } else if bytes == 0 {
            health.away = false;
        }
    }

    /// Bytes of what was taken and can't be stored.
    pub(super) fn held_bytes(&self) -> usize {
        let stuck = self.stuck.as_ref().map_or(0, |commit| commit.taken_bytes);
        self.held.iter().map(Submission::bytes).sum::<usize>() + stuck
    }

    /// Enough is held: the rest waits in the queue, which has a bound, and workers wait for it.
    pub(super) fn holds_enough(&self) -> bool {
        self.held_bytes() > self.options.max_unacked_bytes
    }

    pub(super) fn set_aside(&mut self, file: u64) {
        match self.store.set_aside(file) {
            Ok(damage) => {
                let records: u64 = damage.iter().map(|damage| damage.records).sum();
                tracing::error!(file = format!("{file:016x}"), records, "a damaged segment was set aside");
                self.damaged(format!(
                    "segment {file:016x} was unreadable and set aside; {records} records are lost and counted as damaged: look at the disk"
                ));
            }
            Err(error) => self.trouble(&error),
        }
    }

    /// Notes damage that stands for a while.
    pub(super) fn damaged(&mut self, text: String) {
        self.damaged_at = Some(Instant::now());
        self.outbox.inner.health.lock().expect("nothing panics under this lock").damaged = Some(text);
    }

    /// There is no room by bounds; whether it is the file system's.
    pub(super) fn note_room(&mut self) {
        let (usage, min) = (self.store.usage(), self.store.options().min_free_bytes);
        if usage.free_bytes < min + (64 << 10) {
            let text = format!(
                "{} bytes are free on the file system, `outbox.min_free_bytes` is {min}: free some; what can't be stored is counted",
                usage.free_bytes
            );
            self.outbox.inner.health.lock().expect("nothing panics under this lock").disk_full = Some(text);
            self.troubled = true;
        }
    }

    pub(super) fn trouble(&mut self, error: &io::Error) {
        self.troubled = true;
        self.retry_at = Some(Instant::now() + RETRY);
        let mut health = self.outbox.inner.health.lock().expect("nothing panics under this lock");
        if is_full(error) {
            health.disk_full = Some(format!(
                "the file system is full ({error}): free some room; what can't be stored is counted"
            ));
        } else if is_gone(error) {
            health.gone = Some(format!(
                "the outbox is not there ({error}); nothing is begun in its place, what can't be stored is counted"
            ));
        } else {
            health.read_only = Some(format!(
                "the outbox can't be written ({error}): look at the disk; what can't be stored is counted"
            ));
        }
    }

    pub(super) fn well(&mut self) {
        let (usage, min) = (self.store.usage(), self.store.options().min_free_bytes);
        let mut health = self.outbox.inner.health.lock().expect("nothing panics under this lock");
        (health.read_only, health.gone) = (None, None);
        if usage.free_bytes >= min + (64 << 10) {
            health.disk_full = None;
        }
        self.troubled = health.disk_full.is_some();
        drop(health);
        if self.damaged_at.is_some_and(|at| at.elapsed() > DAMAGE_STANDS) {
            self.damaged_at = None;
            self.outbox.inner.health.lock().expect("nothing panics under this lock").damaged = None;
        }
    }

    pub(super) fn tell(&mut self) {
        let usage = self.store.usage();
        let shed: u64 = {
            let shared = self.store.shared();
            let state = shared.state();
            state.lanes.iter().filter(|lane| !lane.is_input()).map(|lane| lane.books.ended(Fate::Shed)).sum()
        };
        let mut health = self.outbox.inner.health.lock().expect("nothing panics under this lock");
        health.shed = shed;
        health.commits = self.commits;
        health.journaled = self.journaled;
        health.bytes = usage.bytes;
        health.max_bytes = self.store.options().max_bytes;
        health.free_bytes = usage.free_bytes;
    }
}
