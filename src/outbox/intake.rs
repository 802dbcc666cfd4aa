//! What goes into a commit: outcomes, inputs that take long, and what there is no room for.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    handle::{Outcome, Submission},
    input::{Input, Stage},
    store::{Record, Room},
    writer::{Commit, Writer},
};
use edgeward_core::domain::WhenFull;

impl Writer {
    /// Puts a submission into the commit, or holds it back.
    pub(super) fn admit(&mut self, submission: Submission, commit: &mut Commit) {
        let lanes = self.pipelines[usize::from(submission.pipeline)].clone();
        if self.stuck.is_some() {
            // Sequences behind those that wait are not given.
            self.held.push(submission);
            return;
        }
        let mut stored = vec![true; self.options.classes.len()];
        for (at, class) in self.options.classes.clone().iter().enumerate() {
            let of_class = submission.results.iter().filter(|result| usize::from(result.class) == at);
            let bytes: u64 = of_class.map(|result| result.payload.len() as u64 + 16).sum();
            if bytes == 0 {
                continue;
            }
            match self.room(&class.name, bytes + commit.bytes as u64) {
                Room::Yes => {}
                Room::Shed => stored[at] = false,
                Room::Refuse => {
                    self.held.push(submission);
                    return;
                }
            }
        }
        commit.taken_bytes += submission.bytes();
        let Submission { results, units, settled, kept, released, numbers, tickets, memories, .. } =
            submission;
        for Outcome { class, payload, envelope } in results {
            let lane = lanes.classes[usize::from(class)];
            if stored[usize::from(class)] {
                commit.bytes += payload.len() + 16;
                commit.batch.records.push(Record { lane, payload, envelope });
                let policy = &self.options.classes[usize::from(class)].policy;
                commit.refuses |= policy.when_full == WhenFull::RefuseNewest;
            } else {
                self.store.count_shed(lane, 1);
            }
        }
        commit.batch.units.push((lanes.pipeline, units));
        commit.tickets.extend(tickets);
        for input in settled {
            let is_kept = kept.iter().any(|other| Arc::ptr_eq(other, &input));
            commit.tickets.extend(input.take_ticket());
            match (input.stage(), is_kept) {
                (Stage::Journaled(sequence), kept) => {
                    commit.batch.settled.push((lanes.input, sequence));
                    if !kept {
                        commit.batch.released.push((lanes.input, sequence));
                    }
                }
                (_, true) => {
                    let sequence = self.next(lanes.input, commit);
                    commit.batch.records.push((lanes.input, Bytes::from(input.keep())).into());
                    commit.batch.settled.push((lanes.input, sequence));
                    commit.journaled.push((input.clone(), sequence));
                }
                _ => {}
            }
            input.forget_payload();
        }
        for input in released {
            if let Stage::Journaled(sequence) = input.stage() {
                commit.batch.released.push((lanes.input, sequence));
            } else if let Some((_, sequence)) =
                commit.journaled.iter().find(|(known, _)| Arc::ptr_eq(known, &input))
            {
                commit.batch.released.push((lanes.input, *sequence));
            }
        }
        let numbers = numbers.into_iter().map(|(source, number)| (lanes.pipeline, source, number));
        commit.batch.numbers.extend(numbers);
        let memories = memories
            .into_iter()
            .map(|(definition, source, memory)| (lanes.pipeline, definition, source, memory));
        commit.batch.memories.extend(memories);
    }

    /// The sequence the lane's next record will have.
    pub(super) fn next(&self, lane: u16, commit: &Commit) -> u64 {
        let first = self.store.next_of(lane);
        first + commit.batch.records.iter().filter(|record| record.lane == lane).count() as u64
    }

    /// Puts an input that takes long into the commit.
    pub(super) fn journal(&mut self, input: Arc<Input>, commit: &mut Commit) {
        let lanes = self.pipelines[usize::from(input.pipeline)].clone();
        let bytes = input.payload_bytes() as u64 + 64;
        if self.room(super::store::INPUT_CLASS, bytes + commit.bytes as u64) != Room::Yes {
            // Not acknowledged before its outcome is stored, then.
            self.not_journaled(input);
            return;
        }
        let Some(entry) = input.begin_journal() else { return };
        let sequence = self.next(lanes.input, commit);
        commit.bytes += entry.len();
        commit.batch.records.push((lanes.input, Bytes::from(entry)).into());
        commit.batch.arrived.push((lanes.pipeline, u64::from(!input.is_counted())));
        commit.journaled.push((input, sequence));
        self.journaled += 1;
    }

    pub(super) fn room(&mut self, class: &str, bytes: u64) -> Room {
        if self.retry_at.is_some() {
            return self.policy(class);
        }
        match self.store.make_room(class, bytes) {
            Ok(room) => {
                if room != Room::Yes {
                    self.note_room();
                }
                room
            }
            Err(error) => {
                self.trouble(&error);
                self.policy(class)
            }
        }
    }

    /// What a class's policy says when nothing can be stored.
    pub(super) fn policy(&self, class: &str) -> Room {
        let of = self.options.classes.iter().find(|known| known.name == class);
        match of.map(|class| class.policy.when_full) {
            Some(WhenFull::RefuseNewest) => Room::Refuse,
            Some(WhenFull::ShedOldest) | None => Room::Shed,
        }
    }
}
