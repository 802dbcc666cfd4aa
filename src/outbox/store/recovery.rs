//! Opening: the newest head that can be read, and the frames behind it, are the truth.

use std::{collections::BTreeSet, io, ops::Range, sync::Arc};

use super::{
    books::Fate,
    disk::Disk,
    options::StoreOptions,
    segment::{FILE_HEAD_BYTES, FrameReader, Head, NoHead, Step},
    sound::BEYOND,
    state::{Lane, Segment, State, on_disk},
    store::Store,
};
use crate::stored::FORMAT;
use edgeward_core::domain::Durability;

/// Why a folder is not opened as an outbox.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("can't {action} the outbox: {source}")]
    Io {
        action: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("{file} has format {found}, this edgeward writes {FORMAT}: use the newer edgeward that wrote it")]
    Newer { file: String, found: u32 },
}

/// What opening found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// There was no outbox.
    pub created: bool,
    /// Bytes of a commit that a crash cut short: nobody was told it had been stored.
    pub torn_bytes: u64,
    /// What was found missing or unreadable.
    pub damage: Vec<Damage>,
    /// Files of which nothing could be told, not even what they held: set aside.
    pub unreadable: Vec<String>,
    /// Sequences went on under a new epoch.
    pub new_epoch: bool,
}

/// Records that are gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    pub file: String,
    pub lane: u16,
    pub range: Range<u64>,
    /// Of those, how many had no end yet.
    pub records: u64,
}

/// Random identities for what may have to be created.
#[derive(Debug, Clone, Copy)]
pub struct Fresh {
    pub store: [u8; 8],
    pub epoch: [u8; 8],
}

/// The kind and number in a file's name.
pub(super) fn parse_name(name: &str) -> Option<(bool, u64)> {
    let (kind, number) = name.split_once('-')?;
    let merged = match kind {
        "segment" => false,
        "merged" => true,
        _ => return None,
    };
    let file = u64::from_str_radix(number, 16).ok().filter(|file| *file < BEYOND)?;
    (number.len() == 16).then_some((merged, file))
}

/// The prefix of files that were set aside.
pub(super) const ASIDE: &str = "damaged-";

/// Whether this is the name of a file that was set aside.
pub fn is_aside(name: &str) -> bool {
    name.starts_with(ASIDE)
}

/// What the files of a folder say, without changing any.
pub struct Reading {
    pub id: [u8; 8],
    pub state: State,
    pub recovery: Recovery,
    /// Files that belong to nothing.
    pub(super) leftovers: Vec<String>,
    pub(super) aside_bytes: u64,
}

/// Reads a folder as it is; a live daemon's too. None when there is no outbox in it.
///
/// # Errors
/// [`OpenError`]
pub fn read_outbox(disk: &dyn Disk) -> Result<Option<Reading>, OpenError> {
    let files = disk.list().map_err(|source| OpenError::Io { action: "list", source })?;
    let aside_bytes =
        files.iter().filter(|(name, _)| name.starts_with(ASIDE)).map(|(_, bytes)| on_disk(*bytes)).sum();
    let mut logs: Vec<(u64, String, u64)> = files
        .iter()
        .filter_map(|(name, bytes)| match parse_name(name)? {
            (false, file) => Some((file, name.clone(), *bytes)),
            (true, _) => None,
        })
        .collect();
    logs.sort();
    let mut leftovers = Vec::new();
    let mut newer = Vec::new();
    let mut base = None;
    while let Some((file, name, bytes)) = logs.pop() {
        match read_head(disk, &name, file, bytes)? {
            Some((head, state, begin)) => {
                base = Some((head, state, begin, name, bytes));
                break;
            }
            // A segment that a crash kept from being born, or a damaged one: looked at below.
            None => newer.push((file, name, bytes)),
        }
    }
    let Some((head, mut state, begin, name, bytes)) = base else {
        if newer.is_empty() {
            return Ok(None);
        }
        let mut recovery = Recovery { created: true, ..Recovery::default() };
        let next_file = newer.iter().map(|(file, ..)| file + 1).max().unwrap_or(1);
        for (file, name, bytes) in newer {
            // Heads are durable before anything counts: the first one was cut while it was born.
            if file == 1 && !has_frames(disk, &name, bytes)? {
                leftovers.push(name);
            } else {
                recovery.unreadable.push(name);
            }
        }
        let state = State { next_file, ..State::default() };
        return Ok(Some(Reading { id: [0; 8], state, recovery, leftovers, aside_bytes }));
    };
    let mut recovery = Recovery::default();
    let mut lost = Vec::new();
    state.next_file = state.next_file.max(head.file + 1);
    state.segments.push(Segment::new(head.file, FILE_HEAD_BYTES));
    fold(disk, &name, head, begin, bytes, &mut state, &mut recovery, &mut lost)?;
    for (file, name, bytes) in newer.into_iter().rev() {
        // Its head is unreadable; its frames say whether anything was ever in it.
        let head = Head { store: head.store, file };
        state.segments.push(Segment::new(file, FILE_HEAD_BYTES));
        state.next_file = state.next_file.max(file + 1);
        fold(disk, &name, head, FILE_HEAD_BYTES, bytes, &mut state, &mut recovery, &mut lost)?;
        if state.segments.last().is_some_and(|segment| segment.runs.is_empty()) {
            state.segments.pop();
            leftovers.push(name);
        }
    }
    lost.extend(absent(&files, &state));
    for (file, lane, range) in lost {
        let Some(of) = state.lane(lane) else { continue };
        let records = of.live_in(range.start, range.end);
        if records > 0 {
            recovery.damage.push(Damage { file, lane, range, records });
        }
    }
    for (name, _) in &files {
        let Some((merged, file)) = parse_name(name) else { continue };
        let known = state.segments.iter().any(|segment| segment.file == file && segment.merged == merged);
        if !known && !leftovers.contains(name) {
            state.next_file = state.next_file.max(file + 1);
            leftovers.push(name.clone());
        }
    }
    Ok(Some(Reading { id: head.store, state, recovery, leftovers, aside_bytes }))
}

