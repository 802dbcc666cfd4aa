//! What was committed and is not known to be durable. It is kept as what it says, not as bytes: where it is
//! written again, other counters are true.

use std::collections::BTreeSet;

use super::{
    batch::Record,
    books::{Fate, UnitBooks},
    directory::{Directory, Run},
    frame::FrameBuilder,
    inputs::InputEnds,
    memories::{Definition, Undo},
    state::{Import, Mark, State},
};

/// A frame that is not known to be durable.
#[derive(Default)]
pub(super) struct Unsynced {
    pub at_ms: u64,
    pub records: Vec<Record>,
    pub runs: Vec<Run>,
    /// Without books: those are as they are when it is written.
    pub marks: Vec<Mark>,
    /// Whose books it carries.
    pub pipelines: BTreeSet<u16>,
    pub lanes: BTreeSet<u16>,
    pub units: Vec<(u16, UnitBooks)>,
    /// Units received with the inputs among its records, by pipeline.
    pub arrived: Vec<(u16, u64)>,
    /// Inputs that end with it.
    pub inputs: InputEnds,
    /// What its memories took the place of, by pipeline.
    pub memories: Vec<(u16, Undo)>,
    /// Its records come from this file of another outbox.
    pub imported: Option<[u8; 32]>,
    /// Whoever committed it was told that it is in the log.
    pub accepted: bool,
    /// It stands in the active file.
    pub written: bool,
}

impl Unsynced {
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.marks.is_empty() && self.pipelines.is_empty() && self.lanes.is_empty()
    }

    /// Puts it into `builder`, with the books of `state`.
    pub fn encode(&self, state: &State, builder: &mut FrameBuilder) {
        builder.clear();
        let mut next: Vec<(u16, u64)> = self.runs.iter().map(|run| (run.lane, run.first)).collect();
        for Record { lane, payload, envelope } in &self.records {
            let Some((_, sequence)) = next.iter_mut().find(|(of, _)| of == lane) else { continue };
            builder.record(*lane, *sequence, payload, envelope.as_deref());
            *sequence += 1;
        }
        self.marks.iter().for_each(|mark| builder.mark(mark));
        for pipeline in &self.pipelines {
            let Some(of) = state.pipelines.get(usize::from(*pipeline)) else { continue };
            builder.mark(&Mark::Units { pipeline: *pipeline, books: of.units.clone() });
        }
        for lane in &self.lanes {
            let Some(of) = state.lane(*lane) else { continue };
            builder.mark(&Mark::Results { lane: *lane, books: of.books });
        }
    }

    /// What a segment notes of it.
    pub fn directory(&self) -> Directory {
        Directory { at_ms: self.at_ms, runs: self.runs.clone(), ..Directory::default() }
    }

    /// Whether one of its records this is.
    pub fn has(&self, lane: u16, sequence: u64) -> bool {
        self.runs.iter().any(|run| run.lane == lane && run.range().contains(&sequence))
    }

    /// As if it had not been. Of several frames the newest first.
    pub fn take_back(&self, state: &mut State) {
        for run in &self.runs {
            let Some(lane) = state.lane_mut(run.lane) else { continue };
            // Not less its count: the sequences of later frames may have been given up.
            lane.next = run.first;
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
        self.take_back_arrived(state);
        for (pipeline, undo) in self.memories.iter().rev() {
            state.pipelines[usize::from(*pipeline)].memories.undo(undo);
        }
        self.inputs.take_back(state);
    }

    /// A later frame remembers something else of this source, or of the whole pipeline.
    pub fn forget_memory(&mut self, of: u16, newest: Definition, name: &str) {
        self.marks.retain(|mark| match mark {
            Mark::Remembered { pipeline, definition, source, .. } if *pipeline == of => {
                *definition == newest && source != name
            }
            _ => true,
        });
        let of_pipeline = self.memories.iter_mut().filter(|(pipeline, _)| *pipeline == of);
        of_pipeline.for_each(|(_, undo)| undo.forget(name));
    }

    fn take_back_arrived(&self, state: &mut State) {
        for (pipeline, received) in &self.arrived {
            let units = &mut state.pipelines[usize::from(*pipeline)].units;
            units.received = units.received.saturating_sub(*received);
        }
    }

    /// Lets go of its records and leaves all else as it is. Their sequences are given again: nobody has seen
    /// them. Results count as shed; inputs are only not journaled, and don't count.
    pub fn let_go(&self, state: &mut State) {
        for run in &self.runs {
            let Some(lane) = state.lane_mut(run.lane) else { continue };
            lane.next = run.first;
            if lane.is_input() {
                lane.settled.remove(run.range());
                let ended = lane.done.remove(run.range());
                lane.books.ended[Fate::Delivered as usize] -= ended;
                lane.books.made = lane.books.made.saturating_sub(u64::from(run.count));
            } else {
                lane.books.ended[Fate::Shed as usize] += u64::from(run.count);
            }
        }
        self.take_back_arrived(state);
    }
}
