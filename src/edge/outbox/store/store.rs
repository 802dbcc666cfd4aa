//! The one who writes: commits, rotates, and writes again what a failed sync left in doubt.

use std::{
    cell::Cell,
    collections::BTreeSet,
    io,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
};

use bytes::Bytes;

use super::{
    books::{Fate, UnitBooks},
    disk::{Disk, DiskFile},
    frame::{Directory, FrameBuilder, HEAD_BYTES, Run},
    inputs::InputEnds,
    options::{Moment, StoreOptions},
    segment::{FILE_HEAD_BYTES, Head},
    state::{INPUT_CLASS, Import, Mark, Segment, State},
};
use crate::domain::Durability;

/// What the store's writer and its readers share.
#[derive(Debug, Default)]
pub struct Shared {
    state: Mutex<State>,
}

impl Shared {
    /// The state in memory, which the log follows.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("not poisoned: nothing panics under this lock")
    }
}

/// Records and counters that become durable together.
#[derive(Debug, Default)]
pub struct Batch {
    /// Lane and payload, in order.
    pub records: Vec<(u16, Bytes)>,
    /// What is added to the books of units, by pipeline.
    pub units: Vec<(u16, UnitBooks)>,
    /// Journaled inputs, by lane and sequence, whose outcome this is.
    pub settled: Vec<(u16, u64)>,
    /// Journaled inputs that nothing needs any more once this is durable. Records of the batch
    /// itself may be among them.
    pub released: Vec<(u16, u64)>,
    /// What senders numbered their messages with, by pipeline and source.
    pub numbers: Vec<(u16, Arc<str>, u64)>,
}

/// The file being written.
pub(super) struct Active {
    pub file: Arc<dyn DiskFile>,
    seed: u32,
    /// Where its frames begin, behind the checkpoint.
    begin: u64,
    len: u64,
    synced: u64,
    /// Its name is durable.
    named: bool,
}

/// A frame not known to be durable.
struct Unsynced {
    bytes: Vec<u8>,
    /// The seed and place it was finished for.
    sealed_for: (u32, u64),
    directory: Directory,
    units: Vec<(u16, UnitBooks)>,
    /// Inputs that end with it.
    inputs: InputEnds,
    /// Its records come from this file of another outbox.
    imported: Option<[u8; 32]>,
    /// It stands in the active file.
    written: bool,
}

pub struct Store {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) options: StoreOptions,
    pub(super) shared: Arc<Shared>,
    pub(super) id: [u8; 8],
    /// The outbox's time when it was opened.
    pub(super) opened_at_ms: u64,
    pub(super) now_ms: u64,
    pub(super) active: Option<Active>,
    pub(super) builder: FrameBuilder,
    unsynced: Vec<Unsynced>,
    /// Changes that are in the state and not yet in a frame.
    pub(super) pending: Vec<Mark>,
    touched_pipelines: BTreeSet<u16>,
    touched_lanes: BTreeSet<u16>,
    /// Marks were given up with their frame: only a new segment's head can carry them.
    needs_head: bool,
    /// Bytes of files that were set aside.
    pub(super) aside_bytes: u64,
    /// Bytes free on the file system, as asked since the last write.
    pub(super) free_bytes: Cell<Option<u64>>,
}

impl Store {
    pub(super) fn new(disk: Arc<dyn Disk>, options: StoreOptions, id: [u8; 8], state: State) -> Self {
        Store {
            disk,
            options,
            id,
            opened_at_ms: state.at_ms,
            now_ms: state.at_ms,
            shared: Arc::new(Shared { state: Mutex::new(state) }),
            active: None,
            builder: FrameBuilder::default(),
            unsynced: Vec::new(),
            pending: Vec::new(),
            touched_pipelines: BTreeSet::new(),
            touched_lanes: BTreeSet::new(),
            needs_head: false,
            aside_bytes: 0,
            free_bytes: Cell::new(None),
        }
    }

    pub fn shared(&self) -> Arc<Shared> {
        self.shared.clone()
    }

    pub fn disk(&self) -> Arc<dyn Disk> {
        self.disk.clone()
    }

    pub fn options(&self) -> &StoreOptions {
        &self.options
    }

    /// What the seed of a file's frames comes from.
    pub fn id(&self) -> [u8; 8] {
        self.id
    }

