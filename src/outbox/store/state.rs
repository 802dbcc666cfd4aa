//! What the log adds up to: the state after any prefix of its frames, and the marks that change it.

use bytes::Bytes;

use super::{
    books::{Fate, ResultBooks, UnitBooks},
    directory::Directory,
    memories::{Definition, Memories},
    ranges::RangeSet,
};

/// A change of the state. Books are absolute, so that a lost frame does not falsify later ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Names a pipeline. A segment's head may know it already.
    Pipeline {
        at: u16,
        name: String,
    },
    /// Names a lane.
    Lane {
        at: u16,
        pipeline: u16,
        class: String,
    },
    /// These records ended.
    Done {
        lane: u16,
        first: u64,
        count: u64,
        fate: Fate,
    },
    /// These journaled inputs were scored; something still needs them.
    Settled {
        lane: u16,
        first: u64,
        count: u64,
    },
    /// These records are to be delivered again.
    Opened {
        lane: u16,
        first: u64,
        count: u64,
    },
    Units {
        pipeline: u16,
        books: UnitBooks,
    },
    Results {
        lane: u16,
        books: ResultBooks,
    },
    /// The wall clock was corrected: it now is the outbox's time plus this.
    Wall {
        offset_ms: i64,
    },
    /// Sequences from here on belong to a new epoch.
    Epoch([u8; 8]),
    /// A new file took the place of these segments.
    Merged {
        into: Segment,
        replaced: Vec<u64>,
    },
    /// What an uplink has sent in its current day.
    Spent {
        uplink: String,
        day: u64,
        bytes: u64,
    },
    /// Which numbers a sender's messages had.
    Sender {
        pipeline: u16,
        source: String,
        numbers: RangeSet,
        repeated: u64,
    },
    /// How much of a file with another outbox's records was taken on.
    Imported(Import),
    /// What a source left behind that its next reading needs; none: it was forgotten.
    Remembered {
        pipeline: u16,
        /// Of the pipeline; with another one, all that was remembered is forgotten first.
        definition: Definition,
        source: String,
        memory: Option<Bytes>,
    },
}

/// All that has to be known to go on, as each segment's head has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The outbox's monotonic time, in milliseconds it was in use.
    pub at_ms: u64,
    pub wall_offset_ms: Option<i64>,
    /// How often the wall clock was corrected.
    pub wall_corrections: u64,
    pub epochs: Vec<EpochRun>,
    pub pipelines: Vec<Pipeline>,
    pub lanes: Vec<Lane>,
    /// Oldest first; the last one is being written.
    pub segments: Vec<Segment>,
    /// The number of the next file.
    pub next_file: u64,
    pub spent: Vec<Spent>,
    pub senders: Vec<Sender>,
    /// The newest imported files (at most 1,024), the newest last.
    pub imports: Vec<Import>,
}

/// From which sequences on an epoch counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EpochRun {
    pub epoch: [u8; 8],
    /// By lane; lanes that came later begin at 0.
    pub first: Vec<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pipeline {
    pub name: String,
    pub units: UnitBooks,
    pub memories: Memories,
}

/// The records of one pipeline and class; [`INPUT_CLASS`] is the journal of its inputs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lane {
    pub pipeline: u16,
    pub class: String,
    /// The next record's sequence.
    pub next: u64,
    pub done: RangeSet,
    /// Of inputs: scored, and perhaps still needed.
    pub settled: RangeSet,
    pub books: ResultBooks,
}

/// The class of journaled inputs: no operator can use the name.
pub const INPUT_CLASS: &str = "input";

/// One file of the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Segment {
    pub file: u64,
    /// The first and the last file of the log whose records it holds: itself, unless merged.
    pub first: u64,
    pub last: u64,
    /// It took the place of others, and its frames are not part of the log any more.
    pub merged: bool,
    /// Its durable bytes; what stands behind them never counted.
    pub bytes: u64,
    /// When its first and its newest record were written, in the outbox's time.
    pub oldest_at_ms: u64,
    pub newest_at_ms: u64,
    pub runs: Vec<SegmentRun>,
}

/// What a segment holds of a lane: records between `first` and `end`; what is missing is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRun {
    pub lane: u16,
    pub first: u64,
    pub end: u64,
    pub records: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    pub uplink: String,
    pub day: u64,
    pub bytes: u64,
}

/// Imported files that are remembered, so that none is taken on twice.
pub const MOST_IMPORTS: usize = 1024;

/// A file with another outbox's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Import {
    /// The file's SHA-256.
    pub file: [u8; 32],
    /// How many of its records, from the first one on, were taken on.
    pub records: u64,
    /// All of them were.
    pub whole: bool,
}

