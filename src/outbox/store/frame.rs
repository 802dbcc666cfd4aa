//! Frames: what one commit writes. All of a frame is there after a crash, or nothing of it.
//!
//! ```text
//! frame   = len: u32 LE | crc: u32 LE | flags: u8 | directory | body       (len: bytes after flags)
//! body    = records, then marks; one LZ4 block if flags says so
//! record  = lane * 2 + has_envelope: varint | bytes: varint | payload | envelope
//! ```
//!
//! The CRC-32 covers everything but itself and begins with the segment's seed, so that bytes of
//! another file never pass for a frame of this one. Directory, marks and envelopes are messages with their
//! length before them (`stored`); varints are LEB128. In format 1 a record begins with its lane and has no
//! envelope.

use std::sync::Arc;

use super::{
    directory::{Directory, Run},
    state::{Mark, State},
};
use crate::stored::{self, Envelope, Format, take_varint, varint};

/// Bytes before the directory.
pub const HEAD_BYTES: usize = 9;
/// A body below this is not worth compressing.
const WORTH_COMPRESSING_BYTES: usize = 512;
/// A frame above this is never written, so a length above it is not believed.
pub const MAX_FRAME_BYTES: u64 = 1 << 30;

const LZ4: u8 = 1;
/// The body is the state a segment begins with.
const CHECKPOINT: u8 = 2;
const ALL_FLAGS: u8 = LZ4 | CHECKPOINT;

/// Builds frames; keeps its buffers.
#[derive(Debug, Default)]
pub struct FrameBuilder {
    runs: Vec<Run>,
    body: Vec<u8>,
    flags: u8,
    /// The finished frame.
    frame: Vec<u8>,
}

impl FrameBuilder {
    /// Begins an empty frame.
    pub fn clear(&mut self) {
        self.runs.clear();
        self.body.clear();
        self.flags = 0;
    }

    /// Makes the frame a checkpoint of `state`, and nothing else.
    pub fn checkpoint(&mut self, state: &State) {
        self.clear();
        self.flags = CHECKPOINT;
        self.body = stored::state_bytes(state);
    }

    /// Adds a record. Records come before marks.
    pub fn record(&mut self, lane: u16, sequence: u64, payload: &[u8], envelope: Option<&Envelope>) {
        let next = |run: &&mut Run| run.lane == lane;
        match self.runs.iter_mut().rev().find(next) {
            Some(run) if run.first + u64::from(run.count) == sequence => run.count += 1,
            _ => self.runs.push(Run { lane, first: sequence, count: 1 }),
        }
        varint(u64::from(lane) << 1 | u64::from(envelope.is_some()), &mut self.body);
        varint(payload.len() as u64, &mut self.body);
        self.body.extend_from_slice(payload);
        if let Some(envelope) = envelope {
            stored::put_envelope(envelope, &mut self.body);
        }
    }

    pub fn mark(&mut self, mark: &Mark) {
        stored::put_mark(mark, &mut self.body);
    }

    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The finished frame, for the segment of this seed.
    pub fn finish(&mut self, seed: u32, at_ms: u64, synced_to: u64, compress: bool) -> &[u8] {
        let directory = Directory {
            at_ms,
            synced_to,
            raw_bytes: u32::try_from(self.body.len()).unwrap_or(u32::MAX),
            runs: std::mem::take(&mut self.runs),
        };
        self.frame.clear();
        self.frame.resize(HEAD_BYTES, 0);
        stored::put_directory(&directory, &mut self.frame);
        self.runs = directory.runs;
        self.frame[8] = self.flags;
        let begin = self.frame.len();
        if compress && self.body.len() >= WORTH_COMPRESSING_BYTES {
            self.frame.resize(begin + lz4_flex::block::get_maximum_output_size(self.body.len()), 0);
            let written = lz4_flex::block::compress_into(&self.body, &mut self.frame[begin..]);
            match written {
                // Where it does not save an eighth, reading it plainly is worth more.
                Ok(written) if written < self.body.len() / 8 * 7 => {
                    self.frame.truncate(begin + written);
                    self.frame[8] |= LZ4;
                }
                _ => self.frame.truncate(begin),
            }
        }
        if self.frame[8] & LZ4 == 0 {
            self.frame.extend_from_slice(&self.body);
        }
        seal(&mut self.frame, seed);
        &self.frame
    }
}

