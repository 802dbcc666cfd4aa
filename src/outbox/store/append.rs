//! Appending: a batch becomes a frame, a frame becomes durable, a full segment gives way to the
//! next, and what a failed sync left in doubt is written again.

use std::io;

use super::{
    batch::Batch,
    books::Fate,
    directory::Run,
    frame::{FrameBuilder, HEAD_BYTES},
    inputs::InputEnds,
    segment::{FILE_HEAD_BYTES, Head},
    state::{Import, Mark, Segment, State},
    store::{Active, Shared, Store, is_full},
    unsynced::Unsynced,
};
use edgeward_core::domain::Durability;

/// How often the folder is looked at.
const LOOK_EVERY_MS: u64 = 1000;

impl Store {
    /// Writes a batch and what is pending as one frame; durable on return, as the durability has
    /// it. Returns the lanes' first sequences, in the order of their first records.
    ///
    /// # Errors
    /// What the file system says. The frame then waits: [`Store::withdraw`] or [`Store::give_up`].
    pub fn commit(&mut self, batch: &Batch) -> io::Result<Vec<Run>> {
        let there = self.look();
        let bytes: usize = batch.records.iter().map(|record| record.payload.len() + 8).sum();
        // Before sequences are given, so that a new segment's head knows nothing of this batch.
        let ready = there.and_then(|()| self.make_active(bytes as u64));
        let runs = self.build(batch, None);
        ready?;
        self.flush(self.options.durability == Durability::Sync)?;
        // From the end: between two syncs there may be thousands, and all but the last are.
        self.unsynced
            .iter_mut()
            .rev()
            .take_while(|frame| !frame.accepted)
            .for_each(|frame| frame.accepted = true);
        Ok(runs)
    }

    /// Looks, once in a while, whether the folder is still where it was: a file that is open can be written also
    /// when its disk was taken away.
    fn look(&mut self) -> io::Result<()> {
        if self.now_ms < self.look_at_ms {
            return Ok(());
        }
        let there = self.disk.look();
        match &there {
            Ok(()) => self.look_at_ms = self.now_ms + LOOK_EVERY_MS,
            // At once again: until it is back nothing counts.
            Err(_) => self.doubt(),
        }
        there
    }

