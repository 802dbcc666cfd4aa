//! The one who writes: commits, rotates, and writes again what a failed sync left in doubt.

use std::{
    cell::Cell,
    collections::BTreeSet,
    io,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
};

use super::{
    books::Fate,
    disk::{Disk, DiskFile},
    frame::FrameBuilder,
    options::{Moment, StoreOptions},
    state::{INPUT_CLASS, Mark, State},
    unsynced::Unsynced,
};

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

/// The file being written.
pub(super) struct Active {
    pub file: Arc<dyn DiskFile>,
    pub seed: u32,
    /// Where its frames begin, behind the checkpoint.
    pub begin: u64,
    pub len: u64,
    pub synced: u64,
    /// Its name is durable.
    pub named: bool,
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
    pub(super) unsynced: Vec<Unsynced>,
    /// Changes that are in the state and not yet in a frame.
    pub(super) pending: Vec<Mark>,
    pub(super) touched_pipelines: BTreeSet<u16>,
    pub(super) touched_lanes: BTreeSet<u16>,
    /// Marks were given up with their frame: only a new segment's head can carry them.
    pub(super) needs_head: bool,
    /// Room was put by.
    pub(super) reserved: bool,
    /// Bytes of files that were set aside.
    pub(super) aside_bytes: u64,
    /// When the folder is looked at again.
    pub(super) look_at_ms: u64,
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
            reserved: false,
            aside_bytes: 0,
            look_at_ms: 0,
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

    /// True when something was written and not synced, also if that is a segment's head alone.
    pub fn has_unsynced(&self) -> bool {
        !self.unsynced.is_empty() || self.active.as_ref().is_some_and(|active| active.synced < active.len)
    }
}

/// True when there is no room on the disk (or in the quota).
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
