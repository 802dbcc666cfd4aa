//! Journaled inputs that end with a batch: in the same frame as their outcome, and not before it.

use super::{
    books::Fate,
    state::{Mark, State},
};

/// What a frame settled and ended that was open before it.
#[derive(Debug, Default)]
pub(super) struct InputEnds {
    pub settled: Vec<(u16, u64)>,
    pub ended: Vec<(u16, u64)>,
}

impl InputEnds {
    /// The ends of those inputs.
    pub fn of(&self, which: impl Fn(u16, u64) -> bool) -> InputEnds {
        let of = |ends: &[(u16, u64)]| ends.iter().copied().filter(|(lane, at)| which(*lane, *at)).collect();
        InputEnds { settled: of(&self.settled), ended: of(&self.ended) }
    }

    pub fn is_empty(&self) -> bool {
        self.settled.is_empty() && self.ended.is_empty()
    }

    pub fn extend(&mut self, more: InputEnds) {
        self.settled.extend(more.settled);
        self.ended.extend(more.ended);
    }

    /// As the log has them.
    pub fn marks(&self) -> impl Iterator<Item = Mark> + '_ {
        let settled = self.settled.iter().map(|&(lane, first)| Mark::Settled { lane, first, count: 1 });
        let fate = Fate::Delivered;
        let ended = self.ended.iter().map(move |&(lane, first)| Mark::Done { lane, first, count: 1, fate });
        settled.chain(ended)
    }

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
