//! The yardstick: an append and an fdatasync, and nothing a real store would need besides.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::FileExt,
    path::Path,
};

use rustix::fs::FallocateFlags;

use super::{Durability, Store};
use crate::{Result, record::Batch};

const LENGTH: usize = size_of::<u32>();
const CHUNK: usize = 256 << 10;
const MOST: usize = CHUNK - LENGTH;
const HOLE_EVERY: u64 = 1 << 20;

pub struct Bare {
    log: File,
    /// Holds the offset of the oldest record, 8 bytes.
    position: File,
    durability: Durability,
    head: u64,
    end: u64,
    punched: u64,
    buffer: Vec<u8>,
}

impl Bare {
    pub fn open(dir: &Path, durability: Durability) -> Result<Self> {
        let open = |name| {
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(dir.join(name))
        };
        let (log, position) = (open("log")?, open("position")?);
        let mut head = [0; 8];
        if position.metadata()?.len() == 8 {
            position.read_exact_at(&mut head, 0)?;
        } else {
            position.write_all_at(&head, 0)?;
            position.sync_all()?;
        }
        let head = u64::from_le_bytes(head);
        let mut bare =
            Self { log, position, durability, head, end: u64::MAX, punched: head, buffer: Vec::new() };
        bare.end = bare.walk(&mut |_| true)?;
        bare.log.set_len(bare.end)?; // a torn end
        Ok(bare)
    }

    /// Visits records from the oldest on while told to go on; the offset after the last one visited.
    fn walk(&self, visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<u64> {
        let (mut at, mut buffer, mut filled) = (self.head, vec![0; CHUNK], 0);
        loop {
            let room = ((self.end - at) as usize).min(buffer.len());
            while filled < room {
                match self.log.read_at(&mut buffer[filled..room], at + filled as u64)? {
                    0 => break,
                    n => filled += n,
                }
            }
            let mut rest = &buffer[..filled];
            while let Some((length, tail)) = rest.split_first_chunk::<LENGTH>() {
                let length = u32::from_le_bytes(*length) as usize;
                if length == 0 || length > MOST {
                    return Ok(at);
                }
                let Some(payload) = tail.get(..length) else { break };
                at += (LENGTH + length) as u64;
                rest = &tail[length..];
                if !visit(payload) {
                    return Ok(at);
                }
            }
            let kept = rest.len();
            if kept == filled {
                return Ok(at); // nothing more to read
            }
            let from = filled - kept;
            buffer.copy_within(from..filled, 0);
            filled = kept;
        }
    }
}

impl Store for Bare {
    fn append(&mut self, batch: &Batch) -> Result<()> {
        self.buffer.clear();
        for (_, payload) in batch.iter() {
            self.buffer.extend_from_slice(&(payload.len() as u32).to_le_bytes());
            self.buffer.extend_from_slice(payload);
        }
        let written = self.log.write_all_at(&self.buffer, self.end).and_then(|()| match self.durability {
            Durability::Sync => self.log.sync_data(),
            Durability::None => Ok(()),
        });
        if let Err(error) = written {
            self.log.set_len(self.end)?;
            return Err(error.into());
        }
        self.end += self.buffer.len() as u64;
        Ok(())
    }

    fn deliver(&mut self, count: usize, sink: &mut dyn FnMut(&[u8])) -> Result<usize> {
        if count == 0 || self.head == self.end {
            return Ok(0);
        }
        let mut seen = 0;
        let head = self.walk(&mut |payload| {
            sink(payload);
            seen += 1;
            seen < count
        })?;
        self.position.write_all_at(&head.to_le_bytes(), 0)?;
        if self.durability == Durability::Sync {
            self.position.sync_data()?;
        }
        self.head = head;
        let hole = head / HOLE_EVERY * HOLE_EVERY;
        if hole > self.punched {
            let mode = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            rustix::fs::fallocate(&self.log, mode, 0, hole)?;
            self.punched = hole;
        }
        Ok(seen)
    }

    fn first(&mut self) -> Result<Option<Vec<u8>>> {
        let mut first = None;
        self.walk(&mut |payload| {
            first = Some(payload.to_vec());
            false
        })?;
        Ok(first)
    }

    fn pending(&mut self) -> Result<u64> {
        let mut count = 0;
        self.walk(&mut |_| {
            count += 1;
            true
        })?;
        Ok(count)
    }

    fn scan(&mut self, sink: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.walk(&mut |payload| {
            sink(payload);
            true
        })?;
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.log.sync_data()?)
    }
}
