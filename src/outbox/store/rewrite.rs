//! Copying what is still pending out of segments: when they are sparse, and when one is damaged.

use std::{io, ops::Range};

use super::{
    books::Fate,
    frame::{Frame, FrameBuilder},
    recovery::{ASIDE, Damage},
    segment::{FILE_HEAD_BYTES, FrameReader, Head, Step},
    state::{Mark, Segment, on_disk},
    store::Store,
};
use crate::stored::{self, Format};

impl Store {
    /// Copies the pending records of `segments` (neighbours, sealed) into one file that takes
    /// their place. Returns the sequences that could not be read.
    ///
    /// # Errors
    /// What the file system says; nothing has changed then.
    pub(super) fn rewrite(&mut self, segments: &[Segment]) -> io::Result<Vec<(u16, Range<u64>)>> {
        // What ended must be in the log before its records are left behind.
        self.flush_marks()?;
        let head = Head { store: self.id, file: self.next_file() };
        let (Some(first), Some(last)) = (segments.first(), segments.last()) else { return Ok(Vec::new()) };
        let mut into = Segment {
            merged: true,
            first: first.first,
            last: last.last,
            ..Segment::new(head.file, FILE_HEAD_BYTES)
        };
        let name = into.name();
        let file = self.disk.create(&name)?;
        let mut copy = || -> io::Result<u64> {
            file.write_at(&head.to_bytes(), 0)?;
            let mut len = FILE_HEAD_BYTES;
            let mut builder = FrameBuilder::default();
            for segment in segments {
                self.each_frame(segment, |frame| {
                    builder.clear();
                    self.copy_live(frame, &mut builder);
                    if builder.runs().is_empty() {
                        return Ok(());
                    }
                    let at_ms = frame.directory.at_ms;
                    let runs = builder.runs().to_vec();
                    let bytes = builder.finish(head.seed(), at_ms, len, self.options.compress);
                    file.write_at(bytes, len)?;
                    len += bytes.len() as u64;
                    let mut directory = frame.directory.clone();
                    directory.runs = runs;
                    into.note(&directory);
                    Ok(())
                })?;
            }
            file.sync()?;
            self.disk.sync_names()?;
            Ok(len)
        };
        match copy() {
            Ok(len) => into.bytes = len,
            Err(error) => {
                let _ = self.disk.remove(&name);
                return Err(error);
            }
        }
        let unread = self.not_in(segments, &into);
        let replaced = segments.iter().map(|segment| segment.file).collect();
        self.mark(Mark::Merged { into, replaced });
        for (lane, range) in &unread {
            self.end(*lane, range.clone(), Fate::Damaged);
        }
        self.flush_marks()?;
        self.free_bytes.set(None);
        for segment in segments {
            let name = segment.name();
            // What can't be done now is done at the next start: the file is a leftover.
            if unread.is_empty() {
                let _ = self.disk.remove(&name);
            } else if self.disk.rename(&name, &format!("{ASIDE}{name}")).is_ok() {
                self.aside_bytes += on_disk(segment.bytes);
            }
        }
        Ok(unread)
    }

    /// Sets a damaged segment aside: what can be read of it goes on, the rest is counted. Returns
    /// what is gone.
    ///
    /// # Errors
    /// What the file system says.
    pub fn set_aside(&mut self, file: u64) -> io::Result<Vec<Damage>> {
        if self.active.is_some() && self.shared.state().segments.last().is_some_and(|last| last.file == file)
        {
            // The one being written is sealed first: what comes goes elsewhere.
            self.flush_marks()?;
            self.rotate()?;
        }
        let Some(segment) = self.shared.state().segments.iter().find(|known| known.file == file).cloned()
        else {
            return Ok(Vec::new());
        };
        let unread = self.rewrite(std::slice::from_ref(&segment))?;
        let name = segment.name();
        let damage = unread.into_iter().map(|(lane, range)| {
            let records = range.end - range.start;
            Damage { file: name.clone(), lane, range, records }
        });
        Ok(damage.collect())
    }

    /// Calls `each` with every frame of a segment that can be read.
    fn each_frame(
        &self,
        segment: &Segment,
        mut each: impl FnMut(&Frame) -> io::Result<()>,
    ) -> io::Result<()> {
        let file = match self.disk.open(&segment.name()) {
            Ok(file) => file,
            // Gone: all it held is damaged.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let seed = Head { store: self.id, file: segment.file }.seed();
        let mut frames = FrameReader::new(file, seed, FILE_HEAD_BYTES, segment.bytes);
        loop {
            match frames.step()? {
                Step::Frame { frame, .. } => each(&frame)?,
                Step::Bad { .. } if frames.resume()? => {}
                Step::Bad { .. } | Step::End => return Ok(()),
            }
        }
    }

    fn copy_live(&self, frame: &Frame, builder: &mut FrameBuilder) {
        let state = self.shared.state();
        let runs = &frame.directory.runs;
        let any = runs.iter().any(|run| {
            state
                .lane(run.lane)
                .is_some_and(|lane| lane.live_in(run.first, run.first + u64::from(run.count)) > 0)
        });
        if !any {
            return;
        }
        for record in frame.records() {
            let Some(lane) = state.lane(record.lane).filter(|lane| !lane.done.contains(record.sequence))
            else {
                continue;
            };
            // What is written is of today's format, also what was not.
            let entry = (lane.is_input() && frame.format != Format::default())
                .then(|| frame.format.read_entry(record.payload));
            let entry = entry.flatten().map(|entry| stored::entry_bytes(&entry));
            let payload = entry.as_deref().unwrap_or(record.payload);
            builder.record(record.lane, record.sequence, payload, record.envelope().as_deref());
        }
    }

    /// Pending records of `segments` that are not in `into`.
    fn not_in(&self, segments: &[Segment], into: &Segment) -> Vec<(u16, Range<u64>)> {
        let state = self.shared.state();
        let mut unread = Vec::new();
        let pending: u64 = segments.iter().map(|segment| state.live(segment)).sum();
        if pending == into.records() {
            return unread;
        }
        let seed = Head { store: self.id, file: into.file }.seed();
        let mut there: Vec<super::ranges::RangeSet> = vec![Default::default(); state.lanes.len()];
        if let Ok(file) = self.disk.open(&into.name()) {
            let mut frames = FrameReader::new(file, seed, FILE_HEAD_BYTES, into.bytes);
            while let Ok(Step::Frame { frame, .. }) = frames.step() {
                for run in &frame.directory.runs {
                    if let Some(set) = there.get_mut(usize::from(run.lane)) {
                        set.insert(run.first..run.first + u64::from(run.count));
                    }
                }
            }
        }
        for run in segments.iter().flat_map(|segment| &segment.runs) {
            let Some(lane) = state.lane(run.lane) else { continue };
            for open in lane.done.missing(run.first..run.end) {
                unread.extend(
                    there[usize::from(run.lane)].missing(open).into_iter().map(|part| (run.lane, part)),
                );
            }
        }
        unread
    }
}