/// Fills in a frame's length and CRC; the flags are there.
pub(super) fn seal(frame: &mut [u8], seed: u32) {
    let len = u32::try_from(frame.len() - HEAD_BYTES).expect("a commit is bounded far below 4 GiB");
    frame[..4].copy_from_slice(&len.to_le_bytes());
    let crc = checksum(seed, frame);
    frame[4..8].copy_from_slice(&crc.to_le_bytes());
}

fn checksum(seed: u32, frame: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(seed);
    hasher.update(&frame[..4]);
    hasher.update(&frame[8..]);
    hasher.finalize()
}

/// The length of the whole frame whose first bytes these are, if it can be one.
pub fn frame_bytes(head: &[u8]) -> Option<u64> {
    let len = u64::from(u32::from_le_bytes(head.get(..4)?.try_into().ok()?)) + HEAD_BYTES as u64;
    (len > HEAD_BYTES as u64 && len <= MAX_FRAME_BYTES && *head.get(8)? <= ALL_FLAGS).then_some(len)
}

/// A frame, read and verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub directory: Directory,
    pub format: Format,
    body: Vec<u8>,
    is_checkpoint: bool,
}

impl Frame {
    /// Reads the frame in `bytes` (exactly one). None when it is not a whole frame of this seed.
    pub fn read(format: Format, seed: u32, bytes: &[u8]) -> Option<Frame> {
        Frame::parse(format, seed, bytes, true)
    }

    /// Reads its directory only; no body, no records.
    pub fn read_directory(format: Format, seed: u32, bytes: &[u8]) -> Option<Frame> {
        Frame::parse(format, seed, bytes, false)
    }

    fn parse(format: Format, seed: u32, bytes: &[u8], unpack: bool) -> Option<Frame> {
        if frame_bytes(bytes)? != bytes.len() as u64 {
            return None;
        }
        if checksum(seed, bytes).to_le_bytes() != bytes[4..8] {
            return None;
        }
        let (directory, rest) = format.take_directory(&bytes[HEAD_BYTES..])?;
        if !directory.is_sound() {
            return None;
        }
        let is_checkpoint = bytes[8] & CHECKPOINT != 0;
        if !unpack {
            return Some(Frame { directory, format, body: Vec::new(), is_checkpoint });
        }
        let raw_bytes = directory.raw_bytes as usize;
        let body = if bytes[8] & LZ4 != 0 {
            // LZ4 makes at most 255 bytes of one: a bigger claim is a lie.
            if raw_bytes > rest.len().saturating_mul(255) {
                return None;
            }
            lz4_flex::block::decompress(rest, raw_bytes).ok()?
        } else {
            rest.to_vec()
        };
        (body.len() == raw_bytes).then_some(Frame { directory, format, body, is_checkpoint })
    }

    /// The state, if the frame is a checkpoint.
    pub fn checkpoint(&self) -> Option<State> {
        if !self.is_checkpoint {
            return None;
        }
        self.format.read_state(&self.body)
    }

    /// The records, in the order they were written.
    pub fn records(&self) -> Records<'_> {
        let left = self.directory.runs.iter().map(|run| u64::from(run.count)).sum();
        Records { runs: self.directory.runs.clone(), format: self.format, rest: &self.body, left }
    }

    /// The marks behind the records; none when the body is not what the directory says, or a mark is nonsense.
    pub fn marks(&self) -> Option<Vec<Mark>> {
        let mut records = self.records();
        while records.next().is_some() {}
        let mut rest = records.finished()?;
        let mut marks = Vec::new();
        while !rest.is_empty() {
            let (mark, after) = self.format.take_mark(rest)?;
            if mark.as_ref().is_some_and(|mark| !mark.is_sound()) {
                return None;
            }
            marks.extend(mark);
            rest = after;
        }
        Some(marks)
    }
}

/// One record of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordRef<'f> {
    pub lane: u16,
    pub sequence: u64,
    pub payload: &'f [u8],
    envelope: Option<&'f [u8]>,
}

