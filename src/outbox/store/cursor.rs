//! Reading a class's pending records, oldest or newest first, while the writer goes on.
//!
//! A cursor holds a place in the log, one frame's records and, newest first, the places of frames:
//! memory does not grow with the backlog.

use std::{collections::VecDeque, io, sync::Arc};

use bytes::Bytes;

use super::{
    disk::Disk,
    frame::Frame,
    segment::{FILE_HEAD_BYTES, FrameReader, Head, Step},
    state::{Segment, State},
    store::Shared,
};
use crate::stored::{Envelope, Format};
use edgeward_core::domain::Order;

/// A pending record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub lane: u16,
    pub sequence: u64,
    /// When it was written, in the outbox's time.
    pub at_ms: u64,
    pub payload: Bytes,
    /// What comes with it, of a result.
    pub envelope: Option<Arc<Envelope>>,
    /// How a journaled input is read.
    pub format: Format,
}

/// Why a record can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// To be set aside; reading then goes on behind it.
    #[error("segment {file:016x} is damaged at byte {at}")]
    Damaged { file: u64, at: u64 },
    #[error("can't read the outbox: {0}")]
    Io(#[from] io::Error),
}

/// Most places of frames remembered, newest first.
const MOST_PLACES: usize = 1 << 16;

/// Where a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    file: u64,
    /// The segment's order in the log.
    first: u64,
    at: u64,
}

/// Reads one class.
pub struct Cursor {
    disk: Arc<dyn Disk>,
    shared: Arc<Shared>,
    id: [u8; 8],
    class: String,
    /// Only this lane of the class.
    only: Option<u16>,
    order: Order,
    /// Records of the frame at hand.
    loaded: VecDeque<Item>,
    /// Oldest first: where to read on. Newest first: up to where frames were looked for.
    reader: Option<(Segment, FrameReader)>,
    /// Newest first: frames to read, the newest at the back.
    places: VecDeque<Place>,
    /// Newest first: segments from here on were looked through.
    older: u64,
    /// Newest first: the place of what is loaded.
    at_hand: Option<Place>,
    started: bool,
}

impl Cursor {
    pub fn new(disk: Arc<dyn Disk>, shared: Arc<Shared>, id: [u8; 8], class: &str, order: Order) -> Self {
        Cursor {
            disk,
            shared,
            id,
            class: class.to_owned(),
            only: None,
            order,
            loaded: VecDeque::new(),
            reader: None,
            places: VecDeque::new(),
            older: u64::MAX,
            at_hand: None,
            started: false,
        }
    }

    /// Reads one lane of the class only.
    pub fn only(mut self, lane: u16) -> Self {
        self.only = Some(lane);
        self
    }

    fn wants(&self, state: &State, lane: u16) -> bool {
        self.only.is_none_or(|only| only == lane)
            && state.lane(lane).is_some_and(|lane| lane.class == self.class)
    }

    /// Begins again, for records that were opened again behind the cursor's back.
    pub fn rewind(&mut self) {
        let only = self.only;
        *self = Cursor::new(self.disk.clone(), self.shared.clone(), self.id, &self.class, self.order);
        self.only = only;
    }

