//! Staying within bounds: dead segments go, sparse neighbours become one, the least important
//! records make room.

use std::{collections::BTreeMap, io};

use super::{
    books::Fate,
    recovery::{ASIDE, parse_name},
    state::{Segment, State, on_disk},
    store::Store,
};
use edgeward_core::domain::{ClassPolicy, WhenFull};

/// Whether records of a class may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Yes,
    /// No room, and nothing less important to let go: the new ones are shed.
    Shed,
    /// No room, and the policy is to refuse: whoever has them keeps them.
    Refuse,
}

/// How full the outbox is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes on disk: segments, what was set aside, the folder itself.
    pub bytes: u64,
    /// Bytes it may take before it sheds or refuses.
    pub usable_bytes: u64,
    /// Bytes free on the file system.
    pub free_bytes: u64,
}

/// The folder and the lock in it.
const FOLDER_BYTES: u64 = 8192;

impl Store {
    pub fn usage(&self) -> Usage {
        let bytes = self.shared.state().disk_bytes() + self.aside_bytes + FOLDER_BYTES + self.reserve_bytes();
        // A merge writes a segment before it removes others, a new segment begins with a head.
        let reserve = 2 * self.options.segment_bytes;
        Usage {
            bytes,
            usable_bytes: self.options.max_bytes.saturating_sub(reserve),
            free_bytes: self.free_bytes(),
        }
    }

    /// Asked anew after each tick, write and removal: every submission wants to know, and the
    /// system's answer costs more than all the rest of the question.
    fn free_bytes(&self) -> u64 {
        let free = self.free_bytes.get().unwrap_or_else(|| self.disk.free_bytes().unwrap_or(0));
        self.free_bytes.set(Some(free));
        free
    }

    /// True when `bytes` more fit.
    fn fits(&self, bytes: u64) -> bool {
        let usage = self.usage();
        usage.bytes + bytes <= usage.usable_bytes && bytes + self.options.min_free_bytes <= usage.free_bytes
    }

    /// Makes room for `bytes` of records of `class`, by policy: what is dead goes first, then what
    /// is kept for a replay, then the oldest records of the least important class.
    ///
    /// # Errors
    /// What the file system says while room is being made.
    pub fn make_room(&mut self, class: &str, bytes: u64) -> io::Result<Room> {
        if self.fits(bytes) {
            return Ok(Room::Yes);
        }
        self.free_bytes.set(None);
        let policy = self.options.class(class);
        // Each round ends or frees a segment's records at least.
        for _ in 0..100_000 {
            self.reclaim(true)?;
            while !self.fits(bytes) && self.drop_aside() {}
            while !self.fits(bytes) && self.merge()? {
                self.reclaim(true)?;
            }
            if self.fits(bytes) {
                return Ok(Room::Yes);
            }
            let Some(victim) = self.victim(class, &policy) else { break };
            if self.shed_oldest(&victim) == 0 {
                break;
            }
            self.flush_marks()?;
        }
        Ok(match policy.when_full {
            WhenFull::ShedOldest => Room::Shed,
            WhenFull::RefuseNewest => Room::Refuse,
        })
    }

    /// The class whose oldest records give way to a new one of `class`.
    fn victim(&self, class: &str, policy: &ClassPolicy) -> Option<String> {
        let state = self.shared.state();
        let mut live: BTreeMap<&str, u64> = BTreeMap::new();
        for segment in &state.segments {
            for run in &segment.runs {
                let Some(lane) = state.lane(run.lane).filter(|lane| !lane.is_input()) else { continue };
                *live.entry(&lane.class).or_default() += segment.bytes_of(lane.live_in(run.first, run.end));
            }
        }
        let gives_way = |(name, bytes): &(&&str, &u64)| {
            let of = self.options.class(name);
            let mine = **name == class;
            **bytes > 0
                && of.when_full == WhenFull::ShedOldest
                && of.priority >= policy.priority
                && (mine || **bytes > of.share_bytes)
        };
        let least = live.iter().filter(gives_way).max_by_key(|(name, _)| self.options.class(name).priority);
        least.map(|(name, _)| (**name).to_owned())
    }

    /// Sheds the records of `class` in the oldest segment that has any. Returns how many.
    fn shed_oldest(&mut self, class: &str) -> u64 {
        self.end_oldest(class, Fate::Shed, |_| true)
    }

    fn end_oldest(&mut self, class: &str, fate: Fate, which: impl Fn(&Segment) -> bool) -> u64 {
        let runs = {
            let state = self.shared.state();
            let of_class = |lane: u16| state.lane(lane).is_some_and(|lane| lane.class == class);
            let live = |segment: &&Segment| {
                which(segment)
                    && segment.runs.iter().any(|run| {
                        of_class(run.lane)
                            && state.lanes[usize::from(run.lane)].live_in(run.first, run.end) > 0
                    })
            };
            let Some(segment) = state.segments.iter().find(live) else { return 0 };
            segment.runs.iter().filter(|run| of_class(run.lane)).copied().collect::<Vec<_>>()
        };
        runs.into_iter().map(|run| self.end(run.lane, run.first..run.end, fate)).sum()
    }

