//! Journaled inputs that end with a batch: in the same frame as their outcome, and not before it.

use super::{
    books::Fate,
    state::State,
    store::{Batch, Store},
};

/// What a frame settled and ended that was open before it.
#[derive(Debug, Default)]
pub(super) struct InputEnds {
    settled: Vec<(u16, u64)>,
    ended: Vec<(u16, u64)>,
}

impl Store {
    /// Applies the ends of a batch whose records have their sequences; the marks go into its frame.
    pub(super) fn end_inputs(&mut self, batch: &Batch) -> InputEnds {
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
}

impl InputEnds {
    /// As if the frame had not been: for a head that is written before it.
    pub fn take_back(&self, state: &mut State) {
        for (lane, sequence) in &self.settled {
            if let Some(of) = state.lane_mut(*lane) {
                of.settled.remove(*sequence..*sequence + 1);
            }
        }
        for (lane, sequence) in &self.ended {
            if let Some(of) = state.lane_mut(*lane) {
                let ended = of.done.remove(*sequence..*sequence + 1);
                of.books.ended[Fate::Delivered as usize] -= ended;
            }
        }
    }
}
