//! A segment's file: a head that says whose it is, then frames.

use std::{io, sync::Arc};

use super::{
    disk::DiskFile,
    frame::{Frame, HEAD_BYTES, frame_bytes},
};
use crate::stored::{FORMAT, Format};

const MAGIC: &[u8; 8] = b"edgeward";
/// Bytes of the head in a file.
pub const FILE_HEAD_BYTES: u64 = 32;

/// The first bytes of every segment.
///
/// ```text
/// "edgeward" | format: u32 LE | store: 8 bytes | file: u64 LE | crc: u32 LE of the 28 before
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Names the outbox: no segment of another one is taken for its own.
    pub store: [u8; 8],
    pub file: u64,
}

/// Why a file has no head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoHead {
    /// Cut or damaged.
    Unreadable,
    /// Written by a newer edgeward.
    Newer(u32),
}

impl Head {
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&self.store);
        bytes.extend_from_slice(&self.file.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    pub fn read(bytes: &[u8]) -> Result<Head, NoHead> {
        let head = bytes.get(..FILE_HEAD_BYTES as usize).ok_or(NoHead::Unreadable)?;
        let (body, crc) = head.split_at(28);
        if &body[..8] != MAGIC || crc32fast::hash(body).to_le_bytes() != crc {
            return Err(NoHead::Unreadable);
        }
        let word = |at: usize| -> [u8; 8] { body[at..at + 8].try_into().expect("eight bytes") };
        let number = u32::from_le_bytes(body[8..12].try_into().expect("four bytes"));
        match Format::of_number(number) {
            Some(_) => Ok(Head { store: word(12), file: u64::from_le_bytes(word(20)) }),
            None => Err(NoHead::Newer(number)),
        }
    }

    /// What every frame's checksum of this file begins with.
    pub fn seed(self) -> u32 {
        let mut bytes = self.store.to_vec();
        bytes.extend_from_slice(&self.file.to_le_bytes());
        crc32fast::hash(&bytes)
    }
}

/// The format of a segment's frames, as its head says. One that can't be read is taken for one of today's: its
/// frames' checksums tell.
fn format_of(file: &dyn DiskFile) -> io::Result<Format> {
    let mut bytes = [0; 12];
    let filled = file.read_at(&mut bytes, 0)?;
    let number = bytes.strip_prefix(MAGIC).filter(|_| filled == bytes.len());
    let number = number.and_then(|number| Some(u32::from_le_bytes(number.try_into().ok()?)));
    Ok(number.and_then(Format::of_number).unwrap_or_default())
}

/// One step of reading a segment.
#[derive(Debug)]
pub enum Step {
    /// A whole frame and where the next one begins.
    Frame {
        at: u64,
        end: u64,
        frame: Frame,
    },
    /// No valid frame begins at `at`.
    Bad {
        at: u64,
    },
    End,
}

/// Reads frames one after another, with one buffer.
pub struct FrameReader {
    file: Arc<dyn DiskFile>,
    /// None before the first step.
    format: Option<Format>,
    seed: u32,
    at: u64,
    limit: u64,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    begin: u64,
    /// Bodies are left out.
    directories_only: bool,
}

/// Bytes read at once.
const READ_BYTES: usize = 128 << 10;

impl FrameReader {
    /// Reads from `at` up to `limit`.
    pub fn new(file: Arc<dyn DiskFile>, seed: u32, at: u64, limit: u64) -> Self {
        FrameReader {
            file,
            format: None,
            seed,
            at,
            limit,
            buffer: Vec::new(),
            begin: at,
            directories_only: false,
        }
    }

    /// Reads directories only.
    pub fn directories_only(mut self) -> Self {
        self.directories_only = true;
        self
    }

    pub fn at(&self) -> u64 {
        self.at
    }

    /// Goes on reading from `at`.
    pub fn seek(&mut self, at: u64) {
        self.at = at;
    }

