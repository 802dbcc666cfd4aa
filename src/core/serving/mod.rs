//! The loop of a thread that scores: it takes the messages that wait, scores them as one batch and gives every
//! outcome back.
//!
//! The daemon's workers run it, and a service can: the same code, hence the same bits. One trait stands for
//! whoever has the messages, and not a source and a sink, because the two share what they know of a message (its
//! ticket, its place in a journal), and would otherwise share it behind a lock.
//!
//! The scorer isolates a panic of the model to its row. Anything else that panics unwinds through here: the
//! batch in work is the caller's own vector, so that it can still say what became of each message.

use std::time::{Duration, Instant};

use crate::scoring::{Message, Scorer, Settled};

#[cfg(test)]
mod tests;

/// Whoever brings messages and takes their outcomes.
pub trait Client {
    /// A message that waits to be scored.
    type Job;

    /// Waits for messages and adds those of one batch to `jobs`, which is empty. False when no more will come.
    fn take(&mut self, jobs: &mut Vec<Self::Job>) -> bool;

    /// A message as the scorer takes it. `token` names it to whatever remembers readings.
    fn message<'j>(&self, job: &'j Self::Job, token: u64) -> Message<'j>;

    /// A unit of `jobs[settled.message]` was settled.
    fn settle(&mut self, jobs: &[Self::Job], settled: &Settled<'_>);

    /// Everything in `jobs` was settled, or rests in a window. Leaves `jobs` empty.
    fn finish(&mut self, scorer: &mut Scorer, jobs: &mut Vec<Self::Job>, batch: &Batch);
}

/// What is to be known of a batch beside its outcomes.
#[derive(Debug, Clone, Copy)]
pub struct Batch {
    /// Of its first message; the others follow.
    pub first_token: u64,
    /// Units beyond one a message, without those of replayed messages.
    pub more_units: u64,
    pub took: Duration,
}

/// The loop, with what it keeps from one batch to the next.
#[derive(Debug)]
pub struct Server {
    /// Of the next message.
    token: u64,
}

impl Default for Server {
    fn default() -> Self {
        Server { token: 1 }
    }
}

impl Server {
    /// Serves until no more comes. `jobs` is empty, and is again at the end; after a panic it has what was in work.
    pub fn serve<C: Client>(&mut self, scorer: &mut Scorer, client: &mut C, jobs: &mut Vec<C::Job>) {
        while client.take(jobs) {
            self.score(scorer, client, jobs);
        }
    }

    /// Scores one batch.
    pub fn score<C: Client>(&mut self, scorer: &mut Scorer, client: &mut C, jobs: &mut Vec<C::Job>) {
        let (begin, first_token) = (Instant::now(), self.token);
        self.token += jobs.len() as u64;
        let mut more_units = 0;
        for (index, job) in jobs.iter().enumerate() {
            let message = client.message(job, first_token + index as u64);
            let units = scorer.push(index, &message, &mut |settled| client.settle(jobs, &settled)) as u64;
            if !message.replayed {
                // The message itself counts as one.
                more_units += units.saturating_sub(1);
            }
        }
        scorer.flush(&mut |settled| client.settle(jobs, &settled));
        client.finish(scorer, jobs, &Batch { first_token, more_units, took: begin.elapsed() });
    }
}
