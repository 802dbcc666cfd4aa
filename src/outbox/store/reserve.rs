//! Room put by for the moment when there is none: what was delivered must be noted before its file
//! can go, and noting it takes a few blocks.

use std::io;

use super::{
    state::on_disk,
    store::{Store, is_full},
};

/// The file that takes the room until it is needed.
pub(super) const RESERVE: &str = "reserve";
const MOST_BYTES: u64 = 128 << 10;

impl Store {
    /// Bytes put by: enough for a head and some marks.
    pub(super) fn reserve_bytes(&self) -> u64 {
        on_disk((self.options.segment_bytes / 4).min(MOST_BYTES))
    }

    /// Puts room by, where there is some; without it the outbox works as well, until the disk is full.
    pub(super) fn keep_reserve(&mut self) {
        if self.reserved {
            return;
        }
        // It may be there from an earlier run.
        self.reserved = match self.disk.create(RESERVE) {
            Ok(file) => {
                // Not zeros: a file system may leave those out.
                let filler = vec![0x5a; self.reserve_bytes() as usize];
                let kept = file.write_at(&filler, 0);
                if kept.is_err() {
                    let _ = self.disk.remove(RESERVE);
                }
                kept.is_ok()
            }
            Err(error) => error.kind() == io::ErrorKind::AlreadyExists,
        };
    }

    /// Notes what has ended, with the room that was put by if there is no other.
    ///
    /// # Errors
    /// As [`Store::flush_marks`].
    pub(super) fn flush_marks_somehow(&mut self) -> io::Result<()> {
        match self.flush_marks() {
            Err(error) if is_full(&error) && self.disk.remove(RESERVE).is_ok() => {
                self.reserved = false;
                self.flush_marks()
            }
            flushed => flushed,
        }
    }
}