    pub fn set_limit(&mut self, limit: u64) {
        self.limit = limit;
    }

    /// The next frame.
    ///
    /// # Errors
    /// What the file system says; a frame that is not whole is a [`Step::Bad`].
    pub fn step(&mut self) -> io::Result<Step> {
        if self.at >= self.limit {
            return Ok(Step::End);
        }
        let format = match self.format {
            Some(format) => format,
            None => *self.format.insert(format_of(&*self.file)?),
        };
        let at = self.at;
        let bad = Ok(Step::Bad { at });
        let head = self.bytes(HEAD_BYTES)?;
        let Some(len) = frame_bytes(head) else { return bad };
        // The file's own length bounds what is reserved.
        let (true, Ok(len)) = (at + len <= self.limit, usize::try_from(len)) else { return bad };
        let read = if self.directories_only { Frame::read_directory } else { Frame::read };
        let seed = self.seed;
        let Some(frame) = read(format, seed, self.bytes(len)?) else { return bad };
        self.at += len as u64;
        Ok(Step::Frame { at, end: self.at, frame })
    }

    /// True when nothing but zeros follows: the part of the file that was never written.
    pub fn rest_is_unwritten(&mut self) -> io::Result<bool> {
        let at = self.at;
        let mut unwritten = true;
        while unwritten && self.at < self.limit {
            let left = usize::try_from(self.limit - self.at).unwrap_or(READ_BYTES).min(READ_BYTES);
            let bytes = self.bytes(left)?;
            if bytes.is_empty() {
                break;
            }
            unwritten = bytes.iter().all(|byte| *byte == 0);
            self.at += bytes.len() as u64;
        }
        self.at = at;
        Ok(unwritten)
    }

    /// The next valid frame after a bad one, if there is any: looked for at every byte.
    pub fn resume(&mut self) -> io::Result<bool> {
        while self.at + 1 < self.limit {
            self.at += 1;
            let here = self.at;
            if matches!(self.step()?, Step::Frame { .. }) {
                self.at = here;
                return Ok(true);
            }
        }
        self.at = self.limit;
        Ok(false)
    }

    /// `len` bytes from the current place, or as many as there are.
    fn bytes(&mut self, len: usize) -> io::Result<&[u8]> {
        let end = self.at + len as u64;
        if self.at < self.begin || end > self.begin + self.buffer.len() as u64 {
            let left = usize::try_from(self.limit - self.at).unwrap_or(usize::MAX);
            let want = len.max(READ_BYTES).min(left);
            self.buffer.resize(want, 0);
            // One large frame does not keep its memory.
            self.buffer.shrink_to(READ_BYTES);
            let filled = self.file.read_at(&mut self.buffer, self.at)?;
            self.buffer.truncate(filled);
            self.begin = self.at;
            if filled < want {
                // The file was cut: nothing is looked for behind its end.
                self.limit = self.begin + filled as u64;
            }
        }
        let from = (self.at - self.begin) as usize;
        Ok(&self.buffer[from..self.buffer.len().min(from + len)])
    }
}

/// Makes the checksums of a segment's head and frames right, as far as there are any.
#[cfg(any(test, fuzzing))]
pub fn reseal_segment(file: &mut [u8]) {
    let head_bytes = FILE_HEAD_BYTES as usize;
    if file.len() < head_bytes {
        return;
    }
    let crc = crc32fast::hash(&file[..head_bytes - 4]).to_le_bytes();
    file[head_bytes - 4..head_bytes].copy_from_slice(&crc);
    let Ok(head) = Head::read(file) else { return };
    let mut at = head_bytes;
    while let Some(bytes) = frame_bytes(file.get(at..).unwrap_or_default()) {
        let Some(frame) = usize::try_from(bytes).ok().and_then(|bytes| file.get_mut(at..at + bytes)) else {
            return;
        };
        super::frame::seal(frame, head.seed());
        at += bytes as usize;
    }
}