    /// Counts results from a file of another outbox into their lanes and writes them, durable on
    /// return. How far the file was taken on is in the same frame, so that an import that was cut
    /// short goes on where it stopped. `whole`: these are its last records.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn import(&mut self, batch: &Batch, file: [u8; 32], whole: bool) -> io::Result<()> {
        let bytes: usize = batch.records.iter().map(|record| record.payload.len() + 8).sum();
        self.make_active(bytes as u64)?;
        let before = self.shared.state().import_of(&file).map_or(0, |import| import.records);
        let records = before + batch.records.len() as u64;
        self.mark(Mark::Imported(Import { file, records, whole }));
        self.build(batch, Some(file));
        self.flush(true)
    }

    /// Gives sequences, counts, and puts the frame where [`Store::flush`] finds it.
    fn build(&mut self, batch: &Batch, imported: Option<[u8; 32]>) -> Vec<Run> {
        let mut frame = Unsynced { at_ms: self.now_ms, imported, ..Unsynced::default() };
        {
            let mut state = self.shared.state();
            for record in &batch.records {
                let Some(of) = state.lane_mut(record.lane) else { continue };
                match frame.runs.iter_mut().find(|run| run.lane == record.lane) {
                    Some(run) => run.count += 1,
                    None => frame.runs.push(Run { lane: record.lane, first: of.next, count: 1 }),
                }
                of.next += 1;
                let came = if imported.is_some() { &mut of.books.imported } else { &mut of.books.made };
                *came += 1;
                frame.records.push(record.clone());
            }
            for (pipeline, more) in &batch.units {
                state.pipelines[usize::from(*pipeline)].units.add(more);
            }
            for (pipeline, received) in &batch.arrived {
                state.pipelines[usize::from(*pipeline)].units.received += received;
            }
            for (pipeline, definition, source, memory) in &batch.memories {
                let Some(of) = state.pipelines.get_mut(usize::from(*pipeline)) else { continue };
                frame.memories.push((*pipeline, of.memories.set(*definition, source, memory.clone())));
                self.pending.push(Mark::Remembered {
                    pipeline: *pipeline,
                    definition: *definition,
                    source: source.as_ref().to_owned(),
                    memory: memory.clone(),
                });
            }
        }
        self.touched_lanes.extend(frame.runs.iter().map(|run| run.lane));
        self.touched_pipelines.extend(batch.units.iter().map(|(pipeline, _)| *pipeline));
        self.touched_pipelines.extend(batch.arrived.iter().map(|(pipeline, _)| *pipeline));
        // Only now: a segment's head or a frame of marks that was written for this batch's sake must
        // not tell of ends whose outcome is not in the log.
        frame.inputs = self.end_inputs(batch);
        frame.units.clone_from(&batch.units);
        frame.arrived.clone_from(&batch.arrived);
        frame.marks = std::mem::take(&mut self.pending);
        frame.pipelines = std::mem::take(&mut self.touched_pipelines);
        frame.lanes = std::mem::take(&mut self.touched_lanes);
        let runs = frame.runs.clone();
        if !frame.is_empty() {
            self.unsynced.push(frame);
        }
        runs
    }

    /// Applies the ends of a batch whose records have their sequences; the marks go into its frame.
    fn end_inputs(&mut self, batch: &Batch) -> InputEnds {
        let mut ends = InputEnds::default();
        {
            let state = self.shared.state();
            let open = |(lane, sequence): &&(u16, u64)| {
                state.lane(*lane).is_some_and(|of| !of.done.contains(*sequence))
            };
            let unsettled = |(lane, sequence): &&(u16, u64)| {
                state.lane(*lane).is_some_and(|of| !of.settled.contains(*sequence))
            };
            ends.settled.extend(batch.settled.iter().filter(unsettled).filter(open));
            ends.ended.extend(batch.released.iter().filter(open));
        }
        for (lane, sequence) in &batch.settled {
            self.settle(*lane, *sequence);
        }
        for (lane, sequence) in &batch.released {
            self.end(*lane, *sequence..*sequence + 1, Fate::Delivered);
        }
        for (pipeline, source, number) in &batch.numbers {
            self.count_number(*pipeline, source, *number);
        }
        ends
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

    /// Writes something that changes nothing, to see whether writing works.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn probe(&mut self) -> io::Result<()> {
        self.touch_pipeline(0);
        self.flush_marks()
    }

    /// Makes durable what is written ([`Durability::Interval`]).
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn sync(&mut self) -> io::Result<()> {
        self.flush(true)
    }

    /// Takes back the batch that could not be written, as if it had not been asked for; it may be
    /// committed again. Only for one with records, and before anything else is asked for.
    pub fn withdraw(&mut self) {
        let Some(frame) = self.unsynced.pop_if(|frame| !frame.accepted) else { return };
        frame.take_back(&mut self.shared.state());
        // What of it stands in the file is not to be followed by the same sequences once more, and
        // the marks that were in it are in the state: a new head carries them.
        self.doubt();
    }

    /// Lets go of the records that could not be written and counts them as shed. Inputs among
    /// them are only not journaled: the caller still has them. What was accepted before stays, and
    /// is written as soon as that goes.
    pub fn give_up(&mut self) {
        while let Some(frame) = self.unsynced.pop_if(|frame| !frame.accepted) {
            frame.let_go(&mut self.shared.state());
            self.touched_lanes.extend(frame.lanes.iter().copied());
            self.touched_pipelines.extend(frame.pipelines.iter().copied());
            self.pass_on(frame);
            // The marks that were in it are in the state: a new head carries them.
            self.needs_head = true;
        }
    }

    /// What a frame that was given up changed of accepted ones, which no head can tell before these are there.
    fn pass_on(&mut self, frame: Unsynced) {
        for mark in &frame.marks {
            let Mark::Remembered { pipeline, definition, source, .. } = mark else { continue };
            let accepted = self.unsynced.iter_mut();
            accepted.for_each(|accepted| accepted.forget_memory(*pipeline, *definition, source));
        }
        let unsynced = &self.unsynced;
        let inputs = frame.inputs.of(|lane, sequence| unsynced.iter().any(|frame| frame.has(lane, sequence)));
        if let Some(last) = self.unsynced.last_mut().filter(|_| !inputs.is_empty()) {
            last.marks.extend(inputs.marks());
            last.inputs.extend(inputs);
            // Where those inputs are not, what became of them is not either.
            last.units.extend(frame.units);
            last.pipelines.extend(frame.pipelines);
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
            // Nothing is in doubt after a write that found no room: the same file may do once there is some.
            Err(error) if is_full(&error) => Err(error),
            Err(_) => {
                self.doubt();
                self.try_flush(sync).inspect_err(|_| self.doubt())
            }
        }
    }

    /// After a failed sync nobody knows what of it is there (fsync does not tell again): all that is
    /// in doubt goes to a new file, also the state that the lost file's head alone may have known.
    fn doubt(&mut self) {
        self.active = None;
        self.needs_head = true;
        self.unsynced.iter_mut().for_each(|frame| frame.written = false);
    }

    fn try_flush(&mut self, sync: bool) -> io::Result<()> {
        // A head that is written for itself alone still has to become durable.
        let head_only = self.active.as_ref().map_or(self.needs_head, |active| active.synced == 0);
        let at_once = sync || self.options.durability == Durability::None;
        if self.unsynced.is_empty() && !(head_only && at_once) {
            return Ok(());
        }
        if self.active.is_none() {
            self.make_active(0)?;
        }
        self.free_bytes.set(None);
        let Some(active) = &mut self.active else { return Ok(()) };
        let unwritten = self.unsynced.iter().rev().take_while(|frame| !frame.written).count();
        for at in self.unsynced.len() - unwritten..self.unsynced.len() {
            let (frame, later) = self.unsynced[at..].split_first_mut().expect("it is one of them");
            encode(frame, later, &self.shared, &mut self.builder);
            let bytes = self.builder.finish(active.seed, frame.at_ms, active.synced, self.options.compress);
            active.file.write_at(bytes, active.len)?;
            active.len += bytes.len() as u64;
            frame.written = true;
        }
        if sync {
            self.sync_active()?;
        } else if self.options.durability == Durability::None {
            self.durable();
        }
        Ok(())
    }

    /// Makes the active file durable. A sync that fails leaves its frames in doubt whatever the reason, also want of
    /// room (delayed allocation, quotas): the next sync of the same file may succeed without them.
    fn sync_active(&mut self) -> io::Result<()> {
        self.try_sync_active().inspect_err(|_| self.doubt())
    }

    fn try_sync_active(&mut self) -> io::Result<()> {
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
        // Those that are still to be written stand behind them.
        let written = self.unsynced.iter().take_while(|frame| frame.written).count();
        for frame in self.unsynced.drain(..written) {
            segment.note(&frame.directory());
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
        self.keep_reserve();
        Ok(())
    }

    /// The state without what is not durable yet.
    fn checkpoint(&self, state: &State) -> State {
        let mut checkpoint = state.clone();
        // The newest first: what a memory took the place of may be of the frame before.
        self.unsynced.iter().rev().for_each(|frame| frame.take_back(&mut checkpoint));
        checkpoint
    }
}

/// Encodes a frame. Written again with others behind it, it tells the books as they were without those.
fn encode(frame: &Unsynced, later: &[Unsynced], shared: &Shared, builder: &mut FrameBuilder) {
    let state = shared.state();
    if later.is_empty() {
        return frame.encode(&state, builder);
    }
    let mut before = state.clone();
    drop(state);
    later.iter().rev().for_each(|frame| frame.take_back(&mut before));
    frame.encode(&before, builder);
}

/// A segment's first frame: the state it begins with.
fn checkpoint_frame(head: Head, state: &State) -> Vec<u8> {
    let mut builder = FrameBuilder::default();
    builder.checkpoint(state);
    builder.finish(head.seed(), state.at_ms, 0, true).to_vec()
}