    /// The number of a pipeline, new if need be.
    pub fn pipeline(&mut self, name: &str) -> u16 {
        let mut state = self.shared.state();
        let known = state.pipelines.iter().position(|pipeline| pipeline.name == name);
        let at = known.unwrap_or_else(|| {
            let at = u16::try_from(state.pipelines.len()).expect("fewer than 65536 pipelines");
            let mark = Mark::Pipeline { at, name: name.to_owned() };
            state.apply(&mark);
            self.pending.push(mark);
            state.pipelines.len() - 1
        });
        u16::try_from(at).expect("fewer than 65536 pipelines")
    }

    /// The number of the lane of a pipeline and class, new if need be.
    pub fn lane(&mut self, pipeline: &str, class: &str) -> u16 {
        if let Some(lane) = self.shared.state().lane_of(pipeline, class) {
            return lane;
        }
        let pipeline = self.pipeline(pipeline);
        let mut state = self.shared.state();
        let at = u16::try_from(state.lanes.len()).expect("fewer than 65536 lanes");
        let mark = Mark::Lane { at, pipeline, class: class.to_owned() };
        state.apply(&mark);
        self.pending.push(mark);
        at
    }

    /// The lane of a pipeline's journaled inputs.
    pub fn input_lane(&mut self, pipeline: &str) -> u16 {
        self.lane(pipeline, INPUT_CLASS)
    }

    /// Tells the time. The wall clock's jumps are noted; nothing else depends on it.
    pub fn tick(&mut self, moment: Moment) {
        /// A clock that is disciplined gently is not corrected.
        const JUMP_MS: i64 = 1000;
        self.now_ms = self.now_ms.max(self.opened_at_ms + moment.since_open_ms);
        self.free_bytes.set(None);
        let offset_ms = moment.wall_ms - self.now_ms as i64;
        let mut state = self.shared.state();
        if state.wall_offset_ms.is_none_or(|known| (known - offset_ms).abs() > JUMP_MS) {
            let mark = Mark::Wall { offset_ms };
            state.apply(&mark);
            self.pending.push(mark);
        }
    }

    /// The outbox's time.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Ends records: in memory at once, on disk with the next frame. Returns how many had no end.
    pub fn end(&mut self, lane: u16, range: Range<u64>, fate: Fate) -> u64 {
        let mut state = self.shared.state();
        let Some(of) = state.lane_mut(lane) else { return 0 };
        let range = range.start..range.end.min(of.next);
        if range.is_empty() {
            return 0;
        }
        let unsettled = if of.is_input() {
            let open = of.done.missing(range.clone());
            open.into_iter().map(|part| part.end - part.start - of.settled.count_in(part)).sum()
        } else {
            0
        };
        let pipeline = of.pipeline;
        let ended = of.done.insert(range.clone());
        if ended == 0 {
            return 0;
        }
        of.books.ended[fate as usize] += ended;
        if unsettled > 0 {
            let units = &mut state.pipelines[usize::from(pipeline)].units;
            match fate {
                Fate::Expired => units.expired += unsettled,
                Fate::Damaged => units.damaged += unsettled,
                // The journal has no other end for an input that was not scored.
                _ => units.dropped += unsettled,
            }
            self.touched_pipelines.insert(pipeline);
        }
        self.touched_lanes.insert(lane);
        let count = range.end - range.start;
        match self.pending.last_mut() {
            Some(Mark::Done { lane: last, first, count: had, fate: same })
                if *last == lane && *same == fate && *first + *had == range.start =>
            {
                *had += count;
            }
            _ => self.pending.push(Mark::Done { lane, first: range.start, count, fate }),
        }
        ended
    }

    /// A journaled input was scored; it stays until [`Store::end`].
    pub fn settle(&mut self, lane: u16, sequence: u64) {
        let mut state = self.shared.state();
        let Some(of) = state.lane_mut(lane) else { return };
        if of.settled.insert(sequence..sequence + 1) == 0 {
            return;
        }
        match self.pending.last_mut() {
            Some(Mark::Settled { lane: last, first, count })
                if *last == lane && *first + *count == sequence =>
            {
                *count += 1;
            }
            _ => self.pending.push(Mark::Settled { lane, first: sequence, count: 1 }),
        }
    }

    /// The sequence of a lane's next record.
    pub fn next_of(&self, lane: u16) -> u64 {
        self.shared.state().lane(lane).map_or(0, |lane| lane.next)
    }