/// Whether a file holds any frame, wherever it begins.
fn has_frames(disk: &dyn Disk, name: &str, bytes: u64) -> Result<bool, OpenError> {
    let reading = |source| OpenError::Io { action: "read", source };
    let file = disk.open(name).map_err(reading)?;
    let mut head = [0; FILE_HEAD_BYTES as usize];
    let filled = file.read_at(&mut head, 0).map_err(reading)?;
    let Ok(head) = Head::read(&head[..filled]) else { return Ok(false) };
    let mut frames = FrameReader::new(file, head.seed(), FILE_HEAD_BYTES, bytes);
    match frames.step().map_err(reading)? {
        Step::Frame { frame, .. } if !frame.directory.runs.is_empty() => Ok(true),
        _ => frames.resume().map_err(reading),
    }
}

/// A segment's head, its state and where its frames begin. None when it is not whole.
fn read_head(
    disk: &dyn Disk,
    name: &str,
    number: u64,
    bytes: u64,
) -> Result<Option<(Head, State, u64)>, OpenError> {
    let reading = |source| OpenError::Io { action: "read", source };
    let Ok(file) = disk.open(name) else { return Ok(None) };
    let mut head = [0; FILE_HEAD_BYTES as usize];
    let Ok(filled) = file.read_at(&mut head, 0) else { return Ok(None) };
    let head = match Head::read(&head[..filled]) {
        Ok(head) if head.file == number => head,
        Ok(_) | Err(NoHead::Unreadable) => return Ok(None),
        Err(NoHead::Newer(found)) => return Err(OpenError::Newer { file: name.to_owned(), found }),
    };
    let mut frames = FrameReader::new(file, head.seed(), FILE_HEAD_BYTES, bytes);
    match frames.step().map_err(reading)? {
        Step::Frame { frame, end, .. } => Ok(frame.checkpoint().map(|state| (head, state, end))),
        Step::Bad { .. } | Step::End => Ok(None),
    }
}

/// Adds a segment's frames to the state, as far as they count.
#[allow(clippy::too_many_arguments)]
fn fold(
    disk: &dyn Disk,
    name: &str,
    head: Head,
    begin: u64,
    bytes: u64,
    state: &mut State,
    recovery: &mut Recovery,
    lost: &mut Vec<(String, u16, Range<u64>)>,
) -> Result<(), OpenError> {
    let Ok(file) = disk.open(name) else { return Ok(()) };
    let mut frames = FrameReader::new(file, head.seed(), begin, bytes);
    let reading = |source| OpenError::Io { action: "read", source };
    loop {
        match frames.step().map_err(reading)? {
            Step::Frame { frame, end, .. } => {
                let gaps = state.fold(&frame.directory, &frame.marks().unwrap_or_default());
                lost.extend(gaps.into_iter().map(|(lane, first, end)| (name.to_owned(), lane, first..end)));
                if let Some(segment) = state.segments.iter_mut().find(|segment| segment.file == head.file) {
                    segment.bytes = end;
                }
            }
            Step::Bad { at } => {
                if frames.rest_is_unwritten().map_err(reading)? {
                    return Ok(());
                }
                if !was_durable(&mut frames, at).map_err(reading)? {
                    recovery.torn_bytes += bytes - at;
                    return Ok(());
                }
            }
            Step::End => return Ok(()),
        }
    }
}

