//! A worker's life: it scores until no more comes, and after a death begins again, or only sheds.
//!
//! What a death leaves behind: the messages that were in work are rejected as `worker_died`, the half-made
//! outcomes of their batch are thrown away, and what sources remembered is read back from the journal, where
//! there is one. Those messages are not scored again: what kills a thread once may kill it at every attempt.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering,
    time::Instant,
};

use super::{
    queue::Job,
    supervise::{DEATHS_WITHIN, Deaths, MOST_DEATHS, words},
    worker::{Counts, Work, acknowledge},
};
use crate::mqtt::Receipt;
use edgeward_core::{
    domain::{Reason, ShedPolicy},
    scoring::Scorer,
    serving::{Client, Server},
};

impl Work {
    /// Until the queue is closed and empty, or what is queued is let go.
    pub fn live(&mut self) {
        let mut scorer = None;
        let (mut server, mut jobs, mut deaths) = (Server::default(), Vec::new(), Deaths::default());
        // At the start the journal itself is read from its beginning.
        let (mut has_died, mut unburied) = (false, false);
        loop {
            // All that a life does stands in here: nothing of it ends the thread.
            let lived = catch_unwind(AssertUnwindSafe(|| {
                if std::mem::take(&mut unburied) {
                    self.bury(&mut jobs);
                }
                if self.signals.closed.load(Ordering::Acquire) {
                    return self.shed(&mut jobs);
                }
                let scorer = scorer.insert((self.parts.scorer)());
                self.recall(scorer);
                if has_died {
                    self.replay(&mut server, scorer, &mut jobs);
                }
                server.serve(scorer, self, &mut jobs);
            }));
            let Err(panic) = lived else { return };
            self.parts.stats.worker_died();
            if std::mem::replace(&mut has_died, true) && self.counts.unburied {
                // It died burying: whoever sent these is not answered, and sends them again.
                jobs.clear();
            }
            unburied = true;
            let (pipeline, panic) = (self.parts.name.as_str(), words(&*panic));
            if self.signals.closed.load(Ordering::Acquire) {
                tracing::error!(pipeline, panic, "the pipeline's thread died shedding");
                self.parts.queue.pause(deaths.pause());
            } else if let Some(pause) = deaths.died(Instant::now()) {
                let pause_ms = pause.as_millis() as u64;
                tracing::error!(pipeline, panic, pause_ms, "the pipeline's thread died and is begun again");
                self.parts.queue.pause(pause);
            } else {
                self.signals.closed.store(true, Ordering::Release);
                let within_secs = DEATHS_WITHIN.as_secs();
                tracing::error!(
                    pipeline,
                    panic,
                    deaths = MOST_DEATHS,
                    within_secs,
                    "the pipeline's thread died too often: its messages are shed from now on"
                );
            }
        }
    }

    /// Says what became of the messages of a batch that died.
    fn bury(&mut self, jobs: &mut Vec<Job>) {
        self.counts.unburied = true;
        // What they were to publish is gone; nobody waits for it.
        if self.counts.done {
            self.parts.stats.verdicts_dropped(self.publishes.len() as u64);
        }
        for publish in self.publishes.drain(..) {
            if let Some(Receipt::Input(ticket)) = publish.receipt {
                ticket.done();
            }
        }
        if !self.counts.done {
            let died = jobs.iter().filter(|job| !job.settled_before).count() as u64;
            self.parts.stats.reject_units(Reason::WorkerDied, died);
            if let Some(durable) = &mut self.parts.durable {
                durable.bury(jobs);
            }
        }
        acknowledge(jobs);
        (self.evicted, self.panics, self.counts) = (0, 0, Counts::default());
    }

    /// What the scorer's sources knew when the last batch was stored.
    fn recall(&mut self, scorer: &mut Scorer) {
        if let Some(durable) = &self.parts.durable {
            durable.recall(&self.parts.name, scorer);
        }
    }

    /// Reads back the messages that windows and last known values of the new scorer rest on.
    fn replay(&mut self, server: &mut Server, scorer: &mut Scorer, jobs: &mut Vec<Job>) {
        let max_batch = self.parts.max_batch;
        let name = self.parts.name.clone();
        let replay = self.parts.durable.as_mut().and_then(|durable| durable.replay(&name));
        let Some(mut replay) = replay else { return };
        loop {
            let settled = std::iter::from_fn(|| replay.next(&name));
            jobs.extend(settled.take(max_batch).map(Job::read_back));
            if jobs.is_empty() {
                return;
            }
            server.score(scorer, self, jobs);
        }
    }

    /// Lets go of everything that comes, counted.
    fn shed(&mut self, jobs: &mut Vec<Job>) {
        while self.take(jobs) {
            let shed = jobs.iter().filter(|job| !job.settled_before).count() as u64;
            self.parts.stats.shed(shed, ShedPolicy::PipelineClosed);
            if let Some(durable) = &mut self.parts.durable {
                durable.shed(jobs, ShedPolicy::PipelineClosed);
            }
            self.counts.done = true;
            let (messages, bytes) = self.parts.queue.len();
            self.parts.stats.set_queue(messages as u64, bytes as u64);
            acknowledge(jobs);
        }
    }
}