    /// Opens ended records again. Returns how many were ended.
    pub fn open_again(&mut self, lane: u16, range: Range<u64>) -> u64 {
        let mut state = self.shared.state();
        let Some(of) = state.lane_mut(lane) else { return 0 };
        let opened = of.done.remove(range.clone());
        if opened > 0 {
            of.books.replayed += opened;
            self.touched_lanes.insert(lane);
            let count = range.end - range.start;
            self.pending.push(Mark::Opened { lane, first: range.start, count });
        }
        opened
    }

    pub(super) fn touch_pipeline(&mut self, pipeline: u16) {
        self.touched_pipelines.insert(pipeline);
    }

    pub(super) fn touch_lane(&mut self, lane: u16) {
        self.touched_lanes.insert(lane);
    }

    /// Sequences from here on belong to a new epoch.
    pub fn begin_epoch(&mut self, epoch: [u8; 8]) {
        self.mark(Mark::Epoch(epoch));
    }

    /// Applies a mark now and writes it with the next frame.
    pub fn mark(&mut self, mark: Mark) {
        self.shared.state().apply(&mark);
        self.pending.push(mark);
    }

    /// True when something in memory is not in the log.
    pub fn has_pending(&self) -> bool {
        let touched = !self.touched_lanes.is_empty() || !self.touched_pipelines.is_empty();
        touched || self.needs_head || !self.pending.is_empty() || !self.unsynced.is_empty()
    }

    /// True when something was written and not synced.
    pub fn has_unsynced(&self) -> bool {
        !self.unsynced.is_empty()
    }

    /// Writes a batch and what is pending as one frame; durable on return, as the durability has
    /// it. Returns the lanes' first sequences, in the order of their first records.
    ///
    /// # Errors
    /// What the file system says. The frame then waits: [`Store::retry`] or [`Store::give_up`].
    pub fn commit(&mut self, batch: &Batch) -> io::Result<Vec<Run>> {
        let bytes: usize = batch.records.iter().map(|(_, payload)| payload.len() + 8).sum();
        // Before sequences are given, so that a new segment's head knows nothing of this batch.
        let ready = if self.unsynced.is_empty() { self.make_active(bytes as u64) } else { Ok(()) };
        let runs = self.build(batch, None);
        ready?;
        self.flush(self.options.durability == Durability::Sync)?;
        Ok(runs)
    }

