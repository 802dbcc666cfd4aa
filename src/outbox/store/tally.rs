//! Counting without writing: what could not be stored, and what senders numbered.

use super::{
    books::{Fate, UnitBooks},
    ranges::RangeSet,
    state::{Mark, Sender},
    store::Store,
};

/// A sender's gaps beyond this many are closed from the oldest on.
const MOST_PIECES: usize = 64;
/// Senders beyond this many are not followed.
const MOST_SENDERS: usize = 10_000;

impl Store {
    /// Results that were made and could not be stored. They have no sequences.
    pub fn count_shed(&mut self, lane: u16, results: u64) {
        let mut state = self.shared.state();
        let Some(of) = state.lane_mut(lane) else { return };
        of.books.made += results;
        of.books.ended[Fate::Shed as usize] += results;
        drop(state);
        self.touch_lane(lane);
    }

    /// Units whose outcome is stored with the next frame.
    pub fn count_units(&mut self, pipeline: u16, units: &UnitBooks) {
        self.shared.state().pipelines[usize::from(pipeline)].units.add(units);
        self.touch_pipeline(pipeline);
    }

    /// A sender numbered its message.
    pub fn count_number(&mut self, pipeline: u16, source: &str, number: u64) {
        let mut state = self.shared.state();
        let of = |sender: &Sender| sender.pipeline == pipeline && sender.source == source;
        let at = match state.senders.iter().position(of) {
            Some(at) => at,
            None if state.senders.len() >= MOST_SENDERS => return,
            None => {
                state.senders.push(Sender { pipeline, source: source.to_owned(), ..Sender::default() });
                state.senders.len() - 1
            }
        };
        let sender = &mut state.senders[at];
        if number == u64::MAX || sender.numbers.insert(number..number + 1) == 0 {
            sender.repeated += 1;
        }
        while sender.numbers.pieces() > MOST_PIECES {
            close_oldest_gap(&mut sender.numbers);
        }
        let mark = Mark::Sender {
            pipeline,
            source: source.to_owned(),
            numbers: sender.numbers.clone(),
            repeated: sender.repeated,
        };
        drop(state);
        let same = |known: &Mark| matches!(known, Mark::Sender { pipeline: p, source: s, .. } if *p == pipeline && s == source);
        match self.pending.iter_mut().rev().take(64).find(|known| same(known)) {
            Some(known) => *known = mark,
            None => self.pending.push(mark),
        }
    }
}

fn close_oldest_gap(numbers: &mut RangeSet) {
    let mut ranges = numbers.ranges();
    if let (Some(first), Some(second)) = (ranges.next(), ranges.next()) {
        drop(ranges);
        numbers.insert(first.end..second.start);
    }
}