/// A sender that numbers its messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sender {
    pub pipeline: u16,
    pub source: String,
    pub numbers: RangeSet,
    pub repeated: u64,
}

impl Lane {
    pub fn is_input(&self) -> bool {
        self.class == INPUT_CLASS
    }

    /// Journaled inputs that were not scored.
    pub fn unsettled(&self) -> u64 {
        let open = self.done.missing(0..self.next);
        open.into_iter().map(|part| part.end - part.start - self.settled.count_in(part)).sum()
    }

    /// Records without an end between `first` and `end`.
    pub fn live_in(&self, first: u64, end: u64) -> u64 {
        end.saturating_sub(first) - self.done.count_in(first..end)
    }
}

impl Segment {
    /// A segment of the log without any frame.
    pub fn new(file: u64, bytes: u64) -> Self {
        Segment { file, first: file, last: file, bytes, ..Segment::default() }
    }

    /// Its file's name.
    pub fn name(&self) -> String {
        let kind = if self.merged { "merged" } else { "segment" };
        format!("{kind}-{:016x}", self.file)
    }

    /// Notes the records of a frame.
    pub fn note(&mut self, directory: &Directory) {
        for run in &directory.runs {
            let (first, end) = (run.first, run.first + u64::from(run.count));
            if self.runs.is_empty() && self.newest_at_ms == 0 {
                self.oldest_at_ms = directory.at_ms;
            }
            self.newest_at_ms = self.newest_at_ms.max(directory.at_ms);
            match self.runs.iter_mut().find(|known| known.lane == run.lane) {
                Some(known) => {
                    known.first = known.first.min(first);
                    known.end = known.end.max(end);
                    known.records += u64::from(run.count);
                }
                None => {
                    let records = u64::from(run.count);
                    self.runs.push(SegmentRun { lane: run.lane, first, end, records });
                }
            }
        }
    }

    pub fn records(&self) -> u64 {
        self.runs.iter().map(|run| run.records).sum()
    }

    /// Roughly what so many of its records take, all of it at most.
    pub fn bytes_of(&self, records: u64) -> u64 {
        let all = self.records().max(1);
        // In u128: both factors may be large.
        (u128::from(self.bytes) * u128::from(records.min(all)) / u128::from(all)) as u64
    }
}

impl State {
    pub fn lane_of(&self, pipeline: &str, class: &str) -> Option<u16> {
        let at = self.lanes.iter().position(|lane| {
            lane.class == class && self.pipelines[usize::from(lane.pipeline)].name == pipeline
        })?;
        u16::try_from(at).ok()
    }

    pub fn lane(&self, lane: u16) -> Option<&Lane> {
        self.lanes.get(usize::from(lane))
    }

    pub fn lane_mut(&mut self, lane: u16) -> Option<&mut Lane> {
        self.lanes.get_mut(usize::from(lane))
    }

    /// Records of a segment that have no end yet.
    pub fn live(&self, segment: &Segment) -> u64 {
        let live = |run: &SegmentRun| self.lane(run.lane).map_or(0, |lane| lane.live_in(run.first, run.end));
        segment.runs.iter().map(live).sum()
    }

    /// Roughly their bytes.
    pub fn live_bytes(&self, segment: &Segment) -> u64 {
        segment.bytes_of(self.live(segment))
    }

    /// What is known of an imported file.
    pub fn import_of(&self, file: &[u8; 32]) -> Option<&Import> {
        self.imports.iter().find(|import| import.file == *file)
    }

    /// The epoch of a record.
    pub fn epoch_of(&self, lane: u16, sequence: u64) -> [u8; 8] {
        let starts = |run: &&EpochRun| run.first.get(usize::from(lane)).copied().unwrap_or(0) <= sequence;
        self.epochs.iter().rev().find(starts).map_or([0; 8], |run| run.epoch)
    }

    /// Adds a frame of the log. Returns the runs of sequences that should have come before its
    /// records and were not seen: records of a lost frame.
    pub fn fold(&mut self, directory: &Directory, marks: &[Mark]) -> Vec<(u16, u64, u64)> {
        // Before the records: a mark may name their lane.
        marks.iter().for_each(|mark| self.apply(mark));
        let mut lost = Vec::new();
        for run in &directory.runs {
            let Some(lane) = self.lanes.get_mut(usize::from(run.lane)) else { continue };
            if run.first > lane.next {
                lost.push((run.lane, lane.next, run.first));
            }
            lane.next = lane.next.max(run.first + u64::from(run.count));
        }
        self.at_ms = self.at_ms.max(directory.at_ms);
        if let Some(segment) = self.segments.last_mut() {
            segment.note(directory);
        }
        lost
    }