    /// Counts results from a file of another outbox into their lanes and writes them, durable on
    /// return. How far the file was taken on is in the same frame, so that an import that was cut
    /// short goes on where it stopped. `whole`: these are its last records.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn import(&mut self, batch: &Batch, file: [u8; 32], whole: bool) -> io::Result<()> {
        let bytes: usize = batch.records.iter().map(|(_, payload)| payload.len() + 8).sum();
        self.make_active(bytes as u64)?;
        let before = self.shared.state().import_of(&file).map_or(0, |import| import.records);
        let records = before + batch.records.len() as u64;
        self.mark(Mark::Imported(Import { file, records, whole }));
        self.build(batch, Some(file));
        self.flush(true)
    }

    /// Gives sequences, counts, and puts the frame where [`Store::flush`] finds it.
    fn build(&mut self, batch: &Batch, imported: Option<[u8; 32]>) -> Vec<Run> {
        let mut state = self.shared.state();
        self.builder.clear();
        for (lane, payload) in &batch.records {
            let Some(of) = state.lane_mut(*lane) else { continue };
            self.builder.record(*lane, of.next, payload);
            of.next += 1;
            let came = if imported.is_some() { &mut of.books.imported } else { &mut of.books.made };
            *came += 1;
            self.touched_lanes.insert(*lane);
        }
        for (pipeline, more) in &batch.units {
            state.pipelines[usize::from(*pipeline)].units.add(more);
            self.touched_pipelines.insert(*pipeline);
        }
        drop(state);
        // Only now: a segment's head or a frame of marks that was written for this batch's sake must
        // not tell of ends whose outcome is not in the log.
        let inputs = self.end_inputs(batch);
        let state = self.shared.state();
        let runs = self.builder.runs().to_vec();
        for mark in self.pending.drain(..) {
            self.builder.mark(&mark);
        }
        for pipeline in std::mem::take(&mut self.touched_pipelines) {
            let books = state.pipelines[usize::from(pipeline)].units.clone();
            self.builder.mark(&Mark::Units { pipeline, books });
        }
        for lane in std::mem::take(&mut self.touched_lanes) {
            let books = state.lanes[usize::from(lane)].books;
            self.builder.mark(&Mark::Results { lane, books });
        }
        if self.builder.is_empty() {
            return runs;
        }
        // For where it will most likely be written; sealed again if that changes.
        let sealed_for = self.active.as_ref().map_or((0, 0), |active| (active.seed, active.synced));
        let (seed, synced_to) = sealed_for;
        let bytes = self.builder.finish_owned(seed, self.now_ms, synced_to, self.options.compress);
        let raw_bytes = u32::try_from(self.builder.body_bytes()).unwrap_or(u32::MAX);
        let directory = Directory { at_ms: self.now_ms, synced_to: 0, raw_bytes, runs: runs.clone() };
        let units = batch.units.clone();
        let written = false;
        self.unsynced.push(Unsynced { bytes, sealed_for, directory, units, inputs, imported, written });
        runs
    }

    /// Writes what is pending, without records.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn flush_marks(&mut self) -> io::Result<()> {
        if self.has_pending() {
            self.commit(&Batch::default())?;
        }
        self.flush(self.options.durability != Durability::None)
    }

    /// Makes durable what is written ([`Durability::Interval`]).
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn sync(&mut self) -> io::Result<()> {
        self.flush(true)
    }

    /// Tries again to write what failed.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn retry(&mut self) -> io::Result<()> {
        self.flush(self.options.durability != Durability::None)
    }

    /// Takes back the batch that could not be written, as if it had not been asked for; it may be
    /// committed again. Only for one with records, and before anything else is asked for.
    pub fn withdraw(&mut self) {
        let Some(frame) = self.unsynced.pop() else { return };
        frame.take_back(&mut self.shared.state());
        // What of it stands in the file is not to be followed by the same sequences once more, and
        // the marks that were in it are in the state: a new head carries them.
        self.active = None;
        self.needs_head = true;
    }

    /// Lets go of the records that could not be written and counts them as shed. Inputs among
    /// them are only not journaled: the caller still has them.
    pub fn give_up(&mut self) {
        // What stands in the file already may yet be synced ([`Durability::Interval`]).
        let (kept, lost): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.unsynced).into_iter().partition(|frame| frame.written);
        self.unsynced = kept;
        for frame in lost {
            for run in frame.directory.runs {
                let range = run.first..run.first + u64::from(run.count);
                if let Some(lane) = self.shared.state().lane_mut(run.lane).filter(|lane| lane.is_input()) {
                    lane.settled.insert(range.clone());
                }
                self.end(run.lane, range, Fate::Shed);
            }
            // The marks that were in it are in the state: a new head carries them.
            self.touched_pipelines.extend(frame.units.iter().map(|(pipeline, _)| *pipeline));
            self.needs_head = true;
        }
    }

    /// Counts a batch that is not even tried.
    pub fn discard(&mut self, batch: &Batch) {
        self.build(batch, None);
        self.give_up();
    }

    fn flush(&mut self, sync: bool) -> io::Result<()> {
        match self.try_flush(sync) {
            Ok(()) => Ok(()),
            // The same file may do once there is room.
            Err(error) if is_full(&error) => Err(error),
            Err(_) => {
                // After a failed sync nobody knows what of it is there (fsync does not tell
                // again): all that is in doubt goes to a new file.
                self.active = None;
                self.unsynced.iter_mut().for_each(|frame| frame.written = false);
                self.try_flush(sync).inspect_err(|_| {
                    self.active = None;
                    self.unsynced.iter_mut().for_each(|frame| frame.written = false);
                })
            }
        }
    }

    fn try_flush(&mut self, sync: bool) -> io::Result<()> {
        // A head that was written for itself alone still has to become durable.
        let head_only = self.active.as_ref().is_some_and(|active| active.synced == 0);
        if self.unsynced.is_empty() && !(head_only && sync) {
            return Ok(());
        }
        if self.active.is_none() {
            self.make_active(0)?;
        }
        self.free_bytes.set(None);
        let Some(active) = &mut self.active else { return Ok(()) };
        for frame in self.unsynced.iter_mut().filter(|frame| !frame.written) {
            if frame.sealed_for != (active.seed, active.synced) {
                super::frame::reseal(&mut frame.bytes, active.seed, active.synced);
                frame.sealed_for = (active.seed, active.synced);
            }
            active.file.write_at(&frame.bytes, active.len)?;
            active.len += frame.bytes.len() as u64;
            frame.written = true;
        }
        if sync {
            self.sync_active()?;
        } else if self.options.durability == Durability::None {
            self.durable();
        }
        Ok(())
    }

    fn sync_active(&mut self) -> io::Result<()> {
        let Some(active) = &mut self.active else { return Ok(()) };
        if active.len > active.synced {
            active.file.sync()?;
        }
        if !active.named {
            self.disk.sync_names()?;
            active.named = true;
        }
        self.durable();
        Ok(())
    }

    /// Everything written counts from now on: readers may see it.
    fn durable(&mut self) {
        let Some(active) = &mut self.active else { return };
        active.synced = active.len;
        let mut state = self.shared.state();
        let Some(segment) = state.segments.last_mut() else { return };
        segment.bytes = active.synced;
        for frame in self.unsynced.drain(..) {
            segment.note(&frame.directory);
            self.builder.recycle(frame.bytes);
        }
    }

    /// Makes sure that there is a file with room for `bytes`.
    fn make_active(&mut self, bytes: u64) -> io::Result<()> {
        if let Some(active) = &self.active {
            let empty = active.len == active.begin;
            let fits = active.len + bytes + HEAD_BYTES as u64 <= self.options.segment_bytes;
            if !self.needs_head && (empty || (fits && !self.is_aged())) {
                return Ok(());
            }
            if self.options.durability == Durability::None {
                self.durable();
            } else {
                self.sync_active()?;
            }
        }
        self.rotate()
    }

    /// True when the segment being written is old enough to be sealed.
    fn is_aged(&self) -> bool {
        let state = self.shared.state();
        let age_ms = |segment: &Segment| self.now_ms.saturating_sub(segment.oldest_at_ms);
        state
            .segments
            .last()
            .is_some_and(|segment| !segment.runs.is_empty() && age_ms(segment) > self.options.segment_age_ms)
    }

    /// Seals the segment being written and begins the next.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        self.active = None;
        let (head, checkpoint) = {
            let mut state = self.shared.state();
            let file = state.next_file;
            state.next_file += 1;
            // Not while the head takes ends back: what was settled must still be known then.
            let trimmed = state.lanes.iter_mut().filter(|lane| lane.is_input() && self.unsynced.is_empty());
            for lane in trimmed {
                let done = lane.done.ranges().next();
                if let Some(done) = done {
                    lane.settled.remove(done);
                }
            }
            state.at_ms = self.now_ms;
            (Head { store: self.id, file }, self.checkpoint(&state))
        };
        let segment = Segment::new(head.file, FILE_HEAD_BYTES);
        let name = segment.name();
        let mut bytes = head.to_bytes();
        bytes.extend(checkpoint_frame(head, &checkpoint));
        let file = self.disk.create(&name)?;
        let sized = file.set_len(self.options.segment_bytes.max(bytes.len() as u64));
        if let Err(error) = sized.and_then(|()| file.write_at(&bytes, 0)) {
            // A head that is not whole is nobody's; recovery would remove it too.
            let _ = self.disk.remove(&name);
            return Err(error);
        }
        let len = bytes.len() as u64;
        let mut state = self.shared.state();
        state.segments.push(segment);
        drop(state);
        self.needs_head = false;
        self.active = Some(Active { file, seed: head.seed(), begin: len, len, synced: 0, named: false });
        Ok(())
    }

    /// The state without what is not durable yet.
    fn checkpoint(&self, state: &State) -> State {
        let mut checkpoint = state.clone();
        self.unsynced.iter().for_each(|frame| frame.take_back(&mut checkpoint));
        checkpoint
    }
}

impl Unsynced {
    /// As if it had not been.
    fn take_back(&self, state: &mut State) {
        for run in &self.directory.runs {
            let lane = &mut state.lanes[usize::from(run.lane)];
            lane.next -= u64::from(run.count);
            let came = match self.imported {
                Some(_) => &mut lane.books.imported,
                None => &mut lane.books.made,
            };
            *came = came.saturating_sub(u64::from(run.count));
            let of_file = |import: &&mut Import| self.imported == Some(import.file);
            if let Some(import) = state.imports.iter_mut().find(of_file) {
                (import.records, import.whole) = (import.records - u64::from(run.count), false);
            }
        }
        for (pipeline, units) in &self.units {
            state.pipelines[usize::from(*pipeline)].units.subtract(units);
        }
        self.inputs.take_back(state);
    }
}

/// A segment's first frame: the state it begins with.
fn checkpoint_frame(head: Head, state: &State) -> Vec<u8> {
    let mut builder = FrameBuilder::default();
    builder.checkpoint(state);
    builder.finish(head.seed(), state.at_ms, 0, true).to_vec()
}

/// True when there is no room on the disk (or in the quota).
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