/// Whether a later frame knows that the place of a bad one was durable: then it is damage, and
/// reading goes on at the next good frame. Else a crash cut the last commit short.
fn was_durable(frames: &mut FrameReader, bad: u64) -> io::Result<bool> {
    let mut next = None;
    while frames.resume()? {
        next.get_or_insert(frames.at());
        while let Step::Frame { frame, .. } = frames.step()? {
            if frame.directory.synced_to > bad {
                frames.seek(next.unwrap_or(bad));
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Records of sealed segments that are not there, or not all of them.
fn absent(files: &[(String, u64)], state: &State) -> Vec<(String, u16, Range<u64>)> {
    let mut lost = Vec::new();
    for segment in &state.segments {
        let name = segment.name();
        let there = files.iter().find(|(known, _)| *known == name);
        if there.is_none() {
            lost.extend(segment.runs.iter().map(|run| (name.clone(), run.lane, run.first..run.end)));
        }
    }
    lost
}

impl Store {
    /// Opens the outbox in `disk`, a new one if there is none. Writes nothing yet: the first
    /// commit begins a new segment.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(
        disk: Arc<dyn Disk>,
        options: StoreOptions,
        fresh: Fresh,
    ) -> Result<(Store, Recovery), OpenError> {
        let reading = read_outbox(disk.as_ref())?;
        let Some(reading) = reading else {
            let mut store =
                Store::new(disk, options, fresh.store, State { next_file: 1, ..State::default() });
            store.begin_epoch(fresh.epoch);
            return Ok((store, Recovery { created: true, ..Recovery::default() }));
        };
        let Reading { id, state, mut recovery, leftovers, aside_bytes } = reading;
        let id = if recovery.created { fresh.store } else { id };
        let mut store = Store::new(disk, options, id, state);
        store.aside_bytes = aside_bytes;
        for name in &recovery.unreadable {
            let _ = store.disk.rename(name, &format!("{ASIDE}{name}"));
        }
        for name in leftovers {
            // Whatever can't be removed now is tried again at the next start.
            let _ = store.disk.remove(&name);
        }
        let gone: BTreeSet<&str> = recovery.damage.iter().map(|damage| damage.file.as_str()).collect();
        recovery.new_epoch = recovery.created || !gone.is_empty();
        for damage in &recovery.damage {
            store.end(damage.lane, damage.range.clone(), Fate::Damaged);
        }
        store.forget_absent();
        store.reconcile();
        // Without a sync before each acknowledgement, a power cut takes what was told to others.
        recovery.new_epoch |= store.options.durability != Durability::Sync;
        if recovery.new_epoch {
            store.begin_epoch(fresh.epoch);
        }
        Ok((store, recovery))
    }

    /// Drops segments whose files are gone from the state.
    fn forget_absent(&mut self) {
        let Ok(files) = self.disk.list() else { return };
        let names: BTreeSet<String> = files.into_iter().map(|(name, _)| name).collect();
        let mut state = self.shared.state();
        state.segments.retain(|segment| names.contains(&segment.name()));
    }

    /// Makes the books fit what was read, where frames were lost. Units that were counted as
    /// waiting and whose input is not in the journal: their commit was given up before the process
    /// ended.
    fn reconcile(&mut self) {
        let shared = self.shared.clone();
        let mut state = shared.state();
        for at in 0..state.lanes.len() {
            // Ends whose frame was lost: the books know them, the records are pending again.
            let lane = &mut state.lanes[at];
            let open = lane.live_in(0, lane.next);
            let again = open.saturating_sub(lane.books.pending());
            if again > 0 {
                lane.books.replayed += again;
                self.touch_lane(at as u16);
            }
        }
        for at in 0..state.pipelines.len() {
            let of = |lane: &&Lane| lane.is_input() && usize::from(lane.pipeline) == at;
            let waiting: u64 = state.lanes.iter().filter(of).map(Lane::unsettled).sum();
            let units = &mut state.pipelines[at].units;
            let missing = units.pending().saturating_sub(waiting);
            if missing > 0 {
                units.damaged += missing;
                self.touch_pipeline(at as u16);
            }
        }
    }
}