    /// Ends what is older than its class's time to live, by whole segments; a reader ends the
    /// rest when it meets it. Returns how many records.
    pub fn expire(&mut self) -> u64 {
        let mut expired = 0;
        let limits: Vec<(String, u64)> = self
            .options
            .classes
            .iter()
            .filter_map(|(name, policy)| Some((name.clone(), policy.ttl_ms?)))
            .collect();
        for (class, ttl_ms) in limits {
            let Some(before_ms) = self.now_ms.checked_sub(ttl_ms) else { continue };
            loop {
                let ended =
                    self.end_oldest(&class, Fate::Expired, |segment| segment.newest_at_ms < before_ms);
                if ended == 0 {
                    break;
                }
                expired += ended;
            }
        }
        expired
    }

    /// Removes segments in which nothing is pending. What ended must be in the log before its
    /// records go, or a crash would bring them back as damaged.
    ///
    /// # Errors
    /// What the file system says while the log is brought up to date.
    pub fn reclaim(&mut self, pressed: bool) -> io::Result<()> {
        let dead = |store: &Store| -> Vec<Segment> {
            let state = store.shared.state();
            // The newest has the books; right after a start nothing is written behind it yet.
            let sealed = state.segments.len().saturating_sub(1);
            let keep = store.options.keep_delivered_ms;
            let kept = |segment: &Segment| {
                !pressed && keep > 0 && segment.newest_at_ms + keep > store.now_ms && !segment.runs.is_empty()
            };
            let dead = |segment: &&Segment| state.live(segment) == 0 && !kept(segment);
            state.segments[..sealed].iter().filter(dead).cloned().collect()
        };
        if dead(self).is_empty() {
            return Ok(());
        }
        if self.has_pending() {
            self.flush_marks_somehow()?;
        }
        self.free_bytes.set(None);
        for segment in dead(self) {
            // A name that is gone already is as good.
            match self.disk.remove(&segment.name()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => self.shared.state().segments.retain(|known| known.file != segment.file),
            }
        }
        Ok(())
    }

    /// Removes the oldest file that was set aside. True when there was one.
    fn drop_aside(&mut self) -> bool {
        if self.aside_bytes == 0 {
            return false;
        }
        let Ok(files) = self.disk.list() else { return false };
        let mut aside: Vec<_> = files.into_iter().filter(|(name, _)| name.starts_with(ASIDE)).collect();
        aside.sort();
        let Some((name, bytes)) = aside.first() else {
            self.aside_bytes = 0;
            return false;
        };
        if self.disk.remove(name).is_err() {
            return false;
        }
        self.free_bytes.set(None);
        self.aside_bytes = self.aside_bytes.saturating_sub(on_disk(*bytes));
        true
    }

    /// Writes the pending records of sparse neighbours into one segment that takes their place,
    /// where that frees at least half of their bytes. True when something was merged.
    ///
    /// # Errors
    /// What the file system says.
    pub fn merge(&mut self) -> io::Result<bool> {
        let Some(sparse) = self.sparse_neighbours() else { return Ok(false) };
        self.rewrite(&sparse)?;
        Ok(true)
    }

    fn sparse_neighbours(&self) -> Option<Vec<Segment>> {
        let state = self.shared.state();
        let sealed = state.segments.len() - usize::from(self.active.is_some()).min(state.segments.len());
        let sealed = &state.segments[..sealed];
        let live: Vec<u64> = sealed.iter().map(|segment| state.live_bytes(segment)).collect();
        let mut best: Option<(u64, std::ops::Range<usize>)> = None;
        for begin in 0..sealed.len() {
            let (mut bytes, mut kept) = (0, 0);
            for end in begin + 1..=sealed.len() {
                bytes += on_disk(sealed[end - 1].bytes);
                kept += live[end - 1];
                if kept > self.options.segment_bytes * 3 / 4 {
                    break;
                }
                let freed = bytes.saturating_sub(on_disk(kept) + 4096);
                if freed * 2 >= bytes && freed > 0 && best.as_ref().is_none_or(|(most, _)| freed > *most) {
                    best = Some((freed, begin..end));
                }
            }
        }
        best.map(|(_, range)| sealed[range].to_vec())
    }

    /// Takes names that recovery would take for something else out of the way of a new file.
    pub(super) fn next_file(&mut self) -> u64 {
        let mut state = self.shared.state();
        let file = state.next_file;
        state.next_file += 1;
        file
    }
}

/// Bytes and files of the folder as they are, for tools.
pub fn folder_bytes(files: &[(String, u64)], state: &State) -> u64 {
    // A segment's length is set before it is written: what counts is what the state knows.
    let other = |name: &str| {
        name.starts_with(ASIDE)
            || (parse_name(name).is_some() && !state.segments.iter().any(|segment| segment.name() == name))
    };
    let bytes: u64 = files.iter().filter(|(name, _)| other(name)).map(|(_, bytes)| on_disk(*bytes)).sum();
    bytes + state.disk_bytes() + FOLDER_BYTES
}