impl RecordRef<'_> {
    /// What comes with the payload, if anything.
    pub fn envelope(&self) -> Option<Arc<Envelope>> {
        self.envelope.map(stored::read_envelope)
    }
}

/// Iterates over a frame's records; ends early at nonsense.
#[derive(Debug)]
pub struct Records<'f> {
    runs: Vec<Run>,
    format: Format,
    rest: &'f [u8],
    left: u64,
}

impl<'f> Records<'f> {
    /// What stands behind the records, when all of them were there.
    fn finished(self) -> Option<&'f [u8]> {
        (self.left == 0).then_some(self.rest)
    }
}

impl<'f> Iterator for Records<'f> {
    type Item = RecordRef<'f>;

    fn next(&mut self) -> Option<RecordRef<'f>> {
        if self.left == 0 {
            return None;
        }
        let (lane, rest) = take_varint(self.rest)?;
        let (has_envelope, lane) = match self.format {
            Format::One => (false, lane),
            Format::Two => (lane & 1 == 1, lane >> 1),
        };
        let (len, rest) = take_varint(rest)?;
        let (payload, rest) = rest.split_at_checked(usize::try_from(len).ok()?)?;
        let (envelope, rest) = stored::take_envelope(has_envelope, rest)?;
        let lane = u16::try_from(lane).ok()?;
        let run = self.runs.iter_mut().find(|run| run.lane == lane && run.count > 0)?;
        let sequence = run.first;
        run.first += 1;
        run.count -= 1;
        self.rest = rest;
        self.left -= 1;
        Some(RecordRef { lane, sequence, payload, envelope })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::books::Fate;

    type Records = Vec<(u16, u64, Vec<u8>)>;

    fn frame(compress: bool) -> (Vec<u8>, Records, Mark) {
        let mut builder = FrameBuilder::default();
        let records: Records = (0..100_u64)
            .map(|i| ((i % 3) as u16, 1000 + i / 3, vec![b'a' + (i % 7) as u8; i as usize]))
            .collect();
        for (lane, sequence, payload) in &records {
            builder.record(*lane, *sequence, payload, None);
        }
        let mark = Mark::Done { lane: 1, first: 5, count: 9, fate: Fate::Shed };
        builder.mark(&mark);
        (builder.finish(99, 1234, 77, compress).to_vec(), records, mark)
    }

    #[test]
    fn a_frame_comes_back() {
        for compress in [false, true] {
            let (bytes, records, mark) = frame(compress);
            assert_eq!(bytes[8], u8::from(compress));
            let frame = Frame::read(Format::Two, 99, &bytes).unwrap();
            assert_eq!((frame.directory.at_ms, frame.directory.synced_to), (1234, 77));
            assert_eq!(frame.directory.runs.len(), 3);
            let read: Vec<_> = frame.records().map(|r| (r.lane, r.sequence, r.payload.to_vec())).collect();
            assert_eq!(read, records);
            assert_eq!(frame.marks().unwrap(), [mark]);
            assert!(Frame::read(Format::Two, 98, &bytes).is_none(), "another segment's frame");
        }
    }

    #[test]
    fn no_flipped_bit_and_no_cut_passes() {
        let (bytes, ..) = frame(true);
        for at in 0..bytes.len() {
            assert!(Frame::read(Format::Two, 99, &bytes[..at]).is_none());
            for bit in 0..8 {
                let mut bad = bytes.clone();
                bad[at] ^= 1 << bit;
                assert!(Frame::read(Format::Two, 99, &bad).is_none(), "byte {at} bit {bit}");
            }
        }
    }

    /// With a right checksum over lies: lengths are not believed, nothing panics.
    #[test]
    fn a_lying_frame_is_refused_without_reserving_what_it_claims() {
        let (bytes, ..) = frame(true);
        for at in 8..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bad = bytes.clone();
                bad[at] = value;
                seal(&mut bad, 99);
                if let Some(frame) = Frame::read(Format::Two, 99, &bad) {
                    let _ = frame.records().count();
                    let _ = frame.marks();
                }
            }
        }
    }
}
