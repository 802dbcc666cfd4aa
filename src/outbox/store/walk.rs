//! Reading a segment from its first byte to its last, for tools and the audit: every frame, and
//! every place where none is.

use std::{io, sync::Arc};

use super::{
    disk::{Disk, DiskFile},
    frame::Frame,
    segment::{FILE_HEAD_BYTES, FrameReader, Head, Step},
    state::{Segment, State},
};

/// What stands at a place of a segment.
#[derive(Debug)]
pub enum Found {
    Frame {
        at: u64,
        frame: Frame,
    },
    /// Bytes that are no frame.
    Damaged {
        from: u64,
        to: u64,
    },
}

/// Walks over a segment's frames. The file stays readable when it is removed meanwhile.
pub struct Walk {
    file: Arc<dyn DiskFile>,
    frames: FrameReader,
    head: Head,
    /// Its durable bytes: what stands behind them never counted.
    bytes: u64,
    /// The file's head is still to be looked at.
    at_head: bool,
}

impl Walk {
    /// Begins at the segment's head.
    ///
    /// # Errors
    /// When the file can't be opened; `NotFound` when it is gone.
    pub fn new(disk: &dyn Disk, store: [u8; 8], segment: &Segment) -> io::Result<Walk> {
        let file = disk.open(&segment.name())?;
        let head = Head { store, file: segment.file };
        let frames = FrameReader::new(file.clone(), head.seed(), FILE_HEAD_BYTES, segment.bytes);
        Ok(Walk { file, frames, head, bytes: segment.bytes, at_head: true })
    }

    /// Leaves out the frames' bodies, but verifies them.
    pub fn directories_only(mut self) -> Walk {
        self.frames = self.frames.directories_only();
        self
    }

    /// Goes on with the frame at `at`.
    pub fn seek(&mut self, at: u64) {
        self.at_head = false;
        self.frames.seek(at);
    }

    /// The next frame or damaged place; none at the end.
    ///
    /// # Errors
    /// What the file system says.
    pub fn step(&mut self) -> io::Result<Option<Found>> {
        if std::mem::take(&mut self.at_head) {
            let mut bytes = [0; FILE_HEAD_BYTES as usize];
            let filled = self.file.read_at(&mut bytes, 0)?;
            if Head::read(&bytes[..filled]) != Ok(self.head) {
                return Ok(Some(Found::Damaged { from: 0, to: FILE_HEAD_BYTES }));
            }
        }
        match self.frames.step()? {
            Step::Frame { at, frame, .. } => Ok(Some(Found::Frame { at, frame })),
            Step::Bad { at } => {
                self.frames.resume()?;
                Ok(Some(Found::Damaged { from: at, to: self.frames.at().max(at + 1).min(self.bytes) }))
            }
            Step::End => Ok(None),
        }
    }
}

/// The state a segment of the log begins with; none when its head can't be read.
///
/// # Errors
/// As [`Walk::new`].
pub fn state_at_head(disk: &dyn Disk, store: [u8; 8], segment: &Segment) -> io::Result<Option<State>> {
    let mut walk = Walk::new(disk, store, segment)?;
    Ok(match walk.step()? {
        Some(Found::Frame { frame, .. }) => frame.checkpoint(),
        _ => None,
    })
}
