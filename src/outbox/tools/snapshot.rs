//! An outbox as its files were at one moment, also while a daemon writes them.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use super::{ToolError, names, time::Clock};
use crate::store::{
    Damage, Lane, Recovery, Segment, State,
    disk::{Disk, Folder},
    read_outbox,
};

/// As the lock calls it.
const LOCK_FILE: &str = "lock";

/// How often an outbox is looked at again before what is missing counts as missing.
const LOOKS: usize = 5;

/// What an outbox held at one moment.
#[derive(Clone)]
pub struct Snapshot {
    pub dir: PathBuf,
    pub disk: Arc<dyn Disk>,
    pub id: [u8; 8],
    pub state: State,
    pub recovery: Recovery,
}

impl Snapshot {
    /// Reads the outbox in `dir`; changes nothing.
    ///
    /// # Errors
    /// [`ToolError::NoOutbox`], or a folder or format that can't be read.
    pub fn read(dir: &std::path::Path) -> Result<Snapshot, ToolError> {
        Snapshot::of(Arc::new(Folder::new(dir)), dir)
    }

    pub(crate) fn of(disk: Arc<dyn Disk>, dir: &std::path::Path) -> Result<Snapshot, ToolError> {
        let mut last: Option<Snapshot> = None;
        let mut nothing = ToolError::NoOutbox(dir.to_owned());
        for _ in 0..LOOKS {
            let opened = |source| ToolError::Open { dir: dir.to_owned(), source };
            let Some(reading) = read_outbox(disk.as_ref()).map_err(opened)? else {
                let files = disk.list().map_err(ToolError::io("list", dir))?;
                if files.iter().any(|(name, _)| name == LOCK_FILE) && files.len() == 1 {
                    // A daemon was here, and has had nothing to store.
                    let (state, recovery) = (State::default(), Recovery::default());
                    return Ok(Snapshot { dir: dir.to_owned(), disk, id: [0; 8], state, recovery });
                }
                continue;
            };
            // The only file there was may just be about to be replaced: look again.
            if !reading.recovery.unreadable.is_empty() {
                let files = reading.recovery.unreadable.join(", ");
                nothing = ToolError::Unreadable { dir: dir.to_owned(), files };
            }
            if reading.recovery.created {
                continue;
            }
            let mut recovery = reading.recovery;
            // The folder is listed before its newest file is read: a file that was delivered and
            // removed in between looks like a loss, once. A loss is there every time.
            let settled = recovery.damage.is_empty();
            if let Some(before) = &last {
                recovery.damage.retain(|damage| before.recovery.damage.contains(damage));
            }
            let settled =
                settled || last.as_ref().is_some_and(|last| last.recovery.damage == recovery.damage);
            let snapshot = Snapshot {
                dir: dir.to_owned(),
                disk: disk.clone(),
                id: reading.id,
                state: reading.state,
                recovery,
            };
            if settled {
                return Ok(snapshot);
            }
            last = Some(snapshot);
        }
        last.ok_or(nothing)
    }

    /// Wall-clock times of its records.
    pub fn clock(&self) -> Clock {
        Clock::new(self.disk.as_ref(), self.id, &self.state)
    }

    /// A lane's pipeline and class.
    pub fn names(&self, lane: &Lane) -> (String, String) {
        names(&self.state, lane)
    }

    /// Lanes by number, with pipeline and class.
    pub fn lanes(&self) -> impl Iterator<Item = (u16, &Lane, String, String)> {
        (0u16..).zip(&self.state.lanes).map(|(at, lane)| {
            let (pipeline, class) = self.names(lane);
            (at, lane, pipeline, class)
        })
    }

    /// Segments with a record for which `wanted` holds, in the log's order.
    pub(super) fn segments_of(&self, wanted: impl Fn(u16, u64, u64) -> bool) -> Vec<Segment> {
        let holds = |segment: &&Segment| segment.runs.iter().any(|run| wanted(run.lane, run.first, run.end));
        self.state.segments.iter().filter(holds).cloned().collect()
    }

    /// What was found lost, by file.
    pub fn damage(&self) -> BTreeMap<&str, Vec<&Damage>> {
        let mut by_file: BTreeMap<&str, Vec<&Damage>> = BTreeMap::new();
        for damage in &self.recovery.damage {
            by_file.entry(&damage.file).or_default().push(damage);
        }
        by_file
    }
}