    /// The next pending record that `skip` (by lane and sequence) does not know; none when there is
    /// none now. A record is given once, unless the cursor is rewound.
    ///
    /// # Errors
    /// [`ReadError`]; call again after a damaged segment was set aside.
    pub fn next(&mut self, skip: &dyn Fn(u16, u64) -> bool) -> Result<Option<Item>, ReadError> {
        loop {
            let item = match self.order {
                Order::OldestFirst => self.loaded.pop_front(),
                Order::NewestFirst => {
                    self.look_for_new()?;
                    self.loaded.pop_back()
                }
            };
            match item {
                Some(item) if self.is_pending(&item) && !skip(item.lane, item.sequence) => {
                    return Ok(Some(item));
                }
                Some(_) => {}
                None => {
                    let more = match self.order {
                        Order::OldestFirst => self.load_next()?,
                        Order::NewestFirst => self.load_newest()?,
                    };
                    if !more {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn is_pending(&self, item: &Item) -> bool {
        let state = self.shared.state();
        state.lane(item.lane).is_some_and(|lane| !lane.done.contains(item.sequence))
    }

    fn load(&mut self, frame: &Frame) {
        let state = self.shared.state();
        if !frame.directory.runs.iter().any(|run| self.wants(&state, run.lane)) {
            return;
        }
        let wanted = frame.records().filter(|record| self.wants(&state, record.lane));
        let items: Vec<Item> = wanted
            .map(|record| Item {
                lane: record.lane,
                sequence: record.sequence,
                at_ms: frame.directory.at_ms,
                payload: Bytes::copy_from_slice(record.payload),
                envelope: record.envelope(),
                format: frame.format,
            })
            .collect();
        drop(state);
        self.loaded.extend(items);
    }

    /// Whether a segment has pending records of the class.
    fn has_live(&self, state: &State, segment: &Segment) -> bool {
        segment.runs.iter().any(|run| {
            let lane = state.lane(run.lane).filter(|_| self.wants(state, run.lane));
            lane.is_some_and(|lane| lane.live_in(run.first, run.end) > 0)
        })
    }

    fn reader_of(&self, segment: &Segment, at: u64) -> io::Result<FrameReader> {
        let seed = Head { store: self.id, file: segment.file }.seed();
        Ok(FrameReader::new(self.disk.open(&segment.name())?, seed, at, segment.bytes))
    }

    /// Oldest first: loads the next frame with records of the class. False at the log's end.
    fn load_next(&mut self) -> Result<bool, ReadError> {
        loop {
            if let Some((segment, reader)) = &mut self.reader {
                match reader.step()? {
                    Step::Frame { frame, .. } => {
                        self.load(&frame);
                        if !self.loaded.is_empty() {
                            return Ok(true);
                        }
                        continue;
                    }
                    Step::Bad { at } => {
                        let file = segment.file;
                        self.reader = None;
                        return Err(ReadError::Damaged { file, at });
                    }
                    Step::End => {}
                }
                // More may have been written, or the segment may have been merged.
                let file = segment.file;
                let grown = self.shared.state().segments.iter().find(|known| known.file == file).cloned();
                if let Some(grown) = grown
                    && grown.bytes > reader.at()
                {
                    reader.set_limit(grown.bytes);
                    continue;
                }
            }
            let next = {
                let state = self.shared.state();
                let after = self.reader.as_ref().map_or(0, |(segment, _)| segment.last + 1);
                let behind = |segment: &&Segment| segment.last >= after && self.has_live(&state, segment);
                state.segments.iter().find(behind).cloned()
            };
            match next {
                Some(segment) => match self.reader_of(&segment, FILE_HEAD_BYTES) {
                    Ok(reader) => self.reader = Some((segment, reader)),
                    Err(error) => self.gone(&segment, error)?,
                },
                None => return Ok(false),
            }
        }
    }

    /// A file can't be opened: merged meanwhile, or damage.
    fn gone(&mut self, segment: &Segment, error: io::Error) -> Result<(), ReadError> {
        let known = self.shared.state().segments.iter().any(|known| known.file == segment.file);
        match (error.kind(), known) {
            (io::ErrorKind::NotFound, true) => Err(ReadError::Damaged { file: segment.file, at: 0 }),
            (io::ErrorKind::NotFound, false) => Ok(()),
            _ => Err(error.into()),
        }
    }

    /// Newest first: notes the places of frames written since the last look.
    fn look_for_new(&mut self) -> Result<(), ReadError> {
        if !self.started {
            self.started = true;
            let last = self.shared.state().segments.last().cloned();
            if let Some(last) = last {
                // What is there now is older; only its end is of interest here.
                self.older = last.last + 1;
                let reader = self.reader_of(&last, last.bytes)?.directories_only();
                self.scan(&last, FILE_HEAD_BYTES, last.bytes)?;
                self.older = last.first;
                self.reader = Some((last, reader));
            }
            return Ok(());
        }
        let fresh: Vec<(Segment, u64)> = {
            let state = self.shared.state();
            let (last, at) =
                self.reader.as_ref().map_or((0, 0), |(segment, reader)| (segment.last, reader.at()));
            let after = |segment: &&Segment| segment.last >= last && !segment.merged;
            let fresh = state.segments.iter().rev().take_while(after);
            let from = |segment: &Segment| if segment.last == last { at } else { FILE_HEAD_BYTES };
            let fresh = fresh.filter(|segment| from(segment) < segment.bytes);
            fresh.map(|segment| (segment.clone(), from(segment))).collect()
        };
        for (segment, from) in fresh.into_iter().rev() {
            // Newer than what is loaded: that is taken up again later.
            self.unload();
            self.scan(&segment, from, segment.bytes)?;
            let reader = self.reader_of(&segment, segment.bytes)?.directories_only();
            self.reader = Some((segment, reader));
        }
        Ok(())
    }

    /// Puts back the frame at hand: fresher ones come first.
    fn unload(&mut self) {
        if let (false, Some(place)) = (self.loaded.is_empty(), self.at_hand.take()) {
            self.loaded.clear();
            self.places.push_back(place);
        }
    }

    /// Notes the places of frames with records of the class.
    fn scan(&mut self, segment: &Segment, from: u64, to: u64) -> Result<(), ReadError> {
        let mut reader = match self.reader_of(segment, from) {
            Ok(reader) => reader.directories_only(),
            Err(error) => return self.gone(segment, error),
        };
        reader.set_limit(to);
        loop {
            match reader.step()? {
                Step::Frame { at, frame, .. } => {
                    let state = self.shared.state();
                    let of_class = frame.directory.runs.iter().any(|run| {
                        let lane = state.lane(run.lane).filter(|_| self.wants(&state, run.lane));
                        lane.is_some_and(|lane| lane.live_in(run.first, run.first + u64::from(run.count)) > 0)
                    });
                    drop(state);
                    if of_class {
                        self.places.push_back(Place { file: segment.file, first: segment.first, at });
                    }
                }
                Step::Bad { at } => return Err(ReadError::Damaged { file: segment.file, at }),
                Step::End => break,
            }
        }
        while self.places.len() > MOST_PLACES {
            // The oldest segment's places are looked for again when their turn comes.
            let oldest = self.places[0].first;
            if self.places.back().is_some_and(|newest| newest.first == oldest) {
                break;
            }
            self.places.retain(|place| place.first != oldest);
            self.older = self.older.max(oldest + 1);
        }
        Ok(())
    }

    /// Newest first: loads the newest frame that was not read. False when there is none.
    fn load_newest(&mut self) -> Result<bool, ReadError> {
        loop {
            if let Some(place) = self.places.pop_back() {
                let segment =
                    self.shared.state().segments.iter().find(|known| known.file == place.file).cloned();
                let Some(segment) = segment else {
                    // Merged or gone: what is left of it stands in another file.
                    self.older = self.older.max(place.first + 1);
                    self.places.retain(|other| other.file != place.file);
                    continue;
                };
                match self.reader_of(&segment, place.at)?.step()? {
                    Step::Frame { frame, .. } => {
                        self.load(&frame);
                        self.at_hand = Some(place);
                        return Ok(true);
                    }
                    Step::Bad { at } => return Err(ReadError::Damaged { file: segment.file, at }),
                    Step::End => continue,
                }
            }
            let older = {
                let state = self.shared.state();
                let before =
                    |segment: &&Segment| segment.first < self.older && self.has_live(&state, segment);
                state.segments.iter().rev().find(before).cloned()
            };
            let Some(segment) = older else { return Ok(false) };
            self.older = segment.first;
            self.scan(&segment, FILE_HEAD_BYTES, segment.bytes)?;
        }
    }
}