    /// Applies a mark read from the log.
    pub fn apply(&mut self, mark: &Mark) {
        match mark {
            Mark::Pipeline { at, name } => {
                if usize::from(*at) == self.pipelines.len() {
                    self.pipelines.push(Pipeline { name: name.clone(), ..Pipeline::default() });
                }
            }
            Mark::Lane { at, pipeline, class } => {
                if usize::from(*at) == self.lanes.len() && usize::from(*pipeline) < self.pipelines.len() {
                    let (pipeline, class) = (*pipeline, class.clone());
                    self.lanes.push(Lane { pipeline, class, ..Lane::default() });
                }
            }
            Mark::Done { lane, first, count, .. } => {
                if let Some(lane) = self.lane_mut(*lane) {
                    lane.done.insert(*first..first.saturating_add(*count));
                }
            }
            Mark::Settled { lane, first, count } => {
                if let Some(lane) = self.lane_mut(*lane) {
                    lane.settled.insert(*first..first.saturating_add(*count));
                }
            }
            Mark::Opened { lane, first, count } => {
                if let Some(lane) = self.lane_mut(*lane) {
                    lane.done.remove(*first..first.saturating_add(*count));
                }
            }
            Mark::Units { pipeline, books } => {
                if let Some(pipeline) = self.pipelines.get_mut(usize::from(*pipeline)) {
                    pipeline.units = books.clone();
                }
            }
            Mark::Results { lane, books } => {
                if let Some(lane) = self.lane_mut(*lane) {
                    lane.books = *books;
                }
            }
            Mark::Wall { offset_ms } => {
                let corrected = self.wall_offset_ms.is_some_and(|known| known != *offset_ms);
                self.wall_corrections += u64::from(corrected);
                self.wall_offset_ms = Some(*offset_ms);
            }
            Mark::Epoch(epoch) if self.epochs.last().is_some_and(|last| last.epoch == *epoch) => {}
            Mark::Epoch(epoch) => {
                let first = self.lanes.iter().map(|lane| lane.next).collect();
                self.epochs.push(EpochRun { epoch: *epoch, first });
            }
            Mark::Merged { into, replaced } => self.merge(into, replaced),
            Mark::Spent { uplink, day, bytes } => {
                let spent = Spent { uplink: uplink.clone(), day: *day, bytes: *bytes };
                match self.spent.iter_mut().find(|known| known.uplink == *uplink) {
                    Some(known) => *known = spent,
                    None => self.spent.push(spent),
                }
            }
            Mark::Sender { pipeline, source, numbers, repeated } => {
                let known = self
                    .senders
                    .iter_mut()
                    .find(|known| known.pipeline == *pipeline && known.source == *source);
                let sender = Sender {
                    pipeline: *pipeline,
                    source: source.clone(),
                    numbers: numbers.clone(),
                    repeated: *repeated,
                };
                match known {
                    Some(known) => *known = sender,
                    None => self.senders.push(sender),
                }
            }
            Mark::Remembered { pipeline, definition, source, memory } => {
                if let Some(pipeline) = self.pipelines.get_mut(usize::from(*pipeline)) {
                    pipeline.memories.set(*definition, source, memory.clone());
                }
            }
            Mark::Imported(import) => {
                self.imports.retain(|known| known.file != import.file);
                self.imports.push(*import);
                let old = self.imports.len().saturating_sub(MOST_IMPORTS);
                self.imports.drain(..old);
            }
        }
    }

    fn merge(&mut self, into: &Segment, replaced: &[u64]) {
        let Some(at) = self.segments.iter().position(|segment| replaced.contains(&segment.file)) else {
            return;
        };
        let before = self.segments.clone();
        self.segments.retain(|segment| !replaced.contains(&segment.file));
        self.segments.insert(at, into.clone());
        if !self.has_sound_segments() {
            self.segments = before;
            return;
        }
        self.next_file = self.next_file.max(into.file + 1);
    }

    /// The bytes of all segments, each rounded up to whole blocks, as a file system keeps them.
    pub fn disk_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| on_disk(segment.bytes)).sum()
    }
}

/// Bytes a file of this length takes on disk.
pub fn on_disk(bytes: u64) -> u64 {
    const BLOCK_BYTES: u64 = 4096;
    bytes.div_ceil(BLOCK_BYTES) * BLOCK_BYTES
}
